"""The picture of tray icon, menu and notification, on a real desktop: panel, notification daemon, window manager."""

from __future__ import annotations

import http.server
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui.tray_sign import COLOURS
from tests.lab.desktop import SCREEN, Desktop, desktop
from tests.lab.waiting import wait_until
from tests.pictures.png import save

NAMES = ("tray",)
#: What of the screen is shown, from its right upper corner, and the strip between the two pictures.
_SHOWN = (436, 230)
_GAP = 8
_NOTIFICATION = "#2b2f36"


class _Site(http.server.BaseHTTPRequestHandler):
    is_down = False

    def do_GET(self) -> None:
        self.send_response(503 if _Site.is_down else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@contextmanager
def _sites(count: int) -> Iterator[list[str]]:
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site) for _ in range(count)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield [f"http://127.0.0.1:{server.server_address[1]}/" for server in servers]
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _verdicts(here: Desktop) -> set[str]:
    return {one["verdict"] for one in json.loads(here.pingmon("status", "--json"))["monitors"]}


def _corner(picture: QImage) -> QImage:
    return picture.copy(QRect(SCREEN[0] - _SHOWN[0], 0, *_SHOWN))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pingmon-pictures-") as place, desktop(Path(place)) as here:
        here.run("display", "-window", "root", "xc:#8ea3b8")
        here.start_panel()
        here.start_daemon()
        app = here.start_pingmon("--minimized")
        wait_until((Path(place) / "pingmon" / "socket").exists, "Pingmon does not run")
        with _sites(2) as urls:
            for url, name in zip(urls, ("shop.example", "www.shop.example"), strict=True):
                here.pingmon("domain", "add", url, "--name", name, "--interval", "5s")
            wait_until(lambda: _verdicts(here) == {"online"}, "not every site is online")
            _Site.is_down = True
            red = COLOURS[Verdict.OFFLINE]
            wait_until(lambda: here.place_of(red) is not None, "the icon does not tell of it")
            wait_until(lambda: _verdicts(here) == {"offline"}, "not every site is offline")
            wait_until(lambda: here.place_of(_NOTIFICATION, top=40, bottom=140) is not None, "dunst shows nothing")
            here.wait_until_still()
            told = _corner(here.picture())
            icon = here.place_of(red)
            assert icon is not None
            here.click(icon, button=3)
            here.wait_until_still()
            menu = _corner(here.picture())
            here.press("Escape")
        here.end(app)
    both = QImage(_SHOWN[0] * 2 + _GAP, _SHOWN[1], QImage.Format.Format_RGB888)
    both.fill(QColor("white"))
    painter = QPainter(both)
    painter.drawImage(0, 0, told)
    painter.drawImage(_SHOWN[0] + _GAP, 0, menu)
    painter.end()
    save(both, *NAMES)


if __name__ == "__main__":
    main()
