"""Words that processes of one data folder exchange: drafts, monitors and errors as JSON.

Used by the session that owns the folder and by commands that ask it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pingmon_gui.domain import error
from pingmon_gui.domain.backup import BackupFacts, Restored
from pingmon_gui.domain.book_change import BookChange
from pingmon_gui.domain.change import AppliedChange, ConfigurationChange, WindowWish
from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.domain.maintenance import (
    MaintenanceChange,
    MaintenanceDraft,
    MaintenanceWindow,
    WindowId,
    parse_window_name,
    schedule_from_json,
    schedule_json,
)
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId, MonitorSettings, parse_name, parse_tags
from pingmon_gui.domain.preference import preference
from pingmon_gui.domain.probe import Probe, ProbeAccess, Transport, parse_probe_name
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.rescue import Count, Kept, Remark, Rescued
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.scope import Scope
from pingmon_gui.domain.target import parse_target

Json = dict[str, Any]


def draft_json(draft: MonitorDraft) -> Json:
    """Return a draft with its secrets: for the owner of the data folder, never for a person."""
    return {
        "url": draft.url,
        "name": draft.name,
        "settings": draft.settings.to_json(),
        "tags": list(draft.tags),
        "regions": None if draft.regions is None else [region.value for region in draft.regions],
        "is_paused": draft.is_paused,
    }


def draft_from_json(document: Any) -> MonitorDraft:
    """Read what `draft_json` wrote, checking everything anew. Raises InvalidInput with a sentence."""
    try:
        return MonitorDraft(
            url=parse_target(document["url"]).url,
            name=parse_name(document.get("name", "")),
            settings=settings_from_json(document.get("settings", {})),
            tags=tags_from_json(document.get("tags", [])),
            regions=regions_from_json(document.get("regions")),
            is_paused=document.get("is_paused") is True,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidInput("The request describes a domain in a way that cannot be read.") from exc


def change_json(change: ConfigurationChange) -> Json:
    """Return a change with its secrets: for the owner of the data folder, never for a person."""
    return {
        "added": [draft_json(draft) for draft in change.added],
        "changed": [{"id": monitor.id, **draft_json(_as_draft(monitor))} for monitor in change.changed],
        "removed": list(change.removed),
        "preferences": dict(change.preferences),
        "alerts": change.alerts.to_json(),
        "windows": {
            "ended": list(change.windows_ended),
            "added": [{**_window_draft_json(wish.draft), "urls": list(wish.urls)} for wish in change.windows_added],
        },
    }


def change_from_json(document: Any, monitors: Mapping[MonitorId, Monitor]) -> ConfigurationChange:
    """Read what `change_json` wrote; of the changed ones those that are not in `monitors` are passed over.

    Raises InvalidInput.
    """
    try:
        changed = []
        for value in document["changed"]:
            draft = draft_from_json(value)
            if known := monitors.get(value["id"]):
                changed.append(
                    replace(
                        known,
                        url=draft.url,
                        name=draft.name,
                        settings=draft.settings,
                        tags=draft.tags,
                        regions=draft.regions,
                        is_paused=draft.is_paused,
                    )
                )
        return ConfigurationChange(
            tuple(draft_from_json(value) for value in document["added"]),
            tuple(changed),
            tuple(MonitorId(int(value)) for value in document["removed"]),
            {key: preference(key).check(value) for key, value in document["preferences"].items()},
            BookChange.from_json(document["alerts"]),
            tuple(WindowId(int(value)) for value in document["windows"]["ended"]),
            tuple(
                WindowWish(_window_draft_from_json(value), tuple(parse_target(url).url for url in value["urls"]))
                for value in document["windows"]["added"]
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidInput("The request describes a change in a way that cannot be read.") from exc


def applied_json(applied: AppliedChange, change: ConfigurationChange) -> Json:
    """Return what a change became, for people and scripts."""
    return {
        "added": [monitor_json(monitor) for monitor in applied.added],
        "changed": [monitor_json(monitor) for monitor in applied.changed],
        "removed": list(change.removed),
        "preferences": dict(change.preferences),
        "rules": [wish.rule.name for wish in change.alerts.rules],
        "rules_removed": list(change.alerts.rules_removed),
        "channels": [channel.name for channel in change.alerts.channels],
        "windows": [wish.draft.name for wish in change.windows_added],
        "windows_removed": list(change.windows_ended),
    }


def _as_draft(monitor: Monitor) -> MonitorDraft:
    m = monitor
    return MonitorDraft(m.url, m.name, m.settings, m.tags, m.regions, m.is_paused)


def settings_from_json(values: Json, base: MonitorSettings | None = None) -> MonitorSettings:
    """Return settings in which `values` replace those of `base` (the defaults). Raises InvalidInput."""
    known = (base or MonitorSettings()).to_json()
    try:
        return MonitorSettings.from_json(known | values)
    except (TypeError, ValueError) as exc:
        raise InvalidInput("The settings of a domain cannot be read.") from exc


def tags_from_json(tags: Any) -> tuple[str, ...]:
    return parse_tags(",".join(str(tag) for tag in tags))


def regions_from_json(regions: Any) -> tuple[Region, ...] | None:
    try:
        return None if regions is None else tuple(Region(region) for region in regions)
    except ValueError as exc:
        words = ", ".join(Region)
        raise InvalidInput("There is no such region.", f"Regions are {words}.") from exc


def monitor_json(monitor: Monitor) -> Json:
    """Return a monitor for people and scripts: without what signs in."""
    settings = monitor.settings.without_secrets().to_json()
    return {
        "id": monitor.id,
        "version": monitor.version,
        "url": monitor.url,
        "name": monitor.name,
        "settings": settings,
        "created_at_ms": monitor.created_at_ms,
        "tags": list(monitor.tags),
        "is_paused": monitor.is_paused,
        "regions": None if monitor.regions is None else [region.value for region in monitor.regions],
    }


def window_change_json(change: MaintenanceChange) -> Json:
    return {
        "ended": list(change.ended),
        "added": [_window_draft_json(draft) for draft in change.added],
        "since_ms": change.since_ms,
    }


def window_change_from_json(document: Any) -> MaintenanceChange:
    """Read what `window_change_json` wrote. Raises InvalidInput."""
    try:
        since_ms = document["since_ms"]
        return MaintenanceChange(
            tuple(WindowId(int(value)) for value in document["ended"]),
            tuple(_window_draft_from_json(value) for value in document["added"]),
            None if since_ms is None else int(since_ms),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidInput("The request describes a maintenance window in a way that cannot be read.") from exc


def window_json(window: MaintenanceWindow) -> Json:
    return {
        "id": window.id,
        **_window_draft_json(window.draft),
        "since_ms": window.since_ms,
        "until_ms": window.until_ms,
    }


def window_from_json(document: Any) -> MaintenanceWindow:
    """Read what `window_json` wrote. Raises InvalidInput."""
    try:
        draft, until_ms = _window_draft_from_json(document), document["until_ms"]
        return MaintenanceWindow(
            WindowId(int(document["id"])),
            draft.name,
            draft.schedule,
            draft.scope,
            int(document["since_ms"]),
            None if until_ms is None else int(until_ms),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidInput("The answer describes a maintenance window in a way that cannot be read.") from exc


def _window_draft_json(draft: MaintenanceDraft) -> Json:
    return {"name": draft.name, "schedule": schedule_json(draft.schedule), "scope": draft.scope.to_json()}


def _window_draft_from_json(document: Any) -> MaintenanceDraft:
    return MaintenanceDraft(
        parse_window_name(document["name"]),
        schedule_from_json(document["schedule"]),
        Scope.from_json(document["scope"]),
    )


def probe_json(probe: Probe) -> Json:
    """Return a probe's configuration; there is nothing secret in it."""
    return {
        "id": probe.id,
        "name": probe.name,
        "region": probe.region.value,
        "transport": probe.transport.value,
        "access": None if probe.access is None else probe.access.to_json(),
    }


