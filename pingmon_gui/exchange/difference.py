"""What applying a declaration would change, field by field. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pingmon_gui.domain.alert_wish import AlertWish
from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId, format_status_set
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.region import Region
from pingmon_gui.exchange.alert_difference import alert_notes
from pingmon_gui.exchange.declaration import Declaration, DeclaredMonitor
from pingmon_gui.exchange.duration import duration_text


class Action(StrEnum):
    """What happens to a monitor, a setting, or to alerts. The value is the word in JSON."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    SETTING = "setting"
    ALERT = "alert"


@dataclass(frozen=True)
class FieldChange:
    """One field before and after, as the file writes it; a log-in is never shown."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Step:
    """One line of the difference. `subject` is an address, the key of a setting, or a sentence about alerts."""

    action: Action
    subject: str
    name: str = ""
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class Difference:
    """All steps, and the change that carries them out. `unlisted` are addresses that the file does not name."""

    steps: tuple[Step, ...]
    change: ConfigurationChange
    unlisted: tuple[str, ...] = ()


def difference(
    declaration: Declaration,
    monitors: Iterable[Monitor],
    preferences: Preferences,
    kept: AlertWish | None = None,
    *,
    prune: bool,
) -> Difference:
    """Compare by address. Monitors that the file does not name are removed only with `prune`."""
    known: dict[str, Monitor] = {}
    doubles: list[Monitor] = []
    for monitor in monitors:
        if known.setdefault(monitor.url, monitor) is not monitor:
            doubles.append(monitor)
    steps: list[Step] = []
    added: list[MonitorDraft] = []
    changed: list[Monitor] = []
    for declared in declaration.monitors:
        before = known.pop(declared.draft.url, None)
        if before is None:
            added.append(declared.draft)
            steps.append(Step(Action.ADD, declared.draft.url, declared.draft.name))
            continue
        after = _wanted(before, declared)
        if fields := _fields(before, after):
            changed.append(after)
            steps.append(Step(Action.CHANGE, before.url, after.name, fields))
    unlisted = [*known.values(), *doubles]
    removed: list[MonitorId] = [monitor.id for monitor in unlisted] if prune else []
    if prune:
        steps += [Step(Action.REMOVE, monitor.url, monitor.name) for monitor in unlisted]
    values = {key: value for key, value in declaration.preferences.items() if preferences[key] != value}
    steps += [
        Step(Action.SETTING, key, fields=(FieldChange(key, str(preferences[key]), str(value)),))
        for key, value in values.items()
    ]
    sentences = [] if declaration.alerts is None else alert_notes(declaration.alerts, kept)
    steps += [Step(Action.ALERT, sentence) for sentence in sentences]
    alerts = declaration.alerts if sentences else None
    return Difference(
        tuple(steps),
        ConfigurationChange(tuple(added), tuple(changed), tuple(removed), values, alerts),
        () if prune else tuple(monitor.url for monitor in unlisted),
    )


def _wanted(before: Monitor, declared: DeclaredMonitor) -> Monitor:
    draft = declared.draft
    settings = draft.settings
    if not declared.says_login:
        settings = replace(settings, basic_auth=before.settings.basic_auth)
    return replace(
        before,
        name=draft.name,
        settings=settings,
        tags=draft.tags,
        regions=draft.regions,
        is_paused=before.is_paused if declared.is_paused is None else declared.is_paused,
    )


def _fields(before: Monitor, after: Monitor) -> tuple[FieldChange, ...]:
    fields = [
        FieldChange(name, old, new)
        for (name, old), (_, new) in zip(_written(before), _written(after), strict=True)
        if old != new
    ]
    if before.settings.basic_auth != after.settings.basic_auth:
        words = ["***" if m.settings.basic_auth is not None else "" for m in (before, after)]
        fields.append(FieldChange("basic_auth", *words))
    return tuple(fields)


def _written(monitor: Monitor) -> Sequence[tuple[str, str]]:
    s = monitor.settings
    return (
        ("name", monitor.name),
        ("interval", duration_text(s.interval_ms)),
        ("timeout", duration_text(s.timeout_ms)),
        ("slow", duration_text(s.slow_ms)),
        ("status", format_status_set(s.status_set)),
        ("keyword", s.keyword or ""),
        ("keyword_absent", _yes(s.keyword_absent)),
        ("ignore_certificate", _yes(s.ignore_certificate)),
        ("family", str(s.family or "auto")),
        ("regions", _regions(monitor.regions)),
        ("tags", ", ".join(monitor.tags)),
        ("paused", _yes(monitor.is_paused)),
    )


def _regions(regions: tuple[Region, ...] | None) -> str:
    return "all" if regions is None else ", ".join(regions) or "none"


def _yes(value: bool) -> str:
    return "true" if value else "false"
