"""Registrations of names: which name is asked about, what is kept, and that each threshold is told once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.alert import Closing
from pingmon_gui.domain.alert_news import RegistrationFact, of_registration
from pingmon_gui.domain.alert_replay import Past, replay
from pingmon_gui.domain.alert_rule import EXPIRY_DAYS, AlertKind
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.registration import (
    DAY_MS,
    HOUR_MS,
    Registration,
    RegistryAnswer,
    RegistryPause,
    registered_name,
)
from tests.domain.alert_play import NOON_MS, Play, rule

KINDS = frozenset((AlertKind.REGISTRATION,))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.shop.example.co.uk/x", "example.co.uk"),
        ("https://EXAMPLE.com:8443/", "example.com"),
        ("tcp://mail.example.com:25", "example.com"),
        ("dns://_dmarc.example.com?type=TXT", "example.com"),
        ("https://me.github.io/", "github.io"),
        ("https://xn--e1afmkfd.xn--p1ai/", "xn--e1afmkfd.xn--p1ai"),
        ("https://co.uk/", None),
        ("https://192.0.2.1/", None),
        ("https://[2001:db8::1]/", None),
        ("http://localhost:8000/", None),
        ("http://printer.local/", None),
        ("http://site2.example/", None),
        ("http://x.test/", None),
        ("http://nas.internal/", None),
        ("http://abc.onion/", None),
        ("http://router.home.arpa/", None),
        ("http://intranet/", None),
        ("http://a.nosuchsuffix/", None),
        ("https://under_score.com/", None),
        ("dns://.?type=NS", None),
        ("", None),
    ],
)
def test_names_that_nobody_registers_are_never_asked_about(url: str, name: str | None) -> None:
    assert registered_name(url) == name


def test_answer_without_an_end_takes_nothing_away_from_what_was_known() -> None:
    known = Registration("example.com").answered(RegistryAnswer(NOON_MS, "R", "https://x.example/y", "x.example"), 5)
    assert (known.registry, known.answered_at_ms, known.problem) == ("x.example", 5, "")
    later = known.answered(RegistryAnswer(server="x.example", problem="Gone."), 9)
    assert (later.expires_at_ms, later.answered_at_ms, later.asked_at_ms, later.problem) == (NOON_MS, 5, 9, "Gone.")
    assert Registration.from_json(json.loads(json.dumps(later.to_json()))) == later


@pytest.mark.parametrize("wrong", [{}, {"name": 7}, {"name": "x", "asked_at_ms": "7"}, {"name": "x", "other": 1}])
def test_what_was_kept_in_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        Registration.from_json(wrong)


def test_pauses_double_up_to_a_day_or_are_what_was_asked_for() -> None:
    pause, hours = None, []
    for _ in range(12):
        pause = RegistryPause.after(pause, 0, 0)
        hours.append(pause.until_ms // HOUR_MS)
    assert hours == [1, 2, 4, 8, 16, *[24] * 7]
    assert RegistryPause.after(None, 0, 5 * HOUR_MS).until_ms == 5 * HOUR_MS
    assert RegistryPause.after(None, 0, 365 * DAY_MS).until_ms == 7 * DAY_MS
    # A clock that was far ahead when it began keeps nobody silent.
    assert not RegistryPause(365 * DAY_MS, 1).is_on(0)


def fact(until_ms: int) -> RegistrationFact:
    return RegistrationFact("example.com", until_ms, (MonitorId(3), MonitorId(4)), "R")


def test_registration_is_told_once_at_each_threshold_and_when_it_is_renewed() -> None:
    play = Play(rule(kinds=KINDS, remind_ms=HOUR_MS))
    until_ms = NOON_MS + 40 * DAY_MS
    for day in range(41):
        play.at(day * DAY_MS)
        play.hear(of_registration(fact(until_ms)))
    assert [post.items[0].level for post in play.posts] == list(EXPIRY_DAYS)
    assert set(play.titles()) == {"Registration ends soon: example.com"}
    assert play.posts[0].items[0].text == "The registration of example.com ends soon (registrar: R)"
    play.hear(of_registration(fact(until_ms), play.now_ms))
    assert play.titles()[len(EXPIRY_DAYS) :] == ["Registration renewed: example.com"]


def test_registration_that_is_over_when_it_is_first_seen_says_so() -> None:
    play = Play(rule(kinds=KINDS))
    ended = RegistrationFact("example.com", NOON_MS - DAY_MS, (MonitorId(3),), has_ended=True)
    play.hear(of_registration(ended))
    words = play.text(play.posts[0])
    assert words.title == "Registration has ended: example.com"
    assert words.text.splitlines()[0] == "The registration of example.com has ended."


def test_registration_that_was_wrong_or_is_watched_no_more_is_not_called_renewed() -> None:
    for closing, title in (
        (Closing.WITHDRAWN, "False alarm, by results that arrived later: example.com"),
        (Closing.REMOVED, "No longer watched: example.com"),
        (Closing.PAUSED, "Paused or in maintenance: example.com"),
    ):
        play = Play(rule(kinds=KINDS))
        near = fact(NOON_MS + DAY_MS)
        play.hear(of_registration(near))
        play.at(2_000)
        play.hear(of_registration(near, play.now_ms, closing))
        assert play.titles()[-1] == title


@given(
    st.integers(-5, 400),
    st.lists(st.integers(1, 365), min_size=1, max_size=8, unique=True),
    st.lists(st.integers(1, 2_000), max_size=12),
)
def test_every_threshold_that_is_passed_is_told_once_whenever_somebody_looks(
    days_left: int, thresholds: list[int], hours: list[int]
) -> None:
    play = Play(rule(kinds=KINDS, expiry_days=tuple(thresholds)))
    until_ms = NOON_MS + days_left * DAY_MS
    wanted: list[int] = []
    for hour in [0, *hours]:
        play.now_ms += hour * HOUR_MS
        play.hear(of_registration(fact(until_ms)))
        passed = [day for day in thresholds if until_ms - play.now_ms <= day * DAY_MS]
        if passed and (not wanted or min(passed) < wanted[-1]):
            wanted.append(min(passed))
    assert [post.items[0].level for post in play.posts] == wanted


def test_preview_counts_thresholds_of_what_is_known_and_says_where_nothing_is() -> None:
    monitors = list(Play().monitors.values())
    week = Past(NOON_MS - 7 * DAY_MS, NOON_MS, monitors, registrations=[fact(NOON_MS + DAY_MS // 2)])
    found = replay(rule(kinds=KINDS), week)
    assert [post.items[0].level for post in found.alerts] == [7, 3, 1]
    assert found.messages == 3 and found.not_kept == ()
    nothing = replay(rule(kinds=KINDS), Past(NOON_MS - 7 * DAY_MS, NOON_MS, monitors))
    assert nothing.alerts == () and nothing.not_kept == (AlertKind.REGISTRATION,)
