"""Pingmon starts with the session: an entry in the place that each system looks into when somebody logs in.

The entries are small files (on Windows a value of the registry); what is done here is quick, and never needs a window.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import plistlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pingmon_gui.data_folder import usual_data_dir
from pingmon_gui.domain.error import SettingsError
from pingmon_gui.program import for_window

Command = Sequence[str]


class Autostart(Protocol):
    """The entry of one system. Methods raise OSError where it cannot be read or written."""

    def is_on(self) -> bool:
        """Return whether Pingmon is started, which the user may have changed elsewhere."""
        ...

    def turn_on(self, command: Command) -> None:
        """Have a command started with the session; it takes the place of an earlier one."""
        ...

    def turn_off(self) -> None: ...


def autostart_here(data_dir: Path) -> Autostart:
    """Return what this system has; every data folder has an entry of its own."""
    name = "pingmon"
    if data_dir != usual_data_dir():
        name += f"-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:8]}"
    if sys.platform == "win32":
        import winreg

        return RunKey(winreg, name)
    if sys.platform == "darwin":
        return LaunchAgent(Path.home() / "Library" / "LaunchAgents", name)
    return DesktopEntry(Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "autostart", name)


def start_command(data_dir: Path) -> Command:
    """Return what starts this Pingmon on a data folder, out of the way."""
    if getattr(sys, "frozen", False):
        # An AppImage is unpacked somewhere else at every start; the variable has where it lies.
        program = [os.environ.get("APPIMAGE") or for_window(sys.executable)]
    else:
        program = [for_window(sys.executable), "-m", "pingmon_gui"]
    return (*program, "--data-dir", str(data_dir), "--minimized")


def set_autostart(autostart: Autostart, command: Command, is_wanted: bool) -> None:
    """Turn it on or off. Raises SettingsError with a sentence."""
    try:
        if is_wanted:
            autostart.turn_on(command)
        else:
            autostart.turn_off()
    except OSError as exc:
        what = f"{exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}"
        raise SettingsError(
            f"Whether Pingmon starts with the session cannot be changed: {what}.",
            "See to it that the file can be written, then set it again.",
        ) from exc


class DesktopEntry:
    """Linux and BSD: a file of the Desktop Application Autostart Specification (freedesktop.org)."""

    def __init__(self, folder: Path, name: str = "pingmon") -> None:
        self.path = folder / f"{name}.desktop"

    def is_on(self) -> bool:
        entry = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
        entry.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            entry.read_string(self.path.read_text(encoding="utf-8"))
            section = entry["Desktop Entry"]
        except (FileNotFoundError, UnicodeDecodeError, configparser.Error, KeyError):
            return False
        # Desktops turn an entry off by a line in it.
        is_hidden = section.get("Hidden", "false").lower() == "true"
        return not is_hidden and section.get("X-GNOME-Autostart-enabled", "true").lower() != "false"

    def turn_on(self, command: Command) -> None:
        lines = [
            "[Desktop Entry]",
            "Type=Application",
            "Name=Pingmon",
            f"Exec={' '.join(_quoted(word) for word in command)}",
            # An entry that outlives the program is passed over by the desktop.
            "TryExec=" + command[0].replace("\\", "\\\\"),
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
        ]
        _write(self.path, "\n".join([*lines, ""]).encode())

    def turn_off(self) -> None:
        self.path.unlink(missing_ok=True)


class LaunchAgent:
    """macOS: a property list that launchd reads at log-in."""

    def __init__(self, folder: Path, name: str = "pingmon") -> None:
        self._label = f"io.github.pingmon.{name}"
        self.path = folder / f"{self._label}.plist"

    def is_on(self) -> bool:
        try:
            agent = plistlib.loads(self.path.read_bytes())
        except (FileNotFoundError, plistlib.InvalidFileException, ValueError):
            return False
        return isinstance(agent, dict) and bool(agent.get("RunAtLoad")) and not agent.get("Disabled")

    def turn_on(self, command: Command) -> None:
        agent = {
            "Label": self._label,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
        }
        _write(self.path, plistlib.dumps(agent))

    def turn_off(self) -> None:
        self.path.unlink(missing_ok=True)


class RunKey:
    """Windows: a value of the key "Run" of this user. `registry` is the module `winreg`."""

    KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
    #: What the Task Manager notes of entries; an odd first byte is one that the user turned off.
    NOTES = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"

    def __init__(self, registry: Any, name: str = "pingmon") -> None:
        self._registry = registry
        self._name = name

    def is_on(self) -> bool:
        if self._read(self.KEY) is None:
            return False
        note = self._read(self.NOTES)
        return not (isinstance(note, bytes) and note and note[0] % 2)

    def turn_on(self, command: Command) -> None:
        registry = self._registry
        with registry.CreateKey(registry.HKEY_CURRENT_USER, self.KEY) as key:
            registry.SetValueEx(key, self._name, 0, registry.REG_SZ, subprocess.list2cmdline(command))
        self._delete(self.NOTES)

    def turn_off(self) -> None:
        self._delete(self.KEY)

    def _read(self, path: str) -> object:
        try:
            with self._registry.OpenKey(self._registry.HKEY_CURRENT_USER, path) as key:
                return self._registry.QueryValueEx(key, self._name)[0]
        except FileNotFoundError:
            return None

    def _delete(self, path: str) -> None:
        try:
            with self._registry.CreateKey(self._registry.HKEY_CURRENT_USER, path) as key:
                self._registry.DeleteValue(key, self._name)
        except FileNotFoundError:
            return


def _quoted(word: str) -> str:
    """Return an argument as the Desktop Entry Specification has it: a string of that file, quoted within."""
    escaped = "".join(f"\\{letter}" if letter in '"`$\\' else letter for letter in word)
    return f'"{escaped}"'.replace("\\", "\\\\").replace("%", "%%")


def _write(path: Path, content: bytes) -> None:
    """Put a file in its place in one step: a session that starts meanwhile reads the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)
