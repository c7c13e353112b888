"""A probe that makes results up: the real protocol at any rate, on a fraction of a core. For benchmarks of the app.

Started like the real one (token on stdin, one JSON line on stdout, ends with stdin), so
`EmbeddedProbe(probe, folder, command=feeding_command(rate=1000))` runs it. Results go round all checks of its plan
at `--rate` results/s in all (default: what the intervals of the plan ask for); `--failing` is the share that fails.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "probes"))

from pingmon_probe import __version__
from pingmon_probe.protocol import FEATURES, PROTOCOL_MAX, PROTOCOL_MIN, CheckResult, CheckSpec, Plan

TICK_S = 0.2
PER_LINE = 200
TEMPLATES = 32
KEPT_LINES = 4_000
BEAT_S = 4.0

Json = dict[str, Any]


def feeding_command(rate: float | None = None, failing: float = 0.02) -> list[str]:
    """Return the command that starts one; `serve` and its options are added by whoever starts it."""
    command = [sys.executable, str(Path(__file__).resolve()), "--failing", str(failing)]
    return command if rate is None else [*command, "--rate", str(rate)]


def made_up(chance: random.Random, failing: float) -> CheckResult:
    """Return a believable result of nothing."""
    phases = [round(chance.lognormvariate(mean, 0.4), 3) for mean in (1.5, 2.5, 3.0, 4.0, 0.5)]
    is_failing = chance.random() < failing
    if chance.random() < 0.02:
        phases[3] = round(1_000 + chance.random() * 1_000, 3)
    dns, connect, tls, request, transfer = phases
    return CheckResult(
        url="",
        failure="http_status" if is_failing else None,
        message="The server answered 503." if is_failing else "",
        http_status=503 if is_failing else 200,
        total_ms=round(sum(phases), 3),
        dns_ms=dns,
        connect_ms=connect,
        tls_ms=tls,
        request_ms=request,
        transfer_ms=transfer,
        late_ms=round(chance.random(), 3),
        queue_ms=round(chance.random() / 10, 3),
        clock="kernel",
        address="192.0.2.1",
        family=4,
        body_bytes=chance.randrange(100_000),
        certificate={
            "subject": "CN=made.up",
            "issuer": "CN=Nobody",
            "not_after": "2030-01-01T00:00:00+00:00",
            "verify_error": None,
        },
    )


class Template:
    """A line's columns that do not depend on the monitors, as text that is ready to be sent."""

    _VARYING = ("monitor", "version", "revision", "started_at_ms", "url")

    def __init__(self, chance: random.Random, failing: float, count: int) -> None:
        from pingmon_probe.protocol import encode_batch

        columns = json.loads(encode_batch(1, [made_up(chance, failing) for _ in range(count)]))["columns"]
        fixed = {name: column for name, column in columns.items() if name not in self._VARYING}
        self.text = json.dumps(fixed, separators=(",", ":"))[1:-1]
        self._count = count

    def line(self, first: int, checks: list[tuple[str, str, str]], revision: int, started_at_ms: int) -> bytes:
        """Return one line; `checks` holds (monitor, version, url) of each result as JSON texts."""
        count = self._count
        return (
            f'{{"first":{first},"count":{count},"columns":{{"monitor":[{",".join(c[0] for c in checks)}],'
            f'"version":[{",".join(c[1] for c in checks)}],"revision":[{",".join([str(revision)] * count)}],'
            f'"started_at_ms":[{",".join([str(started_at_ms)] * count)}],'
            f'"url":{{"values":[{",".join(c[2] for c in checks)}],"index":[{_places(count)}]}},{self.text}}}}}\n'
        ).encode("ascii")


_PLACES: dict[int, str] = {}


def _places(count: int) -> str:
    if count not in _PLACES:
        _PLACES[count] = ",".join(map(str, range(count)))
    return _PLACES[count]


