"""Random outages, cut links, rebooted hosts and restarts: is every outage told that the published formula promises?

Truth is known here: which probe sees which domain fail, from when to when. An outage counts for the recall if it lasts
longer than the formula and enough regions to find it were reached all that time; whatever is told has to be true.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from pingmon_gui.domain.alert import AlertItem
from pingmon_gui.domain.alert_rule import AlertKind, AlertRule, Flapping, RuleId, first_book
from pingmon_gui.domain.monitor import Monitor, MonitorSettings
from pingmon_gui.domain.verdict import quorum
from tests.engine.alert_world import OUTAGE_EVENTS, START_MS, World, WorldProbe, live
from tests.engine.fakes import monitor

#: From the end of a check at the probe to the message: written, collected over a slow link, gathered, decided.
COLLECT_S = 2.0
_QUIET_S = (30.0, 300.0)
_CLASSES = ("timeout", "connect_refused", "http_status", "dns", "tls_verify")


def formula_s(settings: MonitorSettings, *, is_regional: bool = False) -> float:
    """Return the published worst time from the start of an outage to its alert, without a rule's own delay."""
    interval_s, timeout_s = settings.interval_ms / 1000, settings.timeout_ms / 1000
    turns = 2 if is_regional else 1
    return turns * interval_s + 2.0 + 2 * timeout_s + COLLECT_S


@dataclass(frozen=True)
class Outage:
    """`seen_by` are places of probes; the others see the domain well."""

    monitor: int
    begin_s: float
    end_s: float
    failure: str
    seen_by: frozenset[int]


@dataclass
class Outcome:
    """`promised` outages were long and watched enough; `told` of these in time. `false` messages had none behind."""

    outages: int = 0
    promised: int = 0
    told: int = 0
    short: int = 0
    short_told: int = 0
    messages: int = 0
    false: int = 0
    cuts: int = 0
    restarts: int = 0
    slowest_share: float = 0.0
    missed: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.told / self.promised if self.promised else 1.0


