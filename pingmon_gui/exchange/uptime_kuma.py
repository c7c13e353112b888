"""Uptime Kuma: the backup that version 1 writes as JSON, and the database of versions 1 and 2.

Both name the same things in two spellings; `_read_monitor` knows both. Written after the product's own
`server/model/monitor.js` and `db/knex_init_db.js` (version 2.0, 2026).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings, parse_status_set
from pingmon_gui.exchange import json_document
from pingmon_gui.exchange.duration import number_ms
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import (
    MAX_ITEMS,
    Item,
    LeftOut,
    Reading,
    Wish,
    cleaned_text,
    item,
    listed,
    require_room,
)

SIGNATURE = b"SQLite format 3\x00"
#: A hostile file can make a query run for ever; a real one answers in milliseconds.
_PATIENCE_S = 20.0
_BUSY_S = 2.0
_MAX_CELL_BYTES = 1_000_000
#: Types that are measured by fetching an address.
_FETCHED = ("http", "keyword")
_MAX_PARENTS = 10


def read(text: str, defaults: MonitorSettings) -> Reading:
    """Read a backup. Raises InvalidInput if it is none."""
    document = json_document.parsed(text)
    monitors = document.get("monitorList") if isinstance(document, dict) else None
    if isinstance(monitors, dict):  # as the product's own socket sends it
        monitors = list(monitors.values())
    if not isinstance(monitors, list):
        raise InvalidInput("The file is no backup of Uptime Kuma.", "Its list of monitors is missing.")
    require_room(len(monitors))
    lines = json_document.element_lines(text, "monitorList", len(monitors))
    return Reading(Kind.UPTIME_KUMA, tuple(_items(monitors, lines, defaults)))


def read_database(path: Path, defaults: MonitorSettings) -> Reading:
    """Read `kuma.db`, changing nothing there. Blocks; raises InvalidInput with a sentence."""
    try:
        with contextlib.closing(_opened(path)) as database:
            rows = _rows(database, "monitor", MAX_ITEMS + 1)
            require_room(len(rows))
            tags = _tags(database)
    except sqlite3.DatabaseError as exc:
        raise InvalidInput(*_trouble(exc)) from exc
    for row in rows:
        row["tags"] = tags.get(row.get("id"), [])
    return Reading(Kind.UPTIME_KUMA, tuple(_items(rows, [None] * len(rows), defaults)))


def _opened(path: Path) -> sqlite3.Connection:
    """Open read-only. Where nobody has changes pending the file is taken as it lies, and nothing is made beside it."""
    is_still = not any(
        beside.exists() and beside.stat().st_size
        for beside in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-journal"))
    )
    uri = f"file:{quote(str(path.absolute()))}?mode=ro" + ("&immutable=1" if is_still else "")
    database = sqlite3.connect(uri, uri=True, timeout=_BUSY_S)
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL_BYTES)
    until = time.monotonic() + _PATIENCE_S
    database.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _rows(database: sqlite3.Connection, table: str, limit: int) -> list[dict[str, Any]]:
    found = database.execute("SELECT type FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    if found is None or found[0] != "table":
        raise InvalidInput("The database is not Uptime Kuma's.", f"It has no table named {table}.")
    cursor = database.execute(f'SELECT * FROM "{table}" LIMIT {limit}')
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _tags(database: sqlite3.Connection) -> dict[Any, list[dict[str, Any]]]:
    """Return the tags of each monitor's id; none where the database is older than tags."""
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    tags: dict[Any, list[dict[str, Any]]] = {}
    if {"tag", "monitor_tag"} <= names:
        query = (
            "SELECT m.monitor_id, t.name, m.value FROM monitor_tag m JOIN tag t ON t.id = m.tag_id"
            f" ORDER BY m.id LIMIT {20 * MAX_ITEMS}"
        )
        for monitor, name, value in database.execute(query):
            tags.setdefault(monitor, []).append({"name": name, "value": value})
    return tags


