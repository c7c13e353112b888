"""The one function that decides what is told: state, news and time in, messages and the new state out.

It does the same live, in the preview that replays a rule over the past, and in simulations. It asks nobody and keeps
nothing; whoever calls it keeps the state together with the messages (`engine.alert_policy`). Here rules find what
they fire about; `alert_telling` finds what is said of it, where and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pingmon_gui.domain.alert import AlertEvent, AlertId, AlertItem, Closing, Course, Matter, MatterKey
from pingmon_gui.domain.alert_channel import ChannelId, ChannelKind
from pingmon_gui.domain.alert_rule import DAY_MS, MINUTE_MS, AlertKind, AlertRule, RuleId
from pingmon_gui.domain.alert_state import (
    AlertAcknowledged,
    AlertSnoozed,
    AlertState,
    Certainty,
    Decision,
    Habit,
    MatterNews,
    News,
    Surroundings,
)
from pingmon_gui.domain.alert_telling import EXPIRIES, Telling, is_told
from pingmon_gui.domain.monitor import MonitorId

#: A channel that has delivered nothing for so long although something waits is itself told of.
CHANNEL_FAILS_MS = 5 * MINUTE_MS
_WITHOUT_DELAY = (*EXPIRIES, AlertKind.SLOW)
_CHANNEL_RULE = AlertRule(RuleId(0), "Channels that fail", frozenset((AlertKind.CHANNEL,)), after_ms=CHANNEL_FAILS_MS)


def decide(state: AlertState, news: Sequence[News], now_ms: int, around: Surroundings) -> Decision:
    """Return what is to be told now. Costs are linear in what is wrong, not in what is watched."""
    deciding = _Deciding(state, now_ms, around)
    for one in news:
        deciding.hear(one)
    deciding.pass_time()
    return deciding.decision(state)


class _Deciding:
    """One decision under way."""

    def __init__(self, state: AlertState, now_ms: int, around: Surroundings) -> None:
        self._now_ms = now_ms
        self._book = around.book
        self._tags = around.tags
        self._rules = [*(rule for rule in around.book.rules if rule.is_enabled), _CHANNEL_RULE]
        self._rule_of = {rule.id: rule for rule in self._rules}
        self._habits = dict(state.habits)
        self._telling = Telling(state, now_ms, around, self._rule_of)
        self._matters = self._telling.matters
        #: Made when it is first asked for: the open outage of each monitor.
        self._open_outages: dict[tuple[MonitorId, ...], MatterKey] | None = None

    def decision(self, before: AlertState) -> Decision:
        alerts = self._telling.alerts
        changed = tuple(alert for id_, alert in alerts.items() if before.alerts.get(id_) is not alert)
        kept = {id_: alert for id_, alert in alerts.items() if alert.is_open or not is_told(alert)}
        state = AlertState(self._matters, kept, self._habits)
        return Decision(state, tuple(self._telling.posts), changed, self._telling.next_at_ms)

    # News

    def hear(self, news: News) -> None:
        match news:
            case MatterNews():
                self._hear_matter(news)
            case Certainty():
                for key, is_certain in news.certain.items():
                    matter = self._matters.get(key)
                    if matter is not None and matter.is_certain != is_certain:
                        self._matters[key] = replace(matter, is_certain=is_certain)
            case AlertAcknowledged():
                if (alert := self._telling.alerts.get(news.alert)) is not None:
                    self._telling.alerts[news.alert] = replace(alert, acknowledged_at_ms=news.at_ms)
            case AlertSnoozed():
                if (alert := self._telling.alerts.get(news.alert)) is not None:
                    self._telling.alerts[news.alert] = replace(alert, snoozed_until_ms=news.until_ms)

    def _hear_matter(self, news: MatterNews) -> None:
        item = news.item
        known = self._matters.get(item.key) or self._adopted(item)
        if known is None or (known.item.is_over and not item.is_over):
            # What is over when it is first heard of is listed among the incidents, and raises nothing. What was over
            # and goes on by later results is a matter of its own again.
            if not item.is_over:
                self._matters[item.key] = Matter(
                    item, news.cause, item.since_ms, news.is_certain, news.rule, settles_at_ms=news.settles_at_ms
                )
                self._note_turn(item)
            return
        before = known.item
        if item.closing is Closing.REMOVED:
            # What it was called is still known here.
            item = replace(before, end_ms=item.end_ms, closing=item.closing)
        if before.is_over != item.is_over:
            self._note_turn(item)
        kind_since_ms = known.kind_since_ms if before.kind is item.kind else self._now_ms
        self._matters[item.key] = replace(
            known, cause=news.cause, kind_since_ms=kind_since_ms, settles_at_ms=news.settles_at_ms
        )
        self._telling.put_item(item.key, replace(item, level=item.level or before.level))
        if before.kind is AlertKind.REGIONAL and item.kind is AlertKind.OFFLINE and not item.is_over:
            self._telling.worsened(item.key)

    def _adopted(self, item: AlertItem) -> Matter | None:
        """Return the matter that goes on under another key: a monitor has one open incident at a time.

        After a kill the same outage may have been found anew, with another id.
        """
        if not item.kind.is_outage or item.is_over:
            return None
        if self._open_outages is None:
            self._open_outages = {
                matter.item.monitors: key
                for key, matter in self._matters.items()
                if matter.item.kind.is_outage and not matter.item.is_over
            }
        key = self._open_outages.get(item.monitors)
        if key is None or key not in self._matters or self._matters[key].item.is_over:
            return None
        matter = self._matters[item.key] = self._matters.pop(key)
        alert = self._telling.alerts.get(matter.alert or AlertId(0))
        if alert is not None:
            self._telling.rename(alert, key, item.key)
        return matter

    def _note_turn(self, item: AlertItem) -> None:
        if not item.kind.is_outage:
            return
        for rule in self._rules:
            habit = self._habits.get((rule.id, item.monitors[0]))
            if habit is not None:
                self._habits[rule.id, item.monitors[0]] = replace(habit, moved_at_ms=self._now_ms)

    # Rules

    def pass_time(self) -> None:
        self._end_flapping()
        for key in list(self._matters):
            if not self._matters[key].item.is_over:
                self._try_rules(key)
        for id_ in list(self._telling.alerts):
            self._escalate(id_)
        self._telling.serve()
        self._forget()

    def _try_rules(self, key: MatterKey) -> None:
        for rule in self._rules:
            matter = self._matters[key]
            if not self._is_meant(rule, matter):
                continue
            course = matter.courses.get(rule.id)
            level = 0
            if matter.item.kind in EXPIRIES:
                level = self._expiry_level(rule, matter.item)
                if level == 0 or (course is not None and course.level <= level):
                    continue
            elif course is not None:
                continue
            if self._is_ripe(rule, matter):
                self._fire(rule, key, level)

    def _is_meant(self, rule: AlertRule, matter: Matter) -> bool:
        kind = matter.item.kind
        if kind not in rule.kinds or matter.rule not in (None, rule.id):
            return False
        return not kind.is_of_domain or any(
            rule.scope.holds(monitor, self._tags.get(monitor, frozenset())) for monitor in matter.item.monitors
        )

    def _expiry_level(self, rule: AlertRule, item: AlertItem) -> int:
        """Return the smallest of the rule's days that is left or less; 0 while none is."""
        left_ms = item.until_ms - self._now_ms
        later = [days for days in rule.expiry_days if left_ms > days * DAY_MS]
        if later:
            self._telling.due(item.until_ms - max(later) * DAY_MS)
        return min((days for days in rule.expiry_days if left_ms <= days * DAY_MS), default=0)

    def _is_ripe(self, rule: AlertRule, matter: Matter) -> bool:
        """Whether a rule may fire about a matter now; if only time is missing, it is noted when."""
        item = matter.item
        wait_until_ms = matter.settles_at_ms
        if item.kind not in _WITHOUT_DELAY:
            is_any_outage = item.kind.is_outage and {AlertKind.OFFLINE, AlertKind.REGIONAL} <= rule.kinds
            since_ms = item.since_ms if is_any_outage else matter.kind_since_ms
            wait_until_ms = max(wait_until_ms, since_ms + rule.after_ms)
        if _is_habitual(item):
            flapping = self._matters.get(_flapping_key(rule.id, item.monitors[0]))
            if flapping is not None and not flapping.item.is_over:
                return False
            habit = self._habits.get((rule.id, item.monitors[0]))
            if rule.cool_down_ms and habit is not None and habit.fired_at_ms:
                wait_until_ms = max(wait_until_ms, habit.fired_at_ms[-1] + rule.cool_down_ms)
        self._telling.due(wait_until_ms)
        return matter.is_certain and wait_until_ms <= self._now_ms

    def _fire(self, rule: AlertRule, key: MatterKey, level: int) -> None:
        matter = self._matters[key]
        item = matter.item
        if _is_habitual(item):
            fired = self._note_fired(rule, item.monitors[0])
            if rule.flapping.count and len(fired) >= rule.flapping.count:
                self._begin_flapping(rule, matter, fired)
                return
        courses = {**matter.courses, rule.id: Course(self._now_ms, level)}
        self._matters[key] = replace(matter, courses=courses)
        if level:
            self._telling.put_item(key, replace(item, level=level))
        self._telling.tell(rule, key, self._channels_of(rule, item), AlertEvent.TRIGGERED)

    def _note_fired(self, rule: AlertRule, monitor: MonitorId) -> tuple[int, ...]:
        """Note that a rule fires; return when it fired within its flapping's time, now included."""
        habit = self._habits.get((rule.id, monitor), Habit(moved_at_ms=self._now_ms))
        kept_ms = max(rule.flapping.within_ms if rule.flapping.count else 0, rule.cool_down_ms)
        fired = (*(at_ms for at_ms in habit.fired_at_ms if at_ms > self._now_ms - kept_ms), self._now_ms)
        self._habits[rule.id, monitor] = replace(habit, fired_at_ms=fired)
        return tuple(at_ms for at_ms in fired if at_ms > self._now_ms - rule.flapping.within_ms)

    def _channels_of(self, rule: AlertRule, item: AlertItem) -> tuple[ChannelId, ...]:
        if item.channel is None:
            return rule.channels
        # That a channel fails is told by another one, the desktop's notifications if they are one.
        others = [one for one in self._book.channels.values() if one.id != item.channel and one.is_enabled]
        others.sort(key=lambda one: one.kind is not ChannelKind.DESKTOP)
        return tuple(one.id for one in others[:1])

    def _escalate(self, id_: AlertId) -> None:
        for key in list(self._telling.alerts[id_].items):
            matter = self._matters.get(key)
            if matter is None or matter.item.is_over:
                continue
            for rule_id, course in matter.courses.items():
                rule, alert = self._rule_of.get(rule_id), self._telling.alerts[id_]
                if rule is None or rule.escalation is None or course.is_escalated or alert.is_acknowledged:
                    continue
                due_ms = max(course.fired_at_ms + rule.escalation.after_ms, alert.snoozed_until_ms)
                self._telling.due(due_ms)
                if due_ms <= self._now_ms and matter.is_certain:
                    courses = {**self._matters[key].courses, rule_id: replace(course, is_escalated=True)}
                    self._matters[key] = replace(self._matters[key], courses=courses)
                    self._telling.tell(rule, key, rule.escalation.channels, AlertEvent.ESCALATED)

    # Flapping

    def _begin_flapping(self, rule: AlertRule, matter: Matter, fired: tuple[int, ...]) -> None:
        item = matter.item
        minutes = max(1, round((self._now_ms - fired[0]) / MINUTE_MS))
        flapping = AlertItem(
            key=_flapping_key(rule.id, item.monitors[0]),
            kind=AlertKind.FLAPPING,
            subject=item.subject,
            since_ms=fired[0],
            text=f"{item.subject} is flapping: {len(fired)} times within {minutes} min",
            past_text=f"{item.subject} was flapping",
            monitors=item.monitors,
            url=item.url,
            incident=item.incident,
        )
        cause = replace(matter.cause, failure="flapping", since_ms=self._now_ms)
        self._matters[flapping.key] = Matter(flapping, cause, self._now_ms, rule=rule.id)
        self._telling.tell(rule, flapping.key, rule.channels, AlertEvent.TRIGGERED)

    def _end_flapping(self) -> None:
        for key, matter in list(self._matters.items()):
            item = matter.item
            if item.kind is not AlertKind.FLAPPING or item.is_over:
                continue
            rule = self._rule_of.get(matter.rule) if matter.rule is not None else None
            habit = None if rule is None else self._habits.get((rule.id, item.monitors[0]))
            closing = None
            if rule is None or habit is None or not rule.flapping.count:
                closing = Closing.REMOVED
            elif habit.moved_at_ms + rule.flapping.stable_ms <= self._now_ms:
                # What is wrong then is told as new, and counting begins anew.
                self._habits[rule.id, item.monitors[0]] = replace(habit, fired_at_ms=())
                closing = Closing.STABLE
            else:
                self._telling.due(habit.moved_at_ms + rule.flapping.stable_ms)
            if closing is not None:
                self._telling.put_item(key, replace(item, end_ms=self._now_ms, closing=closing))

    # The end

    def _forget(self) -> None:
        """Let go of what is over and told, and of habits that are too old to matter."""
        for key, matter in list(self._matters.items()):
            alert = self._telling.alerts.get(matter.alert or AlertId(0))
            if matter.item.is_over and (alert is None or is_told(alert, key)):
                del self._matters[key]
        for (rule_id, monitor), habit in list(self._habits.items()):
            rule = self._rule_of.get(rule_id)
            is_flapping = _flapping_key(rule_id, monitor) in self._matters
            if rule is None or (not is_flapping and _is_old(habit, rule, self._now_ms)):
                del self._habits[rule_id, monitor]


def _is_old(habit: Habit, rule: AlertRule, now_ms: int) -> bool:
    kept_ms = max(rule.flapping.within_ms, rule.flapping.stable_ms, rule.cool_down_ms)
    return max((habit.moved_at_ms, *habit.fired_at_ms)) < now_ms - kept_ms


def _is_habitual(item: AlertItem) -> bool:
    """Whether a matter counts for cool-down and flapping: what comes and goes of one domain."""
    return item.kind.is_outage or item.kind is AlertKind.SLOW


def _flapping_key(rule: RuleId, monitor: MonitorId) -> MatterKey:
    return MatterKey(f"flapping/{rule}/{monitor}")
