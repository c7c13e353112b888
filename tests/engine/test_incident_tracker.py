"""The incident tracker on a real store: whatever order results come in, what is kept follows from them alone."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.error import InvalidInput, StorageError
from pingmon_gui.domain.incident import Incident, outages
from pingmon_gui.domain.monitor import Monitor, MonitorDraft
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, Track, verdict_spans
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import (
    Event,
    EventHub,
    IncidentChanged,
    IncidentOpened,
    IncidentResolved,
    IncidentsCorrected,
    MonitorsChanged,
)
from pingmon_gui.engine.incident_tracker import IncidentTracker
from pingmon_gui.store.store import Store
from tests.engine.fakes import START_MS, FakeClock, batch, probe, voting

STEP_MS = 10_000
LETTERS = {".": Status.ONLINE, "s": Status.SLOW, "x": Status.OFFLINE}
REGIONS = {1: Region.LOCAL, 2: Region.EU, 3: Region.NA}


class Place:
    """A store, a board and a tracker on a clock that the test moves; results come when the test says so."""

    def __init__(self, folder: Path, probes: int = 3) -> None:
        self.clock = FakeClock()
        self.folder = folder
        self.probes = [probe(number, REGIONS[number]) for number in range(1, probes + 1)]
        self.seq = dict.fromkeys(REGIONS, 1)
        self.events: list[Event] = []

    async def open(self) -> None:
        self.store = Store.open(self.folder / "pingmon.db", now_ms=self.clock.now_ms)
        configuration = self.store.configuration()
        if not configuration.monitors:
            await self.store.add_monitors([MonitorDraft("https://shop.example/")])
            for one in self.probes:
                await self.store.save_probe(one)
        self.monitor: Monitor = self.store.configuration().monitors[0]
        await self.start()

    async def start(self) -> None:
        self.board, self.hub = Board(self.clock), EventHub()
        self.board.set_probes(voting(one.id, one.region) for one in self.probes)
        self.board.put_monitors([self.monitor])
        for recent in self.store.recent(self.clock.now_ms() - 3_600_000):
            self.board.warm(recent)
        self.board.tick(self.clock.now_ms())
        self.hub.subscribe(self.events.append)
        self.tracker = IncidentTracker(self.store, self.board, self.hub, self.clock)
        await self.tracker.start()

    async def close(self) -> None:
        await self.tracker.stop()
        await self.store.close()

    def take(self, number: int, *rows: tuple[int, Status]) -> None:
        """Results of a probe arrive: (step, status)."""
        results = [(self.monitor.id, START_MS + step * STEP_MS, int(status)) for step, status in rows]
        one = batch(results, probe=number, first_seq=self.seq[number])
        self.seq[number] += len(rows)
        self.store.append(one)
        self.board.apply(one)

    async def step(self) -> None:
        self.board.tick(self.clock.now_ms())
        await self.tracker.step()

    async def play(self, texts: dict[int, str], start: int = 0) -> None:
        """One letter a step and probe, live; a space is no result."""
        for step in range(max(len(text) for text in texts.values())):
            for number, text in texts.items():
                if text[step : step + 1].strip():
                    self.take(number, (start + step, LETTERS[text[step]]))
            await self.step()
            self.clock.advance(STEP_MS)

    async def incidents(self) -> list[Incident]:
        return await self.store.incidents(0, self.clock.now_ms() + 1)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def at(step: int) -> int:
    return START_MS + step * STEP_MS


def placed(tmp_path: Path, check: Callable[[Place], Awaitable[None]], probes: int = 3) -> None:
    async def main() -> None:
        place = Place(tmp_path, probes)
        await place.open()
        try:
            await check(place)
        finally:
            await place.close()

    asyncio.run(main())


def test_outage_is_told_at_once_and_kept_with_its_true_times_and_evidence(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxxx...", 2: "...xxxx...", 3: "...xxxx..."})
        (incident,) = await place.incidents()
        assert (incident.kind, incident.start_ms, incident.end_ms) == (Verdict.OFFLINE, at(3), at(7))
        assert incident.regions == (Region.LOCAL, Region.NA, Region.EU)
        assert len(incident.evidence) == 3
        assert {one.message for one in incident.evidence} == {"no answer in time"}
        (opened,) = place.of(IncidentOpened)
        assert isinstance(opened, IncidentOpened)
        assert opened.incident.end_ms is None
        assert opened.incident.confirmed_at_ms == at(4)
        (resolved,) = place.of(IncidentResolved)
        assert isinstance(resolved, IncidentResolved)
        assert (resolved.incident.id, resolved.incident.end_ms) == (incident.id, at(7))
        assert not place.of(IncidentsCorrected)

    placed(tmp_path, check)


def test_regional_problem_that_becomes_an_outage_is_one_incident(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "..........", 2: "..xxxxxx..", 3: "....xxxx.."})
        (incident,) = await place.incidents()
        assert (incident.kind, incident.start_ms, incident.end_ms) == (Verdict.OFFLINE, at(2), at(8))
        assert incident.regions == (Region.NA, Region.EU)
        kinds = [event.incident.kind for event in place.of(IncidentOpened) + place.of(IncidentChanged)]  # type: ignore[union-attr]
        assert kinds[0] is Verdict.REGIONAL
        assert kinds[-1] is Verdict.OFFLINE
        seen = {one.region: one.status for one in incident.evidence}
        assert seen == {Region.LOCAL: Status.ONLINE, Region.EU: Status.OFFLINE, Region.NA: Status.OFFLINE}

    placed(tmp_path, check)


def test_one_failure_alone_makes_no_incident(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "..x...x...", 2: "...x......", 3: ".........."})
        assert await place.incidents() == []
        spans = (await place.store.verdict_spans([place.monitor.id], at(0), at(9)))[place.monitor.id]
        assert {span.verdict for span in spans} <= {Verdict.ONLINE, Verdict.UNKNOWN}

    placed(tmp_path, check)


def test_results_of_the_past_bring_an_incident_to_light_that_raises_nothing(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...."})
        place.clock.advance(20 * STEP_MS)
        letters = "....xxxx............"
        place.take(1, *((4 + step, LETTERS[letter]) for step, letter in enumerate(letters)))
        await place.step()
        (incident,) = await place.incidents()
        assert (incident.start_ms, incident.end_ms, incident.kind) == (at(8), at(12), Verdict.OFFLINE)
        assert incident.evidence[0].message == "no answer in time"
        assert not place.of(IncidentOpened)
        assert [event.incidents[0].id for event in place.of(IncidentsCorrected)] == [incident.id]  # type: ignore[union-attr]

    placed(tmp_path, check, probes=1)


def test_late_results_correct_the_times_and_keep_id_and_notes(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxxx....", 2: "..", 3: "..........."})
        (before,) = await place.incidents()
        assert before.kind is Verdict.REGIONAL
        noted = await place.tracker.add_note(before.id, "  the router again ")
        await place.tracker.acknowledge(before.id)
        place.take(2, *((step, LETTERS[letter]) for step, letter in enumerate("..xxxxx....") if step >= 2))
        await place.step()
        (after,) = await place.incidents()
        assert (after.id, after.kind, after.start_ms, after.end_ms) == (noted.id, Verdict.OFFLINE, at(2), at(7))
        assert after.acknowledged_at_ms is not None
        assert [note.text for note in after.notes] == [
            "the router again",
            "Corrected by results that arrived later.",
        ]
        assert len(place.of(IncidentOpened)) == 1

    placed(tmp_path, check)


def test_incident_that_late_results_disprove_is_withdrawn(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "..x", 2: "...", 3: "..."})
        place.take(1, (4, Status.OFFLINE))  # the one between them is still on its way
        place.clock.advance(2 * STEP_MS)
        await place.step()
        (before,) = await place.incidents()
        assert before.is_open
        place.take(1, (3, Status.ONLINE))
        await place.step()
        (after,) = await place.incidents()
        assert after.is_withdrawn and not after.is_open
        assert "Withdrawn" in after.notes[-1].text
        (resolved,) = place.of(IncidentResolved)
        assert isinstance(resolved, IncidentResolved)
        assert resolved.is_late

    placed(tmp_path, check)


def test_not_measured_is_not_over(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxx"})
        place.clock.advance(30 * STEP_MS)
        await place.step()
        (incident,) = await place.incidents()
        assert incident.is_open
        spans = (await place.store.verdict_spans([place.monitor.id], at(0), place.clock.now_ms()))[place.monitor.id]
        assert [span.verdict for span in spans][-1] is Verdict.UNKNOWN
        assert spans[-1].start_ms == at(5) + STEP_MS * 5 // 2
        await place.play({1: "..."}, start=36)
        (incident,) = await place.incidents()
        assert incident.end_ms == at(36)

    placed(tmp_path, check, probes=1)


def test_restart_goes_on_with_the_open_incident(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxx", 2: "...xxx", 3: "...xxx"})
        (before,) = await place.incidents()
        await place.close()
        place.clock.advance(5 * STEP_MS)
        place.store = Store.open(tmp_path / "pingmon.db", now_ms=place.clock.now_ms)
        await place.start()
        await place.step()
        await place.play({1: "...", 2: "...", 3: "..."}, start=11)
        (after,) = await place.incidents()
        assert (after.id, after.start_ms) == (before.id, at(3))
        assert after.end_ms == at(11)
        spans = (await place.store.verdict_spans([place.monitor.id], at(0), place.clock.now_ms()))[place.monitor.id]
        assert [span.verdict for span in spans] == [
            Verdict.ONLINE,
            Verdict.OFFLINE,
            Verdict.UNKNOWN,
            Verdict.ONLINE,
        ]

    placed(tmp_path, check)


def test_deletion_ends_what_is_open_and_says_why(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxx"})
        place.board.remove_monitors([place.monitor.id])
        place.hub.publish(MonitorsChanged(removed=(place.monitor.id,)))
        await place.step()
        (incident,) = await place.incidents()
        assert incident.end_ms == place.clock.now_ms()
        assert incident.notes[-1].text == "The domain is watched no more."

    placed(tmp_path, check, probes=1)


def test_pause_ends_an_incident_and_is_kept_as_pause(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxx"})
        paused = replace(place.monitor, is_paused=True)
        place.board.put_monitors([paused])
        place.hub.publish(MonitorsChanged(changed=(paused.id,)))
        await place.step()
        place.clock.advance(7 * STEP_MS)
        await place.step()
        (incident,) = await place.incidents()
        assert incident.end_ms == at(6)
        spans = (await place.store.verdict_spans([paused.id], at(0), place.clock.now_ms() + 1))[paused.id]
        assert spans[-1].verdict is Verdict.PAUSED

    placed(tmp_path, check, probes=1)


def test_bad_notes_and_unknown_incidents_are_refused(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxx"})
        (incident,) = await place.incidents()
        for text in ("", "   ", "x" * 2_001):
            with pytest.raises(InvalidInput):
                await place.tracker.add_note(incident.id, text)
        with pytest.raises(InvalidInput, match="no such incident"):
            await place.tracker.acknowledge(replace(incident, id=1).id)  # type: ignore[arg-type]

    placed(tmp_path, check, probes=1)


def test_what_could_not_be_kept_is_kept_later_and_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "..."})
        record = place.store.record

        async def fail(*_: object) -> None:
            raise StorageError("The disk is full.")

        place.store.record = fail  # type: ignore[method-assign]
        for step in (3, 4):
            place.take(1, (step, Status.OFFLINE))
            with contextlib.suppress(StorageError):
                await place.step()
            place.clock.advance(STEP_MS)
        assert len(place.of(IncidentOpened)) == 1
        place.store.record = record  # type: ignore[method-assign]
        await place.play({1: "xx"}, start=5)
        (incident,) = await place.incidents()
        assert incident.start_ms == at(3)

    placed(tmp_path, check, probes=1)


TEXTS = st.lists(st.text(alphabet="...sxx ", min_size=12, max_size=12), min_size=2, max_size=3)


# The last results turn the verdict, and speak no longer when it is looked at.
@example(texts=["sssssssss  s"] * 2, held=[9, 9, 0], shuffle=random.Random(1))
@settings(max_examples=40, deadline=None)
@example(texts=["sssssss   ss", "sssssss   ss"], held=[7, 7, 0], shuffle=random.Random(0))  # turned and turned back
@given(texts=TEXTS, held=st.lists(st.integers(0, 12), min_size=3, max_size=3), shuffle=st.randoms())
def test_what_is_kept_is_what_all_results_come_to_whatever_order_they_came_in(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], held: list[int], shuffle: object
) -> None:
    """Each probe's results from step `held` on come late, out of order and after everything else."""

    async def check(place: Place) -> None:
        late: list[tuple[int, int, Status]] = []
        for step in range(12):
            for number, text in enumerate(texts, 1):
                if text[step] == " ":
                    continue
                if step >= held[number - 1]:
                    late.append((number, step, LETTERS[text[step]]))
                else:
                    place.take(number, (step, LETTERS[text[step]]))
            await place.step()
            place.clock.advance(STEP_MS)
        shuffle.shuffle(late)  # type: ignore[attr-defined]
        for number, step, status in late:
            place.take(number, (step, status))
        place.clock.advance(40 * STEP_MS)
        await place.step()
        place.clock.advance(40 * STEP_MS)
        await place.step()
        now_ms = place.clock.now_ms()
        tracks = [
            Track(
                ProbeId(number),
                REGIONS[number],
                np.array([at(step) for step in range(12) if text[step] != " "], dtype=np.int64),
                np.full(12 - text.count(" "), STEP_MS, dtype=np.int64),
                np.array([LETTERS[letter] for letter in text if letter != " "], dtype=np.int8),
            )
            for number, text in enumerate(texts, 1)
        ]
        standing = Standing(0, frozenset(REGIONS[number] for number in range(1, len(texts) + 1)))
        expected = verdict_spans(tracks, [standing], START_MS, now_ms)
        found = (await place.store.verdict_spans([place.monitor.id], START_MS, now_ms))[place.monitor.id]
        assert [(s.start_ms, s.verdict) for s in found] == [(s.start_ms, s.verdict) for s in expected]
        kept = sorted((one for one in await place.incidents() if not one.is_withdrawn), key=lambda one: one.start_ms)
        wanted = outages(expected)
        assert [(one.start_ms, one.end_ms, one.kind) for one in kept] == [
            (one.start_ms, one.end_ms, one.kind) for one in wanted
        ]
        open_case = place.tracker._case(place.monitor.id).open
        assert (open_case is None) == (not wanted or wanted[-1].end_ms is not None)

    placed(tmp_path_factory.mktemp("any"), check, probes=len(texts))
