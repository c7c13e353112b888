"""A desktop of a test's own: screen, window manager, session bus, and a panel and a notification daemon at will."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, Message, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
from PySide6.QtGui import QColor, QImage

from pingmon_gui.alerts.freedesktop import NAME
from tests.lab.place import REPOSITORY
from tests.lab.waiting import wait_until

SCREEN = (1280, 800)
_PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/><value type="int" value="2"/><value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/><property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray"/>
  </property>
</channel>
"""
#: The panel's settings are started by the bus; notification daemons are not: one that is killed stays away.
_XFCONF = Path("/usr/share/dbus-1/services/org.xfce.Xfconf.service")
_BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}/runtime</listen>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""
#: What a person would choose of a notification's menu stands in the file {choice}.
_CHOOSE = """#!/bin/sh
grep -m1 "$(cat {choice})"
"""
_DUNST = """[global]
    origin = top-right
    offset = 14x44
    width = 390
    font = DejaVu Sans 10
    frame_width = 1
    corner_radius = 6
    padding = 12
    horizontal_padding = 12
    max_icon_size = 40
    show_indicators = no
    dmenu = {dmenu}
    mouse_left_click = do_action
[urgency_normal]
    background = "#2b2f36"
    foreground = "#e9ecf1"
    frame_color = "#4b5563"
    timeout = 0
[urgency_critical]
    background = "#2b2f36"
    foreground = "#e9ecf1"
    frame_color = "#e0393e"
    timeout = 0
"""


@dataclass(frozen=True)
class Asked:
    """A notification that a program asked for, and the number that the daemon gave it."""

    title: str
    text: str
    replaced: int
    urgency: int
    number: int


