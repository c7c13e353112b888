"""What the main window has of alerts: the bell with the latest, and the windows for all of it, made when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, QSettings, Signal, Slot
from PySide6.QtWidgets import QWidget

from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.alert import Alert, AlertId
from pingmon_gui.domain.alert_channel import Channel, ChannelKind
from pingmon_gui.domain.alert_rule import AlertRule
from pingmon_gui.domain.delivery import Delivery
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import AlertsChanged
from pingmon_gui.ui.alert_bell import AlertBell
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.kept_window import bring_up
from pingmon_gui.ui.theme import ThemeSwitch

if TYPE_CHECKING:
    from pingmon_gui.ui.alert_page import AlertPage

_RECENT = 30
_WEEK_MS = 7 * 86_400_000
_SEEN = "alerts_seen_ms"


class AlertSession(Protocol):
    """What the windows about alerts need of a session."""

    @property
    def store(self) -> Any: ...

    @property
    def alerts(self) -> Alerting: ...


class AlertWindows(QObject):
    """`incident_asked` carries an incident that is to be shown."""

    incident_asked = Signal(object)

    def __init__(
        self,
        session: AlertSession,
        board: Board,
        bell: AlertBell,
        spawner: Spawner,
        theme: ThemeSwitch,
        now_ms: Callable[[], int],
        settings: QSettings,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._board = board
        self._bell = bell
        self._spawner = spawner
        self._theme = theme
        self._now_ms = now_ms
        self._settings = settings
        self._window = window
        self._recent: dict[AlertId, Alert] = {}
        self.page: AlertPage | None = None
        bell.opened.connect(self.on_opened)
        bell.asked.connect(self.show_page)
        bell.pause_asked.connect(self.on_pause_asked)

    @Slot()
    def load(self) -> None:
        """Read the latest alerts; called after the first frame."""
        self._spawner.spawn(self._load())

    async def _load(self) -> None:
        now_ms = self._now_ms()
        for alert in await self._session.store.alerts(now_ms - _WEEK_MS, now_ms + 1, _RECENT):
            self._recent.setdefault(alert.id, alert)
        if self._seen_ms is None:
            self._settings.setValue(_SEEN, now_ms)
        self._show()

    @property
    def _seen_ms(self) -> int | None:
        text = str(self._settings.value(_SEEN, ""))
        return int(text) if text.isdecimal() else None

    def _show(self) -> None:
        newest = sorted(self._recent.values(), key=lambda alert: -alert.opened_at_ms)[:_RECENT]
        self._recent = {alert.id: alert for alert in newest}
        seen_ms = self._seen_ms or 0
        unseen = sum(alert.opened_at_ms > seen_ms for alert in newest)
        self._bell.show_alerts(newest, unseen, self._session.alerts.book.paused_until_ms)

    @Slot(object)
    def on_alerts_changed(self, event: AlertsChanged) -> None:
        self._recent |= {alert.id: alert for alert in event.alerts}
        self._show()
        if self.page is not None and self.page.isVisible():
            self.page.reload()

    @Slot()
    def on_book_changed(self) -> None:
        self._show()
        if self.page is not None:
            self.page.show_book()

    @Slot(object)
    def on_delivery_changed(self, delivery: Delivery) -> None:
        if self.page is not None and self.page.isVisible():
            self.page.delivery_changed(delivery)

    @Slot()
    def on_opened(self) -> None:
        self._settings.setValue(_SEEN, self._now_ms())
        self._show()

    @Slot(object)
    def on_pause_asked(self, until_ms: int) -> None:
        self._spawner.spawn(self._session.alerts.pause_until(until_ms))

    def open_alert(self, id_: AlertId) -> None:
        """Show what an alert is about: the incident where it is one, else the alert with all that is in it."""
        alert = self._recent.get(id_)
        incidents = {item.incident for item in alert.items.values()} if alert is not None else set()
        if len(incidents) == 1 and None not in incidents:
            self.on_opened()
            self.incident_asked.emit(incidents.pop())
        else:
            self.show_page(id_)

    @Slot()
    @Slot(object)
    def show_page(self, alert: AlertId | None = None) -> None:
        """Show everything about alerts; one of them is brought up where it is given."""
        if self.page is None:
            from pingmon_gui.ui.alert_page import AlertPage

            self.page = AlertPage(
                self._session.store,
                self._session.alerts,
                self._spawner.spawn,
                self._now_ms,
                self._theme,
                self._window,
            )
            self.page.rules.asked.connect(self.ask_rule)
            self.page.channels.asked.connect(self.ask_channel)
            self.page.incident_asked.connect(self.incident_asked)
        bring_up(self.page)
        self.on_opened()
        if isinstance(alert, int) and not isinstance(alert, bool):
            self._spawner.spawn(self._bring_up(AlertId(alert)))

    async def _bring_up(self, alert: AlertId) -> None:
        assert self.page is not None
        await self.page.load()
        self.page.select(alert)

    @Slot(object)
    def ask_rule(self, rule: AlertRule | None) -> None:
        from pingmon_gui.ui.rule_form import RuleContext, RuleForm

        alerting = self._session.alerts
        monitors = list(self._board.monitors.values())
        tags = sorted({tag for monitor in monitors for tag in monitor.tags}, key=str.casefold)
        context = RuleContext(alerting.book.channels, monitors, tags)
        form = RuleForm(rule, context, alerting.preview, self._spawner.spawn, self.page or self._window)
        form.submitted.connect(lambda made: self._spawner.spawn(form.carry_out(alerting.save_rule(made))))
        form.open()

    @Slot(object)
    def ask_channel(self, what: Channel | ChannelKind) -> None:
        from pingmon_gui.ui.channel_form import ChannelForm

        alerting = self._session.alerts
        kind, channel = (what.kind, what) if isinstance(what, Channel) else (what, None)
        form = ChannelForm(kind, channel, alerting.test_channel, self._spawner.spawn, self.page or self._window)
        form.submitted.connect(lambda made: self._spawner.spawn(form.carry_out(alerting.save_channel(*made))))
        form.open()
