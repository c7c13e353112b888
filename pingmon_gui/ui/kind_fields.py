"""What is watched: a website, a port, a certificate, a DNS record or a ping, and what an address of it says besides."""

from __future__ import annotations

from pingmon_probe.protocol import KINDS, RECORD_TYPES, STARTTLS_PORTS
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.kind_target import Like, server_normal
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field
from pingmon_gui.ui.plain_label import caption


class KindFields(QWidget):
    """A choice of kinds, and under it only the fields of the one that is chosen. `edited` tells of every change."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows: list[tuple[str, QLabel, QWidget]] = []
        self.kind = QComboBox(self)
        for kind in KINDS:
            self.kind.addItem(wording.kind_name(kind), kind)
        self._add("", self.tr("&Watch"), self.kind)
        self.is_tls = QCheckBox(self.tr("S&peak it, and check the certificate"), self)
        self._add("tcp", self.tr("TLS"), self.is_tls)
        self.is_tls.setAccessibleName(self.tr("Speak TLS, and check the certificate"))
        self.starttls = QComboBox(self)
        self.starttls.addItem(self.tr("At once"), "")
        for protocol in STARTTLS_PORTS:
            text = self.tr("After STARTTLS by %1").replace("%1", wording.protocol_name(protocol))
            self.starttls.addItem(text, protocol)
        self._add("tls", self.tr("TLS be&gins"), self.starttls)
        self.record_type = QComboBox(self)
        for record_type in RECORD_TYPES:
            self.record_type.addItem(f"{record_type} ({wording.record_meaning(record_type)})", record_type)
        self._add("dns", self.tr("&Record type"), self.record_type)
        self.server = QLineEdit(self)
        self.server.setPlaceholderText(self.tr("The one that the probe's host asks"))
        self.server_field = Field(self.server)
        self._add("dns", self.tr("Name ser&ver"), self.server_field, self.server)
        self.kind.currentIndexChanged.connect(self._on_kind_changed)
        for combo in (self.starttls, self.record_type):
            combo.currentIndexChanged.connect(self.edited)
        self.is_tls.toggled.connect(self.edited)
        self.server.textChanged.connect(self._on_server_changed)
        self._show_rows()

    @property
    def chosen(self) -> str:
        """The kind that is chosen, one of `KINDS`."""
        return str(self.kind.currentData())

    def like(self) -> Like:
        """Return what an address without a scheme is, by these fields."""
        return Like(
            self.chosen,
            self.is_tls.isChecked(),
            str(self.starttls.currentData()) or None,
            str(self.record_type.currentData()),
            self.server.text(),
        )

    def set_like(self, like: Like) -> None:
        """Show what an address says."""
        self.blockSignals(True)
        self.kind.setCurrentIndex(self.kind.findData(like.kind))
        self.is_tls.setChecked(like.is_tls)
        self.starttls.setCurrentIndex(max(0, self.starttls.findData(like.starttls or "")))
        self.record_type.setCurrentIndex(self.record_type.findData(like.record_type))
        self.server.setText(like.server)
        self.blockSignals(False)
        self._show_rows()

    def set_spoken_for(self, is_spoken_for: bool) -> None:
        """Grey the fields while the address says itself what they would."""
        for kind, _, widget in self._rows:
            if kind:
                widget.setEnabled(not is_spoken_for)

    def align_labels(self, width: int) -> None:
        """Give the labels at least this width, so that the fields stand in line with those below."""
        for _, label, _ in self._rows:
            label.setMinimumWidth(width)

    def first_wrong(self) -> Field | None:
        return self.server_field if self.chosen == "dns" and self.server_field.has_error else None

    def _add(self, kind: str, text: str, widget: QWidget, buddy: QWidget | None = None) -> None:
        label = caption(text, buddy or widget)
        (buddy or widget).setAccessibleName(text.replace("&", ""))
        self._layout.addRow(label, widget)
        self._rows.append((kind, label, widget))

    def _show_rows(self) -> None:
        for kind, label, widget in self._rows:
            is_visible = kind in ("", self.chosen)
            widget.setVisible(is_visible)
            label.setVisible(is_visible)

    @Slot()
    def _on_kind_changed(self) -> None:
        self._show_rows()
        self.edited.emit()

    @Slot()
    def _on_server_changed(self) -> None:
        error = None
        if self.server.text().strip():
            try:
                server_normal(self.server.text())
            except InvalidInput as exc:
                error = exc
        self.server_field.set_error(error)
        self.edited.emit()