def _trouble(cause: sqlite3.DatabaseError) -> tuple[str, str]:
    code = getattr(cause, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "The database is in use by another program.", "Stop Uptime Kuma, or import a copy of the file."
    if primary == sqlite3.SQLITE_INTERRUPT:
        return "The database took too long to answer.", "It may be damaged, or made to keep readers busy."
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
        return "The database cannot be opened.", "Import a copy of the file that you may read."
    return f"The database is damaged ({cause}).", "“sqlite3 kuma.db .recover” may save what is left of it."


def _items(monitors: Iterable[Any], lines: list[int | None], defaults: MonitorSettings) -> Iterable[Item]:
    known = [monitor for monitor in monitors if isinstance(monitor, dict)]
    groups = {monitor.get("id"): monitor for monitor in known if monitor.get("type") == "group"}
    for number, (monitor, line) in enumerate(zip(monitors, lines, strict=True), start=1):
        if not isinstance(monitor, dict):
            yield Item(number, line, "?", reason="The entry is no monitor.", is_wrong=True)
            continue
        if monitor.get("type") == "group":
            continue  # its name becomes a tag of what is in it
        text = cleaned_text(monitor.get("name")) or cleaned_text(monitor.get("url")) or "?"
        wish: Wish | InvalidInput
        try:
            wish = _read_monitor(monitor, groups, defaults)
        except InvalidInput as exc:
            wish = exc
        yield item(number, line, text, wish)


def _read_monitor(monitor: Mapping[str, Any], groups: Mapping[Any, Any], defaults: MonitorSettings) -> Wish:
    def value(*names: str) -> Any:
        """Return what stands under the first name that is there: the two forms spell some differently."""
        return next((monitor[name] for name in names if monitor.get(name) is not None), None)

    kind = value("type")
    if kind not in _FETCHED:
        raise LeftOut(f"Pingmon cannot measure the type “{cleaned_text(kind)[:40]}” yet.")
    if value("upside_down", "upsideDown"):
        raise LeftOut("It is upside down (up means down), which Pingmon does not do.")
    method = str(value("method") or "GET").upper()
    if method not in ("GET", "HEAD"):
        raise LeftOut(f"It sends {method[:20]} requests; Pingmon sends GET.")
    if value("auth_method", "authMethod") not in (None, "", "basic"):
        raise LeftOut(f"Pingmon cannot log in by “{cleaned_text(value('auth_method', 'authMethod'))[:40]}”.")
    wish = Wish(str(value("url") or ""), defaults)
    wish.call(value("name"))
    if value("interval") is not None:
        wish.every(number_ms(value("interval")))
    if timeout := value("timeout"):
        wish.within(number_ms(timeout))
    elif value("interval") is not None:
        # Uptime Kuma waits for 80 % of the interval where nothing is set.
        wish.within(min(number_ms(value("interval"), 800), 30_000))
    wish.set(status_set=_status_set(value("accepted_statuscodes", "accepted_statuscodes_json")))
    if kind == "keyword" and (keyword := value("keyword")):
        wish.look_for(str(keyword), is_absent=bool(value("invert_keyword", "invertKeyword")))
    wish.set(ignore_certificate=bool(value("ignore_tls", "ignoreTls")))
    if family := {"ipv4": 4, "ipv6": 6}.get(str(value("ip_family", "ipFamily")).lower()):
        wish.set(family=family)
    if user := value("basic_auth_user"):
        wish.set(basic_auth=f"{user}:{value('basic_auth_pass') or ''}")
    wish.is_paused = value("active") in (0, False)
    for tag in listed(value("tags")):
        if isinstance(tag, dict):
            wish.tag(f"{tag.get('name')}: {tag['value']}" if tag.get("value") else tag.get("name"))
    wish.tag(*_groups_of(monitor, groups))
    _note_losses(wish, value("body"), value("headers"), value("proxy_id", "proxyId"), value("maxredirects"), method)
    return wish


def _groups_of(monitor: Mapping[str, Any], groups: Mapping[Any, Any]) -> list[str]:
    names: list[str] = []
    parent = monitor.get("parent")
    while parent in groups and len(names) < _MAX_PARENTS:
        names.append(cleaned_text(groups[parent].get("name")))
        parent = groups[parent].get("parent")
    return names


def _note_losses(wish: Wish, body: Any, headers: Any, proxy: Any, redirects: Any, method: str) -> None:
    for has, sentence in (
        (body not in (None, "", "{}"), "Its request body is not sent."),
        (headers not in (None, "", "{}"), "Its own request headers are not sent."),
        (proxy is not None, "Its proxy is not used."),
        (redirects == 0, "Redirects are followed, up to five."),
        (method == "HEAD", "GET is sent instead of HEAD."),
    ):
        if has:
            wish.notes.append(sentence)


def _status_set(value: Any) -> tuple[tuple[int, int], ...]:
    if isinstance(value, str):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    ranges = [str(part) for part in listed(value)]
    return parse_status_set(",".join(ranges) if ranges else "200-299")
