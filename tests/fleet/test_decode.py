"""Reading what a probe sends: what fits becomes arrays, everything else one sentence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import PHASES, CheckResult, encode_batch
from pingmon_probe.protocol import decode_batch as decode_objects

from pingmon_gui.domain.error import ProbeError
from pingmon_gui.domain.evidence_text import text_of
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import OTHER_FAILURE, Status
from pingmon_gui.fleet.decode import correction_ms, decode_batch, decode_check, read_json
from pingmon_gui.fleet.decode_evidence import evidence_of
from pingmon_gui.fleet.decode_facts import facts_of

PROBE = ProbeId(7)


def good(place: int = 0, **changed: Any) -> CheckResult:
    values: dict[str, Any] = {
        "url": f"https://site{place}.test/",
        "monitor": 100 + place,
        "version": 2,
        "started_at_ms": 1_800_000_000_000 + place,
        "http_status": 200,
        "total_ms": 30.5,
        "dns_ms": 1.5,
        "connect_ms": 9.0,
        "request_ms": 15.0,
        "transfer_ms": 5.0,
        "clock": "kernel",
        "address": "192.0.2.1",
        "family": 4,
        "body_bytes": 10,
    }
    return CheckResult(**{**values, **changed})


def bad(place: int) -> CheckResult:
    hops = ({"url": "http://a.test/", "http_status": 301, "address": "192.0.2.1", "total_ms": 3.0},)
    certificate = {"subject": "CN=a", "issuer": "CN=b", "not_after": "2027-01-01T00:00:00+00:00", "verify_error": None}
    return good(
        place,
        failure="timeout",
        message="Too late.",
        http_status=None,
        total_ms=None,
        dns_ms=None,
        family=None,
        address=None,
        hops=hops,
        certificate=certificate,
        own_network=True,
        recheck=True,
    )


def document(*results: CheckResult, first: int = 1) -> dict[str, Any]:
    return read_json(encode_batch(first, results))


def test_decode_batch_gives_the_same_results_as_the_protocols_reader() -> None:
    sent = document(good(0), bad(1), good(2), first=40)
    batch = decode_batch(sent, PROBE, "spool", 0)
    assert batch is not None
    for place, expected in enumerate(decode_objects(sent)):
        expected.revision = 0
        assert batch.result(place) == expected
    assert (batch.probe, batch.spool, batch.first_seq, batch.count) == (PROBE, "spool", 40, 3)
    assert np.isnan(batch.phases_ms[0, PHASES.index("tls_ms")])
    assert (batch.status == Status.UNKNOWN).all()


def test_decode_batch_trims_what_is_known_already() -> None:
    sent = document(*[good(place) for place in range(5)], first=10)
    batch = decode_batch(sent, PROBE, "s", 12)
    assert batch is not None
    assert (batch.first_seq, batch.count, batch.last_seq) == (13, 2, 14)
    assert batch.monitor.tolist() == [103, 104]
    assert batch.url[0] == "https://site3.test/"
    assert decode_batch(sent, PROBE, "s", 14) is None


def test_decode_batch_takes_the_correction_off_the_times() -> None:
    batch = decode_batch(document(good()), PROBE, "s", 0, 5_000.4)
    assert batch is not None
    assert batch.started_at_ms.tolist() == [1_800_000_000_000 - 5_000]
    assert batch.clock_offset_ms == 5_000.4


@pytest.mark.parametrize(
    ("offset_ms", "correction"),
    [(0, 0), (2_000, 0), (-2_000, 0), (2_001, 2_001), (-59_000, -59_000), (60_000, 60_000), (60_001, 0), (-1e12, 0)],
)
def test_correction_is_made_from_2_to_60_seconds(offset_ms: float, correction: float) -> None:
    assert correction_ms(offset_ms) == correction


def test_decode_batch_of_another_release_tolerates_more_and_fewer_columns() -> None:
    sent = document(good())
    columns = sent["columns"]
    columns["colour"] = ["red"]
    for name in ("queue_ms", "recheck", "hops", "certificate", "message", "family", "body_bytes", "clock"):
        del columns[name]
    columns["failure"]["values"] = ["gremlins"]
    batch = decode_batch(sent, PROBE, "s", 0)
    assert batch is not None
    assert batch.failure.tolist() == [OTHER_FAILURE]
    assert batch.queue_ms.tolist() == [0.0]
    assert batch.message[0] == ""


def test_decode_batch_cuts_long_texts_and_replaces_lone_surrogates() -> None:
    batch = decode_batch(document(good(message="x" * 9_000), good(address="\ud800")), PROBE, "s", 0)
    assert batch is not None
    assert len(batch.message[0]) == 500
    assert batch.address[1] == "?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("monitor", None),
        ("monitor", ["1"]),
        ("monitor", [1.0]),
        ("monitor", [True]),
        ("monitor", [-1]),
        ("monitor", [2**53]),
        ("monitor", [10**400]),
        ("monitor", [1, 2]),
        ("monitor", {}),
        ("started_at_ms", [-1]),
        ("started_at_ms", [9_999_999_999_999]),
        ("started_at_ms", [None]),
        ("total_ms", None),
        ("total_ms", [-0.1]),
        ("total_ms", [1e300]),
        ("total_ms", ["3"]),
        ("total_ms", [[3]]),
        ("queue_ms", [None]),
        ("http_status", [1_000]),
        ("http_status", [10**30]),
        ("recheck", [1]),
        ("failure", None),
        ("failure", {"values": [3], "index": [0]}),
        ("failure", {"values": ["timeout"], "index": [1]}),
        ("failure", {"values": ["timeout"], "index": [-1]}),
        ("failure", {"values": [], "index": [0]}),
        ("failure", {"values": "timeout", "index": [0]}),
        ("failure", ["timeout"]),
        ("message", {"values": [None], "index": [0]}),
        ("hops", {"values": [[{"url": 1}]], "index": [0]}),
        ("hops", {"values": [[{}] * 50], "index": [0]}),
        ("certificate", {"values": ["x"], "index": [0]}),
    ],
)
def test_decode_batch_of_malformed_columns_is_a_sentence(name: str, value: Any) -> None:
    sent = document(good())
    sent["columns"][name] = value
    with pytest.raises(ProbeError, match=r"^The probe sent something that cannot be read: .+\.$"):
        decode_batch(sent, PROBE, "s", 0)


@pytest.mark.parametrize("changed", [{"first": 0}, {"first": "1"}, {"count": 257}, {"count": -1}, {"columns": []}])
def test_decode_batch_of_malformed_frame_is_a_sentence(changed: dict[str, Any]) -> None:
    with pytest.raises(ProbeError):
        decode_batch({**document(good()), **changed}, PROBE, "s", 0)


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{", b'{"a": NaN}', b"\xff\xfe", b"[" * 60_000, b'{"a": ' + b"9" * 5_000 + b"}"]
)
def test_read_json_of_garbage_is_a_sentence(line: bytes) -> None:
    with pytest.raises(ProbeError):
        read_json(line)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(sorted(document(good())["columns"]))


@given(_NAMES, _JSON | st.lists(_JSON, min_size=1, max_size=1))
def test_decode_batch_of_any_column_gives_a_batch_or_a_sentence(name: str, value: Any) -> None:
    sent = document(good())
    sent["columns"][name] = value
    try:
        batch = decode_batch(sent, PROBE, "s", 0)
    except ProbeError as exc:
        assert exc.message.endswith(".")
    else:
        assert batch is not None
        batch.result(0)


def test_decode_check_gives_back_what_was_sent() -> None:
    for sent in (good(), bad(1)):
        read = decode_check(json.dumps(sent.to_check_json(1_000)).encode())
        sent.on_demand, sent.recheck = True, False
        assert read == sent


@given(st.sampled_from(sorted(good().to_check_json(1_000))), _JSON)
def test_decode_check_of_any_field_gives_a_check_or_a_sentence(name: str, value: Any) -> None:
    line = json.dumps({**good().to_check_json(1_000), name: value}).encode()
    try:
        assert decode_check(line).url
    except ProbeError as exc:
        assert exc.message.endswith(".")
    except AssertionError:
        assert name == "url"


def test_facts_of_a_kind_come_through_the_batch() -> None:
    facts = {"answers": ["192.0.2.1"], "ttl_s": 300, "is_authentic": False, "chain": [{"subject": "CN=a"}]}
    sent = [good(0, facts=facts), good(1)]
    batch = decode_batch(json.loads(encode_batch(1, sent)), PROBE, "spool", 0)
    assert batch is not None
    assert [batch.result(place).facts for place in range(2)] == [facts, None]


def test_batch_of_a_probe_that_knows_no_facts_is_read() -> None:
    document = json.loads(encode_batch(1, [good()]))
    del document["columns"]["facts"]
    batch = decode_batch(document, PROBE, "s", 0)
    assert batch is not None and batch.result(0).facts is None


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({}, {}),
        ({"a": "x" * 3_000}, {"a": "x" * 2_000}),
        ({"a": 2**60, "b": 1.5, "c": None, "d": True}, {"b": 1.5, "d": True}),
        ({"a": [1, "x", {"b": [1]}, [2]]}, {"a": [1, "x", {}]}),
        ({"n" * 50: 1, "b": {"c": 1}}, {}),
        ({"a": "\ud800"}, {"a": "?"}),
        ({"a": list(range(60))}, {"a": list(range(50))}),
        ({str(n): n for n in range(60)}, {str(n): n for n in range(40)}),
    ],
)
def test_facts_are_bounded(sent: dict[str, Any], read: dict[str, Any]) -> None:
    assert facts_of(sent) == read


def test_facts_that_are_no_object_are_refused() -> None:
    with pytest.raises(ProbeError):
        facts_of([1])


EVIDENCE = {
    "names": [
        {
            "host": "a.test",
            "server": "127.0.0.53",
            "addresses": ["192.0.2.1"],
            "address_count": 1,
            "error": None,
            "took_ms": 1.5,
        }
    ],
    "tried": [{"target": "https://a.test/", "address": "192.0.2.1", "port": 443, "outcome": "It was refused."}],
    "chain": [
        {
            "sha256": "ab" * 32,
            "subject": "CN=a.test",
            "issuer": "CN=b",
            "not_before": "2026-01-01T00:00:00Z",
            "not_after": "2027-01-01T00:00:00Z",
            "names": ["a.test"],
            "name_count": 1,
        }
    ],
    "answers": [
        {
            "url": "https://a.test/",
            "status_line": "HTTP/1.1 500 No",
            "headers": [["Server", "nginx"]],
            "is_cut": False,
        }
    ],
    "body": {"text": "a\n\tb", "body_bytes": 4, "is_cut": False, "coding": ""},
}


def test_evidence_comes_along_with_its_result_and_a_route_names_the_failure_that_it_is_of() -> None:
    route = {"address": "192.0.2.1", "method": "TCP", "hops": [{"ttl": 1, "address": None, "ms": None, "note": None}]}
    results = [
        bad(0),
        CheckResult(**{**vars(bad(1)), "evidence": EVIDENCE}),
        CheckResult(**{**vars(bad(2)), "evidence": {"failed_at_ms": 1_800_000_000_001, "route": route}}),
    ]
    line = json.loads(encode_batch(1, results))
    read = decode_batch(line, PROBE, "spool", 0, 3_000.0)
    assert read is not None
    first, second = read.evidence
    assert (first.monitor, first.probe, first.at_ms, first.is_route) == (101, PROBE, 1_799_999_997_001, False)
    assert first.document == EVIDENCE
    assert (second.monitor, second.at_ms, second.is_route) == (102, 1_799_999_997_001, True)
    assert second.document["route"]["hops"] == route["hops"]
    later = decode_batch(line, PROBE, "spool", 2)
    assert later is not None and [one.monitor for one in later.evidence] == [102]


def test_evidence_of_others_is_bounded_and_harmless() -> None:
    hostile = {
        "tried": [{"target": "\x1b[2Jx", "address": "\u202e1", "outcome": "o" * 9_000}] * 50,
        "answers": [{"url": "u", "status_line": "s", "headers": [["a", "b"], ["a"], 7, ["a", None]] * 40}],
        "body": {"text": "t" * 99_999, "body_bytes": -1},
        "more": "x",
    }
    read = evidence_of(hostile)
    assert read is not None and set(read) == {"tried", "answers"}
    assert len(read["tried"]) == 8 and len(read["tried"][0]["outcome"]) == 500
    assert read["tried"][0]["target"] == "\ufffd[2Jx" and read["tried"][0]["address"] == "\ufffd1"
    assert all(pair == ["a", "b"] for pair in read["answers"][0]["headers"])
    for nothing in (None, 7, [], {}, {"failed_at_ms": 7}, {"tried": []}, {"body": {"text": 7, "body_bytes": 1}}):
        assert evidence_of(nothing) is None


_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
_seldom_junk = st.text(max_size=20) | _junk


def _objects(*names: str) -> st.SearchStrategy[Any]:
    """Return lists of objects with the right names, most of whose values fit."""
    values = {name: st.lists(st.text(), max_size=3) | _seldom_junk for name in names if name in ("names", "addresses")}
    values |= {name: _seldom_junk | st.integers(0, 99) for name in names if name not in values}
    return st.lists(st.fixed_dictionaries({}, optional=values) | _junk, max_size=3)


_evidence = st.fixed_dictionaries(
    {},
    optional={
        "names": _objects("host", "server", "addresses", "address_count", "error", "took_ms"),
        "tried": _objects("target", "address", "outcome"),
        "chain": _objects("sha256", "subject", "issuer", "not_before", "not_after", "names", "name_count"),
        "answers": st.lists(
            st.fixed_dictionaries(
                {"url": st.text(), "status_line": st.text(), "headers": st.lists(st.lists(st.text(), max_size=3))}
            )
        ),
        "body": st.fixed_dictionaries({"text": _seldom_junk, "body_bytes": st.integers(-1, 9), "coding": _junk}),
        "route": st.fixed_dictionaries(
            {"address": _seldom_junk, "method": _seldom_junk, "note": _junk, "hops": _objects("ttl", "address", "ms")}
        ),
        "failed_at_ms": _junk,
    },
)


@given(_evidence | _junk)
def test_whatever_evidence_holds_it_is_read_kept_and_told(value: Any) -> None:
    document = evidence_of(value)
    if document is not None:
        text = json.dumps(document, allow_nan=False)
        assert json.loads(text) == document
        lines = text_of(document)
        assert all(isinstance(line, str) and "\x1b" not in line for line in lines)
        assert evidence_of(document) == document


def test_lines_of_probes_that_know_no_facts_and_no_evidence_are_read() -> None:
    line = json.loads(encode_batch(1, [good(0), CheckResult(**{**vars(bad(1)), "evidence": EVIDENCE})]))
    for column in ("evidence", "facts"):
        del line["columns"][column]
        read = decode_batch(line, PROBE, "spool", 0)
        assert read is not None and read.count == 2 and read.evidence == ()
        assert len(decode_objects(line)) == 2
