"""Gatus: endpoints with every form of condition that it knows."""

from __future__ import annotations

from typing import Any

import pytest

from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.gatus_condition import read_conditions
from pingmon_gui.exchange.kind import Kind
from tests.exchange.helper import drafts, left_out, notes, only, read, read_true

#: What Gatus has where nothing is said.
ITS_OWN = MonitorSettings(interval_ms=60_000, timeout_ms=10_000)


def test_gatus_true_configuration() -> None:
    reading = read_true("gatus.yaml")
    found = drafts(reading)
    settings = {name: draft.settings for name, draft in found.items()}
    assert reading.kind is Kind.GATUS
    assert settings["front-end"] == MonitorSettings(
        interval_ms=30_000, timeout_ms=5_000, slow_ms=300, status_set=((200, 200), (204, 204)), keyword="all well"
    )
    assert found["front-end"].tags == ("core", "team: web")
    assert settings["turned-round"] == MonitorSettings(
        interval_ms=300_000, timeout_ms=10_000, status_set=((200, 200),), keyword="Fatal error", keyword_absent=True
    )
    assert settings["below-400"].status_set == ((100, 299),)
    assert settings["by-pattern"].status_set == ((200, 203), (205, 299))
    assert settings["moved"].status_set == ((301, 301),)
    assert settings["moved"].ignore_certificate
    assert settings["json"].basic_auth == "ops:geheim"
    assert (settings["off"].interval_ms, settings["off"].timeout_ms) == (ITS_OWN.interval_ms, ITS_OWN.timeout_ms)
    assert [name for name, draft in found.items() if draft.is_paused] == ["off"]
    assert settings["moved"].no_redirects
    assert settings["json"].headers == (("X-Api-Key", "abc"),)
    assert settings["json"].json_conditions == ('status == "UP"',)
    assert (settings["order"].method, settings["order"].body) == ("POST", '{"probe": true}')
    assert [found[name].url for name in ("names", "ping", "tls")] == [
        "dns://shop.example?type=A&server=192.0.2.53", "icmp://router.example", "tls://mail.example:993",
    ]  # fmt: skip
    assert list(left_out(reading)) == ["chat", "variable", "nightly-backup"]
    assert reading.notes == ("Left out: the maintenance window, alerting.",)


def test_gatus_true_configuration_says_what_is_different() -> None:
    found = notes(read_true("gatus.yaml"))
    assert list(found) == ["front-end", "turned-round", "below-400", "json"]
    assert found["front-end"] == (
        "An answer that takes 300 ms is slow here, not offline.",
        "The condition “[CERTIFICATE_EXPIRATION] > 48h” is not checked.",
    )
    assert found["below-400"] == ("Redirects are followed, so 3xx is not among its accepted statuses.",)
    assert [note for note in found["json"] if "not checked" in note] == [
        "The condition “len([BODY].items) > 0” is not checked.",
        "The condition “has([BODY].errors) == false” is not checked.",
        "The condition “[IP] == any(192.0.2.1, 192.0.2.2)” is not checked.",
    ]


@pytest.mark.parametrize(
    ("condition", "statuses"),
    [
        ("[STATUS] == 200", ((200, 200),)),
        ("200 == [status]", ((200, 200),)),
        ("[STATUS] != 404", ((100, 403), (405, 599))),
        ("[STATUS] == any(200, 204,429)", ((200, 200), (204, 204), (429, 429))),
        ("any(500, 503) != [STATUS]", ((100, 499), (501, 502), (504, 599))),
        ("[STATUS] == pat(2*)", ((200, 299),)),
        ("[STATUS] != pat(5??)", ((100, 499),)),
        ("[STATUS] < 400", ((100, 399),)),
        ("[STATUS] <= 299", ((100, 299),)),
        ("[STATUS] > 199", ((200, 599),)),
        ("400 > [STATUS]", ((100, 399),)),
        ("200 <= [STATUS]", ((200, 599),)),
    ],
)
def test_gatus_condition_on_the_status(condition: str, statuses: tuple[tuple[int, int], ...]) -> None:
    found = read_conditions([condition])
    assert (found.status_set, found.notes) == (statuses, [])


@pytest.mark.parametrize(
    ("condition", "slow_ms"),
    [("[RESPONSE_TIME] < 300", 300), ("[RESPONSE_TIME] <= 1.5s", 1_500), ("500ms > [response_time]", 500)],
)
def test_gatus_condition_on_the_time(condition: str, slow_ms: int) -> None:
    assert read_conditions(["[STATUS] == 200", condition]).slow_ms == slow_ms


