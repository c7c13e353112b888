"""Runs the built probe with every Python that can be had here: those installed, and those of Debian's releases.

Usage (Debian's releases need root and mmdebstrap; without them only installed interpreters run):
    python -m tests.lab.interpreters [--roots DIR] [--python PATH ...]
For each: start, status, one http and one https check against servers on loopback, clean end. Prints one line
for each interpreter, those that could not be had included; exits 1 if one that ran failed. Not part of `make test`.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme

REPOSITORY = Path(__file__).parents[2]
RELEASES = ("bullseye", "bookworm", "trixie", "forky", "sid")
#: A release that has left the mirrors is in the archive.
MIRRORS = ("http://deb.debian.org/debian", "http://archive.debian.org/debian")
TOKEN = "a-token-of-the-lab"
WANTED = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@contextmanager
def page(context: ssl.SSLContext | None) -> Iterator[int]:
    """Serve a page on loopback, over TLS if there is a context; yields the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_probe(command: Sequence[str], checks: Sequence[dict[str, Any]], spool: str) -> dict[str, Any]:
    """Start a probe, ask for its status, run the checks, end it; return what came of it. Raises on anything odd."""
    begun_s = time.perf_counter()
    serve = [*command, "serve", "--spool", spool, "--token-stdin", "--die-with-stdin", "--allow-private"]
    with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(TOKEN.encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(process.stderr.read().decode().strip()[-500:])
        start_s = time.perf_counter() - begun_s
        port = json.loads(line)["port"]
        status = json.loads(ask(port, "GET", "/v1/status"))
        memory_kb = rss_kb(process.pid)
        body = json.dumps({"checks": list(checks)}).encode()
        answers = [json.loads(line) for line in ask(port, "POST", "/v1/checks", body).splitlines()]
        process.stdin.close()
        code = process.wait(30)
        noise = process.stderr.read().decode().strip()
    if code != 0 or noise:
        raise RuntimeError(f"ended with {code}: {noise[-500:]}")
    return {"status": status, "checks": answers, "start_s": start_s, "memory_kb": memory_kb}


def ask(port: int, method: str, path: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, method=method)
    request.add_header("Authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        data: bytes = answer.read()
        return data


def rss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def version_of(command: Sequence[str]) -> str:
    """Return the interpreter's version. Raises OSError or CalledProcessError if it does not run or is too old."""
    program = "import platform, ssl, sys; print(platform.python_version(), ssl.OPENSSL_VERSION)"
    program += "; sys.exit(sys.version_info < (3, 9))"
    ended = subprocess.run([*command, "-c", program], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def debian_root(release: str, roots: Path) -> str | None:
    """Make a root of a release with nothing but python3 in it, if it is not there yet; return why not, or None."""
    root = roots / release
    if (root / "usr/bin/python3").exists():
        return None
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        return "needs root and mmdebstrap"
    problem = ""
    for mirror in MIRRORS:
        shutil.rmtree(root, ignore_errors=True)
        # base-files brings the links of a merged /usr; a mirror that lags behind is good enough, its signature counts.
        make = ["mmdebstrap", "--variant=extract", "--include=python3,base-files"]
        make += ['--aptopt=Acquire::Check-Valid-Until "false"', release, str(root), mirror]
        ended = subprocess.run(make, capture_output=True, text=True, check=False)
        if ended.returncode == 0:
            return None
        problem = ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else "mmdebstrap failed"
    shutil.rmtree(root, ignore_errors=True)
    return problem


def installed() -> list[str]:
    """Return interpreters on this machine: those in PATH and pyenv's."""
    found = [path for version in WANTED if (path := shutil.which(f"python{version}"))]
    found += [str(path) for path in sorted(Path.home().glob(".pyenv/versions/*/bin/python"))]
    return list(dict.fromkeys([sys.executable, *(path for path in found if "/shims/" not in path)]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the built probe with every Python that can be had.")
    parser.add_argument("--roots", type=Path, help="where Debian roots are kept between runs")
    parser.add_argument("--python", nargs="*", help="interpreters to use instead of those found")
    options = parser.parse_args()
    bundle = REPOSITORY / "build" / "pingmon-probe.pyz"
    subprocess.run([sys.executable, str(REPOSITORY / "probes" / "build_probe.py")], check=True)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    ran: list[str] = []
    failed = 0
    with tempfile.TemporaryDirectory(prefix="pingmon-lab-") as scratch, page(None) as plain, page(context) as secure:
        checks = [
            {"url": f"http://127.0.0.1:{plain}/", "monitor": 1},
            {"url": f"https://127.0.0.1:{secure}/", "monitor": 2, "ignore_certificate": True},
        ]

        def report(name: str, command: Sequence[str], file: str, spool: str) -> None:
            nonlocal failed
            try:
                version = version_of(command)
            except (OSError, subprocess.CalledProcessError) as exc:
                print(f"not run  {name}: does not start or is older than 3.9 ({type(exc).__name__})")
                return
            try:
                outcome = run_probe([*command, file], checks, spool)
                seen = {check["monitor"]: check["status"] for check in outcome["checks"]}
                if seen.keys() != {1, 2} or not set(seen.values()) <= {"online", "slow"}:
                    raise RuntimeError(f"checks came out as {outcome['checks']}")
            except (RuntimeError, OSError, ValueError) as exc:
                failed += 1
                print(f"FAILED   {name}: Python {version}: {exc}")
                return
            ran.append(version)
            tls_ms = next(check["phases"]["tls_ms"] for check in outcome["checks"] if check["monitor"] == 2)
            figures = f"start {outcome['start_s']:.2f} s, {outcome['memory_kb'] / 1024:.1f} MB, tls {tls_ms} ms"
            print(f"ran      {name}: Python {version}; {figures}")

        for number, python in enumerate(options.python or installed()):
            report(python, [python], str(bundle), str(Path(scratch) / f"spool-{number}"))
        roots = options.roots or Path(scratch) / "roots"
        roots.mkdir(exist_ok=True)
        for release in () if options.python else RELEASES:
            if problem := debian_root(release, roots):
                print(f"not run  Debian {release}: {problem}")
                continue
            root = roots / release
            shutil.copy(bundle, root / "pingmon-probe.pyz")
            shutil.rmtree(root / "spool", ignore_errors=True)
            # -B: nothing is left behind in the root.
            report(f"Debian {release}", ["chroot", str(root), "python3", "-B"], "/pingmon-probe.pyz", "/spool")
    for version in WANTED:
        if not any(seen.startswith(f"{version}.") for seen in ran):
            print(f"not run  Python {version}: no interpreter of it was to be had")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
