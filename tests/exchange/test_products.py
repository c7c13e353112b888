"""Files of other products, each in the form its own program writes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.intake import read_bytes, read_file
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, Reading

DEFAULTS = MonitorSettings()


def read(text: str, kind: Kind | None = None) -> Reading:
    return read_bytes(text.encode(), DEFAULTS, kind)


def taken(reading: Reading) -> list[Item]:
    return [item for item in reading.items if item.draft is not None]


def only(reading: Reading) -> Item:
    [item] = reading.items
    return item


# ---- Uptime Kuma


def kuma(**values: Any) -> dict[str, Any]:
    """Return a monitor as version 1.23 writes it into its backup."""
    return {
        "id": 1, "name": "Shop", "type": "http", "url": "https://shop.example/", "method": "GET", "hostname": None,
        "port": None, "maxretries": 1, "weight": 2000, "active": True, "interval": 60, "retryInterval": 60,
        "timeout": 24, "keyword": None, "invertKeyword": False, "ignoreTls": False, "upsideDown": False,
        "maxredirects": 10, "accepted_statuscodes": ["200-299"], "body": None, "headers": None, "authMethod": None,
        "basic_auth_user": None, "basic_auth_pass": None, "proxyId": None, "parent": None, "tags": [],
    } | values  # fmt: skip


def backup(*monitors: dict[str, Any]) -> str:
    document = {"version": "1.23.11", "notificationList": [], "monitorList": list(monitors), "proxyList": []}
    return json.dumps(document, indent=4)


def test_kuma_backup_keeps_what_a_monitor_is() -> None:
    reading = read(
        backup(
            kuma(
                type="keyword", keyword="in stock", invertKeyword=True, ignoreTls=True, active=False, interval=30,
                accepted_statuscodes=["200-299", "404"], basic_auth_user="u", basic_auth_pass="geheim",
                tags=[{"tag_id": 1, "name": "env", "value": "prod"}, {"name": "shops, all", "value": ""}],
            )
        )
    )  # fmt: skip
    draft = only(reading).draft
    assert reading.kind is Kind.UPTIME_KUMA
    assert draft is not None
    assert (draft.url, draft.name, draft.is_paused) == ("https://shop.example/", "Shop", True)
    assert draft.tags == ("env: prod", "shops all")
    assert draft.settings == MonitorSettings(
        interval_ms=30_000,
        timeout_ms=24_000,
        status_set=((200, 299), (404, 404)),
        keyword="in stock",
        keyword_absent=True,
        ignore_certificate=True,
        basic_auth="u:geheim",
    )
    assert only(reading).notes == ()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"type": "ping", "hostname": "a.example"}, "the type “ping” yet"),
        ({"type": "dns"}, "“dns”"),
        ({"type": "push", "url": "https://"}, "“push”"),
        ({"upsideDown": True}, "upside down"),
        ({"method": "POST"}, "sends POST"),
        ({"authMethod": "ntlm"}, "“ntlm”"),
    ],
)
def test_kuma_monitor_beyond_us_is_left_out_with_its_reason(values: dict[str, Any], says: str) -> None:
    item = only(read(backup(kuma(**values))))
    assert (item.draft, item.is_wrong) == (None, False)
    assert says in item.reason


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"interval": 2}, "interval of 2 s becomes 5 s"),
        ({"interval": 86_400}, "interval of 24 h becomes 1 h"),
        ({"timeout": 48}, "timeout of 48 s becomes 30 s"),
        ({"headers": '{"X": "1"}'}, "headers are not sent"),
        ({"proxyId": 1}, "proxy is not used"),
        ({"maxredirects": 0}, "Redirects are followed"),
        ({"method": "HEAD"}, "GET is sent instead of HEAD"),
        ({"name": "n" * 300}, "cut off after 200"),
    ],
)
def test_kuma_difference_is_noted(values: dict[str, Any], says: str) -> None:
    item = only(read(backup(kuma(**values))))
    assert item.draft is not None
    assert [note for note in item.notes if says in note]


@pytest.mark.parametrize(
    "values",
    [{"url": None}, {"url": "javascript:x"}, {"interval": "often"}, {"interval": float("nan")}, {"interval": -1},
     {"accepted_statuscodes": ["2xx"]}, {"timeout": [1]}],
)  # fmt: skip
def test_kuma_monitor_that_makes_no_sense_is_wrong_and_the_others_are_read(values: dict[str, Any]) -> None:
    wrong, good = read(backup(kuma(**values), kuma(id=2, url="https://b.example/"))).items
    assert wrong.is_wrong
    assert wrong.reason.endswith(".")
    assert good.draft is not None


def test_kuma_backup_names_lines_and_turns_groups_into_tags() -> None:
    text = backup(kuma(id=7, type="group", name="Customers"), kuma(id=8, parent=7, name="A\x07 \u202eB"))
    [item] = read(text).items
    assert item.line == 1 + text[: text.index('"id": 8')].count("\n") - 1
    assert item.draft is not None
    assert (item.draft.tags, item.draft.name) == (("Customers",), "A B")


SCHEMA = """
CREATE TABLE "monitor" (id INTEGER PRIMARY KEY, name VARCHAR(150), active BOOLEAN DEFAULT 1, user_id INTEGER,
 interval INTEGER DEFAULT 20, url TEXT, type VARCHAR(20), weight INTEGER DEFAULT 2000, hostname VARCHAR(255),
 port INTEGER, created_date DATETIME, keyword VARCHAR(255), maxretries INTEGER DEFAULT 0, ignore_tls BOOLEAN DEFAULT 0,
 upside_down BOOLEAN DEFAULT 0, maxredirects INTEGER DEFAULT 10, accepted_statuscodes_json TEXT DEFAULT '["200-299"]',
 method TEXT DEFAULT 'GET', body TEXT, headers TEXT, basic_auth_user TEXT, basic_auth_pass TEXT, proxy_id INTEGER,
 auth_method VARCHAR(250), timeout DOUBLE DEFAULT 0, invert_keyword BOOLEAN DEFAULT 0, parent INTEGER);
