"""Restoring: a backup is chosen, checked to its last row, shown for what it is, and only then put in place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from pingmon_gui.domain.backup import BackupFacts, Progress
from pingmon_gui.domain.error import PingmonError
from pingmon_gui.ui import data_wording, wording
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.long_work import LongWork
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.sentence_label import SentenceLabel

Spawn = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]


class RestorePort(Protocol):
    """Who checks backups: `Renewal`."""

    async def prepare_restore(self, source: Path, progress: Progress) -> BackupFacts: ...

    def drop_restore(self) -> None: ...


class RestoreDialog(FormDialog):
    """Emits `submitted` with the facts of a backup that was checked; closing it otherwise drops what was prepared."""

    def __init__(self, port: RestorePort, spawn: Spawn, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Restore a backup"))
        self.accept_button.setText(self.tr("&Put it in place"))
        self._port = port
        self._spawn = spawn
        self._work: LongWork | None = None
        self.facts: BackupFacts | None = None
        intro = QLabel(
            self.tr(
                "A backup takes the place of all that is here now: domains, settings and history. It is checked to its "
                "last row first; the present database is kept beside it, so that you can go back."
            ),
            self,
        )
        intro.setTextFormat(Qt.TextFormat.PlainText)
        intro.setWordWrap(True)
        self.choose_button = QPushButton(self.tr("&Choose file…"), self)
        self.choose_button.setAutoDefault(False)
        self.choose_button.clicked.connect(self.on_choose)
        self.file_label = QLabel(self)
        self.file_label.setTextFormat(Qt.TextFormat.PlainText)
        self.file_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.addWidget(self.choose_button)
        row.addWidget(self.file_label, 1)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(self.tr("Progress of the check"))
        self._table = QWidget(self)
        self._form = QFormLayout(self._table)
        self._form.setContentsMargins(0, 6, 0, 6)
        self.note = SentenceLabel(self)
        for part in (intro, row, self.bar, self._table, self.note):
            if isinstance(part, QWidget):
                self.body.addWidget(part)
            else:
                self.body.addLayout(part)
        self.body.addStretch(1)
        self.bar.hide()
        self._table.hide()
        self.accept_button.setEnabled(False)
        self.choose_button.setFocus()

    def check_file(self, path: Path) -> None:
        """Check a backup and show what is in it."""
        if self.is_busy or self._work is not None:
            return
        self.facts = None
        self.message.say("")
        self.note.say("")
        self._table.hide()
        self.accept_button.setEnabled(False)
        self.choose_button.setEnabled(False)
        self.file_label.setText(wording.isolated(path.name))
        self.file_label.setToolTip(wording.tool_tip(wording.plain(path)))
        self.bar.setValue(0)
        self.bar.show()
        self._work = LongWork(self.show_share)
        self._spawn(self._check(path, self._work))

    @Slot()
    def on_choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a backup"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Backups of Pingmon (*.db)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(self.on_file_selected)
        dialog.open()

    @Slot(str)
    def on_file_selected(self, name: str) -> None:
        self.check_file(Path(name))

    @Slot()
    def submit(self) -> None:
        if self.facts is not None and not self.is_busy:
            self.submitted.emit(self.facts)

    def show_share(self, share: float) -> None:
        self.bar.setValue(round(share * 1000))

    def done(self, code: int) -> None:
        if self._work is not None:
            self._work.stop()
        elif code != self.DialogCode.Accepted:
            self._port.drop_restore()
        super().done(code)

    async def _check(self, path: Path, work: LongWork) -> None:
        try:
            facts = await self._port.prepare_restore(path, work)
        except PingmonError as exc:
            if not self._is_closed:
                self.show_problem(exc)
            return
        finally:
            if not self._is_closed:
                self._work = None
                self.bar.hide()
                self.choose_button.setEnabled(True)
        if self._is_closed:
            self._port.drop_restore()
            return
        self._show(facts)

    def _show(self, facts: BackupFacts) -> None:
        self.facts = facts
        while self._form.rowCount():
            self._form.removeRow(0)
        rows = [
            (self.tr("Domains"), wording.number(facts.domains)),
            (self.tr("Results"), wording.number(facts.results)),
        ]
        if facts.from_ms is not None and facts.until_ms is not None:
            span = self.tr("%1 to %2").replace("%2", wording.date_time(facts.until_ms))
            rows.append((self.tr("From"), span.replace("%1", wording.date_time(facts.from_ms))))
        if facts.made_at_ms is not None:
            rows.append((self.tr("Made"), wording.date_time(facts.made_at_ms)))
        rows.append((self.tr("Size"), data_wording.file_size(facts.file_bytes)))
        for name, value in rows:
            label = QLabel(value, self._table)
            label.setTextFormat(Qt.TextFormat.PlainText)
            self._form.addRow(caption(name), label)
        self._table.show()
        if facts.remote_probes:
            text = self.tr(
                "It has %n probe(s) on other hosts. Where [its key is|their keys are] on this computer, [it goes|they "
                "go] on; otherwise set [it|them] up again: what [it|they] measured meanwhile comes along."
            )
            count = facts.remote_probes
            self.note.say(wording.counted(text, count).replace("%n", wording.number(count)))
        self.accept_button.setEnabled(True)
        self.accept_button.setFocus()
