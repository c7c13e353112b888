"""What registries said of names, and their pauses: rows of `meta`, a JSON each; inside one transaction each."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import peewee

from pingmon_gui.domain.registration import Registration, RegistrationMemory, RegistryPause
from pingmon_gui.store.chunk import damaged

_NAME, _HOST = "registration:", "registry:"


def read(database: peewee.SqliteDatabase) -> RegistrationMemory:
    """Return all of it. Raises StorageCorrupt."""
    try:
        return RegistrationMemory(
            {name: Registration.from_json(document) for name, document in _documents(database, _NAME)},
            {host: RegistryPause(int(one["until_ms"]), int(one["count"])) for host, one in _documents(database, _HOST)},
        )
    except (ValueError, TypeError, KeyError) as exc:
        raise damaged(exc) from exc


def write(
    database: peewee.SqliteDatabase, one: Registration, server: str | None = None, pause: RegistryPause | None = None
) -> None:
    """Keep what is known of a name; with a `server` also its pause, or that it has none."""
    _put(database, f"{_NAME}{one.name}", one.to_json())
    if pause is not None:
        _put(database, f"{_HOST}{server}", asdict(pause))
    elif server is not None:
        # Whoever answered was found by the list of registries.
        database.connection().executemany("DELETE FROM meta WHERE key = ?", [(f"{_HOST}{server}",), (_HOST,)])


def forget(database: peewee.SqliteDatabase, names: Collection[str]) -> None:
    database.connection().executemany("DELETE FROM meta WHERE key = ?", [(f"{_NAME}{name}",) for name in names])


def _documents(database: peewee.SqliteDatabase, begin: str) -> list[tuple[str, Any]]:
    rows = database.execute_sql("SELECT key, value FROM meta WHERE key >= ? AND key < ?", (begin, f"{begin[:-1]};"))
    return [(key[len(begin) :], json.loads(value)) for key, value in rows.fetchall()]


def _put(database: peewee.SqliteDatabase, key: str, document: dict[str, object]) -> None:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    database.execute_sql("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, text))
