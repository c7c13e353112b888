"""A real probe process on loopback, and small targets for it to measure. For tests that need the whole program."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Optional

import httpx

PROBES = Path(__file__).parents[2] / "probes"
TOKEN = "a-token-of-the-tests"
PATIENCE_S = 30.0


class ProbeProcess:
    """Start it with `with`, or by hand; `client` is authorised. Ends with its stdin, so that none is left over."""

    def __init__(self, folder: Path, *options: str, token_file: Optional[Path] = None) -> None:
        command = [sys.executable, "-m", "pingmon_probe", "serve", "--spool", str(folder)]
        command += ["--token-stdin"] if token_file is None else ["--token-file", str(token_file)]
        command += ["--die-with-stdin", "--allow-private", *options]
        environment = {**os.environ, "PYTHONPATH": str(PROBES)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        if token_file is None:
            self.process.stdin.write(TOKEN.encode() + b"\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the probe did not start: {self.stderr()}")
        self.ready = json.loads(line)
        self.port: int = self.ready["port"]
        self.client = self.new_client()

    def __enter__(self) -> ProbeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def new_client(self, token: str = TOKEN, verify: Optional[ssl.SSLContext] = None) -> httpx.Client:
        url = f"{'http' if verify is None else 'https'}://127.0.0.1:{self.port}"
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_S, verify=verify or True)

    def end(self) -> int:
        """Close its stdin and wait; return the exit code. May be called again, and after `kill`."""
        self.client.close()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        if self.process.stderr is not None and not self.process.stderr.closed:
            self.process.stderr.close()
        return code

    def terminate(self) -> int:
        """Send SIGTERM and wait; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stderr(self) -> str:
        """Return what it wrote; only after it has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get("/v1/status").raise_for_status().json()
        return answer

    def put_plan(self, checks: Iterable[dict[str, Any]], revision: int = 1, **fields: Any) -> httpx.Response:
        plan = {"owner": "tests", "revision": revision, "checks": list(checks), **fields}
        return self.client.put("/v1/plan", json=plan)

    def results(self, after: int = 0, wait_s: float = 0, **parameters: Any) -> list[dict[str, Any]]:
        """Return all lines of a results stream, header first, read to its end."""
        parameters = {"after": after, "wait_s": wait_s, **parameters}
        answer = self.client.get("/v1/results", params=parameters).raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def run_checks(self, checks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        answer = self.client.post("/v1/checks", json={"checks": list(checks)}).raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]


def rows(lines: Iterable[dict[str, Any]], after: int = 0) -> list[tuple[int, int, int]]:
    """Return (seq, monitor, started_at_ms) of every result above `after` in the batches among the lines."""
    found = []
    for line in lines:
        if "columns" not in line:
            continue
        columns = line["columns"]
        for place in range(line["count"]):
            seq = line["first"] + place
            if seq > after:
                found.append((seq, columns["monitor"][place], columns["started_at_ms"][place]))
    return found


def refused_url() -> str:
    """Return a URL of a port at which nothing listens: the quickest of all checks."""
    return "http://127.0.0.1:1/"


@contextlib.contextmanager
def target(answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> Iterator[str]:
    """Serve one fixed answer to every connection, or none at all if it is None: a target that hangs. Yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    open_sockets: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if answer is None:
                open_sockets.append(sock)
                continue
            with sock, contextlib.suppress(OSError):
                sock.recv(65536)
                sock.sendall(answer)

    thread = threading.Thread(target=serve, name="target", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(PATIENCE_S)
        for sock in open_sockets:
            sock.close()
