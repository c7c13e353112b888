"""The real window on real servers: every kind of trouble is told apart in words, cell by cell."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import qasync
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from pingmon_gui.app import WindowRun
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.ownership import Ownership
from pingmon_gui.ui import wording
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.monitor_table import FIRST_REGION_COLUMN
from pingmon_gui.ui.theme import ThemeSwitch
from tests.real.servers import Case, WebServers

pytestmark = [pytest.mark.timeout(180), pytest.mark.lengthy]

PATIENCE_S = 90.0


@pytest.fixture
def servers() -> Iterator[WebServers]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        running = WebServers.start(folder)
        yield running
        running.close()


def test_every_case_has_its_words_in_the_window(
    servers: WebServers, tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(servers.authority))
    cases = [case for case in servers.cases() if not case.name.startswith("apache")]
    # As the app has it: a window that closes does not end the loop.
    qapp.setQuitOnLastWindowClosed(False)
    ownership = Ownership.take(tmp_path / "data", "window")
    run = WindowRun(ownership, ThemeSwitch(), CrashReporter(), minimized=False)

    async def scene() -> None:
        task = asyncio.ensure_future(run.main())
        for _ in range(round(PATIENCE_S / 0.05)):
            if run.window is not None and run.session is not None:
                break
            await asyncio.sleep(0.05)
        assert run.window is not None
        assert run.session is not None
        drafts = [
            MonitorDraft(case.url, case.name, MonitorSettings(interval_ms=5_000, keyword=case.keyword))
            for case in cases
        ]
        await run.session.commands.add(drafts)
        left = set(range(len(cases)))
        for _ in range(round(PATIENCE_S / 0.25)):
            left = {place for place in left if not _is_told(run.window, cases[place])}
            if not left:
                break
            await asyncio.sleep(0.25)
        wrong = {cases[place].name: _cell(run.window, cases[place]) for place in left}
        run.on_quit_asked()
        assert await task == 0
        assert not wrong

    try:
        qasync.run(scene())
    finally:
        ownership.release()


def _cell(window: MainWindow, case: Case) -> str:
    """Return what a screen reader says of this computer's cell of a case."""
    model = window.model
    for row in range(model.rowCount()):
        if case.name in model.index(row, 1).data(Qt.ItemDataRole.AccessibleTextRole):
            return str(model.index(row, FIRST_REGION_COLUMN).data(Qt.ItemDataRole.AccessibleTextRole))
    return ""


def _is_told(window: MainWindow, case: Case) -> bool:
    said = _cell(window, case)
    return f": {case.status}" in said and wording.failure_word(case.failure) in said
