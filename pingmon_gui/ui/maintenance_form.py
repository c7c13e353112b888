"""A maintenance window as a form: when, in which zone, for which domains; below it when it would be on next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from zoneinfo import available_timezones

from PySide6.QtCore import QDateTime, QLocale, Qt, QTime, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDateTimeEdit,
    QFormLayout,
    QLineEdit,
    QTimeEdit,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.maintenance import (
    MINUTE_MS,
    Cron,
    MaintenanceDraft,
    Once,
    Schedule,
    Weekly,
    checked,
    next_spans,
    parse_expression,
    parse_window_name,
)
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.domain.time_zone import local_zone_name, zone_of
from pingmon_gui.ui import maintenance_wording, wording
from pingmon_gui.ui.form_dialog import Field, FormDialog, scrolling
from pingmon_gui.ui.plain_label import PlainLabel, caption
from pingmon_gui.ui.scope_edit import ScopeEdit
from pingmon_gui.ui.span_edit import SpanEdit
from pingmon_gui.ui.weekday_row import WeekdayRow

Value = TypeVar("Value")
_HOUR_MS = 3_600_000
_SHOWN = 4
_SUNDAY = 6
_NIGHT_MINUTE = 3 * 60
#: What the preview is of may have no name yet.
_NO_NAME = "-"
_MOMENT = "yyyy-MM-dd HH:mm"


class _FieldWrong(Exception):
    def __init__(self, field: Field, error: InvalidInput) -> None:
        super().__init__(error.message)
        self.field = field
        self.error = error


def _at(field: Field, read: Callable[[], Value]) -> Value:
    """Read something; what is wrong with it belongs to a field."""
    try:
        return read()
    except InvalidInput as exc:
        raise _FieldWrong(field, exc) from exc


class MaintenanceForm(FormDialog):
    """Emits `submitted` with the draft. What is given is shown; a new one is once, from now for an hour."""

    def __init__(
        self,
        given: MaintenanceDraft | None,
        monitors: Mapping[MonitorId, Monitor],
        known_tags: Sequence[str],
        now_ms: Callable[[], int],
        *,
        scope: Scope = EVERYTHING,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", "", parent)
        self._monitors = monitors
        self._now_ms = now_ms
        self.setWindowTitle(
            self.tr("New maintenance window") if given is None else wording.plain(given.name, 80).replace("&", "&&")
        )
        self.accept_button.setText(self.tr("&Save"))
        opened_ms = now_ms() // MINUTE_MS * MINUTE_MS
        shown = given or MaintenanceDraft("", Once(opened_ms, opened_ms + _HOUR_MS), scope)
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setVerticalSpacing(10)
        self._build(shown, opened_ms, known_tags)
        content = QWidget(self)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 12, 0)
        column.addLayout(self._form)
        column.addStretch(1)
        self._area = scrolling(content, self)
        # Nothing is cut off sideways: it scrolls downwards alone.
        self._area.setMinimumWidth(content.sizeHint().width() + self._area.verticalScrollBar().sizeHint().width() + 4)
        self.body.addWidget(self._area, 1)
        self.preview = PlainLabel(self)
        self.body.addWidget(self.preview)
        self.on_kind_changed()
        # The lines of the preview come and go; the form stays where it is.
        self.preview.setMinimumHeight(self.fontMetrics().lineSpacing() * (_SHOWN + 2))
        self.preview.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.resize(self.fontMetrics().averageCharWidth() * 76, self.fontMetrics().lineSpacing() * 38)
        self.name.setFocus()

    # Building

    def _build(self, shown: MaintenanceDraft, opened_ms: int, known_tags: Sequence[str]) -> None:
        schedule = shown.schedule
        self.name = QLineEdit(shown.name, self)
        self.name.setPlaceholderText(self.tr("Like “Nightly backup”"))
        self.name_field = self._row(self.tr("&Name"), self.name)
        self.kind = QComboBox(self)
        for text, kind in (
            (self.tr("Once"), Once),
            (self.tr("Every week"), Weekly),
            (self.tr("By a cron expression"), Cron),
        ):
            self.kind.addItem(text, kind)
        self.kind.setCurrentIndex(self.kind.findData(type(schedule)))
        self._row(self.tr("&Is on"), self.kind)
        once = schedule if isinstance(schedule, Once) else Once(opened_ms, opened_ms + _HOUR_MS)
        self.start, self.end = self._moment(once.start_ms), self._moment(once.end_ms)
        self.start_field = self._row(self.tr("&From"), self.start)
        self.end_field = self._row(self.tr("&To"), self.end, self.tr("By this computer's clock."))
        self._build_repeated(schedule)
        self.scope = ScopeEdit(shown.scope, list(self._monitors.values()), known_tags, self)
        self.scope_field = self._row(
            self.tr("&Domains"),
            self.scope,
            self.tr("They are measured as ever, but nothing counts: no incident, no alert, no share of availability."),
        )
        self.scope_field.speaks_through(self.scope.choice)
        self.kind.currentIndexChanged.connect(self.on_kind_changed)
        self.start.dateTimeChanged.connect(self.on_start_changed)
        for signal in (
            self.end.dateTimeChanged,
            self.days.changed,
            self.at.timeChanged,
            self.expression.textChanged,
            self.length.changed,
            self.zone.editTextChanged,
            self.scope.changed,
        ):
            signal.connect(self.show_preview)

    def _build_repeated(self, schedule: Schedule) -> None:
        weekly = schedule if isinstance(schedule, Weekly) else None
        self.days = WeekdayRow((_SUNDAY,) if weekly is None else weekly.weekdays, self)
        self.days_field = self._row(self.tr("On"), self.days)
        self.days_field.speaks_through(self.days.buttons[0])
        minute = _NIGHT_MINUTE if weekly is None else weekly.start_minute
        self.at = QTimeEdit(QTime(minute // 60, minute % 60), self)
        self.at.setDisplayFormat(QLocale().timeFormat(QLocale.FormatType.ShortFormat))
        self.at_field = self._row(self.tr("&At"), self.at)
        self.expression = QLineEdit(schedule.expression if isinstance(schedule, Cron) else "", self)
        self.expression.setPlaceholderText("0 3 * * 1")
        self.expression_field = self._row(
            self.tr("&Expression"), self.expression, self.tr("Minute, hour, day of the month, month, day of the week.")
        )
        length_ms = _HOUR_MS if isinstance(schedule, Once) else schedule.length_ms
        self.length = SpanEdit(length_ms, self.tr("For"), units=("min", "h", "d"), parent=self)
        self.length_field = self._row(self.tr("Fo&r"), self.length)
        self.zone = QComboBox(self)
        self.zone.setEditable(True)
        self.zone.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.zone.addItems(sorted(available_timezones()))
        completer = QCompleter(self.zone.model(), self.zone)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.zone.setCompleter(completer)
        self.zone.setCurrentText(local_zone_name() if isinstance(schedule, Once) else schedule.zone)
        self.zone_field = self._row(self.tr("Time &zone"), self.zone)

    def _moment(self, at_ms: int) -> QDateTimeEdit:
        edit = QDateTimeEdit(QDateTime.fromMSecsSinceEpoch(at_ms), self)
        edit.setCalendarPopup(True)
        edit.setDisplayFormat(_MOMENT)
        return edit

    def _row(self, text: str, editor: QWidget, help_text: str = "") -> Field:
        field = Field(editor)
        if not editor.accessibleName():
            editor.setAccessibleName(text.replace("&", ""))
        field.set_help(help_text)
        self._form.addRow(caption(text, editor, self), field)
        return field

    # Reading

    def read(self) -> MaintenanceDraft:
        """Return the window as it is set. Raises InvalidInput, with the sentence at its field."""
        for field in self._fields():
            field.set_error(None)
        try:
            name = _at(self.name_field, lambda: parse_window_name(self.name.text()))
            return self._read_draft(name)
        except _FieldWrong as wrong:
            wrong.field.set_error(wrong.error)
            wrong.field.take_focus()
            self._area.ensureWidgetVisible(wrong.field)
            self.show_preview()
            raise wrong.error from None

    def _read_draft(self, name: str) -> MaintenanceDraft:
        schedule = self._read_schedule()
        scope = _at(self.scope_field, self.scope.scope)
        last = self.end_field if isinstance(schedule, Once) else self.length_field
        return _at(last, lambda: checked(MaintenanceDraft(name, schedule, scope), self._now_ms()))

    def _read_schedule(self) -> Schedule:
        kind = self.kind.currentData()
        if kind is Once:
            return _at(self.end_field, lambda: Once(_ms(self.start), _ms(self.end)))
        length_ms, zone = self.length.ms, self.zone.currentText().strip()
        _at(self.zone_field, lambda: zone_of(zone))
        if kind is Cron:
            expression = _at(self.expression_field, lambda: parse_expression(self.expression.text()))
            return _at(self.length_field, lambda: Cron(expression, length_ms, zone))
        days, time = self.days.days(), self.at.time()
        minute = time.hour() * 60 + time.minute()
        _at(self.days_field, lambda: Weekly(days, minute, MINUTE_MS, zone))
        return _at(self.length_field, lambda: Weekly(days, minute, length_ms, zone))

    def _fields(self) -> tuple[Field, ...]:
        return (
            self.name_field,
            self.start_field,
            self.end_field,
            self.days_field,
            self.at_field,
            self.expression_field,
            self.length_field,
            self.zone_field,
            self.scope_field,
        )

    # Slots

    @Slot()
    def on_kind_changed(self) -> None:
        kind = self.kind.currentData()
        for field, kinds in (
            (self.start_field, (Once,)),
            (self.end_field, (Once,)),
            (self.days_field, (Weekly,)),
            (self.at_field, (Weekly,)),
            (self.expression_field, (Cron,)),
            (self.length_field, (Weekly, Cron)),
            (self.zone_field, (Weekly, Cron)),
        ):
            self._form.setRowVisible(field, kind in kinds)
        self.show_preview()

    @Slot(QDateTime)
    def on_start_changed(self, start: QDateTime) -> None:
        """Keep the end behind the start."""
        if _ms(self.end) <= start.toMSecsSinceEpoch():
            self.end.setDateTime(start.addMSecs(_HOUR_MS))
        self.show_preview()

    @Slot()
    def show_preview(self) -> None:
        """Say for how many domains it is and when it comes next, or what is still missing."""
        try:
            draft = self._read_draft(_NO_NAME)
        except _FieldWrong as wrong:
            # Where a field says it, once is enough.
            self.preview.setText("" if wrong.field.has_error else wording.problem(wrong.error))
            return
        schedule, now_ms = draft.schedule, self._now_ms()
        count = sum(draft.scope.covers(monitor) for monitor in self._monitors.values())
        lines = [self.tr("For %1.").replace("%1", wording.monitors_counted(count))]
        if isinstance(schedule, Once):
            lines.append(self.tr("On for %1.").replace("%1", wording.duration(schedule.length_ms)))
        else:
            # With what would be on at once.
            spans = next_spans(schedule, now_ms - schedule.length_ms + 1, _SHOWN)
            own = local_zone_name()
            named = self.tr("Next:") if schedule.zone == own else self.tr("Next, in the time of %1:").replace("%1", own)
            lines += [named, *(f"  {maintenance_wording.span_words(span)}" for span in spans)]
        self.preview.setText("\n".join(lines))


def _ms(edit: QDateTimeEdit) -> int:
    at_ms: int = edit.dateTime().toMSecsSinceEpoch()
    return at_ms
