"""Notifications as the freedesktop.org specification has them (version 1.2): what Linux and BSD desktops show.

Each alert has one notification, replaced as the alert goes on. A daemon that comes back, or comes late, is shown again
what lasts: what the one before showed is gone with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
from collections.abc import Callable
from typing import Any

from jeepney import DBusAddress

from pingmon_gui.alerts.bus_peer import DEADLINE_S, BusPeer, PeerAbsentError, PeerFailedError
from pingmon_gui.alerts.port import DesktopAction, DesktopNotice, Picture
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.alert_rule import AlertKind
from pingmon_gui.domain.alert_words import Say
from pingmon_gui.domain.error import ChannelError

NAME = "org.freedesktop.Notifications"
ADDRESS = DBusAddress("/org/freedesktop/Notifications", bus_name=NAME, interface=NAME)
MAX_TITLE_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 2_000
_NORMAL, _CRITICAL = 1, 2
#: How long it stays is the desktop's to say.
_AS_USUAL = -1
#: A click on the notification itself.
_DEFAULT_ACTION = "default"
_FAREWELL_S = 1.0
_LABELS = {
    DesktopAction.OPEN: "Open",
    DesktopAction.ACKNOWLEDGE: "Acknowledge",
    DesktopAction.SNOOZE: "Snooze 1 h",
}


class FreedesktopNotifier:
    """A `DesktopNotifier`. `picture` returns what is shown beside a notice, `say` translates."""

    def __init__(self, say: Say, picture: Callable[[DesktopNotice], Picture], deadline_s: float = DEADLINE_S) -> None:
        self.on_action: Callable[[AlertId, DesktopAction], None] | None = None
        self.on_there: Callable[[], None] | None = None
        self._say = say
        self._picture = picture
        self._daemon = BusPeer(ADDRESS, self._hear, self._owner_changed, deadline_s)
        self._can: frozenset[str] | None = None
        #: What is on the screen, as far as the daemon said, by the daemon's number.
        self._shown: dict[int, DesktopNotice] = {}
        #: What was on the screen of a daemon that is gone.
        self._lost: list[DesktopNotice] = []
        self._turn = asyncio.Lock()
        self._showing_again: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch for a daemon; where there is no session bus, the first notice looks again."""
        try:
            await self._daemon.start()
        except (PeerAbsentError, PeerFailedError):
            return

    async def stop(self) -> None:
        """Take what lasts off the screen, where nobody would keep it true any more, and hear no more."""
        if self._showing_again is not None:
            self._showing_again.cancel()
            await asyncio.gather(self._showing_again, return_exceptions=True)
        with contextlib.suppress(TimeoutError):  # a daemon that hangs must not hold up the end of the app
            async with asyncio.timeout(_FAREWELL_S):
                for alert in [notice.alert for notice in self._shown.values() if not notice.is_over]:
                    await self.withdraw(alert)
        await self._daemon.stop()

    async def show(self, notice: DesktopNotice) -> None:
        async with self._turn:
            self._lost = [one for one in self._lost if one.alert != notice.alert]
            await self._show(notice)

    async def withdraw(self, alert: AlertId) -> None:
        async with self._turn:
            self._lost = [one for one in self._lost if one.alert != alert]
            number = self._number_of(alert)
            if number is None:
                return
            del self._shown[number]
            try:
                await self._daemon.call("CloseNotification", "u", number)
            except (PeerAbsentError, PeerFailedError):
                return  # it is gone already

    # How it is done

    async def _show(self, notice: DesktopNotice) -> None:
        try:
            if self._can is None:
                (can,) = await self._daemon.call("GetCapabilities")
                self._can = frozenset(can)
            known = self._number_of(notice.alert)
            values = self._values(notice, known or 0, self._can)
            (number,) = await self._daemon.call("Notify", "susssasa{sv}i", *values)
        except PeerAbsentError as exc:
            raise ChannelError(
                "This desktop shows no notifications just now.",
                "The bell in the window has every alert.",
                is_absent=True,
            ) from exc
        except PeerFailedError as exc:
            raise ChannelError(f"The desktop's notifications do not work: {exc}.") from exc
        if known is not None:
            self._shown.pop(known, None)
        self._shown[number] = notice

    def _values(self, notice: DesktopNotice, replaced: int, can: frozenset[str]) -> tuple[Any, ...]:
        title, text = _line(notice.title, MAX_TITLE_CHARACTERS), _lines(notice.text, MAX_TEXT_CHARACTERS)
        if "body" not in can:
            title, text = _line(f"{title} – {text}", MAX_TITLE_CHARACTERS), ""
        elif "body-markup" in can:
            text = html.escape(text, quote=False)
        actions: list[str] = []
        if "actions" in can and notice.actions:
            for action in notice.actions:
                actions += [_key(action), self._say(_LABELS[action])]
        is_urgent = notice.kind is AlertKind.OFFLINE and not notice.is_over
        picture = self._picture(notice)
        hints = {
            "urgency": ("y", _CRITICAL if is_urgent else _NORMAL),
            "category": ("s", "network.connected" if notice.is_over else "network.error"),
            "desktop-entry": ("s", "pingmon"),
            "image-data": (
                "(iiibiiay)",
                (picture.side, picture.side, picture.side * 4, True, 8, 4, picture.rgba),
            ),
        }
        if notice.is_update:
            hints["suppress-sound"] = ("b", True)
        return "Pingmon", replaced, "", title, text, actions, hints, _AS_USUAL

    def _number_of(self, alert: AlertId) -> int | None:
        return next((number for number, notice in self._shown.items() if notice.alert == alert), None)

    def _hear(self, member: str, values: tuple[Any, ...]) -> None:
        notice = self._shown.get(values[0]) if values else None
        if notice is None:
            return  # another program's
        match member, values:
            case "NotificationClosed", (number, *_):
                del self._shown[number]
            case "ActivationToken", (_, token):
                # Lets the window come up by the click, under Wayland too: Qt takes the token from there.
                os.environ["XDG_ACTIVATION_TOKEN"] = str(token)
            case "ActionInvoked", (_, key):
                action = next((one for one in notice.actions if _key(one) == key), None)
                if action is not None and self.on_action is not None:
                    self.on_action(notice.alert, action)

    def _owner_changed(self, is_there: bool) -> None:
        self._can = None
        # A number means something else to another daemon.
        self._lost += [notice for notice in self._shown.values() if not notice.is_over]
        self._shown.clear()
        if is_there:
            if self._lost:
                self._showing_again = asyncio.get_running_loop().create_task(self._show_again(), name="notifications")
            if self.on_there is not None:
                self.on_there()

    async def _show_again(self) -> None:
        async with self._turn:
            while self._lost:
                try:
                    await self._show(self._lost[0])
                except ChannelError:
                    return  # it is gone again; whoever comes next is shown it
                del self._lost[0]


def _key(action: DesktopAction) -> str:
    return _DEFAULT_ACTION if action is DesktopAction.OPEN else action.value


def _line(text: str, limit: int) -> str:
    """Return text as one printable line: what is none of that could break the bus's rules."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _lines(text: str, limit: int) -> str:
    return "\n".join(_line(line, limit) for line in text[:limit].split("\n"))
