"""The time machine against the live board: what it shows of a moment is what the board showed then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.family import EACH
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, rests
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.engine.past_board import PastBoard
from pingmon_gui.engine.strip import SLOT_MS
from pingmon_gui.engine.time_machine import TimeMachine
from tests.engine.fakes import START_MS, FakeClock, batch, monitor, voting
from tests.engine.past import FakePast, Told

ON, SLOW, OFF, UNKNOWN = Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN
#: Two of one region, so that a region has more than one voice.
PROBES = (voting(1, Region.EU), voting(2, Region.EU), voting(3, Region.NA))
BEGIN_MS = START_MS // HOUR_MS * HOUR_MS
ARRAYS = ("state", "is_checking", "assigned", "has_probe", "total_ms", "failure", "at_ms", "strip", "verdict", "paused")


@dataclass(frozen=True)
class Event:
    """After `wait_ms` a result of a probe, or a change of the monitor where `status` is None."""

    wait_ms: int
    monitor: int
    probe: int
    interval_ms: int
    status: int | None
    is_second: bool = False


events = st.lists(
    st.builds(
        Event,
        wait_ms=st.sampled_from([7, 900, 4_000, 25_001, 61_000, 700_000]),
        monitor=st.sampled_from([2, 2, 2, 3, 4, 5, 5]),
        probe=st.sampled_from([1, 1, 1, 2, 3]),
        interval_ms=st.sampled_from([10_000, 10_000, 60_000, 300_000, 1_500_000]),
        status=st.sampled_from([ON, ON, ON, SLOW, OFF, OFF, UNKNOWN, None]),
        is_second=st.booleans(),
    ),
    min_size=12,
    max_size=40,
)


class Lived:
    """A live board, what was kept of it, and what it showed at the moments it was looked at."""

    def __init__(self) -> None:
        self.clock = FakeClock(BEGIN_MS)
        self.board = Board(self.clock)
        self.board.set_probes(PROBES)
        self.past = FakePast(probes={one.probe.id: one.probe for one in PROBES})
        self.seen: dict[int, dict[str, np.ndarray]] = {}
        born = BEGIN_MS - 20 * 60_000
        self.put(replace(monitor(2), created_at_ms=born), born)
        self.put(replace(monitor(3, regions=(Region.NA,)), created_at_ms=born), born)
        self.put(replace(monitor(4), created_at_ms=born), born)
        self.put(replace(monitor(5, family=EACH), created_at_ms=born), born)

    def put(self, one, at_ms: int) -> None:  # type: ignore[no-untyped-def]
        self.board.put_monitors([one])
        self.past.monitors[one.id] = one
        regions = frozenset(region for region in (Region.EU, Region.NA) if one.watched_from(region))
        self.past.standings.setdefault(one.id, []).append(Standing(at_ms, regions, one.is_paused))
        self.board.put_rest([one.id], rests(self.past.standings[one.id], 0))

    def wait(self, ms: int) -> None:
        """Let time pass, with a tick where a new strip begins and at the end."""
        until = self.clock.now_ms() + ms
        while (slot := (self.clock.now_ms() // SLOT_MS + 1) * SLOT_MS) <= until:
            self.clock.advance(slot - self.clock.now_ms())
            self.board.tick(self.clock.now_ms())
        self.clock.advance(until - self.clock.now_ms())
        self.board.tick(self.clock.now_ms())

    def live(self, event: Event) -> None:
        self.wait(event.wait_ms)
        now_ms, id_ = self.clock.now_ms(), MonitorId(event.monitor)
        one = self.past.monitors[id_]
        if event.status is None:
            self.put(replace(one, is_paused=not one.is_paused), now_ms)
        else:
            # A probe that is not reached goes on in a pause.
            status = Status.PAUSED if one.is_paused else event.status
            is_second = event.is_second and one.has_each_family
            self.tell(Told(id_, event.probe, now_ms, event.interval_ms, status, 0.0, is_second=is_second))

    def tell(self, told: Told) -> None:
        made = batch([(told.monitor, told.at_ms, told.status)], probe=told.probe, interval_ms=told.interval_ms)
        self.board.apply(made, np.array([told.is_second]))
        self.past.told.append(replace(told, total_ms=float(made.total_ms[0])))

    def look(self) -> None:
        self.board.tick(self.clock.now_ms())
        self.seen[self.clock.now_ms()] = picture(self.board)


def picture(board: BoardView) -> dict[str, np.ndarray]:
    """Return everything that a board shows."""
    shown = {name: getattr(board, name).copy() for name in (*ARRAYS, "availability", "coverage")}
    told = board.by_probe(np.arange(len(board.ids)))
    for name in ("state", "is_checking", "assigned", "total_ms", "at_ms"):
        shown[f"{name} by probe"] = getattr(told, name)
    times = [board.availability_of(one, region) for one in board.ids for region in REGIONS]
    shown["families"] = np.array(
        [
            (cell.family, cell.state, cell.is_checking, cell.total_ms or 0.0, cell.at_ms, cell.availability or -1.0)
            for one in board.ids
            for region in REGIONS
            for cell in board.by_family(one, region)
        ]
    )
    shown["times"] = np.array([(one.known_ms, one.available_ms, one.asked_ms) for one in times])
    return shown


async def compare(lived: Lived) -> None:
    machine = TimeMachine(lived.past)
    if await machine.open() is None:
        return
    for at_ms, shown in lived.seen.items():
        frame = await machine.frame(at_ms)
        assert frame.exact_ms == 0
        board = PastBoard(frame)
        assert board.ids == lived.board.ids
        for name, now in picture(board).items():
            np.testing.assert_array_equal(now, shown[name], err_msg=f"{name} at +{at_ms - BEGIN_MS} ms")


@settings(max_examples=40, deadline=None)
@given(events)
def test_any_moment_is_what_the_live_board_showed(history: list[Event]) -> None:
    lived = Lived()
    lived.tell(Told(2, 1, BEGIN_MS, 10_000, ON, 0.0))
    for event in history:
        lived.live(event)
        lived.look()
    lived.wait(3_000)
    lived.look()
    asyncio.run(compare(lived))


def test_a_moved_monitor_is_known_anew_at_its_new_address() -> None:
    lived = Lived()
    lived.tell(Told(2, 1, BEGIN_MS, 10_000, ON, 0.0))
    lived.wait(HOUR_MS)
    for _ in range(3):
        lived.wait(10_000)
        lived.tell(Told(2, 1, lived.clock.now_ms(), 10_000, OFF, 0.0))
    lived.look()
    lived.board.restart_series([MonitorId(2)])
    for status in (OFF, ON):
        lived.wait(5_000)
        lived.tell(Told(2, 1, lived.clock.now_ms(), 10_000, status, 0.0, url="b"))
        lived.look()
    asyncio.run(compare(lived))
    states = [shown["state"][0, REGIONS.index(Region.EU)] for shown in lived.seen.values()]
    assert states == [OFF, UNKNOWN, ON]


def test_what_was_deleted_or_forgotten_is_there_as_long_as_it_was() -> None:
    lived = Lived()
    lived.tell(Told(2, 1, BEGIN_MS, 10_000, ON, 0.0))
    lived.tell(Told(2, 3, BEGIN_MS, 10_000, ON, 0.0))
    gone_ms = BEGIN_MS + 2 * HOUR_MS
    lived.past.deleted[MonitorId(4)] = lived.past.forgotten[ProbeId(3)] = gone_ms

    async def main() -> None:
        machine = TimeMachine(lived.past)
        setup = await machine.open()
        assert setup is not None
        before, after = await machine.frame(gone_ms - 1), await machine.frame(gone_ms)
        assert before.layout.ids == [2, 3, 4, 5] and after.layout.ids == [2, 3, 5]
        assert before.layout.probes == [1, 2, 3] and after.layout.probes == [1, 2]
        board = PastBoard(before)
        first = board.generation
        board.show(after)
        assert board.generation == first + 1
        lived.past.monitors[MonitorId(3)] = replace(lived.past.monitors[MonitorId(3)], created_at_ms=gone_ms)
        await machine.open()
        assert (await machine.frame(gone_ms - 1)).layout.ids == [2, 4, 5]

    asyncio.run(main())


def test_hours_that_were_read_are_not_read_again() -> None:
    lived = Lived()
    lived.tell(Told(2, 1, BEGIN_MS, 10_000, ON, 0.0))

    async def main() -> None:
        machine = TimeMachine(lived.past)
        await machine.open()
        at_ms = BEGIN_MS + 10 * HOUR_MS
        await machine.frame(at_ms)
        read = len(lived.past.asked)
        await machine.frame(at_ms + 30 * 60_000)
        await machine.prefetch(at_ms + 59 * 60_000)
        assert len(lived.past.asked) == read
        await machine.prefetch(at_ms + HOUR_MS)
        assert [hour for hour, at_most in lived.past.asked[read:] if at_most is None] == [at_ms // HOUR_MS + 1]

    asyncio.run(main())


def test_what_came_since_it_was_opened_is_passed_over() -> None:
    """A domain that was added meanwhile has series that nobody told of; it is there when the past is read anew."""
    lived = Lived()
    lived.tell(Told(2, 1, BEGIN_MS, 10_000, ON, 0.0))

    async def main() -> None:
        machine = TimeMachine(lived.past)
        await machine.open()
        for monitor_ in (2, 3, 4, 5):
            lived.past.told.append(Told(monitor_, 3, BEGIN_MS + 5_000, 10_000, ON, 7.0, url="new"))
        frame = await machine.frame(BEGIN_MS + 6_000)
        assert (frame.cells.at_ms[:, REGIONS.index(Region.NA)] == 0).all()
        assert frame.cells.at_ms[0, REGIONS.index(Region.EU)] == BEGIN_MS
        await machine.open()
        frame = await machine.frame(BEGIN_MS + 6_000)
        assert (frame.cells.at_ms[:, REGIONS.index(Region.NA)] == BEGIN_MS + 5_000).all()

    asyncio.run(main())


def test_nothing_kept_is_no_past() -> None:
    async def main() -> None:
        assert await TimeMachine(FakePast()).open() is None

    asyncio.run(main())


def test_a_result_that_spoke_for_hours_reaches_into_the_moment() -> None:
    """The longest interval is an hour: its results hold for two and a half."""
    lived = Lived()
    lived.tell(Told(2, 1, BEGIN_MS + 1_000, 3_600_000, OFF, 0.0))
    lived.wait(HOUR_MS)
    lived.tell(Told(2, 1, lived.clock.now_ms(), 3_600_000, OFF, 0.0))
    for _ in range(3):
        lived.wait(HOUR_MS)
        lived.look()
    asyncio.run(compare(lived))
    shown = list(lived.seen.values())
    assert [Verdict(int(one["verdict"][0])) for one in shown] == [Verdict.REGIONAL, Verdict.REGIONAL, Verdict.UNKNOWN]


def test_maintenance_is_told_apart_from_a_pause_in_the_past_as_well() -> None:
    async def main() -> None:
        lived = Lived()
        id_ = MonitorId(2)
        lived.tell(Told(id_, 1, lived.clock.now_ms(), 10_000, Status.ONLINE, 0.0))
        (first,) = lived.past.standings[id_]
        began_ms = lived.clock.now_ms() + 60_000
        lived.past.standings[id_].append(replace(first, from_ms=began_ms, is_paused=True, is_in_maintenance=True))
        machine = TimeMachine(lived.past)
        await machine.open()
        for at_ms, expected in ((began_ms - 1, False), (began_ms + 1, True)):
            board = PastBoard(await machine.frame(at_ms))
            row = board.row_of[id_]
            assert (board.in_maintenance[row], board.verdict[row] == Verdict.PAUSED) == (expected, expected)
            assert not board.paused[row]
            assert board.cards().in_maintenance == expected

    asyncio.run(main())
