"""The fields of a probe to be: host and region, and what most people leave as it is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.domain.probe import Transport, parse_probe_name
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.provision.enrolment import BootstrapRequest, read_fingerprint
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field
from pingmon_gui.ui.plain_label import caption

#: Where a probe on another host can be.
REMOTE_REGIONS = tuple(region for region in REGIONS if region is not Region.LOCAL)


class _QuietSpin(QSpinBox):
    """Does not change under a wheel that scrolls the form."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ProbeForm(QWidget):
    """`read` gives what was asked for, or marks what is wrong with it. `submitted` on Enter in a field."""

    submitted = Signal()
    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: Mapping[Region, int] = {}
        self.host = QLineEdit(self)
        self.host.setPlaceholderText("ops@vps.example")
        self.host_field = Field(self.host)
        self._host_help = self.tr(
            "What you would type after ssh, also a name from your SSH configuration. "
            "Linux with Python 3.9 or newer; root, sudo or a plain login."
        )
        self.host_field.set_help(self._host_help)
        self.region = QComboBox(self)
        for region in REMOTE_REGIONS:
            self.region.addItem(wording.region_name(region), region)
        self.region_field = Field(self.region)
        self.name = QLineEdit(self)
        self.name.setPlaceholderText(self.tr("The host's name, if left empty"))
        self.name_field = Field(self.name)
        self.port = _QuietSpin(self)
        self.port.setRange(0, 65535)
        self.port.setSpecialValueText(self.tr("as in your SSH configuration, else 22"))
        self.port_field = Field(self.port)
        self.identity = QLineEdit(self)
        self.identity.setPlaceholderText(self.tr("From your SSH configuration and agent"))
        self.browse = QPushButton(self.tr("&Browse…"), self)
        self.browse.setAutoDefault(False)
        self.browse.setAccessibleName(self.tr("Choose the private key"))
        key = QWidget(self)
        row = QHBoxLayout(key)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.identity, 1)
        row.addWidget(self.browse)
        self.identity_field = Field(key)
        self.identity_field.speaks_through(self.identity)
        self.host_key = QLineEdit(self)
        self.host_key.setPlaceholderText(self.tr("SHA256:… to confirm a key that has changed, or not to be asked"))
        self.host_key_field = Field(self.host_key)
        self.transport = QComboBox(self)
        self.transport.addItem(self.tr("SSH tunnel: the probe listens on the host alone"), Transport.TUNNEL)
        self.transport.addItem(self.tr("Direct TLS: where the SSH server forbids forwarding"), Transport.DIRECT)
        self.transport_field = Field(self.transport)
        self.private = QCheckBox(self.tr("Allow &private addresses"), self)
        self.private_field = Field(self.private)
        self.private_field.set_help(
            self.tr("Lets this probe measure the network it stands in: 10.0.0.0/8, 192.168.0.0/16 and the like.")
        )
        self.more = QToolButton(self)
        self.more.setText(self.tr("A&dvanced"))
        self.more.setToolTip(self.tr("Port, private key, host key, transport, private addresses"))
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setAutoRaise(True)
        self.more.setCheckable(True)
        self.advanced = QWidget(self)
        self._lay_out()
        order = (self.host, self.region, self.name, self.more, self.port, self.identity, self.browse)
        for before, after in itertools.pairwise((*order, self.host_key, self.transport, self.private)):
            QWidget.setTabOrder(before, after)
        self.more.toggled.connect(self._on_more_toggled)
        self._on_more_toggled(False)
        self.browse.clicked.connect(self._on_browse)
        for line in (self.host, self.name, self.identity, self.host_key):
            line.returnPressed.connect(self.submitted)
            line.textEdited.connect(self._on_edited)
        for choice in (self.region, self.transport):
            choice.activated.connect(self._on_edited)
        self.port.valueChanged.connect(self._on_edited)
        self.transport.currentIndexChanged.connect(self._on_transport_changed)
        self._on_transport_changed()

    def choose_region(self, region: Region) -> None:
        """Propose a region."""
        place = self.region.findData(region)
        if place >= 0:
            self.region.setCurrentIndex(place)
            self._on_edited()

    def set_counts(self, counts: Mapping[Region, int]) -> None:
        """Say at the regions how many probes they have already."""
        self._counts = counts
        for place, region in enumerate(REMOTE_REGIONS):
            text = wording.region_name(region)
            if count := counts.get(region, 0):
                words = wording.counted(self.tr("%n probe(s)", None, count), count)
                text = f"{text} ({words})"
            self.region.setItemText(place, text)

    def first_empty(self) -> Region:
        """Return the first region without a probe; Europe where none is empty."""
        return next((region for region in REMOTE_REGIONS if not self._counts.get(region)), Region.EU)

    def clear(self) -> None:
        """Make room for the next host; key, port and transport stay, because hosts of one person are alike."""
        for line in (self.host, self.name, self.host_key):
            line.clear()
        self._on_edited()
        self.choose_region(self.first_empty())

    def fill(self, request: BootstrapRequest) -> None:
        """Show a request, so that it can be put right."""
        self.host.setText(request.host)
        self.choose_region(request.region)
        self.name.setText(request.name or "")
        self.port.setValue(request.port or 0)
        self.identity.setText(str(request.identity or ""))
        self.host_key.setText(request.host_key or "")
        self.transport.setCurrentIndex(self.transport.findData(request.transport))
        self.private.setChecked(request.is_private_allowed)

    def read(self) -> BootstrapRequest | None:
        """Return what was typed, None where something is wrong: it is marked then and has the focus."""
        request = BootstrapRequest(
            host=self.host.text().strip(),
            region=Region(self.region.currentData()),
            port=self.port.value() or None,
            identity=Path(self.identity.text().strip()).expanduser() if self.identity.text().strip() else None,
            transport=Transport(self.transport.currentData()),
            host_key=read_fingerprint(self.host_key.text()),
            is_private_allowed=self.private.isChecked(),
        )
        wrong: list[Field] = []
        if not request.host:
            self.host_field.set_error(
                InvalidInput("Type the host first.", "What you would type after ssh, such as ops@vps.example.")
            )
            wrong.append(self.host_field)
        if self.name.text().strip():
            try:
                request = replace(request, name=parse_probe_name(self.name.text()))
            except InvalidInput as exc:
                self.name_field.set_error(exc)
                wrong.append(self.name_field)
        if request.identity is not None and not request.identity.is_file():
            self.identity_field.set_error(InvalidInput("There is no such file.", "Check the path of the private key."))
            self.more.setChecked(True)
            wrong.append(self.identity_field)
        if self.host_key.text().strip() and request.host_key is None:
            hint = "It looks like SHA256: and 43 letters, as ssh-keygen -l shows it."
            self.host_key_field.set_error(InvalidInput("This is no fingerprint of a host key.", hint))
            self.more.setChecked(True)
            wrong.append(self.host_key_field)
        if wrong:
            wrong[0].take_focus()
            return None
        return request

    def show_problem(self, error: PingmonError) -> None:
        """Show at the host what is wrong with it."""
        self.host_field.set_error(error)
        self.host.setFocus(Qt.FocusReason.OtherFocusReason)
        self.host.selectAll()

    def _lay_out(self) -> None:
        first = self._rows(
            (self.tr("&Host"), self.host, self.host_field),
            (self.tr("Reg&ion"), self.region, self.region_field),
            (self.tr("&Name"), self.name, self.name_field),
        )
        rest = self._rows(
            (self.tr("P&ort"), self.port, self.port_field),
            (self.tr("Private &key"), self.identity, self.identity_field),
            (self.tr("Host k&ey"), self.host_key, self.host_key_field),
            (self.tr("&Way"), self.transport, self.transport_field),
            ("", self.private, self.private_field),
        )
        rest.setContentsMargins(0, 0, 0, 0)
        self.advanced.setLayout(rest)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(first)
        column.addWidget(self.more)
        column.addWidget(self.advanced)

    def _rows(self, *rows: tuple[str, QWidget, Field]) -> QFormLayout:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        form.setVerticalSpacing(9)
        width = self.fontMetrics().averageCharWidth() * 14
        for text, editor, field in rows:
            label = caption(text, editor if text else None, self)
            label.setMinimumWidth(width)
            label.setContentsMargins(0, 1, 0, 0)
            if text:
                editor.setAccessibleName(text.replace("&", ""))
            form.addRow(label, field)
        return form

    @Slot(bool)
    def _on_more_toggled(self, is_open: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.advanced.setVisible(is_open)
        self.edited.emit()

    @Slot()
    def _on_edited(self) -> None:
        for field in (self.host_field, self.name_field, self.identity_field, self.host_key_field):
            field.set_error(None)
        self.edited.emit()

    @Slot()
    def _on_transport_changed(self) -> None:
        if self.transport.currentData() == Transport.DIRECT:
            text = self.tr(
                "The probe answers on a port of its own that has to be open, by TLS with a pinned certificate."
            )
        else:
            text = self.tr("No port has to be opened; everything goes through the host's SSH server.")
        self.transport_field.set_help(text)

    @Slot()
    def _on_browse(self) -> None:
        dialog = QFileDialog(self, self.tr("Private key"), str(Path.home() / ".ssh"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.identity.setText)
        dialog.open()
