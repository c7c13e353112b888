"""UptimeRobot: its CSV of monitors, and what its interface answers to getMonitors.

The CSV of its dashboard has ID, Type, Status, Friendly Name, URL/IP, Keyword Type, Keyword Value and Port. Names of
columns have changed over the years, so each is known by several. The numbers are those of https://uptimerobot.com/api.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pingmon_probe.protocol import in_brackets

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings, parse_status_set
from pingmon_gui.exchange import json_document
from pingmon_gui.exchange.duration import duration_ms, number_ms
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, LeftOut, Reading, cleaned_text, mapped, require_room
from pingmon_gui.exchange.wish import Wish, item

_TYPES = ("type", "monitor type")
_KEYWORD_TYPES = ("keyword type", "keyword_type", "alert when keyword", "keyword case")
_KEYWORDS = ("keyword value", "keyword_value", "keyword")
_CASES = ("keyword case type", "keyword_case_type")
_INTERVALS = ("interval", "monitoring interval", "check interval", "interval (seconds)", "interval (sec)")
_TIMEOUTS = ("timeout", "timeout (seconds)")
_STATES = ("status", "state", "monitor status")
_USERS = ("http username", "http_username", "username")
_PASSWORDS = ("http password", "http_password", "password")
_TAGS = ("tags", "tag", "group")
_LOG_INS = ("http_auth_type", "http auth type", "auth type")
_BODIES = ("post_value", "post value", "body")
_METHODS = ("http method", "http_method", "method")
_FETCHED = ("http", "https", "http(s)", "website", "1", "")
_KEYWORD = ("keyword", "2")
_PING, _PORT = ("ping", "3"), ("port", "4")
_PORTS = ("port",)
_SUB_TYPES = ("sub_type", "sub type")
#: Ports by the number that its interface has for them.
_PORT_NUMBERS = {"1": "80", "2": "443", "3": "21", "4": "25", "5": "110", "6": "143"}
_OTHERS = {"5": "heartbeat"}
_METHOD_NUMBERS = {"1": "HEAD", "2": "GET", "3": "POST", "4": "PUT", "5": "PATCH", "6": "DELETE", "7": "OPTIONS"}
#: Returns what stands in the first of some columns that is filled.
Cell = Callable[[Collection[str]], str]
#: Its shortest interval is 30 s: a smaller number, without a unit, is meant as minutes.
_FEWEST_SECONDS = 30


def is_head(heads: Collection[str]) -> bool:
    """Return whether the first line of a table (in lower case) is one of UptimeRobot's."""
    return ("friendly name" in heads or "friendly_name" in heads) and any(head.startswith("url") for head in heads)


def is_answer(document: Any) -> bool:
    """Return whether a document is what getMonitors answers."""
    return isinstance(document, dict) and "stat" in document and isinstance(document.get("monitors"), list)


def read_answer(text: str, defaults: MonitorSettings) -> Reading:
    """Read what getMonitors answered, as JSON. Raises InvalidInput."""
    document = json_document.parsed(text)
    if not is_answer(document):
        raise InvalidInput("The file is no list of UptimeRobot's.", "It is a CSV, or the JSON of getMonitors.")
    monitors = document["monitors"]
    require_room(len(monitors))
    lines = json_document.element_lines(text, "monitors", len(monitors))
    items = (_answer_item(*entry, defaults) for entry in zip(range(1, len(monitors) + 1), lines, monitors, strict=True))
    return Reading(Kind.UPTIME_ROBOT, tuple(items))


def table_notes(columns: Collection[str]) -> tuple[str, ...]:
    """Return what is to be said of a table with these columns."""
    if any(name in columns for name in _INTERVALS):
        return ()
    return ("The file does not tell how often each is checked: they are as new domains are.",)


