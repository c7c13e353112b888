"""What applying a declaration would change, field by field. Nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pingmon_probe.protocol import is_harmless

from pingmon_gui.domain import family
from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId, format_status_set
from pingmon_gui.domain.region import Region
from pingmon_gui.exchange.book_difference import declared_difference
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.declaration import Declaration
from pingmon_gui.exchange.declared_monitor import DeclaredMonitor
from pingmon_gui.exchange.duration import duration_text
from pingmon_gui.exchange.kind_setting import KIND_SETTINGS
from pingmon_gui.exchange.step import Action, FieldChange, Step, What, field_changes
from pingmon_gui.exchange.window_difference import declared_windows


@dataclass(frozen=True)
class Difference:
    """All steps, and the change that carries them out.

    `unlisted` is what is there and the file does not name; `notes` are sentences about what needs a person.
    """

    steps: tuple[Step, ...]
    change: ConfigurationChange
    unlisted: tuple[str, ...] = ()
    unlisted_rules: tuple[str, ...] = ()
    unlisted_windows: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def difference(declaration: Declaration, there: Configuration, *, prune: bool) -> Difference:
    """Compare domains by address, all else by name. What the file does not name is removed only with `prune`."""
    known: dict[str, Monitor] = {}
    doubles = [monitor for monitor in there.monitors if known.setdefault(monitor.url, monitor) is not monitor]
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
    preferences = there.preferences
    values = {key: value for key, value in declaration.preferences.items() if preferences[key] != value}
    steps += [
        Step(Action.SETTING, key, fields=(FieldChange(key, str(preferences[key]), str(value)),), what=What.SETTING)
        for key, value in values.items()
    ]
    alerts = declared_difference(declaration.channels, declaration.rules, there.book, there.urls, prune=prune)
    windows = declared_windows(declaration.windows, there, prune=prune)
    return Difference(
        (*steps, *alerts.steps, *windows.steps),
        ConfigurationChange(
            tuple(added), tuple(changed), tuple(removed), values, alerts.change, windows.ended, windows.added
        ),
        () if prune else tuple(monitor.url for monitor in unlisted),
        alerts.unlisted,
        windows.unlisted,
        (*alerts.notes, *windows.notes),
    )


def _wanted(before: Monitor, declared: DeclaredMonitor) -> Monitor:
    draft = declared.draft
    settings = draft.settings.with_secrets_of(before.settings, says_sign_in=declared.says_login)
    return replace(
        before,
        name=draft.name,
        settings=settings,
        tags=draft.tags,
        regions=draft.regions,
        is_paused=before.is_paused if declared.is_paused is None else declared.is_paused,
    )


def _fields(before: Monitor, after: Monitor) -> tuple[FieldChange, ...]:
    fields = field_changes(_written(before), _written(after))
    for name in ("basic_auth", "bearer"):
        values = [getattr(m.settings, name) for m in (before, after)]
        if values[0] != values[1]:
            fields = (*fields, FieldChange(name, *("***" if value is not None else "" for value in values)))
    hidden = [[pair for pair in m.settings.headers if not is_harmless(pair[0])] for m in (before, after)]
    if hidden[0] != hidden[1]:
        words = (", ".join(f"{name}: ***" for name, _ in headers) for headers in hidden)
        fields = (*fields, FieldChange("headers", *words))
    return fields


def _written(monitor: Monitor) -> dict[str, str]:
    s = monitor.settings.without_secrets()
    return {
        "name": monitor.name,
        "interval": duration_text(s.interval_ms),
        "timeout": duration_text(s.timeout_ms),
        "slow": duration_text(s.slow_ms),
        "status": format_status_set(s.status_set),
        "keyword": s.keyword or "",
        "keyword_absent": _yes(s.keyword_absent),
        "ignore_certificate": _yes(s.ignore_certificate),
        "family": family.word(s.family),
        "regions": _regions(monitor.regions),
        "tags": ", ".join(monitor.tags),
        "paused": _yes(monitor.is_paused),
        **{setting.key: setting.text(s) for setting in KIND_SETTINGS},
    }


def _regions(regions: tuple[Region, ...] | None) -> str:
    return "all" if regions is None else ", ".join(regions) or "none"


def _yes(value: bool) -> str:
    return "true" if value else "false"