CREATE TABLE tag (id INTEGER PRIMARY KEY, name VARCHAR(255), color VARCHAR(255), created_date DATETIME);
CREATE TABLE monitor_tag (id INTEGER PRIMARY KEY, monitor_id INTEGER, tag_id INTEGER, value TEXT);
INSERT INTO monitor (id, name, url, type, interval) VALUES (1, '=cmd()', 'https://a.example/x', 'http', 20);
INSERT INTO monitor (id, name, url, type, keyword, active, ignore_tls) VALUES
 (2, 'B', 'http://b.example/', 'keyword', 'ok', 0, 1);
INSERT INTO monitor (id, name, hostname, port, type) VALUES (3, 'C', 'c.example', 443, 'port');
INSERT INTO tag (id, name) VALUES (1, 'env');
INSERT INTO monitor_tag (monitor_id, tag_id, value) VALUES (1, 1, 'prod');
"""


@pytest.fixture
def kuma_db(tmp_path: Path) -> Path:
    path = tmp_path / "kuma.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
    return path


def test_kuma_database_is_read_and_left_as_it_was(kuma_db: Path) -> None:
    before = kuma_db.read_bytes()
    first, second, third = read_file(kuma_db, DEFAULTS).items
    assert first.draft is not None
    assert second.draft is not None
    assert (first.draft.name, first.draft.tags, first.draft.settings.interval_ms) == ("=cmd()", ("env: prod",), 20_000)
    # Nothing was set: 80 % of the interval.
    assert first.draft.settings.timeout_ms == 16_000
    assert second.draft.is_paused
    assert (second.draft.settings.keyword, second.draft.settings.ignore_certificate) == ("ok", True)
    assert "“port” yet" in third.reason
    assert kuma_db.read_bytes() == before
    assert [path.name for path in kuma_db.parent.iterdir()] == ["kuma.db"]


def test_kuma_database_in_use_is_read_with_what_is_in_its_log(kuma_db: Path) -> None:
    with closing(sqlite3.connect(kuma_db)) as owner:
        owner.execute("PRAGMA journal_mode = WAL")
        owner.execute("UPDATE monitor SET name = 'Later' WHERE id = 1")
        owner.commit()
        first = read_file(kuma_db, DEFAULTS).items[0]
        assert first.draft is not None
        assert first.draft.name == "Later"


def test_kuma_database_that_is_locked_is_a_sentence(kuma_db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pingmon_gui.exchange.uptime_kuma._BUSY_S", 0.0)
    with closing(sqlite3.connect(kuma_db, isolation_level=None)) as owner:
        owner.execute("PRAGMA journal_mode = DELETE")
        owner.execute("PRAGMA cache_size = 1")
        owner.execute("BEGIN EXCLUSIVE")
        owner.execute("UPDATE monitor SET name = 'Later'")
        with pytest.raises(InvalidInput, match="in use by another program"):
            read_file(kuma_db, DEFAULTS)


@pytest.mark.parametrize("harm", ["cut", "overwritten", "only the start"])
def test_kuma_database_that_is_damaged_is_a_sentence(kuma_db: Path, harm: str) -> None:
    data = bytearray(kuma_db.read_bytes())
    match harm:
        case "cut":
            del data[5_000:]
        case "overwritten":
            data[100:] = b"\xa5" * (len(data) - 100)
        case "only the start":
            del data[16:]
    kuma_db.write_bytes(data)
    with pytest.raises(InvalidInput, match="damaged"):
        read_file(kuma_db, DEFAULTS)


@pytest.mark.parametrize("schema", ["CREATE TABLE other (x)", "CREATE VIEW monitor AS SELECT 1 AS id, 'http' AS type"])
def test_database_of_another_product_is_refused(tmp_path: Path, schema: str) -> None:
    path = tmp_path / "any.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute(schema)
    with pytest.raises(InvalidInput, match="not Uptime Kuma's"):
        read_file(path, DEFAULTS)


def test_database_is_no_list_even_if_asked_for(kuma_db: Path) -> None:
    with pytest.raises(InvalidInput, match="a database"):
        read_file(kuma_db, DEFAULTS, Kind.LIST)


# ---- UptimeRobot

ROBOT = """\
"Type","Friendly Name","URL/IP","Keyword Type","Keyword Value","Interval","Status","HTTP Username","HTTP Password"
HTTP,Shop,https://shop.example,,,300,Up,,
Keyword,"Page, two",https://two.example,Not Exists,"in stock",5 min,Paused,anna,geheim
Keyword,Errors,https://three.example,Exists,Fatal,5,Up,,
Ping,Router,192.0.2.1,,,300,Up,,
HTTP,Bad,no..host,,,300,Up,,
Keyword,None,https://four.example,Exists,,300,Up,,
"""


def test_uptime_robot_csv() -> None:
    reading = read(ROBOT)
    assert reading.kind is Kind.UPTIME_ROBOT
    shop, two, errors, router, bad, none = reading.items
    assert shop.draft is not None
    assert two.draft is not None
    assert errors.draft is not None
    assert (shop.draft.name, shop.draft.settings) == ("Shop", MonitorSettings(interval_ms=300_000))
    assert (two.draft.name, two.draft.is_paused) == ("Page, two", True)
    assert two.draft.settings == MonitorSettings(
        interval_ms=300_000, keyword="in stock", keyword_absent=False, basic_auth="anna:geheim"
    )
    # There “exists” raises the alarm.
    assert (errors.draft.settings.keyword, errors.draft.settings.keyword_absent) == ("Fatal", True)
    assert errors.notes == ("The interval “5” is read as minutes.",)
    assert (router.draft, router.is_wrong) == (None, False)
    assert [(item.line, item.is_wrong) for item in (bad, none)] == [(6, True), (7, True)]


# ---- Gatus

GATUS = """\
x-common: &common
  interval: 3s
  client:
    timeout: 40s
    insecure: true