class FeedingProbe:
    """Answers the four verbs on loopback; results are kept in memory only."""

    def __init__(self, token: str, rate: float | None, failing: float) -> None:
        self._token = f"Bearer {token}"
        self._rate = rate
        self._failing = failing
        self._chance = random.Random(1)
        self._templates: dict[int, list[Template]] = {}
        self._plan: Plan | None = None
        self._checks: list[tuple[str, str, str]] = []
        self._place = 0
        self._seq = 0
        self._lines: deque[tuple[int, int, bytes]] = deque(maxlen=KEPT_LINES)
        self._news = asyncio.Event()
        self.spool = f"{random.SystemRandom().getrandbits(64):016x}"

    async def feed(self) -> None:
        """Make results up for ever, as many as are due."""
        owed, before_s = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now_s = time.monotonic()
            owed = min(owed + self._per_s() * (now_s - before_s), 100_000.0) if self._checks else 0.0
            before_s = now_s
            is_first = True
            # Few and full lines: a small rest waits for the next turn.
            while owed >= (1 if is_first else PER_LINE):
                count = min(PER_LINE, int(owed))
                self._make_line(count)
                owed -= count
                is_first = False

    def _per_s(self) -> float:
        if self._plan is None or not self._checks:
            return 0.0
        return self._rate or sum(1000 / check.interval_ms for check in self._plan.checks)

    def _make_line(self, count: int) -> None:
        templates = self._templates.get(count)
        if templates is None:
            number = TEMPLATES if count == PER_LINE else 4
            templates = [Template(self._chance, self._failing, count) for _ in range(number)]
            self._templates[count] = templates
        checks = (self._checks + self._checks)[self._place : self._place + count]
        while len(checks) < count:
            checks += self._checks[: count - len(checks)]
        self._place = (self._place + count) % len(self._checks)
        revision = self._plan.revision if self._plan else 0
        first, self._seq = self._seq + 1, self._seq + count
        line = self._chance.choice(templates).line(first, checks, revision, _wall_ms())
        self._lines.append((first, self._seq, line))
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = request.split(" ", 2)
        url = urlsplit(target)
        if not hmac.compare_digest(headers.get("authorization", ""), self._token):
            _send_json(writer, 401, {"error": "unauthorised", "message": "The token is wrong."})
        elif (method, url.path) == ("GET", "/v1/status"):
            _send_json(writer, 200, self._status())
        elif (method, url.path) == ("PUT", "/v1/plan"):
            self._take(Plan.from_json(json.loads(body)))
            assert self._plan is not None
            answer = {"revision": self._plan.revision, "plan_hash": self._plan.content_hash, "changed": True}
            _send_json(writer, 200, answer)
        elif (method, url.path) == ("GET", "/v1/results"):
            await self._stream(writer, dict(parse_qsl(url.query)))
        elif (method, url.path) == ("POST", "/v1/checks"):
            _begin_stream(writer)
            for document in json.loads(body)["checks"]:
                _send_chunk(writer, self._check(CheckSpec.from_json(document)))
            writer.write(b"0\r\n\r\n")
        else:
            _send_json(writer, 404, {"error": "not_found", "message": "There is nothing here."})
        await writer.drain()
        return True

    def _take(self, plan: Plan) -> None:
        self._plan = plan
        self._checks = [(str(check.monitor), str(check.version), json.dumps(check.url)) for check in plan.checks]
        self._place = 0

    def _check(self, spec: CheckSpec) -> bytes:
        result = made_up(self._chance, self._failing)
        result.url, result.monitor, result.version, result.on_demand = spec.url, spec.monitor, spec.version, True
        result.started_at_ms = _wall_ms()
        return json.dumps(result.to_check_json(spec.slow_ms)).encode("ascii") + b"\n"

    async def _stream(self, writer: asyncio.StreamWriter, query: dict[str, str]) -> None:
        is_ours = query.get("spool", self.spool) == self.spool
        after = int(query.get("after", "0")) if is_ours else 0
        until_s = time.monotonic() + float(query.get("wait_s", "0"))
        beat_s = time.monotonic() + BEAT_S
        _begin_stream(writer)
        first = self._lines[0][0] if self._lines else self._seq + 1
        dropped = [[1, first - 1]] if first > 1 else []
        header = {"spool": self.spool, "first": first, "last": self._seq, "dropped": dropped, "wall_ms": _wall_ms()}
        _send_chunk(writer, json.dumps(header).encode("ascii") + b"\n")
        while True:
            news = self._news
            for line_first, line_last, line in [kept for kept in self._lines if kept[1] > after]:
                after = max(line_first, line_last)
                _send_chunk(writer, line)
                await writer.drain()
            now_s = time.monotonic()
            if now_s >= until_s:
                break
            if now_s >= beat_s:
                beat_s = now_s + BEAT_S
                _send_chunk(writer, json.dumps({"heartbeat": self._heartbeat()}).encode("ascii") + b"\n")
            await writer.drain()
            try:
                await asyncio.wait_for(news.wait(), min(until_s, beat_s) - now_s)
            except TimeoutError:
                continue
        writer.write(b"0\r\n\r\n")

    def _status(self) -> Json:
        plan = self._plan
        first = self._lines[0][0] if self._lines else self._seq + 1
        return {
            "version": __version__,
            "protocol": {"min": PROTOCOL_MIN, "max": PROTOCOL_MAX},
            "features": list(FEATURES),
            "monotonic_ms": int(time.monotonic() * 1000),
            "boot_id": None,
            "owner": plan.owner if plan else None,
            "plan_hash": plan.content_hash if plan else None,
            "checks": len(self._checks),
            "lease_until_ms": None,
            "measuring": plan is not None,
            "spool": {
                "id": self.spool,
                "first": first,
                "last": self._seq,
                "dropped": [],
                "bytes": 0,
                "queue_dropped": 0,
                "problem": None,
            },
            "started": self._seq,
            **self._heartbeat(),
        }

    def _heartbeat(self) -> Json:
        return {
            "wall_ms": _wall_ms(),
            "late_p99_ms": 0.5,
            "skipped": 0,
            "self_check": {"votes": True, "reason": None},
            "revision": self._plan.revision if self._plan else 0,
            "in_flight": 0,
        }


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _send_json(writer: asyncio.StreamWriter, status: int, document: Json) -> None:
    body = json.dumps(document).encode("ascii")
    writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii") + body)


