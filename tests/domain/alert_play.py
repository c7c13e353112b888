"""Plays news to `decide` as the engine would, on a clock that the test moves, and keeps what was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

from pingmon_gui.domain.alert import Alert, AlertEvent, Closing, Post
from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind, desktop_channel
from pingmon_gui.domain.alert_decision import decide
from pingmon_gui.domain.alert_news import of_incident
from pingmon_gui.domain.alert_rule import AlertBook, AlertKind, AlertRule, RuleId
from pingmon_gui.domain.alert_state import AlertState, Certainty, News, Surroundings
from pingmon_gui.domain.alert_words import AlertText, alert_text
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from tests.engine.fakes import monitor

#: A Tuesday, 12:00 UTC.
NOON_MS = 1_700_568_000_000
HOOK = ChannelId(7)
MINUTE = 60_000
OUTAGES = frozenset((AlertKind.OFFLINE, AlertKind.REGIONAL))


def rule(*channels: ChannelId, **values: object) -> AlertRule:
    given = {"id": RuleId(20), "name": "Outages", "kinds": OUTAGES, "channels": channels or (DESKTOP,)}
    return AlertRule(**(given | values))  # type: ignore[arg-type]


def hook(**values: object) -> Channel:
    return replace(Channel(HOOK, ChannelKind.WEBHOOK, "hook"), **values)  # type: ignore[arg-type]


def incident(
    number: int,
    since_ms: int = NOON_MS,
    *,
    kind: Verdict = Verdict.OFFLINE,
    regions: Sequence[Region] = (Region.EU,),
    failure: str = "timeout",
    address: str = "192.0.2.1",
    id_: int | None = None,
) -> Incident:
    evidence = tuple(
        Evidence(ProbeId(9), "probe", region, since_ms, Status.OFFLINE, failure, address=address) for region in regions
    )
    return Incident(
        IncidentId(id_ or number), MonitorId(number), kind, since_ms, None, since_ms, tuple(regions), evidence
    )


class Play:
    """`posts` has everything that was told; `at` moves the clock and lets time do what it does."""

    def __init__(self, *rules: AlertRule, channels: Sequence[Channel] = (), monitors: int = 50) -> None:
        known = {channel.id: channel for channel in (desktop_channel(), *(channels or (hook(),)))}
        self.book = AlertBook(tuple(rules), known)
        self.tags: dict[MonitorId, frozenset[str]] = {}
        self.monitors: dict[MonitorId, Monitor] = {
            MonitorId(n): monitor(n, url=f"https://site{n}.example{n}/", name=f"site{n}") for n in range(monitors)
        }
        self.state = AlertState()
        self.now_ms = NOON_MS
        self.posts: list[Post] = []
        self.alerts: dict[int, Alert] = {}
        self.next_at_ms: int | None = None

    def hear(self, *news: News) -> list[Post]:
        around = Surroundings(self.book, self.tags, UTC)
        decision = decide(self.state, news, self.now_ms, around)
        self.state = decision.state
        self.posts += decision.posts
        self.alerts |= {alert.id: alert for alert in decision.alerts}
        self.next_at_ms = decision.next_at_ms
        return list(decision.posts)

    def at(self, ms: int) -> list[Post]:
        """Let time pass to `ms` after noon, stopping wherever something is due."""
        before = len(self.posts)
        while self.next_at_ms is not None and self.next_at_ms <= NOON_MS + ms:
            self.now_ms = max(self.now_ms, self.next_at_ms)
            due_ms = self.next_at_ms
            self.hear()
            if self.next_at_ms == due_ms:
                raise AssertionError("a due time that nothing comes of")
        self.now_ms = NOON_MS + ms
        self.hear()
        return self.posts[before:]

    def down(self, *incidents: Incident) -> list[Post]:
        return self.hear(*(of_incident(one, self.monitors[one.monitor], Verdict.OFFLINE) for one in incidents))

    def up(self, *incidents: Incident, after_ms: int = 0, closing: Closing = Closing.RESOLVED) -> list[Post]:
        """Resolve at the present time, or as having ended `after_ms` after noon."""
        end_ms = NOON_MS + after_ms if after_ms else self.now_ms
        verdict = Verdict.PAUSED if closing is Closing.PAUSED else Verdict.ONLINE
        over = [replace(one, end_ms=end_ms, is_withdrawn=closing is Closing.WITHDRAWN) for one in incidents]
        return self.hear(*(of_incident(one, self.monitors[one.monitor], verdict) for one in over))

    def unsure(self, is_certain: bool = False) -> list[Post]:
        return self.hear(Certainty(dict.fromkeys(self.state.matters, is_certain)))

    def text(self, post: Post) -> AlertText:
        return alert_text(post, self.now_ms, zone=UTC)

    def titles(self, channel: ChannelId = DESKTOP) -> list[str]:
        return [alert_text(post, post.at_ms, zone=UTC).title for post in self.posts if post.channel == channel]

    def events(self, channel: ChannelId = DESKTOP) -> list[AlertEvent]:
        return [post.event for post in self.posts if post.channel == channel]
