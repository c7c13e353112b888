"""Pictures of what takes weeks to come about, on a generated history of some weeks that ends now.

Five made-up probes go on with it; what pictures show as measured just now is taken in `abroad` and `own` instead.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.alert import AlertKind
from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.fleet.embedded import EmbeddedProbe
from pingmon_gui.store.rescue import rescue
from pingmon_gui.ui.explanation_window import ExplanationWindow
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_window import HistoryWindow
from pingmon_gui.ui.incident_page import IncidentPage
from pingmon_gui.ui.kiosk import Kiosk
from pingmon_gui.ui.map_window import MapWindow
from pingmon_gui.ui.preferences_dialog import PreferencesDialog
from pingmon_gui.ui.report_dialog import ReportDialog
from pingmon_gui.ui.report_pages import PAGE_HEIGHT, PAGE_WIDTH
from pingmon_gui.ui.rescue_report import RescueReport
from pingmon_gui.ui.rule_form import RuleForm
from pingmon_gui.ui.time_window import TimeWindow
from tests.bench.feeding_probe import feeding_command
from tests.bench.year.judged import PROBES
from tests.bench.year.make import make
from tests.bench.year.story import Shape
from tests.pictures.desk import SIZE, Desk, take, until, wanted_names

SHAPE = Shape(monitors=14, days=40, raw_days=3, fine_days=20)
_PAGE_BYTES = 4096


async def map_dark(desk: Desk) -> QWidget:
    desk.theme.set_mode("dark")
    desk.window.table.clearSelection()
    window = await desk.opened_by(desk.window.actions_.map, MapWindow)
    window.resize(*SIZE)
    return window


async def kiosk_dark(desk: Desk) -> QWidget:
    desk.theme.set_mode("dark")
    return await _kiosk(desk)


async def kiosk_light(desk: Desk) -> QWidget:
    return await _kiosk(desk)


async def _kiosk(desk: Desk) -> QWidget:
    kiosk = await desk.opened_by(desk.window.actions_.kiosk, Kiosk)
    # It turns to the next domain by itself, and its clock goes on: the moment of the picture is as good as any.
    kiosk.view.is_animated = False
    kiosk.resize(*SIZE)
    return kiosk


async def time_machine_light(desk: Desk) -> QWidget:
    return await _past(desk)


async def time_machine_dark(desk: Desk) -> QWidget:
    desk.theme.set_mode("dark")
    window = await _past(desk)
    window.choices.buttons()[1].click()
    return window


async def _past(desk: Desk) -> TimeWindow:
    """Go to the middle of the last regional problem."""
    window = await desk.opened_by(desk.window.actions_.time_machine, TimeWindow)
    window.resize(*SIZE)
    await until(lambda: window.walk.at_ms)
    last = await _last_incident(desk)
    window.go_to(((last.end_ms or last.start_ms) + last.start_ms) // 2)
    return window


async def _last_incident(desk: Desk) -> Incident:
    """Return the last incident that only some regions saw."""
    now_ms = desk.session.now_ms()
    found: list[Incident] = await desk.session.store.incidents(now_ms - 3 * DAY_MS, now_ms)
    return max((one for one in found if one.kind is Verdict.REGIONAL), key=lambda one: one.start_ms)


async def history_day(desk: Desk) -> QWidget:
    return await _history(desk)


async def history_phases(desk: Desk) -> QWidget:
    desk.theme.set_mode("dark")
    window = await _history(desk)
    window.ranges.choose(7 * DAY_MS)
    window.tools.choose(Kind.PHASES)
    window.on_look_chosen()
    return window


async def _history(desk: Desk) -> HistoryWindow:
    desk.select(0)
    window = await desk.opened_by(desk.window.actions_.history, HistoryWindow)
    window.resize(*SIZE)
    await until(lambda: window.view)
    return window


async def explained(desk: Desk) -> QWidget:
    now_ms = desk.session.now_ms()
    incident = await _last_incident(desk)
    history = desk.window.history
    window = await desk.opened_by(
        lambda: history.explain(incident.monitor, None, now_ms - 30 * DAY_MS, now_ms), ExplanationWindow
    )
    window.resize(1000, 560)
    return window


async def incidents(desk: Desk) -> QWidget:
    page = await desk.opened_by(desk.window.actions_.incidents, IncidentPage)
    page.resize(*SIZE)
    return page


async def report_dialog(desk: Desk) -> QWidget:
    dialog = await _report(desk)
    dialog.preview.on_after()
    return dialog


async def report_page(desk: Desk) -> QImage:
    dialog = await _report(desk)
    dialog.resize(1440, 1150)
    dialog.preview.on_after()
    sheet = dialog.preview.sheet
    await until(lambda: sheet.height() > 1000)
    width = round(sheet.height() * PAGE_WIDTH / PAGE_HEIGHT)
    return sheet.grab(QRect((sheet.width() - width) // 2, 0, width, sheet.height())).toImage()


async def _report(desk: Desk) -> ReportDialog:
    desk.window.table.clearSelection()
    dialog = await desk.opened_by(desk.window.actions_.report, ReportDialog)
    dialog.resize(1120, 740)
    await until(dialog.accept_button.isEnabled)
    return dialog


async def report_html_dark(desk: Desk) -> QImage:
    """Take the page as a browser shows it to somebody who likes the dark."""
    with tempfile.TemporaryDirectory() as place:
        page, picture = Path(place) / "report.html", Path(place) / "report.png"
        pingmon = [sys.executable, "-m", "pingmon_gui", "--data-dir", str(desk.session.data_dir)]
        await _run(*pingmon, "report", "--period", "30d", "--format", "html", "-o", str(page))
        browser = [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--hide-scrollbars",
            f"--user-data-dir={place}/profile",
        ]
        dark = "--blink-settings=preferredColorScheme=0"
        await _run(*browser, dark, "--window-size=780,1100", f"--screenshot={picture}", page.as_uri())
        return QImage(str(picture))


async def _run(*words: str) -> None:
    await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True)


async def alert_rule(desk: Desk) -> QWidget:
    form = await desk.opened_by(lambda: desk.window.alerts.ask_rule(None), RuleForm)
    form.name.setText("Shops and what they need")
    form.kinds[AlertKind.REGIONAL].setChecked(True)
    form.preview_button.click()
    await until(lambda: form.preview_button.isEnabled() and form.outcome.text())
    form.resize(form.width(), 840)
    form.name.deselect()
    return form


async def preferences_size(desk: Desk) -> QWidget:
    dialog = await desk.opened_by(desk.window.actions_.preferences, PreferencesDialog)
    dialog.search.setText("keep")
    dialog.resize(640, 700)
    return dialog


async def rescue_(desk: Desk) -> QWidget:
    """Damage a copy of the database, and save what can be read of it."""
    copy = desk.session.data_dir / "damaged" / "pingmon.db"
    copy.parent.mkdir()
    await desk.session.store.flush()
    shutil.copyfile(desk.session.data_dir / "pingmon.db", copy)
    _damage(copy)
    rescued = await asyncio.to_thread(rescue, copy, desk.session.now_ms(), lambda *_: None)
    # Where it would be at home; here it is in a folder for an hour.
    rescued = replace(rescued, aside=Path("/home/alice/.local/share/pingmon") / rescued.aside.name)
    return await desk.opened_by(RescueReport(rescued, desk.window).open, RescueReport)


rescue_.__name__ = "rescue"


def _damage(database: Path) -> None:
    chance = random.Random(3)
    pages = database.stat().st_size // _PAGE_BYTES
    with database.open("r+b") as file:
        for _ in range(40):
            file.seek(chance.randrange(100, pages) * _PAGE_BYTES)
            file.write(os.urandom(_PAGE_BYTES))


PICTURES = (
    *(map_dark, kiosk_dark, kiosk_light, time_machine_light, time_machine_dark, history_day, history_phases, explained),
    *(incidents, report_dialog, report_page, report_html_dark, alert_rule, preferences_size, rescue_),
)


def _all_is_measured(board: Board) -> bool:
    """Return whether every probe has told something new of every domain that is not paused."""
    watched = (monitor for monitor in board.monitors.values() if not monitor.is_paused)
    return all(sum(latest.is_whole for latest in board.newest(monitor.id)) == len(PROBES) for monitor in watched)


async def _settle(desk: Desk) -> None:
    await until(lambda: _all_is_measured(desk.session.board))


def _feeding(folder: Path, _now_ms: object) -> list[EmbeddedProbe]:
    command = feeding_command(failing=0)
    return [EmbeddedProbe(probe, folder / f"spool-{probe.id}", command) for probe in PROBES.values()]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pingmon-pictures-") as place:
        folder = Path(place) / "data"
        make(folder, SHAPE, time.time_ns() // 60_000_000_000 * 60_000)
        take(PICTURES, wanted_names(), folder, _feeding, _settle)


if __name__ == "__main__":
    main()
