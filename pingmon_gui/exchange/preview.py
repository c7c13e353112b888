"""What an import would do: every item of a file against what is watched already. Nothing is changed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pingmon_gui.domain.alert_wish import AlertWish
from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.preference import Preferences, Value
from pingmon_gui.exchange.alert_difference import alert_notes
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, NamedProbe, Reading


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
    """An import before it is done. `notes` are sentences about the file as a whole."""

    kind: Kind
    rows: tuple[PreviewRow, ...]
    settings: tuple[SettingRow, ...]
    notes: tuple[str, ...]
    alerts: AlertWish | None = None

    @property
    def drafts(self) -> tuple[MonitorDraft, ...]:
        return tuple(row.item.draft for row in self.rows if row.fate is Fate.ADD and row.item.draft is not None)

    @property
    def change(self) -> ConfigurationChange:
        values = {row.key: row.after for row in self.settings}
        return ConfigurationChange(added=self.drafts, preferences=values, alerts=self.alerts)

    def counts(self) -> Mapping[Fate, int]:
        """Return how many items have each fate."""
        return Counter(row.fate for row in self.rows)


def preview(
    reading: Reading,
    watched: Iterable[str],
    preferences: Preferences,
    known_probes: Iterable[str] = (),
    kept: AlertWish | None = None,
    *,
    with_settings: bool = True,
) -> Preview:
    """Compare a reading with the `watched` addresses, the preferences, names of known probes, and the kept alerts."""
    known = set(watched)
    seen: dict[str, Item] = {}
    rows = [_row(item, known, seen) for item in reading.items]
    settings = tuple(
        SettingRow(key, preferences[key], value)
        for key, value in (reading.preferences.items() if with_settings else ())
        if preferences[key] != value
    )
    notes = [*reading.notes, *_probe_notes(reading.probes, known_probes)]
    alerts = None
    if with_settings and reading.alerts is not None:
        different = alert_notes(reading.alerts, kept)
        alerts = reading.alerts if different else None
        notes += different
    return Preview(reading.kind, tuple(rows), settings, tuple(notes), alerts)


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


def _probe_notes(probes: Iterable[NamedProbe], known: Iterable[str]) -> Iterable[str]:
    names = set(known)
    for probe in probes:
        if probe.name not in names:
            yield (
                f"The probe “{probe.name}” is left out: its keys are in no export. "
                f"“pingmon probe bootstrap {probe.host or 'HOST'} --region {probe.region}” sets it up."
            )
