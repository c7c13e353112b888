"""The client against probes that behave, and against all that do not."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from typing import Any

import pytest
from pingmon_probe.protocol import CheckSpec, Plan, encode_batch

from pingmon_gui.domain.error import (
    ProbeError,
    ProbeOverloaded,
    ProbeOwned,
    ProbeUnauthorised,
    ProbeUnreachable,
    ProbeVersionMismatch,
    RevisionTooLow,
)
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.engine.link import Heartbeat, StreamHeader
from tests.fleet.scripted_probe import (
    TOKEN,
    Answer,
    begin_stream,
    header,
    scripted,
    send,
    status_document,
    stream,
    whole,
)
from tests.fleet.test_decode import good

BEAT = {
    "heartbeat": {
        "wall_ms": 5,
        "late_p99_ms": 1,
        "skipped": 2,
        "self_check": {"votes": False, "reason": "No route."},
        "revision": 4,
        "in_flight": 0,
    }
}


def batch(first: int, count: int) -> bytes:
    return encode_batch(first, [good(place) for place in range(count)])


def collect(answer: Answer, after: int = 0, spool: str | None = None, silence_s: float = 15.0) -> list[Any]:
    """Return every item of one results stream."""

    async def run() -> list[Any]:
        async with (
            scripted(answer, silence_s=silence_s) as client,
            aclosing(client.results(after, spool, 1)) as items,
        ):
            return [item async for item in items]

    return asyncio.run(run())


def test_status_measures_its_trip_to_the_head_of_the_answer() -> None:
    late_s, body_at_s = 0.3, 0.0

    async def answer(_request: str, _body: bytes, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(status_document()).encode()
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(late_s)
        nonlocal body_at_s
        body_at_s = time.monotonic()
        writer.write(body)

    async def run() -> None:
        async with scripted(answer) as client:
            before_s = time.monotonic()
            status = await client.status()
        # It ended before there was a body to wait for.
        assert 0 < status.round_trip_ms <= (body_at_s - before_s) * 1000
        assert (status.spool, status.last_seq, status.revision, status.votes) == ("a", 7, 3, True)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("versions", "sentence"), [({"min": 2, "max": 9}, "newer than this"), ({"min": 0, "max": 0}, "too old")]
)
def test_status_of_another_protocol_is_refused_with_both_versions_named(versions: Any, sentence: str) -> None:
    async def run() -> None:
        async with scripted(whole(200, status_document(protocol=versions))) as client:
            with pytest.raises(ProbeVersionMismatch, match=sentence) as caught:
                await client.status()
        assert f"{versions['min']} to {versions['max']}" in caught.value.message
        assert caught.value.hint is not None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "document", "error"),
    [
        (401, {"error": "unauthorised", "message": "No."}, ProbeUnauthorised),
        (409, {"error": "owner", "owner": "x"}, ProbeOwned),
        (409, {"error": "revision", "revision": 12}, RevisionTooLow),
        (409, {"error": "revision", "revision": "12"}, ProbeError),
        (400, {"error": "bad_request", "message": "unknown field: x"}, ProbeVersionMismatch),
        (429, {"error": "rate", "message": "Slow down."}, ProbeOverloaded),
        (503, b"<html>", ProbeOverloaded),
        (500, b"\xff", ProbeError),
        (302, b"", ProbeError),
        (200, b"hello", ProbeError),
        (200, {}, ProbeError),
        (200, {"revision": -1}, ProbeError),
        (200, {"revision": True}, ProbeError),
        (200, b"x" * 2_000_000, ProbeError),
    ],
)
def test_put_plan_translates_every_answer(status: int, document: object, error: type[ProbeError]) -> None:
    async def run() -> None:
        async with scripted(whole(status, document)) as client:
            with pytest.raises(error) as caught:
                await client.put_plan(Plan("me", 1))
        assert caught.value.message.endswith(".")
        if isinstance(caught.value, RevisionTooLow):
            assert caught.value.current == 12

    asyncio.run(run())


def test_message_of_a_refusal_is_cut_and_on_one_line() -> None:
    async def run() -> None:
        async with scripted(whole(429, {"message": "a\nb\u202e" + "x" * 9_000})) as client:
            with pytest.raises(ProbeOverloaded) as caught:
                await client.status()
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 500

    asyncio.run(run())


def test_results_yields_header_batches_and_heartbeats() -> None:
    items = collect(stream(header(last=5), batch(1, 3), BEAT, batch(4, 2)))
    assert [type(item) for item in items] == [StreamHeader, ResultBatch, Heartbeat, ResultBatch]
    assert (items[2].reason, items[2].skipped, items[2].revision) == ("No route.", 2, 4)


def test_results_are_trimmed_to_the_cursor_and_never_come_twice() -> None:
    items = collect(stream(header(last=5), batch(1, 3), batch(2, 4), batch(1, 5)), after=2, spool="a")
    assert [(item.first_seq, item.count) for item in items[1:]] == [(3, 1), (4, 2)]


def test_results_of_another_spool_begin_anew() -> None:
    items = collect(stream(header("b", last=2), batch(1, 2)), after=100, spool="a")
    assert [item.count for item in items[1:]] == [2]


@pytest.mark.parametrize(("offset_ms", "corrected"), [(1_000, False), (30_000, True), (3_600_000, False)])
def test_results_follow_the_offset_rule(offset_ms: int, corrected: bool) -> None:
    first, read = collect(stream(header(last=1, offset_ms=offset_ms), batch(1, 1)))
    assert abs(first.clock_offset_ms - offset_ms) < 900
    assert read.clock_offset_ms == (first.clock_offset_ms if corrected else 0.0)


@pytest.mark.parametrize(
    "lines",
    [
        (b"garbage\n",),
        ({"spool": "", "first": 1, "last": 0, "dropped": [], "wall_ms": 1},),
        ({"spool": "a", "first": 5, "last": 0, "dropped": [], "wall_ms": 1},),
        ({"spool": "a", "first": 1, "last": 0, "dropped": [[1]], "wall_ms": 1},),
        (header(), b'{"columns": 3}\n'),
        (header(), b"\xff\n"),
        (header(), {"heartbeat": {}}),
        (header(), {"heartbeat": None}),
        (header(), b"x" * 300_000),
        (header(), b"{" + b" " * 300_000 + b"}\n"),
    ],
)
def test_results_of_garbage_is_a_sentence(lines: tuple[object, ...]) -> None:
    with pytest.raises(ProbeError) as caught:
        collect(stream(*lines))
    assert caught.value.message.endswith(".")


def test_results_cut_in_the_middle_of_a_line_gives_what_came_whole() -> None:
    async def run() -> None:
        answer = stream(header(last=4), batch(1, 2), batch(3, 2)[:50], ends_well=False)
        seen = []
        async with scripted(answer) as client, aclosing(client.results(0, None, 1)) as items:
            with pytest.raises(ProbeUnreachable):
                async for item in items:
                    seen.append(item)
        assert [item.last_seq for item in seen[1:]] == [2]

    asyncio.run(run())


def test_results_that_fall_silent_end_by_themselves() -> None:
    async def silent(_request: str, _body: bytes, writer: asyncio.StreamWriter) -> None:
        begin_stream(writer)
        send(writer, header())
        await writer.drain()
        await asyncio.sleep(3)

    with pytest.raises(ProbeUnreachable, match="does not answer"):
        collect(silent, silence_s=0.2)


def test_results_that_drip_without_a_line_end_by_themselves() -> None:
    async def drip(_request: str, _body: bytes, writer: asyncio.StreamWriter) -> None:
        begin_stream(writer)
        send(writer, header())
        while not writer.is_closing():
            send(writer, b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    with pytest.raises(ProbeUnreachable, match="does not answer"):
        collect(drip, silence_s=0.3)


def test_run_checks_yields_each_and_says_when_some_are_missing() -> None:
    async def run() -> None:
        specs = [CheckSpec("https://site0.test/"), CheckSpec("https://site1.test/")]
        checks = [good(place).to_check_json(1_000) for place in range(2)]
        async with scripted(stream(*checks)) as client:
            assert [result.url async for result in client.run_checks(specs)] == [spec.url for spec in specs]
        async with scripted(stream(checks[0])) as client:
            with pytest.raises(ProbeUnreachable, match="broke off 1"):
                _ = [result async for result in client.run_checks(specs)]
        async with scripted(stream()) as client:
            assert [result async for result in client.run_checks([])] == []

    asyncio.run(run())


def test_nobody_there_is_unreachable() -> None:
    async def run() -> None:
        async with scripted(whole(200, {})) as client:
            pass
        with pytest.raises(ProbeUnreachable):
            await client.status()

    asyncio.run(run())


def test_closing_the_client_ends_a_stream_in_words() -> None:
    async def wait(_request: str, _body: bytes, writer: asyncio.StreamWriter) -> None:
        begin_stream(writer)
        send(writer, header())
        await writer.drain()
        await asyncio.sleep(0.2)

    async def run() -> None:
        async with scripted(wait) as client, aclosing(client.results(0, None, 1)) as items:
            await anext(items)
            await client.close()
            with pytest.raises(ProbeUnreachable):
                await anext(items)

    asyncio.run(run())


def test_the_token_is_shown_nowhere() -> None:
    async def run() -> None:
        async with scripted(whole(200, status_document())) as client:
            assert TOKEN.reveal() not in f"{TOKEN!r} {TOKEN} {client!r} {vars(client)}"

    asyncio.run(run())