class Desktop:
    """Everything it started is ended by `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.choice = folder / "choice"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "DBUS_"))}
        for name in ("runtime", "config", "data", "cache", "state"):
            place = folder / name
            place.mkdir(mode=0o700)
            self.environment[f"XDG_{name.upper()}_{'DIR' if name == 'runtime' else 'HOME'}"] = str(place)
        self.environment |= {
            "HOME": str(folder),
            "NO_AT_BRIDGE": "1",
            "QT_QPA_PLATFORM": "xcb",
            "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'probes'}",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        self._write_settings()

    def _write_settings(self) -> None:
        panel = self._folder / "config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"
        panel.parent.mkdir(parents=True)
        panel.write_text(_PANEL)
        dmenu = self._folder / "choose"
        dmenu.write_text(_CHOOSE.format(choice=self.choice))
        dmenu.chmod(0o755)
        services = self._folder / "services"
        services.mkdir()
        (services / _XFCONF.name).symlink_to(_XFCONF)
        (self._folder / "bus.conf").write_text(_BUS_CONFIGURATION.format(folder=self._folder, services=services))
        (self._folder / "dunstrc").write_text(_DUNST.format(dmenu=dmenu))

    def open(self) -> None:
        """Start screen, window manager and session bus."""
        reading, writing = os.pipe()
        screen = f"{SCREEN[0]}x{SCREEN[1]}x24"
        self.start("Xvfb", "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp", keep=writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self.environment["DISPLAY"] = f":{pipe.readline().strip()}"
        bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self._folder / 'bus.conf'}", "--nofork", "--print-address=1"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._processes.append(bus)
        assert bus.stdout is not None
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        self.start("openbox")

    def close(self) -> None:
        for process in reversed(self._processes):
            self.end(process)
            if process.stdout is not None:
                process.stdout.close()

    def start(self, *argv: str, keep: int | None = None) -> subprocess.Popen[bytes]:
        with (self._folder / f"{Path(argv[0]).name}.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=() if keep is None else (keep,),
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes], signal_: int = signal.SIGTERM) -> None:
        """End a process and what it started."""
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal_)
            process.wait()

    # What may be there or not

    def start_panel(self) -> subprocess.Popen[bytes]:
        """Start a panel that is spoken to by D-Bus (StatusNotifierItem)."""
        panel = self.start("xfce4-panel", "--disable-wm-check")
        self.wait_for_name("org.kde.StatusNotifierWatcher")
        return panel

    def start_old_tray(self) -> subprocess.Popen[bytes]:
        """Start a tray that takes windows of programs into its own (XEmbed)."""
        return self.start(
            "trayer",
            "--edge",
            "top",
            "--align",
            "right",
            "--height",
            "30",
            "--widthtype",
            "request",
            "--SetDockType",
            "true",
            "--SetPartialStrut",
            "true",
        )

    def start_daemon(self) -> subprocess.Popen[bytes]:
        """Start a notification daemon."""
        daemon = self.start("dunst", "-conf", str(self._folder / "dunstrc"))
        self.wait_for_name(NAME)
        return daemon

    def wait_for_name(self, name: str) -> None:
        with contextlib.closing(open_dbus_connection(self.environment["DBUS_SESSION_BUS_ADDRESS"])) as bus:

            def has_owner() -> bool:
                question = new_method_call(_BUS, "NameHasOwner", "s", (name,))
                return bool(bus.send_and_get_reply(question).body[0])

            wait_until(has_owner, f"nobody on the bus has the name {name}")

    # What a person sees and does

    def picture(self) -> QImage:
        """Return what is on the screen."""
        path = self._folder / "screen.png"
        self.run("import", "-silent", "-window", "root", str(path))
        return QImage(str(path))

    def wait_until_still(self) -> None:
        """Wait until what is on the screen is what was there a moment before."""
        pictures = [self.picture()]

        def is_still() -> bool:
            pictures.append(self.picture())
            return pictures[-1] == pictures[-2]

        wait_until(is_still, "the screen never keeps still")

    def place_of(self, colour: str, top: int = 0, bottom: int = 34) -> tuple[int, int] | None:
        """Return the middle of what has a colour in a strip of the screen, None where nothing has."""
        picture, wanted = self.picture(), QColor(colour)
        found = [
            (x, y)
            for y in range(top, min(bottom, picture.height()))
            for x in range(picture.width())
            if _is_close(picture.pixelColor(x, y), wanted)
        ]
        if len(found) < 30:
            return None
        return sum(x for x, _y in found) // len(found), sum(y for _x, y in found) // len(found)

    def click(self, at: tuple[int, int], button: int = 1) -> None:
        self.run("xdotool", "mousemove", str(at[0]), str(at[1]), "click", str(button))

    def press(self, *keys: str) -> None:
        self.run("xdotool", "key", "--delay", "60", *keys)

    def windows(self, name: str) -> list[str]:
        """Return the ids of the windows on the screen whose title matches, without minimized ones."""
        return self.run("xdotool", "search", "--onlyvisible", "--name", name, is_checked=False).split()

    def is_minimized(self, name: str) -> bool:
        ids = self.run("xdotool", "search", "--name", name, is_checked=False).split()
        states = [self.run("xprop", "-id", one, "WM_STATE", is_checked=False) for one in ids]
        return any("Iconic" in state for state in states)

    def focused(self) -> str:
        """Return the title of the window that has the keyboard."""
        return self.run("xdotool", "getactivewindow", "getwindowname", is_checked=False).strip()

    def run(self, *argv: str, is_checked: bool = True) -> str:
        done = subprocess.run(
            argv,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if is_checked and done.returncode:
            raise AssertionError(f"{argv[0]} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    # Pingmon

    def start_pingmon(self, *words: str) -> subprocess.Popen[bytes]:
        return self.start(sys.executable, "-m", "pingmon_gui", "--data-dir", str(self._folder / "pingmon"), *words)

    def pingmon(self, *words: str) -> str:
        """Return what a command prints."""
        return self.run(sys.executable, "-m", "pingmon_gui", *words, "--data-dir", str(self._folder / "pingmon"))


class BusLog:
    """What was said on the session bus about notifications; read in a thread until `close`."""

    def __init__(self, address: str) -> None:
        self._connection = open_dbus_connection(address)
        rules = [MatchRule(interface=NAME).serialise(), MatchRule(type="method_return").serialise()]
        monitoring = DBusAddress("/org/freedesktop/DBus", _BUS.bus_name, "org.freedesktop.DBus.Monitoring")
        self._connection.send_and_get_reply(new_method_call(monitoring, "BecomeMonitor", "asu", (rules, 0)))
        self._calls: dict[tuple[str, int], tuple[Any, ...]] = {}
        self.asked: list[Asked] = []
        self.closed: list[int] = []
        self._thread = threading.Thread(target=self._read, name="bus log")
        self._thread.start()

    def close(self) -> None:
        self._connection.sock.shutdown(2)
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError, EOFError, ConnectionError):
            while True:
                self._take(self._connection.receive())

    def _take(self, message: Message) -> None:
        fields = message.header.fields
        match message.header.message_type, fields.get(HeaderFields.member):
            case MessageType.method_call, "Notify":
                self._calls[fields[HeaderFields.sender], message.header.serial] = message.body
            case MessageType.method_return, _:
                call = self._calls.pop((fields.get(HeaderFields.destination), fields[HeaderFields.reply_serial]), None)
                if call is not None:
                    title, text, urgency = call[3], call[4], call[6]["urgency"][1]
                    self.asked.append(Asked(title, text, call[1], urgency, message.body[0]))
            case MessageType.signal, "NotificationClosed":
                self.closed.append(message.body[0])


@contextlib.contextmanager
def desktop(folder: Path) -> Iterator[Desktop]:
    made = Desktop(folder)
    try:
        made.open()
        yield made
    finally:
        made.close()


_BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")


def _is_close(one: QColor, other: QColor) -> bool:
    pairs: Sequence[tuple[int, int]] = (
        (one.red(), other.red()),
        (one.green(), other.green()),
        (one.blue(), other.blue()),
    )
    return all(abs(a - b) <= 6 for a, b in pairs)
