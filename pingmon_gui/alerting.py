"""Alerts joined: the policy that decides, the outbox that delivers, channels with what opens them, the desktop.

Part of a session; both front ends ask here for everything about alerts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pingmon_gui.alerts.desktop import DesktopSender, Screen
from pingmon_gui.alerts.outbox import Outbox
from pingmon_gui.alerts.port import ChannelSecrets, DesktopAction, DesktopNotifier, Sender
from pingmon_gui.domain.alert import Alert, AlertEvent, AlertId, AlertItem, MatterKey, Post, new_alert_id
from pingmon_gui.domain.alert_channel import Channel, ChannelId, ChannelKind, ChannelSecret
from pingmon_gui.domain.alert_news import RegistrationFact
from pingmon_gui.domain.alert_replay import Past, Replay, replay
from pingmon_gui.domain.alert_rule import DAY_MS, HOUR_MS, AlertBook, AlertKind, AlertRule, RuleId, SlowUnit
from pingmon_gui.domain.alert_words import Say
from pingmon_gui.domain.delivery import Delivery, DeliveryState
from pingmon_gui.domain.error import ChannelError, InvalidInput, SettingsError, StorageError
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.registration import Registration
from pingmon_gui.engine.alert_policy import AlertPolicy
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.event import (
    AlertBookChanged,
    AlertsChanged,
    DeliveryChanged,
    Event,
    EventHub,
    Notice,
    TimePassed,
)
from pingmon_gui.engine.incident_tracker import IncidentTracker
from pingmon_gui.engine.port import RegistryPort
from pingmon_gui.engine.registration_watch import RegistrationWatch

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

_log = logging.getLogger(__name__)

SNOOZE_MS = HOUR_MS
REPAIR_S = 1.0
#: Of more monitors than this only a day of single results is replayed: a week would take minutes.
MANY_RESULTS = 20
#: The time of the outage that templates are tried with.
EXAMPLE_MS = 1_767_225_600_000
OpenAlert = Callable[[AlertId], None]


class Alerting:
    """`start` once the engine runs; `stop` after it ended, so that its last words are heard, too.

    Without a `registry` nobody is asked until when names are registered.
    """

    def __init__(
        self,
        store: Store,
        board: Board,
        incidents: IncidentTracker,
        hub: EventHub,
        clock: Clock,
        secrets: ChannelSecrets,
        registry: RegistryPort | None = None,
    ) -> None:
        self._store = store
        self._board = board
        self._incidents = incidents
        self._hub = hub
        self._clock = clock
        self._secrets = secrets
        self._notifier: DesktopNotifier | None = None
        self._say: Say = str
        self._on_open: OpenAlert = lambda _alert: None
        self._tasks: set[asyncio.Task[object]] = set()
        self._screen = Screen()
        self._outbox = Outbox(
            store, self._make_sender, clock.now_ms, on_health=self._told_health, on_delivery=self._told_delivery
        )
        self._registrations = None if registry is None else RegistrationWatch(board, hub, clock, store, registry)
        self.policy = AlertPolicy(store, board, hub, clock, self._outbox.put, registrations=self._registrations)
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Go on where the last life ended. Raises StorageError."""
        memory = await self.policy.start()
        await self._outbox.start(self.book.channels.values(), memory.waiting, self.policy.failing_channels)
        self._unsubscribe = self._hub.subscribe(self._hear)
        self._spawn(self._lasting(self.policy.run), "alerts")
        if self._registrations is not None:
            self._spawn(self._lasting(self._registrations.run), "registrations")

    async def stop(self) -> None:
        """Decide about the last news, keep everything, end."""
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.policy.stop()
        await self._outbox.stop()

    async def _lasting(self, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except Exception:
                # A bug about one alert must not end all others: what it was about is in the log and with the incidents.
                _log.exception("a decision about alerts failed")
                self._hub.publish(Notice("An alert failed because of a fault of Pingmon's own.", "The log has more."))
            await asyncio.sleep(REPAIR_S)

    @property
    def book(self) -> AlertBook:
        return self.policy.book

    @property
    def live(self) -> tuple[Alert, ...]:
        """The alerts that are not over, or not told to the end."""
        return tuple(self.policy.live)

    @property
    def waiting(self) -> Mapping[ChannelId, int]:
        """How many messages wait on each channel."""
        return self._outbox.waiting

    @property
    def registrations(self) -> tuple[RegistrationFact, ...]:
        """Until when the names of domains are registered, as far as that is known."""
        return () if self._registrations is None else self._registrations.facts

    def registration_of(self, monitor: MonitorId) -> Registration | None:
        """Return what is known of the registration of a monitor's name; None where nobody wants to know."""
        return None if self._registrations is None else self._registrations.of(monitor)

    def set_desktop(self, notifier: DesktopNotifier | None, say: Say = str, on_open: OpenAlert | None = None) -> None:
        """Show notifications by `notifier` from now on; `say` translates, `on_open` shows an alert in the window."""
        self._notifier = notifier
        self._say = say
        self._on_open = on_open or (lambda _alert: None)
        if notifier is not None:
            notifier.on_action = self._acted
            notifier.on_there = self._renew_desktop
        self._renew_desktop()

    def _renew_desktop(self) -> None:
        for channel in self.book.channels.values():
            if channel.kind is ChannelKind.DESKTOP:
                self._outbox.renew(channel.id)

    # What a person does

    async def save_rule(self, rule: AlertRule) -> None:
        """Add a rule or replace the one with its id. Raises InvalidInput, SettingsError, StorageError."""
        if _is_taken(rule, self.book.rules):
            raise InvalidInput("There is an alert rule of this name already.", "Give it another name.")
        unknown = [one for one in rule.channels if one not in self.book.channels]
        if rule.escalation is not None:
            unknown += [one for one in rule.escalation.channels if one not in self.book.channels]
        if unknown:
            raise SettingsError("The rule names a channel that is not there any more.")
        rules = self.book.rules
        if any(one.id == rule.id for one in rules):
            rules = tuple(rule if one.id == rule.id else one for one in rules)
        else:
            rules = (*rules, rule)
        await self.policy.change_book(replace(self.book, rules=rules))

    async def set_rule_enabled(self, id_: RuleId, is_enabled: bool) -> None:
        """Turn a rule on or off. Raises StorageError."""
        rules = (replace(rule, is_enabled=is_enabled) if rule.id == id_ else rule for rule in self.book.rules)
        await self.policy.change_book(replace(self.book, rules=tuple(rules)))

    async def set_channel_enabled(self, id_: ChannelId, is_enabled: bool) -> None:
        """Turn a channel on or off; what waits for one that is turned off is dropped. Raises StorageError."""
        channel = self.book.channels.get(id_)
        if channel is not None:
            await self.save_channel(replace(channel, is_enabled=is_enabled))

    async def delete_rule(self, id_: RuleId) -> None:
        rules = tuple(rule for rule in self.book.rules if rule.id != id_)
        await self.policy.change_book(replace(self.book, rules=rules))

    async def save_channel(self, channel: Channel, secret: ChannelSecret | None = None) -> Channel:
        """Add a channel or replace the one with its id; without a secret the one it has stays.

        Raises InvalidInput where its name or address does not fit, StorageError where it cannot be kept.
        """
        if _is_taken(channel, self.book.channels.values()):
            raise InvalidInput("There is a channel of this name already.", "Give it another name.")
        if secret is not None:
            channel = replace(channel, shown=await checked_address(channel, secret))
            await self._keep_secret(channel.id, secret)
        if channel.template:
            check_template(channel)
        await self.policy.change_book(replace(self.book, channels={**self.book.channels, channel.id: channel}))
        if secret is not None:
            self._outbox.renew(channel.id)
        return channel

    async def delete_channel(self, id_: ChannelId) -> None:
        """Remove a channel from all rules, and what opens it; what waits for it is dropped. Raises StorageError."""
        channels = {one: channel for one, channel in self.book.channels.items() if one != id_}
        rules = tuple(rule.without_channel(id_) for rule in self.book.rules)
        await self.policy.change_book(replace(self.book, rules=rules, channels=channels))
        await asyncio.to_thread(self._secrets.forget, id_)

    async def preview(self, rule: AlertRule, days: int = 7) -> Replay:
        """Return what a rule would have told lately, as far as it is kept. Raises StorageError."""
        now_ms = self._clock.now_ms()
        meant = [
            monitor
            for monitor in self._board.monitors.values()
            if rule.scope.holds(monitor.id, frozenset(tag.casefold() for tag in monitor.tags))
        ]
        is_by_results = AlertKind.SLOW in rule.kinds and rule.slow.unit is SlowUnit.RESULTS
        if is_by_results and len(meant) > MANY_RESULTS:
            days = 1
        from_ms = now_ms - days * DAY_MS
        ids = [monitor.id for monitor in meant]
        past = Past(
            from_ms,
            now_ms,
            meant,
            await self._store.incidents(from_ms, now_ms, ids),
            await self._store.verdict_spans(ids, from_ms - DAY_MS, now_ms),
            await self._store.tracks(ids, from_ms, now_ms) if is_by_results else {},
            self.policy.certificates,
            self.registrations,
        )
        return await asyncio.to_thread(replay, rule, past)

    async def pause_until(self, until_ms: int) -> None:
        """Tell nothing on any channel before a time; 0 ends a pause. Raises StorageError."""
        await self.policy.change_book(replace(self.book, paused_until_ms=until_ms))

    async def test_channel(self, channel: Channel, secret: ChannelSecret | None = None) -> None:
        """Send a test by a channel, which need not be saved; `secret` None is the one it has.

        Raises ChannelError with the receiver's reason.
        """
        post = test_post(channel.id, self._clock.now_ms())
        delivery = Delivery(post, DeliveryState.SENT, 1, done_at_ms=post.at_ms)
        try:
            sender = await self._make_sender(channel, secret)
            if sender is None:
                raise ChannelError("There is no desktop here to show it on.", "Notifications come from the window.")
            await sender.send(post, post.at_ms)
        except ChannelError as exc:
            delivery = replace(delivery, state=DeliveryState.REFUSED, error=exc.message)
            raise
        finally:
            if channel.id in self.book.channels:
                await self._keep_delivery(delivery)

    async def acknowledge(self, id_: AlertId, is_acknowledged: bool = True) -> None:
        """Somebody looks after an alert and the incidents in it. Raises InvalidInput, StorageError."""
        alert = self.policy.live_alert(id_)
        if alert is None:
            raise InvalidInput("The alert is over, or not known.")
        self.policy.acknowledge(id_, is_acknowledged)
        for item in alert.items.values():
            if item.incident is not None and not item.is_over and item.kind.is_outage:
                await self._incidents.acknowledge(item.incident, is_acknowledged)

    def snooze(self, id_: AlertId, for_ms: int = SNOOZE_MS) -> None:
        """No reminders of an alert for a while. Raises InvalidInput."""
        if self.policy.live_alert(id_) is None:
            raise InvalidInput("The alert is over, or not known.")
        self.policy.snooze(id_, for_ms)

    def hurry(self) -> None:
        """Try at once what waits: the network may be there again."""
        self._outbox.hurry()

    # Channels

    async def _make_sender(self, channel: Channel, secret: ChannelSecret | None = None) -> Sender | None:
        if channel.kind is ChannelKind.DESKTOP:
            if self._notifier is None:
                return None
            return DesktopSender(self._notifier, self._say, self._told_absent)
        opened = await asyncio.to_thread(self._secrets.load, channel.id) if secret is None else secret
        return sender_of(channel, opened)

    async def _keep_secret(self, id_: ChannelId, secret: ChannelSecret) -> None:
        try:
            await asyncio.to_thread(self._secrets.save, id_, secret)
        except OSError as exc:
            raise StorageError(f"The address of the channel cannot be kept: {exc.strerror or exc}.") from exc

    async def _keep_delivery(self, delivery: Delivery) -> None:
        try:
            await self._store.save_deliveries([delivery])
        except StorageError as exc:
            _log.warning("a test could not be noted: %s", exc)
        self._told_delivery(delivery)

    def _told_health(self, channel: Channel, since_ms: int | None, problem: str) -> None:
        self.policy.channel_health(channel, since_ms, problem)

    def _told_absent(self, error: ChannelError) -> None:
        _log.info("%s", error.message)
        self._hub.publish(Notice(error.message, error.hint or ""))

    def _told_delivery(self, delivery: Delivery) -> None:
        self._hub.publish(DeliveryChanged(delivery))

    def _hear(self, event: Event) -> None:
        match event:
            case AlertBookChanged():
                self._outbox.set_channels(event.book.channels.values())
            case AlertsChanged():
                self._clear_screen(event.alerts)
            case TimePassed():
                if event.is_gap:
                    self._outbox.hurry()
                if self._outbox.has_unsaved:
                    self._spawn(self._outbox.settle(), "deliveries")

    def _clear_screen(self, alerts: Iterable[Alert]) -> None:
        if self._notifier is not None:
            for alert in self._screen.needless(alerts, self.book.channels, self._clock.now_ms()):
                self._spawn(self._notifier.withdraw(alert), "withdraw")

    def _acted(self, id_: AlertId, action: DesktopAction) -> None:
        match action:
            case DesktopAction.OPEN:
                self._on_open(id_)
            case DesktopAction.ACKNOWLEDGE:
                self._spawn(self._quietly(self.acknowledge(id_)), "acknowledge")
            case DesktopAction.SNOOZE:
                if self.policy.live_alert(id_) is not None:
                    self.policy.snooze(id_, SNOOZE_MS)

    async def _quietly(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except (InvalidInput, StorageError) as exc:
            _log.info("a notification's button did nothing: %s", exc)

    def _spawn(self, work: object, name: str) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work, name=name)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.critical("alerts failed by a fault of Pingmon's own", exc_info=error)


def sender_of(channel: Channel, secret: ChannelSecret) -> Sender:
    """Return what sends by a channel of the network."""
    # Imported when needed: the network's libraries take a while.
    if channel.kind is ChannelKind.WEBHOOK:
        from pingmon_gui.alerts.webhook import WebhookSender

        return WebhookSender(channel, secret)
    from pingmon_gui.alerts.apprise_channel import AppriseSender

    return AppriseSender(secret)


async def checked_address(channel: Channel, secret: ChannelSecret) -> str:
    """Return what may be shown of where a channel leads. Raises InvalidInput with a sentence."""
    if channel.kind is ChannelKind.WEBHOOK:
        from pingmon_gui.alerts.webhook import check_webhook

        return check_webhook(secret)
    if channel.kind is ChannelKind.APPRISE:
        from pingmon_gui.alerts.apprise_channel import check_apprise

        return await check_apprise(secret)
    return ""


def check_template(channel: Channel) -> str:
    """Return what a template makes of an example. Raises InvalidInput with the place of an error."""
    from pingmon_gui.alerts.payload import payload
    from pingmon_gui.alerts.template import rendered

    return rendered(channel, payload(example_post(channel.id), EXAMPLE_MS))


def test_post(channel: ChannelId, now_ms: int) -> Post:
    """Return the message of a test."""
    return Post(new_alert_id(), channel, 1, AlertEvent.TEST, AlertKind.OFFLINE, now_ms, (), 0, 0)


def example_post(channel: ChannelId) -> Post:
    """Return a message as templates are tried with: one outage of one domain."""
    item = AlertItem(
        key=MatterKey("incident/1"),
        kind=AlertKind.OFFLINE,
        subject="shop.example",
        since_ms=EXAMPLE_MS,
        text="shop.example is offline: no answer comes in time",
        past_text="shop.example was offline: no answer came in time",
        monitors=(MonitorId(2),),
        url="https://shop.example",
        incident=IncidentId(1),
        regions=("eu", "na"),
        failure="timeout",
    )
    return Post(
        AlertId(1), channel, 1, AlertEvent.TRIGGERED, AlertKind.OFFLINE, EXAMPLE_MS, (item,), count=1, lasting=1
    )


def _is_taken(wanted: AlertRule | Channel, known: Iterable[AlertRule | Channel]) -> bool:
    """Return whether another one has the name by which files know it; one that has kept its name may go on."""
    by_id = {one.id: one.name.casefold() for one in known}
    name = wanted.name.casefold()
    return by_id.pop(wanted.id, None) != name and name in by_id.values()
