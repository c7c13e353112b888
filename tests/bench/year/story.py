"""What happened in the generated year: domains, their latencies, outages, slow hours, and when probes were away.

Pure: everything follows from the shape, its seed and the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

INTERVAL_MS = 10_000
MINUTE_MS = 60_000
FAR: tuple[Region, ...] = REGIONS[1:]
#: Spread of each phase's logarithm around its centre: name, connection, TLS, answer, transfer.
SPREADS = np.array([0.45, 0.04, 0.05, 0.16, 0.30])
#: So many answers take longer, as by this factor, spread anew: every server has such moments.
TAIL, TAIL_FACTOR, TAIL_SPREAD = 0.03, 1.8, 0.5
#: So many of the results fail all alone; the next one is good again, so nothing is confirmed.
FLUKES = 1e-4
#: Round trips between regions in ms, by the order of FAR.
_ROUND_TRIPS = np.array(
    [
        [12, 92, 165, 125, 160],
        [92, 9, 185, 190, 265],
        [165, 185, 14, 290, 110],
        [125, 190, 290, 16, 300],
        [160, 265, 110, 300, 15],
    ],
    dtype=np.float64,
)
#: How far the middle of the day of each of FAR is from that of UTC.
_NOON_HOURS = np.array([18, 11, 4, 15, 2])
_FIRMS = (
    *("Northwind", "Lumen", "Harbour", "Quarry", "Fable", "Saffron", "Juniper", "Atlas", "Meadow", "Copper"),
    *("Lantern", "Orchid", "Granite", "Willow", "Ember", "Tundra", "Coral", "Falcon", "Maple", "Zephyr"),
)
_SERVICES = ("www", "shop", "api", "status", "docs")
_FAILURES = ("timeout", "connect_refused", "connect_timeout", "tls_handshake", "http_status", "dns", "content")
MESSAGES = {
    "timeout": "No answer came in time.",
    "connect_refused": "The connection was refused.",
    "connect_timeout": "No connection was accepted in time.",
    "tls_handshake": "The TLS handshake failed.",
    "tls_verify": "The certificate has expired.",
    "http_status": "The server answered 503.",
    "dns": "The name was not resolved.",
    "content": "The page does not hold what it should.",
}


@dataclass(frozen=True)
class Shape:
    """How much there is. `raw_days` have every result, `fine_days` roll-ups of five minutes, all days hourly ones."""

    monitors: int = 100
    days: int = 365
    raw_days: int = 7
    fine_days: int = 30
    seed: int = 1


@dataclass(frozen=True)
class Site:
    """One domain: where its server stands and how fast it is. `old_url` was its address before `moved_at_ms`."""

    draft: MonitorDraft
    home: int
    server_ms: float
    transfer_ms: float
    born_ms: int
    paused_from_ms: int | None = None
    moved_at_ms: int | None = None
    old_url: str = ""


@dataclass(frozen=True)
class Trouble:
    """A time in which a domain failed from some regions, or (`failure` None) was slower everywhere by a factor."""

    start_ms: int
    end_ms: int
    regions: frozenset[Region]
    failure: str | None = None
    factor: float = 1.0


class Story:
    """The year that ends at `end_ms` (a whole minute)."""

    def __init__(self, shape: Shape, end_ms: int) -> None:
        self.shape = shape
        self.end_ms = end_ms
        self.start_ms = (end_ms - shape.days * DAY_MS) // DAY_MS * DAY_MS
        #: From here on there is every result.
        self.raw_from_ms = max(self.start_ms, (end_ms - shape.raw_days * DAY_MS) // HOUR_MS * HOUR_MS)
        self.fine_from_ms = max(self.start_ms, (end_ms - shape.fine_days * DAY_MS) // HOUR_MS * HOUR_MS)
        self.sites = [self._site(number) for number in range(shape.monitors)]
        self.troubles = [self._troubles(number) for number in range(shape.monitors)]
        self._share_causes()
        self.absences = {region: self._absences(place) for place, region in enumerate(FAR)}

    def chance(self, *place: int) -> np.random.Generator:
        """Return the source of chance of one place of the year."""
        return np.random.default_rng([self.shape.seed, *place])

    # Latency

    def centres_ms(self, number: int, region: Region, at_ms: Ints) -> Floats:
        """Return the centre of each phase at each time: shape (times, 5)."""
        site, place = self.sites[number], FAR.index(region)
        own = self.chance(2, number, place)
        trip = _ROUND_TRIPS[site.home, place] * own.uniform(0.9, 1.2)
        hour = (at_ms / HOUR_MS - _NOON_HOURS[site.home]) % 24
        busy = 1 + 0.35 * np.cos(hour / 24 * 2 * np.pi)
        level = self._levels[number][np.minimum((at_ms - self.start_ms) // (30 * DAY_MS), len(self._levels[0]) - 1)]
        answer = site.server_ms * busy * level
        for trouble in self.troubles[number]:
            if trouble.failure is None and region in trouble.regions:
                answer[(at_ms >= trouble.start_ms) & (at_ms < trouble.end_ms)] *= trouble.factor
        fixed = np.array([own.uniform(1, 18), trip, trip + own.uniform(2, 6), 0, site.transfer_ms])
        centres = np.tile(fixed, (len(at_ms), 1))
        centres[:, 3] = trip + answer
        return centres

    @cached_property
    def _levels(self) -> Floats:
        """How much work an answer is, from deployment to deployment (one a month), per domain."""
        return self.chance(3).uniform(0.75, 1.4, (self.shape.monitors, self.shape.days // 30 + 1))

    # What could be seen

    def states(self, number: int, region: Region, times_ms: Ints) -> npt.NDArray[np.int8]:
        """Return the state of a domain from a region at each time, as it would have been confirmed."""
        total_ms = self.centres_ms(number, region, times_ms).sum(axis=1)
        slow_ms = self.sites[number].draft.settings.slow_ms
        state = np.where(total_ms < slow_ms, Status.ONLINE, Status.SLOW).astype(np.int8)
        for trouble in self.outages(number, region):
            state[(times_ms >= trouble.start_ms) & (times_ms < trouble.end_ms)] = Status.OFFLINE
        for start_ms, end_ms in self.unseen(number, region):
            state[(times_ms >= start_ms) & (times_ms < end_ms)] = Status.UNKNOWN
        return state

    def outages(self, number: int, region: Region) -> Iterator[Trouble]:
        return (one for one in self.troubles[number] if one.failure is not None and region in one.regions)

    def unseen(self, number: int, region: Region) -> list[tuple[int, int]]:
        """Return the times in which nobody measured: not born, paused, or the probe was away."""
        site = self.sites[number]
        found = [(self.start_ms, site.born_ms), *self.absences[region]]
        if site.paused_from_ms is not None:
            found.append((site.paused_from_ms, self.end_ms))
        return [span for span in found if span[0] < span[1]]

    # How it is made up

    def _site(self, number: int) -> Site:
        chance = self.chance(1, number)
        firm, service = _FIRMS[number // 5 % len(_FIRMS)], _SERVICES[number % 5]
        round_ = number // (len(_FIRMS) * len(_SERVICES))
        host = f"{service}.{firm.lower()}{round_ or ''}.example"
        draft = MonitorDraft(f"https://{host}/", f"{firm} {service}", tags=(firm, service))
        days = self.shape.days
        is_special = self.shape.monitors >= 10
        return Site(
            draft=draft,
            home=int(chance.choice(len(FAR), p=[0.35, 0.4, 0.15, 0.05, 0.05])),
            server_ms=float(chance.lognormal(np.log(70), 0.7)),
            transfer_ms=float(chance.uniform(0.3, 25)),
            born_ms=self.end_ms - days * DAY_MS // 9 if is_special and number == 8 else self.start_ms,
            paused_from_ms=self.end_ms - 20 * DAY_MS if is_special and days > 20 and number == 7 else None,
            moved_at_ms=self.end_ms - days * DAY_MS // 3 if is_special and number == 3 else None,
            old_url=f"https://old-{host}/",
        )

    def _troubles(self, number: int) -> list[Trouble]:
        """About eight outages and ten slow times a year, each with its own length; none touches another."""
        chance = self.chance(4, number)
        years = self.shape.days / 365
        wanted = [*(["down"] * chance.poisson(8 * years)), *(["slow"] * chance.poisson(10 * years))]
        # Something happens in the last days, too: that is what people look at.
        found: list[Trouble] = []
        for kind in wanted:
            length_ms = int(min(chance.lognormal(np.log(8), 1.3), 600) * MINUTE_MS) // 1000 * 1000
            start_ms = int(chance.integers(self.start_ms, self.end_ms - length_ms - 30 * MINUTE_MS)) // 1000 * 1000
            found.append(self._trouble(chance, kind, start_ms, start_ms + max(length_ms, MINUTE_MS)))
        if number % 9 == 4:
            start_ms = self.end_ms - int(chance.integers(2, self.shape.raw_days * 24)) * HOUR_MS
            found.append(self._trouble(chance, "down", start_ms, start_ms + 17 * MINUTE_MS))
        return self._apart(found)

    def _trouble(self, chance: np.random.Generator, kind: str, start_ms: int, end_ms: int) -> Trouble:
        if kind == "slow":
            return Trouble(start_ms, end_ms, frozenset(FAR), None, float(chance.uniform(3, 14)))
        number = int(chance.choice([1, 2, len(FAR)], p=[0.4, 0.15, 0.45]))
        regions = frozenset(FAR[place] for place in chance.choice(len(FAR), number, replace=False).tolist())
        return Trouble(start_ms, end_ms, regions, str(chance.choice(_FAILURES)))

    def _share_causes(self) -> None:
        """Three times a year a region's network fails for a dozen domains at once, and once a certificate runs out."""
        chance = self.chance(5)
        for _ in range(max(1, 3 * self.shape.days // 365)):
            region = FAR[int(chance.integers(len(FAR)))]
            start_ms = int(chance.integers(self.start_ms, self.end_ms - 2 * HOUR_MS)) // 1000 * 1000
            end_ms = start_ms + int(chance.integers(6, 50)) * MINUTE_MS
            hit = chance.choice(self.shape.monitors, min(12, self.shape.monitors), replace=False)
            for number in hit.tolist():
                lag_ms = int(chance.integers(0, 9)) * 1000
                one = Trouble(start_ms + lag_ms, end_ms + lag_ms, frozenset([region]), "tls_handshake")
                self.troubles[number] = self._apart([*self.troubles[number], one])
        middle_ms = self.start_ms + (self.end_ms - self.start_ms) // 2
        expired = Trouble(middle_ms, middle_ms + 3 * HOUR_MS, frozenset(FAR), "tls_verify")
        self.troubles[0] = self._apart([*self.troubles[0], expired])

    def _apart(self, troubles: list[Trouble]) -> list[Trouble]:
        """Return the troubles by time, without those too near an earlier one, the end, or where raw results begin."""
        found: list[Trouble] = []
        for one in sorted(troubles, key=lambda trouble: trouble.start_ms):
            is_free = not found or one.start_ms > found[-1].end_ms + 5 * MINUTE_MS
            is_clear = one.end_ms + HOUR_MS < self.raw_from_ms or one.start_ms - HOUR_MS > self.raw_from_ms
            if is_free and is_clear and one.end_ms < self.end_ms - 10 * MINUTE_MS:
                found.append(one)
        return found

    def _absences(self, place: int) -> list[tuple[int, int]]:
        """A probe is away now and then; South America's was rebuilt for three days."""
        chance = self.chance(6, place)
        found = []
        for _ in range(chance.poisson(6 * self.shape.days / 365)):
            start_ms = int(chance.integers(self.start_ms, self.end_ms - 12 * HOUR_MS))
            found.append((start_ms, start_ms + int(chance.integers(10, 600)) * MINUTE_MS))
        if FAR[place] is Region.SA and self.shape.days > 200:
            start_ms = self.end_ms - 150 * DAY_MS
            found.append((start_ms, start_ms + 3 * DAY_MS))
        return found
