"""Alerts in the window: the bell, the windows behind it, the forms, and the notifications of the tray."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from pytestqt.modeltest import ModelTester

from pingmon_gui.alerts.desktop import notice_of
from pingmon_gui.alerts.port import DesktopAction
from pingmon_gui.domain.alert import AlertId, Post
from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind, ChannelSecret
from pingmon_gui.domain.alert_news import of_incident
from pingmon_gui.domain.alert_replay import Past, replay
from pingmon_gui.domain.alert_rule import AlertKind, QuietEnd, RuleId, SlowCondition, SlowUnit, first_book, first_rules
from pingmon_gui.domain.error import ChannelError, InvalidInput
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import TimePassed
from pingmon_gui.ui.alert_page import AlertPage
from pingmon_gui.ui.alert_table import AlertTable, DeliveryTable
from pingmon_gui.ui.channel_form import ChannelForm
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.rule_form import RuleContext, RuleForm
from pingmon_gui.ui.rule_preview import preview_text
from pingmon_gui.ui.tray import Tray
from pingmon_gui.ui.tray_notifier import TrayNotifier
from tests.domain.alert_play import HOOK, Play, hook, incident, rule
from tests.engine.fakes import START_MS
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]
MINUTE_MS = 60_000


async def down(bench: Bench, *numbers: int, failure: str = "timeout") -> None:
    """Let domains go offline as the policy hears of it."""
    news = [
        of_incident(incident(n, bench.clock.now_ms(), failure=failure), bench.board.monitors.get(n), Verdict.OFFLINE)  # type: ignore[call-overload]
        for n in numbers
    ]
    bench.hub.publish(TimePassed())
    bench.alerts.policy._put(*news)
    await bench.alerts.policy.step()


async def up(bench: Bench, number: int, since_ms: int) -> None:
    one = replace(incident(number, since_ms), end_ms=bench.clock.now_ms())
    bench.hub.publish(TimePassed())
    bench.alerts.policy._put(of_incident(one, bench.board.monitors.get(number), Verdict.ONLINE))  # type: ignore[call-overload]
    await bench.alerts.policy.step()


async def soon(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - a condition of any kind
        await asyncio.sleep(0.005)


@pytest.fixture
def alerting(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> Callable[[Callable[[Bench, MainWindow], Awaitable[None]]], None]:
    """Return a function that runs a check with a window on a policy that has started."""

    def run(check: Callable[[Bench, MainWindow], Awaitable[None]]) -> None:
        bench = make_bench(numbered(6, tags=("shop",)))

        async def main() -> None:
            await bench.alerts.policy.start()
            window = show_window(bench)
            window.alerts.load()
            try:
                await check(bench, window)
            finally:
                await window.stop()
                await bench.alerts.policy.stop()

        run_async(main())

    return run


Run = Callable[[Callable[[Bench, MainWindow], Awaitable[None]]], None]


def test_bell_counts_what_is_new_and_lists_it(alerting: Run) -> None:
    async def check(bench: Bench, window: MainWindow) -> None:
        bell = window.top.bell
        await asyncio.sleep(0)
        bell.on_about_to_show()
        assert bell._menu.actions()[0].text() == "No alerts yet: what goes wrong is listed here"
        bench.clock.advance(5_000)
        await down(bench, 10, 11)
        bench.clock.advance(5 * MINUTE_MS)
        await down(bench, 12, failure="dns")
        assert (bell.text(), bell.accessibleName()) == (" 2", "2 new alerts")
        bell.on_about_to_show()
        texts = [action.text() for action in bell._menu.actions()]
        assert texts[0] == "site 12 is offline\tjust now"
        assert texts[1].startswith("2 domains are offline: Europe\t5")
        assert (bell.text(), bell.accessibleName()) == ("", "Alerts")

    alerting(check)


def test_notification_leads_to_its_incident_and_one_of_several_to_the_alert(alerting: Run) -> None:
    async def check(bench: Bench, window: MainWindow) -> None:
        asked: list[object] = []
        window.alerts.incident_asked.disconnect()
        window.alerts.incident_asked.connect(asked.append)
        bench.clock.advance(5_000)
        await down(bench, 10, 11)
        bench.clock.advance(5 * MINUTE_MS)
        await down(bench, 12, failure="dns")
        several, one = bench.alerts.live
        window.alerts.open_alert(one.id)
        assert asked == [item.incident for item in one.items.values()] and window.alerts.page is None
        window.alerts.open_alert(several.id)
        assert len(asked) == 1 and window.alerts.page is not None and window.alerts.page.isVisible()

    alerting(check)


def test_bell_pauses_all_alerts_and_says_so(alerting: Run) -> None:
    async def check(bench: Bench, window: MainWindow) -> None:
        bell = window.top.bell
        bell.on_about_to_show()
        submenu = next(action.menu() for action in bell._menu.actions() if action.menu())
        hour = next(action for action in submenu.actions() if "1 hour" in action.text())  # type: ignore[attr-defined]
        bell.on_triggered(hour)
        await soon(lambda: bench.alerts.book.paused_until_ms > 0)
        assert bench.alerts.book.paused_until_ms == bench.clock.now_ms() + 3_600_000
        assert bell.accessibleName().startswith("Alerts are paused until ")
        bell.on_about_to_show()
        again = next(action for action in bell._menu.actions() if isinstance(action.data(), tuple))
        bell.on_triggered(again)
        await soon(lambda: bench.alerts.book.paused_until_ms == 0)

    alerting(check)


def test_page_shows_alerts_and_what_a_person_does_reaches_the_policy(alerting: Run) -> None:
    async def check(bench: Bench, window: MainWindow) -> None:
        bench.clock.advance(1_000)
        await down(bench, 10)
        window.actions_.alerts.trigger()
        page = window.alerts.page
        assert page is not None
        await soon(lambda: page.alerts.model.rowCount() == 1)
        assert page.alerts.model.index(0, 1).data() == "site 10 is offline"
        assert page.alerts.detail.text().startswith("site 10 is offline: the name is not resolved in time.\nSince ")
        page.alerts.snooze.click()
        await bench.alerts.policy.step()
        await soon(lambda: str(page.alerts.model.index(0, 3).data()).startswith("snoozed until"))
        shown: list[object] = []
        page.incident_asked.connect(shown.append)
        page.alerts.incident.click()
        assert shown == [10]
        since_ms = bench.clock.now_ms()
        bench.clock.advance(6 * MINUTE_MS)
        await up(bench, 10, since_ms)
        await soon(lambda: page.alerts.model.index(0, 3).data() == "over")
        assert page.alerts.model.index(0, 2).data() == "6\u00a0min"
        assert not page.alerts.acknowledge.isEnabled()

    alerting(check)


def test_rules_are_ticked_deleted_and_brought_back(alerting: Run) -> None:
    async def check(bench: Bench, window: MainWindow) -> None:
        window.alerts.show_page()
        page = window.alerts.page
        assert page is not None
        names = [page.rules.table.item(row, 0).text() for row in range(page.rules.table.rowCount())]
        assert names == ["Outages", "Probes and own network", "Certificates that end soon"]
        page.rules.table.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
        await soon(lambda: not bench.alerts.book.rules[0].is_enabled)
        page.rules.table.selectRow(1)
        page.rules.delete.click()
        await soon(lambda: len(bench.alerts.book.rules) == 2)
        assert "Deleted Probes and own network" in page.message.sentence
        page.rules.table.selectRow(0)
        page.rules.undo.click()
        await soon(lambda: len(bench.alerts.book.rules) == 3)
        await soon(lambda: page.rules.table.currentRow() == 2)
        assert page.rules.table.item(2, 0).text() == "Probes and own network"

    alerting(check)


def test_channels_are_added_and_a_failing_test_says_why(alerting: Run) -> None:
    async def check(bench: Bench, window: MainWindow) -> None:
        channel = Channel(HOOK, ChannelKind.WEBHOOK, "Ops")
        await bench.alerts.save_channel(channel, ChannelSecret("http://127.0.0.1:1/secret"))
        window.alerts.show_page()
        page = window.alerts.page
        assert page is not None
        page.tabs.setCurrentIndex(2)
        page.channels.table.selectRow(1)
        assert page.channels.table.item(1, 1).text() == "Webhook, http://127.0.0.1:1"
        page.channels.test.click()
        await soon(lambda: page.message.is_error)
        assert page.message.sentence == "127.0.0.1 is not reached: connection refused."
        page.channels.delete.click()
        await soon(lambda: HOOK not in bench.alerts.book.channels)
        await bench.alerts._outbox.stop()

    alerting(check)


def contexts() -> RuleContext:
    book = first_book()
    return RuleContext({**book.channels, HOOK: hook()}, numbered(3), ["shop", "eu"])


async def _no_preview(_rule: object) -> object:
    raise AssertionError("nobody asked for a preview")


def form_for(one: object) -> RuleForm:
    return RuleForm(one, contexts(), _no_preview, lambda _work: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("one", [*first_rules(), rule(HOOK, remind_ms=600_000, after_ms=90_000)], ids=lambda r: r.name)
def test_rule_form_gives_back_what_it_shows(qapp: object, one: object) -> None:
    form = form_for(one)
    assert form.read() == one
    form.deleteLater()


def test_rule_form_says_who_learns_what_where_registrations_are_switched_on(qapp: object) -> None:
    form = form_for(None)
    form.show()
    assert form.kinds_field.help_text == "" and not form.days.isVisible()
    form.kinds[AlertKind.REGISTRATION].setChecked(True)
    assert (
        "once a day" in form.kinds_field.note.sentence and "this computer's address" in form.kinds_field.note.sentence
    )
    assert form.days.isVisible() and form.scope.isVisible()
    assert AlertKind.REGISTRATION in form.read().kinds
    form.kinds[AlertKind.REGISTRATION].setChecked(False)
    assert form.kinds_field.note.sentence == "" and not form.days.isVisible()
    form.deleteLater()


def test_what_a_rule_form_does_not_show_stays_as_it_was_and_stops_nobody(qapp: object) -> None:
    form = form_for(None)
    form.kinds[AlertKind.SLOW].setChecked(True)
    form.kinds[AlertKind.CERTIFICATE].setChecked(True)
    form.slow_of.setValue(10)
    form.slow_count.setValue(20)
    form.days.setText("many")
    form.remind.number.setValue(5)
    form.remind.unit.setCurrentIndex(form.remind.unit.findData("s"))
    for kind in AlertKind:
        if kind in form.kinds:
            form.kinds[kind].setChecked(kind is AlertKind.CERTIFICATE)
    form.show()
    assert not any(one.isVisible() for one in (form.remind, form.cool_down, form.flaps, form.within, form.stable))
    form.days.setText("14, 7")
    one = form.read()
    assert (one.expiry_days, one.slow, one.remind_ms) == ((14, 7), SlowCondition(), 0)
    form.kinds[AlertKind.CERTIFICATE].setChecked(False)
    form.kinds[AlertKind.PROBE_LOST].setChecked(True)
    form.days.setText("many")
    form.submit()
    assert form.remind_field.has_error and not form.days_field.has_error
    form.deleteLater()


@pytest.mark.parametrize(("text", "words"), [("0, 400", "from 1 to 365"), (" ,", "Say how many days ahead")])
def test_rule_form_puts_the_focus_where_it_is_wrong(qapp: object, text: str, words: str) -> None:
    form = form_for(None)
    form.kinds[AlertKind.REGISTRATION].setChecked(True)
    form.days.setText(text)
    form.show()
    form.submit()
    assert words in form.days_field.note.sentence and form.focusWidget() is form.days
    form.days.setText("3")
    for box in form.kinds.values():
        box.setChecked(False)
    form.submit()
    assert form.kinds_field.has_error and form.focusWidget() is form.kinds[AlertKind.OFFLINE]
    assert "Choose something" in form.kinds[AlertKind.OFFLINE].accessibleDescription()
    form.deleteLater()


def test_preview_says_of_what_nothing_is_known(qapp: object) -> None:
    known = replay(rule(), Past(START_MS, START_MS + 7 * 86_400_000, []))
    assert preview_text(rule(), known) == "In the last 7 days this rule would not have alerted."
    names = rule(kinds=frozenset((AlertKind.REGISTRATION,)))
    text = preview_text(names, replay(names, Past(START_MS, START_MS + 7 * 86_400_000, [])))
    assert text.startswith("Not known yet, so not replayed: Registration ends.") and "\n" not in text
    both = rule(kinds=frozenset((AlertKind.REGISTRATION, AlertKind.PROBE_LOST, AlertKind.OFFLINE)))
    lines = preview_text(both, replay(both, Past(START_MS, START_MS + 7 * 86_400_000, []))).splitlines()
    assert len(lines) == 3 and lines[1] == "Not kept, so not replayed: Probe lost."


def test_rule_form_reads_everything_and_points_at_what_is_wrong(qapp: object) -> None:
    form = form_for(None)
    made: list[object] = []
    form.submitted.connect(made.append)
    form.name.setText("Night")
    for box in form.kinds.values():
        box.setChecked(False)
    form.submit()
    assert made == [] and form.kinds_field.has_error
    form.kinds[AlertKind.SLOW].setChecked(True)
    form.slow_of.setValue(10)
    form.slow_count.setValue(20)
    form.submit()
    assert form.slow_field.has_error
    form.slow_count.setValue(3)
    form.slow_of.setValue(5)
    form.slow_unit.setCurrentIndex(form.slow_unit.findData(SlowUnit.RESULTS))
    form.scope.choice.setCurrentIndex(form.scope.choice.findData("monitors"))
    form.submit()
    assert form.scope_field.has_error
    form.scope.monitors.item(1).setCheckState(Qt.CheckState.Checked)
    form.quiet.on_add()
    for button in form.quiet._rows[0].week.buttons:
        button.setChecked(False)
    form.submit()
    assert form.quiet_field.has_error
    form.quiet._rows[0].week.buttons[5].setChecked(True)
    form.quiet_end.setCurrentIndex(form.quiet_end.findData(QuietEnd.DROP))
    form.escalate.number.setValue(10)
    form.submit()
    assert form.escalate_field.has_error
    form.others[HOOK].setChecked(True)
    form.submit()
    (rule_made,) = made
    assert (rule_made.kinds, rule_made.slow.of, rule_made.scope.monitors) == (frozenset((AlertKind.SLOW,)), 5, {11})  # type: ignore[attr-defined]
    assert rule_made.escalation.channels == (HOOK,)  # type: ignore[attr-defined]
    assert rule_made.quiet[0].days == {5}  # type: ignore[attr-defined]
    form.deleteLater()


def test_two_rules_or_channels_of_one_name_are_refused(alerting: Run) -> None:
    async def use(bench: Bench, window: MainWindow) -> None:
        await bench.alerts.save_rule(rule(name="Nightly"))
        with pytest.raises(InvalidInput, match="rule of this name"):
            await bench.alerts.save_rule(rule(id=RuleId(99), name="nightly"))
        await bench.alerts.save_rule(rule(name="Nightly", after_ms=60_000))
        assert [one.after_ms for one in bench.alerts.book.rules if one.name == "Nightly"] == [60_000]
        with pytest.raises(InvalidInput, match="channel of this name"):
            await bench.alerts.save_channel(hook(name="this desktop"))

    alerting(use)


def test_channel_form_leaves_the_keyboard_where_a_test_was_asked_for(qapp: object) -> None:
    was_enabled: list[bool] = []

    async def test(_channel: Channel, _secret: ChannelSecret | None) -> None:
        was_enabled.append(form.test_button.isEnabled())

    form = ChannelForm(ChannelKind.WEBHOOK, hook(name="Ops"), test, asyncio.run)  # type: ignore[arg-type,return-value]
    form.show()
    form.test_button.setFocus()
    form.test_button.click()
    assert was_enabled == [False]
    assert form.test_button.isEnabled() and form.focusWidget() is form.test_button
    form.deleteLater()


def test_channel_form_tests_what_is_typed_and_asks_for_the_address_again(qapp: object) -> None:
    tried: list[tuple[Channel, ChannelSecret | None]] = []

    async def test(channel: Channel, secret: ChannelSecret | None) -> None:
        tried.append((channel, secret))

    known = hook(name="Ops", shown="https://hooks.example", template='{"t": "{{title}}"}')
    form = ChannelForm(ChannelKind.WEBHOOK, known, test, asyncio.run)  # type: ignore[arg-type,return-value]
    made: list[object] = []
    form.submitted.connect(made.append)
    form.submit()
    assert made == [(known, None)]
    form.key.setText("key")
    form.submit()
    assert form.url_field.has_error and len(made) == 1
    form.url.setText(" https://hooks.example/x ")
    form.headers.setPlainText("Authorization: Bearer abc\n")
    form.on_test()
    assert tried == [(known, ChannelSecret("https://hooks.example/x", "key", {"Authorization": "Bearer abc"}))]
    form.template.setPlainText('{"t": {{title}}}')
    form.submit()
    assert form.template_field.has_error and "not valid JSON" in form.template_field.note.sentence
    form.deleteLater()


def test_every_text_is_translated(alerting: Run, made_up_language: None) -> None:
    async def check(bench: Bench, window: MainWindow) -> None:
        await down(bench, 10, 11)
        window.alerts.show_page()
        page = window.alerts.page
        assert page is not None
        await soon(lambda: page.alerts.model.rowCount() == 1)
        forms = [form_for(None), ChannelForm(ChannelKind.WEBHOOK, None, _no_preview, lambda _work: None)]  # type: ignore[arg-type]
        window.top.bell.on_about_to_show()
        actions: list[QAction] = [*window.top.bell._menu.actions(), *page.channels.menu.actions()]
        texts = [action.text() for action in actions if action.text()]
        for widget in (page, *forms):
            texts += visible_texts(widget)
        foreign = ("site 1", "application/", "text/plain", "{", "shop", "eu", "mon", "hook")
        bare = [t for t in texts if "⟦" not in t and not t.lower().startswith(foreign) and len(t) > 3]
        for form in forms:
            form.deleteLater()
        names = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Monday", "Tuesday", "Wednesday", "Thursday"}
        assert [text for text in bare if text not in names] == []

    alerting(check)


def test_models_keep_to_qt_contracts(qtmodeltester: ModelTester) -> None:
    play = Play(rule(DESKTOP))
    play.down(incident(1), incident(2, failure="dns"))
    table, log = AlertTable(lambda: START_MS), DeliveryTable()
    table.show_alerts(list(play.alerts.values()))
    from pingmon_gui.domain.delivery import Delivery

    log.show_deliveries([Delivery(post) for post in play.posts], first_book().channels)
    log.put(Delivery(play.posts[0], tries=2, error="x"))
    assert log.rowCount() == 2 and log.index(0, 3).data() == "tried 2 times, goes on"
    for model in (table, log):
        qtmodeltester.check(model)


@pytest.mark.parametrize("is_there", [False, True])
def test_tray_without_a_place_is_absent_and_the_bell_still_has_it(
    is_there: bool, make_bench: MakeBench, qapp: object
) -> None:
    bench = make_bench()
    # Offscreen there is an icon, which has no place and could show nothing.
    tray = Tray(bench.board, lambda: 0, bench.clock.now_ms, host_is_there=lambda: is_there)
    notifier = TrayNotifier(tray)
    acted: list[tuple[AlertId, DesktopAction]] = []
    notifier.on_action = lambda alert, action: acted.append((alert, action))
    post = Post.from_json(Play(rule()).down(incident(3))[0].to_json())
    with pytest.raises(ChannelError, match="shows no notifications just now"):
        asyncio.run(notifier.show(notice_of(post, post.at_ms)))
    tray.message_clicked.emit()
    assert acted == []
    tray.close()


def test_notice_has_actions_while_it_lasts() -> None:
    play = Play(rule())
    play.down(incident(3))
    play.at(MINUTE_MS)
    play.up(incident(3))
    begun, ended = (notice_of(post, post.at_ms) for post in play.posts)
    assert begun.actions == (DesktopAction.OPEN, DesktopAction.ACKNOWLEDGE, DesktopAction.SNOOZE)
    assert (begun.is_over, ended.is_over, ended.actions) == (False, True, (DesktopAction.OPEN,))
    assert ChannelId(1) == DESKTOP
    assert AlertPage is not None
