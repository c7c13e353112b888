"""Pingmon on a real desktop: panel, tray, notification daemon and window manager are those that people use."""

from __future__ import annotations

import http.server
import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui.tray_sign import COLOURS
from tests.lab.desktop import BusLog, Desktop, desktop
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab
RED, GREEN = COLOURS[Verdict.OFFLINE], COLOURS[Verdict.ONLINE]
CRITICAL = 2
#: What Qt paints balloons on.
_BALLOON = "#ffffe1"
_EDITOR = """
from PySide6.QtWidgets import QApplication, QPlainTextEdit
application = QApplication([])
editor = QPlainTextEdit()
editor.setWindowTitle("Editor")
editor.show()
application.exec()
"""


class Sites:
    """Sites that are up or down, by the port."""

    def __init__(self) -> None:
        self.down: set[int] = set()
        self._servers: list[http.server.ThreadingHTTPServer] = []

    def add(self) -> str:
        sites = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_down = self.server.server_address[1] in sites.down
                self.send_response(503 if is_down else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is written."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    @property
    def ports(self) -> list[int]:
        return [int(server.server_address[1]) for server in self._servers]

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def sites() -> Iterator[Sites]:
    made = Sites()
    yield made
    made.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path) as made:
        yield made


@pytest.fixture
def bus(here: Desktop) -> Iterator[BusLog]:
    log = BusLog(here.environment["DBUS_SESSION_BUS_ADDRESS"])
    yield log
    log.close()


def watch(here: Desktop, sites: Sites, count: int) -> None:
    """Have Pingmon watch so many sites that are well."""
    urls = [sites.add() for _ in range(count)]
    wait_until((Path(here.environment["HOME"]) / "pingmon" / "socket").exists, "Pingmon does not run")
    here.pingmon("domain", "add", *urls, "--interval", "5s")
    wait_until(lambda: verdicts(here) == ["online"] * count, "not every site is online")


def verdicts(here: Desktop) -> list[str]:
    return [one["verdict"] for one in json.loads(here.pingmon("status", "--json"))["monitors"]]


