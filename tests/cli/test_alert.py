"""`pingmon alert`, and a real outage that reaches a real webhook from an engine without a window."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.alert_channel import Channel, ChannelId, ChannelKind, ChannelSecret
from pingmon_gui.domain.alert_rule import AlertBook, AlertKind, AlertRule, RuleId
from pingmon_gui.fleet.secret_store import ChannelSecretStore
from pingmon_gui.store.store import Store
from tests.cli.conftest import Command, Processes, wait_until
from tests.cli.site import Site

HOOK = ChannelId(7)


class Hook(ThreadingHTTPServer):
    """Keeps the JSON of every request; `status` is what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/secret-token"


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def write_book(data_dir: Path, url: str) -> None:
    data_dir.mkdir(exist_ok=True)

    async def main() -> None:
        store = Store.open(database_path(data_dir), now_ms=lambda: 0)
        channel = Channel(HOOK, ChannelKind.WEBHOOK, "Ops", url.rpartition("/")[0], gather_s=0)
        kinds = frozenset((AlertKind.OFFLINE, AlertKind.REGIONAL))
        await store.save_alert_book(AlertBook((AlertRule(RuleId(20), "Outages", kinds, (HOOK,)),), {HOOK: channel}))
        await store.close()

    asyncio.run(main())
    ChannelSecretStore(data_dir).save(HOOK, ChannelSecret(url))


def test_outage_reaches_a_webhook_and_so_does_its_end(processes: Processes, site: Site, hook: Hook) -> None:
    write_book(processes.data_dir, hook.url)
    processes.start_engine()
    assert processes.run("domain", "add", site.url, "--name", "Shop", "--interval", "5").code == 0
    wait_until(lambda: site.user_agents)
    site.status = 503
    wait_until(lambda: hook.bodies)
    begun = hook.bodies[0]
    assert (begun["event"], begun["kind"], begun["title"]) == ("triggered", "offline", "Shop is offline")
    assert begun["items"][0]["text"] == "Shop is offline: the server answers 503"
    listed = processes.run("alert", "list", "--open", "--json").json["alerts"]
    assert [(one["title"], one["state"]) for one in listed] == [("Shop is offline", "open")]
    site.status = 200
    wait_until(lambda: len(hook.bodies) > 1)
    ended = hook.bodies[1]
    assert (ended["event"], ended["alert"], ended["title"]) == ("resolved", begun["alert"], "Shop is online again")
    assert processes.run("alert", "test", "Ops").code == 0
    assert wait_until(lambda: hook.bodies[2:])[0]["event"] == "test"
    hook.status = 410
    done = processes.run("alert", "test", "Ops")
    assert done.code == 1
    assert "127.0.0.1 refuses the alert (410 Gone)." in done.err and "secret-token" not in done.err


def test_first_start_has_rules_and_a_channel_before_anything_was_kept(pingmon: Command) -> None:
    assert [rule["name"] for rule in pingmon("alert", "rules", "--json").json["rules"]] == [
        "Outages",
        "Probes and own network",
        "Certificates that end soon",
    ]
    channels = pingmon("alert", "channels", "--json").json
    assert [(one["kind"], one["waiting"]) for one in channels["channels"]] == [("desktop", 0)]
    assert channels["paused_until_ms"] is None
    assert pingmon("alert", "list").err == "No alerts in that time.\n"


def test_channel_comes_and_goes_and_its_address_is_shown_nowhere(
    pingmon: Command, data_dir: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{hook.url}\n"))
    added = pingmon("alert", "add-channel", "Ops", "--kind", "webhook", "--json")
    assert added.code == 0 and "secret-token" not in added.out
    assert added.json["channel"]["shown"] == hook.url.rpartition("/")[0]
    assert pingmon("alert", "test", "ops").code == 0
    assert hook.bodies[0]["event"] == "test"
    for written in (pingmon("alert", "channels").out, database_path(data_dir).read_bytes().decode("latin-1")):
        assert "secret-token" not in written
    (kept,) = (data_dir / "secrets").iterdir()
    assert "secret-token" in kept.read_text() and kept.stat().st_mode & 0o777 == 0o600
    assert pingmon("alert", "add-channel", "OPS", "--kind", "apprise").code == 1
    assert pingmon("alert", "remove-channel", "Ops").code == 0
    assert not kept.exists()
    assert "There is no channel “Ops”." in pingmon("alert", "test", "Ops").err


@pytest.mark.parametrize(
    ("kind", "address", "sentence"),
    [
        ("webhook", "ftp://x", "begins with https:// or http://"),
        ("apprise", "slak://x", "Apprise knows no service “slak”."),
    ],
)
def test_wrong_address_is_refused_and_nothing_is_kept(
    pingmon: Command, monkeypatch: pytest.MonkeyPatch, kind: str, address: str, sentence: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{address}\n"))
    done = pingmon("alert", "add-channel", "x", "--kind", kind)
    assert done.code == 1 and sentence in done.err
    assert len(pingmon("alert", "channels", "--json").json["channels"]) == 1


def test_test_that_is_proposed_can_be_pasted(pingmon: Command, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{hook.url}\n"))
    proposed = pingmon("alert", "add-channel", "Who is on call", "--kind", "webhook").err.partition("Send a test: ")[2]
    assert pingmon(*shlex.split(proposed)[1:]).code == 0
    assert hook.bodies[0]["event"] == "test"


def test_pause_and_resume(pingmon: Command) -> None:
    until_ms = pingmon("alert", "pause", "1h", "--json").json["paused_until_ms"]
    assert pingmon("alert", "channels", "--json").json["paused_until_ms"] == until_ms
    assert pingmon("alert", "pause", "tomorrow").err.startswith("All alerts are paused until ")
    assert pingmon("alert", "resume").err == "Alerts are told again.\n"
    assert pingmon("alert", "channels", "--json").json["paused_until_ms"] is None


@pytest.mark.parametrize(
    "words", [("pause", "soon"), ("list", "--from", "now", "--to", "1h"), ("add-channel", "x", "--kind", "command"), ()]
)
def test_wrong_usage_is_said(pingmon: Command, words: tuple[str, ...]) -> None:
    assert pingmon("alert", *words).code == 2


def test_desktop_is_tested_in_the_window(pingmon: Command) -> None:
    assert "come from the window" in pingmon("alert", "test", "This desktop").err


def test_rules_and_channels_move_with_an_export(pingmon: Command, hook: Hook, tmp_path: Path, data_dir: Path) -> None:
    write_book(data_dir, hook.url)
    target = tmp_path / "all.json"
    assert pingmon("export", str(target)).code == 0
    assert "secret-token" not in target.read_text()
    elsewhere = tmp_path / "elsewhere"
    seen = pingmon("--data-dir", str(elsewhere), "import", str(target), "--yes")
    assert "The channel “Ops” is added, turned off: its address is in no file." in seen.err
    channels = pingmon("--data-dir", str(elsewhere), "alert", "channels", "--json").json["channels"]
    assert [(one["name"], one["is_enabled"]) for one in channels] == [("This desktop", True), ("Ops", False)]
    again = pingmon("--data-dir", str(elsewhere), "import", str(target), "--yes")
    assert "Nothing to import." in again.err
