"""What the map shows, in words and codes, from a board: no pixels yet.

Either one domain, as each probe sees it, or all of them: then each probe tells how many it sees well.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QCoreApplication

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView, ProbeStates
from pingmon_gui.ui import cell_text, wording
from pingmon_gui.ui.map_place import nearest

translate = QCoreApplication.translate

#: Orders problems; a domain with another verdict is none.
PROBLEMS = (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW)


@dataclass(frozen=True)
class Counts:
    """How many of the domains that a probe watches it sees in which state; paused ones are left out."""

    online: int = 0
    slow: int = 0
    offline: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        return self.online + self.slow + self.offline + self.unknown

    @property
    def worst(self) -> Verdict:
        """Return the worst that is known; unknown only where nothing is."""
        for verdict, count in (
            (Verdict.OFFLINE, self.offline),
            (Verdict.SLOW, self.slow),
            (Verdict.ONLINE, self.online),
        ):
            if count:
                return verdict
        return Verdict.UNKNOWN


@dataclass(frozen=True)
class Mark:
    """One probe on the map: two lines of text, its sign, and all of it as one sentence.

    `total_ms` is None where nothing came back; `at_ms` is the start of the newest result. `counts` is there only
    when all domains are shown.
    """

    probe: ProbeId
    region: Region
    name: str
    value: str
    sign: Verdict
    is_checking: bool
    sentence: str
    total_ms: float | None = None
    at_ms: int = 0
    counts: Counts | None = None


@dataclass(frozen=True)
class Target:
    """The chosen domain, drawn beside the probe that reaches it fastest (None: nobody does)."""

    title: str
    sign: Verdict
    beside: ProbeId | None
    sentence: str


@dataclass(frozen=True)
class MapScene:
    """`empty` are the regions without a probe; `legend` says what must not be read into the picture."""

    headline: str
    subline: str
    legend: str
    marks: tuple[Mark, ...] = ()
    target: Target | None = None
    empty: tuple[Region, ...] = ()

    @property
    def sentences(self) -> str:
        """Return all of it for those who cannot see it."""
        target = [self.target.sentence] if self.target is not None else []
        return "\n".join([f"{self.headline}: {self.subline}", *(mark.sentence for mark in self.marks), *target])


def problem_rows(board: BoardView) -> list[int]:
    """Return the rows of domains with a problem, the worst first, within that in the board's order."""
    return [row for verdict in PROBLEMS for row in np.flatnonzero(board.verdict == verdict).tolist()]


def map_scene(
    board: BoardView, chosen: MonitorId | None, before: ProbeId | None = None, placed: Collection[ProbeId] = ()
) -> MapScene:
    """Return what the map shows of one domain, or of all (None).

    `before` is the probe that the domain was drawn beside (see `map_place.nearest`), `placed` are those that the user
    put somewhere.
    """
    row = board.row_of.get(chosen, -1) if chosen is not None else -1
    empty = tuple(region for region, has in zip(REGIONS, board.has_probe.tolist(), strict=True) if not has)
    return _of_all(board, empty) if row < 0 else _of_one(board, row, empty, before, placed)


def _of_one(
    board: BoardView, row: int, empty: tuple[Region, ...], before: ProbeId | None, placed: Collection[ProbeId]
) -> MapScene:
    states = board.by_probe(np.array([row]))
    marks = tuple(_mark(board, states, place) for place in range(len(states.probes)))
    fast = {mark.probe: mark.total_ms for mark in marks if mark.total_ms is not None}
    # Where this computer stands is not known, so nothing can be drawn beside it while there are others.
    on_land = {mark.probe for mark in marks if mark.region is not Region.LOCAL or mark.probe in placed}
    beside = nearest({probe: ms for probe, ms in fast.items() if probe in on_land} or fast, before)
    title = cell_text.title(board, board.ids[row])
    verdict = Verdict(int(board.verdict[row]))
    if beside is None:
        legend = translate(
            "Map", "%1 is drawn in the middle: no answer came just now, and where it stands is not known."
        )
    elif board.probes[beside].probe.region is Region.LOCAL and beside not in placed:
        legend = translate("Map", "%1 is drawn beside this computer. Where either stands is not known.")
    else:
        legend = translate(
            "Map", "%1 is drawn beside the region that reaches it fastest. Where it stands is not known."
        )
    legend = legend.replace("%1", title)
    sentence = cell_text.verdict_sentence(board, row)
    return MapScene(
        headline=title,
        subline=_range_text(list(fast.values())) if verdict in (Verdict.ONLINE, Verdict.SLOW) and fast else sentence,
        legend=legend,
        marks=marks,
        target=Target(title, verdict, beside, f"{sentence} {legend}"),
        empty=empty,
    )


def _range_text(latency_ms: list[float]) -> str:
    low, high = wording.latency(min(latency_ms)), wording.latency(max(latency_ms))
    if len(latency_ms) == 1 or low == high:
        return translate("Map", "answers in %1").replace("%1", low)
    text = wording.counted(translate("Map", "answers %n place(s) in %1 to %2", None, len(latency_ms)), len(latency_ms))
    return text.replace("%2", high).replace("%1", low)


