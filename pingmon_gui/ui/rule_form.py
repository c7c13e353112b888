"""An alert rule as a form: what, where, after how long, by which channels; below it what it would have told lately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_replay import Replay
from pingmon_gui.domain.alert_rule import (
    MINUTE_MS,
    AlertKind,
    AlertRule,
    Escalation,
    Flapping,
    QuietEnd,
    SlowCondition,
    SlowUnit,
    new_rule_id,
)
from pingmon_gui.domain.alert_telling import EXPIRIES
from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.ui import alert_wording
from pingmon_gui.ui.form_dialog import Field, FormDialog, scrolling
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.quiet_editor import QuietEditor
from pingmon_gui.ui.rule_preview import preview_text
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.scope_edit import ScopeEdit
from pingmon_gui.ui.span_edit import SpanEdit
from pingmon_gui.ui.theme import scaled_font

Value = TypeVar("Value")
Preview = Callable[[AlertRule], Awaitable[Replay]]
#: What can be told of, a line each: how domains do, what comes to its end, Pingmon itself.
_KINDS = (
    (AlertKind.OFFLINE, AlertKind.REGIONAL, AlertKind.SLOW),
    (AlertKind.CERTIFICATE, AlertKind.REGISTRATION),
    (AlertKind.PROBE_LOST, AlertKind.OWN_NETWORK),
)


@dataclass(frozen=True)
class RuleContext:
    """What there is to choose from."""

    channels: Mapping[ChannelId, Channel]
    monitors: Sequence[Monitor]
    known_tags: Sequence[str]


class RuleForm(FormDialog):
    """Emits `submitted` with the rule; None makes a new one."""

    def __init__(
        self,
        rule: AlertRule | None,
        context: RuleContext,
        preview: Preview,
        spawn: Spawn,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", "", parent)
        self._rule = rule
        self._context = context
        self._preview = preview
        self._spawn = spawn
        self.setWindowTitle(self.tr("New rule") if rule is None else alert_wording.rule_name(rule))
        self.accept_button.setText(self.tr("&Save"))
        shown = rule or AlertRule(
            new_rule_id(),
            self.tr("New rule"),
            frozenset((AlertKind.OFFLINE, AlertKind.REGIONAL)),
            tuple(context.channels)[:1],
        )
        self._shown = shown
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setVerticalSpacing(10)
        self._build_what(shown)
        self._build_when(shown)
        content = QWidget(self)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 12, 0)
        column.addLayout(self._form)
        column.addStretch(1)
        self._area = scrolling(content, self)
        # Nothing is cut off sideways: it scrolls downwards alone.
        self._area.setMinimumWidth(content.sizeHint().width() + self._area.verticalScrollBar().sizeHint().width() + 4)
        self.setMinimumWidth(self._area.minimumWidth() + 2 * self.fontMetrics().averageCharWidth() * 4)
        self.body.addWidget(self._area, 1)
        self.outcome = QLabel(self)
        self.outcome.setTextFormat(Qt.TextFormat.PlainText)
        self.outcome.setWordWrap(True)
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.outcome.hide()
        self.body.addWidget(self.outcome)
        self.preview_button = QPushButton(self.tr("&Try on the last 7 days"), self)
        self.preview_button.setAutoDefault(False)
        self.preview_button.clicked.connect(self.on_preview)
        self.buttons.addButton(self.preview_button, self.buttons.ButtonRole.ActionRole)
        self.on_kinds_changed()
        self.resize(self.fontMetrics().averageCharWidth() * 86, self.fontMetrics().lineSpacing() * 40)
        self.name.setFocus()

    # Building

    def _build_what(self, rule: AlertRule) -> None:
        self.name = QLineEdit(alert_wording.say(rule.name), self)
        self.name_field = self._row(self.tr("&Name"), self.name)
        self.kinds: dict[AlertKind, QCheckBox] = {
            kind: QCheckBox(alert_wording.kind_name(kind), self) for kinds in _KINDS for kind in kinds
        }
        box = QWidget(self)
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(4)
        for line, kinds in enumerate(_KINDS):
            for column, kind in enumerate(kinds):
                self.kinds[kind].setChecked(kind in rule.kinds)
                self.kinds[kind].toggled.connect(self.on_kinds_changed)
                grid.addWidget(self.kinds[kind], line, column)
        grid.setColumnStretch(3, 1)
        self.kinds_field = self._row(self.tr("Tell of"), box)
        self.kinds_field.speaks_through(next(iter(self.kinds.values())))
        self._build_slow(rule)
        self.days = QLineEdit(", ".join(map(str, rule.expiry_days)), self)
        self.days_field = self._row(
            self.tr("&Days before"), self.days, self.tr("Told once each, so many days before the end.")
        )
        self.scope = ScopeEdit(rule.scope, self._context.monitors, self._context.known_tags, self)
        self.scope_field = self._row(self.tr("D&omains"), self.scope)
        self.scope_field.speaks_through(self.scope.choice)

    def _build_slow(self, rule: AlertRule) -> None:
        self.slow_count, self.slow_of = QSpinBox(self), QSpinBox(self)
        for spin, value, name in (
            (self.slow_count, rule.slow.count, self.tr("Slow in how many")),
            (self.slow_of, rule.slow.of, self.tr("of how many")),
        ):
            spin.setRange(1, 24 * 60)
            spin.setValue(value)
            spin.setAccessibleName(name)
        self.slow_unit = QComboBox(self)
        self.slow_unit.setAccessibleName(self.tr("Minutes or results"))
        for unit in (SlowUnit.MINUTES, SlowUnit.RESULTS):
            self.slow_unit.addItem(alert_wording.slow_unit(unit), unit)
        self.slow_unit.setCurrentIndex(self.slow_unit.findData(rule.slow.unit))
        box = QWidget(self)
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slow_count)
        row.addWidget(caption(self.tr("of the last"), None, self))
        row.addWidget(self.slow_of)
        row.addWidget(self.slow_unit)
        row.addStretch(1)
        self.slow_field = self._row(
            self.tr("Slow in"), box, self.tr("What is slow is a setting of each domain. At most 12 results.")
        )
        self.slow_field.speaks_through(self.slow_count)

    def _build_when(self, rule: AlertRule) -> None:
        never, at_once = self.tr("never"), self.tr("at once")
        self.after = SpanEdit(rule.after_ms, self.tr("After"), nothing=at_once, parent=self)
        self.after_field = self._row(self.tr("A&fter"), self.after, self.tr("Counted from the first failing result."))
        self.channels = self._channel_boxes(rule.channels)
        self._row(
            self.tr("Tell by"),
            self._boxed(self.channels),
            self.tr("Without a channel only the list in the window has it."),
        )
        self._heading(self.tr("Patience"))
        self.remind = SpanEdit(rule.remind_ms, self.tr("Remind every"), nothing=never, parent=self)
        self.remind_field = self._row(
            self.tr("&Remind every"), self.remind, self.tr("Until it is over, acknowledged or snoozed.")
        )
        escalation_ms = 0 if rule.escalation is None else rule.escalation.after_ms
        self.escalate = SpanEdit(escalation_ms, self.tr("Tell others after"), nothing=never, parent=self)
        self.escalate_field = self._row(
            self.tr("Tell &others after"), self.escalate, self.tr("If nobody has acknowledged it by then.")
        )
        self.others = self._channel_boxes(() if rule.escalation is None else rule.escalation.channels)
        self.others_field = self._row(self.tr("Others"), self._boxed(self.others))
        self._heading(self.tr("Quiet"))
        self.quiet = QuietEditor(rule.quiet, self)
        self.quiet_field = self._row(self.tr("Quiet hours"), self.quiet)
        self.quiet_field.speaks_through(self.quiet.add_button)
        self.quiet_end = QComboBox(self)
        self.quiet_end.addItem(self.tr("Tell afterwards that it was"), QuietEnd.LATE)
        self.quiet_end.addItem(self.tr("Leave it to the list"), QuietEnd.DROP)
        self.quiet_end.setCurrentIndex(self.quiet_end.findData(rule.quiet_end))
        self._row(self.tr("What is over by then"), self.quiet_end)
        self.cool_down = SpanEdit(rule.cool_down_ms, self.tr("Silent for"), nothing=self.tr("not at all"), parent=self)
        self.cool_down_field = self._row(
            self.tr("S&ilent for"), self.cool_down, self.tr("After an alert, about the same domain.")
        )
        self.flaps = QSpinBox(self)
        self.flaps.setRange(0, 100)
        self.flaps.setSpecialValueText(never)
        self.flaps.setValue(rule.flapping.count)
        self.within = SpanEdit(rule.flapping.within_ms, self.tr("Flapping is counted for"), parent=self)
        self.stable = SpanEdit(rule.flapping.stable_ms, self.tr("Stable after"), parent=self)
        box = QWidget(self)
        box.setFocusProxy(self.flaps)
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.flaps)
        row.addStretch(1)
        self.flaps.setAccessibleName(self.tr("Flapping from"))
        self.flaps_field = self._row(
            self.tr("Flapping &from"), box, self.tr("So many alerts about a domain are told once as flapping.")
        )
        self.within_field = self._row(self.tr("… within"), self.within)
        self.stable_field = self._row(self.tr("Stable after"), self.stable)

    def _row(self, text: str, editor: QWidget, help_text: str = "") -> Field:
        field = Field(editor)
        field.set_help(help_text)
        label = caption(text, editor, self)
        if not editor.accessibleName():
            editor.setAccessibleName(text.replace("&", ""))
        self._form.addRow(label, field)
        return field

    def _heading(self, text: str) -> None:
        label = caption(text, None, self)
        label.setFont(scaled_font(1.0, weight=label.font().Weight.DemiBold))
        label.setContentsMargins(0, 8, 0, 0)
        self._form.addRow(label)

    def _channel_boxes(self, chosen: Sequence[ChannelId]) -> dict[ChannelId, QCheckBox]:
        boxes = {}
        for id_, channel in self._context.channels.items():
            box = QCheckBox(alert_wording.channel_name(channel).replace("&", "&&"), self)
            box.setChecked(id_ in chosen)
            boxes[id_] = box
        return boxes

    def _boxed(self, boxes: Mapping[ChannelId, QCheckBox]) -> QWidget:
        box = QWidget(self)
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for one in boxes.values():
            column.addWidget(one)
        return box

    # Reading

    def read(self) -> AlertRule:
        """Return the rule as it is set. Raises InvalidInput, with the sentence at its field."""
        for field in self._fields():
            field.set_error(None)
        shown = self._shown
        kinds = frozenset(kind for kind, box in self.kinds.items() if box.isChecked())
        name = " ".join(self.name.text().split())
        if self._rule is not None and name == alert_wording.say(self._rule.name):
            name = self._rule.name
        scope = self._at(self.scope_field, self.scope.scope, shown.scope)
        slow = self._at(
            self.slow_field,
            lambda: SlowCondition(
                SlowUnit(self.slow_unit.currentData()), self.slow_count.value(), self.slow_of.value()
            ),
            shown.slow,
        )
        flapping = self._at(
            self.flaps_field, lambda: Flapping(self.flaps.value(), self.within.ms, self.stable.ms), shown.flapping
        )
        others = tuple(id_ for id_, box in self.others.items() if box.isChecked())
        escalation = self._at(
            self.escalate_field, lambda: Escalation(self.escalate.ms, others) if self.escalate.ms else None, None
        )
        quiet = self._at(self.quiet_field, self.quiet.spans, shown.quiet)
        days = self._at(self.days_field, self._read_days, shown.expiry_days)
        remind_ms = self._at(self.remind_field, self._read_remind_ms, shown.remind_ms)
        if not kinds:
            self._point_to(self.kinds_field, InvalidInput(self.tr("Choose something to tell of.")))
        return self._at(
            self.name_field,
            lambda: AlertRule(
                id=shown.id,
                name=name,
                kinds=kinds,
                channels=tuple(id_ for id_, box in self.channels.items() if box.isChecked()),
                scope=scope,
                after_ms=self.after.ms,
                slow=slow,
                expiry_days=days,
                remind_ms=remind_ms,
                quiet=quiet,
                quiet_end=QuietEnd(self.quiet_end.currentData()),
                escalation=escalation,
                flapping=flapping,
                cool_down_ms=self.cool_down.ms,
                is_enabled=shown.is_enabled,
            ),
            shown,
        )

    def _read_remind_ms(self) -> int:
        if 0 < self.remind.ms < MINUTE_MS:
            raise InvalidInput(self.tr("Reminders come a minute apart at the least."))
        return self.remind.ms

    def _read_days(self) -> tuple[int, ...]:
        words = [word.strip() for word in self.days.text().replace(";", ",").split(",") if word.strip()]
        if not all(word.isascii() and word.isdigit() and 1 <= int(word[:4]) <= 365 for word in words):
            raise InvalidInput(self.tr("Days are numbers from 1 to 365, separated by commas."))
        if not words:
            raise InvalidInput(self.tr("Say how many days ahead the end is told, like 30, 14, 7."))
        return tuple(sorted({int(word) for word in words}, reverse=True))

    def _at(self, field: Field, read: Callable[[], Value], otherwise: Value) -> Value:
        """Return what a field says, `otherwise` where it is not shown: nobody could mend it there."""
        if not self._form.isRowVisible(field):
            return otherwise
        try:
            return read()
        except InvalidInput as exc:
            self._point_to(field, exc)
            raise  # as `_point_to` does

    def _point_to(self, field: Field, error: PingmonError) -> None:
        field.set_error(error)
        field.take_focus()
        self._area.ensureWidgetVisible(field)
        raise error

    def _fields(self) -> list[Field]:
        return [
            self.name_field,
            self.kinds_field,
            self.slow_field,
            self.days_field,
            self.scope_field,
            self.quiet_field,
            self.escalate_field,
            self.remind_field,
            self.flaps_field,
        ]

    # Slots

    @Slot()
    def on_kinds_changed(self) -> None:
        is_on = {kind: box.isChecked() for kind, box in self.kinds.items()}
        self._show(self.slow_field, is_on[AlertKind.SLOW])
        self._show(self.days_field, is_on[AlertKind.CERTIFICATE] or is_on[AlertKind.REGISTRATION])
        # Somebody learns of it: whoever switches it on is told who.
        asked = self.tr(
            "For “Registration ends” Pingmon asks the registry of each domain's name once a day, by RDAP. "
            "It learns the name and this computer's address."
        )
        self.kinds_field.set_help(asked if is_on[AlertKind.REGISTRATION] else "")
        timed = (AlertKind.OFFLINE, AlertKind.REGIONAL, AlertKind.PROBE_LOST, AlertKind.OWN_NETWORK)
        self._show(self.after_field, any(is_on[kind] for kind in timed))
        self._show(self.scope_field, any(kind.is_of_domain for kind in is_on if is_on[kind]))
        # What ends by a date is told at its days alone; what flaps comes and goes.
        self._show(self.remind_field, any(is_on[kind] for kind in is_on if kind not in EXPIRIES))
        turning = is_on[AlertKind.OFFLINE] or is_on[AlertKind.REGIONAL] or is_on[AlertKind.SLOW]
        for field in (self.cool_down_field, self.flaps_field, self.within_field, self.stable_field):
            self._show(field, turning)
        self.outcome.hide()

    def _show(self, field: Field, is_shown: bool) -> None:
        self._form.setRowVisible(field, is_shown)

    @Slot()
    def on_preview(self) -> None:
        self.outcome.hide()
        try:
            rule = self.read()
        except InvalidInput:
            return
        self._spawn(self._try(rule))

    async def _try(self, rule: AlertRule) -> None:
        self.outcome.setText(self.tr("Looking at what is kept…"))
        self.outcome.show()
        with self.greyed(self.preview_button):
            try:
                found = await self._preview(rule)
            except PingmonError as exc:
                if not self._is_closed:
                    self.outcome.hide()
                    self.show_problem(exc)
            else:
                if not self._is_closed:
                    self.outcome.setText(preview_text(rule, found))
