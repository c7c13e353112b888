"""Pingmon's own file: everything that is configured as one JSON document. Reads the lists of earlier versions, too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.alert_wish import AlertWish, wish_of
from pingmon_gui.domain.error import InvalidInput, SettingsError
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings, parse_name, parse_tags
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange import json_document
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, NamedProbe, Reading, cleaned_text, listed, require_room
from pingmon_gui.exchange.wish import checked

FORMAT = "pingmon"
VERSION = 1
#: What files called themselves before they held more than domains.
_OLD_FORMAT = "pingmon domains 1"


@dataclass(frozen=True)
class Configuration:
    """Everything that is configured, as far as a file can carry it."""

    monitors: Sequence[Monitor]
    preferences: Preferences = field(default_factory=lambda: Preferences({}))
    probes: Sequence[Probe] = ()
    book: AlertBook | None = None

    @property
    def wish(self) -> AlertWish | None:
        """Rules and channels as a file carries them."""
        urls = {monitor.id: monitor.url for monitor in self.monitors}
        return None if self.book is None else wish_of(self.book, urls)


def text_of(configuration: Configuration, *, with_secrets: bool) -> str:
    """Return everything as JSON; user names and passwords only if asked for, keys of probes never.

    All settings are written, those at their default too: a later version may have other defaults.
    """
    wish = configuration.wish
    document = {
        "format": FORMAT,
        "version": VERSION,
        "domains": [_domain_json(monitor, with_secrets=with_secrets) for monitor in configuration.monitors],
        "preferences": dict(configuration.preferences.changed),
        "probes": [_probe_json(probe) for probe in configuration.probes if probe.transport is not Transport.EMBEDDED],
        **({} if wish is None else {"alerts": wish.to_json()}),
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
    alerts, more = _read_alerts(document.get("alerts"))
    probes = _read_probes(document.get("probes", []))
    return Reading(Kind.PINGMON, tuple(items), preferences.changed, probes, (*notes, *more), alerts)


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
    settings = plain_settings(monitor.settings)
    if not with_secrets:
        del settings["basic_auth"]
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


def _read_alerts(values: Any) -> tuple[AlertWish | None, tuple[str, ...]]:
    """Return rules and channels, or a sentence why they are left out."""
    if values is None:
        return None, ()
    try:
        wish = AlertWish.from_json(values)
    except InvalidInput as exc:
        return None, (f"Alert rules and channels were left out. {exc.message}",)
    # A file cannot take the place of what it does not know.
    return replace(wish, is_whole=False), ()


def _read_probes(values: Any) -> tuple[NamedProbe, ...]:
    return tuple(
        NamedProbe(*(cleaned_text(value.get(name))[:200] for name in ("name", "region", "host")))
        for value in listed(values)[:1_000]
        if isinstance(value, dict)
    )
