"""Which of the messages that wait goes first, and which it makes needless."""

from __future__ import annotations

from dataclasses import replace

from pingmon_gui.domain.alert import AlertEvent, Post
from pingmon_gui.domain.delivery import next_to_send
from tests.domain.alert_play import HOOK, MINUTE, Play, hook, incident, rule


def played(*steps: tuple[int, str, int]) -> tuple[Play, list[Post]]:
    """Play (minute, "down" or "up", monitor) on a webhook that waits for nothing."""
    play = Play(rule(HOOK, remind_ms=10 * MINUTE), channels=[hook(gather_s=0)])
    began = {}
    for minute, what, number in steps:
        play.at(minute * MINUTE)
        if what == "down":
            began[number] = incident(number, play.now_ms)
            play.down(began[number])
        else:
            play.up(began[number])
    play.at(steps[-1][0] * MINUTE + 1_000)
    return play, play.posts


def test_messages_of_different_alerts_keep_their_order() -> None:
    _, posts = played((0, "down", 1), (1, "down", 2))
    assert next_to_send(posts) == (posts[0], ())


def test_what_is_over_by_now_is_told_once_and_as_late() -> None:
    play, posts = played((0, "down", 1), (6, "up", 1))
    told, needless = next_to_send(posts)
    assert needless == (posts[0],)
    assert (told.key, told.is_first_word) == (posts[1].key, True)
    assert play.text(told).title == "site1 was offline 12:00–12:06"


def test_all_of_a_cause_is_told_once_when_all_of_it_is_over() -> None:
    play, posts = played((0, "down", 1), (0, "down", 2), (5, "up", 2), (6, "up", 1))
    assert [post.event.value for post in posts] == ["triggered", "joined", "resolved", "resolved"]
    told, needless = next_to_send(posts)
    assert needless == tuple(posts[:3])
    assert (told.count, {item.subject for item in told.items}) == (2, {"site1", "site2"})
    assert play.text(told).title == "site1 and 1 more was offline 12:00–12:06"


def test_what_lasts_in_part_is_told_in_order() -> None:
    _, posts = played((0, "down", 1), (0, "down", 2), (5, "up", 2))
    assert next_to_send(posts) == (posts[0], ())


def test_end_of_what_was_told_takes_its_reminders_along() -> None:
    _, posts = played((0, "down", 1), (25, "up", 1))
    assert [post.event for post in posts] == [
        AlertEvent.TRIGGERED,
        AlertEvent.REMINDER,
        AlertEvent.REMINDER,
        AlertEvent.RESOLVED,
    ]
    told, needless = next_to_send(posts[1:])
    assert (told.key, told.is_first_word, needless) == (posts[3].key, False, tuple(posts[1:3]))
    assert next_to_send(posts[1:3]) == (posts[2], (posts[1],))


def test_channel_that_replaces_needs_the_newest_alone() -> None:
    _, posts = played((0, "down", 1), (0, "down", 2), (5, "up", 2))
    others = [replace(post, alert=replace(post).alert) for post in posts]
    told, needless = next_to_send(others, can_replace=True)
    assert (told.key, needless) == (posts[2].key, tuple(posts[:2]))
