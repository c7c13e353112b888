"""The generated year is worth measuring on only if it is what the app itself would have kept of such results."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.incident import outages
from pingmon_gui.domain.timeline import joined_spans, verdict_spans
from pingmon_gui.store.store import Store
from tests.bench.year.__main__ import main as ask
from tests.bench.year.make import make
from tests.bench.year.story import FAR, Shape, Story
from tests.store.helper import Clock, compact, run

END_MS = 1_795_371_600_000
SHAPE = Shape(monitors=2, days=30, raw_days=1, fine_days=3, seed=7)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year")
    make(folder, SHAPE, END_MS)
    return folder


def test_same_shape_seed_and_end_give_the_same_year(year: Path, tmp_path: Path) -> None:
    make(tmp_path, SHAPE, END_MS)
    dumps = []
    for folder in (year, tmp_path):
        with closing(sqlite3.connect(database_path(folder))) as connection:
            dumps.append([line for line in connection.iterdump() if "'owner'" not in line])
    assert dumps[0] == dumps[1]


def test_rollups_and_verdicts_of_the_last_day_are_those_of_its_results(year: Path, tmp_path: Path) -> None:
    path = tmp_path / "pingmon.db"
    path.write_bytes(database_path(year).read_bytes())

    async def main() -> None:
        clock = Clock(END_MS)
        store = Store.open(path, now_ms=clock)
        story = Story(SHAPE, END_MS)
        ids = [monitor.id for monitor in store.configuration().monitors]
        slots = 2 * len(FAR) * (END_MS - story.raw_from_ms) // 10_000
        assert slots - 20 <= (await store.size()).raw_results <= slots
        asked = await store.standings()
        tracks = await store.tracks(ids, story.raw_from_ms, END_MS)
        kept = await store.verdict_spans(ids, story.start_ms, END_MS)
        incidents = await store.incidents(story.start_ms, END_MS)
        for id_ in ids:
            counted = await store.rollups(id_, story.raw_from_ms, END_MS, FIVE_MINUTES_MS)
            assert sum(int(one.count.sum()) for one in counted) == sum(len(track.at_ms) for track in tracks[id_])
            spans = verdict_spans(tracks[id_], asked[id_], story.raw_from_ms, END_MS)
            late = [span for span in kept[id_] if span.end_ms > story.raw_from_ms]
            assert joined_spans(late)[1:] == spans[1:]
            assert sum(span.end_ms - span.start_ms for span in kept[id_]) == END_MS - story.start_ms
            mine = sorted((one.start_ms, one.end_ms) for one in incidents if one.monitor == id_)
            assert mine == [(one.start_ms, one.end_ms) for one in outages(kept[id_])]
        assert incidents
        # What compaction makes of the running hour fits on to what is there: no hole, nothing twice.
        await compact(store, clock, END_MS + 2 * HOUR_MS)
        for id_ in ids:
            for one in await store.rollups(id_, story.raw_from_ms, story.end_ms // HOUR_MS * HOUR_MS, HOUR_MS):
                assert np.array_equal(one.count, np.full(len(one.count), 360))
                assert (one.known_ms == HOUR_MS).all()
        await store.close()

    run(main())


def test_whole_year_is_known_but_for_what_the_story_says(year: Path) -> None:
    async def main() -> None:
        store = Store.open(database_path(year), read_only=True, now_ms=Clock(END_MS))
        story = Story(SHAPE, END_MS)
        for number, monitor in enumerate(store.configuration().monitors):
            days = await store.rollups(monitor.id, story.start_ms, END_MS // DAY_MS * DAY_MS, DAY_MS)
            by_probe = {one.series.probe: one for one in days}
            for place, region in enumerate(FAR):
                unseen = story.unseen(number, region)
                away_ms = sum(min(end, END_MS // DAY_MS * DAY_MS) - begin for begin, end in unseen)
                one = by_probe[10 + place]
                # A result speaks for 25 s, so a probe that goes away is known a little longer.
                known_ms = int(one.known_ms.sum())
                whole_ms = END_MS // DAY_MS * DAY_MS - story.start_ms
                assert 0 <= known_ms - (whole_ms - away_ms) <= 25_000 * len(unseen)
                down_ms = sum(trouble.end_ms - trouble.start_ms for trouble in story.outages(number, region))
                lost_ms = known_ms - int(one.available_ms.sum())
                assert 0.8 * down_ms - 60_000 <= lost_ms <= 1.1 * down_ms + 600_000
        await store.close()

    run(main())


def test_fewer_days_than_have_every_result_are_all_of_them(tmp_path: Path) -> None:
    assert ask(["--monitors", "1", "--days", "2", "--end-ms", str(END_MS), str(tmp_path / "two")]) == 0
    with closing(sqlite3.connect(database_path(tmp_path / "two"))) as connection:
        (first_ms,) = connection.execute("SELECT min(created_at_ms) FROM monitor").fetchone()
        (count,) = connection.execute("SELECT value FROM meta WHERE key = 'chunk_results'").fetchone()
    assert first_ms < END_MS - DAY_MS and int(count) > len(FAR) * 8_640


def test_number_of_days_that_makes_no_sense_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ask(["--days", "0", str(tmp_path / "none")])
    assert "argument --days: must be at least 1, not 0" in capsys.readouterr().err
