"""How alerts are told on their channels: what waits for more of the same cause, for quiet hours, for a pause.

The second half of a decision (`alert_decision`): that one finds what rules fire about, this one what is said, where
and when.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pingmon_gui.domain.alert import (
    MAX_NAMED,
    Alert,
    AlertEvent,
    AlertId,
    AlertItem,
    Matter,
    MatterKey,
    Post,
    Thread,
    Want,
    new_alert_id,
)
from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_rule import AlertKind, AlertRule, QuietEnd, RuleId
from pingmon_gui.domain.alert_state import AlertState, Surroundings
from pingmon_gui.domain.quiet_hours import quiet_until_ms

#: A message that replaces another on the same screen comes no sooner after it.
REPLACE_EVERY_MS = 1_000
#: What comes to an end by a date: told once at each threshold, never reminded of.
EXPIRIES = (AlertKind.CERTIFICATE, AlertKind.REGISTRATION)


class Telling:
    """One decision's alerts and messages. `matters` and `alerts` are its own copies, `next_at_ms` is for the next."""

    def __init__(self, state: AlertState, now_ms: int, around: Surroundings, rule_of: dict[RuleId, AlertRule]) -> None:
        self.matters = dict(state.matters)
        self.alerts = dict(state.alerts)
        self.posts: list[Post] = []
        self.next_at_ms: int | None = None
        self._now_ms = now_ms
        self._around = around
        self._book = around.book
        self._rule_of = rule_of
        self._quiet: dict[RuleId, int] = {}

    def due(self, at_ms: int) -> None:
        """Note that something may be different at a time."""
        if at_ms > self._now_ms and (self.next_at_ms is None or at_ms < self.next_at_ms):
            self.next_at_ms = at_ms

    def tell(self, rule: AlertRule, key: MatterKey, channels: Iterable[ChannelId], event: AlertEvent) -> None:
        """A rule wants a matter told; it goes into its alert, that of the same cause, or a new one."""
        alert = self._alert_for(key)
        for channel in channels:
            self._want(alert, channel, key, event, rule)

    def put_item(self, key: MatterKey, item: AlertItem) -> None:
        """Bring what is known of a matter up to date, here and in its alert."""
        matter = self.matters[key] = replace(self.matters[key], item=item)
        alert = self.alerts.get(matter.alert) if matter.alert is not None else None
        if alert is not None and alert.items[key] != item:
            self.alerts[alert.id] = replace(alert, items={**alert.items, key: item})

    def worsened(self, key: MatterKey) -> None:
        """A regional problem became an outage: whoever heard of it and wants outages is told again."""
        alert = self.alerts.get(self.matters[key].alert or AlertId(0))
        if alert is None:
            return
        for channel, thread in alert.threads.items():
            rules = [self._rule_of[rule] for rule in thread.rules if rule in self._rule_of]
            rule = next((rule for rule in rules if AlertKind.OFFLINE in rule.kinds), None)
            if key in thread.said and rule is not None:
                self._want(alert.id, channel, key, AlertEvent.WORSENED, rule)

    def serve(self) -> None:
        """Say on every channel what is to be said now."""
        for id_ in list(self.alerts):
            for channel in list(self.alerts[id_].threads):
                self._serve(id_, channel)
            self._close(id_)

    def _alert_for(self, key: MatterKey) -> AlertId:
        """Return the alert that a matter is told in: its own, that of the same cause, or a new one."""
        matter = self.matters[key]
        alert = self.alerts.get(matter.alert) if matter.alert is not None else None
        if alert is None:
            alert = next((one for one in self.alerts.values() if _is_joined(one, matter)), None)
        if alert is None:
            alert = Alert(new_alert_id(), self._now_ms, matter.cause, {})
        cause = alert.cause.joined(matter.cause)
        self.alerts[alert.id] = replace(alert, cause=cause, items={**alert.items, key: matter.item})
        self.matters[key] = replace(matter, alert=alert.id)
        return alert.id

    def rename(self, alert: Alert, old: MatterKey, new: MatterKey) -> None:
        """Let a matter of an alert go on under another key."""

        def renamed(keys: Iterable[MatterKey]) -> frozenset[MatterKey]:
            return frozenset(new if key == old else key for key in keys)

        threads = {
            channel: replace(
                thread,
                wanted={new if key == old else key: want for key, want in thread.wanted.items()},
                said=renamed(thread.said),
                over=renamed(thread.over),
            )
            for channel, thread in alert.threads.items()
        }
        items = {new if key == old else key: item for key, item in alert.items.items()}
        self.alerts[alert.id] = replace(alert, items=items, threads=threads)

    def _want(
        self, alert_id: AlertId, channel_id: ChannelId, key: MatterKey, event: AlertEvent, rule: AlertRule
    ) -> None:
        channel = self._book.channels.get(channel_id)
        if channel is None or not channel.is_enabled:
            return
        alert = self.alerts[alert_id]
        thread = alert.threads.get(channel_id, Thread())
        if event is AlertEvent.TRIGGERED and key in thread.said - thread.over and not alert.items[key].level:
            # Another rule has told it here already; this one still reminds and recovers.
            self._put(alert, channel_id, replace(thread, rules=thread.rules | {rule.id}))
            return
        quiet_ms = self._quiet_until(rule)
        want = Want(
            max(self._now_ms, quiet_ms), event, self._is_paused or (quiet_ms > 0 and rule.quiet_end is QuietEnd.DROP)
        )
        known = thread.wanted.get(key)
        if known is not None and known.not_before_ms <= want.not_before_ms:
            want = known
        waits = event in (AlertEvent.TRIGGERED, AlertEvent.JOINED)
        self._put(
            alert,
            channel_id,
            replace(
                thread,
                rules=thread.rules | {rule.id},
                wanted={**thread.wanted, key: want},
                gather_until_ms=self._gather_until(thread, channel, waits=waits),
            ),
        )

    def _gather_until(self, thread: Thread, channel: Channel, *, waits: bool) -> int:
        if thread.gather_until_ms is not None:
            return thread.gather_until_ms if waits else min(thread.gather_until_ms, self._now_ms)
        if channel.kind.can_replace:
            return max(self._now_ms, thread.spoke_at_ms + REPLACE_EVERY_MS)
        return self._now_ms + (channel.gather_ms if waits else 0)

    def _put(self, alert: Alert, channel: ChannelId, thread: Thread) -> None:
        self.alerts[alert.id] = replace(self.alerts[alert.id], threads={**alert.threads, channel: thread})

    def _serve(self, id_: AlertId, channel_id: ChannelId) -> None:
        """Say what there is to say of an alert on a channel, if it is time."""
        alert, channel = self.alerts[id_], self._book.channels.get(channel_id)
        thread = alert.threads[channel_id]
        if channel is None or not channel.is_enabled:
            self.alerts[id_] = replace(
                alert, threads={one: other for one, other in alert.threads.items() if one != channel_id}
            )
            return
        if self._is_paused:
            held = {key: replace(want, is_dropped_if_over=True) for key, want in thread.wanted.items()}
            if held != dict(thread.wanted):
                self._put(alert, channel_id, replace(thread, wanted=held))
            self.due(self._book.paused_until_ms)
            return
        thread = self._without_dropped(alert, thread)
        fresh, late, ended = self._sayable(alert, thread)
        if fresh or late or ended:
            if thread.gather_until_ms is None:
                thread = replace(thread, gather_until_ms=self._gather_until(thread, channel, waits=True))
            assert thread.gather_until_ms is not None
            if thread.gather_until_ms > self._now_ms:
                self.due(thread.gather_until_ms)
            else:
                thread = self._say(alert, channel, thread, fresh, late, ended)
        thread = self._remind(alert, channel, thread)
        if thread is not alert.threads[channel_id]:
            self._put(self.alerts[id_], channel_id, thread)

    def _without_dropped(self, alert: Alert, thread: Thread) -> Thread:
        dropped = {
            key
            for key, want in thread.wanted.items()
            if alert.items[key].is_over and (want.is_dropped_if_over or key in thread.said)
        }
        if not dropped:
            return thread
        wanted = {key: want for key, want in thread.wanted.items() if key not in dropped}
        return replace(thread, wanted=wanted, gather_until_ms=thread.gather_until_ms if wanted else None)

    def _sayable(self, alert: Alert, thread: Thread) -> tuple[list[MatterKey], list[MatterKey], list[MatterKey]]:
        """Return what may be told now: what lasts, what is over and was never told, what is over and was."""
        fresh, late = [], []
        for key, want in thread.wanted.items():
            if want.not_before_ms > self._now_ms:
                self.due(want.not_before_ms)
            elif alert.items[key].is_over:
                if key not in thread.said:
                    late.append(key)
            elif key in self.matters and self.matters[key].is_certain:
                fresh.append(key)
        ended = [
            key for key in alert.items if key in thread.said and key not in thread.over and alert.items[key].is_over
        ]
        if ended:
            quiet_ms = min((self._quiet_until(self._rule_of[r]) for r in thread.rules if r in self._rule_of), default=0)
            if quiet_ms > self._now_ms:
                self.due(quiet_ms)
                ended = []
        return fresh, late, ended

    def _say(
        self,
        alert: Alert,
        channel: Channel,
        thread: Thread,
        fresh: list[MatterKey],
        late: list[MatterKey],
        ended: list[MatterKey],
    ) -> Thread:
        event = _event_of(thread, fresh)
        told = replace(
            thread,
            wanted={key: want for key, want in thread.wanted.items() if key not in {*fresh, *late, *ended}},
            said=thread.said | {*fresh, *late},
            over=thread.over | {*late, *ended},
            gather_until_ms=None,
            spoke_at_ms=self._now_ms,
        )
        if channel.kind.can_replace:
            known = [key for key in alert.items if key in told.said]
            is_new = not fresh and not ended
            return self._post(
                alert, channel, told, event if fresh else AlertEvent.RESOLVED, known, is_first_word=is_new
            )
        if fresh:
            told = self._post(alert, channel, told, event, fresh)
        if late:
            told = self._post(alert, channel, told, AlertEvent.RESOLVED, late, is_first_word=True)
        if ended:
            told = self._post(alert, channel, told, AlertEvent.RESOLVED, ended)
        return told

    def _post(
        self,
        alert: Alert,
        channel: Channel,
        thread: Thread,
        event: AlertEvent,
        keys: Sequence[MatterKey],
        *,
        is_first_word: bool = False,
    ) -> Thread:
        items = [alert.items[key] for key in keys]
        kinds = {item.kind for item in items}
        over = sum(alert.items[key].is_over for key in thread.said)
        self.posts.append(
            Post(
                alert=alert.id,
                channel=channel.id,
                number=thread.count + 1,
                event=event,
                kind=next(kind for kind in AlertKind if kind in kinds),
                at_ms=self._now_ms,
                # What lasts is named before what is over.
                items=tuple(sorted(items, key=lambda item: item.is_over)[:MAX_NAMED]),
                count=len(items),
                lasting=len(thread.said) - over,
                over=over,
                is_first_word=is_first_word,
            )
        )
        return replace(thread, count=thread.count + 1)

    def _remind(self, alert: Alert, channel: Channel, thread: Thread) -> Thread:
        lasting = [key for key in alert.items if key in thread.said and not alert.items[key].is_over]
        if not lasting or alert.is_acknowledged or alert.kind in EXPIRIES:
            return thread
        rules = [self._rule_of[rule] for rule in thread.rules if rule in self._rule_of]
        every_ms = min((rule.remind_ms for rule in rules if rule.remind_ms), default=0)
        if alert.snoozed_until_ms > thread.spoke_at_ms:
            due_ms = alert.snoozed_until_ms
        elif every_ms:
            due_ms = thread.spoke_at_ms + every_ms
        else:
            return thread
        due_ms = max(due_ms, min((self._quiet_until(rule) for rule in rules), default=0))
        if due_ms > self._now_ms:
            self.due(due_ms)
            return thread
        certain = [key for key in lasting if key in self.matters and self.matters[key].is_certain]
        if not certain:
            return thread
        return replace(self._post(alert, channel, thread, AlertEvent.REMINDER, lasting), spoke_at_ms=self._now_ms)

    def _close(self, id_: AlertId) -> None:
        alert = self.alerts[id_]
        ends = [item.end_ms for item in alert.items.values() if item.end_ms is not None]
        is_over = len(ends) == len(alert.items)
        if is_over != (not alert.is_open):
            self.alerts[id_] = replace(alert, closed_at_ms=max(ends) if is_over else None)

    def _quiet_until(self, rule: AlertRule) -> int:
        """Return when a rule's quiet ends, 0 while it is not quiet."""
        if rule.id not in self._quiet:
            self._quiet[rule.id] = quiet_until_ms(rule.quiet, self._now_ms, self._around.zone) or 0
        return self._quiet[rule.id]

    @property
    def _is_paused(self) -> bool:
        return self._book.paused_until_ms > self._now_ms


def is_told(alert: Alert, key: MatterKey | None = None) -> bool:
    """Whether every channel was told everything, or everything about one matter."""
    return all(
        (not thread.wanted and thread.said <= thread.over)
        if key is None
        else key not in thread.wanted and (key not in thread.said or key in thread.over)
        for thread in alert.threads.values()
    )


def _event_of(thread: Thread, fresh: Sequence[MatterKey]) -> AlertEvent:
    """Return what a message about matters that last is called."""
    events = {thread.wanted[key].event for key in fresh}
    for one in (AlertEvent.ESCALATED, AlertEvent.WORSENED):
        if one in events:
            return one
    is_known = bool(thread.said - set(fresh)) or bool(thread.over)
    return AlertEvent.JOINED if is_known else AlertEvent.TRIGGERED


def _is_joined(alert: Alert, matter: Matter) -> bool:
    return (
        alert.is_open
        and alert.cause.failure == matter.cause.failure
        # All of an alert is of one family.
        and _family(next(iter(alert.items.values())).kind) is _family(matter.item.kind)
        and alert.cause.is_shared_with(matter.cause)
    )


def _family(kind: AlertKind) -> AlertKind:
    return AlertKind.OFFLINE if kind.is_outage else kind
