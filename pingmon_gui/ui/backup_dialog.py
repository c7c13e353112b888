"""Backing up: what goes into the file and what does not, where it is written, and how far that is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFileDialog, QLabel, QProgressBar, QWidget

from pingmon_gui.ui import data_wording, wording
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.long_work import LongWork
from pingmon_gui.ui.sentence_label import SentenceLabel


@dataclass(frozen=True)
class BackupOrder:
    """Where a backup is to be written, and who hears how far it is."""

    path: Path
    work: LongWork


class BackupDialog(FormDialog):
    """Emits `submitted` with a `BackupOrder` once a name was chosen.

    `with_login` is how many domains have a user name and password, `remote_probes` how many probes are on other hosts.
    """

    def __init__(self, with_login: int, remote_probes: int, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Back up"))
        self.accept_button.setText(self.tr("&Choose where…"))
        self._work: LongWork | None = None
        lines = [
            self.tr(
                "Everything goes into one file: domains, settings, every result, roll-ups, verdicts and incidents. "
                "Pingmon goes on measuring meanwhile. Keep the file on another disk."
            )
        ]
        if with_login:
            text = self.tr("The user names and passwords of %n domain(s) are in it, readable by whoever has it.")
            lines.append(wording.counted(text, with_login).replace("%n", wording.number(with_login)))
        if remote_probes:
            lines.append(
                self.tr(
                    "Keys and tokens of probes are not in it. On this computer they stay; on another one set each "
                    "probe up again: Pingmon finds it on its host and goes on with it."
                )
            )
        for line in lines:
            label = QLabel(line, self)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            self.body.addWidget(label)
        self.size_note = SentenceLabel(self)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(self.tr("Progress of the backup"))
        self.bar.hide()
        self.body.addWidget(self.size_note)
        self.body.addWidget(self.bar)
        self.body.addStretch(1)

    def show_size(self, size_bytes: int) -> None:
        """Say how large the file is going to be."""
        text = self.tr("The file will have about %1.")
        self.size_note.say(text.replace("%1", data_wording.file_size(size_bytes)))

    @Slot()
    def submit(self) -> None:
        """Ask for the file's name; `submitted` follows."""
        if self.is_busy:
            return
        self.message.say("")
        name = time.strftime("pingmon-backup-%Y-%m-%d.db")
        dialog = QFileDialog(self, self.tr("Back up"), str(Path.home() / name))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("db")
        dialog.fileSelected.connect(self.on_file_selected)
        dialog.open()

    @Slot(str)
    def on_file_selected(self, name: str) -> None:
        self._work = LongWork(self.show_share)
        self.submitted.emit(BackupOrder(Path(name), self._work))

    def show_share(self, share: float) -> None:
        self.bar.setValue(round(share * 1000))

    def set_busy(self, is_busy: bool) -> None:
        super().set_busy(is_busy)
        self.bar.setVisible(is_busy)

    def done(self, code: int) -> None:
        if self._work is not None:
            self._work.stop()
        super().done(code)