def alerts(here: Desktop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(here.pingmon("alert", "list", "--json"))["alerts"]
    return found


def find(here: Desktop, colour: str) -> tuple[int, int]:
    """Return where in the panel an icon of a colour is, once it is there."""
    places: list[tuple[int, int]] = []

    def is_there() -> bool:
        place = here.place_of(colour)
        places.extend([place] if place else [])
        return place is not None

    wait_until(is_there, f"no icon of the colour {colour} is in the panel")
    return places[-1]


def test_notification_is_shown_grows_and_is_acknowledged_on_it(here: Desktop, bus: BusLog, sites: Sites) -> None:
    here.start_panel()
    here.start_daemon()
    here.start_pingmon("--minimized")
    watch(here, sites, 2)
    find(here, GREEN)
    here.start(sys.executable, "-c", _EDITOR)
    wait_until(lambda: here.focused() == "Editor", "the editor has no focus")

    sites.down.update(sites.ports)
    wait_until(lambda: bool(bus.asked) and bus.asked[-1].title.startswith("2 "), "no notification tells of both sites")
    assert {one.number for one in bus.asked} == {bus.asked[0].number}
    assert [one.replaced for one in bus.asked] == [0, *[bus.asked[0].number] * (len(bus.asked) - 1)]
    assert bus.asked[-1].urgency == CRITICAL
    find(here, RED)
    assert here.focused() == "Editor" and not here.windows("^Pingmon$"), "somebody's typing was interrupted"

    here.choice.write_text("Acknowledge")
    here.run("dunstctl", "context")
    wait_until(lambda: alerts(here)[0]["state"] == "acknowledged", "Acknowledge did not acknowledge")
    wait_until(lambda: bus.asked[0].number in bus.closed, "what somebody looks after stays on the screen")

    sites.down.clear()
    wait_until(lambda: "online again" in bus.asked[-1].title, "the end is not told")


def test_click_on_a_notification_opens_its_incident(here: Desktop, bus: BusLog, sites: Sites) -> None:
    here.start_panel()
    here.start_daemon()
    here.start_pingmon("--minimized")
    watch(here, sites, 1)
    sites.down.update(sites.ports)
    wait_until(lambda: bool(bus.asked), "no notification")
    # Somewhere in the notification, below the panel.
    wait_until(lambda: here.place_of("#2b2f36", top=40, bottom=140) is not None, "dunst shows nothing")
    place = here.place_of("#2b2f36", top=40, bottom=140)
    assert place is not None
    here.click(place)
    wait_until(lambda: bool(here.windows("Incidents")), "the click did not open the incident")
    assert here.windows("^Pingmon$")


@pytest.mark.parametrize("kind", ["panel", "old tray"])
def test_icon_toggles_the_window_and_its_menu_quits(here: Desktop, sites: Sites, kind: str) -> None:
    (here.start_panel if kind == "panel" else here.start_old_tray)()
    app = here.start_pingmon("--minimized")
    watch(here, sites, 1)
    icon = find(here, GREEN)
    assert not here.windows("^Pingmon$")
    for is_shown in (True, False, True):

        def is_toggled(is_shown: bool = is_shown) -> bool:
            # A window that has not got the keyboard yet is not put away: who clicks that fast clicks again.
            here.click(icon)
            here.wait_until_still()
            return bool(here.windows("^Pingmon$")) == is_shown

        wait_until(is_toggled, "a click did not toggle")
    here.click(icon, button=3)
    here.wait_until_still()
    here.press("Up", "Return")  # the last line
    wait_until(lambda: app.poll() is not None, "Quit did not quit")
    assert app.returncode == 0


def test_window_follows_a_tray_that_dies_and_comes_back(here: Desktop, sites: Sites) -> None:
    panel = here.start_panel()
    here.start_pingmon("--minimized")
    watch(here, sites, 1)
    find(here, GREEN)
    here.end(panel, signal.SIGKILL)
    wait_until(lambda: here.is_minimized("^Pingmon$"), "nobody would find the window any more")
    here.start_panel()
    find(here, GREEN)
    wait_until(lambda: not here.is_minimized("^Pingmon$"), "the window did not go back into the tray")
    assert not here.windows("^Pingmon$")


def test_daemon_that_is_killed_is_said_and_its_successor_shows_what_lasts(
    here: Desktop, bus: BusLog, sites: Sites
) -> None:
    daemon = here.start_daemon()
    app = here.start_pingmon()
    watch(here, sites, 2)
    first, second = sites.ports
    sites.down.add(first)
    wait_until(lambda: bool(bus.asked), "no notification")
    here.end(daemon, signal.SIGKILL)
    sites.down.add(second)
    wait_until(lambda: sum(len(one["items"]) for one in alerts(here)) == 2, "the list does not have it")
    before = len(bus.asked)
    here.start_daemon()
    wait_until(lambda: len(bus.asked) > before, "what lasts is not shown again")
    assert bus.asked[before].replaced == 0
    assert app.poll() is None


def test_balloon_of_an_old_tray_stands_in_for_a_daemon(here: Desktop, sites: Sites) -> None:
    here.start_old_tray()
    here.start_pingmon("--minimized")
    watch(here, sites, 1)
    find(here, GREEN)
    sites.down.update(sites.ports)
    place: list[tuple[int, int]] = []

    def is_shown() -> bool:
        found = here.place_of(_BALLOON, top=34, bottom=160)
        place.extend([found] if found else [])
        return found is not None

    wait_until(is_shown, "there is no balloon")
    assert not here.windows("^Pingmon$")
    here.click(place[-1])
    wait_until(lambda: bool(here.windows("Incidents")), "the click did not open the incident")


def test_panel_on_the_bus_is_found_where_qt_must_not_be_asked_yet(here: Desktop) -> None:
    """As on Wayland, where Qt would keep its first answer."""

    def is_watched() -> str:
        return here.run(sys.executable, "-c", "from pingmon_gui.ui import tray_host; print(tray_host.is_watched())")

    assert is_watched() == "False\n"
    here.start_panel()
    assert is_watched() == "True\n"
