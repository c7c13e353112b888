"""What a report is to be of: its title, the span, the domains, and as what it is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

from PySide6.QtCore import QDateTime, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDateTimeEdit,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.report.outlet import Format
from pingmon_gui.report.span import DAY_MS, Preset, preset_span
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field
from pingmon_gui.ui.plain_label import caption

#: With more domains than this, a section for each is not what is wanted first.
_MANY = 50


class _Choice(NamedTuple):
    """Which domains: all, those of a tag, those selected in the table, or those ticked in the list."""

    kind: str
    tag: str = ""


@dataclass(frozen=True)
class ReportWish:
    """What is asked for, at `asked_at_ms`: [from_ms, to_ms) of some domains, at least one."""

    title: str
    asked_at_ms: int
    from_ms: int
    to_ms: int
    monitors: tuple[Monitor, ...]
    format: Format
    with_domains: bool


class ReportForm(QWidget):
    """`changed` tells of every change; `wish` reads the fields."""

    changed = Signal()

    def __init__(
        self,
        monitors: Sequence[Monitor],
        selected: Collection[MonitorId],
        zone: tzinfo,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._monitors = tuple(monitors)
        self._selected = frozenset(selected)
        self._zone = zone
        self.title = QLineEdit(self)
        self.title.setPlaceholderText(self.tr("Availability report"))
        self.title.setMaxLength(200)
        self.period = QComboBox(self)
        for text, preset in (
            (self.tr("Last 24 hours"), Preset.LAST_24_HOURS),
            (self.tr("Last 7 days"), Preset.LAST_7_DAYS),
            (self.tr("Last 30 days"), Preset.LAST_30_DAYS),
            (self.tr("This month"), Preset.THIS_MONTH),
            (self.tr("Last month"), Preset.LAST_MONTH),
            (self.tr("From … to …"), None),
        ):
            self.period.addItem(text, preset)
        self.period.setCurrentIndex(2)
        self.begin, self.end = self._moment(), self._moment()
        self.begin.setAccessibleName(self.tr("From"))
        self.end.setAccessibleName(self.tr("To"))
        self.own_span = self._span_editor()
        self.own_field = Field(self.own_span)
        self.own_field.speaks_through(self.begin)
        self.domains = QComboBox(self)
        self._fill_domains()
        self.list = self._list()
        self.list_field = Field(self.list)
        self.with_domains = QCheckBox(self.tr("A section for &each domain"), self)
        self.with_domains.setChecked(len(self._monitors) <= _MANY)
        self.formats = QButtonGroup(self)
        self.choices: dict[Format, QRadioButton] = {}
        self._lay_out()
        self._connect()
        self.on_period_chosen()
        self.on_domains_chosen()

    @property
    def format(self) -> Format:
        return next(format_ for format_, choice in self.choices.items() if choice.isChecked())

    def wish(self, now_ms: int) -> ReportWish:
        """Return what the fields say. Raises InvalidInput, told under the field that is at fault."""
        from_ms, to_ms = self._read_span(now_ms)
        monitors = self._read_domains()
        with_domains = self.with_domains.isChecked()
        return ReportWish(self.title.text().strip(), now_ms, from_ms, to_ms, monitors, self.format, with_domains)

    # Building

    def _moment(self) -> QDateTimeEdit:
        edit = QDateTimeEdit(self)
        edit.setCalendarPopup(True)
        edit.setDisplayFormat("yyyy-MM-dd HH:mm")
        return edit

    def _span_editor(self) -> QWidget:
        editor = QWidget(self)
        row = QHBoxLayout(editor)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.begin, 1)
        row.addWidget(caption(self.tr("to"), None, editor))
        row.addWidget(self.end, 1)
        return editor

    def _fill_domains(self) -> None:
        every = self.tr("All of them (%1)").replace("%1", wording.monitors_counted(len(self._monitors)))
        self.domains.addItem(every, _Choice("all"))
        if self._selected:
            text = self.tr("Those selected in the list (%1)")
            counted = wording.monitors_counted(len(self._selected))
            self.domains.addItem(text.replace("%1", counted), _Choice("selected"))
        tags = {tag for monitor in self._monitors for tag in monitor.tags}
        for tag in sorted(tags, key=str.casefold):
            text = self.tr("With the tag “%1”").replace("%1", wording.plain(tag, 60))
            self.domains.addItem(text, _Choice("tag", tag))
        self.domains.addItem(self.tr("Chosen ones"), _Choice("chosen"))
        self.domains.setCurrentIndex(1 if len(self._selected) > 1 else 0)
        self.domains.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.domains.setMinimumContentsLength(20)

    def _list(self) -> QListWidget:
        found = QListWidget(self)
        found.setAccessibleName(self.tr("Domains of the report"))
        found.setUniformItemSizes(True)
        for monitor in self._monitors:
            item = QListWidgetItem(wording.plain(monitor.title, 100), found)
            item.setData(Qt.ItemDataRole.UserRole, monitor.id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            is_wanted = monitor.id in self._selected
            item.setCheckState(Qt.CheckState.Checked if is_wanted else Qt.CheckState.Unchecked)
        return found

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(caption(self.tr("&Title"), self.title), self.title)
        period = Field(self.period)
        zone = self.tr("Days and times are those of %1.")
        period.set_help(zone.replace("%1", str(getattr(self._zone, "key", self._zone))))
        form.addRow(caption(self.tr("Spa&n"), self.period), period)
        form.addRow("", self.own_field)
        form.addRow(caption(self.tr("&Domains"), self.domains), self.domains)
        form.addRow("", self.list_field)
        self._form = form
        written = QHBoxLayout()
        for format_, text in (
            (Format.PDF, self.tr("PD&F")),
            (Format.HTML, self.tr("&Web page")),
            (Format.CSV, self.tr("Ta&ble (CSV)")),
        ):
            choice = QRadioButton(text, self)
            self.formats.addButton(choice)
            self.choices[format_] = choice
            written.addWidget(choice)
        written.addStretch(1)
        self.choices[Format.PDF].setChecked(True)
        form.addRow(caption(self.tr("Written as")), written)
        form.addRow("", self.with_domains)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addStretch(1)

    def _connect(self) -> None:
        self.title.editingFinished.connect(self.on_title_finished)
        self.period.currentIndexChanged.connect(self.on_period_chosen)
        self.domains.currentIndexChanged.connect(self.on_domains_chosen)
        for edit in (self.begin, self.end):
            edit.dateTimeChanged.connect(self.changed)
        self.list.itemChanged.connect(self.changed)
        self.with_domains.toggled.connect(self.changed)
        self.formats.buttonClicked.connect(self.on_format_chosen)

    # What the fields do

    @Slot()
    def on_period_chosen(self) -> None:
        """Show the own span, and begin it where the period before was."""
        preset = self.period.currentData()
        now_ms = QDateTime.currentMSecsSinceEpoch()
        if preset is not None:
            from_ms, to_ms = preset_span(preset, now_ms, self._zone)
            for edit, at_ms in ((self.begin, from_ms), (self.end, to_ms)):
                with QSignalBlocker(edit):
                    edit.setDateTime(QDateTime.fromMSecsSinceEpoch(at_ms))
        self._form.setRowVisible(self.own_field, preset is None)
        self.changed.emit()

    @Slot()
    def on_title_finished(self) -> None:
        # Also told when another window comes to the front.
        if self.title.isModified():
            self.title.setModified(False)
            self.changed.emit()

    @Slot()
    def on_domains_chosen(self) -> None:
        self._form.setRowVisible(self.list_field, self.domains.currentData().kind == "chosen")
        self.changed.emit()

    @Slot()
    def on_format_chosen(self) -> None:
        self.with_domains.setEnabled(self.format is not Format.CSV)
        self.changed.emit()

    def _read_span(self, now_ms: int) -> tuple[int, int]:
        self.own_field.set_error(None)
        preset = self.period.currentData()
        if preset is not None:
            return preset_span(preset, now_ms, self._zone)
        from_ms, to_ms = self.begin.dateTime().toMSecsSinceEpoch(), self.end.dateTime().toMSecsSinceEpoch()
        error = None
        if from_ms >= now_ms:
            error = InvalidInput("The report cannot begin in the future.")
        elif from_ms >= to_ms:
            error = InvalidInput("The end must come after the start.")
        elif to_ms - from_ms > 40 * 366 * DAY_MS:
            error = InvalidInput("That is longer than anything was ever watched.")
        if error is not None:
            self.own_field.set_error(error)
            raise error
        return from_ms, to_ms

    def _read_domains(self) -> tuple[Monitor, ...]:
        self.list_field.set_error(None)
        choice = self.domains.currentData()
        match choice.kind:
            case "selected":
                wanted = self._selected
            case "tag":
                wanted = frozenset(one.id for one in self._monitors if choice.tag in one.tags)
            case "chosen":
                items = [self.list.item(row) for row in range(self.list.count())]
                ticked = [item for item in items if item.checkState() == Qt.CheckState.Checked]
                wanted = frozenset(MonitorId(item.data(Qt.ItemDataRole.UserRole)) for item in ticked)
                if not wanted:
                    error = InvalidInput("Choose at least one domain.")
                    self.list_field.set_error(error)
                    raise error
            case _:
                return self._monitors
        return tuple(monitor for monitor in self._monitors if monitor.id in wanted)