@pytest.mark.parametrize(
    "condition",
    [
        "[BODY] == fine", "[BODY] == pat(a*b)", "[BODY].user == pat(*x*)", "has([BODY].a) == false",
        "[BODY].a == [BODY].b", "len([BODY].a) == 2", "[BODY].a.$b == 1", "[DNS_RCODE] == NOERROR",
        "[STATUS] < any(2)",
        "[STATUS] == [BODY]", "[RESPONSE_TIME] > 5", "[RESPONSE_TIME] < soon", "[CONNECTED] == false", "nonsense", "",
        "[DOMAIN_EXPIRATION] > 720h", "[CONTEXT].id == 5", "[STATUS]==200",
    ],
)  # fmt: skip
def test_gatus_condition_that_is_not_checked_is_named(condition: str) -> None:
    found = read_conditions(["[STATUS] == 200", condition])
    assert found.notes == [f"The condition “{condition}” is not checked."]
    assert found.status_set == ((200, 200),)


def test_gatus_without_a_condition_on_the_status_accepts_every_one() -> None:
    item = only(read("endpoints:\n- name: a\n  url: https://a.example\n  conditions: ['[CONNECTED] == true']\n"))
    assert item.draft is not None
    assert item.draft.settings.status_set == ((100, 299), (400, 599))
    assert "Every status is accepted" in item.notes[-1]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('conditions: ["[STATUS] == 200", "[STATUS] == 201"]', "accept no status at all"),
        ("interval: often", "no length of time"),
        ('conditions: ["[BODY] == pat(*${SECRET}*)"]', "variable of the environment"),
        ("client: {tunnel: office}", "by no proxy or tunnel"),
        ("client: {tls: {certificate-file: a.pem}}", "client certificate"),
        ("maintenance-windows: [{start: '23:00', duration: 1h}]", "maintenance windows are left out"),
        ("enabled: no", ""),
    ],
)
def test_gatus_endpoint_that_cannot_be_as_it_is_says_so(more: str, says: str) -> None:
    item = only(read(f"endpoints:\n- name: off\n  url: https://a.example/?x=$$1\n  {more}\n"))
    assert says in item.reason + " ".join(item.notes)
    assert item.text == "off"
    if item.draft is not None:
        assert item.draft.url == "https://a.example/?x=$1"
        assert item.draft.is_paused is (says == "")


@pytest.mark.parametrize(
    ("condition", "own"),
    [
        ("[BODY].status == UP", 'status == "UP"'),
        ("[body].items[0].count >= 3", "items[0].count >= 3"),
        ("5 > [BODY].queue.depth", "queue.depth < 5"),
        ("[BODY][2].id != a b", '[2].id != "a b"'),
        ("has([BODY].errors) == true", "errors"),
        ("[BODY].ok == true", "ok == true"),
    ],
)
def test_gatus_condition_on_the_json(condition: str, own: str) -> None:
    found = read_conditions(["[STATUS] == 200", condition])
    assert (found.json, found.notes) == ([own], [])


@pytest.mark.parametrize(
    ("endpoint", "url", "wanted"),
    [
        ("url: tcp://redis.example:6379\n  body: PING\n  conditions: ['[BODY] == pat(*PONG*)']",
         "tcp://redis.example:6379", {"send": "PING", "expect": "PONG"}),
        ("url: starttls://mail.example:587\n  conditions: ['[CONNECTED] == true']",
         "tls://mail.example:587?starttls=smtp", {}),
        ("url: 9.9.9.9:5353\n  dns: {query-name: a.example., query-type: MX}\n"
         "  conditions: ['[DNS_RCODE] == NOERROR', '[BODY] == 10 mail.example']",
         "dns://a.example?type=MX&server=9.9.9.9:5353",
         {"dns_match": "contains", "dns_answers": ("10 mail.example",)}),
        ("url: https://api.example\n  graphql: true\n  method: POST\n  body: '{ me }'\n"
         "  conditions: ['[STATUS] == 200']",
         "https://api.example/",
         {"method": "POST", "body": '{"query": "{ me }"}', "headers": (("Content-Type", "application/json"),),
          "status_set": ((200, 200),)}),
        ("url: icmp://r.example\n  conditions: ['[CONNECTED] == true']", "icmp://r.example", {"max_loss_percent": 99}),
    ],
)  # fmt: skip
def test_gatus_other_kinds(endpoint: str, url: str, wanted: dict[str, Any]) -> None:
    item = only(read(f"endpoints:\n- name: a\n  {endpoint}\n"))
    assert item.draft is not None, item.reason
    assert (item.draft.url, item.notes) == (url, ())
    assert item.draft.settings == MonitorSettings(interval_ms=60_000, timeout_ms=10_000, **wanted)
