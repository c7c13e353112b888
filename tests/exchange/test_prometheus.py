"""Prometheus: jobs through blackbox_exporter, with and without its modules, and lists of targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.intake import read_bytes, read_file
from pingmon_gui.exchange.kind import Kind
from tests.exchange.helper import DEFAULTS, FILES, drafts, left_out, notes, only, read, read_true

#: blackbox_exporter gives up half a second before Prometheus does.
SITE = MonitorSettings(interval_ms=30_000, timeout_ms=9_500)


def test_prometheus_true_configuration_without_modules() -> None:
    reading = read_true("prometheus.yml")
    found = drafts(reading)
    assert reading.kind is Kind.PROMETHEUS
    assert found["https://shop.example/health"].settings == SITE
    assert found["https://shop.example/health"].tags == ("sites", "env: prod")
    assert found["https://status.example/"].settings == MonitorSettings(interval_ms=15_000, timeout_ms=9_500)
    # From the file of targets beside it.
    assert (found["Three"].settings, found["Three"].tags) == (SITE, ("sites", "customer: B"))
    assert notes(reading) == {
        "http://blog.example/": ("It is taken for http://, as blackbox_exporter does.",),
        "Three": ("It stands in customers.json.",),
        "https://status.example/": (
            "What the module “http_says_fine” asks for is in another file: any status from 200 to 299 is good here.",
        ),
    }
    reasons = left_out(reading)
    assert "not through blackbox_exporter" in reasons["192.0.2.10:9100"]
    assert "sends POST" in reasons["https://one.customer.example"]
    assert "“icmp” yet" in reasons["router.example"]
    assert [item.line for item in reading.items] == [8, 17, 18, None, None, None, 36, 43]
    assert [note.split(" of ")[0] for note in reading.notes] == [
        "The target file /etc/prometheus/elsewhere/*.yml",
        "The targets that the job “cluster” finds by kubernetes_sd_configs are known to the server only.",
    ]


def test_prometheus_true_configuration_with_its_modules() -> None:
    reading = read_true("prometheus.yml", "blackbox.yml")
    found = drafts(reading)
    assert found["https://shop.example/health"].settings == MonitorSettings(interval_ms=30_000, timeout_ms=5_000)
    assert found["https://status.example/"].settings == MonitorSettings(
        interval_ms=15_000, timeout_ms=4_000, family=4, status_set=((200, 200), (204, 204)), keyword="all fine.",
        ignore_certificate=True, basic_auth="ops:geheim",
    )  # fmt: skip
    assert notes(reading)["https://status.example/"] == (
        "Its own request headers are not sent: Host.",
        "The body is not searched for “Fatal (error|warning)”.",
    )
    assert "sends POST" in left_out(reading)["https://one.customer.example"]


JOB = """\
scrape_configs:
- job_name: sites
  metrics_path: /probe
  params: {{module: [{module}]}}
  static_configs: [{{targets: ["https://a.example"]}}]
"""


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("prober: icmp", "by the module “m” yet"),
        ("{prober: http, http: {method: PUT}}", "sends PUT"),
        ("{prober: http, http: {method: HEAD}}", "instead of HEAD"),
        ("{prober: http, http: {follow_redirects: false}}", "Redirects are followed"),
        ("{prober: http, http: {follow_redirects: off, valid_status_codes: [301]}}", ""),
        ("{prober: http, http: {valid_status_codes: [200, 301]}}", "so 3xx is not among"),
        ("{prober: http, http: {authorization: {credentials: x}}}", "not logged in"),
        ("{prober: http, http: {basic_auth: {username: a, password_file: b}}}", "not logged in"),
        ("{prober: http, http: {headers: {Authorization: 'Basic YTpi'}}}", ""),
        ("{prober: http, http: {fail_if_not_ssl: true}}", "by TLS is not checked"),
        ("{prober: http, http: {fail_if_header_matches: [{header: a, regexp: b}]}}", "headers of the answer"),
        ("{prober: http, http: {fail_if_body_json_matches_cel: 'body.x'}}", "JSON of the answer"),
        ("{prober: http, http: {fail_if_body_matches_regexp: ['a.b', 'plain']}}", "not searched for “a.b”"),
        ("{prober: http, http: {proxy_url: 'http://p'}}", "by no proxy"),
        ("{prober: http, http: {valid_status_codes: [2]}}", "must lie from 100"),
        ("{prober: http, timeout: soon}", "no length of time"),
        ("5", "has none named “m”"),
    ],
)
def test_module_that_cannot_be_as_it_is_says_so(tmp_path: Path, module: str, says: str) -> None:
    config, modules = tmp_path / "prometheus.yml", tmp_path / "blackbox.yml"
    config.write_text(JOB.format(module="m"), encoding="utf-8")
    modules.write_text(f"modules:\n  m: {module}\n", encoding="utf-8")
    if module.startswith("prober"):
        modules.write_text(f"modules:\n  m:\n    {module}\n", encoding="utf-8")
    item = only(read_file(config, DEFAULTS, modules=modules))
    said = item.reason + " ".join(item.notes)
    assert says in said
    assert bool(said) == bool(says)


def test_modules_have_to_be_modules_and_belong_to_prometheus() -> None:
    with pytest.raises(InvalidInput, match="but no targets"):
        read_true("blackbox.yml")
    with pytest.raises(InvalidInput, match="no configuration of blackbox_exporter"):
        read_true("prometheus.yml", "gatus.yaml")
    with pytest.raises(InvalidInput, match="belong to a file of Prometheus"):
        read_true("gatus.yaml", "blackbox.yml")


def test_target_file_is_taken_only_from_the_folder_and_below(tmp_path: Path) -> None:
    inside = tmp_path / "config"
    inside.mkdir()
    (tmp_path / "outside.json").write_text('[{"targets": ["https://a.example"]}]', encoding="utf-8")
    (inside / "bad.json").write_text('[{"targets": [', encoding="utf-8")
    config = inside / "prometheus.yml"
    text = JOB.format(module="http_2xx").replace("static_configs: [{targets: [", "file_sd_configs: [{files: [")
    for pattern in ("../outside.json", "**/x", "nowhere/*.json", str(tmp_path / "outside.json"), "\\0"):
        config.write_text(text.replace("https://a.example", pattern), encoding="utf-8")
        reading = read_file(config, DEFAULTS)
        assert reading.items == ()
        assert "is not here" in reading.notes[0]
    config.write_text(text.replace("https://a.example", "*.json"), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"In the target file bad\.json: The file ends in the middle"):
        read_file(config, DEFAULTS)
    assert "is not here" in read_bytes(config.read_bytes(), DEFAULTS).notes[0]


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
    assert (reading.kind, good.draft.name, good.draft.tags) == (Kind.PROMETHEUS, "A", ("team: x",))
    # A list tells neither interval nor timeout: they are as new domains have them.
    assert good.draft.settings == DEFAULTS
    assert wrong.is_wrong


def test_prometheus_list_of_targets_with_modules() -> None:
    found = drafts(read_file(FILES / "targets" / "customers.json", DEFAULTS, modules=FILES / "blackbox.yml"))
    assert list(found) == ["Three"]
    assert found["Three"].settings.timeout_ms == 5_000
