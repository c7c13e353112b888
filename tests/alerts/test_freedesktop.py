"""Notifications on a real session bus: shown, replaced, acted on, withdrawn, and through the lives of their daemon."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from pingmon_gui.alerts.desktop import FirstThere
from pingmon_gui.alerts.freedesktop import MAX_TITLE_CHARACTERS, FreedesktopNotifier
from pingmon_gui.alerts.port import DesktopAction, DesktopNotice, Picture
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.alert_rule import AlertKind
from pingmon_gui.domain.error import ChannelError
from tests.alerts.session_bus import SessionBus, daemon, session_bus
from tests.engine.fakes import until

ACTIONS = (DesktopAction.OPEN, DesktopAction.ACKNOWLEDGE, DesktopAction.SNOOZE)
CRITICAL, NORMAL = 2, 1
ABSENT = "shows no notifications just now"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionBus]:
    with session_bus(tmp_path, monkeypatch) as running:
        yield running


def notice(alert: int = 7, title: str = "shop.example is offline", text: str = "Since 12:03.") -> DesktopNotice:
    return DesktopNotice(AlertId(alert), title, text, AlertKind.OFFLINE, False, False, ACTIONS)


def ended(alert: int = 7) -> DesktopNotice:
    words = ("shop.example is online again", "After 5 min.")
    return DesktopNotice(AlertId(alert), *words, AlertKind.OFFLINE, True, False, (DesktopAction.OPEN,))


def running(check: Callable[[FreedesktopNotifier], Awaitable[None]], deadline_s: float = 20.0) -> None:
    async def main() -> None:
        notifier = FreedesktopNotifier(str, lambda _notice: Picture(1, b"\1\2\3\4"), deadline_s)
        await notifier.start()
        try:
            await asyncio.wait_for(check(notifier), 30)
        finally:
            await notifier.stop()

    asyncio.run(main())


def test_notification_says_it_all_and_is_urgent_while_a_site_is_offline(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        async with daemon() as desktop:
            await notifier.show(notice())
            (shown,) = desktop.asked
            assert (shown.title, shown.text, shown.replaced) == ("shop.example is offline", "Since 12:03.", 0)
            assert shown.actions == (("default", "Open"), ("acknowledge", "Acknowledge"), ("snooze", "Snooze 1 h"))
            assert (shown.hints["urgency"], shown.hints["category"]) == (CRITICAL, "network.error")
            assert shown.hints["image-data"] == (1, 1, 4, True, 8, 4, b"\1\2\3\4")
            assert shown.hints["desktop-entry"] == "pingmon"
            assert "suppress-sound" not in shown.hints

    running(check)


def test_what_follows_takes_the_place_of_what_was_shown_and_other_alerts_stand_beside(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        async with daemon() as desktop:
            await notifier.show(notice())
            await notifier.show(notice(8, "other.example is offline"))
            await notifier.show(DesktopNotice(AlertId(7), "2 more", "", AlertKind.SLOW, False, True, ACTIONS))
            await notifier.show(ended())
            assert [(one.number, one.replaced) for one in desktop.asked] == [(1, 0), (2, 0), (1, 1), (1, 1)]
            assert desktop.asked[2].hints["suppress-sound"] is True
            assert (desktop.asked[2].hints["urgency"], desktop.asked[3].hints["urgency"]) == (NORMAL, NORMAL)
            assert desktop.asked[3].actions == (("default", "Open"),)
            # Dismissed by a person: what comes next is a notification of its own.
            await desktop.close(1)
            await until(lambda: 1 in desktop.closed)
            await notifier.show(notice(8, "still"))
            await until(lambda: notifier._number_of(AlertId(7)) is None)
            await notifier.show(notice())
            assert (desktop.asked[-1].number, desktop.asked[-1].replaced) == (3, 0)

    running(check)


@pytest.mark.parametrize(
    ("capabilities", "title", "text"),
    [
        (("body", "body-markup"), "<b>a&b</b> is offline", "&lt;i&gt;x&lt;/i&gt; &amp; y.\nSince 12:03."),
        (("body",), "<b>a&b</b> is offline", "<i>x</i> & y.\nSince 12:03."),
        ((), "<b>a&b</b> is offline – <i>x</i> & y. Since 12:03.", ""),
    ],
)
def test_names_with_markup_are_shown_as_they_are(
    bus: SessionBus, capabilities: tuple[str, ...], title: str, text: str
) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        async with daemon(capabilities=capabilities) as desktop:
            await notifier.show(notice(title="<b>a&b</b> is offline", text="<i>x</i> & y.\nSince 12:03."))
            (shown,) = desktop.asked
            # A daemon without buttons would make a dialog of a notification that asks for some.
            assert (shown.title, shown.text, shown.actions) == (title, text, ())

    running(check)


def test_text_that_no_bus_would_carry_is_carried(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        async with daemon() as desktop:
            await notifier.show(notice(title="a\0b\ud800c\x1b[31m " + "x" * 5_000, text="line\0one\nline two"))
            (shown,) = desktop.asked
            assert shown.title.startswith("a b c [31m x") and len(shown.title) == MAX_TITLE_CHARACTERS
            assert shown.text == "line one\nline two"

    running(check)


def test_buttons_reach_whoever_listens_and_other_programs_notifications_do_not(
    bus: SessionBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_ACTIVATION_TOKEN", raising=False)

    async def check(notifier: FreedesktopNotifier) -> None:
        acted: list[tuple[AlertId, DesktopAction]] = []
        notifier.on_action = lambda alert, action: acted.append((alert, action))
        async with daemon() as desktop:
            await notifier.show(notice())
            await desktop.invoke(99, "default")
            await desktop.invoke(1, "inline-reply")
            for key in ("acknowledge", "snooze"):
                await desktop.invoke(1, key)
            await desktop.invoke(1, "default", token="let-it-up")
            await until(lambda: len(acted) == 3)
            assert [action for _alert, action in acted] == [ACTIONS[1], ACTIONS[2], ACTIONS[0]]
            assert {alert for alert, _action in acted} == {AlertId(7)}
            assert os.environ["XDG_ACTIVATION_TOKEN"] == "let-it-up"

    running(check)


def test_withdrawn_ones_leave_the_screen_and_so_does_what_lasts_at_the_end(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        async with daemon() as desktop:
            for alert in (1, 2, 3):
                await notifier.show(notice(alert))
            await notifier.show(ended(3))
            await notifier.withdraw(AlertId(1))
            await notifier.withdraw(AlertId(99))
            assert desktop.closed == [1]
            await notifier.stop()
            # What is over stays true.
            assert (desktop.closed, set(desktop.screen)) == ([1, 2], {3})

    running(check)


def test_daemon_that_dies_and_comes_back_shows_again_what_lasts(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        came: list[bool] = []
        notifier.on_there = lambda: came.append(True)
        async with daemon():
            for alert in (1, 2, 3):
                await notifier.show(notice(alert, f"{alert} is offline"))
            await notifier.show(ended(1))
        await until(lambda: notifier._number_of(AlertId(2)) is None)
        with pytest.raises(ChannelError, match=ABSENT) as caught:
            await notifier.show(notice(4, "4 is offline"))
        assert caught.value.is_absent
        await notifier.withdraw(AlertId(3))
        came.clear()
        async with daemon(first_number=40) as desktop:
            await until(lambda: bool(desktop.asked))
            assert [(one.title, one.replaced) for one in desktop.asked] == [("2 is offline", 0)]
            assert came == [True]
            await notifier.show(ended(2))
            assert desktop.asked[-1].replaced == 40

    running(check)


def test_app_that_is_there_before_its_daemon_hears_of_it(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        came = asyncio.Event()
        notifier.on_there = came.set
        with pytest.raises(ChannelError, match=ABSENT):
            await notifier.show(notice())
        async with daemon() as desktop:
            await came.wait()
            await notifier.show(notice())
            assert len(desktop.asked) == 1

    running(check)


def test_daemon_that_hangs_or_refuses_is_no_absent_one(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        async with daemon() as desktop:
            desktop.hangs = True
            with pytest.raises(ChannelError, match=r"do not work: no answer within 0\.3 s") as hung:
                await notifier.show(notice())
            desktop.hangs, desktop.problem = False, "Too many notifications"
            with pytest.raises(ChannelError, match="do not work: Too many notifications") as refused:
                await notifier.show(notice())
            assert not hung.value.is_absent and not refused.value.is_absent
            desktop.problem = ""
            await notifier.show(notice())
            assert len(desktop.asked) == 1

    running(check, deadline_s=0.3)


def test_bus_that_is_started_anew_is_found_again(bus: SessionBus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        async with daemon():
            await notifier.show(notice(1, "1 is offline"))
            await notifier.show(notice(2))
            bus.stop()
            with pytest.raises(ChannelError, match=ABSENT):
                await notifier.show(notice(2))
        bus.start()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        async with daemon() as desktop:
            await notifier.show(notice(2))
            await until(lambda: len(desktop.asked) == 2)
            # Its numbers are not those of the daemon before: nothing of another program's is replaced.
            assert [(one.title, one.replaced) for one in desktop.asked] == [
                ("shop.example is offline", 0),
                ("1 is offline", 0),
            ]

    running(check)


@pytest.mark.parametrize("address", ["", "tcp:host=localhost,port=1", "unix:path=/nowhere/bus", "launchd:env=X"])
def test_no_session_bus_is_an_absent_daemon(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    async def check(notifier: FreedesktopNotifier) -> None:
        with pytest.raises(ChannelError, match=ABSENT) as caught:
            await notifier.show(notice())
        assert caught.value.is_absent
        await notifier.withdraw(AlertId(7))

    running(check)


class Other:
    """A way to notify that is always there."""

    def __init__(self) -> None:
        self.on_action: Callable[[AlertId, DesktopAction], None] | None = None
        self.on_there: Callable[[], None] | None = None
        self.shown: list[DesktopNotice] = []

    async def show(self, notice: DesktopNotice) -> None:
        self.shown.append(notice)

    async def withdraw(self, alert: AlertId) -> None:
        self.shown = [one for one in self.shown if one.alert != alert]


def test_second_way_is_used_while_the_first_is_absent_and_not_when_it_fails(bus: SessionBus) -> None:
    async def check(notifier: FreedesktopNotifier) -> None:
        other = Other()
        both = FirstThere(notifier, other)
        acted: list[DesktopAction] = []
        both.on_action = lambda _alert, action: acted.append(action)
        await both.show(notice())
        assert len(other.shown) == 1
        async with daemon() as desktop:
            await both.show(notice(8))
            desktop.problem = "no"
            with pytest.raises(ChannelError, match="do not work"):
                await both.show(notice(9))
            desktop.problem = ""
            assert [one.alert for one in other.shown] == [7] and len(desktop.asked) == 1
            await desktop.invoke(1, "default")
            await until(lambda: acted == [DesktopAction.OPEN])
        assert other.on_action is not None
        other.on_action(AlertId(7), DesktopAction.OPEN)
        await both.withdraw(AlertId(7))
        assert (acted, other.shown) == ([DesktopAction.OPEN] * 2, [])

    running(check)
