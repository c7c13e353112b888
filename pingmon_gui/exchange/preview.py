"""What an import would do: every item of a file against what is watched already. Nothing is changed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.preference import Value
from pingmon_gui.domain.probe import Probe
from pingmon_gui.exchange.book_difference import imported_difference
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, NamedBook, NamedProbe, Reading
from pingmon_gui.exchange.step import Step
from pingmon_gui.exchange.window_difference import imported_windows


class Fate(StrEnum):
    """What becomes of an item. The value is the word in JSON and on the terminal."""

    ADD = "add"
    EXISTS = "exists"  # watched already; it stays as it is
    TWICE = "twice"  # stands further up in the file
    LEFT_OUT = "left out"  # beyond what Pingmon can do
    WRONG = "wrong"  # cannot be read


@dataclass(frozen=True)
class PreviewRow:
    """One item with its fate; `notes` are sentences: differences from the file, or why it is not taken."""

    item: Item
    fate: Fate
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SettingRow:
    """A preference that would change."""

    key: str
    before: Value
    after: Value


@dataclass(frozen=True)
class Preview:
    """An import before it is done. `alerts` are rules and channels that differ, `windows` those of maintenance.

    `notes` are about the whole file, `change` carries everything out.
    """

    kind: Kind
    rows: tuple[PreviewRow, ...]
    settings: tuple[SettingRow, ...]
    alerts: tuple[Step, ...]
    windows: tuple[Step, ...]
    notes: tuple[str, ...]
    change: ConfigurationChange

    @property
    def drafts(self) -> tuple[MonitorDraft, ...]:
        return self.change.added

    def counts(self) -> Mapping[Fate, int]:
        """Return how many items have each fate."""
        return Counter(row.fate for row in self.rows)


def preview(reading: Reading, there: Configuration, *, with_settings: bool = True) -> Preview:
    """Compare a reading with what is there; only domains are taken over unless `with_settings`."""
    known = set(there.urls.values())
    seen: dict[str, Item] = {}
    rows = [_row(item, known, seen) for item in reading.items]
    settings = tuple(
        SettingRow(key, there.preferences[key], value)
        for key, value in reading.preferences.items()
        if with_settings and there.preferences[key] != value
    )
    alerts = imported_difference(reading.alerts if with_settings else NamedBook(), there.book, there.urls, seen)
    windows = imported_windows(reading.windows if with_settings else (), there, seen)
    change = ConfigurationChange(
        added=tuple(row.item.draft for row in rows if row.fate is Fate.ADD and row.item.draft is not None),
        preferences={row.key: row.after for row in settings},
        alerts=alerts.change,
        windows_ended=windows.ended,
        windows_added=windows.added,
    )
    notes = (*reading.notes, *alerts.notes, *windows.notes, *_probe_notes(reading.probes, there.probes))
    return Preview(reading.kind, tuple(rows), settings, alerts.steps, windows.steps, notes, change)


def _row(item: Item, known: set[str], seen: dict[str, Item]) -> PreviewRow:
    if item.draft is None:
        return PreviewRow(item, Fate.WRONG if item.is_wrong else Fate.LEFT_OUT, (item.reason,))
    url = item.draft.url
    if url in known:
        return PreviewRow(item, Fate.EXISTS, ("It is watched already, and stays as it is.",))
    if url in seen:
        first = seen[url]
        where = f"in line {first.line}" if first.line else f"as number {first.number}"
        return PreviewRow(item, Fate.TWICE, (f"The same address stands further up, {where}.",))
    seen[url] = item
    return PreviewRow(item, Fate.ADD, item.notes)


def _probe_notes(probes: Iterable[NamedProbe], known: Iterable[Probe]) -> Iterable[str]:
    names = {probe.name for probe in known}
    for probe in probes:
        if probe.name not in names:
            yield (
                f"The probe “{probe.name}” is left out: its keys are in no export. "
                f"“pingmon probe bootstrap {probe.host or 'HOST'} --region {probe.region}” sets it up."
            )
