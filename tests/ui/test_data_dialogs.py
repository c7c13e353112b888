"""Dialogs about the database: every text can be translated, and what was lost is never hidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.domain.rescue import Count, Kept, Remark, Rescued
from pingmon_gui.ui import data_wording
from pingmon_gui.ui.backup_dialog import BackupDialog
from pingmon_gui.ui.rescue_report import RescueReport
from pingmon_gui.ui.restore_dialog import RestoreDialog
from pingmon_gui.ui.storage_trouble import storage_dialog
from pingmon_gui.ui.waiting_box import WaitingBox
from tests.ui.made_up import MadeUpLanguage, visible_texts

ASIDE = Path("/data/pingmon-damaged-2026-11-28.db")
EVERYTHING_LOST = Rescued(ASIDE, (), tuple((remark, 2) for remark in Remark))


class NobodyChecks:
    async def prepare_restore(self, source: Path, progress: object) -> object:
        raise AssertionError("nothing is checked here")

    def drop_restore(self) -> None:
        """Nothing was prepared."""


def texts_of(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: BackupDialog(1, 2),
        lambda: RestoreDialog(NobodyChecks(), lambda _work: None),  # type: ignore[arg-type]
        lambda: RescueReport(Rescued(ASIDE, (Count(Kept.DOMAINS, 3, 1),), EVERYTHING_LOST.remarks)),
        lambda: storage_dialog(StorageCorrupt("Damaged.", "Repair it."), Path("/data"))[0],
    ],
)
def test_every_text_is_translated(qapp: QApplication, qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    language = MadeUpLanguage()
    qapp.installTranslator(language)
    try:
        dialog = make()
        qtbot.addWidget(dialog)
        untranslated = [text for text in visible_texts(dialog) if "⟦" not in text]
    finally:
        qapp.removeTranslator(language)
    assert untranslated == []


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (Count(Kept.RESULTS, 5, 0), "none"),
        (Count(Kept.RESULTS, 5, 7), "7"),
        (Count(Kept.RESULTS, 5, 7, is_about=True), "about 7"),
        (Count(Kept.RESULTS, 5, 7, is_about=True, is_least=True), "at least 7"),
        (Count(Kept.RESULTS, 5, 0, is_least=True), "maybe some"),
        (Count(Kept.RESULTS, 5, 0, is_about=True), "maybe some"),
    ],
)
def test_what_was_lost_is_said_as_well_as_it_is_known(qapp: QApplication, count: Count, text: str) -> None:
    assert data_wording.lost_text(count) == text


@pytest.mark.parametrize(
    ("rescued", "headline"),
    [
        (Rescued(ASIDE, (Count(Kept.DOMAINS, 3, 0),)), "Everything could be saved."),
        (Rescued(ASIDE, (Count(Kept.DOMAINS, 3, 0), Count(Kept.RESULTS, 9, 1))), "All domains could be saved"),
        (Rescued(ASIDE, (Count(Kept.DOMAINS, 3, 1),)), "A part could be saved."),
        (EVERYTHING_LOST, "Nothing in the damaged database could be read."),
    ],
)
def test_headline_says_how_bad_it_is(qtbot: QtBot, rescued: Rescued, headline: str) -> None:
    report = RescueReport(rescued)
    qtbot.addWidget(report)
    assert texts_of(report)[0].startswith(headline)
    assert any(str(ASIDE) in text for text in texts_of(report))
    for remark, count in rescued.remarks:
        assert data_wording.remark_sentence(remark, count) in texts_of(report)


def test_counts_are_in_the_singular_and_plural(qapp: QApplication) -> None:
    one = data_wording.remark_sentence(Remark.REBUILT_DOMAINS, 1)
    assert one.startswith("1 domain came back") and "It is paused until you have looked at it" in one
    many = data_wording.remark_sentence(Remark.REBUILT_DOMAINS, 3)
    assert many.startswith("3 domains came back") and "They are paused until you have looked at them" in many


def test_waiting_box_stays_until_its_work_is_done(qtbot: QtBot) -> None:
    box = WaitingBox("Saving…")
    qtbot.addWidget(box)
    box.show()
    box.close()
    assert box.isVisible()
    box.show_share(0.5)
    assert box.bar.value() == 500