def _begin_stream(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")


def _send_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


async def _run(options: argparse.Namespace, token: str) -> None:
    probe = FeedingProbe(token, options.rate, options.failing)
    server = await asyncio.start_server(probe.serve, "127.0.0.1", 0)
    feeding = asyncio.create_task(probe.feed())
    port = server.sockets[0].getsockname()[1]
    ready = {"port": port, "spool": probe.spool, "pid": os.getpid(), "version": __version__}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    _on_end_of_stdin(lambda: loop.call_soon_threadsafe(gone.set))
    await gone.wait()
    feeding.cancel()
    server.close()


def _on_end_of_stdin(tell: Callable[[], object]) -> None:
    import threading

    def wait() -> None:
        while os.read(0, 4_096):
            pass
        tell()

    threading.Thread(target=wait, daemon=True).start()


def _read_token() -> str:
    line = b""
    while not line.endswith(b"\n"):
        letter = os.read(0, 1)
        if not letter:
            sys.exit("no token on stdin")
        line += letter
    return line.decode("ascii").strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, help="results per second in all")
    parser.add_argument("--failing", type=float, default=0.02, help="share of results that fail")
    options, _ = parser.parse_known_args()  # the rest are the real probe's options
    asyncio.run(_run(options, _read_token()))


if __name__ == "__main__":
    main()
