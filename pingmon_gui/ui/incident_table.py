"""Incidents as a table: a row for each cause, newest first. One cause over many domains is one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from pingmon_gui.domain.incident import Incident, IncidentGroup, IncidentId, cause_phrase, grouped
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import status_shape, wording
from pingmon_gui.ui.theme import current

translate = QCoreApplication.translate

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
#: So many causes are told in one line.
MOST_TOLD = 2
#: The title of a monitor by its id.
Titles = Callable[[MonitorId], str]


class Column(IntEnum):
    BEGAN = 0
    LASTED = 1
    WHAT = 2
    STATE = 3


def group_sentence(group: IncidentGroup, titles: Titles) -> str:
    """Return what happened: the incident's own sentence, or how many domains where it was one cause over many."""
    first = group.incidents[0]
    if len(group.incidents) == 1:
        return first.sentence(titles(first.monitor))
    cause = cause_phrase(first, is_over=not group.is_open)
    offline = [one for one in group.incidents if one.kind is Verdict.OFFLINE]
    regional = [one for one in group.incidents if one.kind is not Verdict.OFFLINE]
    parts = []
    if offline:
        parts.append(translate("Incidents", "%1 offline").replace("%1", wording.monitors_counted(len(offline))))
    if regional:
        seen = {region for one in regional for region in one.regions}
        where = wording.joined(wording.region_name(region) for region in REGIONS if region in seen)
        text = translate("Incidents", "%1, %2 only").replace("%2", where)
        parts.append(text.replace("%1", wording.monitors_counted(len(regional))))
    text = "; ".join(parts)
    return f"{text}: {cause}" if cause else text


def now_sentence(incidents: Sequence[Incident], titles: Titles, at_ms: int) -> str:
    """Return what lasts at a moment, the newest causes first: what, since when, and how many more there are."""
    groups = grouped(incidents)
    if not groups:
        return translate("Incidents", "No incident")
    since = translate("Incidents", "%1, since %2 (%3)")
    told = [
        since.replace("%3", lasted(group, at_ms))
        .replace("%2", _clock(group.start_ms, at_ms))
        .replace("%1", group_sentence(group, titles))
        for group in groups[:MOST_TOLD]
    ]
    if more := len(groups) - len(told):
        told.append(wording.counted(translate("Incidents", "%n more", None, more), more))
    return " · ".join(told)


def _clock(time_ms: int, at_ms: int) -> str:
    """Return a time of day, with its date where that is another."""
    is_today = wording.date(time_ms) == wording.date(at_ms)
    return wording.time_of_day(time_ms) if is_today else wording.date_time(time_ms)


def state_text(group: IncidentGroup) -> str:
    """Return how it stands, in a word or two."""
    if all(one.is_withdrawn for one in group.incidents):
        return translate("Incidents", "withdrawn")
    if group.is_open:
        if all(one.acknowledged_at_ms is not None for one in group.incidents if one.is_open):
            return translate("Incidents", "open, looked after")
        return translate("Incidents", "open")
    if all(one.is_cut for one in group.incidents):
        return translate("Incidents", "broken off")
    return translate("Incidents", "resolved")


def lasted(group: IncidentGroup, now_ms: int) -> str:
    """Return how long the longest of a group's incidents lasted, or has so far."""
    return wording.duration(max(one.duration_ms(now_ms) for one in group.incidents))


class IncidentTable(QAbstractTableModel):
    """Feed it with `show_incidents`; what is selected stays as long as it is there."""

    def __init__(self, titles: Titles, now_ms: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._titles = titles
        self._now_ms = now_ms
        self._groups: list[IncidentGroup] = []

    def show_incidents(self, incidents: Sequence[Incident]) -> None:
        """Take over what there is; unchanged causes stay where they are."""
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        keys = [_key(self._groups[index.row()]) for index in old]
        self._groups = grouped(incidents)
        rows = {_key(group): row for row, group in enumerate(self._groups)}
        places = zip(keys, old, strict=True)
        moved = [self.index(rows[key], index.column()) if key in rows else QModelIndex() for key, index in places]
        self.changePersistentIndexList(old, moved)
        self.layoutChanged.emit()

    def group_at(self, row: int) -> IncidentGroup:
        return self._groups[row]

    def row_of(self, id_: IncidentId) -> int:
        """Return the row that holds an incident, -1 where it is not shown."""
        return next((r for r, group in enumerate(self._groups) if any(o.id == id_ for o in group.incidents)), -1)

    def let_time_pass(self) -> None:
        """What is open lasts longer now."""
        for row, group in enumerate(self._groups):
            if group.is_open:
                place = self.index(row, Column.LASTED)
                self.dataChanged.emit(place, place, [Qt.ItemDataRole.DisplayRole])

    # Qt

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._groups)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("Began"), self.tr("Lasted"), self.tr("What"), self.tr("State"))[section]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._groups):
            return None
        group = self._groups[index.row()]
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(group, column)
        if role == Qt.ItemDataRole.DecorationRole and column is Column.WHAT:
            return status_shape.icon(int(group.kind))
        if role == Qt.ItemDataRole.ToolTipRole and column is Column.WHAT:
            titles = [wording.plain(self._titles(one.monitor), 80) for one in group.incidents[:20]]
            return wording.tool_tip("\n".join([self._text(group, column), *(titles if len(titles) > 1 else [])]))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(self._text(group, each) for each in Column)
        if role == Qt.ItemDataRole.ForegroundRole and not group.is_open and column is not Column.WHAT:
            return QColor(current().muted)
        return None

    def _text(self, group: IncidentGroup, column: Column) -> str:
        match column:
            case Column.BEGAN:
                return wording.date_time(group.start_ms)
            case Column.LASTED:
                return lasted(group, self._now_ms())
            case Column.WHAT:
                return wording.plain(group_sentence(group, self._titles), 300)
            case Column.STATE:
                return state_text(group)


def _key(group: IncidentGroup) -> IncidentId:
    return min(one.id for one in group.incidents)
