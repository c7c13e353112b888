"""Which domains something is for, as a field of a form: all, those with a tag, chosen ones, or both of these."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from pingmon_gui.domain.monitor import Monitor, MonitorId, parse_tags
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.ui import wording
from pingmon_gui.ui.tag_field import TagField

_LINES_SHOWN = 7


class ScopeEdit(QWidget):
    """`scope` reads it; `changed` says that it may be another."""

    changed = Signal()

    def __init__(
        self, scope: Scope, monitors: Sequence[Monitor], known_tags: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.choice = QComboBox(self)
        self.choice.setAccessibleName(self.tr("Domains"))
        for text, data in (
            (self.tr("All domains"), "all"),
            (self.tr("Domains with a tag"), "tags"),
            (self.tr("Chosen domains"), "monitors"),
            (self.tr("Domains with a tag, and chosen ones"), "both"),
        ):
            self.choice.addItem(text, data)
        self.tags = TagField(known_tags, self)
        self.tags.setAccessibleName(self.tr("Tags"))
        self.tags.setPlaceholderText(self.tr("Tags, separated by commas; one of them is enough"))
        self.tags.setText(", ".join(sorted(scope.tags)))
        self.monitors = self._list(scope, monitors)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.choice, self.tags, self.monitors):
            column.addWidget(part)
        wanted = "all" if scope.is_all else "tags" if not scope.monitors else "both" if scope.tags else "monitors"
        self.choice.setCurrentIndex(self.choice.findData(wanted))
        self.choice.currentIndexChanged.connect(self.on_chosen)
        self.tags.textChanged.connect(self.changed)
        self.monitors.itemChanged.connect(self.changed)
        self._show_parts()

    def _list(self, scope: Scope, monitors: Sequence[Monitor]) -> QListWidget:
        found = QListWidget(self)
        found.setAccessibleName(self.tr("Chosen domains"))
        found.setUniformItemSizes(True)
        found.setFixedHeight(self.fontMetrics().lineSpacing() * _LINES_SHOWN)
        # What is in it comes first: of many domains only a few can be seen.
        for monitor in sorted(monitors, key=lambda one: (one.id not in scope.monitors, one.title.casefold())):
            item = QListWidgetItem(wording.plain(monitor.title, 120), found)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            is_in = monitor.id in scope.monitors
            item.setCheckState(Qt.CheckState.Checked if is_in else Qt.CheckState.Unchecked)
            item.setData(Qt.ItemDataRole.UserRole, monitor.id)
        return found

    def scope(self) -> Scope:
        """Return what is chosen. Raises InvalidInput where it is nothing."""
        choice = self.choice.currentData()
        if choice == "all":
            return EVERYTHING
        tags = frozenset(parse_tags(self.tags.text())) if choice in ("tags", "both") else frozenset()
        return Scope(False, tags, self._checked() if choice in ("monitors", "both") else frozenset())

    def _checked(self) -> frozenset[MonitorId]:
        items = [self.monitors.item(row) for row in range(self.monitors.count())]
        checked = [item for item in items if item.checkState() == Qt.CheckState.Checked]
        return frozenset(MonitorId(item.data(Qt.ItemDataRole.UserRole)) for item in checked)

    @Slot()
    def on_chosen(self) -> None:
        self._show_parts()
        self.changed.emit()

    def _show_parts(self) -> None:
        choice = self.choice.currentData()
        self.tags.setVisible(choice in ("tags", "both"))
        self.monitors.setVisible(choice in ("monitors", "both"))
