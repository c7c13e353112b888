"""The explanation of a figure: its sums can be added up by hand, and so can its intervals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.explanation import Explanation, Held
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.report.explain import explained_domain, explained_region
from pingmon_gui.ui.explanation_table import Column, ExplanationTable
from pingmon_gui.ui.explanation_window import ExplanationWindow, Subject
from tests.report.conftest import Told
from tests.report.story import EUROPE, NOW_MS, day
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts

Explained = tuple[Explanation, Mapping[ProbeId, str]]
Open = Callable[[Region | None, int, int, Callable[[ExplanationWindow], Awaitable[None]]], None]
PROBES = {EUROPE: "Frankfurt"}


@pytest.fixture
def explain(qtbot: QtBot, run_async: RunAsync, told: Told) -> Open:
    """Return a function that opens the window on the story and hands it over once all is there."""

    def run(
        region: Region | None, from_ms: int, to_ms: int, check: Callable[[ExplanationWindow], Awaitable[None]]
    ) -> None:
        async def main() -> None:
            store = told.open()

            async def read() -> Explained:
                if region is None:
                    return await explained_domain(store, told.monitor.id, from_ms, to_ms), PROBES
                return await explained_region(store, told.monitor.id, region, from_ms, to_ms, NOW_MS), PROBES

            tasks: list[asyncio.Task[Any]] = []

            def spawn(work: Any, **_: Any) -> asyncio.Task[Any]:
                tasks.append(asyncio.get_running_loop().create_task(work))
                return tasks[-1]

            window = ExplanationWindow(Subject("Shop", region, from_ms, to_ms), read, spawn)
            window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
            qtbot.addWidget(window)
            window.show()
            await asyncio.gather(*tasks)
            await check(window)
            await store.close()

        run_async(main())

    return run


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def rows(window: ExplanationWindow) -> list[tuple[str, str, str]]:
    """Return (was, length, why) of each row."""
    model = window.model
    columns = (Column.STATE, Column.LENGTH, Column.WHY)
    return [
        tuple(plain(model.index(row, column).data()) for column in columns)  # type: ignore[misc]
        for row in range(model.rowCount())
    ]


def test_day_of_a_region_is_explained_to_the_millisecond(explain: Open) -> None:
    async def check(window: ExplanationWindow) -> None:
        # 24 h less an hour of pause and two in which nobody measured; the last results before speak for 90 s more.
        assert plain(window._figure.text()) == "97.6247 % available, 91.5217 % of the time known"
        assert rows(window) == [
            ("online", "06:00:00.000", "results"),
            ("offline", "00:30:00.000", "timed out: no answer in time"),
            ("online", "03:31:30.000", "results"),
            ("unknown", "01:58:30.000", "no result: the one before speaks for 2.5 intervals"),
            ("online", "02:01:30.000", "results"),
            ("paused", "00:28:30.000", "paused"),
            ("paused", "00:30:00.000", "in a maintenance window"),
            ("online", "09:00:00.000", "results"),
        ]
        told = window._sums_box.accessibleName()
        assert told == (
            "online 20:33:00.000; available 20:33:00.000; offline 00:30:00.000; known 21:03:00.000; "
            "unknown 01:58:30.000; known beyond what was asked 00:01:30.000; asked for 23:00:00.000; "
            "paused: counts neither way 00:58:30.000"
        )
        assert "availability = available / known = 97.6247" in plain(window._division.text())
        assert window.model.index(1, Column.PROBE).data() == "Frankfurt"

    explain(Region.EU, day(3), day(4), check)


def test_day_of_the_domain_is_explained_by_its_verdicts(explain: Open) -> None:
    async def check(window: ExplanationWindow) -> None:
        assert plain(window._figure.text()) == "100 % available, 91.3043 % of the time known"
        assert [row[0] for row in rows(window)] == [
            "online", "regional problem", "online", "unknown", "online", "paused", "paused", "online",
        ]  # fmt: skip
        assert rows(window)[1][2] == "Europe: no answer came in time"
        assert window.table.isColumnHidden(Column.PROBE)

    explain(None, day(3), day(4), check)


def test_online_time_can_be_left_out(explain: Open) -> None:
    async def check(window: ExplanationWindow) -> None:
        window.only_trouble.setChecked(True)
        assert [row[0] for row in rows(window)] == ["offline", "unknown", "paused", "paused"]
        window.only_trouble.setChecked(False)
        assert len(rows(window)) == 8

    explain(Region.EU, day(3), day(4), check)


def test_all_of_it_is_copied_as_text(explain: Open) -> None:
    async def check(window: ExplanationWindow) -> None:
        window.copy_button.click()
        text = plain(QGuiApplication.clipboard().text())
        assert text.startswith("97.6247 % available") and "known 21:03:00.000" in text
        assert text.splitlines()[-1].split("\t")[3] == "09:00:00.000"

    explain(Region.EU, day(3), day(4), check)


def test_nothing_known_is_no_share(explain: Open) -> None:
    async def check(window: ExplanationWindow) -> None:
        assert "no share can be told" in window._figure.text()
        assert [row[0] for row in rows(window)] == ["unknown"]

    explain(Region.EU, day(3, 10.5), day(3, 11.5), check)


def test_every_text_is_translated(explain: Open, made_up_language: None) -> None:
    async def check(window: ExplanationWindow) -> None:
        model = window.model
        texts = visible_texts(window) + [rows_text for row in rows(window) for rows_text in (row[0], row[2])]
        texts += [model.headerData(column, Qt.Orientation.Horizontal) for column in Column]
        assert [text for text in texts if "⟦" not in text] == []

    explain(Region.EU, day(3), day(4), check)


def test_table_is_sound(explain: Open, qtmodeltester: ModelTester) -> None:
    async def check(window: ExplanationWindow) -> None:
        qtmodeltester.check(window.model)

    explain(Region.EU, day(3), day(4), check)
    qtmodeltester.check(ExplanationTable())


def test_what_cannot_be_read_is_said_and_a_closed_window_asks_no_more(qtbot: QtBot, run_async: RunAsync) -> None:
    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []

        def spawn(work: Any, **_: Any) -> asyncio.Task[Any]:
            tasks.append(asyncio.get_running_loop().create_task(work))
            return tasks[-1]

        async def broken() -> Explained:
            raise StorageError("The database cannot be read.")

        async def endless() -> Explained:
            await asyncio.Event().wait()
            raise AssertionError("nobody set it")

        subject = Subject("Shop", None, 0, 1)
        window = ExplanationWindow(subject, broken, spawn)
        window.show()
        await asyncio.gather(*tasks)
        assert window._figure.text() == "The database cannot be read."
        window.close()
        window = ExplanationWindow(subject, endless, spawn)
        window.show()
        await asyncio.sleep(0)
        window.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert tasks[-1].cancelled()

    run_async(main())


def test_held_has_a_word_and_a_sign_for_every_kind() -> None:
    from pingmon_gui.ui.explanation_table import _VERDICTS
    from pingmon_gui.ui.history_words import held_word

    assert set(_VERDICTS) == set(Held)
    assert len({held_word(held) for held in Held}) == len(Held)
