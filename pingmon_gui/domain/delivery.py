"""A delivery: one message on its way to one channel, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from pingmon_gui.domain.alert import MAX_NAMED, AlertEvent, AlertItem, MatterKey, Post


class DeliveryState(IntEnum):
    """How far a delivery is. The number is stored: never reorder."""

    WAITING = 0
    SENT = 1
    FOLDED = 2  # a later message of the same alert said it as well
    REFUSED = 3  # the receiver does not want it as it is
    EXPIRED = 4  # tried for a day in vain
    DROPPED = 5  # its channel is gone, or there is no desktop here

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Delivery:
    """`error` is a sentence about the last try that failed; `done_at_ms` is set when nothing more happens to it."""

    post: Post
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    error: str = ""
    done_at_ms: int | None = None

    @property
    def key(self) -> str:
        return self.post.key

    @property
    def is_waiting(self) -> bool:
        return self.state is DeliveryState.WAITING


def next_to_send(waiting: Sequence[Post], *, can_replace: bool = False) -> tuple[Post, tuple[Post, ...]]:
    """Return the message to send first of those that wait on one channel, oldest first, and those it makes needless.

    Usually that is the first and none. Where all of an alert that waits is over by now, one message says what was,
    and when. Of reminders the newest is enough; on a channel that can replace messages, so it is of all.
    """
    first = waiting[0]
    own = [post for post in waiting if post.alert == first.alert]
    last = own[-1]
    if last is first:
        return first, ()
    if can_replace:
        is_first_word = last.event is AlertEvent.RESOLVED and not last.lasting and own[0].number == 1
        return replace(last, is_first_word=is_first_word), tuple(own[:-1])
    known: dict[MatterKey, AlertItem] = {}
    for post in own:
        known |= {item.key: item for item in post.items}
    if last.event is AlertEvent.RESOLVED and all(item.is_over for item in known.values()):
        told = replace(
            last,
            items=tuple(known.values())[:MAX_NAMED],
            count=max(len(known), *(post.count for post in own)),
            is_first_word=first.event in (AlertEvent.TRIGGERED, AlertEvent.JOINED) or first.is_first_word,
        )
        return told, tuple(own[:-1])
    if first.event is AlertEvent.REMINDER and own[1].event is AlertEvent.REMINDER:
        told, needless = next_to_send([post for post in waiting if post is not first])
        return told, (first, *needless)
    return first, ()
