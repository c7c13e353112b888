"""Starting with the session: the entries of the three systems, and which side is followed when they differ."""

from __future__ import annotations

import asyncio
import contextlib
import plistlib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from pingmon_gui.autostart import (
    Autostart,
    DesktopEntry,
    LaunchAgent,
    RunKey,
    autostart_here,
    set_autostart,
    start_command,
)
from pingmon_gui.data_folder import usual_data_dir
from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.ui.session_start import KEY, SessionStart

COMMAND = (
    "/opt/my apps/python",
    "-m",
    "pingmon_gui",
    "--data-dir",
    '/home/jo/100 % "real" $HOME `x` \\',
    "--minimized",
)


class Registry:
    """As much of `winreg` as is used: keys by their path, values by their name."""

    HKEY_CURRENT_USER, REG_SZ = 1, 1

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, object]] = {}

    @contextlib.contextmanager
    def OpenKey(self, _root: int, path: str) -> Iterator[dict[str, object]]:
        if path not in self.keys:
            raise FileNotFoundError(path)
        yield self.keys[path]

    @contextlib.contextmanager
    def CreateKey(self, _root: int, path: str) -> Iterator[dict[str, object]]:
        yield self.keys.setdefault(path, {})

    def SetValueEx(self, key: dict[str, object], name: str, _reserved: int, _kind: int, value: str) -> None:
        key[name] = value

    def QueryValueEx(self, key: dict[str, object], name: str) -> tuple[object, int]:
        if name not in key:
            raise FileNotFoundError(name)
        return key[name], self.REG_SZ

    def DeleteValue(self, key: dict[str, object], name: str) -> None:
        if name not in key:
            raise FileNotFoundError(name)
        del key[name]


@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_entry_is_written_found_and_removed(system: str, tmp_path: Path) -> None:
    entries = {
        "linux": DesktopEntry(tmp_path / "new" / "folder"),
        "macos": LaunchAgent(tmp_path / "new" / "folder"),
        "windows": RunKey(Registry()),
    }
    entry: Autostart = entries[system]
    assert not entry.is_on()
    entry.turn_off()
    for _ in range(2):
        entry.turn_on(COMMAND)
        assert entry.is_on()
    entry.turn_off()
    assert not entry.is_on()


def test_every_word_of_the_command_survives_the_desktop_entry(tmp_path: Path) -> None:
    entry = DesktopEntry(tmp_path)
    entry.turn_on(COMMAND)
    line = next(one for one in entry.path.read_text().splitlines() if one.startswith("Exec="))
    # As a desktop reads it: first the string of the file, then field codes, then the quotes of a shell.
    text = line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%")
    words = subprocess.run(["sh", "-c", f"printf '%s\\0' {text}"], capture_output=True, text=True, check=True).stdout
    assert tuple(words.removesuffix("\0").split("\0")) == COMMAND
    # Where the program is gone, the desktop passes the entry over.
    tried = next(one for one in entry.path.read_text().splitlines() if one.startswith("TryExec="))
    assert tried.removeprefix("TryExec=").replace("\\\\", "\\") == COMMAND[0]


def test_every_word_of_the_command_survives_launchd_and_the_registry(tmp_path: Path) -> None:
    agent = LaunchAgent(tmp_path)
    agent.turn_on(COMMAND)
    assert tuple(plistlib.loads(agent.path.read_bytes())["ProgramArguments"]) == COMMAND
    registry = Registry()
    RunKey(registry).turn_on(COMMAND)
    assert registry.keys[RunKey.KEY] == {"pingmon": subprocess.list2cmdline(COMMAND)}


def test_what_the_user_turned_off_in_the_system_is_off(tmp_path: Path) -> None:
    entry = DesktopEntry(tmp_path)
    entry.turn_on(COMMAND)
    written = entry.path.read_text()
    for line in ("Hidden=true", "X-GNOME-Autostart-enabled=false"):
        entry.path.write_text(f"{written}{line}\n")
        assert not entry.is_on()
    for broken in (b"", b"\xff\xfe", b"no section", b"[Other]\nExec=x\n"):
        entry.path.write_bytes(broken)
        assert not entry.is_on()
    agent = LaunchAgent(tmp_path)
    agent.path.write_bytes(b"no plist")
    assert not agent.is_on()
    agent.path.write_bytes(plistlib.dumps({"RunAtLoad": True, "Disabled": True}))
    assert not agent.is_on()
    registry = Registry()
    run = RunKey(registry)
    run.turn_on(COMMAND)
    registry.keys[RunKey.NOTES] = {"pingmon": b"\x03\0\0\0"}
    assert not run.is_on()
    run.turn_on(COMMAND)
    assert run.is_on()


def test_other_data_folders_have_entries_of_their_own_and_the_command_names_the_folder(tmp_path: Path) -> None:
    usual, other = autostart_here(usual_data_dir()), autostart_here(tmp_path)
    usual.turn_on(start_command(usual_data_dir()))
    assert not other.is_on()
    usual.turn_off()
    assert start_command(tmp_path)[-3:] == ("--data-dir", str(tmp_path), "--minimized")


def test_entry_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "autostart").write_text("a file where the folder should be")
    with pytest.raises(SettingsError, match=r"cannot be changed: File exists"):
        set_autostart(DesktopEntry(tmp_path / "autostart"), COMMAND, True)


def test_whoever_changed_it_last_is_followed(tmp_path: Path) -> None:
    async def check() -> None:
        entry = DesktopEntry(tmp_path / "autostart")
        settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        changes: list[Mapping[str, object]] = []

        async def change(values: Mapping[str, object]) -> None:
            changes.append(values)

        start = SessionStart(entry, COMMAND, settings, change)
        on, off = Preferences({KEY: True}), Preferences({})
        await start.agree(off)
        assert not entry.path.exists()
        await start.agree(on)
        assert entry.is_on() and not changes
        # The program moved: the entry follows.
        await SessionStart(entry, ("/elsewhere/pingmon",), settings, change).agree(on)
        assert '"/elsewhere/pingmon"' in entry.path.read_text()
        # Turned off in the system's settings, and on again.
        entry.turn_off()
        await start.agree(on)
        assert changes == [{KEY: False}] and not entry.is_on()
        entry.turn_on(COMMAND)
        await start.agree(off)
        assert changes[1:] == [{KEY: True}]
        await start.agree(on)
        await start.agree(off)
        assert not entry.is_on() and len(changes) == 2

    asyncio.run(check())
