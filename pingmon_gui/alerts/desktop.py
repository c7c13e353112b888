"""The desktop as a channel: turns messages into notifications that replace each other."""

from __future__ import annotations

from pingmon_gui.alerts.port import DesktopAction, DesktopNotice, DesktopNotifier
from pingmon_gui.domain.alert import AlertEvent, Post
from pingmon_gui.domain.alert_words import Say, alert_text

_ALL = (DesktopAction.OPEN, DesktopAction.ACKNOWLEDGE, DesktopAction.SNOOZE)


class DesktopSender:
    """`say` translates phrases into the user's language."""

    def __init__(self, notifier: DesktopNotifier, say: Say) -> None:
        self._notifier = notifier
        self._say = say

    async def send(self, post: Post, now_ms: int) -> None:
        await self._notifier.show(notice_of(post, now_ms, self._say))


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