endpoints:
  - name: front-end
    group: core
    url: "https://a.example/health"
    <<: *common
    conditions:
      - "[STATUS] == any(200, 204)"
      - "[BODY] == pat(*all well*)"
      - "[RESPONSE_TIME] < 300"
      - "[CERTIFICATE_EXPIRATION] > 48h"
  - name: any
    url: https://b.example
    enabled: false
  - name: range
    url: https://c.example
    conditions: ["[STATUS] >= 200", "[STATUS] < 400", "[BODY] != pat(*error*)"]
  - name: dns
    url: "8.8.8.8"
    dns: {query-name: example.com}
  - name: ping
    url: icmp://d.example
  - name: post
    url: https://e.example
    method: POST
  - name: variable
    url: https://${HOST}/
  - name: never
    url: https://f.example
    conditions: ["[STATUS] == 200", "[STATUS] == 201"]
external-endpoints:
  - name: pushed
"""


def test_gatus_endpoints() -> None:
    reading = read(GATUS)
    assert reading.kind is Kind.GATUS
    front, any_, range_, *rest = reading.items
    assert front.draft is not None
    assert any_.draft is not None
    assert range_.draft is not None
    assert (front.line, front.draft.name, front.draft.tags) == (7, "front-end", ("core",))
    assert front.draft.settings == MonitorSettings(
        interval_ms=5_000, timeout_ms=30_000, slow_ms=300, status_set=((200, 200), (204, 204)), keyword="all well",
        ignore_certificate=True,
    )  # fmt: skip
    for said in ("3 s becomes 5 s", "40 s becomes 30 s", "slow here", "EXPIRATION"):
        assert [note for note in front.notes if said in note]
    assert any_.draft.is_paused
    assert any_.draft.settings.status_set == ((100, 599),)
    assert range_.draft.settings.status_set == ((200, 399),)
    assert (range_.draft.settings.keyword, range_.draft.settings.keyword_absent) == ("error", True)
    assert [(item.text, item.draft, item.is_wrong) for item in rest] == [
        ("dns", None, False),
        ("ping", None, False),
        ("post", None, False),
        ("variable", None, False),
        ("never", None, True),
        ("pushed", None, False),
    ]


# ---- Prometheus

PROMETHEUS = """\
global:
  scrape_interval: 1m
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["10.0.0.1:9100"]
  - job_name: sites
    metrics_path: /probe
    scrape_interval: 15s
    params:
      module: [http_2xx]
    static_configs:
      - targets:
          - https://a.example/health
          - b.example
        labels:
          env: prod
    file_sd_configs:
      - files: [targets.json]
    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
  - job_name: pings
    metrics_path: /probe
    params: {module: [icmp]}
    static_configs:
      - targets: [c.example]