class AlertSimulation:
    """Everything that goes wrong comes from `seed`. `flapping` None turns its detection off, as the formula wants."""

    def __init__(
        self, *, monitors: int, probes: int, hours: float, seed: int, flapping: Flapping | None = None, after_s: int = 0
    ) -> None:
        self._chance = random.Random(seed)
        self._seed = seed
        self._count = probes
        self._end_s = hours * 3600
        self._after_s = after_s
        self._flapping = flapping or Flapping(count=0)
        self._monitors = [self._monitor(2 + number) for number in range(monitors)]
        self._outages = [outage for one in self._monitors for outage in self._made_up(one)]
        self._of = {one.id: [o for o in self._outages if o.monitor == one.id] for one in self._monitors}
        #: Spans in which a probe was not reached, or did not measure.
        self._away: dict[int, list[tuple[float, float]]] = {place: [] for place in range(probes)}
        self._app_away: list[tuple[float, float]] = []
        self.outcome = Outcome(outages=len(self._outages))

    def run(self) -> Outcome:
        rule = AlertRule(
            RuleId(20),
            "Outages",
            frozenset((AlertKind.OFFLINE, AlertKind.REGIONAL)),
            tuple(first_book().channels),
            after_ms=self._after_s * 1000,
            flapping=self._flapping,
        )
        book = first_book()
        book = type(book)((rule,), book.channels)
        world = live(
            self._live, truth=self._truth, probes=self._count, monitors=self._monitors, book=book, seed=self._seed
        )
        self._judge(world)
        return self.outcome

    # What goes wrong

    def _monitor(self, number: int) -> Monitor:
        interval_ms = self._chance.choice((5_000, 10_000, 30_000))
        timeout_ms = self._chance.choice((1_000, 2_000, 5_000, 15_000))
        settings = MonitorSettings(interval_ms, timeout_ms, min(1_000, timeout_ms))
        return Monitor(**{**vars(monitor(number, name=f"site{number}")), "settings": settings})

    def _made_up(self, one: Monitor) -> list[Outage]:
        found, at_s = [], 60.0
        longest_s = formula_s(one.settings, is_regional=True) + self._after_s
        while at_s < self._end_s - 3 * longest_s:
            at_s += self._chance.uniform(*_QUIET_S)
            lasts_s = longest_s * self._chance.choice((0.05, 0.3, 0.7, 1.01, 1.5, 4.0)) + self._chance.random()
            everybody = frozenset(range(self._count))
            some = frozenset(self._chance.sample(range(self._count), self._chance.randint(1, self._count)))
            seen_by = everybody if self._chance.random() < 0.6 else some
            found.append(Outage(one.id, at_s, at_s + lasts_s, self._chance.choice(_CLASSES), seen_by))
            at_s += lasts_s
        return found

    def _truth(self, monitor_id: int, place: int, at_s: float) -> str | None:
        for outage in self._of[monitor_id]:  # type: ignore[index]
            if outage.begin_s <= at_s < outage.end_s and place in outage.seen_by:
                return outage.failure
        return None

    async def _live(self, world: World) -> None:
        trouble = [asyncio.create_task(self._trouble(probe, world)) for probe in world.probes]
        while world.loop.now_s < self._end_s:
            await world.pass_s(min(self._chance.expovariate(1 / 900), self._end_s - world.loop.now_s + 1))
            began_s = world.loop.now_s
            await world.stop()
            self.outcome.restarts += 1
            await world.pass_s(self._chance.choice((1.0, 20.0, 200.0)))
            await world.start()
            # What it was told last holds until every domain was measured again.
            self._app_away.append((began_s, world.loop.now_s + 35.0))
        for task in trouble:
            task.cancel()
        await asyncio.gather(*trouble, return_exceptions=True)

    async def _trouble(self, probe: WorldProbe, world: World) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / 700))
            began_s = world.loop.now_s
            self.outcome.cuts += 1
            what = self._chance.random()
            if what < 0.2:
                await probe.reboot(self._chance.uniform(5, 60))
            elif what < 0.5:
                probe.has_network = False
                await asyncio.sleep(self._chance.choice((3.0, 15.0, 90.0)))
                probe.has_network = True
            else:
                probe.is_cut = True
                await asyncio.sleep(self._chance.choice((0.5, 4.0, 30.0, 200.0)))
                probe.is_cut = False
            # A dead link is noticed late, tried again with growing pauses, and then has to catch up.
            self._away[probe.place].append((began_s, world.loop.now_s + 95.0))

    # Whether it was told

    def _is_watched(self, place: int, from_s: float, to_s: float) -> bool:
        return not any(begin < to_s and end > from_s for begin, end in self._away[place])

    def _judge(self, world: World) -> None:
        told: dict[int, list[tuple[float, float]]] = {}
        self._flaps: dict[int, list[tuple[float, float]]] = {}
        for one in world.told:
            for item in one.post.items:
                begin_s = (item.since_ms - START_MS) / 1000
                if item.kind is AlertKind.FLAPPING:
                    self._note_flapping(item, one.at_s)
                    continue
                told.setdefault(item.monitors[0], []).append((one.at_s, begin_s))
                if one.post.event in OUTAGE_EVENTS and not item.is_over:
                    self.outcome.messages += 1
                    if not self._is_true(item.monitors[0], begin_s, one.at_s):
                        self.outcome.false += 1
                        self.outcome.untrue.append(f"{one.at_s:.0f} s: {item.text}")
        settings = {one.id: one.settings for one in self._monitors}
        for outage in self._outages:
            self._judge_outage(outage, settings[outage.monitor], told.get(outage.monitor, []))  # type: ignore[index]

    def _note_flapping(self, item: AlertItem, at_s: float) -> None:
        flaps = self._flaps.setdefault(item.monitors[0], [])
        if not item.is_over:
            flaps.append((at_s, float("inf")))
        elif flaps:
            flaps[-1] = (flaps[-1][0], at_s)

    def _judge_outage(self, outage: Outage, settings: MonitorSettings, told: list[tuple[float, float]]) -> None:
        needed = quorum(self._count)
        is_regional = len(outage.seen_by) < needed
        bound_s = formula_s(settings, is_regional=is_regional) + self._after_s
        until_s = outage.begin_s + bound_s
        at_s = [at for at, begin in told if begin < outage.end_s and at >= outage.begin_s]
        # Told of before and not over since: the same outage, as far as anybody can tell.
        at_s += [outage.begin_s for at, begin in told if begin <= outage.begin_s <= at]
        # While it is said to flap, that covers it.
        at_s += [max(at, outage.begin_s) for at, end in self._flaps.get(outage.monitor, []) if end > outage.begin_s]
        if outage.end_s < until_s or until_s > self._end_s:
            self.outcome.short += 1
            self.outcome.short_told += bool(at_s)
            return
        watching = [place for place in outage.seen_by if self._is_watched(place, outage.begin_s - 60, until_s)]
        others = [place for place in range(self._count) if self._is_watched(place, outage.begin_s - 60, until_s)]
        enough = len(watching) >= (1 if is_regional else needed)
        if not enough or (is_regional and len(others) < self._count):
            return
        if any(begin < until_s and end > outage.begin_s for begin, end in self._app_away):
            return
        self.outcome.promised += 1
        first_s = min(at_s, default=None)
        if first_s is not None and first_s <= until_s:
            self.outcome.told += 1
            self.outcome.slowest_share = max(self.outcome.slowest_share, (first_s - outage.begin_s) / bound_s)
        else:
            late = "never" if first_s is None else f"{first_s - until_s:.1f} s late"
            self.outcome.missed.append(f"{outage} ({settings.interval_ms} ms, {settings.timeout_ms} ms): {late}")

    def _is_true(self, monitor_id: int, since_s: float, at_s: float) -> bool:
        """Whether somebody saw the domain fail between the beginning that was told and the telling."""
        return any(o.begin_s <= at_s and o.end_s >= since_s for o in self._of[monitor_id])  # type: ignore[index]
