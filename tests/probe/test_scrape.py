"""Scrapes as blackbox_exporter takes them: what is asked for, and the metrics that come of it."""

from __future__ import annotations

import re
from typing import Dict, List

import pytest
from pingmon_probe.exposition import result_metrics, text_of
from pingmon_probe.protocol import CheckResult, CheckSpec, ProtocolError
from pingmon_probe.scrape import MODULES, SETTINGS, spec_of

_LINE = re.compile(r'[a-z_]+(\{[a-z_0-9]+="[^"\n]*"(,[a-z_0-9]+="[^"\n]*")*\})? -?[0-9.e+-]+')


def metrics(result: CheckResult) -> Dict[str, float]:
    lines = text_of(result_metrics(CheckSpec(result.url), result)).decode().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(_LINE.fullmatch(line) for line in samples), samples
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in samples)}


@pytest.mark.parametrize(
    ("query", "url"),
    [
        ({"target": "a.example"}, "http://a.example/"),
        ({"target": "a.example/x", "module": "http_2xx"}, "http://a.example/x"),
        ({"target": "https://a.example", "module": "http_2xx"}, "https://a.example/"),
        ({"target": "a.example:22", "module": "tcp_connect"}, "tcp://a.example:22"),
        ({"target": "a.example:995", "module": "pop3s_banner"}, "tcp://a.example:995?tls=yes"),
        ({"target": "a.example", "module": "icmp"}, "icmp://a.example"),
        ({"target": "a.example", "module": "tls_connect"}, "tls://a.example"),
        ({"target": "dns://a.example?type=MX"}, "dns://a.example?type=MX"),
    ],
)
def test_target_and_module_make_an_address(query: Dict[str, str], url: str) -> None:
    assert spec_of(query).url == url


def test_every_setting_may_be_asked_for_but_what_signs_in() -> None:
    spec = spec_of(
        {
            "target": "https://a.example/",
            "timeout_ms": "2000",
            "family": "6",
            "status_set": "200-299,404",
            "keyword": "x+",
            "keyword_is_pattern": "true",
            "json_conditions": "a == 1\nb",
            "headers": "Accept-Language: de\nX-A: b:c",
            "max_bytes": "9",
            "no_redirects": "1",
        }
    )
    assert (spec.timeout_ms, spec.family, spec.status_set) == (2_000, 6, ((200, 299), (404, 404)))
    assert (spec.keyword, spec.keyword_is_pattern, spec.json_conditions) == ("x+", True, ("a == 1", "b"))
    assert spec.headers == (("Accept-Language", "de"), ("X-A", "b:c"))
    assert (spec.max_bytes, spec.no_redirects) == (9, True)
    assert not {"basic_auth", "bearer"} & SETTINGS


@pytest.mark.parametrize(("header", "ms"), [("10", 9_500), ("0.2", 100), ("90", 30_000), (None, 5_000), ("x", 5_000)])
def test_check_ends_before_the_scrape_does(header: str, ms: int) -> None:
    assert spec_of({"target": "a.example"}, header).timeout_ms == ms


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "target is missing"),
        ({"target": "a.example", "module": "gopher"}, "no module 'gopher'"),
        ({"target": "tcp://a.example:1", "module": "icmp"}, "does not measure tcp: addresses"),
        ({"target": "gopher://a.example"}, "does not measure gopher: addresses"),
        ({"target": "a.example", "bearer": "x"}, "no parameter 'bearer'"),
        ({"target": "a.example", "family": "x"}, "family must be a whole number"),
        ({"target": "a.example", "no_redirects": "maybe"}, "true or false"),
        ({"target": "a.example", "status_set": "2xx"}, "status_set must be"),
        ({"target": "icmp://a.example", "keyword": "x"}, "keyword does not go with the kind icmp"),
        ({"target": "a.example", "module": "tcp_connect"}, "needs a port"),
    ],
)
def test_wrong_scrape_gets_a_sentence(query: Dict[str, str], words: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(words)):
        spec_of(query)


def test_every_module_of_ours_makes_a_check() -> None:
    for name in MODULES:
        assert spec_of({"target": "a.example:25" if "tcp" in name or "banner" in name else "a.example", "module": name})


def test_website_has_blackbox_exporters_metrics() -> None:
    result = CheckResult(
        "https://a.example/",
        http_status=200,
        total_ms=100.0,
        dns_ms=10.0,
        connect_ms=20.0,
        tls_ms=30.0,
        request_ms=25.0,
        transfer_ms=15.0,
        address="127.0.0.1",
        family=4,
        body_bytes=12,
        hops=({"url": "http://a.example/"},),
        certificate={"subject": "a", "issuer": "b", "not_after": "2027-01-01T00:00:00Z", "verify_error": None},
    )
    found = metrics(result)
    assert found["probe_success"] == 1
    assert found["probe_duration_seconds"] == 0.1
    assert found['probe_http_duration_seconds{phase="processing"}'] == 0.025
    phases = [value for name, value in found.items() if name.startswith("probe_http_duration_seconds")]
    assert sum(phases) == pytest.approx(found["probe_duration_seconds"])
    assert (found["probe_http_status_code"], found["probe_http_redirects"], found["probe_http_ssl"]) == (200, 1, 1)
    assert found["probe_ssl_earliest_cert_expiry"] == 1_798_761_600
    assert (found["probe_ip_protocol"], found["probe_failed_due_to_regex"]) == (4, 0)


@pytest.mark.parametrize(
    ("url", "facts", "names"),
    [
        ("tcp://a.example:1", None, ["probe_failed_due_to_regex"]),
        ("icmp://a.example", {"sent": 3}, ['probe_icmp_duration_seconds{phase="rtt"}']),
        (
            "dns://a.example?type=SOA",
            {"rcode": "NOERROR", "record_type": "SOA", "answers": ["a b 7 1 1 1 1"], "answer_count": 1},
            ["probe_dns_query_succeeded", "probe_dns_answer_rrs", "probe_dns_serial"],
        ),
        (
            "tls://a.example",
            {"protocol": "TLSv1.3", "cipher": "X"},
            ['probe_tls_version_info{version="TLS 1.3"}', 'probe_tls_cipher_info{cipher="X"}'],
        ),
    ],
)
def test_other_kinds_have_theirs(url: str, facts: Dict[str, object], names: List[str]) -> None:
    found = metrics(CheckResult(url, failure="timeout", facts=facts))
    assert (found["probe_success"], found['pingmon_failure_info{failure="timeout"}']) == (0, 1)
    assert set(names) <= set(found)


def test_label_is_escaped() -> None:
    assert text_of([("m", "gauge", "h", [({"l": 'a"\\\n'}, 1)])]).decode().endswith('m{l="a\\"\\\\\\n"} 1\n')
