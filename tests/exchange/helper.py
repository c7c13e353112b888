"""What tests of readers share: reading, and the true files in `files/`, each in the form its own program writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.exchange.intake import read_bytes, read_file
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, Reading

FILES = Path(__file__).parent / "files"
DEFAULTS = MonitorSettings()


def read(text: str, kind: Kind | None = None) -> Reading:
    return read_bytes(text.encode(), DEFAULTS, kind)


def read_true(name: str, modules: str | None = None) -> Reading:
    """Read one of the true files."""
    return read_file(FILES / name, DEFAULTS, modules=None if modules is None else FILES / modules)


def only(reading: Reading) -> Item:
    [item] = reading.items
    return item


def drafts(reading: Reading) -> dict[str, MonitorDraft]:
    """Return what would be added, by name."""
    return {item.draft.name or item.draft.url: item.draft for item in reading.items if item.draft is not None}


def notes(reading: Reading) -> dict[str, tuple[str, ...]]:
    """Return the notes of what would be added, by name, as far as there are any."""
    return {
        item.draft.name or item.draft.url: item.notes for item in reading.items if item.draft is not None and item.notes
    }


def left_out(reading: Reading) -> dict[str, str]:
    """Return why something is not taken, by what the file calls it."""
    return {item.text: item.reason for item in reading.items if item.draft is None and not item.is_wrong}


def kuma_database(folder: Path) -> Path:
    """Make a database of Uptime Kuma 2."""
    path = folder / "kuma.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((FILES / "uptime-kuma-2.sql").read_text(encoding="utf-8"))
    return path
