"""The maintenance windows in a window of their own: what is on, what comes, what is just over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QVBoxLayout, QWidget

from pingmon_gui.domain.maintenance import MaintenanceWindow, outlook
from pingmon_gui.domain.time_zone import local_zone_name
from pingmon_gui.ui import maintenance_wording, tab_parts, wording
from pingmon_gui.ui.kept_window import KeptWindow
from pingmon_gui.ui.sentence_label import SentenceLabel
from pingmon_gui.ui.theme import ThemeSwitch

CLOCK_MS = 10_000
_NAME, _DOMAINS, _STATE = 0, 2, 3


class MaintenancePage(KeptWindow):
    """`asked` carries a window that is to be edited, None for a new one; the others what is to end or to go."""

    asked = Signal(object)
    end_asked = Signal(object)
    removal_asked = Signal(object)
    undo_asked = Signal()

    def __init__(
        self,
        windows: Callable[[], Sequence[MaintenanceWindow]],
        now_ms: Callable[[], int],
        theme: ThemeSwitch,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Maintenance windows"))
        self._windows = windows
        self._now_ms = now_ms
        heads = [self.tr("Window"), self.tr("Is on"), self.tr("Domains"), self.tr("State")]
        self.table = tab_parts.short_table(heads, self.tr("Maintenance windows"), self)
        header = self.table.horizontalHeader()
        for section in (_NAME, _DOMAINS, _STATE):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        self.table.itemDoubleClicked.connect(self.on_edit)
        self.table.itemSelectionChanged.connect(self.update_buttons)
        text = self.tr(
            "In a maintenance window domains are measured, but nothing counts: no incident opens, nobody is alerted, "
            "and the time is left out of availability. A window says nothing of the past."
        )
        self.nothing = tab_parts.note(self.tr("There is none yet."), self)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.add = tab_parts.button(self.tr("&New window…"), self, self.on_add)
        self.edit = tab_parts.button(self.tr("&Edit…"), self, self.on_edit)
        self.end = tab_parts.button(self.tr("End n&ow"), self, self.on_end)
        self.end.setToolTip(wording.tool_tip(self.tr("Ends what is on. A window that is repeated comes again.")))
        self.remove = tab_parts.button(self.tr("&Remove"), self, self.on_remove)
        self.undo = tab_parts.button(self.tr("&Undo"), self, self.on_undo)
        self.undo.hide()
        self.message = SentenceLabel(self)
        whole = QWidget(self)
        buttons = [self.add, self.edit, self.end, self.remove, self.undo]
        tab_parts.stack(whole, [tab_parts.note(text, self), self.table, self.nothing], buttons)
        column = QVBoxLayout(self)
        column.addWidget(whole, 1)
        column.addWidget(self.message)
        self._timer = QTimer(self)
        self._timer.setInterval(CLOCK_MS)
        self._timer.timeout.connect(self.show_windows)
        theme.changed.connect(self.refresh)
        self.show_windows()
        self.refresh()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 120, self.fontMetrics().lineSpacing() * 24)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))

    @Slot()
    def show_windows(self) -> None:
        """Take over the windows that there are, and how they stand now."""
        now_ms, zone = self._now_ms(), local_zone_name()
        windows = sorted(self._windows(), key=lambda window: outlook(window, now_ms).place)
        tab_parts.fill(
            self.table,
            [
                (
                    window,
                    None,
                    [
                        wording.plain(window.name, 100),
                        maintenance_wording.schedule_words(window.schedule, zone),
                        maintenance_wording.scope_words(window.scope),
                        maintenance_wording.state_words(window, now_ms),
                    ],
                )
                for window in windows
            ],
        )
        self.table.setVisible(bool(windows))
        self.nothing.setVisible(not windows)
        self.update_buttons()

    def say(self, sentence: str, *, has_undo: bool) -> None:
        """Say what was done, below the buttons."""
        self.message.say(sentence)
        self.undo.setVisible(has_undo)

    @property
    def chosen(self) -> MaintenanceWindow | None:
        found = tab_parts.selected(self.table)
        return found if isinstance(found, MaintenanceWindow) else None

    @Slot()
    def update_buttons(self) -> None:
        window = self.chosen
        stands = None if window is None else outlook(window, self._now_ms())
        self.edit.setEnabled(stands is not None and not stands.is_over)
        self.end.setEnabled(stands is not None and stands.until_ms is not None)
        self.remove.setEnabled(window is not None)

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        tab_parts.refresh(self)

    @Slot()
    def on_add(self) -> None:
        self.asked.emit(None)

    @Slot()
    def on_edit(self) -> None:
        if self.edit.isEnabled():
            self.asked.emit(self.chosen)

    @Slot()
    def on_end(self) -> None:
        self.end_asked.emit(self.chosen)

    @Slot()
    def on_remove(self) -> None:
        self.removal_asked.emit(self.chosen)

    @Slot()
    def on_undo(self) -> None:
        self.say("", has_undo=False)
        self.undo_asked.emit()

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.show_windows()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
