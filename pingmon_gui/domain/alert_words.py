"""A message in words: a title that says it all at a glance, and a text that says since when, why and how long.

Phrases are English; `say` translates them (the window's way), names and numbers are put in afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from pingmon_gui.domain.alert import Alert, AlertEvent, AlertItem, Closing, Post
from pingmon_gui.domain.alert_channel import ChannelId
from pingmon_gui.domain.alert_rule import DAY_MS, AlertKind
from pingmon_gui.domain.region import REGION_NAMES, Region

Say = Callable[[str], str]
_NAMED = 5
#: What is told so much later than it was to be says so.
LATE_MS = 60_000


@dataclass(frozen=True)
class AlertText:
    title: str
    text: str


def alert_text(post: Post, now_ms: int, *, zone: tzinfo | None = None, say: Say = str) -> AlertText:
    """Return what a message says when it is told now."""
    words = _Words(post, now_ms, zone, say)
    if post.event is AlertEvent.TEST:
        return AlertText(say("Pingmon: this is a test"), say("Alerts arrive here. Nothing is wrong."))
    if post.event is AlertEvent.RESOLVED:
        return words.resolved()
    return words.lasting()


#: Of a message that is a summary for whoever looks at the list: that one is told nothing, neither in time nor late.
_NO_CHANNEL = ChannelId(0)


def summary(alert: Alert, now_ms: int) -> Post:
    """Return a message that says what an alert comes to now: what lasts of it, or how it ended."""
    items = sorted(alert.items.values(), key=lambda item: item.is_over)
    over = sum(item.is_over for item in items)
    is_over = over == len(items)
    return Post(
        alert=alert.id,
        channel=_NO_CHANNEL,
        number=1,
        event=AlertEvent.RESOLVED if is_over else AlertEvent.TRIGGERED,
        kind=alert.kind,
        at_ms=now_ms,
        items=tuple(items),
        count=len(items),
        lasting=len(items) - over,
        over=over,
        is_first_word=is_over,
    )


_IS = {
    AlertKind.OFFLINE: "%1 is offline",
    AlertKind.REGIONAL: "%1 has a regional problem",
    AlertKind.SLOW: "%1 is slow",
    AlertKind.CERTIFICATE: "Certificate ends soon: %1",
    AlertKind.REGISTRATION: "Registration ends soon: %1",
    AlertKind.PROBE_LOST: "Probe lost: %1",
    AlertKind.OWN_NETWORK: "Own network down: %1",
    AlertKind.FLAPPING: "%1 is flapping",
    AlertKind.CHANNEL: "Alerts are not delivered by %1",
}
_HAS_ENDED = {
    AlertKind.CERTIFICATE: "Certificate has ended: %1",
    AlertKind.REGISTRATION: "Registration has ended: %1",
}
_MANY = {
    AlertKind.OFFLINE: "%1 domains are offline",
    AlertKind.REGIONAL: "%1 domains have a regional problem",
    AlertKind.SLOW: "%1 domains are slow",
    AlertKind.CERTIFICATE: "%1 certificates end soon",
    AlertKind.REGISTRATION: "%1 registrations end soon",
    AlertKind.PROBE_LOST: "%1 probes are lost",
    AlertKind.FLAPPING: "%1 domains are flapping",
}
_AGAIN = {
    AlertKind.OFFLINE: "%1 is online again",
    AlertKind.REGIONAL: "%1 is online again everywhere",
    AlertKind.SLOW: "%1 is fast again",
    AlertKind.CERTIFICATE: "Certificate renewed: %1",
    AlertKind.REGISTRATION: "Registration renewed: %1",
    AlertKind.PROBE_LOST: "Probe there again: %1",
    AlertKind.OWN_NETWORK: "Own network up again: %1",
    AlertKind.FLAPPING: "%1 is stable again",
    AlertKind.CHANNEL: "Alerts are delivered again by %1",
}
_MANY_AGAIN = {
    AlertKind.OFFLINE: "%1 domains are online again",
    AlertKind.REGIONAL: "%1 domains are online again everywhere",
    AlertKind.SLOW: "%1 domains are fast again",
    AlertKind.CERTIFICATE: "%1 certificates are renewed",
    AlertKind.REGISTRATION: "%1 registrations are renewed",
    AlertKind.PROBE_LOST: "%1 probes are there again",
    AlertKind.FLAPPING: "%1 domains are stable again",
}
_WAS = {
    AlertKind.OFFLINE: "%1 was offline",
    AlertKind.REGIONAL: "%1 had a regional problem",
    AlertKind.SLOW: "%1 was slow",
    AlertKind.PROBE_LOST: "Probe was lost: %1",
    AlertKind.OWN_NETWORK: "Own network was down: %1",
    AlertKind.FLAPPING: "%1 was flapping",
}
_CLOSED = {
    Closing.WITHDRAWN: "False alarm, by results that arrived later: %1",
    Closing.PAUSED: "Paused or in maintenance: %1",
    Closing.REMOVED: "No longer watched: %1",
}


class _Words:
    def __init__(self, post: Post, now_ms: int, zone: tzinfo | None, say: Say) -> None:
        self._post = post
        self._now_ms = now_ms
        self._zone = zone
        self._say = say

    def lasting(self) -> AlertText:
        post, say = self._post, self._say
        items = [item for item in post.items if not item.is_over] or list(post.items)
        count = max(1, post.count - sum(item.is_over for item in post.items))
        title = self._what(items, count)
        first = items[0]
        lines = [f"{first.text}."] if count == 1 else [self._names(items, count)]
        if first.until_ms:
            lines.append(self._days_left(first))
        elif post.event is AlertEvent.REMINDER:
            title = say("Still: %1").replace("%1", title)
            lines.append(say("For %1 now, since %2.").replace("%2", self.clock(post.since_ms)))
            lines[-1] = lines[-1].replace("%1", duration(self._now_ms - post.since_ms))
        else:
            lines.append(say("Since %1.").replace("%1", self.clock(min(item.since_ms for item in items))))
        if post.event is AlertEvent.JOINED and not self._is_whole:
            title = say("More: %1").replace("%1", title)
        elif post.event is AlertEvent.WORSENED:
            title = say("Now everywhere: %1").replace("%1", title)
        elif post.event is AlertEvent.ESCALATED:
            title = say("Nobody looks after it: %1").replace("%1", title)
        if post.over:
            lines.append(say("%1 more are over.").replace("%1", str(post.over)))
        if first.kind is AlertKind.FLAPPING:
            lines.append(say("No more alerts about it until it is stable."))
        if self._now_ms - post.at_ms > LATE_MS:
            lines.append(say("Told late: it was to be told at %1.").replace("%1", self.clock(post.at_ms)))
        return AlertText(title, "\n".join(lines))

    def resolved(self) -> AlertText:
        post, say = self._post, self._say
        over = [item for item in post.items if item.is_over]
        first, count = over[0], post.count - sum(not item.is_over for item in post.items)
        name = self._name(over, count)
        span = f"{self.clock(first.since_ms)}–{self.clock(first.end_ms or first.since_ms, beside=first.since_ms)}"
        took = duration(max(item.duration_ms(self._now_ms) for item in over))
        if (phrase := _CLOSED.get(first.closing or Closing.RESOLVED)) is not None:
            return AlertText(say(phrase).replace("%1", name), f"{first.past_text} ({span}, {took}).")
        if first.until_ms:
            return AlertText(self._again(over, count), f"{first.past_text}.")
        if post.is_first_word:
            title = f"{say(_WAS.get(first.kind, '%1')).replace('%1', name)} {span}"
            lines = [f"{first.past_text}." if count == 1 else self._names(over, count)]
            is_summary = post.channel == _NO_CHANNEL
            told = "It lasted %1 and is over." if is_summary else "It lasted %1 and is over; this is told late."
            lines.append(say(told).replace("%1", took))
        else:
            title = self._again(over, count)
            lines = [say("After %1 (%2).").replace("%2", span).replace("%1", took)]
            if count > 1:
                lines.append(self._names(over, count))
        if post.lasting:
            lines.append(say("Not over for %1 more.").replace("%1", str(post.lasting)))
        return AlertText(title, "\n".join(lines))

    @property
    def _is_whole(self) -> bool:
        """Whether the message names all of the alert, so that it takes the place of the one before."""
        return self._post.count == self._post.lasting + self._post.over

    def _what(self, items: list[AlertItem], count: int) -> str:
        kind = items[0].kind if count == 1 else self._post.kind
        if count == 1 or kind not in _MANY:
            has_ended = 0 < items[0].until_ms <= self._now_ms
            phrase = _HAS_ENDED.get(kind, _IS[kind]) if has_ended else _IS[kind]
            return self._say(phrase).replace("%1", items[0].subject)
        text = self._say(_MANY[kind]).replace("%1", str(count))
        regions = {item.regions for item in items}
        if len(regions) == 1 and kind.is_outage and (where := self._regions(next(iter(regions)))):
            # Where this computer is the only one that measures, its name beside "offline" would be misread.
            is_alone = kind is AlertKind.OFFLINE and regions == {(Region.LOCAL.value,)}
            text = text if is_alone else f"{text}: {where}"
        return text

    def _again(self, items: list[AlertItem], count: int) -> str:
        kind = items[0].kind
        if count == 1 or kind not in _MANY_AGAIN:
            return self._say(_AGAIN[kind]).replace("%1", self._name(items, count))
        return self._say(_MANY_AGAIN[kind]).replace("%1", str(count))

    def _regions(self, regions: tuple[str, ...]) -> str:
        return ", ".join(self._say(REGION_NAMES[Region(region)]) for region in regions)

    def _name(self, items: list[AlertItem], count: int) -> str:
        if count == 1:
            return items[0].subject
        return self._say("%1 and %2 more").replace("%1", items[0].subject).replace("%2", str(count - 1))

    def _names(self, items: list[AlertItem], count: int) -> str:
        shown = [item.subject for item in items[:_NAMED]]
        text = ", ".join(shown)
        if count > len(shown):
            text = self._say("%1 and %2 more").replace("%2", str(count - len(shown))).replace("%1", text)
        return f"{text}."

    def _days_left(self, item: AlertItem) -> str:
        left_ms = item.until_ms - self._now_ms
        if left_ms <= 0:
            return self._say("It ended on %1.").replace("%1", self.clock(item.until_ms, with_date=True))
        text = self._say("%1 days are left: it ends on %2.") if left_ms >= DAY_MS * 2 else self._say("It ends on %2.")
        return text.replace("%2", self.clock(item.until_ms, with_date=True)).replace("%1", str(left_ms // DAY_MS))

    def clock(self, at_ms: int, *, beside: int | None = None, with_date: bool = False) -> str:
        """Return a time of day, with its date where that is not plain from today or from a time `beside` it."""
        moment = self._local(at_ms)
        day = self._local(self._now_ms if beside is None else beside).date()
        return moment.strftime("%Y-%m-%d %H:%M" if with_date or moment.date() != day else "%H:%M")

    def _local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, self._zone).astimezone(self._zone)


def duration(ms: int) -> str:
    """Return a span in its two largest units: `45 s`, `6 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    seconds = max(0, round(ms / 1000))
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        value, seconds = divmod(seconds, size)
        parts.append((value, unit))
    first = next((place for place, (value, _) in enumerate(parts) if value), len(parts) - 1)
    return " ".join(f"{value} {unit}" for value, unit in parts[first : first + 2] if value) or "0 s"
