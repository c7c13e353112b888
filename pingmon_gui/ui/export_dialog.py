"""Exporting: what the file is for, whether passwords go into it, and where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QFileDialog, QRadioButton, QWidget

from pingmon_gui.exchange.kind import Format
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.sentence_label import SentenceLabel


@dataclass(frozen=True)
class ExportOrder:
    """What is to be written where."""

    path: Path
    format: Format
    with_secrets: bool


class ExportDialog(FormDialog):
    """Emits `submitted` with an `ExportOrder` once a name was chosen.

    `with_login` is how many domains have a user name and password.
    """

    def __init__(self, with_login: int, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Export"))
        self.accept_button.setText(self.tr("&Choose where…"))
        self.formats = QButtonGroup(self)
        self.choices: dict[Format, QRadioButton] = {}
        for format_, text, more in (
            (
                Format.JSON,
                self.tr("&Everything that is configured (JSON)"),
                self.tr("To move to another computer: domains, settings of the app, alert rules, names of probes."),
            ),
            (Format.CSV, self.tr("Domains as a &table (CSV)"), self.tr("For a spreadsheet; can be imported again.")),
            (
                Format.TOML,
                self.tr("Domains and alert rules as a &declaration (pingmon.toml)"),
                self.tr("To be kept with your code: “pingmon apply” makes it so, again and again."),
            ),
        ):
            choice = QRadioButton(text, self)
            self.formats.addButton(choice)
            self.choices[format_] = choice
            quiet = SentenceLabel(self)
            quiet.say(more)
            self.body.addWidget(choice)
            self.body.addWidget(quiet)
        self.choices[Format.JSON].setChecked(True)
        text = self.tr("&Include the user names and passwords of %n domain(s)", None, with_login)
        self.secrets = QCheckBox(wording.counted(text, with_login), self)
        self.secrets.setVisible(with_login > 0)
        self.warning = SentenceLabel(self)
        self.secrets.toggled.connect(self.on_secrets_toggled)
        self.body.addWidget(self.secrets)
        self.body.addWidget(self.warning)
        self.body.addStretch(1)
        self.choices[Format.JSON].setFocus()

    @property
    def format(self) -> Format:
        return next(format_ for format_, choice in self.choices.items() if choice.isChecked())

    @Slot()
    def submit(self) -> None:
        """Ask for the file's name; `submitted` follows."""
        if self.is_busy:
            return
        self.message.say("")
        name = "pingmon.toml" if self.format is Format.TOML else f"pingmon-export.{self.format}"
        dialog = QFileDialog(self, self.tr("Export"), str(Path.home() / name))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(self.format.value)
        dialog.fileSelected.connect(self.on_file_selected)
        dialog.open()

    @Slot(str)
    def on_file_selected(self, name: str) -> None:
        self.submitted.emit(ExportOrder(Path(name), self.format, self.secrets.isChecked()))

    @Slot(bool)
    def on_secrets_toggled(self, is_checked: bool) -> None:
        sentence = self.tr("They stand in the file as they are: whoever reads it has them.") if is_checked else ""
        self.warning.say(sentence, is_error=is_checked)
