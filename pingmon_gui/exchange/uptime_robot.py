"""UptimeRobot: its CSV of monitors. Column names have changed over the years, so each is known by several."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings, parse_status_set
from pingmon_gui.exchange.duration import duration_ms, number_ms
from pingmon_gui.exchange.reading import LeftOut, Wish, cleaned_text

_TYPES = ("type", "monitor type")
_KEYWORD_TYPES = ("keyword type", "keyword_type", "alert when keyword", "keyword case")
_KEYWORDS = ("keyword value", "keyword_value", "keyword")
_INTERVALS = ("interval", "monitoring interval", "check interval", "interval (seconds)", "interval (sec)")
_TIMEOUTS = ("timeout", "timeout (seconds)")
_STATES = ("status", "state", "monitor status")
_USERS = ("http username", "http_username", "username")
_PASSWORDS = ("http password", "http_password", "password")
_TAGS = ("tags", "tag", "group")
#: The numbers are those of its interface (https://uptimerobot.com/api).
_FETCHED = ("http", "https", "http(s)", "website", "1", "")
_KEYWORD = ("keyword", "2")
_OTHERS = {"3": "ping", "4": "port", "5": "heartbeat"}
#: Its shortest interval is 30 s: a smaller number, without a unit, is meant as minutes.
_FEWEST_SECONDS = 30


def is_head(heads: Collection[str]) -> bool:
    """Return whether the first line of a table (in lower case) is one of UptimeRobot's."""
    return ("friendly name" in heads or "friendly_name" in heads) and any(head.startswith("url") for head in heads)


def read_row(row: Mapping[str, str], defaults: MonitorSettings) -> Wish:
    """Read one line: cells by the name of their column. Raises InvalidInput."""

    def cell(names: Collection[str]) -> str:
        return next((row[name].strip() for name in names if row.get(name, "").strip()), "")

    kind = cell(_TYPES).lower()
    if kind not in (*_FETCHED, *_KEYWORD):
        raise LeftOut(f"Pingmon cannot measure the type “{cleaned_text(_OTHERS.get(kind, kind))[:40]}” yet.")
    if cell(("http method", "http_method", "method")).upper() not in ("", "GET", "HEAD", "1", "2"):
        raise LeftOut("It sends other requests than GET and HEAD.")
    wish = Wish(row.get("url", ""), defaults)
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
    if text := cell(("accepted statuses", "success http response codes", "custom http statuses")):
        wish.set(status_set=parse_status_set(text.replace(";", ",")))
    wish.is_paused = cell(_STATES).lower() in ("paused", "0", "stopped")
    if user := cell(_USERS):
        wish.set(basic_auth=f"{user}:{cell(_PASSWORDS)}")
    wish.tag(*cell(_TAGS).replace(";", ",").split(","))
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
