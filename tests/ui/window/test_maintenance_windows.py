"""Maintenance windows from a whole window: made, shown, ended, edited, removed and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QDateTime, QTime

from pingmon_gui.domain.maintenance import Cron, MaintenanceDraft, Once, Weekly
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.domain.time_zone import local_zone_name
from pingmon_gui.ui import maintenance_wording, wording
from pingmon_gui.ui.cards import card_texts
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.maintenance_form import MaintenanceForm
from pingmon_gui.ui.row_order import VERDICT_COLUMN
from tests.engine.fakes import START_MS, until
from tests.ui.conftest import RunAsync
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]
HOUR_MS = 3_600_000
MONITORS = {one.id: one for one in numbered(3, tags=("web",))}


def form_for(draft: MaintenanceDraft | None, **more: Scope) -> MaintenanceForm:
    return MaintenanceForm(draft, MONITORS, ("web",), lambda: START_MS, **more)


@pytest.mark.parametrize(
    "draft",
    [
        MaintenanceDraft("Deploy", Once(START_MS - HOUR_MS, START_MS + HOUR_MS)),
        MaintenanceDraft(
            "Backup", Weekly((2, 6), 185, 90 * 60_000, "Asia/Kathmandu"), Scope(False, frozenset({"web"}))
        ),
        MaintenanceDraft(
            "Move", Cron("0 3 1 * *", 2 * 86_400_000, "UTC"), Scope(False, monitors=frozenset({MonitorId(11)}))
        ),
        MaintenanceDraft(
            "Both", Weekly((0,), 0, HOUR_MS, "UTC"), Scope(False, frozenset("a"), frozenset({MonitorId(10)}))
        ),
    ],
    ids=lambda draft: draft.name,
)
def test_form_gives_back_what_it_shows(qapp: object, draft: MaintenanceDraft) -> None:
    schedule = draft.schedule
    if isinstance(schedule, Once):  # a minute is as exact as it gets
        schedule = Once(schedule.start_ms // 60_000 * 60_000, schedule.end_ms // 60_000 * 60_000)
    form = form_for(replace(draft, schedule=schedule))
    assert form.read() == replace(draft, schedule=schedule)
    form.deleteLater()


def test_form_points_at_what_is_wrong_and_shows_what_comes(qapp: object) -> None:
    form = form_for(None, scope=Scope(False, monitors=frozenset({MonitorId(11)})))
    made: list[MaintenanceDraft] = []
    form.submitted.connect(made.append)
    form.submit()
    assert form.name_field.has_error
    form.name.setText("Backup")
    assert form.preview.text().splitlines()[0] == "For 1 domain."
    form.end.setDateTime(QDateTime.fromMSecsSinceEpoch(START_MS - HOUR_MS))
    form.submit()
    assert form.end_field.has_error
    form.kind.setCurrentIndex(form.kind.findData(Cron))
    form.expression.setText("0 3 * *")
    form.submit()
    assert form.expression_field.has_error
    form.expression.setText("0 3 * * *")
    form.zone.setCurrentText("Mars")
    assert "Mars" in form.preview.text()
    form.submit()
    assert form.zone_field.has_error and form.preview.text() == ""
    form.zone.setCurrentText("UTC")
    form.length.number.setValue(25)
    form.submit()
    assert form.length_field.has_error
    form.kind.setCurrentIndex(form.kind.findData(Weekly))
    form.days.buttons[6].setChecked(False)
    form.submit()
    assert form.days_field.has_error
    form.days.buttons[0].setChecked(True)
    form.at.setTime(QTime(4, 30))
    form.length.number.setValue(2)
    form.scope.choice.setCurrentIndex(form.scope.choice.findData("tags"))
    form.submit()
    assert form.scope_field.has_error and made == []
    form.scope.tags.setText("WEB")
    assert form.preview.text().splitlines()[0] == "For 3 domains."
    assert len(form.preview.text().splitlines()) == 6
    form.submit()
    assert made == [MaintenanceDraft("Backup", Weekly((0,), 270, 2 * HOUR_MS, "UTC"), Scope(False, frozenset({"WEB"})))]
    form.deleteLater()


def test_end_stays_behind_a_start_that_moves_on(qapp: object) -> None:
    form = form_for(None)
    form.start.setDateTime(QDateTime.fromMSecsSinceEpoch(START_MS + 5 * HOUR_MS))
    assert form.end.dateTime() == form.start.dateTime().addMSecs(HOUR_MS)
    form.deleteLater()


def test_window_is_made_for_what_is_selected_ended_and_taken_back(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    bench = make_bench(numbered(3))
    window = show_window(bench)

    def verdicts() -> list[str]:
        window.bridge.frame()
        return [window.model.index(row, VERDICT_COLUMN).data() for row in range(3)]

    async def use() -> None:
        await bench.standings.start(())
        bench.feed((10, 0), (11, 0), (12, 0))
        window.table.select(MonitorId(11))
        window.actions_.maintain.trigger()
        form = window.findChild(MaintenanceForm)
        assert form is not None
        form.name.setText("Deploy & test")
        form.start.setDateTime(QDateTime.fromMSecsSinceEpoch(bench.clock.now_ms() - HOUR_MS))
        form.end.setDateTime(QDateTime.fromMSecsSinceEpoch(bench.clock.now_ms() + HOUR_MS))
        form.accept_button.click()
        await until(lambda: verdicts() == ["online", "maintenance", "online"])
        (made,) = bench.commands.windows
        assert made.scope == Scope(False, monitors=frozenset({MonitorId(11)}))
        row = window.model.row_of(MonitorId(11))
        assert "is in maintenance until" in window.model.index(row, VERDICT_COLUMN).data(0x0000000B)
        assert card_texts(bench.board.cards())[0].note == "1 in maintenance"

        window.actions_.maintenance.trigger()
        page = window.maintenance.page
        assert page is not None
        assert page.table.item(0, 0).text() == "Deploy & test"
        assert page.table.item(0, 3).text().startswith("on until ")
        page.end.click()
        await until(lambda: verdicts() == ["online", "unknown", "online"])
        assert bench.commands.windows == ()
        assert page.nothing.isVisible() and not page.end.isEnabled()
        page.undo.click()
        await until(lambda: bool(bench.commands.windows))
        await until(lambda: verdicts()[1] == "maintenance")
        page.remove.click()
        await until(lambda: bench.commands.windows == ())
        assert wording.isolated("Deploy & test") in page.message.text()
        page.hide()

    run_async(use())


def test_window_that_is_edited_takes_the_place_of_the_former(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)

    async def use() -> None:
        await bench.standings.start(())
        window.maintenance.show_page()
        page = window.maintenance.page
        assert page is not None
        page.add.click()
        form = page.findChild(MaintenanceForm)
        assert form is not None
        form.name.setText("Backup")
        form.kind.setCurrentIndex(form.kind.findData(Weekly))
        form.accept_button.click()
        await until(lambda: len(bench.commands.windows) == 1)
        (before,) = bench.commands.windows
        assert before.draft == MaintenanceDraft("Backup", Weekly((6,), 180, HOUR_MS, local_zone_name()), EVERYTHING)
        page.show_windows()
        page.edit.click()
        form = next(one for one in page.findChildren(MaintenanceForm) if one.isVisible())
        form.length.number.setValue(3)
        form.accept_button.click()
        await until(lambda: bench.commands.windows[0].schedule.length_ms == 3 * HOUR_MS)
        (after,) = bench.commands.windows
        assert after.id != before.id
        await until(lambda: wording.duration(3 * HOUR_MS) in page.table.item(0, 1).text())
        await window.commands.undo()
        assert [one.draft for one in bench.commands.windows] == [before.draft]
        page.hide()

    run_async(use())


def test_words_name_a_zone_that_is_not_this_computers(qapp: object) -> None:
    weekly = Weekly((0, 1, 2, 3, 4, 5, 6), 180, HOUR_MS, "Europe/Zurich")
    assert maintenance_wording.schedule_words(weekly, "Europe/Zurich").startswith("every day at ")
    assert maintenance_wording.schedule_words(weekly, "UTC").endswith("(Europe/Zurich)")
    both = Scope(False, frozenset({"a"}), frozenset({MonitorId(1), MonitorId(2)}))
    assert maintenance_wording.scope_words(both) == "#a, 2 domains"
