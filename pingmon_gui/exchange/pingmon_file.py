"""Pingmon's own file: everything that is configured as one JSON document. Reads the lists of earlier versions, too."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from pingmon_gui.domain.error import InvalidInput, SettingsError
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings, parse_name, parse_tags
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange import json_document
from pingmon_gui.exchange.book_document import book_json, read_book
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, NamedProbe, Reading, cleaned_text, listed, require_room
from pingmon_gui.exchange.window_document import read_windows, windows_json
from pingmon_gui.exchange.wish import checked

FORMAT = "pingmon"
VERSION = 1
_PARTS = ("format", "version", "domains", "preferences", "probes", "alerts", "maintenance")
#: What files called themselves before they held more than domains.
_OLD_FORMAT = "pingmon domains 1"


def text_of(configuration: Configuration, *, with_secrets: bool) -> str:
    """Return everything as JSON; user names and passwords only if asked for, what opens probes and channels never.

    All settings are written, those at their default too: a later version may have other defaults.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "domains": [_domain_json(monitor, with_secrets=with_secrets) for monitor in configuration.monitors],
        "preferences": dict(configuration.preferences.changed),
        "probes": [_probe_json(probe) for probe in configuration.probes if probe.transport is not Transport.EMBEDDED],
        "alerts": book_json(configuration.book, configuration.urls),
        "maintenance": windows_json(configuration.holding, configuration.urls),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def plain_settings(settings: MonitorSettings) -> dict[str, Any]:
    """Return every setting as JSON can hold it, defaults and secrets included."""
    return {**asdict(settings), "status_set": [list(pair) for pair in settings.status_set]}


def is_export(document: Any) -> bool:
    """Return whether a JSON document says that it is ours, of whatever version."""
    return isinstance(document, dict) and str(document.get("format", "")).startswith(FORMAT)


def read(text: str) -> Reading:
    """Read an export. Raises InvalidInput if it is none of this version."""
    document = json_document.parsed(text)
    _require_version(document)
    domains = document.get("domains")
    if not isinstance(domains, list):
        raise InvalidInput("The export holds no list of domains.", "Was it copied whole?")
    require_room(len(domains))
    lines = json_document.element_lines(text, "domains", len(domains))
    items = [
        _read_item(number, line, domain) for number, (domain, line) in enumerate(zip(domains, lines, strict=True), 1)
    ]
    preferences, notes = _read_preferences(document.get("preferences", {}))
    alerts, alert_notes = read_book(document.get("alerts"))
    windows, window_notes = read_windows(document.get("maintenance"))
    return Reading(
        Kind.PINGMON,
        tuple(items),
        preferences.changed,
        _read_probes(document.get("probes", [])),
        alerts,
        windows,
        (*notes, *alert_notes, *window_notes, *_strange_parts(document)),
    )


def _strange_parts(document: dict[str, Any]) -> Iterator[str]:
    """Say what a later Pingmon wrote into a file that this one can read otherwise."""
    for key in itertools.islice((key for key in document if key not in _PARTS), 5):
        yield f"The part “{cleaned_text(key)[:40]}” of the file is not known to this Pingmon, and was left out."


def _require_version(document: Any) -> None:
    if not is_export(document):
        raise InvalidInput("The file is no export of Pingmon.", f"Its “format” must be “{FORMAT}”.")
    if document["format"] == _OLD_FORMAT:
        return
    version = document.get("version")
    if document["format"] != FORMAT or not isinstance(version, int) or isinstance(version, bool):
        raise InvalidInput(
            "The file is an export of another version of Pingmon.", f"This one reads “{FORMAT}”, version {VERSION}."
        )
    if version > VERSION:
        raise InvalidInput(
            f"The file is an export of a newer Pingmon (version {version:.0f} of the format).",
            f"This one reads version {VERSION}: upgrade it first.",
        )
    if version < 1:
        raise InvalidInput(f"There is no version {version:.0f} of the format.")


def _domain_json(monitor: Monitor, *, with_secrets: bool) -> dict[str, Any]:
    settings = plain_settings(monitor.settings if with_secrets else monitor.settings.without_secrets())
    if not with_secrets:
        del settings["basic_auth"], settings["bearer"]
    return {
        "url": monitor.url,
        "name": monitor.name,
        "tags": list(monitor.tags),
        "regions": None if monitor.regions is None else [region.value for region in monitor.regions],
        "is_paused": monitor.is_paused,
        "settings": settings,
    }


def _probe_json(probe: Probe) -> dict[str, Any]:
    access = probe.access
    return {
        "name": probe.name,
        "region": probe.region.value,
        "transport": probe.transport.value,
        "host": None if access is None else access.host,
    }


def _read_item(number: int, line: int | None, domain: Any) -> Item:
    text = cleaned_text(domain.get("url"))[:300] if isinstance(domain, dict) else ""
    try:
        return Item(number, line, text or "?", checked(_read_draft(domain)))
    except InvalidInput as exc:
        reason = exc.message if exc.hint is None else f"{exc.message} {exc.hint}"
        return Item(number, line, text or "?", reason=reason, is_wrong=True)


def _read_draft(domain: Any) -> MonitorDraft:
    try:
        target = parse_target(domain["url"])
        regions = domain.get("regions")
        draft = MonitorDraft(
            url=target.url,
            name=parse_name(domain.get("name", "")),
            settings=_read_settings(domain.get("settings", {})),
            tags=parse_tags(",".join(str(tag) for tag in domain.get("tags", []))),
            regions=None if regions is None else tuple(_region(region) for region in regions),
            is_paused=domain.get("is_paused") is True,
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as exc:
        raise InvalidInput("The file describes a domain in a way that cannot be read.") from exc
    if target.basic_auth is not None and draft.settings.basic_auth is None:
        return replace(draft, settings=replace(draft.settings, basic_auth=target.basic_auth))
    return draft


def _read_settings(values: dict[str, Any]) -> MonitorSettings:
    try:
        return MonitorSettings.from_json(values)
    except (TypeError, ValueError, OverflowError) as exc:
        raise InvalidInput("The settings of the domain cannot be read.") from exc


def _region(word: Any) -> Region:
    try:
        return Region(word)
    except ValueError as exc:
        raise InvalidInput("There is no such region.", f"Regions are {', '.join(Region)}.") from exc


def _read_preferences(values: Any) -> tuple[Preferences, tuple[str, ...]]:
    """Return what fits, and a sentence for each that does not."""
    preferences, notes = Preferences({}), []
    for key, value in values.items() if isinstance(values, dict) else ():
        try:
            preferences = preferences.with_values({key: value})
        except SettingsError as exc:
            notes.append(f"A setting was left out. {exc.message}")
    return preferences, tuple(notes)


def _read_probes(values: Any) -> tuple[NamedProbe, ...]:
    return tuple(
        NamedProbe(*(cleaned_text(value.get(name))[:200] for name in ("name", "region", "host")))
        for value in listed(values)[:1_000]
        if isinstance(value, dict)
    )
