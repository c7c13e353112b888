"""What the store tells the time machine, against what it tells of each monitor alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, ROLLUP_BUCKETS_MS
from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.past_board import PastBoard
from pingmon_gui.engine.time_machine import TimeMachine
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, add, batch, compact, open_store, run, settle

HOURS = 5
BAD = range(12 * 6, 12 * 6 + 60)
PROBES = (Probe(ProbeId(1), "here", Region.LOCAL), Probe(ProbeId(2), "there", Region.EU))


async def filled(store: Store, clock: Clock) -> list[Monitor]:
    """Measure two monitors every 50 s for five hours, one of them from two probes; it is down for a while."""
    monitors = await add(store, 2)
    for probe in PROBES:
        await store.save_probe(probe)
    for number, (one, probe) in enumerate(((monitors[0], 1), (monitors[0], 2), (monitors[1], 1))):
        rows = [
            Measured(
                one.id,
                START_MS + place * 50_000 + number,
                Status.OFFLINE if probe == 2 and place in BAD else Status.SLOW if place % 7 == 0 else Status.ONLINE,
                40_000 + 1_000 * place,
                50_000,
            )
            for place in range(HOURS * 72)
        ]
        # Two batches, the later hours first: what comes late has to find its place.
        half = len(rows) // 2
        store.append(batch(rows[half:], probe=probe, first_seq=1, spool=f"s{number}"))
        store.append(batch(rows[:half], probe=probe, first_seq=len(rows), spool=f"s{number}"))
    await store.flush()
    clock.ms = START_MS + HOURS * HOUR_MS
    return monitors


def test_an_hour_of_everything_is_what_each_monitor_tells_alone(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        monitors = await filled(store, clock)
        for is_compacted in (False, True):
            if is_compacted:
                await compact(store, clock)
            setup = await store.past_setup()
            assert setup is not None
            for hour in range(START_MS // HOUR_MS, START_MS // HOUR_MS + HOURS):
                found = await store.past_hour(hour)
                for number, series in setup.series.items():
                    begin_ms = hour * HOUR_MS
                    alone = await store.results(series.monitor, begin_ms, begin_ms + HOUR_MS, [series.probe])
                    mine, kept = found.series == number, alone[0].at_ms >= begin_ms
                    assert found.at_ms[mine].tolist() == alone[0].at_ms[kept].tolist()
                    for name in ("interval_ms", "status", "failure", "total_ms"):
                        assert getattr(found, name)[mine].tolist() == getattr(alone[0], name)[kept].tolist()
            assert len((await store.past_hour(START_MS // HOUR_MS, 71)).at_ms) == 0
            assert len((await store.past_hour(START_MS // HOUR_MS, 72)).at_ms) == 3 * 72
        assert {one.monitor for one in setup.series.values()} == {one.id for one in monitors}
        await store.close()

    run(main())


def test_roll_ups_of_everything_are_what_each_monitor_tells_alone(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        monitors = await filled(store, clock)
        await compact(store, clock, START_MS + 2 * DAY_MS)
        setup = await store.past_setup()
        assert setup is not None
        for bucket_ms in ROLLUP_BUCKETS_MS:
            begin_ms = START_MS // bucket_ms * bucket_ms
            found = await store.past_buckets(begin_ms, begin_ms + max(DAY_MS, bucket_ms), bucket_ms)
            assert len(found.series)
            for one in monitors:
                for alone in await store.rollups(one.id, begin_ms, begin_ms + DAY_MS, bucket_ms):
                    number = next(key for key, series in setup.series.items() if series == alone.series)
                    mine = np.flatnonzero(found.series == number)
                    mine = mine[np.argsort(found.start_ms[mine])]
                    assert found.start_ms[mine].tolist() == alone.start_ms.tolist()
                    for name in ("slow", "offline", "known_ms", "available_ms", "total_sum_ms"):
                        assert getattr(found, name)[mine].tolist() == pytest.approx(getattr(alone, name).tolist())
                    assert found.good[mine].tolist() == alone.histogram.sum(axis=1).tolist()
        with pytest.raises(ValueError, match="no roll-ups"):
            await store.past_buckets(0, DAY_MS, 60_000)
        await store.close()

    run(main())


def test_setup_tells_what_there_was_and_what_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        assert await store.past_setup() is None
        first, second = await filled(store, clock)
        both = frozenset({Region.LOCAL, Region.EU})
        await store.save_standings([(first.id, Standing(START_MS, both)), (second.id, Standing(START_MS, both))])
        await store.save_standings([(first.id, Standing(START_MS + 60_000, both, True))])
        down = Incident(IncidentId(5), first.id, Verdict.OFFLINE, START_MS + 1_000, START_MS + 9_000, START_MS + 3_000)
        spans = (
            VerdictSpan(START_MS, START_MS + 1_000, Verdict.ONLINE),
            VerdictSpan(START_MS + 1_000, START_MS + 9_000, Verdict.OFFLINE),
        )
        await store.record([Judgement(first.id, spans, (down,))], START_MS + 9_000)
        await store.delete_monitors([second.id])
        await store.forget_probe(ProbeId(2))
        setup = await store.past_setup()
        assert setup is not None
        one, gone = setup.monitors
        assert (one.deleted_at_ms, gone.deleted_at_ms) == (None, clock.ms)
        assert one.pauses(START_MS + 90_000) == [(START_MS + 60_000, START_MS + 90_000)]
        assert [one.verdicts.at(START_MS + at) for at in (-1, 0, 999, 1_000)] == [
            Verdict.UNKNOWN,
            Verdict.ONLINE,
            Verdict.ONLINE,
            Verdict.OFFLINE,
        ]
        assert [(mark.id, mark.seen_ms) for mark in setup.incidents] == [(5, START_MS + 3_000)]
        assert [probe.forgotten_at_ms for probe in setup.probes] == [None, clock.ms]
        assert setup.first_ms == setup.kept.raw_ms == START_MS
        await store.close()

    run(main())


def test_what_is_rolled_up_is_shown_as_exact_as_it_is_kept(tmp_path: Path) -> None:
    """Raw results go after a week; then five minutes are told, after a month hours, and at last days."""

    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        first, second = await filled(store, clock)
        everywhere = frozenset({Region.LOCAL, Region.EU})
        await store.save_standings([(one.id, Standing(START_MS, everywhere)) for one in (first, second)])
        bad_ms = START_MS + (BAD.start + 20) * 50_000
        spans = (
            VerdictSpan(START_MS, START_MS + BAD.start * 50_000, Verdict.ONLINE),
            VerdictSpan(START_MS + BAD.start * 50_000, START_MS + BAD.stop * 50_000, Verdict.REGIONAL),
            VerdictSpan(START_MS + BAD.stop * 50_000, START_MS + HOURS * HOUR_MS, Verdict.ONLINE),
        )
        await store.record([Judgement(first.id, spans)], START_MS + HOURS * HOUR_MS)
        machine, europe = TimeMachine(store), REGIONS.index(Region.EU)
        for days, exact_ms in ((1, 0), (9, FIVE_MINUTES_MS), (40, HOUR_MS), (500, DAY_MS)):
            clock.ms = START_MS + days * DAY_MS
            # Something of now, so that what is kept has a present end.
            store.append(batch([Measured(second.id, clock.ms - 60_000)], first_seq=1_000 + days, spool=f"now{days}"))
            await store.flush()
            await compact(store, clock)
            await settle(store)
            assert await machine.open() is not None
            assert machine.exact_ms(bad_ms) == exact_ms
            board = PastBoard(await machine.frame(bad_ms))
            assert board.ids == [first.id, second.id]
            assert board.verdict[0] == Verdict.REGIONAL, days
            assert board.state[0, 0] == Status.ONLINE
            assert board.state[0, europe] == Status.OFFLINE
            assert board.verdict[1] == (Verdict.ONLINE if exact_ms == 0 else Verdict.UNKNOWN)
            times = board.availability_of(first.id, Region.EU)
            assert 0 < times.known_ms - times.available_ms <= times.known_ms <= times.asked_ms
            if exact_ms and exact_ms <= HOUR_MS:
                end_ms = bad_ms // exact_ms * exact_ms + exact_ms
                alone = await store.rollups(first.id, end_ms - HOUR_MS, end_ms, exact_ms)
                there = next(one for one in alone if one.series.probe == 2)
                assert (times.known_ms, times.available_ms) == (there.known_ms.sum(), there.available_ms.sum())
            assert (board.at_ms[0, europe] == 0) == (exact_ms > 0)
            # A day is what most of it was: its bucket says no more.
            assert (board.strip[0, europe] == Status.OFFLINE).any() == (exact_ms <= HOUR_MS)
        await store.close()

    run(main())
