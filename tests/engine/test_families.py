"""A monitor that is measured over IPv4 and over IPv6: two checks, two series; a region is the worse of both."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import FEATURES, Plan, phase_ms

from pingmon_gui.domain.family import EACH, twin_id
from pingmon_gui.domain.monitor import MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.domain.probe import ProbeHealth
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import FailureEvidence, ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import VerdictSpan, verdict_spans
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.plan import checks_for, checks_of_probe, make_plan
from pingmon_gui.engine.status_document import status_document
from pingmon_gui.engine.version_table import VersionTable
from tests.engine.fakes import START_MS, FakeClock, batch, history, monitor, probe, until, voting
from tests.engine.place import LETTERS, STEP_MS, Place, at, placed
from tests.engine.test_engine import Bench

ON, SLOW, OFF, UNKNOWN = Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN
SITE = MonitorId(2)
TWIN = twin_id(SITE)


# The plan


@given(st.integers(2, 2**53 - 1), st.sampled_from([5_000, 9_999, 10_000, 3_600_000]), st.sets(st.sampled_from(REGIONS)))
def test_no_two_checks_of_a_monitor_begin_in_one_slot(number: int, interval_ms: int, others: set[Region]) -> None:
    regions = {Region.EU, *others}
    some = monitor(number, interval_ms=interval_ms, timeout_ms=3_000, family=EACH)
    checks = [check for region in regions for check in checks_for(some, probe(1, region), regions)]
    phases = sorted(check.phase_ms for check in checks)
    assert len(phases) == 2 * len(regions)
    apart = [(later - sooner) % interval_ms for sooner, later in zip(phases, [*phases[1:], phases[0]], strict=True)]
    # They take turns, as evenly as whole milliseconds allow.
    assert min(apart) >= interval_ms // (2 * len(regions)) - 1


def test_first_check_is_where_the_only_one_would_be() -> None:
    (first, second) = checks_for(monitor(2, family=EACH), probe(1, Region.EU), {Region.EU})
    (only,) = checks_for(monitor(2, family=4), probe(1, Region.EU), {Region.EU})
    assert first == only and first.phase_ms == phase_ms(2, 10_000, 0, 1)
    assert (second.monitor, second.family, second.phase_ms) == (TWIN, 6, (first.phase_ms + 5_000) % 10_000)


def test_plan_with_both_checks_passes_the_wire_and_has_the_same_hash_each_time() -> None:
    monitors = [monitor(2, family=EACH), monitor(3), monitor(4, family=6)]
    known: dict[object, object] = {}
    checks, left_out = checks_of_probe(monitors, probe(), {Region.LOCAL}, FEATURES, known)  # type: ignore[arg-type]
    plan, content_hash = make_plan("me", 1, checks, (), FEATURES)
    again, _ = checks_of_probe(monitors, probe(), {Region.LOCAL}, FEATURES, known)  # type: ignore[arg-type]
    assert make_plan("me", 7, again[::-1], (), FEATURES)[1] == content_hash
    assert [check.monitor for check in plan.checks] == [2, 3, 4, TWIN] and left_out == []
    assert Plan.from_json(plan.to_json()) == plan


def test_probe_that_knows_no_families_is_too_old_for_both_checks() -> None:
    lacking = tuple(name for name in FEATURES if name != "family")
    assert checks_of_probe([monitor(2, family=EACH)], probe(), {Region.LOCAL}, lacking) == ([], [2])


# What comes back


def test_results_of_the_second_check_get_their_monitor_and_both_their_family() -> None:
    table = VersionTable({})
    table.add([monitor(2, family=EACH), monitor(3), monitor(4, version=1, family=6)])
    came = batch([(2, START_MS, ON), (TWIN, START_MS, OFF), (3, START_MS, ON), (4, START_MS, ON)], family=[0, 0, 6, 6])
    claimed = table.claimed(came)
    assert claimed.monitor.tolist() == [2, 2, 3, 4]
    assert claimed.family.tolist() == [4, 6, 6, 6]  # what an automatic one found is its own
    seconds = table.are_second(claimed)
    assert seconds is not None and seconds.tolist() == [False, True, False, True]


def test_evidence_of_the_second_check_gets_its_monitor_as_well() -> None:
    table = VersionTable({})
    table.add([monitor(2, family=EACH), monitor(3)])
    kept = tuple(FailureEvidence(MonitorId(one), ProbeId(1), START_MS, {}) for one in (2, TWIN, 3))
    claimed = table.claimed(replace(batch([(TWIN, START_MS, OFF)]), evidence=kept))
    assert [one.monitor for one in claimed.evidence] == [2, 2, 3]


def test_results_are_claimed_by_the_version_that_measured_them() -> None:
    table = VersionTable({})
    table.add([monitor(2, version=1), monitor(2, version=2, family=EACH)])
    came = replace(
        batch([(2, START_MS, ON), (TWIN, START_MS, ON), (2, START_MS, ON), (TWIN, START_MS, ON)], family=6),
        version=np.array([1, 1, 2, 2], dtype=np.int32),
    )
    claimed = table.claimed(came)
    assert claimed.monitor.tolist() == [2, TWIN, 2, 2]  # nobody asked for a second one in version 1
    seconds = table.are_second(claimed)
    assert seconds is not None and seconds.tolist() == [False, False, False, True]


def test_without_such_a_monitor_a_batch_is_left_as_it_is() -> None:
    table = VersionTable({})
    table.add([monitor(2), monitor(3, family=6)])
    came = batch([(2, START_MS, ON), (TWIN, START_MS, ON)])
    assert table.claimed(came) is came and table.are_second(came) is None


# The board


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def board_of(clock: FakeClock, *probes: ProbeHealth, **values: object) -> Board:
    board = Board(clock)
    board.set_probes(probes or [voting(1, Region.EU)])
    board.put_monitors([monitor(9), monitor(2, family=EACH, **values), monitor(10)])  # type: ignore[arg-type]
    return board


def send(board: Board, over: int, status: Status, at_ms: int = START_MS, *, times: int = 1, probe: int = 1) -> None:
    rows = [(2, at_ms + 10 * number, status) for number in range(times)]
    board.apply(batch(rows, probe=probe, family=over), np.full(times, over == 6))


EU = REGIONS.index(Region.EU)


def eu(board: Board) -> tuple[Status, Verdict]:
    row = board.row_of[SITE]
    return Status(int(board.state[row, EU])), Verdict(int(board.verdict[row]))


@pytest.mark.parametrize("down", [4, 6])
def test_region_is_offline_when_one_family_is_confirmed_to_be(clock: FakeClock, down: int) -> None:
    board, up = board_of(clock), 10 - down
    send(board, up, ON)
    send(board, down, ON)
    assert eu(board) == (ON, Verdict.ONLINE)
    # One failure of each does not confirm the other's.
    send(board, down, OFF, START_MS + 5_000)
    send(board, up, ON, START_MS + 5_500)
    row = board.row_of[SITE]
    assert eu(board) == (ON, Verdict.ONLINE) and board.is_checking[row, EU]
    send(board, down, OFF, START_MS + 7_000)
    assert eu(board) == (OFF, Verdict.OFFLINE) and not board.is_checking[row, EU]
    assert board.total_ms[row, EU] == 5_000.0 and board.at_ms[row, EU] == START_MS + 7_000
    send(board, down, ON, START_MS + 9_000, times=2)
    assert eu(board) == (ON, Verdict.ONLINE)
    assert board.state[board.row_of[MonitorId(9)]].tolist() == [UNKNOWN] * 6


def test_failures_that_alternate_between_families_confirm_nothing(clock: FakeClock) -> None:
    board = board_of(clock)
    for number in range(8):
        over, other = (4, 6) if number % 2 else (6, 4)
        send(board, over, OFF, START_MS + number * 5_000)
        send(board, other, ON, START_MS + number * 5_000 + 2_500)
    assert eu(board)[0] is ON


def test_family_that_the_host_has_none_of_says_nothing(clock: FakeClock) -> None:
    board = board_of(clock)
    send(board, 4, ON, times=2)
    send(board, 6, UNKNOWN, times=3)
    assert eu(board) == (ON, Verdict.ONLINE)
    over_4, over_6 = board.by_family(SITE, Region.EU)
    assert (over_4.family, over_4.state, over_6.family, over_6.state) == (4, ON, 6, UNKNOWN)
    assert over_6.failure == "blocked" and over_6.availability is None


def test_cell_shows_the_slower_of_two_that_are_alike(clock: FakeClock) -> None:
    board = board_of(clock)
    send(board, 4, ON)
    send(board, 6, SLOW)
    assert board.total_ms[board.row_of[SITE], EU] == 1_500.0
    assert [cell.total_ms for cell in board.by_family(SITE, Region.EU)] == [50.0, 1_500.0]
    assert board.by_family(MonitorId(9), Region.EU) == []


def test_two_probes_of_a_region_are_one_voice_for_each_family(clock: FakeClock) -> None:
    board = board_of(clock, voting(1, Region.EU), voting(7, Region.EU))
    for number in (1, 7):
        send(board, 4, ON, probe=number)
        send(board, 6, ON, probe=number)
    send(board, 6, OFF, START_MS + 5_000, times=2, probe=1)
    assert eu(board)[0] is ON  # the other one reaches it over IPv6
    send(board, 6, OFF, START_MS + 5_000, times=2, probe=7)
    assert eu(board)[0] is OFF
    told = board.by_probe(np.array([board.row_of[SITE]]))
    assert told.state.tolist() == [[OFF, OFF]]


def test_times_of_both_families_are_added_and_asked_for(clock: FakeClock) -> None:
    board = board_of(clock)
    send(board, 4, ON, START_MS - 10_000)
    send(board, 6, OFF, START_MS - 4_000)
    board.tick(START_MS)
    times = board.availability_of(SITE, Region.EU)
    assert (times.known_ms, times.available_ms) == (14_000, 10_000)
    assert times.asked_ms == 2 * board.availability_of(MonitorId(9), Region.EU).asked_ms > 0
    over_4, over_6 = board.by_family(SITE, Region.EU)
    assert (over_4.availability, over_6.availability) == (1.0, 0.0)
    assert over_4.coverage is not None and times.coverage is not None
    assert times.coverage == pytest.approx((over_4.coverage + (over_6.coverage or 0)) / 2)


def test_late_results_are_counted_for_their_family(clock: FakeClock) -> None:
    board = board_of(clock)
    clock.advance(60_000)
    now = clock.now_ms()
    send(board, 4, ON, now - 1_000)
    send(board, 6, OFF, now - 1_000)
    send(board, 6, OFF, now - 31_000)
    assert board.take_late() == [(SITE, ProbeId(1))]
    stored = batch([(2, now - 1_000, ON), (2, now - 1_000, OFF), (2, now - 31_000, OFF)], probe=1, family=[4, 6, 6])
    assert board.recount(SITE, ProbeId(1), [history(stored, 2, family) for family in (4, 6)])
    times = board.availability_of(SITE, Region.EU)
    assert (times.known_ms, times.available_ms) == (1_000 + 26_000, 1_000)


def test_setting_that_is_switched_keeps_what_is_known_of_the_first_family_and_of_others(clock: FakeClock) -> None:
    board = board_of(clock)
    send(board, 4, ON, times=2)
    send(board, 6, OFF, times=2)
    board.apply(batch([(10, START_MS, SLOW)], probe=1))
    board.put_monitors([monitor(2, version=2)])
    assert eu(board) == (ON, Verdict.ONLINE) and board.by_family(SITE, Region.EU) == []
    board.put_monitors([monitor(11), monitor(2, version=3, family=EACH)])
    assert eu(board)[0] is ON
    assert [cell.state for cell in board.by_family(SITE, Region.EU)] == [ON, UNKNOWN]
    send(board, 6, OFF, START_MS + 1_000, times=2)
    assert eu(board)[0] is OFF
    board.set_probes([voting(1, Region.EU), voting(3, Region.NA)])
    assert eu(board)[0] is OFF
    board.remove_monitors([MonitorId(9)])
    assert eu(board)[0] is OFF
    assert board.state[board.row_of[MonitorId(10)], EU] == SLOW


def test_pause_takes_both_families(clock: FakeClock) -> None:
    board = board_of(clock)
    send(board, 4, ON, START_MS - 1_000)
    send(board, 6, OFF, START_MS - 1_000, times=2)
    paused = replace(board.monitors[SITE], is_paused=True)
    board.put_monitors([paused])
    assert eu(board) == (Status.PAUSED, Verdict.PAUSED)
    clock.advance(10_000)
    board.put_monitors([replace(paused, is_paused=False)])
    assert eu(board) == (UNKNOWN, Verdict.UNKNOWN)  # both begin anew


def test_newest_results_name_their_family_and_speak_by_themselves(clock: FakeClock) -> None:
    board = board_of(clock)
    send(board, 4, ON)
    send(board, 6, OFF)
    assert [(one.family, one.status) for one in board.latest(SITE, Region.EU)] == [(4, ON), (6, OFF)]
    assert [one.family for one in board.speaking(SITE)] == [4, 6]
    assert [(track.is_second, len(track.at_ms)) for track in board.tracks(SITE)] == [(False, 1), (True, 1)]
    send(board, 6, UNKNOWN, START_MS + 1_000)
    assert [one.family for one in board.speaking(SITE)] == [4]


def test_status_document_has_one_entry_a_region_with_both_families_in_it(clock: FakeClock) -> None:
    board = board_of(clock)
    send(board, 4, ON)
    send(board, 6, OFF, times=2)
    document = asyncio.run(status_document(board, board.probes.values(), START_MS))
    other, site, _ = document["monitors"]
    (entry,) = site["regions"]
    assert (entry["status"], entry["failure"], entry["message"]) == ("offline", "timeout", "no answer in time")
    assert [(one["family"], one["status"], one["total_ms"]) for one in entry["families"]] == [
        (4, "online", 50.0),
        (6, "offline", 5_000.0),
    ]
    assert other["regions"][0]["families"] == []


# The whole engine


def test_results_of_both_checks_are_kept_and_shown_as_those_of_one_monitor() -> None:
    async def check() -> None:
        bench = Bench(monitor(2, family=EACH))
        async with bench.running():
            await bench.connected()
            assert [(spec.monitor, spec.family) for spec in bench.link.plans[0].checks] == [(2, 4), (TWIN, 6)]
            rows = [(2, START_MS - 3_000, ON), (TWIN, START_MS - 3_000, OFF), (TWIN, START_MS - 1_000, OFF)]
            bench.link.feed(batch(rows, judged=False, family=[4, 0, 0]))
            await until(lambda: bench.state() is OFF)
            (kept,) = bench.store.batches
            assert (kept.monitor.tolist(), kept.family.tolist()) == ([2, 2, 2], [4, 6, 6])

    asyncio.run(check())


async def play(place: Place, over_4: str, over_6: str, start: int = 0) -> None:
    for step, letters in enumerate(zip(over_4, over_6, strict=True), start):
        for letter, over in zip(letters, (4, 6), strict=True):
            if letter.strip():
                place.take(1, (step, LETTERS[letter]), over=over)
            place.clock.advance(STEP_MS // 2)
            await place.step()


async def judged_again(place: Place) -> list[VerdictSpan]:
    """Return what all that the store has comes to, read anew."""
    now_ms = place.clock.now_ms()
    await place.store.flush()
    tracks = (await place.store.tracks([place.monitor.id], START_MS - STEP_MS, now_ms + 1))[place.monitor.id]
    assert [track.is_second for track in tracks] == [False, True]
    standings = (await place.store.standings([place.monitor.id]))[place.monitor.id]
    return verdict_spans(tracks, standings, START_MS, now_ms)


def test_outage_of_one_family_is_an_incident_that_says_so(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await play(place, "........", "..xxxx..")
        (incident,) = await place.incidents()
        half = STEP_MS // 2
        assert (incident.start_ms, incident.end_ms) == (at(2) + half, at(6) + half)
        assert [(one.family, one.status) for one in incident.evidence] == [(4, ON), (6, OFF)]
        said = "shop.example was offline over IPv6 only: no connection was accepted in time; IPv4 was fine"
        assert incident.sentence("shop.example") == said
        assert await place.spans() == await judged_again(place)

    placed(tmp_path, check, probes=1, family=EACH)


def test_late_results_of_one_family_are_judged_with_those_of_the_other(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await play(place, "..........", "..      ..")
        assert not await place.incidents()
        place.take(1, *((step, OFF) for step in range(2, 8)), over=6)
        await place.step()
        (incident,) = await place.incidents()
        assert (incident.start_ms, incident.end_ms) == (at(2) + STEP_MS // 2, at(8) + STEP_MS // 2)
        assert [(one.family, one.status) for one in incident.evidence] == [(4, ON), (6, OFF)]
        assert await place.spans() == await judged_again(place)

    placed(tmp_path, check, probes=1, family=EACH)


def test_outage_of_a_family_ends_when_that_is_measured_no_more_and_stays_what_it_was(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await play(place, "......", "..xxxx")
        await place.change(settings=MonitorSettings())
        await play(place, "....", "    ", start=6)
        (incident,) = await place.incidents()
        # What IPv6 said last speaks for 2.5 intervals, as everywhere.
        assert (incident.start_ms, incident.end_ms) == (at(2) + STEP_MS // 2, at(8))
        assert not incident.is_withdrawn and (await place.spans())[-1].verdict is Verdict.ONLINE
        assert [(span.start_ms, span.verdict) for span in await place.spans()] == [
            (span.start_ms, span.verdict) for span in await judged_again(place)
        ]

    placed(tmp_path, check, probes=1, family=EACH)


def test_many_such_monitors_are_run_in_slices_that_a_probe_takes() -> None:
    async def check() -> None:
        bench = Bench()
        sizes: list[int] = []
        original = bench.link.run_checks
        bench.link.run_checks = lambda specs: sizes.append(len(specs)) or original(specs)  # type: ignore[method-assign, func-returns-value]
        async with bench.running():
            await bench.connected()
            each = MonitorSettings(family=EACH)
            await bench.engine.commands.add([MonitorDraft(f"https://n{i}.example/", settings=each) for i in range(600)])
            await until(lambda: len(bench.link.checked) == 1_200)
            assert sizes == [1_000, 200]

    asyncio.run(check())
