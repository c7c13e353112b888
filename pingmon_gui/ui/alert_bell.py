"""The bell in the top bar: how many alerts are new, the latest of them at a click, and the pause of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from pingmon_gui.domain.alert import Alert
from pingmon_gui.domain.quiet_hours import next_morning_ms
from pingmon_gui.ui import alert_wording, resource, status_shape, wording
from pingmon_gui.ui.theme import current

_SHOWN = 8
_HOUR_MS = 3_600_000


class AlertBell(QToolButton):
    """`opened` says that the alerts were looked at, `asked` carries one that is wanted (None = all of them).

    `pause_asked` carries until when, in Unix ms; 0 ends a pause.
    """

    opened = Signal()
    asked = Signal(object)
    pause_asked = Signal(object)

    def __init__(self, now_ms: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now_ms = now_ms
        self._alerts: Sequence[Alert] = ()
        self._unseen = 0
        self._paused_until_ms = 0
        self.setProperty("pill", True)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self.tr("Alerts"), self)
        self._menu.setToolTipsVisible(True)
        self.setMenu(self._menu)
        self._menu.aboutToShow.connect(self.on_about_to_show)
        self._menu.triggered.connect(self.on_triggered)
        self.refresh()

    def show_alerts(self, alerts: Sequence[Alert], unseen: int, paused_until_ms: int) -> None:
        """Take over the latest alerts, newest first, and how many nobody has looked at yet."""
        self._alerts, self._unseen, self._paused_until_ms = alerts, unseen, paused_until_ms
        self.refresh()

    def refresh(self) -> None:
        """Take over state and colours."""
        theme = current()
        is_paused = self._paused_until_ms > self._now_ms()
        colour = theme.offline if self._unseen else theme.muted
        self.setIcon(resource.line_icon("bell-off" if is_paused else "bell", colour))
        self.setText(f" {wording.number(self._unseen)}" if self._unseen else "")
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if self._unseen else Qt.ToolButtonStyle.ToolButtonIconOnly
        self.setToolButtonStyle(style)
        if is_paused:
            name = self.tr("Alerts are paused until %1").replace("%1", wording.date_time(self._paused_until_ms))
        elif self._unseen:
            name = wording.counted(self.tr("%n new alert(s)", "", self._unseen), self._unseen)
        else:
            name = self.tr("Alerts")
        self.setAccessibleName(name)
        self.setToolTip(wording.tool_tip(name))

    @Slot()
    def on_about_to_show(self) -> None:
        self._menu.clear()
        now_ms = self._now_ms()
        if not self._alerts:
            nothing = self._menu.addAction(self.tr("No alerts yet: what goes wrong is listed here"))
            nothing.setEnabled(False)
        for alert in self._alerts[:_SHOWN]:
            words = alert_wording.alert_words(alert, now_ms)
            title = words.title.replace("&", "&&")
            action = self._menu.addAction(f"{title}\t{wording.ago(alert.opened_at_ms, now_ms)}")
            action.setIcon(status_shape.icon(int(alert_wording.verdict_of(alert.kind))))
            action.setToolTip(wording.tool_tip(words.text))
            action.setData(alert.id)
        self._menu.addSeparator()
        self._menu.addAction(self.tr("All alerts, rules and &channels…")).setData("all")
        add_pause_actions(self._menu, self._paused_until_ms, now_ms)
        self.opened.emit()

    @Slot(QAction)
    def on_triggered(self, action: QAction) -> None:
        data = action.data()
        if isinstance(data, tuple):
            self.pause_asked.emit(data[1])
        elif data == "all":
            self.asked.emit(None)
        elif data is not None:
            self.asked.emit(data)


def add_pause_actions(menu: QMenu, paused_until_ms: int, now_ms: int, *, is_flat: bool = False) -> None:
    """Add what pauses all alerts, or ends the pause. The data of an action is ("pause", until when).

    The choices are in a menu of their own unless the menu `is_flat`.
    """
    if paused_until_ms > now_ms:
        menu.addAction(resume_text(paused_until_ms)).setData(("pause", 0))
        return
    submenu = menu if is_flat else menu.addMenu(alert_wording.translate("Alerts", "&Pause all alerts"))
    for text, until in pauses():
        submenu.addAction(text).setData(("pause", until(now_ms)))


def pauses() -> list[tuple[str, Callable[[int], int]]]:
    """Return how long all alerts can be paused: what it is called, and until when from a time on, in Unix ms."""
    return [
        (alert_wording.translate("Alerts", "For &1 hour"), lambda now_ms: now_ms + _HOUR_MS),
        (alert_wording.translate("Alerts", "For &4 hours"), lambda now_ms: now_ms + 4 * _HOUR_MS),
        (alert_wording.translate("Alerts", "Until &tomorrow"), next_morning_ms),
    ]


def resume_text(paused_until_ms: int) -> str:
    """Return what ending a pause is called."""
    text = alert_wording.translate("Alerts", "&Tell alerts again (paused until %1)")
    return text.replace("%1", wording.date_time(paused_until_ms))