"""


def test_prometheus_jobs_through_blackbox() -> None:
    reading = read(PROMETHEUS)
    assert reading.kind is Kind.PROMETHEUS
    node, a, b, ping = reading.items
    assert "not through blackbox_exporter" in node.reason
    assert a.draft is not None
    assert b.draft is not None
    assert (a.line, a.draft.url, a.draft.tags) == (14, "https://a.example/health", ("sites", "prod"))
    assert a.draft.settings.interval_ms == 15_000
    assert (b.line, b.draft.url) == (15, "http://b.example/")
    assert "“icmp” yet" in ping.reason
    assert len(reading.notes) == 1
    assert "file_sd_configs" in reading.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        '[\n{"targets": ["https://a.example", 5],\n\t"labels": {"name": "A", "team": "x"}}]',
        '- targets: ["https://a.example", 5]\n  labels: {name: A, team: x}\n',
    ],
)
def test_prometheus_file_sd(text: str) -> None:
    reading = read(text)
    good, wrong = reading.items
    assert good.draft is not None
    assert (reading.kind, good.draft.name, good.draft.tags) == (Kind.PROMETHEUS, "A", ("x",))
    assert wrong.is_wrong


def test_blackbox_modules_have_no_targets() -> None:
    with pytest.raises(InvalidInput, match="but no targets"):
        read("modules:\n  http_2xx:\n    prober: http\n")


# ---- lists and tables


def test_plain_list_has_errors_by_line() -> None:
    reading = read("# ours\na.example  A\n\nhttps://u:geheim@b.example/\njavascript:x\n[::1]:81/x\n")
    assert reading.kind is Kind.LIST
    assert [(item.line, item.draft is not None) for item in reading.items] == [
        (2, True), (4, True), (5, False), (6, True),
    ]  # fmt: skip
    second = reading.items[1].draft
    assert second is not None
    assert second.settings.basic_auth == "u:geheim"


def test_table_of_nobody_we_know_is_read_by_its_columns() -> None:
    reading = read('Name;Website;Owner\n\n\'=SUM(A1);a.example;Ann\n"two\nlines";b.example;Bob\nc;no..host;\nd;e;f;g\n')
    assert reading.kind is Kind.CSV
    first, second, third, fourth = reading.items
    assert first.draft is not None
    assert (first.draft.name, first.line) == ("=SUM(A1)", 3)
    assert (second.draft is not None, second.line) == (True, 4)
    assert (third.is_wrong, third.line) == (True, 6)
    assert "4 cells" in fourth.reason
    assert "owner" in reading.notes[0]
