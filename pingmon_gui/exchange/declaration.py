"""`pingmon.toml`: what is to be watched, declared. Read here with every error named, and written from what is there.

The schema is told in docs/guide/import-export.md; `difference.py` compares a declaration with what is configured.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pingmon_gui.domain.book_change import RuleWish
from pingmon_gui.domain.change import WindowWish
from pingmon_gui.domain.error import InvalidInput, SettingsError
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.domain.preference import PREFERENCES, Preferences, Value, new_monitor_settings
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.declared_channel import CHANNEL_FIELDS, DeclaredChannel, channel_pairs, declared_channel
from pingmon_gui.exchange.declared_field import Field, KeyWrong, toml_text, unknown
from pingmon_gui.exchange.declared_monitor import (
    SHARED_FIELDS,
    DeclaredMonitor,
    declared_monitor,
    monitor_fields,
    monitor_pairs,
)
from pingmon_gui.exchange.declared_place import Places
from pingmon_gui.exchange.declared_rule import DeclaredRule, declared_rule, rule_fields, rule_pairs
from pingmon_gui.exchange.declared_window import WINDOW_FIELDS, declared_window, window_pairs
from pingmon_gui.exchange.reading import require_room

VERSION = 1
MAX_TOML_CHARACTERS = 4 * 1024 * 1024
_MONITOR = "monitor"
_CHANNEL = "channel"
_RULE = "rule"
_WINDOW = "maintenance"
_TABLES = (_MONITOR, _CHANNEL, _RULE, _WINDOW)
_TOP = ("version", "defaults", "settings", *_TABLES)
_MOST_PROBLEMS = 50
#: Keys looked at in one table; more than a table can have, so that a file of nothing else ends soon.
_MOST_KEYS = 200
#: tomllib takes quadratic time for a dotted key: one of 20,000 parts takes six seconds.
_LONG_KEY = re.compile(r"""(?<![\w"'.-])(?:[\w"'-]++\s*+\.\s*+){100}""")

T = TypeVar("T")


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
class Declaration:
    """A whole file; addresses and names are unique. `preferences` holds those that the file names."""

    monitors: tuple[DeclaredMonitor, ...]
    preferences: Mapping[str, Value] = field(default_factory=dict)
    channels: tuple[DeclaredChannel, ...] = ()
    rules: tuple[DeclaredRule, ...] = ()
    windows: tuple[WindowWish, ...] = ()


def read(text: str, known: Configuration, environment: Mapping[str, str]) -> Declaration:
    """Read a file. What it leaves open of a domain is as the preferences have it for new ones.

    Raises DeclarationWrong with every error, InvalidInput if it is too large.
    """
    reader = _Reader(text, _parsed(text))
    preferences = reader.preferences(known.preferences)
    base = new_monitor_settings(known.preferences.with_values(preferences))
    monitors = reader.monitors(base, environment)
    watched = {*known.urls.values(), *(monitor.draft.url for monitor in monitors)}
    channels = reader.channels()
    nameable = {**{one.channel.id: one.channel for one in channels}, **known.book.channels}
    rules = reader.rules(rule_fields(nameable), watched)
    windows = reader.windows(watched)
    if reader.problems:
        raise DeclarationWrong(reader.problems)
    return Declaration(monitors, preferences, channels, rules, windows)


def text_of(configuration: Configuration, *, with_secrets: bool) -> str:
    """Return a file that declares what is there; applying it changes nothing."""
    lines = [f"version = {VERSION}", ""]
    if changed := configuration.preferences.changed:
        lines += ["[settings]", *_lines(changed)]
    for monitor in configuration.monitors:
        lines += [f"[[{_MONITOR}]]", *_lines(monitor_pairs(monitor, with_secrets=with_secrets))]
    return "\n".join([*lines, *_named_lines(configuration)])


def _named_lines(configuration: Configuration) -> list[str]:
    """Return what is told apart by name: channels, rules, windows. What cannot be declared is told in comments."""
    book = configuration.book
    tables: list[tuple[str, dict[str, Any]]] = [(_CHANNEL, channel_pairs(one)) for one in book.channels.values()]
    tables += [(_RULE, rule_pairs(RuleWish(rule), book.channels, configuration.urls)) for rule in book.rules]
    tables += [(_WINDOW, window_pairs(WindowWish(one.draft), configuration.urls)) for one in configuration.holding]
    seen: set[tuple[str, str]] = set()
    lines: list[str] = []
    for table, pairs in tables:
        name = pairs["name"]
        if (table, name.casefold()) in seen:
            lines += [f"# Another {table} {toml_text(name)} is left out: they are told apart by name.", ""]
        elif pairs.get("domains") == [] and "tags" not in pairs:
            lines += [f"# The {table} {toml_text(name)} is left out: it is for no domain any more.", ""]
        else:
            lines += [f"[[{table}]]", *_lines(pairs)]
        seen.add((table, name.casefold()))
    return lines


def _lines(pairs: Mapping[str, Any]) -> list[str]:
    return [*(f"{key} = {toml_text(value)}" for key, value in pairs.items()), ""]


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

    def __init__(self, text: str, document: dict[str, Any]) -> None:
        self.problems: list[Problem] = []
        self._found = 0
        self._document = document
        self._places = Places(text, document, _TABLES)
        for key in itertools.islice(document, _MOST_KEYS):
            if key not in _TOP:
                self._complain_of_top(key, unknown(key, _TOP))
        version = document.get("version", VERSION)
        if version != VERSION or isinstance(version, bool):
            self._complain_of_top("version", f"This Pingmon reads version {VERSION} of the file.")

    def preferences(self, preferences: Preferences) -> dict[str, Value]:
        declared: dict[str, Value] = {}
        known = [preference.key for preference in PREFERENCES]
        for key, value in itertools.islice(self._table("settings").items(), _MOST_KEYS):
            if key not in known:
                self._complain_of_top(key, unknown(key, known), f"settings.{key}")
                continue
            try:
                declared[key] = preferences.with_values({key: value})[key]
            except SettingsError as exc:
                self._complain_of_top(key, exc.message, f"settings.{key}")
        return declared

    def monitors(self, base: MonitorSettings, environment: Mapping[str, str]) -> tuple[DeclaredMonitor, ...]:
        fields = monitor_fields(environment)
        shared = self._values("defaults", self._table("defaults"), SHARED_FIELDS, None)

        def made(values: dict[str, Any]) -> DeclaredMonitor:
            for key in ("basic_auth", "bearer"):
                if key in values and f"{key}_env" in values:
                    raise KeyWrong(key, f"It has both {key} and {key}_env.")
            return declared_monitor(values, shared, base)

        found = self._many(_MONITOR, fields, ("url",), made)
        self._require_unique(_MONITOR, "url", "address", {n: one.draft.url for n, one in found.items()})
        return tuple(found.values())

    def channels(self) -> tuple[DeclaredChannel, ...]:
        numbers = itertools.count(1)
        found = self._many(
            _CHANNEL, CHANNEL_FIELDS, ("name", "kind"), lambda values: declared_channel(values, next(numbers))
        )
        names = {number: one.channel.name.casefold() for number, one in found.items()}
        self._require_unique(_CHANNEL, "name", "name", names)
        return tuple(found.values())

    def rules(self, fields: Mapping[str, Field], watched: set[str]) -> tuple[DeclaredRule, ...]:
        """Read the alert rules; `watched` are the domains that are there, or will be."""

        def made(values: dict[str, Any]) -> DeclaredRule:
            _require_watched(values, watched)
            return declared_rule(values)

        found = self._many(_RULE, fields, ("name", "tell_of"), made)
        names = {number: one.wish.rule.name.casefold() for number, one in found.items()}
        self._require_unique(_RULE, "name", "name", names)
        return tuple(found.values())

    def windows(self, watched: set[str]) -> tuple[WindowWish, ...]:
        """Read the maintenance windows; `watched` are the domains that are there, or will be."""

        def made(values: dict[str, Any]) -> WindowWish:
            _require_watched(values, watched)
            return declared_window(values)

        found = self._many(_WINDOW, WINDOW_FIELDS, ("name",), made)
        names = {number: wish.draft.name.casefold() for number, wish in found.items()}
        self._require_unique(_WINDOW, "name", "name", names)
        return tuple(found.values())

    def _table(self, key: str) -> dict[str, Any]:
        table = self._document.get(key, {})
        if isinstance(table, dict):
            return table
        self._complain_of_top(key, f"It must be a table: [{key}].")
        return {}

    def _many(
        self,
        table: str,
        fields: Mapping[str, Field],
        needed: Sequence[str],
        made: Callable[[dict[str, Any]], T],
    ) -> dict[int, T]:
        """Return what `made` makes of each table of a name, by its number; it may raise InvalidInput."""
        values = self._document.get(table, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self._complain_of_top(table, f"There can be many; each is a table of its own: [[{table}]].")
            return {}
        require_room(len(values))
        found: dict[int, T] = {}
        for number, value in enumerate(values, start=1):
            before = self._found
            name = f"{table}[{number}]"
            said = self._values(name, value, fields, number, table)
            if missing := next((key for key in needed if key not in value), None):
                self._complain(name, f"It has no {missing}.", table, number)
            if self._found > before:
                continue
            try:
                found[number] = made(said)
            except KeyWrong as exc:
                self._complain(f"{name}.{exc.key}", _sentence(exc), table, number, exc.key)
            except InvalidInput as exc:
                self._complain(name, _sentence(exc), table, number)
        return found

    def _values(
        self, name: str, values: dict[str, Any], fields: Mapping[str, Field], number: int | None, table: str = ""
    ) -> dict[str, Any]:
        """Return what a table says, by our names; `number` is None for one of the top."""
        said: dict[str, Any] = {}
        for key, value in itertools.islice(values.items(), _MOST_KEYS):
            try:
                if key not in fields:
                    raise InvalidInput(unknown(key, list(fields)))
                ours, read_value = fields[key]
                said[ours] = read_value(value)
            except InvalidInput as exc:
                if number is None:
                    self._complain_of_top(key, _sentence(exc), f"{name}.{key}")
                else:
                    self._complain(f"{name}.{key}", _sentence(exc), table, number, key)
        return said

    def _require_unique(self, table: str, key: str, what: str, values: Mapping[int, str]) -> None:
        places: dict[str, int] = {}
        for number, value in values.items():
            if (first := places.setdefault(value, number)) != number:
                sentence = f"The same {what} stands in {table}[{first}]."
                self._complain(f"{table}[{number}].{key}", sentence, table, number, key)

    def _complain(self, name: str, message: str, table: str, number: int, key: str | None = None) -> None:
        self._note(name, message, lambda: self._places.line_in(table, number, key))

    def _complain_of_top(self, key: str, message: str, name: str | None = None) -> None:
        self._note(name or key, message, lambda: self._places.line(key))

    def _note(self, name: str, message: str, line: Callable[[], int | None]) -> None:
        self._found += 1
        # Its line is looked for only now: that takes a walk through the file.
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(line(), name[:100], message))


def _require_watched(values: Mapping[str, Any], watched: set[str]) -> None:
    strange = next((url for url in values.get("urls", ()) if url not in watched), None)
    if strange is not None:
        raise KeyWrong("domains", f"{strange[:200]} is not watched, and the file does not name it.")


def _sentence(exc: InvalidInput) -> str:
    return exc.message if exc.hint is None else f"{exc.message} {exc.hint}"
