"""The wire keeps what is put on it: checks, plans and batches come back as they were, whatever they hold."""

from __future__ import annotations

import json
import string
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.check_spec import KINDS_OF_FIELD
from pingmon_probe.protocol import (
    FAILURES,
    MAX_ID,
    CheckResult,
    CheckSpec,
    Plan,
    ProtocolError,
    decode_batch,
    encode_batch,
)

HOSTS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)
STATUS_SETS = st.lists(
    st.tuples(st.integers(100, 599), st.integers(100, 599)).map(lambda pair: (min(pair), max(pair))),
    min_size=1,
    max_size=5,
).map(tuple)


@st.composite
def specs(draw: st.DrawFn) -> CheckSpec:
    interval_ms = draw(st.integers(5_000, 3_600_000))
    return CheckSpec(
        url=draw(st.sampled_from(["http", "https"])) + "://" + draw(HOSTS) + ".example/",
        monitor=draw(st.integers(1, MAX_ID)),
        version=draw(st.integers(0, 2**31 - 1)),
        interval_ms=interval_ms,
        phase_ms=draw(st.integers(0, interval_ms - 1)),
        timeout_ms=draw(st.integers(100, 30_000)),
        slow_ms=draw(st.integers(1, 30_000)),
        family=draw(st.sampled_from([0, 4, 6])),
        status_set=draw(STATUS_SETS),
        keyword=draw(st.none() | st.text(min_size=1, max_size=50)),
        keyword_absent=draw(st.booleans()),
        ignore_certificate=draw(st.booleans()),
        basic_auth=draw(st.none() | st.text(max_size=20).map(lambda text: f"u:{text}")),
    )


MS = st.none() | st.floats(0, 60_000).map(lambda ms: round(ms, 3))
JSON_VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
RESULTS = st.builds(
    CheckResult,
    url=st.text(max_size=50),
    monitor=st.integers(0, MAX_ID),
    version=st.integers(0, 2**31 - 1),
    revision=st.integers(0, MAX_ID),
    started_at_ms=st.integers(0, 2**53),
    failure=st.none() | st.sampled_from(FAILURES),
    message=st.text(max_size=50),
    http_status=st.none() | st.integers(100, 999),
    total_ms=MS,
    dns_ms=MS,
    connect_ms=MS,
    tls_ms=MS,
    request_ms=MS,
    transfer_ms=MS,
    late_ms=st.floats(0, 1e6),
    queue_ms=st.floats(0, 1e6),
    clock=st.sampled_from(["kernel", "user"]),
    low_confidence=st.booleans(),
    address=st.none() | st.text(max_size=20),
    family=st.sampled_from([None, 4, 6]),
    hops=st.lists(st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=3), max_size=3).map(tuple),
    body_bytes=st.integers(0, 2**40),
    certificate=st.none() | st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4),
    recheck=st.booleans(),
    on_demand=st.booleans(),
    own_network=st.booleans(),
)


def over_the_wire(document: Any) -> Any:
    return json.loads(json.dumps(document))


@given(specs())
def test_check_comes_back_as_it_was(spec: CheckSpec) -> None:
    assert CheckSpec.from_json(over_the_wire(spec.to_json())) == spec


URLS = {
    "tcp": "tcp://a.example:1",
    "tls": "tls://a.example",
    "dns": "dns://a.example?type=A",
    "icmp": "icmp://a.example",
}


@pytest.mark.parametrize("name", [field.name for field in fields(CheckSpec) if field.name != "url"])
def test_no_field_of_a_check_is_taken_unread(name: str) -> None:
    kind = sorted(KINDS_OF_FIELD.get(name, {"http"}))[0]
    document = {"url": URLS.get(kind, "http://a.example/"), "kind": kind, name: [5]}
    with pytest.raises(ProtocolError, match=name):
        CheckSpec.from_json(document)


@given(
    st.lists(specs(), max_size=5, unique_by=lambda spec: spec.monitor),
    st.text(min_size=1, max_size=100),
    st.integers(1, MAX_ID),
    st.lists(st.sampled_from(["192.0.2.1:53", "[2001:db8::1]:443"]), max_size=3),
    st.booleans(),
)
def test_plan_comes_back_as_it_was(
    checks: list[CheckSpec], owner: str, revision: int, anchors: list[str], take_over: bool
) -> None:
    plan = Plan(owner, revision, tuple(checks), 600, tuple(anchors), take_over)
    read = Plan.from_json(over_the_wire(plan.to_json()))
    assert read == plan
    assert read.content_hash == plan.content_hash


@given(st.lists(RESULTS, min_size=1, max_size=20), st.integers(1, 10**15))
def test_batch_comes_back_as_it_was(results: list[CheckResult], first: int) -> None:
    line = encode_batch(first, results)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    read = decode_batch(json.loads(line))
    assert [result.seq for result in read] == list(range(first, first + len(results)))
    for before, after in zip(results, read, strict=True):
        after.seq = 0
        assert after == before


@given(
    st.recursive(
        JSON_VALUES | st.floats(allow_nan=True),
        lambda values: (
            st.lists(values, max_size=4)
            | st.dictionaries(
                st.text(max_size=5) | st.sampled_from(["url", "checks", "owner", "status_set", "anchors"]), values
            )
        ),
        max_leaves=15,
    )
)
def test_anything_else_is_refused_with_a_sentence(document: Any) -> None:
    for read in (CheckSpec.from_json, Plan.from_json):
        try:
            read(document)
        except ProtocolError as error:
            assert str(error)
        else:
            pytest.fail("random JSON was taken for a plan or a check")
