"""What measures, and what is measured: our probe, prometheus-blackbox-exporter, curl, and the target that knows better.

Each instrument runs on the measured core and reports `Report`s; `matched` joins them with what the target timed itself.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import trustme
from pingmon_probe.kind import kind_of

from tests.bench.harness import LOAD_CORE, MEASURED_CORE, end, first_line, on_core, pin, python, spawn
from tests.bench.scrape_driver import scrape

DELAY_MS = 50
BLACKBOX = "prometheus-blackbox-exporter"
#: A process for each check, and one for many.
CURL, CURL_MANY = "curl -w", "curl -Z"
PHASES = ("dns", "connect", "tls", "request", "transfer")
#: Modules of blackbox_exporter, {ca} and {name} filled in.
_MODULES = """
modules:
  http: {{prober: http, timeout: 30s, http: {{preferred_ip_protocol: ip4, tls_config: {{ca_file: {ca}}}}}}}
  tcp: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4}}}}
  tls: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4, tls: true, tls_config: {{ca_file: {ca}}}}}}}
  dns: {{prober: dns, timeout: 5s, dns: {{query_name: {name}, query_type: A, preferred_ip_protocol: ip4}}}}
  icmp: {{prober: icmp, timeout: 5s, icmp: {{preferred_ip_protocol: ip4}}}}
