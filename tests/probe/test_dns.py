"""The dns check against name servers that answer well, late, wrongly, or not at all."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Tuple

import pytest
from pingmon_probe import host_resolver
from pingmon_probe.host_resolver import HostResolver, named_servers
from pingmon_probe.protocol import CheckResult

from . import dns_server
from .conftest import Rig
from .dns_server import CNAME, GOOD, A, DnsServer, Question, answer, name, record


def _good(question: Question) -> List[bytes]:
    return [answer(question, *GOOD[question.type])]


def _several(question: Question) -> List[bytes]:
    """Late answers to others, guesses, and then the right one."""
    wrong_id = answer(question._replace(id=question.id ^ 1), record(A, b"\x01\x02\x03\x04"))
    other_name = answer(question._replace(labels=(b"evil", b"example")), record(A, b"\x01\x02\x03\x04"))
    not_a_response = answer(question, record(A, b"\x01\x02\x03\x04"), flags=0x0100)
    return [b"", b"\0" * 5, wrong_id, other_name, not_a_response, *_good(question)]


def _truncated(question: Question) -> List[bytes]:
    if question.is_udp:
        return [answer(question, flags=0x8380)]
    return _good(question)


def _cut_off(question: Question) -> List[bytes]:
    """As old servers cut: in the middle of a record."""
    whole = answer(question, *GOOD[question.type], flags=0x8380, edns=False)
    return [whole[:-6]] if question.is_udp else _good(question)


def _without_edns(question: Question) -> List[bytes]:
    return [answer(question, flags=0x8181, edns=False)] if question.has_edns else _good(question)


def _chain(question: Question) -> List[bytes]:
    alias = record(CNAME, name("www", "b", "example"))
    end = record(A, b"\xc0\x00\x02\x09", owner=name("www", "b", "example"))
    return [answer(question, alias, end)]


_ANSWERS: Dict[str, Callable[[Question], List[bytes]]] = {
    "good": _good,
    "several": _several,
    "truncated": _truncated,
    "cut-off": _cut_off,
    "old": _without_edns,
    "chain": _chain,
    "nothing": lambda question: [answer(question)],
    "nxdomain": lambda question: [answer(question, flags=0x8183)],
    "servfail": lambda question: [answer(question, flags=0x8182)],
    "refused": lambda question: [answer(question, flags=0x8185)],
    "formerr": lambda question: [answer(question, flags=0x8181)],
    "silent": lambda question: [],
    "authority": lambda question: [answer(question, *GOOD[question.type], flags=0x85A0)],
    "many": lambda question: [answer(question, *(record(A, struct.pack("!I", n)) for n in range(40)))],
    "badvers": lambda question: [
        answer(question, edns=False, counts=(1, 0, 0, 1)) + b"\0" + struct.pack("!HHIH", 41, 1232, 1 << 24, 0)
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    made = DnsServer(lambda question: _ANSWERS.get(question.word, _good)(question))
    yield made
    made.close()


def answers(result: CheckResult) -> List[str]:
    assert result.facts is not None
    return list(result.facts["answers"])


@pytest.mark.parametrize(
    ("record_type", "expected"),
    [
        ("A", ["192.0.2.1", "192.0.2.2"]),
        ("AAAA", ["2001:db8::1"]),
        ("CNAME", ["www.b.example"]),
        ("NS", ["ns1.a.example"]),
        ("MX", ["10 mail.a.example"]),
        ("TXT", ["other", "v=spf1 -all"]),
        ("SOA", ["ns1.a.example admin.a.example 7 1 2 3 4"]),
        ("SRV", ["1 2 5060 sip.a.example"]),
        ("CAA", ['0 issue "ca.example"']),
    ],
)
def test_dns_each_type_is_asked_for_and_read(
    rig: Rig, server: DnsServer, record_type: str, expected: List[str]
) -> None:
    result = rig.check(server.url("good", record_type), dns_match="exact", dns_answers=tuple(expected))
    assert (result.failure, result.message, answers(result)) == (None, "", expected)
    assert result.total_ms == result.request_ms
    assert result.dns_ms is None and result.connect_ms is None and result.tls_ms is None
    assert (result.address, result.family, result.clock) == ("127.0.0.1", 4, rig.measurer.clock)
    assert result.facts is not None
    assert (result.facts["rcode"], result.facts["transport"], result.facts["server"]) == (
        "NOERROR",
        "udp",
        server.place,
    )
    question = server.questions[-1]
    assert question.has_edns and question.raw[2:4] == b"\x01\x20"


def test_dns_numeric_address_is_asked_for_by_its_reverse_name(rig: Rig, server: DnsServer) -> None:
    result = rig.check(f"dns://192.0.2.17?type=PTR&server={server.place}")
    assert result.failure is None and answers(result) == ["host.a.example"]
    assert server.questions[-1].labels == (b"17", b"2", b"0", b"192", b"in-addr", b"arpa")
    rig.check(f"dns://[2001:db8::1]?type=PTR&server={server.place}")
    assert server.questions[-1].labels[-3:] == (b"2", b"ip6", b"arpa")


def test_dns_the_root_can_be_asked_for(rig: Rig, server: DnsServer) -> None:
    assert rig.check(f"dns://.?type=NS&server={server.place}").failure is None
    assert server.questions[-1].labels == ()


def test_dns_answers_of_others_are_passed_over(rig: Rig, server: DnsServer) -> None:
    result = rig.check(server.url("several"))
    assert result.failure is None and answers(result) == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("word", ["truncated", "cut-off"])
def test_dns_truncated_answer_is_fetched_by_tcp(rig: Rig, server: DnsServer, word: str) -> None:
    result = rig.check(server.url(word, "TXT"))
    assert result.failure is None and answers(result) == ["other", "v=spf1 -all"]
    assert result.facts is not None and result.facts["transport"] == "tcp"
    assert result.connect_ms is not None and result.request_ms is not None and result.transfer_ms is not None
    assert result.total_ms == pytest.approx(result.connect_ms + result.request_ms + result.transfer_ms, abs=0.002)
    assert [question.is_udp for question in server.questions[-2:]] == [True, False]


def test_dns_server_without_edns_is_asked_without_it(rig: Rig, server: DnsServer) -> None:
    result = rig.check(server.url("old"))
    assert result.failure is None and answers(result) == ["192.0.2.1", "192.0.2.2"]
    assert [question.has_edns for question in server.questions[-2:]] == [True, False]
    assert server.questions[-1].id != server.questions[-2].id or server.questions[-1].raw != server.questions[-2].raw


def test_dns_alias_leads_to_its_addresses(rig: Rig, server: DnsServer) -> None:
    assert answers(rig.check(server.url("chain"))) == ["192.0.2.9"]
    assert answers(rig.check(server.url("chain", "CNAME"))) == ["www.b.example"]


def test_dns_flags_and_least_ttl_are_told(rig: Rig, server: DnsServer) -> None:
    facts = rig.check(server.url("authority")).facts
    assert facts is not None and (facts["is_authoritative"], facts["is_authentic"], facts["ttl_s"]) == (True, True, 60)
    facts = rig.check(server.url("good")).facts
    assert facts is not None and (facts["is_authoritative"], facts["is_authentic"]) == (False, False)


def test_dns_many_answers_are_told_in_part_and_judged_in_whole(rig: Rig, server: DnsServer) -> None:
    result = rig.check(server.url("many"), dns_match="contains", dns_answers=("0.0.0.39",))
    assert result.failure is None
    assert result.facts is not None and (len(answers(result)), result.facts["answer_count"]) == (20, 40)


@pytest.mark.parametrize(
    ("word", "failure", "words"),
    [
        ("nxdomain", "dns", "does not exist, says the name server"),
        ("nothing", "content", "has no record of the type A"),
        ("servfail", "dns", "with SERVFAIL; look at the domain's name servers"),
        ("refused", "dns", "with REFUSED"),
        ("formerr", "dns", "with FORMERR"),
        ("badvers", "dns", "with BADVERS"),
    ],
)
def test_dns_error_is_told_by_its_name(rig: Rig, server: DnsServer, word: str, failure: str, words: str) -> None:
    result = rig.check(server.url(word))
    assert result.failure == failure and words in result.message
    assert result.request_ms is not None and result.facts is not None


@pytest.mark.parametrize(
    ("match", "expected", "failure", "words"),
    [
        ("exact", ("192.0.2.1",), "content", "found 192.0.2.1, 192.0.2.2; expected 192.0.2.1."),
        ("exact", ("192.0.2.2", "192.0.2.1"), None, ""),
        ("contains", ("192.0.2.2",), None, ""),
        ("contains", ("192.0.2.2", "192.0.2.3"), "content", "lack 192.0.2.3; found 192.0.2.1, 192.0.2.2."),
        ("none", (), "content", "which should not be there: 192.0.2.1, 192.0.2.2."),
    ],
)
def test_dns_answers_are_held_against_what_is_expected(
    rig: Rig, server: DnsServer, match: str, expected: Tuple[str, ...], failure: Optional[str], words: str
) -> None:
    result = rig.check(server.url("good"), dns_match=match, dns_answers=expected)
    assert result.failure == failure and words in result.message


@pytest.mark.parametrize("word", ["nxdomain", "nothing"])
def test_dns_no_record_can_be_what_is_wanted(rig: Rig, server: DnsServer, word: str) -> None:
    assert rig.check(server.url(word), dns_match="none").failure is None
    assert rig.check(server.url("servfail"), dns_match="none").failure == "dns"


def test_dns_silence_ends_with_the_timeout(rig: Rig, server: DnsServer) -> None:
    result = rig.check(server.url("silent"), timeout_ms=150)
    assert result.failure == "timeout" and f"{server.place} did not answer the question for A" in result.message
    assert result.request_ms == pytest.approx(150, abs=2)


def test_dns_nobody_listening_is_a_refused_connection(rig: Rig) -> None:
    probe = dns_server.DnsServer(_good)
    probe.close()
    result = rig.check(probe.url("good"), timeout_ms=2_000)
    assert result.failure == "connect_refused" and "nothing listens on this port" in result.message


def test_dns_server_by_name_is_looked_up_in_a_phase_of_its_own(rig: Rig, server: DnsServer) -> None:
    result = rig.check(f"dns://good.a.example?type=A&server=localhost:{server.port}", family=4)
    assert result.failure is None and result.dns_ms is not None and result.request_ms is not None
    assert result.total_ms == pytest.approx(result.dns_ms + result.request_ms, abs=0.002)


def test_dns_server_name_that_does_not_exist_is_told(rig: Rig) -> None:
    result = rig.check("dns://good.a.example?type=A&server=ns.invalid", timeout_ms=5_000)
    assert result.failure == "dns" and "ns.invalid" in result.message


def test_dns_private_server_is_refused_and_the_hosts_own_is_not(
    rig: Rig, server: DnsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolv.conf").write_text("# comment\nnameserver 127.0.0.1\nsearch a.example\n")
    monkeypatch.setattr("pingmon_probe.checks.dns.DNS_PORT", server.port)
    rig.reconfigure(allow_private=False, host_resolver=HostResolver(tmp_path / "resolv.conf"))
    assert rig.check(server.url("good")).failure == "refused_target"
    result = rig.check("dns://good.a.example?type=A")
    assert result.failure is None and result.address == "127.0.0.1"


def test_host_resolver_reads_the_first_server_and_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("search a.example\nnameserver  192.0.2.53  \nnameserver 192.0.2.54\noptions edns0\n")
    resolver = HostResolver(path)
    assert resolver.server() == "192.0.2.53"
    path.write_text("nameserver 2001:db8::53\n")
    assert resolver.server() == "192.0.2.53", "what was read is believed for a while"
    monkeypatch.setattr(host_resolver, "KEPT_S", -1.0)
    assert resolver.server() == "2001:db8::53"
    path.write_text("nameserver nonsense\nnameserver\n")
    assert resolver.server() == "127.0.0.1", "as the C library has it"
    path.unlink()
    assert resolver.server() == "127.0.0.1"


def test_named_servers_of_windows_are_lists_of_any_form() -> None:
    assert named_servers(["192.0.2.1,192.0.2.2", "", "2001:db8::1 fe80::1%12", "x"]) == [
        "192.0.2.1", "192.0.2.2", "2001:db8::1", "fe80::1%12",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "failure", "words"),
    [
        (b"", "protocol", "0 bytes by TCP"),
        (b"\x00", "protocol", "1 bytes by TCP"),
        (b"\x00\x40abc", "protocol", "5 bytes by TCP"),
        (b"\x00\x05hello", "protocol", "something that was not asked for"),
    ],
)
def test_dns_broken_talk_by_tcp_is_told(rig: Rig, sent: bytes, failure: str, words: str) -> None:
    server = DnsServer(_truncated, by_tcp=lambda question: sent)
    try:
        result = rig.check(server.url("x"))
    finally:
        server.close()
    assert result.failure == failure and words in result.message


def test_dns_no_tcp_beside_udp_is_a_refused_connection(rig: Rig) -> None:
    server = DnsServer(_truncated)
    server.stop_tcp()
    try:
        result = rig.check(server.url("x"), timeout_ms=2_000)
    finally:
        server.close()
    assert result.failure == "connect_refused" and result.request_ms is not None


@pytest.mark.parametrize("record_type", ["MX", "TXT"])
def test_dns_other_types_in_the_answer_are_no_answers(rig: Rig, record_type: str) -> None:
    server = DnsServer(lambda question: [answer(question, *GOOD[A])])
    try:
        result = rig.check(server.url("x", record_type))
    finally:
        server.close()
    assert result.failure == "content" and answers(result) == []
