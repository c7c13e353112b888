"""The alert policy: turns what the engine tells into news, lets `decide` decide, keeps the outcome, hands it on.

Decisions are kept before anything is sent. Where they cannot be kept (a full disk), they are sent all the same and
kept later: an alert that is told twice after a crash is better than one that is not told.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo

from pingmon_probe.protocol import OWN_NETWORK_DOWN

from pingmon_gui.domain.alert import Alert, AlertId, AlertItem, Closing, MatterKey, Post
from pingmon_gui.domain.alert_change import AlertChange, AlertMemory, change_of
from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_decision import decide
from pingmon_gui.domain.alert_news import (
    NETWORK,
    CertificateFact,
    RegistrationFact,
    of_channel,
    of_incident,
    of_network,
    of_probe,
    probe_key,
)
from pingmon_gui.domain.alert_rule import DAY_MS, AlertBook, AlertKind, first_book
from pingmon_gui.domain.alert_state import (
    AlertAcknowledged,
    AlertSnoozed,
    AlertState,
    Certainty,
    MatterNews,
    News,
    Surroundings,
)
from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import Probe, ProbeHealth, ProbeState
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.certificate_watch import CertificateWatch
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.event import (
    AlertBookChanged,
    AlertsChanged,
    Event,
    EventHub,
    IncidentChanged,
    IncidentOpened,
    IncidentResolved,
    IncidentsCorrected,
    MonitorsChanged,
    ProbeChanged,
    ProbeRemoved,
    TimePassed,
)
from pingmon_gui.engine.port import AlertStorePort
from pingmon_gui.engine.registration_watch import RegistrationWatch
from pingmon_gui.engine.slow_watch import SlowWatch

_log = logging.getLogger(__name__)

#: A tick that is later than this was held up by sleep: until the board has let time pass, nothing is known.
GAP_MS = 15_000
#: What is due sooner than this has a timer of its own; the rest is looked at when time passes, once a second.
SOON_MS = 1_500
#: So long after the start an alert whose incident is known nowhere is closed.
ORPHAN_MS = 180_000
#: So much news is decided about at a time: 10 ms.
A_TURN = 100
_BAD = (Verdict.OFFLINE, Verdict.REGIONAL)
_LOST = (ProbeState.UNREACHED, ProbeState.REFUSED)


class AlertPolicy:
    """`start` takes over what is kept; `run` never ends by itself. `outlet` sends messages; it returns at once.

    Without `registrations` rules about those have nothing to tell.
    """

    def __init__(
        self,
        store: AlertStorePort,
        board: Board,
        hub: EventHub,
        clock: Clock,
        outlet: Callable[[Sequence[Post]], None],
        zone: tzinfo | None = None,
        registrations: RegistrationWatch | None = None,
    ) -> None:
        self._store = store
        self._board = board
        self._hub = hub
        self._clock = clock
        self._outlet = outlet
        self._zone = zone
        self._state = AlertState()
        self._news: list[Callable[[], News]] = []
        self._wake = asyncio.Event()
        self._unsaved: list[AlertChange] = []
        self._next_at_ms: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ticked_ms = self._started_ms = clock.now_ms()
        self._tags: dict[MonitorId, frozenset[str]] = {}
        self._slow = SlowWatch(board)
        self._certificates = CertificateWatch(board)
        self._registrations = registrations
        self._orphans: set[MatterKey] = set()
        self._turn = asyncio.Lock()
        self._unsubscribe: Callable[[], None] = lambda: None
        self.book = AlertBook()

    async def start(self) -> AlertMemory:
        """Take over what is kept, making the book of a first start. Raises StorageError."""
        self._unsubscribe = self._hub.subscribe(self._hear)
        memory = await self._store.alert_memory()
        self.book = memory.book or first_book()
        if memory.book is None:
            await self._store.save_alert_book(self.book)
        self._state = memory.state
        self._started_ms = self._ticked_ms = self._clock.now_ms()
        self._note_tags(self._board.ids)
        await self._take_over_incidents()
        await self._take_over_slowness()
        self._take_over_certificates()
        if self._registrations is not None:
            known = [RegistrationFact.of_key(item.key, item.monitors) for item in self._lasting(AlertKind.REGISTRATION)]
            await self._registrations.start(self.book.rules, known)
        for health in self._board.probes.values():
            self._hear_probe(health)
        return memory

    async def stop(self) -> None:
        """Decide about what is known already, and keep what can be kept."""
        self._unsubscribe()
        await self.step()
        await self._save()
        self._disarm()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.step()

    # What a person does

    async def change_book(self, book: AlertBook) -> None:
        """Keep other rules and channels, or a pause. Raises StorageError; then nothing was changed."""
        await self._store.save_alert_book(book)
        self._hub.publish(AlertBookChanged(book))

    def acknowledge(self, alert: AlertId, is_acknowledged: bool = True) -> None:
        """Somebody looks after an alert, or not any more."""
        self._put(AlertAcknowledged(alert, self._clock.now_ms() if is_acknowledged else None))

    def snooze(self, alert: AlertId, for_ms: int) -> None:
        """Leave people alone about an alert for a while."""
        self._put(AlertSnoozed(alert, self._clock.now_ms() + for_ms))

    def live_alert(self, id_: AlertId) -> Alert | None:
        """Return an alert that is not over, or not told to the end."""
        return self._state.alerts.get(id_)

    @property
    def live(self) -> Iterable[Alert]:
        return self._state.alerts.values()

    @property
    def certificates(self) -> tuple[CertificateFact, ...]:
        """The certificates that domains show today, as far as they were looked at."""
        return self._certificates.facts

    @property
    def failing_channels(self) -> dict[ChannelId, int]:
        """Return the channels that deliver nothing, each since when."""
        items = [matter.item for matter in self._state.matters.values()]
        return {item.channel: item.since_ms for item in items if item.channel is not None and not item.is_over}

    def channel_health(self, channel: Channel, since_ms: int | None, problem: str) -> None:
        """A channel delivers nothing since a time, or delivers again (None)."""
        matter = self._state.matters.get(MatterKey(f"channel/{channel.id}"))
        if since_ms is not None:
            self._put(of_channel(channel, since_ms, problem))
        elif matter is not None and not matter.item.is_over:
            self._put(of_channel(channel, matter.item.since_ms, "", self._clock.now_ms()))

    # News

    def _put(self, *news: News) -> None:
        self._news += [functools.partial(_same, one) for one in news]
        self._wake.set()

    def _put_incidents(self, incidents: Iterable[Incident]) -> None:
        """Take note of incidents; what they say is put into words when its turn has come."""
        for incident in incidents:
            row = self._board.row_of.get(incident.monitor)
            verdict = None if row is None else Verdict(int(self._board.verdict[row]))
            self._news.append(functools.partial(self._of_incident, incident, verdict))
        self._wake.set()

    def _hear(self, event: Event) -> None:
        match event:
            case IncidentOpened() | IncidentChanged() | IncidentResolved():
                self._put_incidents((event.incident,))
            case IncidentsCorrected():
                self._put_incidents(event.incidents)
            case ProbeChanged():
                self._hear_probe(event.health)
            case ProbeRemoved():
                self._end_probe(event.probe)
            case MonitorsChanged():
                self._note_tags((*event.added, *event.changed))
                if self._registrations is not None:
                    self._registrations.monitors_changed()
            case AlertBookChanged():  # by us, or with a change of the configuration as a whole
                self.book = event.book
                self._wake.set()
            case TimePassed():
                self._let_time_pass(is_gap=event.is_gap)

    def _of_incident(self, incident: Incident, verdict: Verdict | None) -> MatterNews:
        news = of_incident(incident, self._board.monitors.get(incident.monitor), verdict)
        # One that results of the past brought to light may be over by now: nobody knows before there are new ones.
        return replace(news, is_certain=verdict in _BAD)

    def _hear_probe(self, health: ProbeHealth) -> None:
        now_ms = self._clock.now_ms()
        is_reached = health.state in (ProbeState.CONNECTED, ProbeState.CATCHING_UP)
        is_offline_itself = is_reached and not health.votes and health.reason == OWN_NETWORK_DOWN
        if health.probe.access is None:
            matter = self._state.matters.get(NETWORK)
            if is_offline_itself:
                self._put(of_network(now_ms if matter is None else matter.item.since_ms))
            elif matter is not None and not matter.item.is_over and is_reached and health.votes:
                self._put(of_network(matter.item.since_ms, now_ms))
            is_offline_itself = False
        known = self._state.matters.get(probe_key(health.probe))
        if health.state in _LOST or is_offline_itself:
            since_ms = now_ms if known is None or known.item.is_over else known.item.since_ms
            self._put(of_probe(health.probe, since_ms, health.reason))
        elif is_reached:
            self._end_probe(health.probe, Closing.RESOLVED)

    def _end_probe(self, probe: Probe, closing: Closing = Closing.REMOVED) -> None:
        # It may have been lost just now, and still lie among the news.
        known = self._state.matters.get(probe_key(probe))
        since_ms = self._clock.now_ms() if known is None else known.item.since_ms
        self._put(of_probe(probe, since_ms, "", self._clock.now_ms(), closing))

    def _note_tags(self, monitors: Iterable[MonitorId]) -> None:
        for id_ in monitors:
            if id_ in self._board.monitors:
                self._tags[id_] = frozenset(tag.casefold() for tag in self._board.monitors[id_].tags)

    def _let_time_pass(self, *, is_gap: bool) -> None:
        now_ms = self._ticked_ms = self._clock.now_ms()
        if is_gap:
            self._restart_waits(now_ms)
        news: list[News] = [*self._slow.look(self.book.rules, now_ms)]
        if any(AlertKind.CERTIFICATE in rule.kinds and rule.is_enabled for rule in self.book.rules):
            news += self._certificates.look(now_ms)
        if self._registrations is not None:
            news += self._registrations.look(self.book.rules, now_ms, may_ask=not self._is_network_down)
        if self._orphans and now_ms - self._started_ms > ORPHAN_MS:
            news += self._close_orphans(now_ms)
        if news:
            self._put(*news)
        if self._unsaved or (self._next_at_ms is not None and self._next_at_ms <= now_ms) or self._uncertain():
            self._wake.set()

    def _restart_waits(self, now_ms: int) -> None:
        """While the computer slept nobody tried to reach a probe: what no rule has told yet is lost since now."""
        for matter in self._state.matters.values():
            item = matter.item
            if item.kind in (AlertKind.PROBE_LOST, AlertKind.OWN_NETWORK) and not item.is_over and not matter.courses:
                self._put(MatterNews(replace(item, since_ms=now_ms), matter.cause))

    # Deciding

    async def step(self) -> None:
        """Decide about everything that is known now."""
        async with self._turn:
            if self._clock.now_ms() - self._ticked_ms > GAP_MS and not self._news:
                return
            news, self._news = self._news, []
            for start in range(0, max(1, len(news)), A_TURN):
                # A thousand at once are told in several turns: the window comes in between.
                await asyncio.sleep(0)
                await self._decide([one() for one in news[start : start + A_TURN]])

    async def _decide(self, news: list[News]) -> None:
        if certain := self._uncertain():
            news.append(Certainty(certain))
        around = Surroundings(self.book, self._tags, self._zone)
        before = self._state
        decision = decide(before, news, self._clock.now_ms(), around)
        self._state, self._next_at_ms = decision.state, decision.next_at_ms
        self._arm()
        change = change_of(before, decision)
        if decision.alerts:
            self._hub.publish(AlertsChanged(decision.alerts))
        if not change.is_empty:
            self._unsaved.append(change)
        await self._save()
        if decision.posts:
            self._outlet(decision.posts)

    def _arm(self) -> None:
        """Come back in time where something is due before time passes again; what is overdue waits for that."""
        self._disarm()
        if self._next_at_ms is not None and 0 < (wait_ms := self._next_at_ms - self._clock.now_ms()) < SOON_MS:
            self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._wake.set)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _save(self) -> None:
        while self._unsaved:
            try:
                await self._store.record_alerts(self._unsaved[0])
            except StorageError as exc:
                _log.warning("alerts could not be kept, and are told all the same: %s", exc)
                return
            del self._unsaved[0]

    def _uncertain(self) -> dict[MatterKey, bool]:
        """Return the matters of which it is known now whether they are so, or not any more."""
        is_stale = self._clock.now_ms() - self._ticked_ms > GAP_MS
        is_network_down = self._is_network_down
        found: dict[MatterKey, bool] = {}
        for key, matter in self._state.matters.items():
            if matter.item.is_over:
                continue
            is_certain = not is_stale and self._is_certain(matter.item, is_network_down=is_network_down)
            if is_certain != matter.is_certain:
                found[key] = is_certain
        return found

    def _is_certain(self, item: AlertItem, *, is_network_down: bool) -> bool:
        if item.kind.is_outage:
            row = self._board.row_of.get(item.monitors[0])
            return row is not None and Verdict(int(self._board.verdict[row])) in _BAD
        if item.kind is AlertKind.PROBE_LOST:
            return not is_network_down
        if item.kind is AlertKind.REGISTRATION and self._registrations is not None:
            return self._registrations.is_settled(item.key, self._clock.now_ms())
        return True

    @property
    def _is_network_down(self) -> bool:
        network = self._state.matters.get(NETWORK)
        return network is not None and not network.item.is_over

    # Taking over

    async def _take_over_incidents(self) -> None:
        open_now = await self._store.open_incidents()
        ids = {incident.id for incident in open_now}
        self._put_incidents(open_now)
        for key, matter in self._state.matters.items():
            id_ = matter.item.incident
            if not matter.item.kind.is_outage or matter.item.is_over or id_ is None or id_ in ids:
                continue
            incident = await self._store.incident(id_)
            if incident is None:
                self._orphans.add(key)
            else:
                self._put_incidents((incident,))

    def _close_orphans(self, now_ms: int) -> list[MatterNews]:
        """End alerts whose incident was never kept, and has not been found anew either."""
        orphans, self._orphans = self._orphans, set()
        return [
            MatterNews(replace(matter.item, end_ms=now_ms, closing=Closing.RESOLVED), matter.cause)
            for key, matter in self._state.matters.items()
            if key in orphans and not self._is_certain(matter.item, is_network_down=False)
        ]

    async def _take_over_slowness(self) -> None:
        known = {}
        for matter in self._state.matters.values():
            if matter.item.kind is AlertKind.SLOW and not matter.item.is_over and matter.rule is not None:
                known[matter.rule, matter.item.monitors[0]] = matter.item.since_ms
        if not any(AlertKind.SLOW in rule.kinds for rule in self.book.rules):
            return
        spans = await self._store.verdict_spans(self._board.ids, self._started_ms - DAY_MS, self._started_ms)
        self._slow.start(spans, known)

    def _take_over_certificates(self) -> None:
        lasting = self._lasting(AlertKind.CERTIFICATE)
        known = {item.key: CertificateFact.of_key(item.key, item.monitors) for item in lasting}
        self._certificates.start(known, self._started_ms)

    def _lasting(self, kind: AlertKind) -> list[AlertItem]:
        """Return what was known of a kind and is not over."""
        items = (matter.item for matter in self._state.matters.values())
        return [item for item in items if item.kind is kind and not item.is_over]


def _same(news: News) -> News:
    return news