"""
_BLACKBOX_PHASES = (("resolve", "dns"), ("connect", "connect"), ("tls", "tls"))
_BLACKBOX_PHASES += (("processing", "request"), ("transfer", "transfer"))


class Report(NamedTuple):
    """What an instrument says of one check of an address. `queue_ms` is its own work and wait, where it tells them."""

    url: str
    total_ms: float
    phases_ms: Mapping[str, float]
    queue_ms: float = 0.0


@dataclass(frozen=True)
class Measured:
    """A report beside what the target itself timed: its wait, and its own part of the TLS handshake. All in ms."""

    report: Report
    waited_ms: float
    shake_ms: float

    @property
    def error_ms(self) -> float:
        return abs(self.report.total_ms - self.waited_ms - self.shake_ms)

    @property
    def wall_error_ms(self) -> float:
        """The error of the wall time: what the instrument did and waited itself is counted in."""
        return abs(self.report.total_ms + self.report.queue_ms - self.waited_ms - self.shake_ms)

    def phase_error_ms(self, phase: str) -> float:
        known_ms = {"request": self.waited_ms, "tls": self.shake_ms}.get(phase, 0.0)
        return abs(self.report.phases_ms.get(phase, 0.0) - known_ms)


def matched(reports: Sequence[Report], taken: Mapping[str, Sequence[Sequence[float]]]) -> list[Measured]:
    """Join what was reported with what the target timed: the n-th report of a name with its n-th wait."""
    waits = {name: iter(values) for name, values in taken.items()}
    return [Measured(report, *next(waits[report.url.rpartition("=")[2]])) for report in reports]


class Target:
    """The delaying target in a process of its own."""

    def __init__(self, certificate: Path | None = None) -> None:
        command = [python(), "-m", "tests.bench.delay_target"]
        self.scheme = "http"
        if certificate is not None:
            command += ["--cert", str(certificate)]
            self.scheme = "https"
        self.process = spawn(command, LOAD_CORE)
        self.port: int = first_line(self.process)["port"]
        self._verify: ssl.SSLContext | bool = False
        if certificate is not None:
            self._verify = ssl.create_default_context(cafile=str(certificate.with_name("ca.pem")))

    @property
    def pid(self) -> int:
        return self.process.pid

    def url(self, name: str, path: str = f"/wait/{DELAY_MS}", host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}?id={name}"

    def taken(self) -> dict[str, list[list[float]]]:
        """Return what was timed since the last time, by name: [wait, own part of the handshake] in ms."""
        answer: dict[str, list[list[float]]] = self._get("/taken")
        return answer

    def hanging(self) -> int:
        """Return how many requests wait for an answer that never comes."""
        return int(self._get("/hanging"))

    def last_shake_ms(self) -> float:
        """Return how long its part of the last handshake before this one took."""
        return float(self._get("/shake"))

    def close(self) -> None:
        end(self.process)

    def _get(self, path: str) -> Any:
        with httpx.Client(verify=self._verify, trust_env=False) as client:
            return client.get(f"{self.scheme}://localhost:{self.port}{path}").json()


def timed(target: Target, measure: Callable[..., Sequence[Report]], *arguments: Any) -> list[Measured]:
    """Call `measure(*arguments)`; return its reports beside what the target timed meanwhile."""
    target.taken()
    reports = measure(*arguments)
    return matched(reports, target.taken())


class OurProbe:
    """A real probe, driven over its own protocol."""

    def __init__(
        self,
        folder: Path,
        authority: Path,
        prefix: Sequence[str] = (),
        program: Sequence[str] = ("-m", "pingmon_probe"),
    ) -> None:
        """`prefix` comes before the interpreter, `program` is what it runs."""
        self.authority = authority
        self.token = secrets.token_urlsafe(16)
        command = [*prefix, python(), *program, "serve", "--spool", str(folder), "--listen", "127.0.0.1:0"]
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
            # Nothing is secret on loopback, and reading the world's authorities would be part of the start.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        self.revision = 0

    def plan(self, specs: Sequence[dict[str, Any]]) -> None:
        self.revision += 1
        document = {"owner": "bench", "revision": self.revision, "checks": list(specs)}
        self.client.put("/v1/plan", json=document).raise_for_status()

    def plan_steady(self, urls: Sequence[str], interval_ms: int = 5_000, **settings: Any) -> None:
        """Have each of them measured once per interval, spread evenly over it."""
        settings["interval_ms"] = interval_ms
        step_ms = interval_ms / len(urls)
        self.plan(
            [{"url": url, "monitor": n + 1, "phase_ms": int(n * step_ms), **settings} for n, url in enumerate(urls)]
        )

    def rest(self) -> None:
        """Take the plan away and wait for what runs still."""
        self.plan([])
        deadline = time.monotonic() + 10
        while self.status()["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.05)

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

    def run(self, urls: Sequence[str], **settings: Any) -> list[dict[str, Any]]:
        """Run the checks at once on demand; return the JSON documents in the order of finishing."""
        body = {"checks": [{"url": url, "kind": kind_of(url), **settings} for url in urls]}
        answer = self.client.post("/v1/checks", json=body)
        while answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            time.sleep(0.5)
            answer = self.client.post("/v1/checks", json=body)
        return [json.loads(line) for line in answer.raise_for_status().text.splitlines()]

    def reports(self, urls: Sequence[str], **settings: Any) -> list[Report]:
        return [as_report(result) for result in self.run(urls, **settings)]

    def close(self) -> None:
        self.client.close()
        end(self.process)


def as_report(result: Mapping[str, Any]) -> Report:
    """Return a result of ours, from the wire or from the spool. Raises RuntimeError for a failure."""
    if result["failure"] is not None:
        raise RuntimeError(f"the probe reports {result['failure']}: {result['message']}")
    phases = result.get("phases", result)
    named = {name: phases[f"{name}_ms"] or 0.0 for name in PHASES}
    return Report(result["url"], result["total_ms"], named, result["queue_ms"])


def core_at_work(urls: Sequence[str], count: int, at_once: int, authority: Path) -> dict[str, Any]:
    """Measure with our core alone, in a process of its own, and return what it says (see core_at_work.py)."""
    process = spawn(
        [python(), "-m", "tests.bench.core_at_work"],
        MEASURED_CORE,
        stdin=subprocess.PIPE,
        env={"SSL_CERT_FILE": str(authority)},
    )
    said, _ = process.communicate(json.dumps({"urls": list(urls), "count": count, "at_once": at_once}))
    done: dict[str, Any] = json.loads(said)
    return done


class Blackbox:
    """prometheus-blackbox-exporter with a module per kind, driven by a small raw client on the other core."""

    def __init__(self, folder: Path, authority: Path, prefix: Sequence[str] = (), dns_name: str = "localhost") -> None:
        config = folder / "blackbox.yml"
        config.write_text(_MODULES.format(ca=authority, name=dns_name))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [BLACKBOX, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [*pin(MEASURED_CORE), *prefix, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
        )
        self.pid = self.process.pid
        wait_for_port(self.port)

    def scrape(
        self, module: str, targets: Sequence[str], rate_per_s: float | None = None, at_once: int | None = None
    ) -> list[tuple[str, str]]:
        """Return (target, what was scraped) in the order of finishing: all together, paced, or so many at once."""
        paths = [f"/probe?{httpx.QueryParams({'target': target, 'module': module})}" for target in targets]
        scraped = scrape(self.port, paths, rate_per_s=rate_per_s, at_once=at_once)
        for place, text in scraped:
            if "\nprobe_success 1\n" not in text:
                raise RuntimeError(f"{BLACKBOX} could not check {targets[place]}")
        return [(targets[place], text) for place, text in scraped]

    def reports(self, urls: Sequence[str], rate_per_s: float | None = None, at_once: int | None = None) -> list[Report]:
        reports = []
        for url, text in self.scrape("http", urls, rate_per_s, at_once):
            found = dict(re.findall(r'^probe_http_duration_seconds\{phase="(\w+)"\} (\S+)', text, re.MULTILINE))
            phases = {ours: float(found[theirs]) * 1000 for theirs, ours in _BLACKBOX_PHASES}
            reports.append(Report(url, gauge_ms(text, "probe_duration_seconds"), phases))
        return reports

    def close(self) -> None:
        end(self.process)


def gauge_ms(scraped: str, name: str) -> float:
    """Return the value of a metric in seconds (with its labels, if any, as they are written) as ms."""
    found = re.search(rf"^{re.escape(name)} (\S+)", scraped, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{BLACKBOX} gives no {name}")
    return float(found[1]) * 1000


def wait_for_port(port: int) -> None:
    """Return once somebody listens there; raises OSError after 10 s."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


