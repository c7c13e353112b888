"""The desktop as a channel: turns messages into notifications that replace each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pingmon_gui.alerts.port import DesktopAction, DesktopNotice, DesktopNotifier
from pingmon_gui.domain.alert import Alert, AlertEvent, AlertId, Post
from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_words import Say, alert_text
from pingmon_gui.domain.error import ChannelError

_ALL = (DesktopAction.OPEN, DesktopAction.ACKNOWLEDGE, DesktopAction.SNOOZE)


class DesktopSender:
    """`say` translates phrases into the user's language; `on_absent` is told once when nothing here shows them."""

    def __init__(self, notifier: DesktopNotifier, say: Say, on_absent: Callable[[ChannelError], None]) -> None:
        self._notifier = notifier
        self._say = say
        self._on_absent = on_absent
        self._has_told = False

    async def send(self, post: Post, now_ms: int) -> None:
        try:
            await self._notifier.show(notice_of(post, now_ms, self._say))
        except ChannelError as exc:
            if exc.is_absent and not self._has_told:
                self._has_told = True
                self._on_absent(exc)
            raise
        self._has_told = False


def notice_of(post: Post, now_ms: int, say: Say = str) -> DesktopNotice:
    """Return a message as a notification."""
    words = alert_text(post, now_ms, say=say)
    is_over = post.event in (AlertEvent.RESOLVED, AlertEvent.TEST) and not post.lasting
    return DesktopNotice(
        alert=post.alert,
        title=words.title,
        text=words.text,
        kind=post.kind,
        is_over=is_over,
        is_update=post.event is AlertEvent.JOINED or (post.event is AlertEvent.RESOLVED and bool(post.lasting)),
        actions=() if post.event is AlertEvent.TEST else (DesktopAction.OPEN,) if is_over else _ALL,
    )


class Screen:
    """Which notifications on the screen nobody needs any more."""

    def __init__(self) -> None:
        self._left_alone: set[AlertId] = set()

    def needless(
        self, alerts: Iterable[Alert], channels: Mapping[ChannelId, Channel], now_ms: int
    ) -> tuple[AlertId, ...]:
        """Return those of changed alerts that are to go: somebody looks after it, or its end is not told here.

        Each is returned once: what is told of it afterwards, because more joined, stays. An end that is told takes
        the place of the notification by itself.
        """
        found = []
        for alert in alerts:
            is_left_alone = alert.is_open and (alert.is_acknowledged or alert.snoozed_until_ms > now_ms)
            if not is_left_alone and (alert.is_open or _is_end_told(alert, channels)):
                self._left_alone.discard(alert.id)
            elif alert.id not in self._left_alone:
                self._left_alone.add(alert.id)
                found.append(alert.id)
        return tuple(found)


def _is_end_told(alert: Alert, channels: Mapping[ChannelId, Channel]) -> bool:
    desktops = (one for id_, one in alert.threads.items() if id_ in channels and channels[id_].kind.can_replace)
    # One that gathers is told within a moment.
    return all(thread.said <= thread.over or thread.gather_until_ms is not None for thread in desktops)


class FirstThere:
    """A `DesktopNotifier` of several, the best first: the next one shows what those before cannot just now."""

    def __init__(self, *notifiers: DesktopNotifier) -> None:
        self._notifiers = notifiers
        self.on_action: Callable[[AlertId, DesktopAction], None] | None = None
        self.on_there: Callable[[], None] | None = None
        for notifier in notifiers:
            notifier.on_action = self._acted
            notifier.on_there = self._came

    async def show(self, notice: DesktopNotice) -> None:
        for notifier in self._notifiers[:-1]:
            try:
                return await notifier.show(notice)
            except ChannelError as exc:
                if not exc.is_absent:
                    raise
        return await self._notifiers[-1].show(notice)

    async def withdraw(self, alert: AlertId) -> None:
        for notifier in self._notifiers:
            await notifier.withdraw(alert)

    def _acted(self, alert: AlertId, action: DesktopAction) -> None:
        if self.on_action is not None:
            self.on_action(alert, action)

    def _came(self) -> None:
        if self.on_there is not None:
            self.on_there()
