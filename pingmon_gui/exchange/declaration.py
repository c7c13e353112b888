"""`pingmon.toml`: what is to be watched, declared. Read here with every error named, and written from what is there.

The schema is told in docs/guide/import-export.md; `difference.py` compares a declaration with what is configured.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pingmon_gui.domain.alert_wish import AlertWish
from pingmon_gui.domain.error import InvalidInput, SettingsError
from pingmon_gui.domain.monitor import (
    Monitor,
    MonitorDraft,
    MonitorSettings,
    format_status_set,
    parse_name,
    parse_status_set,
    parse_tags,
)
from pingmon_gui.domain.preference import PREFERENCES, Preferences, Value, new_monitor_settings
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange import alert_declaration
from pingmon_gui.exchange.duration import duration_ms, duration_text, number_ms
from pingmon_gui.exchange.reading import require_room
from pingmon_gui.exchange.wish import checked

VERSION = 1
MAX_TOML_CHARACTERS = 4 * 1024 * 1024
_TABLE = "monitor"
_TOP = ("version", "defaults", "settings", _TABLE, "rule", "channel")
_HEAD = re.compile(r"^[ \t]*\[\[[ \t]*monitor[ \t]*\]\]", re.MULTILINE)
_MOST_PROBLEMS = 50
#: Keys looked at in one table; more than a table can have, so that a file of nothing else ends soon.
_MOST_KEYS = 200
#: tomllib takes quadratic time for a dotted key: one of 20,000 parts takes six seconds.
_LONG_KEY = re.compile(r"""(?<![\w"'.-])(?:[\w"'-]++\s*+\.\s*+){100}""")


@dataclass(frozen=True)
class Problem:
    """One error of a file: `line` None where it cannot be told, `key` like `monitor[3].interval`, a sentence."""

    line: int | None
    key: str
    message: str


class DeclarationWrong(InvalidInput):
    """The file cannot be applied. `problems` has all errors that were found, at least one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = "an error" if len(problems) == 1 else f"{len(problems)} errors"
        super().__init__(f"The file has {count}; nothing was changed.")
        self.problems = tuple(problems)


@dataclass(frozen=True)
class DeclaredMonitor:
    """A monitor as the file wants it. What it does not say of pause and log-in stays as it is: None and False."""

    draft: MonitorDraft
    is_paused: bool | None
    says_login: bool


@dataclass(frozen=True)
class Declaration:
    """A whole file; addresses are unique. `preferences` holds those that the file names, `alerts` None for none."""

    monitors: tuple[DeclaredMonitor, ...]
    preferences: Mapping[str, Value] = field(default_factory=dict)
    alerts: AlertWish | None = None


def read(text: str, preferences: Preferences, environment: Mapping[str, str]) -> Declaration:
    """Read a file. What it leaves open is as the preferences have it for new domains.

    Raises DeclarationWrong with every error, InvalidInput if it is too large.
    """
    document = _parsed(text)
    reader = _Reader(text, document, environment)
    declared = reader.preferences(preferences)
    monitors = reader.monitors(new_monitor_settings(preferences.with_values(declared)))
    alerts = reader.alerts()
    if reader.problems:
        raise DeclarationWrong(reader.problems)
    return Declaration(monitors, declared, alerts)


def text_of(
    monitors: Sequence[Monitor], preferences: Preferences, wish: AlertWish | None = None, *, with_secrets: bool
) -> str:
    """Return a file that declares what is there; applying it changes nothing."""
    lines = [f"version = {VERSION}", ""]
    if preferences.changed:
        lines += ["[settings]", *(f"{key} = {_toml(value)}" for key, value in preferences.changed.items()), ""]
    for monitor in monitors:
        lines += ["[[monitor]]", *(f"{key} = {value}" for key, value in _pairs(monitor, with_secrets)), ""]
    if wish is not None:
        lines += alert_declaration.lines_of(wish)
    return "\n".join(lines)


def _pairs(monitor: Monitor, with_secrets: bool) -> Sequence[tuple[str, str]]:
    s = monitor.settings
    pairs: list[tuple[str, Any]] = [("url", monitor.url)]
    if monitor.name:
        pairs.append(("name", monitor.name))
    pairs += [("interval", duration_text(s.interval_ms)), ("timeout", duration_text(s.timeout_ms))]
    pairs += [("slow", duration_text(s.slow_ms)), ("status", format_status_set(s.status_set))]
    if s.keyword is not None:
        pairs.append(("keyword", s.keyword))
    if s.keyword_absent:
        pairs.append(("keyword_absent", True))
    if s.ignore_certificate:
        pairs.append(("ignore_certificate", True))
    if s.family:
        pairs.append(("family", s.family))
    if monitor.regions is not None:
        pairs.append(("regions", [region.value for region in monitor.regions]))
    if monitor.tags:
        pairs.append(("tags", list(monitor.tags)))
    if monitor.is_paused:
        pairs.append(("paused", True))
    if with_secrets and s.basic_auth is not None:
        pairs.append(("basic_auth", s.basic_auth))
    return [(key, _toml(value)) for key, value in pairs]


def _toml(value: object) -> str:
    if isinstance(value, str):
        # JSON's escapes are TOML's; only DEL must be escaped here and not there.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return json.dumps(value)


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > MAX_TOML_CHARACTERS:
        raise InvalidInput(f"The file is larger than {MAX_TOML_CHARACTERS // 1024 // 1024} MB.")
    if _LONG_KEY.search(text):
        raise DeclarationWrong([Problem(None, "", "A key has more parts than any that is known.")])
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        what, _, place = str(exc).partition(" (at ")
        line = re.search(r"line (\d+)", place)
        number = int(line[1]) if line else text.count("\n") + 1
        raise DeclarationWrong([Problem(number, "", f"This is no valid TOML: {what}.")]) from exc
    except (ValueError, RecursionError) as exc:
        raise DeclarationWrong([Problem(None, "", "This is no TOML that can be read.")]) from exc


class _Reader:
    """Reads the tables of a document and collects what is wrong with them."""

    def __init__(self, text: str, document: dict[str, Any], environment: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._found = 0
        self._text = text
        self._document = document
        self._environment = environment
        self._heads = [match.start() for match in _HEAD.finditer(text)]
        for key in itertools.islice(document, _MOST_KEYS):
            if key not in _TOP:
                self._complain(key, _unknown(key, _TOP), (key, None))
        version = document.get("version", VERSION)
        if version != VERSION or isinstance(version, bool):
            self._complain("version", f"This Pingmon reads version {VERSION} of the file.", ("version", None))

    def alerts(self) -> AlertWish | None:
        """Return rules and channels, None where the file says nothing of them."""
        if not {"rule", "channel"} & set(self._document):
            return None

        def complain(name: str, message: str) -> None:
            self._complain(name, message, (name.partition("[")[0], None))

        return alert_declaration.read(self._document.get("rule"), self._document.get("channel"), complain)

    def preferences(self, preferences: Preferences) -> dict[str, Value]:
        table = self._document.get("settings", {})
        declared: dict[str, Value] = {}
        if not isinstance(table, dict):
            self._complain("settings", "It must be a table: [settings].", ("settings", None))
            return declared
        known = [preference.key for preference in PREFERENCES]
        for key, value in itertools.islice(table.items(), _MOST_KEYS):
            name = f"settings.{key}"
            if key not in known:
                self._complain(name, _unknown(key, known), (key, None))
                continue
            try:
                declared[key] = preferences.with_values({key: value})[key]
            except SettingsError as exc:
                self._complain(name, exc.message, (key, None))
        return declared

    def monitors(self, base: MonitorSettings) -> tuple[DeclaredMonitor, ...]:
        tables = self._document.get(_TABLE, [])
        defaults = self._document.get("defaults", {})
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._complain(_TABLE, "Monitors are tables of their own: [[monitor]].", (_TABLE, None))
            return ()
        if not isinstance(defaults, dict):
            self._complain("defaults", "It must be a table: [defaults].", ("defaults", None))
            return ()
        require_room(len(tables))
        shared = self._values("defaults", defaults, _SHARED, None)
        declared: list[DeclaredMonitor] = []
        places: dict[str, int] = {}
        for number, table in enumerate(tables, start=1):
            monitor = self._monitor(number, table, shared, base)
            if monitor is None:
                continue
            if (first := places.setdefault(monitor.draft.url, number)) != number:
                sentence = f"The same address stands in monitor[{first}]."
                self._complain(f"monitor[{number}].url", sentence, ("url", number))
            declared.append(monitor)
        return tuple(declared)

    def _monitor(
        self, number: int, table: dict[str, Any], shared: Mapping[str, Any], base: MonitorSettings
    ) -> DeclaredMonitor | None:
        name = f"monitor[{number}]"
        before = self._found
        values = {**shared, **self._values(name, table, _FIELDS, number)}
        if "url" not in table:
            self._complain(name, "It has no url.", (None, number))
        if "basic_auth" in table and "basic_auth_env" in table:
            self._complain(name, "It has both basic_auth and basic_auth_env.", ("basic_auth", number))
        if self._found > before:
            return None
        target = values.pop("url")
        login = values.pop("basic_auth", None)
        login = values.pop("basic_auth_env", login)
        if login is None and target.basic_auth is not None:
            login = target.basic_auth
        slow_ms = min(base.slow_ms, values.get("timeout_ms", base.timeout_ms))
        try:
            settings = MonitorSettings(
                **{
                    "interval_ms": base.interval_ms,
                    "timeout_ms": base.timeout_ms,
                    "slow_ms": slow_ms,
                    **{key: value for key, value in values.items() if key in _SETTINGS},
                    "basic_auth": login or None,
                }
            )
            draft = MonitorDraft(
                target.url,
                values.get("name", ""),
                settings,
                values.get("tags", ()),
                values.get("regions"),
                values.get("paused", False),
            )
            return DeclaredMonitor(checked(draft), values.get("paused"), login is not None)
        except InvalidInput as exc:
            self._complain(name, exc.message, (None, number))
            return None

    def _values(
        self, name: str, table: dict[str, Any], fields: Mapping[str, _Field], number: int | None
    ) -> dict[str, Any]:
        """Return what a table says, by the names of ours."""
        values: dict[str, Any] = {}
        for key, value in itertools.islice(table.items(), _MOST_KEYS):
            if key not in fields:
                self._complain(f"{name}.{key}", _unknown(key, list(fields)), (key, number))
                continue
            ours, read_value = fields[key]
            try:
                values[ours] = self._login(value) if key == "basic_auth_env" else read_value(value)
            except InvalidInput as exc:
                sentence = exc.message if exc.hint is None else f"{exc.message} {exc.hint}"
                self._complain(f"{name}.{key}", sentence, (key, number))
        return values

    def _login(self, value: Any) -> str:
        variable = _text(value)
        if variable not in self._environment:
            raise InvalidInput(f"The environment has no variable {variable[:60]}.", "It holds user:password.")
        return _login(self._environment[variable])

    def _complain(self, name: str, message: str, place: tuple[str | None, int | None]) -> None:
        """Keep a problem of a key (None for the head) in the monitor of that number, None for the top of the file."""
        key, number = place
        self._found += 1
        # Looked for only now: it takes a walk through the file.
        if len(self.problems) < _MOST_PROBLEMS:
            line = self._line(key or "") if number is None else self._line_in(number, key)
            self.problems.append(Problem(line, name[:100], message))

    def _line(self, key: str) -> int | None:
        """Return the line where a key or a table of the top begins."""
        end = self._heads[0] if self._heads else len(self._text)
        return self._find(key, 0, end) or self._find(key, 0, len(self._text))

    def _line_in(self, number: int, key: str | None) -> int | None:
        """Return the line of a key of the monitor that is `number`th in the file, or of its head."""
        if len(self._heads) != len(self._document.get(_TABLE, [])):
            return None  # they are written in another way
        start = self._heads[number - 1]
        head_line = self._text.count("\n", 0, start) + 1
        end = self._heads[number] if number < len(self._heads) else len(self._text)
        return head_line if key is None else self._find(key, start, end) or head_line

    def _find(self, key: str, start: int, end: int) -> int | None:
        pattern = rf"^[ \t]*(?:\[+[ \t]*)?[\"']?{re.escape(key)}[\"']?[ \t]*[=\].]"
        match = re.compile(pattern, re.MULTILINE).search(self._text, start, end)
        return None if match is None else self._text.count("\n", 0, match.start()) + 1


# How each key is read. All raise InvalidInput with a sentence.


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput("It must be a text in quotes.")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("It must be true or false.")
    return value


def _length(value: Any) -> int:
    if isinstance(value, str):
        return duration_ms(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("It must be a length of time like “10s”.")
    return number_ms(value)


def _interval(value: Any) -> int:
    return MonitorSettings(interval_ms=_length(value)).interval_ms


def _timeout(value: Any) -> int:
    return MonitorSettings(timeout_ms=_length(value), slow_ms=1).timeout_ms


def _slow(value: Any) -> int:
    return MonitorSettings(slow_ms=_length(value), timeout_ms=30_000).slow_ms


def _statuses(value: Any) -> tuple[tuple[int, int], ...]:
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, int | str) and not isinstance(part, bool) for part in parts):
        raise InvalidInput("It must be a text like “200-299, 404”, or a list of such texts and numbers.")
    return parse_status_set(",".join(str(part) for part in parts))


def _keyword(value: Any) -> str | None:
    return MonitorSettings(keyword=_text(value)).keyword


def _family(value: Any) -> int:
    if value not in (0, 4, 6, "auto") or isinstance(value, bool):
        raise InvalidInput("It must be 4, 6 or “auto”.")
    return 0 if value == "auto" else int(value)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise InvalidInput("It must be a list of texts, like [“a”, “b”].")
    return [_text(part) for part in value]


def _tags(value: Any) -> tuple[str, ...]:
    return parse_tags(",".join(_texts(value)))


def _regions(value: Any) -> tuple[Region, ...]:
    try:
        return tuple(dict.fromkeys(Region(word.lower()) for word in _texts(value)))
    except ValueError as exc:
        raise InvalidInput("There is no such region.", f"Regions are {', '.join(Region)}.") from exc


def _login(value: Any) -> str:
    text = _text(value)
    if text and ":" not in text:
        raise InvalidInput("A log-in is user:password.")
    return text


def _unknown(key: str, known: Sequence[str]) -> str:
    if len(key) > 40:
        return f"“{key[:40]}…” is not known."
    close = difflib.get_close_matches(key, known, 1)
    return f"“{key[:40]}” is not known." + (f" Is “{close[0]}” meant?" if close else "")


_Field = tuple[str, Callable[[Any], Any]]
#: Keys that may stand in [defaults], each with our name and its reader.
_SHARED: dict[str, _Field] = {
    "interval": ("interval_ms", _interval),
    "timeout": ("timeout_ms", _timeout),
    "slow": ("slow_ms", _slow),
    "status": ("status_set", _statuses),
    "family": ("family", _family),
    "ignore_certificate": ("ignore_certificate", _flag),
    "regions": ("regions", _regions),
    "tags": ("tags", _tags),
}
_FIELDS: dict[str, _Field] = {
    "url": ("url", lambda value: parse_target(_text(value))),
    "name": ("name", lambda value: parse_name(_text(value))),
    **_SHARED,
    "keyword": ("keyword", _keyword),
    "keyword_absent": ("keyword_absent", _flag),
    "paused": ("paused", _flag),
    "basic_auth": ("basic_auth", _login),
    "basic_auth_env": ("basic_auth_env", _text),
}
_SETTINGS = (
    "interval_ms", "timeout_ms", "slow_ms", "status_set", "family", "ignore_certificate", "keyword", "keyword_absent",
)  # fmt: skip