class Curl:
    """curl: a process for each check, or one that transfers many at once. Pinned like what is measured."""

    def __init__(self, authority: Path) -> None:
        self._command = [*pin(MEASURED_CORE), "curl", "-s", "-4", "--cacert", str(authority), "-w", "%{json}\n"]

    def report(self, url: str) -> Report:
        return self._read(*self._start(url))

    def reports_at(self, urls: Sequence[str], rate_per_s: float) -> list[Report]:
        """Return what a process each says, so many started a second."""
        began = time.monotonic()
        started = []
        for place, url in enumerate(urls):
            time.sleep(max(0.0, began + place / rate_per_s - time.monotonic()))
            started.append(self._start(url))
        return [self._read(*one) for one in started]

    def reports(self, urls: Sequence[str], at_once: int) -> list[Report]:
        """Return what one process says of all of them."""
        with tempfile.NamedTemporaryFile("w", suffix=".curl") as config:
            config.writelines(f'url = "{url}"\noutput = /dev/null\n' for url in urls)
            config.flush()
            options = ["-Z", "--parallel-immediate", "--parallel-max", str(at_once), "-K", config.name]
            done = subprocess.run([*self._command, *options], check=True, capture_output=True, text=True)
        return [self._report(line) for line in done.stdout.splitlines()]

    def _start(self, url: str) -> tuple[str, subprocess.Popen[str]]:
        command = [*self._command, "-o", "/dev/null", url]
        return url, subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _read(self, url: str, process: subprocess.Popen[str]) -> Report:
        line = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(f"curl could not get {url}: code {process.returncode}")
        return self._report(line)

    @staticmethod
    def _report(line: str) -> Report:
        done = json.loads(line)
        names = ("time_namelookup", "time_connect", "time_appconnect", "time_starttransfer", "time_total")
        found, connected, shaken, began, over = (done[name] * 1000 for name in names)
        phases = {
            "dns": found,
            "connect": connected - found,
            "tls": shaken - connected if shaken else 0.0,
            "request": began - max(connected, shaken),
            "transfer": over - began,
        }
        return Report(done["url_effective"], over, phases)


def make_authority(folder: Path) -> tuple[Path, Path]:
    """Return (`ca.pem`, `server.pem` of localhost with its key) in the folder."""
    authority = trustme.CA()
    trusted, certificate = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(trusted)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    return trusted, certificate


class Instruments:
    """The targets and what measures them, alive for one group of rows."""

    def __init__(self, folder: Path) -> None:
        self.authority, certificate = make_authority(folder)
        self.targets = {"plain": Target(), "TLS": Target(certificate)}
        (folder / "spool").mkdir()
        self.ours = OurProbe(folder / "spool", self.authority)
        self.blackbox = Blackbox(folder, self.authority)
        self.curl = Curl(self.authority)

    def close(self) -> None:
        self.ours.close()
        self.blackbox.close()
        for target in self.targets.values():
            target.close()


@contextlib.contextmanager
def instruments() -> Iterator[Instruments]:
    with tempfile.TemporaryDirectory() as folder, on_core(LOAD_CORE):
        alive = Instruments(Path(folder))
        try:
            yield alive
        finally:
            alive.close()