def probe_from_json(document: Any) -> Probe:
    """Read what `probe_json` wrote. Raises InvalidInput."""
    try:
        access = document["access"]
        return Probe(
            id=ProbeId(int(document["id"])),
            name=parse_probe_name(document["name"]),
            region=Region(document["region"]),
            transport=Transport(document["transport"]),
            access=None if access is None else ProbeAccess.from_json(access),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidInput("The request describes a probe in a way that cannot be read.") from exc


def facts_json(facts: BackupFacts) -> Json:
    """Return what is in a backup, for people and scripts."""
    return {**asdict(facts), "path": str(facts.path)}


def facts_from_json(document: Any) -> BackupFacts:
    """Read what `facts_json` wrote. Raises InvalidInput."""
    try:
        return BackupFacts(**{**document, "path": Path(document["path"])})
    except (KeyError, TypeError) as exc:
        raise InvalidInput("The answer describes a backup in a way that cannot be read.") from exc


def restored_json(restored: Restored) -> Json:
    """Return what a restore did."""
    return {"backup": facts_json(restored.facts), "kept_as": str(restored.aside)}


def rescued_json(rescued: Rescued) -> Json:
    """Return what was saved and lost of a damaged database."""
    return {
        "kept_as": str(rescued.aside),
        "counts": [{**asdict(count), "kind": count.kind.value} for count in rescued.counts],
        "remarks": [{"remark": remark.value, "count": count} for remark, count in rescued.remarks],
    }


def rescued_from_json(document: Any) -> Rescued:
    """Read what `rescued_json` wrote. Raises InvalidInput."""
    try:
        return Rescued(
            Path(document["kept_as"]),
            tuple(Count(**{**count, "kind": Kept(count["kind"])}) for count in document["counts"]),
            tuple((Remark(one["remark"]), int(one["count"])) for one in document["remarks"]),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise InvalidInput("The answer describes what was saved in a way that cannot be read.") from exc


def error_json(cause: PingmonError) -> Json:
    return {"ok": False, "error": type(cause).__name__, "message": cause.message, "hint": cause.hint}


def error_from_json(document: Json) -> PingmonError:
    """Return the error that an answer with `"ok": false` tells of; a class not known here is a PingmonError."""
    kind = getattr(error, str(document.get("error")), PingmonError)
    message, hint = str(document.get("message", "The request failed.")), document.get("hint")
    simple = isinstance(kind, type) and issubclass(kind, PingmonError) and kind.__init__ is PingmonError.__init__
    return kind(message, hint) if simple else PingmonError(message, hint)
