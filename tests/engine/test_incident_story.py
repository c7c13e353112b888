"""Whatever happens, in whatever order: what is kept is what all results come to by the rules, told moment by moment."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceWindow
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from tests import naive_timeline as naive
from tests.engine.fakes import START_MS
from tests.engine.place import LETTERS, REGIONS, STEP_MS, Place, at, placed

#: Letters that probes measure: calm with an outage now and then, flapping, bad lines, anything.
STYLES = ("............x", "........xxxxxxx", ".x.x.x.xs", "...sxx ", ".x?s ..x?")


class Story:
    """One monitor, one to three probes, and everything that people and networks do, by chance.

    `asked` is what a person would say was asked for, `measured` what the probes measured, in order.
    """

    def __init__(self, place: Place, chance: Random) -> None:
        self._place = place
        self._chance = chance
        self._numbers = [int(one.id) for one in place.probes]
        self._rests: list[tuple[int, int]] = []
        self._windows: list[tuple[MaintenanceWindow, tuple[int, int]]] = []
        self._changes: list[tuple[int, frozenset[Region], bool, bool]] = []
        self._is_paused = self._is_deleted = self._is_closed = False
        self._regions = frozenset(REGIONS[number] for number in self._numbers)
        self._late: list[tuple[int, int, Status]] = []
        self.measured: dict[int, list[tuple[int, Status]]] = {number: [] for number in self._numbers}
        self._likely = {what: chance.choice((0.0, 0.0, 0.06)) for what in _DEEDS}
        self._late_share = chance.choice((0.0, 0.0, 0.1, 0.3))

    async def tell(self, texts: dict[int, str]) -> None:
        self._note()
        for step in range(max(len(text) for text in texts.values())):
            for what, deed in _DEEDS.items():
                if self._chance.random() < self._likely[what]:
                    await deed(self)
            self._measure(step, texts)
            if not self._is_closed:
                await self._place.step()
            self._place.clock.advance(STEP_MS)
            if self._late and not self._is_closed and self._chance.random() < 0.2:
                self._place.take(*_row(self._late.pop(self._chance.randrange(len(self._late)))))
                await self._place.step()
        await self._end()

    def _measure(self, step: int, texts: dict[int, str]) -> None:
        for number, text in texts.items():
            is_asked = not self._is_paused and not self._is_deleted and REGIONS[number] in self._regions
            # A probe that is not reached goes on with what it was told.
            if text[step] == " " or (not is_asked and self._chance.random() < 0.8):
                continue
            status = LETTERS[text[step]]
            self.measured[number].append((at(step), status))
            if self._is_closed or self._chance.random() < self._late_share:
                self._late.append((number, step, status))
            else:
                self._place.take(number, (step, status))

    async def _end(self) -> None:
        if self._is_closed:
            await self._place.open()
        if self._is_deleted:
            await self._delete_or_restore()
        self._chance.shuffle(self._late)
        for late in self._late:
            self._place.take(*_row(late))
        for _ in range(2):
            self._place.clock.advance(40 * STEP_MS)
            await self._place.step()
        await self._place.store.flush()

    # What people do

    def _note(self, *, is_fresh: bool = False) -> None:
        resting = self._is_paused or self._is_deleted
        self._changes.append((self._place.clock.now_ms(), self._regions, resting, is_fresh))

    async def _pause_or_resume(self) -> None:
        if not self._is_deleted and not self._is_closed:
            self._is_paused = not self._is_paused
            await self._place.change(is_paused=self._is_paused)
            self._note()

    async def _choose_regions(self) -> None:
        if not self._is_deleted and not self._is_closed:
            all_regions = [REGIONS[number] for number in self._numbers]
            self._regions = frozenset(region for region in all_regions if self._chance.random() < 0.6)
            await self._place.change(regions=tuple(self._regions))
            self._note()

    async def _move(self) -> None:
        if not self._is_deleted and not self._is_closed:
            await self._place.change(url=f"https://shop-{self._chance.randrange(10**9)}.example/")
            self._note(is_fresh=True)

    async def _make_or_remove_window(self) -> None:
        if self._is_closed:
            return
        now_ms = self._place.clock.now_ms()
        if self._windows and self._chance.random() < 0.4:
            window, (start_ms, end_ms) = self._windows.pop()
            await self._place.book.change_windows(MaintenanceChange(ended=(window.id,)))
            self._rests.remove((start_ms, end_ms))
            self._rests += [(start_ms, min(end_ms, now_ms))] if start_ms < now_ms else []
            return
        start_ms = now_ms + self._chance.choice((0, 3_000, 25_000, 60_000))
        span = (start_ms, start_ms + self._chance.choice((60_000, 90_000, 150_000)))
        self._windows.append((await self._place.maintain(*span), span))
        self._rests.append(span)

    async def _delete_or_restore(self) -> None:
        if not self._is_closed:
            self._is_deleted = not self._is_deleted
            if self._is_deleted:
                self._place.delete()
            else:
                self._place.restore()
            self._note()

    async def _rename_probe(self) -> None:
        if not self._is_closed:
            self._place.rename_probe(self._chance.choice(self._numbers))

    async def _quit_or_start(self) -> None:
        if not self._is_deleted:
            self._is_closed = not self._is_closed
            await (self._place.close() if self._is_closed else self._place.open())

    # What a person would say

    def asked(self) -> list[naive.Asked]:
        moments = {moment for moment, *_ in self._changes} | {moment for rest in self._rests for moment in rest}
        found = []
        for moment in sorted(moments):
            _, regions, resting, _ = [change for change in self._changes if change[0] <= moment][-1]
            in_maintenance = any(start_ms <= moment < end_ms for start_ms, end_ms in self._rests)
            is_fresh = any(change[0] == moment and change[3] for change in self._changes)
            found.append(naive.Asked(moment, regions, resting or in_maintenance, is_fresh))
        return found

    def probes(self) -> naive.Probes:
        asked = self.asked()

        def resting(at_ms: int) -> bool:
            return [one for one in asked if one.from_ms <= at_ms][-1].is_resting

        return [
            (
                REGIONS[number],
                [naive.Seen(at_ms, STEP_MS, Status.PAUSED if resting(at_ms) else status) for at_ms, status in rows],
            )
            for number, rows in self.measured.items()
        ]


_DEEDS = {
    "pause": Story._pause_or_resume,
    "regions": Story._choose_regions,
    "move": Story._move,
    "window": Story._make_or_remove_window,
    "delete": Story._delete_or_restore,
    "rename": Story._rename_probe,
    "quit": Story._quit_or_start,
}


def _row(late: tuple[int, int, Status]) -> tuple[int, tuple[int, Status]]:
    return late[0], late[1:]


async def check(place: Place, chance: Random) -> None:
    steps = chance.randrange(8, 44)
    letters = chance.choice(STYLES)
    texts = {int(one.id): "".join(chance.choice(letters) for _ in range(steps)) for one in place.probes}
    if chance.random() < 0.2:  # offline, and every other answer is good then: never two in a row
        texts = {number: (text[:3] + "xx" + ".x" * steps)[:steps] for number, text in texts.items()}
    story = Story(place, chance)
    await story.tell(texts)
    expected = naive.verdicts(story.probes(), story.asked(), START_MS, place.clock.now_ms())
    assert [(span.start_ms, span.verdict) for span in await place.spans()] == expected
    kept = [one for one in await place.incidents() if not one.is_withdrawn]
    assert sorted((one.start_ms, one.end_ms, one.kind) for one in kept) == naive.incidents(expected)
    assert all(one.is_cut == ((one.end_ms, naive.Verdict.PAUSED) in expected) for one in kept)
    open_case = place.tracker._case(place.monitor.id).open
    assert (open_case and open_case.id) == next((one.id for one in kept if one.is_open), None)
    # What a result counted as was told when it came, and is kept so: the roll-ups count on it.
    stored = {
        (int(one.series.probe), at_ms): status
        for one in await place.store.results(place.monitor.id, START_MS, place.clock.now_ms())
        for at_ms, status in zip(one.at_ms.tolist(), one.status.tolist(), strict=True)
    }
    assert stored == {
        (number, one.at_ms): one.status
        for number, (_region, results) in zip(story.measured, story.probes(), strict=True)
        for one in results
    }


@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=True), probes=st.integers(1, 3))
def test_what_is_kept_is_what_the_rules_say_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, chance: Random, probes: int
) -> None:
    placed(tmp_path_factory.mktemp("story"), lambda place: check(place, chance), probes)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2_000))
def test_many_stories(tmp_path: Path, seed: int) -> None:
    placed(tmp_path, lambda place: check(place, Random(seed)), 1 + seed % 3)
