"""The desktop as a channel: what it says where nothing shows it, and which notifications leave the screen."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pingmon_gui.alerts.desktop import DesktopSender, Screen
from pingmon_gui.alerts.port import DesktopNotice
from pingmon_gui.domain.alert import AlertEvent, AlertId
from pingmon_gui.domain.alert_channel import DESKTOP
from pingmon_gui.domain.alert_state import AlertAcknowledged, AlertSnoozed
from pingmon_gui.domain.error import ChannelError
from tests.domain.alert_play import HOOK, MINUTE, NOON_MS, Play, incident, rule


def needless(screen: Screen, play: Play) -> tuple[AlertId, ...]:
    return screen.needless(list(play.alerts.values()), play.book.channels, play.now_ms)


def test_alert_that_somebody_looks_after_leaves_once_and_is_back_when_more_joins() -> None:
    play, screen = Play(rule()), Screen()
    play.down(incident(1))
    (alert,) = play.alerts.values()
    assert needless(screen, play) == ()
    play.hear(AlertAcknowledged(alert.id, play.now_ms))
    assert needless(screen, play) == (alert.id,)
    play.at(2_000)
    (joined,) = play.down(incident(2))
    assert joined.event is AlertEvent.JOINED
    assert needless(screen, play) == ()
    play.hear(AlertAcknowledged(alert.id, None))
    assert needless(screen, play) == ()
    play.hear(AlertAcknowledged(alert.id, play.now_ms))
    assert needless(screen, play) == (alert.id,)


def test_snoozed_alert_leaves_and_its_reminder_stays() -> None:
    play, screen = Play(rule()), Screen()
    play.down(incident(1))
    (id_,) = play.alerts
    play.hear(AlertSnoozed(AlertId(id_), play.now_ms + 60 * MINUTE))
    assert needless(screen, play) == (id_,)
    play.at(61 * MINUTE)
    assert play.events()[-1] is AlertEvent.REMINDER
    assert needless(screen, play) == ()


def test_end_that_is_told_takes_the_place_and_one_that_is_not_leaves() -> None:
    play, screen = Play(rule()), Screen()
    play.down(incident(1))
    play.at(MINUTE)
    play.up(incident(1))
    assert play.events()[-1] is AlertEvent.RESOLVED and needless(screen, play) == ()
    play.at(10 * MINUTE)
    play.down(incident(2, play.now_ms))
    # What ends during a pause is told later: by then nobody may believe the notification.
    play.book = replace(play.book, paused_until_ms=play.now_ms + 60 * MINUTE)
    play.at(12 * MINUTE)
    play.up(incident(2, NOON_MS + 10 * MINUTE))
    gone = needless(screen, play)
    assert gone == tuple(id_ for id_, alert in play.alerts.items() if 2 in {i.incident for i in alert.items.values()})
    assert needless(screen, play) == ()


def test_end_that_is_told_within_a_moment_leaves_the_notification_for_it() -> None:
    play, screen = Play(rule()), Screen()
    play.down(incident(1), incident(2))
    # The end of the first is told, that of the second has to wait: notifications are replaced once a second.
    play.at(MINUTE)
    play.up(incident(1))
    play.at(MINUTE + 300)
    play.up(incident(2))
    (alert,) = play.alerts.values()
    assert not alert.is_open and needless(screen, play) == ()
    play.at(MINUTE + 2_000)
    assert play.events()[-1] is AlertEvent.RESOLVED and needless(screen, play) == ()


def test_what_the_desktop_was_never_told_of_needs_nothing() -> None:
    play, screen = Play(rule(HOOK)), Screen()
    play.down(incident(1))
    play.up(incident(1))
    assert needless(screen, play) == () and DESKTOP in play.book.channels


def test_absent_desktop_is_said_once_until_it_was_there_again() -> None:
    class Desktop:
        on_action = on_there = None
        error: ChannelError | None = ChannelError("Nothing shows it.", is_absent=True)

        async def show(self, notice: DesktopNotice) -> None:
            if self.error is not None:
                raise self.error

        async def withdraw(self, alert: AlertId) -> None:
            raise AssertionError("nobody asked for this")

    desktop, said = Desktop(), list[str]()
    sender = DesktopSender(desktop, str, lambda error: said.append(error.message))
    (post,) = Play(rule()).down(incident(1))

    def send(error: ChannelError | None) -> None:
        desktop.error = error
        if error is None:
            asyncio.run(sender.send(post, post.at_ms))
        else:
            with pytest.raises(ChannelError):
                asyncio.run(sender.send(post, post.at_ms))

    absent = ChannelError("Nothing shows it.", is_absent=True)
    for error in (absent, absent, ChannelError("It hangs."), absent):
        send(error)
    assert said == ["Nothing shows it."]
    send(None)
    send(absent)
    assert said == ["Nothing shows it."] * 2
