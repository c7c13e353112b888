"""Speaks to one probe over HTTP: status, plan, results stream, checks on demand.

Errors of the network, of HTTP and of what a probe sends come out as ProbeError with a sentence.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import httpx
from pingmon_probe.protocol import (
    MAX_BATCH_BYTES,
    MAX_ID,
    MAX_WAIT_S,
    PROTOCOL_MAX,
    PROTOCOL_MIN,
    CheckResult,
    CheckSpec,
    Plan,
)

from pingmon_gui.domain.error import (
    ProbeError,
    ProbeOverloaded,
    ProbeOwned,
    ProbeUnauthorised,
    ProbeUnreachable,
    ProbeVersionMismatch,
    RevisionTooLow,
)
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.engine.link import Heartbeat, ProbeStatus, StreamHeader
from pingmon_gui.fleet.decode import BadInput, correction_ms, decode_batch, decode_check, read_json
from pingmon_gui.fleet.now import NowMs, system_now_ms
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.trip import ClockOffset, Trip

CONNECT_S = 5.0
ANSWER_S = 10.0
#: A plan of 20,000 checks takes a small host a while to read.
PLAN_S = 60.0
#: A stream says something at least every 5 s; after this silence it is dead.
SILENCE_S = 15.0
#: What a probe may take beyond a check's timeout, with as many others before it as it can be asked for.
CHECK_EXTRA_S = 30.0
#: A line of a batch, and some room for what is around it.
MAX_LINE_BYTES = MAX_BATCH_BYTES + 64 * 1024
MAX_ANSWER_BYTES = 1024 * 1024
MAX_SENTENCE_CHARACTERS = 300
MAX_DROPPED_SPANS = 10_000


class ProbeClient:
    """One probe at one address. Make it inside the running loop; `close` it there.

    Implements everything of the engine's ProbeLink but the starting. `transport` carries the bytes instead of a
    socket, `verify` says whom an https address has to be, `now_ms` the time that the
    probe's clock is held against. `silence_s` is there for tests.
    """

    def __init__(
        self,
        probe: Probe,
        base_url: str,
        token: Token,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        verify: ssl.SSLContext | None = None,
        silence_s: float = SILENCE_S,
        now_ms: NowMs = system_now_ms,
    ) -> None:
        self._probe = probe
        self._name = f"The probe “{probe.name}”"
        self._silence_s = silence_s
        self._now_ms = now_ms
        self._clock = ClockOffset()
        self._correction_ms = 0.0
        # Neither proxies nor .netrc of the surroundings concern a probe. The usual context trusts nobody: it is
        # for a loopback port, and loading all the world's authorities costs 30 ms.
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token.reveal()}", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            trust_env=False,
            verify=verify or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"ProbeClient({self._probe.name!r})"

    async def close(self) -> None:
        await self._http.aclose()

    async def status(self) -> ProbeStatus:
        """Ask how the probe is. Raises ProbeVersionMismatch where it speaks no protocol of ours."""
        trip = Trip()
        document = await self._json("GET", "/v1/status", trip=trip)
        with self._reading():
            versions = document["protocol"]
            low, high = _whole(versions["min"]), _whole(versions["max"])
            if low > PROTOCOL_MAX:
                raise ProbeVersionMismatch(
                    f"{self._name} is newer than this Pingmon: it speaks protocol {low} to {high}, "
                    f"Pingmon {PROTOCOL_MIN} to {PROTOCOL_MAX}.",
                    "Upgrade Pingmon.",
                )
            if high < PROTOCOL_MIN:
                raise ProbeVersionMismatch(
                    f"{self._name} is too old for this Pingmon: it speaks protocol {low} to {high}, "
                    f"Pingmon {PROTOCOL_MIN} to {PROTOCOL_MAX}.",
                    "Upgrade this probe.",
                )
            wall_ms = _whole(document["wall_ms"])
            offset_ms = self._offset_by(trip, wall_ms)
            votes, reason = _self_check(document["self_check"])
            features, spool = document["features"], document["spool"]
            if not isinstance(features, list) or not all(isinstance(feature, str) for feature in features):
                raise TypeError("features")
            status = ProbeStatus(
                version=_text(document["version"], 40),
                features=tuple(features[:200]),
                owner=None if document["owner"] is None else _text(document["owner"], 100),
                revision=_whole(document["revision"]),
                plan_hash=None if document["plan_hash"] is None else _text(document["plan_hash"], 100),
                spool=_spool(spool["id"]),
                last_seq=_whole(spool["last"]),
                wall_ms=wall_ms,
                clock_offset_ms=offset_ms,
                votes=votes,
                reason=reason,
                late_p99_ms=_number(document["late_p99_ms"]),
                skipped=_whole(document["skipped"]),
                first_seq=_whole(spool["first"]),
                spool_bytes=_whole(spool["bytes"]),
                problem=None if spool["problem"] is None else _text(spool["problem"], MAX_SENTENCE_CHARACTERS),
                checks=_whole(document["checks"]),
                is_measuring=document["measuring"] is True,
                lease_until_ms=None if document["lease_until_ms"] is None else _whole(document["lease_until_ms"]),
                round_trip_ms=trip.round_ms,
            )
        self._correction_ms = correction_ms(offset_ms)
        return status

    async def put_plan(self, plan: Plan) -> int:
        """Replace the plan; return the revision in force. Raises ProbeOwned, RevisionTooLow and others."""
        body = await asyncio.to_thread(plan.encode)
        document = await self._json("PUT", "/v1/plan", body, timeout_s=PLAN_S)
        with self._reading():
            return _whole(document["revision"])

    async def results(
        self, after: int, spool: str | None, wait_s: float
    ) -> AsyncGenerator[StreamHeader | ResultBatch | Heartbeat, None]:
        """Yield the header, then batches with seq > `after` and heartbeats; see the engine's ProbeLink."""
        query = {"after": str(after), "wait_s": f"{min(wait_s, MAX_WAIT_S):g}"}
        if spool is not None:
            query["spool"] = spool
        header: StreamHeader | None = None
        correction = 0.0
        trip = Trip()
        async with self._stream("GET", "/v1/results", query=query, silence_s=self._silence_s, trip=trip) as lines:
            async for line in lines:
                document = read_json(line)
                if header is None:
                    with self._reading():
                        header = _header(document, self._offset_by(trip, _whole(document["wall_ms"])))
                    correction = self._correction_ms = correction_ms(header.clock_offset_ms)
                    if header.spool != spool:
                        after = 0
                    yield header
                elif "heartbeat" in document:
                    with self._reading():
                        beat = _heartbeat(document["heartbeat"])
                    yield beat
                elif "columns" in document:
                    batch = decode_batch(document, self._probe.id, header.spool, after, correction)
                    if batch is not None:
                        after = batch.last_seq
                        yield batch
                    # A backlog comes without a pause; the window gets its turn between any two batches.
                    await asyncio.sleep(0)

    async def run_checks(self, specs: Sequence[CheckSpec]) -> AsyncGenerator[CheckResult, None]:
        """Run the checks now; yield each result as it is done. At most 1,000 at a time (the probe says so)."""
        if not specs:
            return
        body = await asyncio.to_thread(_encode, lambda: {"checks": [spec.to_json() for spec in specs]})
        silence_s = max(spec.timeout_ms for spec in specs) / 1000 + CHECK_EXTRA_S
        left = len(specs)
        async with self._stream("POST", "/v1/checks", body=body, silence_s=silence_s) as lines:
            async for line in lines:
                yield decode_check(line, self._correction_ms)
                left -= 1
                if not left:
                    return
        raise ProbeUnreachable(f"{self._name} broke off {left} checks.", "Try again in a moment.")

    def _offset_by(self, trip: Trip, wall_ms: int) -> float:
        return self._clock.take(trip.offset_ms(wall_ms, self._now_ms()), trip.round_ms, time.monotonic())

    async def _json(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        timeout_s: float = ANSWER_S,
        trip: Trip | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object of an answer; the whole exchange takes at most `timeout_s` and some."""
        with self._network():
            async with asyncio.timeout(CONNECT_S + timeout_s):
                async with self._http.stream(
                    method,
                    path,
                    content=body,
                    timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
                    extensions=_traced(trip),
                ) as response:
                    answer = await self._read_all(response)
                    if response.status_code != 200:
                        raise self._refusal(response.status_code, answer)
        return read_json(answer)

    @asynccontextmanager
    async def _stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        silence_s: float,
        trip: Trip | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        with self._network():
            async with self._http.stream(
                method,
                path,
                params=query,
                content=body,
                timeout=httpx.Timeout(silence_s, connect=CONNECT_S),
                extensions=_traced(trip),
            ) as response:
                if response.status_code != 200:
                    async with asyncio.timeout(ANSWER_S):
                        answer = await self._read_all(response)
                    raise self._refusal(response.status_code, answer)
                yield self._lines(response, silence_s)

    async def _lines(self, response: httpx.Response, silence_s: float) -> AsyncIterator[bytes]:
        """Yield whole lines; a line that is cut off at the end is dropped: it comes again."""
        loop = asyncio.get_running_loop()
        rest = b""
        heard_s = loop.time()
        async for chunk in response.aiter_raw():
            *lines, tail = chunk.split(b"\n")
            if lines:
                lines[0] = rest + lines[0]
                rest = tail
                heard_s = loop.time()
            else:
                rest += tail
            if len(rest) > MAX_LINE_BYTES or any(len(line) > MAX_LINE_BYTES for line in lines):
                raise BadInput(f"{self._name} sent a line that is too long.", "Upgrade Pingmon and this probe.")
            if loop.time() - heard_s > silence_s:
                raise self._silent()
            for line in lines:
                if line:
                    yield line

    async def _read_all(self, response: httpx.Response) -> bytes:
        answer = bytearray()
        async for chunk in response.aiter_raw():
            answer += chunk
            if len(answer) > MAX_ANSWER_BYTES:
                raise BadInput(f"{self._name} sent an answer that is too long.", "Upgrade Pingmon and this probe.")
        return bytes(answer)

    @contextmanager
    def _network(self) -> Iterator[None]:
        """Translate what can go wrong between here and the probe."""
        try:
            yield
        except (httpx.TimeoutException, TimeoutError) as exc:
            raise self._silent() from exc
        except httpx.ConnectError as exc:
            raise ProbeUnreachable(f"{self._name} cannot be reached.", "Is it running?") from exc
        except (httpx.HTTPError, httpx.StreamError, OSError) as exc:
            raise ProbeUnreachable(f"The connection to the probe “{self._probe.name}” broke off.") from exc
        except RuntimeError as exc:
            # What httpx raises for a client that was closed while it was asked: the probe is gone.
            if not self._http.is_closed:
                raise
            raise ProbeUnreachable(f"The connection to the probe “{self._probe.name}” was closed.") from exc

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Translate what an answer of the wrong shape leads to."""
        try:
            yield
        except (KeyError, TypeError, ValueError, OverflowError) as exc:
            raise BadInput(
                f"{self._name} sent an answer that cannot be read.", "Upgrade Pingmon and this probe."
            ) from exc

    def _silent(self) -> ProbeUnreachable:
        return ProbeUnreachable(f"{self._name} does not answer.", "Is its host up and not overloaded?")

    def _refusal(self, status: int, answer: bytes) -> ProbeError:
        """Return the error for an answer that is not 200."""
        document: dict[str, Any] = {}
        with suppress(BadInput):  # an answer of something that is no probe: its number says enough
            document = read_json(answer)
        word = document.get("error")
        said = _sentence(document.get("message"))
        if status == 401:
            return ProbeUnauthorised(f"{self._name} refused the token.", "Set this probe up again.")
        if status == 409 and word == "owner":
            return ProbeOwned(f"{self._name} works for another Pingmon.", "Take it over to use it here.")
        if status == 409 and word == "revision":
            current = document.get("revision")
            if isinstance(current, int) and not isinstance(current, bool) and 0 <= current < MAX_ID:
                return RevisionTooLow(f"{self._name} has a newer plan.", current)
        if status in (429, 503):
            return ProbeOverloaded(f"{self._name} is at its limits. {said}".strip(), "Try again in a few seconds.")
        if status in (400, 404, 405, 413):
            return ProbeVersionMismatch(f"{self._name} refused a request. {said}".strip(), "Upgrade this probe.")
        return ProbeError(f"{self._name} answered with HTTP {status}. {said}".strip(), "Look at the probe's log.")


def _encode(document: Any) -> bytes:
    return json.dumps(document(), separators=(",", ":")).encode("ascii")


def _traced(trip: Trip | None) -> dict[str, Any]:
    return {} if trip is None else {"trace": trip}


def _header(document: dict[str, Any], clock_offset_ms: float) -> StreamHeader:
    dropped = document.get("dropped", [])
    if not isinstance(dropped, list) or len(dropped) > MAX_DROPPED_SPANS:
        raise TypeError("dropped")
    first, last = _whole(document["first"]), _whole(document["last"])
    if last < first - 1:
        raise ValueError("last")
    return StreamHeader(
        spool=_spool(document["spool"]),
        first=first,
        last=last,
        dropped=tuple((_whole(low), _whole(high)) for low, high in dropped),
        wall_ms=_whole(document["wall_ms"]),
        clock_offset_ms=clock_offset_ms,
    )


def _heartbeat(document: Any) -> Heartbeat:
    votes, reason = _self_check(document["self_check"])
    return Heartbeat(
        wall_ms=_whole(document["wall_ms"]),
        late_p99_ms=_number(document["late_p99_ms"]),
        skipped=_whole(document["skipped"]),
        votes=votes,
        reason=reason,
        revision=_whole(document["revision"]),
    )


def _self_check(document: Any) -> tuple[bool, str | None]:
    votes, reason = document["votes"], document["reason"]
    if not isinstance(votes, bool):
        raise TypeError("votes")
    return votes, None if reason is None else _text(reason, MAX_SENTENCE_CHARACTERS)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise TypeError("a whole number")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1e12:
        raise TypeError("a number")
    return float(value)


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value[:limit].encode("utf-8", "replace").decode("utf-8")


def _spool(value: Any) -> str:
    text = _text(value, 101)
    if not 1 <= len(text) <= 100:
        raise ValueError("spool")
    return text


def _sentence(value: Any) -> str:
    """Return what a probe says of itself, on one line and not too long; nothing if it is no text."""
    if not isinstance(value, str):
        return ""
    said = "".join(letter if letter.isprintable() else " " for letter in value[:MAX_SENTENCE_CHARACTERS]).strip()
    return said if not said or said.endswith(".") else f"{said}."
