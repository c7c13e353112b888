"""What is told, when, on which channel: the one function that decides, played on a clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from pingmon_gui.domain.alert import AlertEvent, Closing
from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind
from pingmon_gui.domain.alert_news import CertificateFact, of_certificate, of_channel, of_incident, of_network, of_probe
from pingmon_gui.domain.alert_rule import DAY_MS, AlertKind, Escalation, Flapping, QuietEnd, RuleId
from pingmon_gui.domain.alert_state import AlertAcknowledged, AlertSnoozed, Certainty
from pingmon_gui.domain.alert_words import alert_text, summary
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.quiet_hours import QuietSpan
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.scope import Scope
from pingmon_gui.domain.verdict import Verdict
from tests.domain.alert_play import HOOK, MINUTE, NOON_MS, Play, hook, incident, rule
from tests.engine.fakes import probe

TRIGGERED, JOINED, RESOLVED, REMINDER = (
    AlertEvent.TRIGGERED,
    AlertEvent.JOINED,
    AlertEvent.RESOLVED,
    AlertEvent.REMINDER,
)
EVERY_NIGHT = QuietSpan(frozenset(range(7)), 22 * 60, 7 * 60)
HOUR = 60 * MINUTE


def test_outage_is_told_at_once_and_its_end_with_how_long_it_took() -> None:
    play = Play(rule())
    (post,) = play.down(incident(3))
    assert play.text(post).title == "site3 is offline"
    assert play.text(post).text == "site3 is offline: the name is not resolved in time.\nSince 12:00."
    play.at(6 * MINUTE)
    (post,) = play.up(incident(3))
    assert play.text(post).title == "site3 is online again"
    assert play.text(post).text == "After 6 min (12:00–12:06)."
    assert not play.state.alerts and not play.state.matters
    (alert,) = play.alerts.values()
    assert alert.closed_at_ms == NOON_MS + 6 * MINUTE


def test_rule_waits_as_long_as_it_says_and_forgets_what_is_over_by_then() -> None:
    play = Play(rule(after_ms=5 * MINUTE))
    play.down(incident(3), incident(4, failure="dns"))
    play.at(2 * MINUTE)
    play.up(incident(4, failure="dns"))
    assert play.at(5 * MINUTE - 1) == []
    assert play.titles() == []
    play.at(5 * MINUTE)
    assert play.titles() == ["site3 is offline"]


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (Scope(), {3, 4, 5}),
        (Scope(is_all=False, tags=frozenset(("Shop",))), {4}),
        (Scope(is_all=False, monitors=frozenset((MonitorId(5),))), {5}),
        (Scope(is_all=False, tags=frozenset(("shop",)), monitors=frozenset((MonitorId(5),))), {4, 5}),
    ],
)
def test_scope_says_which_domains(scope: Scope, told: set[int]) -> None:
    play = Play(rule(HOOK, scope=scope), channels=[hook(gather_s=0)])
    play.tags = {MonitorId(4): frozenset(("shop", "eu"))}
    play.down(*(incident(n) for n in (3, 4, 5)))
    assert {item.monitors[0] for post in play.posts for item in post.items} == told


def test_rule_for_outages_alone_waits_until_a_regional_problem_is_one() -> None:
    play = Play(rule(kinds=frozenset((AlertKind.OFFLINE,)), after_ms=MINUTE))
    regional = incident(3, kind=Verdict.REGIONAL)
    play.down(regional)
    assert play.at(10 * MINUTE) == []
    play.down(replace(regional, kind=Verdict.OFFLINE))
    assert play.at(11 * MINUTE - 1) == []
    (post,) = play.at(11 * MINUTE)
    assert post.kind is AlertKind.OFFLINE


def test_regional_problem_that_becomes_an_outage_is_told_again() -> None:
    play = Play(rule(HOOK), channels=[hook(gather_s=0)])
    regional = incident(3, kind=Verdict.REGIONAL)
    play.down(regional)
    assert play.at(9_999) == []
    play.at(MINUTE)
    play.down(replace(regional, kind=Verdict.OFFLINE))
    assert play.titles(HOOK) == ["site3 has a regional problem", "Now everywhere: site3 is offline"]
    assert play.posts[0].at_ms == NOON_MS + 10_000


def test_outage_that_looks_regional_before_all_regions_had_their_turn_is_told_as_an_outage_alone() -> None:
    play = Play(rule())
    regional = incident(3, kind=Verdict.REGIONAL)
    play.down(regional)
    play.at(3_000)
    play.down(replace(regional, kind=Verdict.OFFLINE))
    assert play.titles() == ["site3 is offline"]


class TestOneCause:
    def test_others_that_join_replace_the_message_where_it_can_be_and_wait_where_not(self) -> None:
        play = Play(rule(DESKTOP, HOOK))
        play.down(incident(1))
        play.at(3_000)
        play.down(incident(2, NOON_MS + 3_000), incident(3, NOON_MS + 2_000))
        play.at(8_000)
        play.down(incident(4, NOON_MS + 8_000))
        play.at(60_000)
        assert play.titles() == ["site1 is offline", "3 domains are offline: Europe", "4 domains are offline: Europe"]
        assert {post.alert for post in play.posts} == {play.posts[0].alert}
        (post,) = [post for post in play.posts if post.channel == HOOK]
        assert (post.at_ms, post.count, post.event) == (NOON_MS + 10_000, 4, TRIGGERED)

    def test_what_joins_after_the_message_was_sent_makes_one_more(self) -> None:
        play = Play(rule(HOOK))
        play.down(incident(1))
        play.at(12_000)
        play.down(incident(2, NOON_MS + 12_000))
        play.at(15_000)
        play.down(incident(3, NOON_MS + 15_000))
        play.at(60_000)
        assert play.titles(HOOK) == ["site1 is offline", "More: 2 domains are offline: Europe"]

    def test_waiting_can_be_set_to_nothing(self) -> None:
        play = Play(rule(HOOK), channels=[hook(gather_s=0)])
        assert [post.at_ms for post in play.down(incident(1))] == [NOON_MS]

    @pytest.mark.parametrize(
        ("other", "is_same"),
        [
            ({"regions": (Region.EU,)}, True),
            ({"regions": (Region.NA,), "address": "192.0.2.1"}, True),
            ({"regions": (Region.NA,)}, False),
            ({"regions": (Region.EU,), "failure": "dns"}, False),
            ({"regions": (Region.EU,), "since_ms": NOON_MS + 20_001}, False),
        ],
    )
    def test_cause_is_failure_time_and_something_in_common(self, other: dict[str, object], is_same: bool) -> None:
        play = Play(rule())
        play.down(incident(1))
        play.at(21_000)
        play.down(incident(2, **({"address": "192.0.2.2"} | other)))  # type: ignore[arg-type]
        assert len({post.alert for post in play.posts}) == (1 if is_same else 2)

    def test_domains_of_one_owner_share_a_cause(self) -> None:
        play = Play(rule())
        for number, host in ((1, "a.shop.co.uk"), (2, "b.shop.co.uk"), (3, "a.other.co.uk")):
            id_ = MonitorId(number)
            play.monitors[id_] = replace(play.monitors[id_], url=f"https://{host}/")
        for number, region in ((1, Region.EU), (2, Region.NA), (3, Region.AS)):
            play.down(incident(number, regions=(region,), address=f"192.0.2.{number}"))
        assert [len(alert.items) for alert in play.alerts.values()] == [2, 1]

    def test_only_place_that_measures_is_not_named(self) -> None:
        play = Play(rule(DESKTOP))
        play.down(*[incident(n, regions=(Region.LOCAL,)) for n in (1, 2)])
        assert play.titles(DESKTOP) == ["2 domains are offline"]

    def test_recoveries_are_gathered_as_well(self) -> None:
        play = Play(rule(DESKTOP, HOOK))
        several = [incident(n) for n in (1, 2, 3)]
        play.down(*several)
        play.at(MINUTE)
        play.up(several[0])
        play.at(MINUTE + 4_000)
        play.up(*several[1:])
        play.at(2 * MINUTE)
        assert play.titles(HOOK) == ["3 domains are offline: Europe", "3 domains are online again"]
        assert play.events() == [TRIGGERED, RESOLVED, RESOLVED]
        assert [(post.lasting, post.over) for post in play.posts if post.channel == DESKTOP] == [(3, 0), (2, 1), (0, 3)]
        assert not play.state.alerts

    def test_a_thousand_at_once_are_a_few_messages(self) -> None:
        play = Play(rule(DESKTOP, HOOK), monitors=1_001)
        for step in range(10):
            play.at(step * 1_000)
            play.down(*(incident(1 + n, NOON_MS + step * 900) for n in range(step * 100, step * 100 + 100)))
        play.at(2 * MINUTE)
        assert len({post.alert for post in play.posts}) == 1
        assert len([post for post in play.posts if post.channel == DESKTOP]) <= 11
        assert [post.count for post in play.posts if post.channel == HOOK] == [1_000]
        assert play.titles(HOOK) == ["1000 domains are offline: Europe"]


class TestCertainty:
    def test_what_nobody_can_measure_just_now_fires_no_rule(self) -> None:
        play = Play(rule(after_ms=5 * MINUTE))
        play.down(incident(3))
        play.at(2 * MINUTE)
        play.unsure()
        assert play.at(20 * MINUTE) == []
        assert len(play.unsure(is_certain=True)) == 1

    def test_it_is_not_told_if_it_was_over_all_the_while(self) -> None:
        play = Play(rule(after_ms=5 * MINUTE))
        play.down(incident(3))
        play.unsure()
        play.at(20 * MINUTE)
        play.up(incident(3), after_ms=3 * MINUTE)
        assert play.posts == []

    def test_message_that_waits_for_others_is_held_while_it_is_not_certain(self) -> None:
        play = Play(rule(HOOK))
        play.down(incident(3))
        play.unsure()
        assert play.at(MINUTE) == []
        assert [post.event for post in play.unsure(is_certain=True)] == [TRIGGERED]

    def test_no_reminder_of_what_is_not_certain(self) -> None:
        play = Play(rule(remind_ms=10 * MINUTE))
        play.down(incident(3))
        play.unsure()
        assert play.at(60 * MINUTE) == []
        assert [post.event for post in play.unsure(is_certain=True)] == [REMINDER]


class TestPatience:
    def test_reminders_come_until_somebody_looks_after_it(self) -> None:
        play = Play(rule(remind_ms=10 * MINUTE))
        play.down(incident(3))
        play.at(25 * MINUTE)
        assert play.events() == [TRIGGERED, REMINDER, REMINDER]
        assert play.titles()[-1] == "Still: site3 is offline"
        play.down(replace(incident(3), acknowledged_at_ms=play.now_ms))
        play.at(60 * MINUTE)
        play.up(incident(3))
        assert play.events() == [TRIGGERED, REMINDER, REMINDER, RESOLVED]

    def test_snooze_holds_reminders_and_reminds_when_it_ends(self) -> None:
        play = Play(rule())
        (post,) = play.down(incident(3))
        play.hear(AlertSnoozed(post.alert, NOON_MS + HOUR))
        assert play.at(HOUR - 1) == []
        assert [post.event for post in play.at(HOUR)] == [REMINDER]
        assert play.at(5 * HOUR) == []

    def test_others_are_told_if_nobody_acknowledges(self) -> None:
        escalation = Escalation(15 * MINUTE, (HOOK,))
        play = Play(rule(escalation=escalation))
        play.down(incident(3))
        play.at(14 * MINUTE)
        assert play.titles(HOOK) == []
        play.at(20 * MINUTE)
        assert play.titles(HOOK) == ["Nobody looks after it: site3 is offline"]
        play.at(30 * MINUTE)
        play.up(incident(3))
        play.at(31 * MINUTE)
        assert play.events(HOOK) == [AlertEvent.ESCALATED, RESOLVED]

    @pytest.mark.parametrize("by", ["alert", "incident"])
    def test_nobody_else_is_told_of_what_is_looked_after(self, by: str) -> None:
        play = Play(rule(escalation=Escalation(15 * MINUTE, (HOOK,))))
        (post,) = play.down(incident(3))
        if by == "alert":
            play.hear(AlertAcknowledged(post.alert, play.now_ms))
        else:
            play.down(replace(incident(3), acknowledged_at_ms=play.now_ms))
        play.at(HOUR)
        assert play.titles(HOOK) == []

    def test_cool_down_holds_the_next_alert_about_the_same_domain(self) -> None:
        play = Play(rule(cool_down_ms=30 * MINUTE))
        play.down(incident(3))
        play.at(MINUTE)
        play.up(incident(3))
        play.at(2 * MINUTE)
        play.down(incident(3, play.now_ms, id_=30), incident(4, play.now_ms, failure="dns", id_=40))
        play.at(30 * MINUTE)
        assert [(post.items[0].monitors[0], post.event, post.at_ms - NOON_MS) for post in play.posts] == [
            (3, TRIGGERED, 0),
            (3, RESOLVED, MINUTE),
            (4, TRIGGERED, 2 * MINUTE),
            (3, TRIGGERED, 30 * MINUTE),
        ]


def flap(play: Play, times: int, every_ms: int = 4 * MINUTE) -> None:
    for number in range(times):
        play.at(number * every_ms)
        one = incident(3, play.now_ms, id_=100 + number)
        play.down(one)
        play.at(number * every_ms + MINUTE)
        play.up(one)


class TestFlapping:
    def test_flapping_is_said_once_and_then_held_until_it_is_stable(self) -> None:
        play = Play(rule(flapping=Flapping(3, 30 * MINUTE, 15 * MINUTE)))
        flap(play, 8)
        assert play.titles() == [
            "site3 is offline",
            "site3 is online again",
            "site3 is offline",
            "site3 is online again",
            "site3 is flapping",
        ]
        play.at(29 * MINUTE + 15 * MINUTE)
        assert play.titles()[5:] == ["site3 is stable again"]
        assert play.state.matters == {} and play.state.alerts == {}

    def test_what_is_offline_when_it_is_stable_again_is_told(self) -> None:
        play = Play(rule(flapping=Flapping(3, 30 * MINUTE, 15 * MINUTE)))
        flap(play, 4)
        play.at(16 * MINUTE)
        play.down(incident(3, play.now_ms, id_=200))
        play.at(31 * MINUTE)
        assert sorted(play.titles()[5:]) == ["site3 is offline", "site3 is stable again"]

    def test_it_can_be_turned_off(self) -> None:
        play = Play(rule(flapping=Flapping(count=0)))
        flap(play, 8)
        assert play.events() == [TRIGGERED, RESOLVED] * 8


class TestQuiet:
    def night(self, end: QuietEnd) -> Play:
        play = Play(rule(HOOK, quiet=(EVERY_NIGHT,), quiet_end=end), channels=[hook(gather_s=0)])
        play.at(15 * HOUR)  # 3:00
        return play

    @pytest.mark.parametrize("end", QuietEnd)
    def test_what_lasts_is_told_when_the_quiet_ends(self, end: QuietEnd) -> None:
        play = self.night(end)
        play.down(incident(3, play.now_ms))
        assert play.at(19 * HOUR - 1) == []
        (post,) = play.at(19 * HOUR)
        assert post.event is TRIGGERED
        assert play.text(post).text.endswith("Since 03:00.")

    def test_what_is_over_is_told_as_late_or_left_to_the_list(self) -> None:
        for end, titles in ((QuietEnd.LATE, ["site3 was offline 03:00–03:30"]), (QuietEnd.DROP, [])):
            play = self.night(end)
            one = incident(3, play.now_ms)
            play.down(one)
            play.at(15 * HOUR + 30 * MINUTE)
            play.up(one)
            play.at(20 * HOUR)
            assert play.titles(HOOK) == titles
            assert [alert.closed_at_ms for alert in play.alerts.values()] == [NOON_MS + 15 * HOUR + 30 * MINUTE]
            assert not play.state.alerts and not play.state.matters

    def test_end_of_what_was_told_before_waits_as_well(self) -> None:
        play = Play(rule(HOOK, quiet=(EVERY_NIGHT,)), channels=[hook(gather_s=0)])
        play.down(incident(3))
        play.at(15 * HOUR)
        assert play.up(incident(3)) == []
        (post,) = play.at(19 * HOUR)
        assert play.text(post).text == "After 15 h (2023-11-21 12:00–2023-11-22 03:00)."

    def test_rule_without_quiet_hours_tells_all_the_same(self) -> None:
        quiet, loud = rule(HOOK, quiet=(EVERY_NIGHT,)), rule(HOOK, id=RuleId(21), after_ms=MINUTE)
        play = Play(quiet, loud, channels=[hook(gather_s=0)])
        play.at(15 * HOUR)
        play.down(incident(3, play.now_ms))
        (post,) = play.at(15 * HOUR + MINUTE)
        assert post.at_ms == NOON_MS + 15 * HOUR + MINUTE
        assert play.at(24 * HOUR) == []


class TestPause:
    def test_nothing_is_told_while_all_alerts_are_paused_and_what_lasts_is_afterwards(self) -> None:
        play = Play(rule(DESKTOP, HOOK, remind_ms=5 * MINUTE))
        play.down(incident(1))
        play.book = replace(play.book, paused_until_ms=NOON_MS + HOUR)
        play.at(2 * MINUTE)
        play.down(incident(2, play.now_ms), incident(3, play.now_ms))
        play.at(10 * MINUTE)
        play.up(incident(1), incident(2, NOON_MS + 2 * MINUTE))
        assert play.at(HOUR - 1) == []
        told = play.at(HOUR)
        assert {(post.channel, post.event, post.items[0].subject) for post in told if post.event is not REMINDER} == {
            (DESKTOP, RESOLVED, "site1"),
            (DESKTOP, TRIGGERED, "site3"),
            (HOOK, TRIGGERED, "site3"),
        }
        assert {alert.id for alert in play.alerts.values()} == {post.alert for post in play.posts}


class TestChannels:
    def test_two_rules_with_one_channel_tell_it_once(self) -> None:
        play = Play(rule(), rule(id=RuleId(21), after_ms=5 * MINUTE, channels=(DESKTOP, HOOK)))
        play.down(incident(3))
        play.at(10 * MINUTE)
        play.up(incident(3))
        play.at(11 * MINUTE)
        assert play.events() == [TRIGGERED, RESOLVED]
        assert play.events(HOOK) == [TRIGGERED, RESOLVED]

    def test_rule_without_channels_makes_an_alert_for_the_list(self) -> None:
        play = Play(rule(channels=()))
        play.down(incident(3))
        assert [list(alert.items) for alert in play.alerts.values()] == [["incident/3"]]
        play.up(incident(3))
        assert play.posts == [] and not play.state.alerts

    def test_channel_that_is_gone_or_off_is_passed_over(self) -> None:
        play = Play(rule(HOOK, ChannelId(99), DESKTOP), channels=[hook(is_enabled=False)])
        play.down(incident(3))
        play.at(MINUTE)
        assert {post.channel for post in play.posts} == {DESKTOP}
        play.book = replace(play.book, channels={})
        play.up(incident(3))
        assert len(play.posts) == 1 and not play.state.alerts

    def test_channel_that_fails_is_told_of_by_another_one(self) -> None:
        other = Channel(ChannelId(8), ChannelKind.APPRISE, "phone")
        play = Play(channels=[hook(), other])
        play.hear(of_channel(hook(), NOON_MS, "The server answers 500."))
        assert play.at(5 * MINUTE - 1) == []
        play.at(10 * MINUTE)
        assert play.titles() == ["Alerts are not delivered by hook"]
        play.hear(of_channel(hook(), NOON_MS, "The server answers 500.", end_ms=play.now_ms))
        assert play.titles()[1:] == ["Alerts are delivered again by hook"]
        assert {post.channel for post in play.posts} == {DESKTOP}


class TestWordsOfTheEnd:
    def test_the_list_says_of_no_alert_that_it_is_told_late(self) -> None:
        play = Play(rule())
        play.down(incident(3))
        play.at(MINUTE)
        play.up(incident(3))
        (alert,) = play.alerts.values()
        words = alert_text(summary(alert, play.now_ms), play.now_ms, zone=UTC)
        assert words.title.startswith("site3 was offline 12:00–12:0")
        assert words.text.splitlines()[1] == "It lasted 1 min and is over."

    @pytest.mark.parametrize(
        ("closing", "title"),
        [
            (Closing.WITHDRAWN, "False alarm, by results that arrived later: site3"),
            (Closing.PAUSED, "Paused or in maintenance: site3"),
        ],
    )
    def test_what_did_not_recover_is_not_said_to(self, closing: Closing, title: str) -> None:
        play = Play(rule())
        play.down(incident(3))
        play.at(MINUTE)
        play.up(incident(3), closing=closing)
        assert play.titles()[1:] == [title]

    def test_domain_that_was_deleted(self) -> None:
        play = Play(rule())
        play.down(incident(3))
        play.hear(of_incident(replace(incident(3), end_ms=NOON_MS + 1), None))
        play.at(MINUTE)
        assert play.titles()[1:] == ["No longer watched: site3"]


def test_probe_and_network_have_words_of_their_own() -> None:
    both = rule(kinds=frozenset((AlertKind.PROBE_LOST, AlertKind.OWN_NETWORK)), after_ms=2 * MINUTE)
    play = Play(both)
    play.hear(of_probe(probe(5, Region.EU), NOON_MS, "The host does not answer."), of_network(NOON_MS))
    play.at(3 * MINUTE)
    play.hear(of_probe(probe(5, Region.EU), NOON_MS, "", play.now_ms), of_network(NOON_MS, play.now_ms))
    assert play.titles() == [
        "Probe lost: probe 5",
        "Own network down: This computer",
        "Probe there again: probe 5",
        "Own network up again: This computer",
    ]


def test_certificate_is_told_once_at_each_threshold_and_when_it_was_renewed() -> None:
    play = Play(rule(kinds=frozenset((AlertKind.CERTIFICATE,)), remind_ms=HOUR))
    fact = CertificateFact("*.example", "CA", NOON_MS + 20 * DAY_MS, (MonitorId(3), MonitorId(4)))
    for day in range(13):
        play.at(day * DAY_MS)
        play.hear(of_certificate(fact, ["site3", "site4"]))
    play.at(19 * DAY_MS + HOUR)
    days = [(post.at_ms - NOON_MS) / DAY_MS for post in play.posts]
    assert days == [0, 6, 13, 17, 19]
    assert [post.items[0].level for post in play.posts] == [30, 14, 7, 3, 1]
    assert play.text(play.posts[2]).title == "Certificate ends soon: site3, site4"
    play.hear(of_certificate(fact, ["site3", "site4"], play.now_ms))
    assert play.titles()[5:] == ["Certificate renewed: site3, site4"]


def test_outage_that_is_found_anew_after_a_kill_is_not_told_twice() -> None:
    play = Play(rule())
    play.down(incident(3, id_=100))
    play.hear(Certainty({}))
    play.down(incident(3, id_=101))
    play.at(MINUTE)
    play.up(incident(3, id_=101))
    assert play.events() == [TRIGGERED, RESOLVED]
    assert not play.state.alerts and not play.state.matters
