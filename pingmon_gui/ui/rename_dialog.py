"""A new name for a probe."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLineEdit, QWidget

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.probe import Probe, parse_probe_name
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field, FormDialog
from pingmon_gui.ui.plain_label import caption


class RenameDialog(FormDialog):
    """Emits `submitted` with the new name, as it is kept."""

    def __init__(self, probe: Probe, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Rename %1").replace("%1", wording.plain(probe.name, 80)))
        self.accept_button.setText(self.tr("&Rename"))
        self.name = QLineEdit(probe.name, self)
        self.name.setAccessibleName(self.tr("Name"))
        self.field = Field(self.name)
        self.body.addWidget(caption(self.tr("&Name"), self.name, self))
        self.body.addWidget(self.field)
        self.body.addStretch(1)
        self.name.textEdited.connect(self._on_edited)
        self.name.selectAll()
        self.name.setFocus()

    @Slot()
    def submit(self) -> None:
        if self.is_busy:
            return
        try:
            name = parse_probe_name(self.name.text())
        except InvalidInput as exc:
            self.field.set_error(exc)
            self.name.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.submitted.emit(name)

    @Slot()
    def _on_edited(self) -> None:
        self.field.set_error(None)
        self.message.say("")
