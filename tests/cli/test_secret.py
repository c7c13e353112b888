"""A password in an address: used for the check, kept where only its owner reads, shown and told nowhere."""

from __future__ import annotations

import base64
import http.server
import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import Processes, wait_until

USER, PASSWORD = "anna", "geheim-17"


class _Guarded(http.server.BaseHTTPRequestHandler):
    """200 for the right password, 401 for anything else."""

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.send_response(200 if self.headers.get("Authorization") == wanted else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def guarded_site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Guarded)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def visible_processes(data_dir: Path) -> str:
    """Return command lines and environments of everything that runs on the folder, as `ps` would show them."""
    shown = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes()
                if str(data_dir).encode() in words:
                    shown.append(words + (folder / "environ").read_bytes())
            except OSError:
                continue
    return b"\n".join(shown).decode(errors="replace")


def test_password_is_used_and_told_nowhere(processes: Processes, data_dir: Path) -> None:
    with guarded_site() as site:
        said = [processes.run("domain", "add", "-", stdin=f"http://{USER}:{PASSWORD}@{site}/ shop\n")]
        engine = processes.start_engine("--debug")

        def is_online() -> bool:
            monitors = json.loads(processes.run("status", "--json").out)["monitors"]
            return [monitor["verdict"] for monitor in monitors] == ["online"]

        wait_until(is_online)  # with the right password only
        shown = visible_processes(data_dir)
        assert "pingmon_probe" in shown
        for words in (
            ("domain", "list"),
            ("domain", "show", "shop", "--json"),
            ("domain", "export", "-"),
            ("status",),
            ("history", f"http://{site}/", "--json"),
            ("check", f"http://{USER}:{PASSWORD}@{site}/", "--json", "--debug"),
            ("domain", "add", f"http://{USER}:{PASSWORD}@{site}:0/", "--debug"),  # refused
        ):
            said.append(processes.run(*words))
        engine.terminate()
        shown += "".join(engine.communicate())
    shown += "".join(done.out + done.err for done in said)
    for form in (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()):
        assert form not in shown
    holders = [path for path in data_dir.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert {path.name.partition("-")[0] for path in holders} <= {"pingmon.db", "plan.ndjson"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in holders)
    assert (data_dir / "log").exists() or list(data_dir.rglob("*.log"))
