"""Uptime Kuma: a backup of version 1.23 and a database of version 2, and what can be wrong with them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pingmon_probe.protocol import MAX_REQUEST_BODY_CHARACTERS

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.intake import read_file
from pingmon_gui.exchange.kind import Kind
from tests.exchange.helper import DEFAULTS, drafts, kuma_database, left_out, notes, only, read, read_true


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
                accepted_statuscodes=["200-299", "404"], authMethod="basic", basic_auth_user="u",
                basic_auth_pass="geheim",
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
        ({"type": "docker"}, "the type “docker”: a container has no address"),
        ({"type": "dns", "hostname": "a.example", "dns_resolve_type": "HINFO"}, "of the type HINFO yet"),
        ({"type": "push", "url": "https://"}, "“push”"),
        ({"upsideDown": True}, "upside down"),
        ({"method": "PROPFIND"}, "sends PROPFIND requests, which Pingmon does not"),
        ({"method": "POST", "body": "x" * (MAX_REQUEST_BODY_CHARACTERS + 1)}, "body is longer than"),
        ({"type": "json-query", "jsonPath": "$count(items)"}, "more than a path: $count(items)."),
        ({"type": "json-query", "jsonPath": "$.a", "jsonPathOperator": "~", "expectedValue": "1"}, "more than a path"),
        ({"authMethod": "ntlm"}, "“ntlm”"),
    ],
)
def test_kuma_monitor_beyond_us_is_left_out_with_its_reason(values: dict[str, Any], says: str) -> None:
    item = only(read(backup(kuma(**values))))
    assert (item.draft, item.is_wrong) == (None, False)
    assert says in item.reason


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"type": "ping", "hostname": "192.0.2.1"}, "icmp://192.0.2.1"),
        ({"type": "ping", "hostname": "2001:db8::1"}, "icmp://[2001:db8::1]"),
        ({"type": "port", "hostname": "mail.example", "port": 993}, "tcp://mail.example:993"),
        (
            {"type": "dns", "hostname": "a.example", "dns_resolve_type": "MX", "dns_resolve_server": "9.9.9.9,1.1.1.1"},
            "dns://a.example?type=MX&server=9.9.9.9",
        ),
        (
            {"type": "dns", "hostname": "a.example", "dns_resolve_server": "2620:fe::fe", "port": 5353},
            "dns://a.example?type=A&server=[2620:fe::fe]:5353",
        ),
    ],
)
def test_kuma_ping_port_and_name_become_what_they_are(values: dict[str, Any], url: str) -> None:
    draft = only(read(backup(kuma(url="https://", interval=30, active=False, tags=[{"name": "net"}], **values)))).draft
    assert draft is not None
    assert (draft.url, draft.name, draft.tags, draft.is_paused) == (url, "Shop", ("net",), True)
    assert (draft.settings.interval_ms, draft.settings.timeout_ms) == (30_000, 24_000)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (
            {"method": "POST", "body": "a=1", "httpBodyEncoding": "form", "headers": '{"X": "1"}'},
            {"method": "POST", "body": "a=1",
             "headers": (("Content-Type", "application/x-www-form-urlencoded"), ("X", "1"))},
        ),
        (
            {"method": "PUT", "body": "<a/>", "headers": '{"content-type": "text/plain"}'},
            {"method": "PUT", "body": "<a/>", "headers": (("content-type", "text/plain"),)},
        ),
        ({"method": "HEAD"}, {"method": "HEAD"}),
        ({"maxredirects": 0, "accepted_statuscodes": ["200-299", "302"]},
         {"no_redirects": True, "status_set": ((200, 299), (302, 302))}),
        ({"headers": '{"Authorization": "Bearer t-0-k"}'}, {"bearer": "t-0-k"}),
        ({"type": "json-query", "jsonPath": "$.db[0].state", "expectedValue": "up"},
         {"json_conditions": ('db[0].state == "up"',)}),
        ({"type": "json-query", "json_path": 'a."b c"', "json_path_operator": ">=", "expected_value": "2.5"},
         {"json_conditions": ('a["b c"] >= 2.5',)}),
    ],
)  # fmt: skip
def test_kuma_request_and_query_are_taken_over(values: dict[str, Any], wanted: dict[str, Any]) -> None:
    draft = only(read(backup(kuma(**values)))).draft
    assert draft is not None
    assert draft.settings == MonitorSettings(interval_ms=60_000, timeout_ms=24_000, **wanted)


@pytest.mark.parametrize(
    ("security", "url", "expect"),
    [
        ("starttls", "tls://mail.example:587?starttls=smtp", None),
        ("secure", "tcp://mail.example:587?tls=yes", "220"),
        ("nostarttls", "tcp://mail.example:587", "220"),
    ],
)
def test_kuma_mail_server_of_version_2(security: str, url: str, expect: str | None) -> None:
    draft = only(read(backup(kuma(type="smtp", hostname="mail.example", port=587, smtp_security=security)))).draft
    assert draft is not None
    assert (draft.url, draft.settings.expect) == (url, expect)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"interval": 2}, "interval of 2 s becomes 5 s"),
        ({"interval": 86_400}, "interval of 24 h becomes 1 h"),
        ({"timeout": 48}, "timeout of 48 s becomes 30 s"),
        ({"headers": '{"Host": "1"}'}, "Headers that are not sent: Host."),
        ({"body": "{}x"}, "Its body is not sent: a GET request has none here."),
        ({"type": "ping", "hostname": "a.example", "packetSize": 1_000}, "Its echoes have their usual size."),
        ({"type": "dns", "hostname": "a.example", "conditions": '[{"a": 1}]'}, "What is answered is not checked."),
        ({"accepted_statuscodes": ["200-399"]}, "so 3xx is not among"),
        ({"proxyId": 1}, "proxy is not used"),
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
     {"accepted_statuscodes": ["2xx"]}, {"timeout": [1]}, {"type": "keyword"}, {"type": "ping"},
     {"type": "port", "hostname": "a.example"}, {"type": "port", "hostname": "a.example", "port": 70_000},
     {"type": "dns", "hostname": "a.example", "dns_resolve_server": "no server"}],
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


@pytest.fixture
def kuma_db(tmp_path: Path) -> Path:
    return kuma_database(tmp_path)


def test_kuma_true_backup_of_version_1() -> None:
    reading = read_true("uptime-kuma-1.23.json")
    found = drafts(reading)
    settings = {name: draft.settings for name, draft in found.items()}
    assert settings["Shop"] == MonitorSettings(interval_ms=30_000, timeout_ms=24_000)
    # Whose group it is in, and its own tags.
    assert found["Shop"].tags == ("env: prod", "critical", "Customers")
    assert (settings["Checkout says ready"].keyword, settings["Checkout says ready"].keyword_absent) == (
        "ready to pay", False,
    )  # fmt: skip
    assert (settings["No error page"].keyword_absent, settings["No error page"].ignore_certificate) == (True, True)
    assert settings["Admin"].basic_auth == "ops:geheim"
    assert settings["Admin"].status_set == ((200, 200), (401, 401))
    # It follows no redirect there, and none here, because a redirect is what is expected.
    assert settings["Old site"].status_set == ((301, 301),)
    assert notes(reading)["Old site"] == ("The timeout of 48 s becomes 30 s, the longest possible.",)
    assert [name for name, draft in found.items() if draft.is_paused] == ["Old site", "Staging shop"]
    assert settings["Old site"].no_redirects
    assert settings["API with key"].headers == (("X-Api-Key", "abc"), ("Accept", "application/json"))
    assert settings["Order API"].method == "POST"
    assert settings["Order API"].body == '{"probe": true}'
    assert settings["Order API"].headers == (("Content-Type", "application/json"),)
    assert settings["Queue depth"].json_conditions == ("depth == 0",)
    assert notes(reading)["API with key"] == (
        "The timeout of 48 s becomes 30 s, the longest possible.",
        "Its description is left out.",
    )
    assert [found[name].url for name in ("Router", "Mail", "Names")] == [
        "icmp://192.0.2.1", "tcp://mail.example:993", "dns://shop.example?type=A&server=1.1.1.1",
    ]  # fmt: skip
    assert left_out(reading) == {
        "Nightly backup": "Pingmon cannot measure the type “push”: it is told from outside, not measured.",
        "Database container": "Pingmon cannot measure the type “docker”: a container has no address.",
        "Single sign-on": "Pingmon cannot log in by “oauth2-cc”.",
    }
    assert reading.notes == ("Left out: 1 notification. Only monitors are taken over.",)


def test_kuma_true_database_of_version_2_is_read_and_left_as_it_was(kuma_db: Path) -> None:
    before = kuma_db.read_bytes()
    reading = read_file(kuma_db, DEFAULTS)
    found = drafts(reading)
    settings = {name: draft.settings for name, draft in found.items()}
    # Nothing was set: 80 % of the interval.
    assert settings["Shop"] == MonitorSettings(interval_ms=20_000, timeout_ms=16_000, family=4)
    assert found["Shop"].tags == ("env: prod", "Customers")
    assert settings["Staging shop"].status_set == ((200, 299), (404, 404))
    # Its group is off, and so is it.
    assert [name for name, draft in found.items() if draft.is_paused] == ["Staging shop", "No error"]
    logins = {name: one.basic_auth for name, one in settings.items() if one.basic_auth}
    assert logins == {"By header": "ops:geheim", "Log-in": "ops:geheim"}
    assert settings["By header"].headers == (("X-Key", "1"),)
    assert "get around caches" in notes(reading)["No error"][0]
    assert list(left_out(reading)) == ["By token"]
    assert found["=cmd()"].url == "tcp://mail.example:993"
    assert reading.notes == ("Left out: 2 notifications, 1 maintenance window. Only monitors are taken over.",)
    assert kuma_db.read_bytes() == before
    assert [path.name for path in kuma_db.parent.iterdir()] == ["kuma.db"]


def listing(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_kuma_database_in_use_is_copied_with_what_is_pending_and_left_as_it_was(kuma_db: Path, mode: str) -> None:
    with closing(sqlite3.connect(kuma_db, isolation_level=None)) as owner:
        owner.execute(f"PRAGMA journal_mode = {mode}")
        owner.execute("PRAGMA cache_size = 1")
        owner.execute("UPDATE monitor SET name = 'Later' WHERE id = 3")
        # Locked against everybody, half written.
        owner.execute("BEGIN EXCLUSIVE")
        owner.execute("UPDATE monitor SET name = 'Never'")
        before = listing(kuma_db.parent)
        assert len(before) > 1
        assert "Later" in drafts(read_file(kuma_db, DEFAULTS))
        assert listing(kuma_db.parent) == before


def test_kuma_database_with_a_log_of_a_process_that_died_is_read_with_it(kuma_db: Path, tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    dead.mkdir()
    with closing(sqlite3.connect(kuma_db)) as owner:
        owner.execute("PRAGMA journal_mode = WAL")
        owner.execute("UPDATE monitor SET name = 'Later' WHERE id = 3")
        owner.commit()
        for end in ("", "-wal"):
            (dead / f"kuma.db{end}").write_bytes(Path(f"{kuma_db}{end}").read_bytes())
    assert "Later" in drafts(read_file(dead / "kuma.db", DEFAULTS))
    assert sorted(path.name for path in dead.iterdir()) == ["kuma.db", "kuma.db-wal"]


def test_kuma_database_behind_a_link_is_read_with_its_own_log(kuma_db: Path, tmp_path: Path) -> None:
    link = tmp_path / "folder" / "linked.db"
    link.parent.mkdir()
    link.symlink_to(kuma_db)
    with closing(sqlite3.connect(kuma_db)) as owner:
        owner.execute("PRAGMA journal_mode = WAL")
        owner.execute("UPDATE monitor SET name = 'Later' WHERE id = 3")
        owner.commit()
        assert "Later" in drafts(read_file(link, DEFAULTS))


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
