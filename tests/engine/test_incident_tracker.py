"""The incident tracker on a real store: what is told, what is kept, and how it is corrected."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from pingmon_gui.domain.error import InvalidInput, StorageError
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import (
    IncidentChanged,
    IncidentOpened,
    IncidentResolved,
    IncidentsCorrected,
    MonitorsChanged,
)
from pingmon_gui.engine.incident_tracker import PORTION
from pingmon_gui.store.store import Store
from tests.engine.place import LETTERS, STEP_MS, Place, at, placed


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
        spans = await place.spans()
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


def test_outage_of_now_does_not_wait_until_all_of_the_past_is_judged(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "......"})
        others = await place.store.add_monitors([MonitorDraft(f"https://old{n}.example/") for n in range(2 * PORTION)])
        place.board.put_monitors(others)
        place.hub.publish(MonitorsChanged(added=tuple(one.id for one in others)))
        place.board.put_past({one.id: at(0) for one in others})
        judging = asyncio.create_task(place.step())
        while len(place.tracker._waiting) != PORTION:  # noqa: ASYNC110
            await asyncio.sleep(0)
        place.take(1, (5, Status.OFFLINE), (6, Status.OFFLINE))
        while not place.of(IncidentOpened) and not judging.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert place.of(IncidentOpened) and place.tracker._waiting
        await judging
        assert not place.tracker._waiting

    placed(tmp_path, check, probes=1)


def test_outage_that_was_over_when_the_first_results_of_it_came_was_never_opened(tmp_path: Path) -> None:
    """So soon after the start that the newest results tell of it: the store need not be asked."""

    async def check(place: Place) -> None:
        await place.play({1: "....", 2: "....", 3: "...."})
        place.clock.advance(6 * STEP_MS)
        await place.step()
        for number, letters in {1: "xxx....", 2: ".......", 3: "......."}.items():
            place.take(number, *((4 + step, LETTERS[letter]) for step, letter in enumerate(letters)))
        await place.step()
        (incident,) = await place.incidents()
        assert (incident.start_ms, incident.end_ms, incident.kind) == (at(4), at(7), Verdict.REGIONAL)
        assert not place.of(IncidentOpened) and not place.of(IncidentResolved)
        assert [event.incidents[0].id for event in place.of(IncidentsCorrected)] == [incident.id]  # type: ignore[union-attr]

    placed(tmp_path, check)


def test_result_of_a_region_just_taken_off_confirms_what_was_seen_before(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "..xxx."})
        await place.change(regions=())
        await place.step()
        place.clock.advance(STEP_MS)
        # The probe has not heard of it yet, and its second good answer in a row turns the first.
        place.take(1, (7, Status.ONLINE))
        await place.step()
        (incident,) = await place.incidents()
        assert (incident.start_ms, incident.end_ms) == (at(2), at(5))

    placed(tmp_path, check, probes=1)


def test_backlog_that_is_half_here_is_no_outage_of_now(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "....", 2: "....", 3: "...."})
        place.clock.advance(4 * STEP_MS)
        health = place.board.probes[ProbeId(1)]
        place.board.set_health(replace(health, state=ProbeState.CATCHING_UP, votes=False))
        await place.step()
        place.take(1, (4, Status.OFFLINE), (5, Status.OFFLINE), (6, Status.OFFLINE))
        for number in (2, 3):
            place.take(number, *((step, Status.ONLINE) for step in range(4, 9)))
        await place.step()
        assert await place.incidents() == []
        place.take(1, (7, Status.ONLINE), (8, Status.ONLINE))
        place.board.set_health(health)
        await place.step()
        (incident,) = await place.incidents()
        assert (incident.start_ms, incident.end_ms, incident.kind) == (at(4), at(7), Verdict.REGIONAL)
        assert not place.of(IncidentOpened)

    placed(tmp_path, check)


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
        spans = await place.spans()
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
        spans = await place.spans()
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
        place.delete()
        await place.step()
        (incident,) = await place.incidents()
        assert incident.end_ms == place.clock.now_ms()
        assert incident.notes[-1].text == "The domain is watched no more."

    placed(tmp_path, check, probes=1)


def test_pause_ends_an_incident_and_is_kept_as_pause(tmp_path: Path) -> None:
    async def check(place: Place) -> None:
        await place.play({1: "...xxx"})
        await place.change(is_paused=True)
        await place.step()
        place.clock.advance(7 * STEP_MS)
        await place.step()
        (incident,) = await place.incidents()
        assert incident.end_ms == at(6)
        spans = await place.spans()
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