def _answer_item(number: int, line: int | None, monitor: Any, defaults: MonitorSettings) -> Item:
    wish: Wish | InvalidInput
    row: dict[str, str] = {}
    try:
        if not isinstance(monitor, dict):
            raise InvalidInput("The entry is no monitor.")
        row = {str(key): str(value) for key, value in monitor.items() if isinstance(value, int | str)}
        wish = read_row(row, defaults)
        if headers := mapped(monitor.get("custom_http_headers")):
            wish.send(headers)
    except InvalidInput as exc:
        wish = exc
    return item(number, line, cleaned_text(row.get("friendly_name") or row.get("url"))[:300] or "?", wish)


def read_row(row: Mapping[str, str], defaults: MonitorSettings) -> Wish:
    """Read one line: cells by the name of their column. Raises InvalidInput."""

    def cell(names: Collection[str]) -> str:
        return next((row[name].strip() for name in names if row.get(name, "").strip()), "")

    kind = cell(_TYPES).lower()
    host = in_brackets(row.get("url", "").strip())
    if kind in _PING:
        # Any echo that comes back is enough.
        wish = Wish(f"icmp://{host}", defaults)
        wish.set(max_loss_percent=99)
    elif kind in _PORT:
        port = cell(_PORTS) if cell(_PORTS) not in ("", "0") else _PORT_NUMBERS.get(cell(_SUB_TYPES), "")
        if not port:
            raise InvalidInput("It is of the type port, but names none.")
        wish = Wish(f"tcp://{host}:{port}", defaults)
    elif kind in (*_FETCHED, *_KEYWORD):
        wish = _website(row, cell, defaults)
    else:
        raise LeftOut(f"Pingmon cannot measure the type “{cleaned_text(_OTHERS.get(kind, kind))[:40]}” yet.")
    wish.call(row.get("name") or row.get("friendly_name"))
    if text := cell(_INTERVALS):
        wish.every(_interval_ms(text, wish))
    if text := cell(_TIMEOUTS):
        wish.within(_length_ms(text))
    if kind in _KEYWORD:
        keyword = next((row[name] for name in _KEYWORDS if row.get(name, "")), "")
        if not keyword:
            raise InvalidInput("It is of the type keyword, but names none.")
        # There it says when to raise an alarm, here what a good answer looks like.
        alarm = cell(_KEYWORD_TYPES).lower().replace("_", " ")
        wish.look_for(keyword, is_absent=alarm in ("1", "exists", "exist", "alert exists", "contains"))
        if cell(_CASES) == "1" and keyword.upper() != keyword.lower():
            wish.notes.append("Upper and lower case of its keyword matter here.")
    if text := cell(("accepted statuses", "success http response codes", "custom http statuses")):
        wish.set(status_set=parse_status_set(text.replace(";", ",")))
    wish.is_paused = cell(_STATES).lower() in ("paused", "0", "stopped")
    wish.tag(*cell(_TAGS).replace(";", ",").split(","))
    return wish


def _website(row: Mapping[str, str], cell: Cell, defaults: MonitorSettings) -> Wish:
    """Read what is fetched, and how."""
    wish = Wish(row.get("url", ""), defaults)
    wish.ask(_METHOD_NUMBERS.get(cell(_METHODS), cell(_METHODS)), cell(_BODIES))
    if user := cell(_USERS):
        if cell(_LOG_INS).lower() in ("2", "digest"):
            raise LeftOut("Pingmon cannot log in by “digest”.")
        wish.sign_in(basic=f"{user}:{cell(_PASSWORDS)}")
    return wish


def _interval_ms(text: str, wish: Wish) -> int:
    if text.isdigit() and 0 < int(text[:6]) < _FEWEST_SECONDS:
        wish.notes.append(f"The interval “{text[:6]}” is read as minutes.")
        return number_ms(text, 60_000)
    return _length_ms(text)


def _length_ms(text: str) -> int:
    """Read `300`, `5 min`, `5 minutes`, `60 sec` or `1 hour`."""
    if text.replace(".", "", 1).isdigit():
        return number_ms(text)
    number, _, unit = text.partition(" ")
    short = {"min": "m", "hou": "h", "sec": "s"}.get(unit.strip().lower()[:3])
    return duration_ms(number + short if short else text)
