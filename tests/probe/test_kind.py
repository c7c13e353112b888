"""The kinds of check on the wire: their addresses, what goes with them, texts with escapes, records as text."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pingmon_probe.dns_record import EXAMPLES, AnswerError, normal_answer
from pingmon_probe.escape import EscapeError, unescaped
from pingmon_probe.kind import KINDS, RECORD_TYPES, STARTTLS_PORTS, AddressError, KindAddress, kind_of, read_address
from pingmon_probe.protocol import FACTS, FEATURES, CheckSpec, ProtocolError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://a.example:22", KindAddress("tcp", "a.example", 22)),
        ("tcp://[2001:db8::1]:993?tls=yes", KindAddress("tcp", "2001:db8::1", 993, is_tls=True)),
        ("tls://a.example", KindAddress("tls", "a.example", 443, is_tls=True)),
        ("tls://a.example:8443", KindAddress("tls", "a.example", 8443, is_tls=True)),
        ("tls://a.example?starttls=smtp", KindAddress("tls", "a.example", 25, is_tls=True, starttls="smtp")),
        ("tls://a.example:587?starttls=smtp", KindAddress("tls", "a.example", 587, is_tls=True, starttls="smtp")),
        ("dns://a.example?type=MX", KindAddress("dns", "a.example", record_type="MX")),
        ("dns://_dmarc.a.example?type=TXT", KindAddress("dns", "_dmarc.a.example", record_type="TXT")),
        ("dns://*.a.example?type=A", KindAddress("dns", "*.a.example", record_type="A")),
        ("dns://.?type=NS", KindAddress("dns", ".", record_type="NS")),
        ("dns://192.0.2.1?type=PTR", KindAddress("dns", "192.0.2.1", record_type="PTR")),
        (
            "dns://a.example?type=A&server=[2001:db8::53]:5353",
            KindAddress("dns", "a.example", record_type="A", server=("2001:db8::53", 5353)),
        ),
        (
            "dns://a.example?type=A&server=ns1.b.example",
            KindAddress("dns", "a.example", record_type="A", server=("ns1.b.example", 53)),
        ),
        ("icmp://a.example", KindAddress("icmp", "a.example")),
        ("icmp://[2001:db8::1]", KindAddress("icmp", "2001:db8::1")),
    ],
)
def test_address_is_taken_apart_and_put_together_again(url: str, address: KindAddress) -> None:
    assert read_address(url) == address
    assert address.url == url
    assert kind_of(url) == address.kind
    assert CheckSpec.from_json({"url": url, "kind": address.kind}).kind == address.kind


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("tcp://a.example", "needs a port"),
        ("tcp://a.example:0", "1 to 65535"),
        ("tcp://a.example:65536", "cannot be read"),
        ("tcp://a.example:22/x", "more than a host"),
        ("tcp://a.example:22?tls=maybe", "yes or no"),
        ("tcp://a.example:22?tls=yes&tls=yes", "twice"),
        ("tcp://a.example:22?x=1", "parameter x="),
        ("tcp://a.example:22?tls", "cannot be read"),
        ("tcp://me:secret@a.example:22", "user name"),
        ("tcp://:22", "no host"),
        ("tcp://-a.example:22", "cannot exist"),
        ("tcp://1.2.3:22", "cannot exist"),
        ("tls://a.example?starttls=nntp", "another word"),
        ("dns://a.example:53?type=A", "port behind the name"),
        ("dns://a.example?type=ANY", "another type"),
        ("dns://192.0.2.1?type=A", "numeric address"),
        ("dns://?type=A", "no name"),
        ("dns://a..example?type=A", "no name"),
        ("dns://a.example?type=A&server=", "no host"),
        ("dns://a.example?type=A&server=a.example:x", "cannot be read"),
        ("dns://a.example?type=A&server=a.example/x", "cannot be read"),
        ("icmp://a.example:7", "not to a port"),
        ("gopher://a.example", "none of dns, icmp, tcp, tls"),
        ("http://a.example/", "none of dns, icmp, tcp, tls"),
    ],
)
def test_address_that_cannot_be_measured_is_refused_with_a_reason(url: str, words: str) -> None:
    with pytest.raises(AddressError, match=words.replace("?", r"\?")):
        read_address(url)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["tcp://", "tls://", "dns://", "icmp://"]),
    st.text(alphabet="ab.:0159[]/?&=#@%-_*typeserv", max_size=40),
)
def test_any_address_is_refused_or_has_one_normal_form(scheme: str, rest: str) -> None:
    try:
        address = read_address(scheme + rest)
    except AddressError:
        return
    assert read_address(address.url) == address


def test_wire_names_every_kind_and_what_each_finds_out() -> None:
    assert set(KINDS) <= set(FEATURES) and set(FACTS) == set(KINDS)
    assert set(EXAMPLES) == set(RECORD_TYPES)
    assert all(CheckSpec(f"tls://a.example?starttls={name}").kind == "tls" for name in STARTTLS_PORTS)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"url": "tcp://a.example:22"}, "url is no address of the kind http"),
        ({"url": "http://a.example/", "kind": "tcp"}, "url is no address of the kind tcp"),
        ({"url": "tcp://a.example:22", "kind": "udp"}, "unknown kind of check"),
        ({"url": "tcp://a.example", "kind": "tcp"}, "url needs a port"),
        ({"url": "tcp://a.example:22", "kind": "tcp", "keyword": "x"}, "keyword does not go with the kind tcp"),
        ({"url": "icmp://a.example", "kind": "icmp", "ignore_certificate": True}, "does not go with the kind icmp"),
        ({"url": "http://a.example/", "expect": "x"}, "expect does not go with the kind http"),
        ({"url": "tcp://a.example:22", "kind": "tcp", "send": ""}, "send must be a text"),
        ({"url": "tcp://a.example:22", "kind": "tcp", "send": "x" * 2_001}, "send must be a text"),
        ({"url": "tcp://a.example:22", "kind": "tcp", "send": "ü" * 501}, "at most 1000 bytes"),
        ({"url": "tcp://a.example:22", "kind": "tcp", "expect": "\\q"}, "expect holds a backslash"),
        ({"url": "dns://a.example?type=A", "kind": "dns", "dns_match": "some"}, "dns_match must be one of"),
        ({"url": "dns://a.example?type=A", "kind": "dns", "dns_match": "exact"}, "dns_answers go with"),
        ({"url": "dns://a.example?type=A", "kind": "dns", "dns_answers": ["192.0.2.1"]}, "dns_answers go with"),
        (
            {"url": "dns://a.example?type=A", "kind": "dns", "dns_match": "exact", "dns_answers": ["x"]},
            "written like 192.0.2.1",
        ),
        (
            {"url": "dns://a.example?type=A", "kind": "dns", "dns_match": "exact", "dns_answers": [1]},
            "must be texts",
        ),
        ({"url": "icmp://a.example", "kind": "icmp", "echo_count": 11}, "echo_count must be a whole number"),
        ({"url": "icmp://a.example", "kind": "icmp", "max_loss_percent": 100}, "max_loss_percent must be"),
    ],
)
def test_wrong_check_of_a_kind_is_refused_by_name(document: Dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=words.replace("(", r"\(")):
        CheckSpec.from_json(document)


@pytest.mark.parametrize(
    "spec",
    [
        CheckSpec("tcp://a.example:25", send=r"QUIT\r\n", expect="220 "),
        CheckSpec("tcp://a.example:993?tls=yes", ignore_certificate=True),
        CheckSpec("dns://a.example?type=MX", dns_match="exact", dns_answers=("10 mail.a.example",)),
        CheckSpec("dns://a.example?type=A", dns_match="none"),
        CheckSpec("icmp://a.example", family=6, echo_count=5, max_loss_percent=20),
    ],
)
def test_check_of_a_kind_comes_through_the_wire(spec: CheckSpec) -> None:
    document = spec.to_json()
    assert document["kind"] == spec.kind
    assert CheckSpec.from_json(document) == spec


def test_expected_answers_are_taken_in_their_normal_form() -> None:
    document = {"url": "dns://a.example?type=MX", "kind": "dns", "dns_match": "contains"}
    spec = CheckSpec.from_json({**document, "dns_answers": ["010  MAIL.a.example."]})
    assert spec.dns_answers == ("10 mail.a.example",)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("QUIT", b"QUIT"),
        (r"QUIT\r\n", b"QUIT\r\n"),
        (r"\x00\xfF\t\0\\", b"\0\xff\t\0\\"),
        ("ü€", "ü€".encode()),
        ("", b""),
    ],
)
def test_text_with_escapes_is_bytes(text: str, data: bytes) -> None:
    assert unescaped(text) == data


@pytest.mark.parametrize("text", ["\\", "a\\", r"\x1", r"\xgg", r"\q", "\ud800"])
def test_wrong_escape_is_refused(text: str) -> None:
    with pytest.raises(EscapeError):
        unescaped(text)


@pytest.mark.parametrize(
    ("record_type", "text", "normal"),
    [
        ("A", " 192.0.2.1 ", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("AAAA", "::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("CNAME", "WWW.a.example.", "www.a.example"),
        ("NS", ".", "."),
        ("MX", "10   Mail.a.example.", "10 mail.a.example"),
        ("SRV", "1 2 5060 sip.a.example", "1 2 5060 sip.a.example"),
        ("SOA", "ns.a.example. admin.a.example. 1 2 3 4 05", "ns.a.example admin.a.example 1 2 3 4 5"),
        ("CAA", '0 Issue "ca.example"', '0 issue "ca.example"'),
        ("CAA", "0 issue ca.example", '0 issue "ca.example"'),
        ("TXT", "v=spf1 -all", "v=spf1 -all"),
        ("TXT", '"v=spf1 " "-all"', "v=spf1 -all"),
        ("TXT", '"say \\"hi\\""', 'say "hi"'),
    ],
)
def test_expected_answer_has_one_form(record_type: str, text: str, normal: str) -> None:
    assert normal_answer(record_type, text) == normal
    assert normal_answer(record_type, normal) == normal


@pytest.mark.parametrize(
    ("record_type", "text"),
    [
        ("A", "2001:db8::1"),
        ("A", "a.example"),
        ("AAAA", "192.0.2.1"),
        ("MX", "mail.a.example"),
        ("MX", "70000 mail.a.example"),
        ("SRV", "1 2 sip.a.example"),
        ("SOA", "ns.a.example"),
        ("CAA", "0 issue"),
        ("CNAME", "a b"),
        ("NS", "ä.example"),
        ("PTR", "x" * 64),
        ("TXT", ""),
    ],
)
def test_impossible_answer_is_refused_with_an_example(record_type: str, text: str) -> None:
    with pytest.raises(AnswerError, match=r"is written like .+\.$"):
        normal_answer(record_type, text)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(RECORD_TYPES)), st.text(max_size=60))
def test_any_answer_is_refused_or_has_one_form(record_type: str, text: str) -> None:
    try:
        normal = normal_answer(record_type, text)
    except AnswerError:
        return
    assert normal
