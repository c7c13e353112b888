"""The alert rules: ticked on and off, made, edited, deleted and brought back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QTableWidgetItem, QWidget

from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.alert_rule import AlertRule, RuleId
from pingmon_gui.ui import alert_wording, tab_parts
from pingmon_gui.ui.run_card import Spawn


class RuleTab(QWidget):
    """`asked` carries a rule that is to be edited, None for a new one; `said` a sentence for below the tabs."""

    asked = Signal(object)
    said = Signal(str)

    def __init__(self, alerting: Alerting, spawn: Spawn, parent: QWidget) -> None:
        super().__init__(parent)
        self._alerting = alerting
        self._spawn = spawn
        self._deleted: AlertRule | None = None
        self._shown: set[RuleId] = set()
        heads = [self.tr("Rule"), self.tr("Tells of"), self.tr("Where"), self.tr("Tells by")]
        self.table = tab_parts.short_table(heads, self.tr("Rules"), self, (38, 40, 16))
        self.table.itemChanged.connect(self.on_ticked)
        self.table.itemDoubleClicked.connect(self.on_edit)
        self.table.itemSelectionChanged.connect(self.update_buttons)
        text = self.tr(
            "A rule tells its channels what goes wrong. The list of alerts has everything, whatever the channels."
        )
        self.add = tab_parts.button(self.tr("&New rule…"), self, self.on_add)
        self.edit = tab_parts.button(self.tr("&Edit…"), self, self.on_edit)
        self.delete = tab_parts.button(self.tr("De&lete"), self, self.on_delete)
        self.undo = tab_parts.button(self.tr("&Undo"), self, self.on_undo)
        self.undo.hide()
        tab_parts.stack(self, [tab_parts.note(text, self), self.table], [self.add, self.edit, self.delete, self.undo])

    def show_book(self) -> None:
        book = self._alerting.book
        shown, self._shown = self._shown, {rule.id for rule in book.rules}
        tab_parts.fill(
            self.table,
            [
                (
                    rule,
                    rule.is_enabled,
                    [
                        alert_wording.rule_name(rule),
                        alert_wording.rule_what(rule),
                        alert_wording.rule_where(rule),
                        alert_wording.channel_names(rule.channels, book.channels),
                    ],
                )
                for rule in book.rules
            ],
        )
        # One that has just come is the one that its maker looks for.
        if shown and (new := [place for place, rule in enumerate(book.rules) if rule.id not in shown]):
            self.table.selectRow(new[-1])
        self.update_buttons()

    @Slot()
    def update_buttons(self) -> None:
        has_rule = tab_parts.selected(self.table) is not None
        self.edit.setEnabled(has_rule)
        self.delete.setEnabled(has_rule)

    @Slot()
    def on_add(self) -> None:
        self.asked.emit(None)

    @Slot()
    def on_edit(self) -> None:
        if (rule := tab_parts.selected(self.table)) is not None:
            self.asked.emit(rule)

    @Slot()
    def on_delete(self) -> None:
        if (rule := tab_parts.selected(self.table)) is not None:
            self._spawn(self._delete(rule))

    async def _delete(self, rule: AlertRule) -> None:
        await self._alerting.delete_rule(rule.id)
        self._deleted = rule
        self.undo.show()
        self.said.emit(self.tr("Deleted %1.").replace("%1", alert_wording.rule_name(rule)))

    @Slot()
    def on_undo(self) -> None:
        if self._deleted is not None:
            rule, self._deleted = self._deleted, None
            self.undo.hide()
            self.said.emit("")
            self._spawn(self._alerting.save_rule(rule))

    @Slot(QTableWidgetItem)
    def on_ticked(self, item: QTableWidgetItem) -> None:
        rule = item.data(Qt.ItemDataRole.UserRole)
        is_on = item.checkState() == Qt.CheckState.Checked
        if isinstance(rule, AlertRule) and rule.is_enabled != is_on:
            self._spawn(self._alerting.set_rule_enabled(rule.id, is_on))