def _mark(board: BoardView, states: ProbeStates, place: int) -> Mark:
    health = board.probes[states.probes[place]]
    status = Status(int(states.state[0, place]))
    total_ms = float(states.total_ms[0, place])
    is_checking = bool(states.is_checking[0, place])
    # While a failure stands that is not confirmed, the newest total is the failure's, not an answer's.
    is_up = status in (Status.ONLINE, Status.SLOW) and not math.isnan(total_ms) and not is_checking
    name = _name(board, health)
    if not states.assigned[0, place]:
        value = translate("Map", "does not watch it")
    elif is_up:
        value = wording.latency(total_ms)
    else:
        value = _unknown_word(health) if status is Status.UNKNOWN else wording.status_word(status)
    sentence = wording.described(name, value if not is_up else f"{wording.status_word(status)}, {value}", is_checking)
    return Mark(
        probe=health.probe.id,
        region=health.probe.region,
        name=name,
        value=value,
        sign=Verdict(int(status)),
        is_checking=is_checking,
        sentence=sentence,
        total_ms=total_ms if is_up else None,
        at_ms=int(states.at_ms[0, place]),
    )


def _of_all(board: BoardView, empty: tuple[Region, ...]) -> MapScene:
    rows = np.arange(len(board.ids))
    states = board.by_probe(rows)
    marks = tuple(_counted_mark(board, states, place) for place in range(len(states.probes)))
    return MapScene(
        headline=translate("Map", "All domains"), subline=_all_text(board), legend="", marks=marks, empty=empty
    )


def _counted_mark(board: BoardView, states: ProbeStates, place: int) -> Mark:
    health = board.probes[states.probes[place]]
    state = states.state[states.assigned[:, place], place]
    online, slow, offline, unknown = (int((state == status).sum()) for status in list(Status)[:4])
    counts = Counts(online, slow, offline, unknown)
    name = _name(board, health)
    is_up = states.assigned[:, place] & (states.state[:, place] <= Status.SLOW)
    latency_ms = states.total_ms[is_up, place]
    latency_ms = latency_ms[~np.isnan(latency_ms)]
    middle_ms = float(np.median(latency_ms)) if len(latency_ms) else None
    if not counts.total:
        value = translate("Map", "watches nothing")
    elif counts.unknown == counts.total:
        value = _unknown_word(health)
    else:
        well = translate("Map", "%1 of %2 well").replace("%2", wording.number(counts.total))
        value = well.replace("%1", wording.number(online + slow))
    told = [value] if counts.total and counts.unknown < counts.total else []
    for count, status in ((offline, Status.OFFLINE), (slow, Status.SLOW), (unknown, Status.UNKNOWN)):
        if count:
            told.append(f"{wording.number(count)} {wording.status_word(status)}")
    if middle_ms is not None:
        told.append(translate("Map", "half of them within %1").replace("%1", wording.latency(middle_ms)))
    return Mark(
        probe=health.probe.id,
        region=health.probe.region,
        name=name,
        value=value,
        sign=counts.worst,
        is_checking=bool(states.is_checking[:, place].any()),
        sentence=wording.described(name, ", ".join(told) or value, False),
        total_ms=middle_ms,
        at_ms=int(states.at_ms[:, place].max(initial=0)),
        counts=counts,
    )


def _all_text(board: BoardView) -> str:
    """Return how many domains are well, and how many are not."""
    if not board.ids:
        return translate("Map", "There are none yet.")
    count = {verdict: int((board.verdict == verdict).sum()) for verdict in Verdict}
    watched = len(board.ids) - count[Verdict.PAUSED]
    well = count[Verdict.ONLINE] + count[Verdict.SLOW]
    if watched and well == watched and not count[Verdict.SLOW]:
        parts = [wording.counted(translate("Map", "%n domain(s) [is|are] well", None, watched), watched)]
    else:
        text = translate("Map", "%1 of %2 are well").replace("%2", wording.monitors_counted(watched))
        parts = [text.replace("%1", wording.number(well))]
    words = [
        (count[verdict], wording.verdict_word(verdict))
        for verdict in (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW, Verdict.UNKNOWN)
    ]
    resting = int((board.in_maintenance & ~board.paused).sum())
    words += [
        (count[Verdict.PAUSED] - resting, wording.verdict_word(Verdict.PAUSED)),
        (resting, translate("Map", "in maintenance")),
    ]
    parts += [f"{wording.number(number)} {word}" for number, word in words if number]
    return ", ".join(parts)


def _name(board: BoardView, health: ProbeHealth) -> str:
    """Return the region's name, the probe's own where the region has several."""
    region = health.probe.region
    if sum(other.probe.region is region for other in board.probes.values()) == 1:
        return wording.region_name(region)
    return wording.plain(health.probe.name, 40)


def _unknown_word(health: ProbeHealth) -> str:
    if health.state is ProbeState.CONNECTED:
        return wording.status_word(Status.UNKNOWN)
    return wording.probe_state_word(health.state)
