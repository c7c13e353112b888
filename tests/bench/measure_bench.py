"""How exact a measurement is and what it costs, against prometheus-blackbox-exporter and curl.

Error = reported time minus the delay that the target itself timed (delay_target.py), in ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import trustme

from tests.bench.harness import (
    LOAD_CORE,
    MEASURED_CORE,
    Row,
    cpu_s,
    end,
    first_line,
    percentile,
    pin,
    python,
    resident_mb,
    row,
    spawn,
)

DELAY_MS = 50
REPEATS = 5
BLACKBOX = "prometheus-blackbox-exporter"


@dataclass(frozen=True)
class Measured:
    """One reported check: total and phases in ms; `taken_ms` is what the target says it waited."""

    total_ms: float
    phases_ms: dict[str, float]
    taken_ms: float

    @property
    def error_ms(self) -> float:
        return self.total_ms - self.taken_ms

    def phase_error_ms(self, phase: str) -> float:
        known = self.taken_ms if phase == "request" else 0.0
        return self.phases_ms.get(phase, 0.0) - known


class Target:
    """The delaying target in a process of its own."""

    def __init__(self, certificate: Path | None = None) -> None:
        command = [python(), "-m", "tests.bench.delay_target"]
        self.scheme = "http"
        if certificate is not None:
            command += ["--cert", str(certificate)]
            self.scheme = "https"
        self.process = spawn(command, LOAD_CORE)
        self.port = first_line(self.process)["port"]
        self._verify: Any = False
        if certificate is not None:
            import ssl

            self._verify = ssl.create_default_context(cafile=str(certificate.with_name("ca.pem")))

    def url(self, name: str, path: str = f"/wait/{DELAY_MS}") -> str:
        return f"{self.scheme}://localhost:{self.port}{path}?id={name}"

    def taken(self) -> dict[str, list[float]]:
        with httpx.Client(verify=self._verify, trust_env=False) as client:
            answer: dict[str, list[float]] = client.get(f"{self.scheme}://localhost:{self.port}/taken").json()
        return answer


class OurProbe:
    """A real probe, driven over its own protocol."""

    def __init__(self, folder: Path, authority: Path) -> None:
        self.token = secrets.token_urlsafe(16)
        command = [python(), "-m", "pingmon_probe", "serve", "--spool", str(folder), "--listen", "127.0.0.1:0"]
        command += ["--token-stdin", "--allow-private", "--die-with-stdin"]
        self.process = spawn(
            command,
            MEASURED_CORE,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"SSL_CERT_FILE": str(authority)},
        )
        assert self.process.stdin is not None
        self.process.stdin.write(self.token + "\n")
        self.process.stdin.flush()
        ready = first_line(self.process)
        self.pid: int = ready["pid"]
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{ready['port']}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=90,
            trust_env=False,
        )
        self.revision = 0

    def plan(self, specs: Sequence[dict[str, Any]]) -> None:
        self.revision += 1
        document = {"owner": "bench", "revision": self.revision, "checks": list(specs)}
        self.client.put("/v1/plan", json=document).raise_for_status()

    def last_seq(self) -> int:
        last: int = self.status()["spool"]["last"]
        return last

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = self.client.get("/v1/status").raise_for_status().json()
        return document

    def results_after(self, seq: int) -> list[dict[str, Any]]:
        from pingmon_probe.protocol import decode_batch

        text = self.client.get("/v1/results", params={"after": seq, "wait_s": 1}).raise_for_status().text
        read: list[dict[str, Any]] = []
        for line in text.splitlines():
            document = json.loads(line)
            if "columns" in document:
                read += [vars(result) for result in decode_batch(document) if result.seq > seq]
        return read

    def run(self, urls: Sequence[str]) -> list[dict[str, Any]]:
        """Run the checks at once on demand; return the JSON documents in the order of finishing."""
        done: list[dict[str, Any]] = []
        for begin in range(0, len(urls), 1000):
            body = {"checks": [{"url": url} for url in urls[begin : begin + 1000]]}
            answer = self.client.post("/v1/checks", json=body)
            while answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                time.sleep(1)
                answer = self.client.post("/v1/checks", json=body)
            text = answer.raise_for_status().text
            done += [json.loads(line) for line in text.splitlines()]
        return done

    def close(self) -> None:
        self.client.close()
        end(self.process)


class Blackbox:
    """prometheus-blackbox-exporter with one module, driven at a pace by a small raw client."""

    def __init__(self, folder: Path, authority: Path) -> None:
        config = folder / "blackbox.yml"
        config.write_text(
            "modules:\n  http:\n    prober: http\n    timeout: 10s\n    http:\n      preferred_ip_protocol: ip4\n"
            f"      tls_config: {{ca_file: {authority}}}\n"
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [*pin(MEASURED_CORE), BLACKBOX, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.pid = self.process.pid
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def run(self, urls: Sequence[str], rate_per_s: float | None = None) -> list[tuple[str, float, dict[str, float]]]:
        """Return (url, total ms, phases in ms) of each; all at once, or paced."""
        return asyncio.run(self._run(urls, rate_per_s))

    async def _run(self, urls: Sequence[str], rate_per_s: float | None) -> list[tuple[str, float, dict[str, float]]]:
        started = time.monotonic()

        async def one(place: int, url: str) -> tuple[str, float, dict[str, float]]:
            if rate_per_s:
                await asyncio.sleep(max(0.0, started + place / rate_per_s - time.monotonic()))
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            target = httpx.QueryParams({"target": url, "module": "http"})
            request = f"GET /probe?{target} HTTP/1.0\r\nHost: localhost\r\n\r\n"
            writer.write(request.encode())
            text = (await reader.read()).decode()
            writer.close()
            if "probe_success 1" not in text:
                raise RuntimeError(f"{BLACKBOX} could not check {url}")
            total = re.search(r"^probe_duration_seconds (\S+)", text, re.MULTILINE)
            assert total is not None
            found = re.findall(r'^probe_http_duration_seconds\{phase="(\w+)"\} (\S+)', text, re.MULTILINE)
            phases = {name: float(value) * 1000 for name, value in found}
            named = {
                "dns": phases["resolve"],
                "connect": phases["connect"],
                "tls": phases["tls"],
                "request": phases["processing"],
                "transfer": phases["transfer"],
            }
            return url, float(total[1]) * 1000, named

        return await asyncio.gather(*(one(place, url) for place, url in enumerate(urls)))

    def close(self) -> None:
        end(self.process)


def curl(url: str, authority: Path) -> tuple[str, float, dict[str, float]]:
    """Return (url, total ms, phases in ms) of one curl process, pinned like what is measured."""
    command = [*pin(MEASURED_CORE), "curl", "-s", "-4", "-o", "/dev/null", "--cacert", str(authority), "-w", "%{json}"]
    done = json.loads(subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout)
    at = [
        done[name] * 1000
        for name in ("time_namelookup", "time_connect", "time_appconnect", "time_starttransfer", "time_total")
    ]
    tls = at[2] - at[1] if at[2] else 0.0
    phases = {
        "dns": at[0],
        "connect": at[1] - at[0],
        "tls": tls,
        "request": at[3] - max(at[1], at[2]),
        "transfer": at[4] - at[3],
    }
    return url, at[4], phases


def _name(url: str) -> str:
    return url.rpartition("=")[2]


def _match(reported: Sequence[tuple[str, float, dict[str, float]]], taken: dict[str, list[float]]) -> list[Measured]:
    """Join what was reported with what the target timed: the n-th report of a name with its n-th wait."""
    waits = {name: iter(values) for name, values in taken.items()}
    return [Measured(total, phases, next(waits[_name(url)])) for url, total, phases in reported]


def _as_reported(result: dict[str, Any]) -> tuple[str, float, dict[str, float]]:
    if result["failure"] is not None:
        raise RuntimeError(f"the probe reports {result['failure']}: {result['message']}")
    phases = result.get("phases", result)
    named = {name: phases[f"{name}_ms"] or 0.0 for name in ("dns", "connect", "tls", "request", "transfer")}
    return result["url"], result["total_ms"], named


class Bench:
    """The two instruments and the targets, alive for one group of rows."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority)
        certificate = folder / "server.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        self.targets = {"plain": Target(), "TLS": Target(certificate)}
        (folder / "spool").mkdir()
        self.ours = OurProbe(folder / "spool", self.authority)
        self.blackbox = Blackbox(folder, self.authority)

    def close(self) -> None:
        self.ours.close()
        self.blackbox.close()
        for target in self.targets.values():
            end(target.process)

    def steady_ours(self, kind: str, rate_per_s: int, seconds: int) -> list[Measured]:
        """Let the plan runner measure `rate_per_s` targets a second, spread evenly, for so many seconds."""
        target = self.targets[kind]
        target.taken()
        count = rate_per_s * 5
        before = self.ours.last_seq()
        slots = [(place, place * 5000 // count) for place in range(count)]
        self.ours.plan(
            [
                {"url": target.url(str(place)), "monitor": place + 1, "interval_ms": 5000, "phase_ms": slot}
                for place, slot in slots
            ]
        )
        time.sleep(seconds)
        self.ours.plan([])
        deadline = time.monotonic() + 5
        while self.ours.status()["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.05)
        results = self.ours.results_after(before)
        return _match([_as_reported(result) for result in results], target.taken())

    def steady_blackbox(self, kind: str, rate_per_s: int, seconds: int) -> list[Measured]:
        target = self.targets[kind]
        target.taken()
        urls = [target.url(str(place)) for place in range(rate_per_s * seconds)]
        return _match(self.blackbox.run(urls, rate_per_s), target.taken())

    def burst(self, kind: str, count: int) -> tuple[list[Measured], list[Measured]]:
        """Return (ours, blackbox's) of so many checks asked for at the same moment."""
        target = self.targets[kind]
        target.taken()
        urls = [target.url(str(place)) for place in range(count)]
        ours = _match([_as_reported(result) for result in self.ours.run(urls)], target.taken())
        peer = _match(self.blackbox.run(urls), target.taken())
        return ours, peer

    def one_at_a_time(self, kind: str, count: int) -> dict[str, list[Measured]]:
        """Return what each instrument reports for single checks, taking turns."""
        target = self.targets[kind]
        target.taken()
        reported: dict[str, list[tuple[str, float, dict[str, float]]]] = {"ours": [], "blackbox": [], "curl": []}
        for place in range(count):
            url = target.url
            reported["ours"].append(_as_reported(self.ours.run([url(f"o{place}")])[0]))
            reported["blackbox"] += self.blackbox.run([url(f"b{place}")])
            reported["curl"].append(curl(url(f"c{place}"), self.authority))
        taken = target.taken()
        return {name: _match(values, taken) for name, values in reported.items()}


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        instruments = Bench(Path(folder))
        try:
            yield instruments
        finally:
            instruments.close()


def _p(values: Sequence[Measured], share: float) -> float:
    return percentile([value.error_ms for value in values], share)


def steady_rows(instruments: Bench) -> list[Row]:
    rows: list[Row] = []
    for kind, rate, goal in (("plain", 100, 0.4), ("TLS", 100, 1.0), ("TLS", 600, 0.3)):
        ours: list[list[Measured]] = []
        peer: list[list[Measured]] = []
        for _ in range(REPEATS):
            ours.append(instruments.steady_ours(kind, rate, 3))
            peer.append(instruments.steady_blackbox(kind, rate, 3))
        name = f"{kind} {rate}/s"
        for share in (0.5, 0.95, 0.99):
            rows.append(
                row(
                    f"{name}: error of total p{share * 100:.0f}",
                    "ms",
                    [_p(values, share) for values in ours],
                    [_p(values, share) for values in peer],
                    BLACKBOX,
                    goal if share == 0.99 else None,
                )
            )
        if rate == 100:
            for phase in ("connect", "tls", "request", "transfer"):
                if phase == "tls" and kind == "plain":
                    continue
                rows.append(
                    row(
                        f"{name}: error of {phase} p99",
                        "ms",
                        [percentile([v.phase_error_ms(phase) for v in values], 0.99) for values in ours],
                        [percentile([v.phase_error_ms(phase) for v in values], 0.99) for values in peer],
                        BLACKBOX,
                        0.2 if phase == "connect" else None,
                    )
                )
    return rows


def burst_rows(instruments: Bench) -> list[Row]:
    rows: list[Row] = []
    for kind, goal in (("plain", 0.3), ("TLS", 0.5)):
        runs = [instruments.burst(kind, 200) for _ in range(REPEATS)]
        rows.append(
            row(
                f"burst of 200 {kind}: error of total p99",
                "ms",
                [_p(ours, 0.99) for ours, _ in runs],
                [_p(peer, 0.99) for _, peer in runs],
                BLACKBOX,
                goal,
            )
        )
    return rows


def single_rows(instruments: Bench) -> list[Row]:
    rows: list[Row] = []
    for kind in ("plain", "TLS"):
        runs = [instruments.one_at_a_time(kind, 20) for _ in range(REPEATS)]
        for peer in ("curl", "blackbox"):
            rows.append(
                row(
                    f"one {kind} at a time: error of total p50 against {peer}",
                    "ms",
                    [_p(run["ours"], 0.5) for run in runs],
                    [_p(run[peer], 0.5) for run in runs],
                    "curl -w" if peer == "curl" else BLACKBOX,
                    0.7 if peer == "curl" else None,
                )
            )
        for phase in ("dns", "connect", "tls", "request", "transfer"):
            if phase == "tls" and kind == "plain":
                continue
            rows.append(
                row(
                    f"one {kind} at a time: error of {phase} p50",
                    "ms",
                    [percentile([v.phase_error_ms(phase) for v in run["ours"]], 0.5) for run in runs],
                    [percentile([v.phase_error_ms(phase) for v in run["curl"]], 0.5) for run in runs],
                    "curl -w",
                )
            )
    return rows


def hanging_rows(instruments: Bench) -> list[Row]:
    """50 hanging targets beside 50 healthy ones: what changes for the healthy ones."""
    target = instruments.targets["plain"]

    def healthy_p99(with_hanging: bool) -> float:
        target.taken()
        specs = [
            {"url": target.url(str(n)), "monitor": n + 1, "interval_ms": 5000, "phase_ms": n * 100} for n in range(50)
        ]
        if with_hanging:
            specs += [
                {"url": target.url(str(n), "/hang"), "monitor": 1000 + n, "interval_ms": 5000, "phase_ms": n * 100 + 5}
                for n in range(50)
            ]
        before = instruments.ours.last_seq()
        instruments.ours.plan(specs)
        time.sleep(11)
        instruments.ours.plan([])
        time.sleep(0.2)
        results = [r for r in instruments.ours.results_after(before) if r["monitor"] < 1000]
        return _p(_match([_as_reported(result) for result in results], target.taken()), 0.99)

    changes = [healthy_p99(True) - healthy_p99(False) for _ in range(3)]
    return [row("50 hanging beside 50 healthy: change of error p99", "ms", changes, goal=0.5, is_ratio=False)]


def cost_rows(instruments: Bench) -> list[Row]:
    rows: list[Row] = []
    for kind, goal in (("plain", 0.2), ("TLS", 0.8)):
        ours: list[float] = []
        peer: list[float] = []
        urls = [instruments.targets[kind].url(str(n), "/wait/1") for n in range(500)]
        for _ in range(REPEATS):
            before = cpu_s(instruments.ours.pid)
            instruments.ours.run(urls)
            ours.append((cpu_s(instruments.ours.pid) - before) * 1000 / len(urls))
            # All at once, blackbox lets some of them fail: it gets them at a pace.
            before = cpu_s(instruments.blackbox.pid)
            instruments.blackbox.run(urls, 200)
            peer.append((cpu_s(instruments.blackbox.pid) - before) * 1000 / len(urls))
        rows.append(row(f"CPU per {kind} check", "ms", ours, peer, BLACKBOX, goal))
    return rows


def thousand_rows() -> list[Row]:
    """1,000 monitors at 10 s through one probe: punctuality, CPU and memory over 20 s."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        authority = folder / "ca.pem"
        trustme.CA().cert_pem.write_to_path(authority)
        target = Target()
        stack.callback(end, target.process)
        ours = OurProbe(folder / "spool", authority)
        stack.callback(ours.close)
        at_start = resident_mb(ours.pid)
        specs = [
            {"url": target.url(str(n), "/wait/20"), "monitor": n + 1, "phase_ms": (n * 7919) % 10_000}
            for n in range(1000)
        ]
        ours.plan(specs)
        time.sleep(1)
        before, started = cpu_s(ours.pid), time.monotonic()
        time.sleep(20)
        share = (cpu_s(ours.pid) - before) / (time.monotonic() - started)
        late = [result["late_ms"] for result in ours.results_after(0)]
        memory = resident_mb(ours.pid)
        on_time = sum(value <= 50 for value in late) / len(late)
        load = "1,000 monitors at 10 s"
        return [
            row(f"{load}: started within 50 ms", "share", [on_time], goal=0.999, is_ratio=False, at_least=True),
            row(f"{load}: CPU of one core", "share", [share], goal=0.15, is_ratio=False),
            row(f"{load}: memory", "MiB", [memory], goal=35, is_ratio=False),
            row("probe: memory at start", "MiB", [at_start], goal=28, is_ratio=False),
        ]


def rows() -> list[Row]:
    """Return every row of this file; takes about three minutes."""
    with bench() as instruments:
        measured = single_rows(instruments) + steady_rows(instruments) + burst_rows(instruments)
        measured += hanging_rows(instruments) + cost_rows(instruments)
    return measured + thousand_rows()
