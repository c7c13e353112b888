"""Prometheus: jobs through blackbox_exporter, with and without its modules, and lists of targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
        "https://one.customer.example/": ("It stands in customers.json.",),
        "https://two.customer.example/": ("It stands in customers.json.",),
        "Three": ("It stands in customers.json.",),
        "https://status.example/": (
            "What the module “http_says_fine” asks for is in another file: any status from 200 to 299 is good here.",
        ),
    }
    reasons = left_out(reading)
    assert "not through blackbox_exporter" in reasons["192.0.2.10:9100"]
    # The modules of the exporter's own example are known by their names.
    assert found["https://one.customer.example/"].settings.method == "POST"
    assert (found["icmp://router.example"].settings.echo_count, len(reasons)) == (1, 1)
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
        "Headers that are not sent: Host.",
        "The body is not searched for “Fatal (error|warning)”.",
    )
    assert found["https://one.customer.example/"].settings.method == "POST"
    assert found["icmp://router.example"].settings.interval_ms == 15_000


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
        ("prober: grpc", "by the module “m” yet"),
        ("prober: icmp", "measures hosts"),
        ("{prober: http, http: {method: PUT}}", ""),
        ("{prober: http, http: {method: TRACE}}", "sends TRACE"),
        ("{prober: http, http: {body: x}}", "a GET request has none"),
        ("{prober: http, http: {body_file: x}}", "in another file"),
        ("{prober: http, http: {follow_redirects: false}}", ""),
        ("{prober: http, http: {follow_redirects: off, valid_status_codes: [301]}}", ""),
        ("{prober: http, http: {valid_status_codes: [200, 301]}}", "so 3xx is not among"),
        ("{prober: http, http: {authorization: {credentials: x}}}", ""),
        ("{prober: http, http: {authorization: {type: Digest, credentials: x}}}", "not logged in"),
        ("{prober: http, http: {bearer_token: x}}", ""),
        ("{prober: http, http: {bearer_token_file: x}}", "not logged in"),
        ("{prober: http, http: {basic_auth: {username: a, password_file: b}}}", "not logged in"),
        ("{prober: http, http: {headers: {Authorization: 'Basic YTpi'}}}", ""),
        ("{prober: http, http: {fail_if_not_ssl: true}}", "by TLS is not checked"),
        ("{prober: http, http: {fail_if_header_matches: [{header: a, regexp: b}]}}", "The header a of the answer"),
        ("{prober: http, http: {fail_if_header_not_matches: [{header: a, regexp: b}]}}", ""),
        ("{prober: http, http: {fail_if_header_not_matches: [{header: a, regexp: b+}]}}", "The header a of the"),
        ("{prober: http, http: {fail_if_body_json_matches_cel: 'body.x'}}", "JSON of the answer"),
        ("{prober: http, http: {fail_if_body_matches_regexp: ['a.b']}}", ""),
        ("{prober: http, http: {fail_if_body_matches_regexp: ['a.b', 'plain']}}", "not searched for “plain”"),
        ("{prober: http, http: {fail_if_body_matches_regexp: ['a\\Q.b']}}", "not searched for"),
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


@pytest.mark.parametrize(
    ("module", "target", "url", "wanted"),
    [
        ("{prober: icmp}", "2001:db8::1", "icmp://[2001:db8::1]", {"echo_count": 1}),
        ("{prober: tcp}", "a.example:22", "tcp://a.example:22", {}),
        ("{prober: tcp, tcp: {tls: true, tls_config: {insecure_skip_verify: true}}}", "a.example:995",
         "tcp://a.example:995?tls=yes", {"ignore_certificate": True}),
        ("{prober: tcp, tcp: {query_response: [{expect: '^SSH-2.0-'}, {send: 'SSH-2.0-probe'}]}}", "a.example:22",
         "tcp://a.example:22", {"send": "SSH-2.0-probe\\n"}),
        ("{prober: tcp, tcp: {query_response: [{send: PING}, {expect: PONG}]}}", "a.example:6379",
         "tcp://a.example:6379", {"send": "PING\\n", "expect": "PONG"}),
        ("{prober: tcp, tcp: {query_response: [{expect: '^220'}, {send: 'EHLO prober'}, {expect: '^250-STARTTLS'},"
         " {send: STARTTLS}, {expect: '^220'}, {starttls: true}]}}", "a.example:587",
         "tls://a.example:587?starttls=smtp", {}),
        ("{prober: tcp, tcp: {query_response: [{expect: OK}, {send: '. STARTTLS'}, {expect: OK}, {starttls: true}]}}",
         "a.example:143", "tls://a.example?starttls=imap", {}),
        ("{prober: dns, dns: {query_name: a.example, query_type: SOA}}", "192.0.2.53",
         "dns://a.example?type=SOA&server=192.0.2.53", {}),
        ("{prober: dns, dns: {query_name: a.example., query_type: MX, preferred_ip_protocol: ip6,"
         " ip_protocol_fallback: false}}", "ns.example:5353",
         "dns://a.example?type=MX&server=ns.example:5353", {"family": 6}),
    ],
)  # fmt: skip
def test_module_of_another_prober(tmp_path: Path, module: str, target: str, url: str, wanted: dict[str, Any]) -> None:
    config, modules = tmp_path / "prometheus.yml", tmp_path / "blackbox.yml"
    config.write_text(JOB.format(module="m").replace("https://a.example", target), encoding="utf-8")
    modules.write_text(f"modules:\n  m: {module}\n", encoding="utf-8")
    item = only(read_file(config, DEFAULTS, modules=modules))
    assert item.draft is not None, item.reason
    assert (item.draft.url, item.notes) == (url, ())
    assert item.draft.settings == MonitorSettings(interval_ms=60_000, timeout_ms=9_500, **wanted)


@pytest.mark.parametrize(
    ("module", "url", "expect"),
    [
        ("ssh_banner", "tcp://a.example:22", "SSH-2.0-"),
        ("pop3s_banner", "tcp://a.example:22?tls=yes", "+OK"),
        ("tcp_connect", "tcp://a.example:22", None),
    ],
)
def test_module_of_the_example_is_known_by_its_name(module: str, url: str, expect: str | None) -> None:
    item = only(read(JOB.format(module=module).replace("https://a.example", "a.example:22")))
    assert item.draft is not None
    assert (item.draft.url, item.draft.settings.expect, item.notes) == (url, expect, ())


def test_module_of_somebodys_own_name_cannot_be_guessed() -> None:
    item = only(read(JOB.format(module="dns_soa").replace("https://a.example", "192.0.2.53")))
    assert item.reason == "What the module “dns_soa” does is in another file. Name that file as the modules."


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
    assert list(found) == ["https://one.customer.example/", "https://two.customer.example/", "Three"]
    assert found["Three"].settings.timeout_ms == 5_000
