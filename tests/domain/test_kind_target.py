from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import KINDS, CheckSpec, kind_of

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.kind_target import Like, like_of
from pingmon_gui.domain.monitor import MonitorSettings, fitted, parse_dns_answers, parse_exchange
from pingmon_gui.domain.target import display_url, kind_of_text, parse_target


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("tcp://Shop.example:22", "tcp://shop.example:22"),
        ("tcp://[2001:DB8::1]:22/", "tcp://[2001:db8::1]:22"),
        ("tcp://shop.example:993?tls=yes", "tcp://shop.example:993?tls=yes"),
        ("tls://shop.example", "tls://shop.example"),
        ("tls://shop.example:443", "tls://shop.example"),
        ("tls://mail.example?starttls=smtp", "tls://mail.example?starttls=smtp"),
        ("tls://bücher.example:8443", "tls://xn--bcher-kva.example:8443"),
        ("dns://shop.example", "dns://shop.example?type=A"),
        ("dns://Shop.Example?TYPE=mx", "dns://shop.example?type=MX"),
        ("dns://shop.example?type=A&server=NS1.example:5353", "dns://shop.example?type=A&server=ns1.example:5353"),
        ("dns://9.9.9.9/shop.example?type=AAAA", "dns://shop.example?type=AAAA&server=9.9.9.9"),  # RFC 4501
        ("dns://_sip._tcp.example?type=SRV;class=IN", "dns://_sip._tcp.example?type=SRV"),
        ("icmp://192.0.2.7", "icmp://192.0.2.7"),
        ("ping://shop.example", "icmp://shop.example"),
    ],
)
def test_address_of_a_kind_has_one_form(text: str, url: str) -> None:
    assert parse_target(text).url == url
    assert parse_target(url).url == url
    assert parse_target(display_url(url)).url == url
    assert kind_of_text(text) == kind_of(url)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tcp://shop.example", "needs a port"),
        ("tcp://shop.example:0", "port"),
        ("tcp://shop.example:22/x", "ends behind its host and port"),
        ("tcp://u:p@shop.example:22", "ends behind"),
        ("tls://shop.example?starttls=gopher", "starttls="),
        ("dns://shop.example?type=HINFO", "another type"),
        ("dns://shop.example:53", "server=HOST:PORT"),
        ("dns://192.0.2.1?type=A", "type=PTR"),
        ("icmp://shop.example:7", "has a port"),
        ("icmp://", "no host"),
        ("ssh://shop.example", "cannot be watched"),
    ],
)
def test_wrong_address_of_a_kind_gets_a_sentence_and_a_way_on(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_target(text)
    assert words in caught.value.message
    assert caught.value.message.endswith(".")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "like", "url"),
    [
        ("shop.example:22", Like("tcp"), "tcp://shop.example:22"),
        ("shop.example:993", Like("tcp", is_tls=True), "tcp://shop.example:993?tls=yes"),
        ("mail.example", Like("tls", starttls="imap"), "tls://mail.example?starttls=imap"),
        ("shop.example", Like("dns", record_type="MX", server="9.9.9.9"), "dns://shop.example?type=MX&server=9.9.9.9"),
        ("2001:db8::1", Like("icmp"), "icmp://[2001:db8::1]"),
        ("shop.example", Like(), "https://shop.example/"),
    ],
)
def test_address_without_a_scheme_is_what_the_form_says(text: str, like: Like, url: str) -> None:
    assert parse_target(text, like).url == url
    if like.kind != "http":
        assert like_of(url) == like


@given(st.sampled_from([*KINDS, "ping"]), st.text(max_size=60))
def test_any_address_is_refused_with_a_sentence_or_taken_by_a_probe(scheme: str, rest: str) -> None:
    try:
        url = parse_target(f"{scheme}://{rest}").url
    except InvalidInput as exc:
        assert exc.message.endswith(".")
        return
    CheckSpec.from_json(CheckSpec(url).to_json())


def test_settings_that_a_kind_does_not_have_go_to_their_default() -> None:
    all_of_them = MonitorSettings(keyword="x", send="QUIT", echo_count=5, ignore_certificate=True, family=6)
    assert fitted(all_of_them, "icmp://a.example") == MonitorSettings(echo_count=5, family=6)
    assert fitted(all_of_them, "tcp://a.example:1") == MonitorSettings(send="QUIT", ignore_certificate=True, family=6)
    assert fitted(all_of_them, "https://a.example/") == MonitorSettings(keyword="x", ignore_certificate=True, family=6)


def test_expected_answers_have_to_be_of_the_type() -> None:
    settings = MonitorSettings(dns_match="exact", dns_answers=("010  MAIL.example.",))
    assert fitted(settings, "dns://a.example?type=MX").dns_answers == ("10 mail.example",)
    with pytest.raises(InvalidInput, match=r"written like 192\.0\.2\.1"):
        fitted(settings, "dns://a.example?type=A")
    with pytest.raises(InvalidInput, match="At most 50"):
        parse_dns_answers("\n".join(f"192.0.2.{n}" for n in range(51)), "A")


@pytest.mark.parametrize(
    "values",
    [
        {"send": r"\q"},
        {"expect": "x" * 2_001},
        {"send": "ü" * 600},
        {"dns_match": "maybe"},
        {"dns_match": "exact"},
        {"dns_answers": ("192.0.2.1",)},
        {"echo_count": 0},
        {"echo_count": 11},
        {"max_loss_percent": 100},
        {"family": 5},
    ],
)
def test_setting_of_a_kind_out_of_range_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        MonitorSettings(**values)  # type: ignore[arg-type]
    assert caught.value.message.endswith((".", "%."))


def test_empty_text_sends_and_expects_nothing() -> None:
    assert parse_exchange("") is None
    assert parse_exchange(r"EHLO x\r\n") == r"EHLO x\r\n"
