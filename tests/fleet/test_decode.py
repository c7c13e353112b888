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
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import OTHER_FAILURE, Status
from pingmon_gui.fleet.decode import correction_ms, decode_batch, decode_check, read_json
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
