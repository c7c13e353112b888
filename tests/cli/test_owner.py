"""Several real processes on one data folder: one owns it, the others ask it, and kill -9 is survived."""

from __future__ import annotations

import signal
import sqlite3
import urllib.request

import pytest

from pingmon_gui.domain.region import Region
from pingmon_gui.ownership import Ownership, is_owned
from tests.cli.conftest import Command, Processes, wait_until
from tests.cli.site import Site


def _statuses(processes: Processes) -> dict[str, str]:
    document = processes.run("status", "--json").json
    return {monitor["url"]: monitor["verdict"] for monitor in document["monitors"]}


def test_second_engine_is_refused_with_the_owners_pid(processes: Processes) -> None:
    first = processes.start_engine()
    second = processes.run("run", "--for", "5")
    assert (second.code, second.out) == (1, "")
    assert f"(process {first.pid})" in second.err


def test_window_beside_an_engine_is_refused(processes: Processes) -> None:
    first = processes.start_engine()
    window = processes.run(env={"QT_QPA_PLATFORM": "offscreen"})
    assert (window.code, window.out) == (1, "")
    assert f"(process {first.pid})" in window.err


@pytest.mark.parametrize("words", [(), ("--minimized",)])
def test_second_start_raises_the_window_unless_it_is_to_stay_in_the_tray(
    processes: Processes, words: tuple[str, ...]
) -> None:
    """The window is played by this process: it owns the folder and hears the request."""
    import asyncio

    heard: list[object] = []

    async def answer(request: dict[str, object]) -> dict[str, object]:
        heard.append(request)
        return {"ok": True}

    async def main() -> int:
        with Ownership.take(processes.data_dir, "window") as ownership:
            await ownership.serve(answer)
            done = await asyncio.to_thread(processes.run, *words, env={"QT_QPA_PLATFORM": "offscreen"})
            await ownership.stop_serving()
        assert "is running already" in done.err and ("was raised" in done.err) == (not words)
        return done.code

    assert asyncio.run(main()) == 0
    assert heard == ([] if words else [{"command": "raise", "is_kiosk": False}])


def test_commands_go_to_the_running_engine(processes: Processes, site: Site) -> None:
    processes.start_engine()
    added = processes.run("domain", "add", site.url, "--name", "Shop", "--json")
    assert added.code == 0, added.err
    assert wait_until(lambda: _statuses(processes).get(site.url) == "online")
    document = processes.run("status", "--json").json
    (monitor,) = document["monitors"]
    (region,) = monitor["regions"]
    assert (monitor["name"], region["region"], region["status"]) == ("Shop", Region.LOCAL.value, "online")
    assert region["total_ms"] > 0
    assert document["probes"][0]["state"] == "connected"
    assert processes.run("domain", "pause", "shop").code == 0
    assert _statuses(processes) == {site.url: "paused"}
    assert processes.run("domain", "remove", "shop").code == 0
    assert _statuses(processes) == {}


def test_killed_engine_is_followed_by_the_next_without_loss(processes: Processes, pingmon: Command, site: Site) -> None:
    pingmon("domain", "add", site.url)
    first = processes.start_engine()
    wait_until(lambda: _statuses(processes).get(site.url) == "online")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not is_owned(processes.data_dir)
    listed = processes.run("domain", "list", "--json")
    assert (listed.code, len(listed.json["domains"])) == (0, 1)
    second = processes.start_engine()
    wait_until(lambda: _statuses(processes).get(site.url) == "online")
    second.send_signal(signal.SIGTERM)
    assert second.wait() == 0
    with sqlite3.connect(processes.data_dir / "pingmon.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    rows = pingmon("history", site.url, "--json").json["results"]
    assert len({(row["probe"], row["at_ms"]) for row in rows}) == len(rows) > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_engine_ends_cleanly_at_a_signal(processes: Processes, pingmon: Command, site: Site, number: int) -> None:
    pingmon("domain", "add", site.url)
    engine = processes.start_engine()
    processes.wait_for_line(engine, "is online")
    engine.send_signal(number)
    out, err = engine.communicate()
    assert (engine.returncode, out) == (0, "")
    assert err.rstrip().endswith("stopped")
    assert "Traceback" not in err
    assert not is_owned(processes.data_dir)


def test_engine_tells_changes_and_stops_by_itself(processes: Processes, pingmon: Command, site: Site) -> None:
    pingmon("domain", "add", site.url, "--name", "Shop", "--interval", "5s")
    engine = processes.start_engine("--for", "60")
    processes.wait_for_line(engine, "Shop is online")
    site.status = 500
    assert "500" in processes.wait_for_line(engine, "Shop is offline")
    site.status = 200
    processes.wait_for_line(engine, "Shop is online again")
    log = (processes.data_dir / "log" / "pingmon.log").read_text(encoding="utf-8")
    assert "Shop is offline" in log


def test_engine_runs_for_as_long_as_asked(processes: Processes) -> None:
    done = processes.run("run", "--for", "1")
    assert (done.code, done.out) == (0, "")
    assert done.err.rstrip().endswith("stopped")


def test_stopped_engine_leaves_its_history(processes: Processes, pingmon: Command, site: Site) -> None:
    pingmon("domain", "add", site.url, "--name", "=Shop")
    engine = processes.start_engine()
    processes.wait_for_line(engine, "is online")
    engine.send_signal(signal.SIGTERM)
    engine.wait()
    status = pingmon("status")
    assert status.code == 0
    assert "Pingmon is not running" in status.err
    assert pingmon("status", "--json").json["probes"][0]["state"] == "stopped"
    results = pingmon("history", site.url, "--json").json["results"]
    assert {row["status"] for row in results} == {"online"}
    csv = pingmon("history", "=shop", "--csv").out.splitlines()
    assert csv[0].startswith("at,at_ms,probe,url,status,")
    assert len(csv) == len(results) + 1
    (bucket, *_) = pingmon("history", site.url, "--bucket", "5min", "--json").json["results"]
    assert bucket["online"] == bucket["count"] > 0
    assert bucket["availability"] == 1.0
    assert pingmon("history", site.url, "--bucket", "5min").out.startswith("START")
    assert pingmon("history", site.url, "--from", "3h", "--to", "2h").err == "Nothing was measured in that time.\n"


def test_engine_answers_prometheus_where_it_is_told_to(processes: Processes, site: Site) -> None:
    assert processes.run("domain", "add", site.url).code == 0
    engine = processes.start("run", "--metrics", "0")
    line = processes.wait_for_line(engine, "metrics are answered at 127.0.0.1")
    port = int(line.rpartition(":")[2])

    def verdict() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return 'verdict="online"} 1' in answer.read().decode()

    assert wait_until(verdict)


@pytest.mark.parametrize(
    ("place", "code", "sentence"),
    [
        ("99999", 2, "“99999” is no port."),
        ("desk.example:9", 2, "is no address of this computer"),
        ("192.0.2.1:0", 1, "this computer has no address 192.0.2.1"),
    ],
)
def test_engine_that_cannot_answer_prometheus_says_why(
    processes: Processes, place: str, code: int, sentence: str
) -> None:
    done = processes.run("run", "--for", "60", "--metrics", place)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err
    assert "Traceback" not in done.err
