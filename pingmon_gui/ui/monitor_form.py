"""The fields of a monitor, used when domains are added, when one is edited, and when many are.

Which of them are shown depends on the kind of check. In bulk every label is a box to tick: an unticked field is left
as it is in every monitor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pingmon_probe.protocol import (
    KINDS,
    KINDS_OF_FIELD,
    MAX_INTERVAL_MS,
    MAX_TIMEOUT_MS,
    MIN_INTERVAL_MS,
    MIN_TIMEOUT_MS,
)
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.family import AUTOMATIC, EACH, IPV4, IPV6
from pingmon_gui.domain.monitor import Monitor, MonitorSettings, parse_name, parse_tags
from pingmon_gui.ui import kind_rows, request_rows, website_rows, wording
from pingmon_gui.ui.form_dialog import Field
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.tag_field import TagField


@dataclass
class Row:
    """How one field is read and written. `read` raises InvalidInput; `blank` shows that it is left as it is.

    A row that is not shown is of another kind of check: it is not read.
    """

    field: Field
    label: QWidget
    text: str
    read: Callable[[], Mapping[str, Any]]
    write: Callable[[Mapping[str, Any]], None]
    blank: Callable[[], None]
    keys: tuple[str, ...]
    is_shown: bool = True


class MonitorForm(QWidget):
    """Values are a mapping with the names of `MonitorSettings`, and `name` and `tags` where the form has them.

    `defaults` are what the reset buttons go back to. `edited` is emitted whenever a value changes.
    """

    edited = Signal()

    def __init__(
        self,
        defaults: MonitorSettings,
        known_tags: Sequence[str] = (),
        *,
        with_name_and_tags: bool = True,
        in_bulk: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._defaults: dict[str, Any] = settings_values(defaults) | {"name": "", "tags": ()}
        self._common: dict[str, Any] = dict(self._defaults)
        self.is_in_bulk = in_bulk
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._has_name = True
        #: What DNS answers are read by, None where they are left alone.
        self.record_type: str | None = None
        self.rows: dict[str, Row] = {}
        if with_name_and_tags:
            self._add_name()
            self._add_tags(known_tags)
        self.add_number("interval_ms", self.tr("Check &every"), MIN_INTERVAL_MS, MAX_INTERVAL_MS, 1000, self.tr(" s"))
        self.add_number("timeout_ms", self.tr("Time&out"), MIN_TIMEOUT_MS, MAX_TIMEOUT_MS, 1, self.tr(" ms"))
        self.add_number("slow_ms", self.tr("&Slow from"), 1, MAX_TIMEOUT_MS, 1, self.tr(" ms"))
        website_rows.add_keyword(self)
        website_rows.add_statuses(self)
        request_rows.add_conditions(self)
        request_rows.add_request(self)
        kind_rows.add_exchange(self)
        kind_rows.add_records(self)
        kind_rows.add_echoes(self)
        self._add_family()
        self._add_certificate()
        website_rows.add_sign_in(self)
        if in_bulk:
            for row in self.rows.values():
                self._choose(row, False)
        self.set_kinds({"http"})
        self._mark_resets()

    # ---- kinds

    def set_kinds(self, kinds: Collection[str], *, has_tls: bool = True, record_type: str | None = None) -> None:
        """Show the fields that all of these kinds have; `has_tls` is whether a tcp check speaks it.

        `record_type` is that of a DNS check, None where there are several: its answers are read by it.
        """
        self.record_type = record_type
        for row in self.rows.values():
            of_kinds = all(set(kinds) <= set(KINDS_OF_FIELD.get(key, KINDS)) for key in row.keys)
            row.is_shown = of_kinds and (has_tls or row.keys != ("ignore_certificate",))
            row.label.setVisible(row.is_shown and self._is_wanted(row))
            row.field.setVisible(row.is_shown and self._is_wanted(row))
        self.check()

    def label_width(self) -> int:
        """Return how wide the column of labels is."""
        return max(row.label.sizeHint().width() for row in self.rows.values() if row.is_shown)

    def set_name_visible(self, is_visible: bool) -> None:
        """A list has a name for each of its lines."""
        self._has_name = is_visible
        row = self.rows["name"]
        row.label.setVisible(is_visible)
        row.field.setVisible(is_visible)

    def _is_wanted(self, row: Row) -> bool:
        return self._has_name or row.keys != ("name",)

    # ---- values

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values; in bulk they are what a field starts with when its box is ticked."""
        self._common.update(values)
        for row in self.rows.values():
            if not self.is_in_bulk:
                row.write(self._common)
        self.check()

    def check(self) -> dict[str, Any] | None:
        """Read all (in bulk: the ticked) fields, mark the wrong ones; None if any is wrong."""
        values: dict[str, Any] = {}
        is_good = True
        for row in self.rows.values():
            row.field.set_error(None)
            if not self.is_chosen(row) or not row.is_shown:
                continue
            try:
                values.update(row.read())
            except InvalidInput as exc:
                row.field.set_error(exc)
                is_good = False
        if values.get("slow_ms", 0) > values.get("timeout_ms", MAX_TIMEOUT_MS):
            self.rows["slow_ms"].field.set_error(InvalidInput("The limit for slow must not be above the timeout."))
            is_good = False
        self._mark_resets()
        return values if is_good else None

    def is_chosen(self, row: Row) -> bool:
        return not isinstance(row.label, QCheckBox) or row.label.isChecked()

    def first_wrong(self) -> Field | None:
        return next((row.field for row in self.rows.values() if row.field.has_error and row.is_shown), None)

    # ---- rows

    def add_row(
        self,
        key: str,
        text: str,
        editor: QWidget,
        read: Callable[[], Mapping[str, Any]],
        write: Callable[[Mapping[str, Any]], None],
        blank: Callable[[], None],
        keys: tuple[str, ...] | None = None,
        focus: QWidget | None = None,
    ) -> Field:
        field = Field(editor, with_reset=True)
        name = text.replace("&", "")
        label: QWidget
        if self.is_in_bulk:
            label = QCheckBox(text)
            label.setAccessibleDescription(self.tr("When not ticked, it is left as it is."))
            label.setToolTip(self.tr("Tick to change it in all selected domains"))
            # In line with its field, also where that has a sentence below.
            label.setMinimumHeight(editor.sizeHint().height())
        else:
            label = caption(text, focus or editor)
        if focus is not None:
            field.speaks_through(focus)
        (focus or editor).setAccessibleName(name)
        row = Row(field, label, name, read, write, blank, keys or (key,))
        self.rows[key] = row
        if isinstance(label, QCheckBox):
            label.toggled.connect(self._on_box_toggled)
        self._layout.addRow(label, field)
        row.write(self._defaults)
        field.reset_asked.connect(self._on_reset_asked)
        return field

    def _add_name(self) -> None:
        line = QLineEdit()
        line.setPlaceholderText(self.tr("The address, if left empty"))
        line.textChanged.connect(self.on_edited)
        self.add_row(
            "name",
            self.tr("&Name"),
            line,
            lambda: {"name": parse_name(line.text())},
            lambda values: line.setText(values["name"]),
            line.clear,
        )

    def _add_tags(self, known_tags: Sequence[str]) -> None:
        line = TagField(known_tags)
        line.setPlaceholderText(self.tr("Separated by commas"))
        line.textChanged.connect(self.on_edited)
        self.add_row(
            "tags",
            self.tr("&Tags"),
            line,
            lambda: {"tags": parse_tags(line.text())},
            lambda values: line.setText(", ".join(values["tags"])),
            line.clear,
        )

    def add_number(
        self, key: str, text: str, low_ms: int, high_ms: int, unit_ms: int, suffix: str, step: int | None = None
    ) -> Field:
        """Add a number, kept in its unit of the settings and shown in another one, which is `unit_ms` of them."""
        spin = QSpinBox()
        spin.setRange(-(-low_ms // unit_ms), high_ms // unit_ms)
        spin.setSuffix(suffix)
        spin.setSingleStep(step or (1 if unit_ms == 1000 else 100))
        spin.setGroupSeparatorShown(True)
        spin.setAccelerated(True)
        spin.setKeyboardTracking(True)
        spin.valueChanged.connect(self.on_edited)
        spin.lineEdit().setPlaceholderText(self.left_alone())

        exact_ms = 0

        def write(values: Mapping[str, Any]) -> None:
            nonlocal exact_ms
            exact_ms = values[key]
            spin.setSuffix(suffix)
            spin.setValue(round(exact_ms / unit_ms))

        def read() -> Mapping[str, Any]:
            # What was set elsewhere to a finer value than is shown here stays as it is until it is changed.
            return {key: exact_ms if spin.value() == round(exact_ms / unit_ms) else spin.value() * unit_ms}

        def blank() -> None:
            # A unit without a number would hide that it is left as it is.
            spin.setSuffix("")
            spin.clear()

        return self.add_row(key, text, spin, read, write, blank)

    def _add_family(self) -> None:
        combo = QComboBox()
        for text, family in (
            (self.tr("Automatic"), AUTOMATIC),
            (self.tr("IPv4 only"), IPV4),
            (self.tr("IPv6 only"), IPV6),
            (self.tr("IPv4 and IPv6, each measured"), EACH),
        ):
            combo.addItem(text, family)
        combo.setPlaceholderText(self.left_alone())
        combo.currentIndexChanged.connect(self.on_edited)
        self.add_row(
            "family",
            self.tr("Address &family"),
            combo,
            lambda: {"family": int(combo.currentData())},
            lambda values: combo.setCurrentIndex(max(0, combo.findData(values["family"]))),
            lambda: combo.setCurrentIndex(-1),
        )

    def _add_certificate(self) -> None:
        box = QCheckBox(self.tr("Count a site with a &bad certificate as online"))
        box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        box.toggled.connect(self.on_edited)

        def write(values: Mapping[str, Any]) -> None:
            box.setTristate(False)
            box.setChecked(values["ignore_certificate"])

        self.add_row(
            "ignore_certificate",
            self.tr("Certificate"),
            box,
            lambda: {"ignore_certificate": box.checkState() == Qt.CheckState.Checked},
            write,
            lambda: box.setCheckState(Qt.CheckState.PartiallyChecked),
        )
        box.setAccessibleName(box.text().replace("&", ""))

    # ---- what happens

    def left_alone(self) -> str:
        return self.tr("left as it is") if self.is_in_bulk else ""

    def _choose(self, row: Row, is_chosen: bool) -> None:
        row.field.editor.setEnabled(is_chosen)
        if row.field.reset_button is not None:
            row.field.reset_button.setEnabled(is_chosen)
        if is_chosen:
            row.write(self._common)
        else:
            row.blank()

    @Slot(bool)
    def _on_box_toggled(self, is_chosen: bool) -> None:
        row = next(row for row in self.rows.values() if row.label is self.sender())
        self._choose(row, is_chosen)
        if is_chosen:
            row.field.take_focus()
        self.on_edited()

    @Slot()
    def _on_reset_asked(self) -> None:
        row = next(row for row in self.rows.values() if row.field is self.sender())
        row.write(self._defaults)
        row.field.take_focus()

    @Slot()
    def on_edited(self, *_: object) -> None:
        if self.rows:
            self.check()
            self.edited.emit()

    def _mark_resets(self) -> None:
        for row in self.rows.values():
            button = row.field.reset_button
            if button is None:
                continue
            try:
                is_default = all(self._defaults[key] == value for key, value in row.read().items())
            except (InvalidInput, TypeError):
                is_default = False
            button.setEnabled(not is_default and self.is_chosen(row))
            text = self.tr("Reset %1 to its default").replace("%1", row.text)
            button.setToolTip(wording.tool_tip(text))
            button.setAccessibleName(text)


def settings_values(settings: MonitorSettings) -> dict[str, Any]:
    """Return the settings as a mapping by field name."""
    return {name: getattr(settings, name) for name in MonitorSettings.__dataclass_fields__}


def common_values(monitors: Sequence[Monitor], defaults: MonitorSettings) -> dict[str, Any]:
    """Return for each setting the value that all monitors share, else the default."""
    values = settings_values(defaults)
    for key in values:
        distinct = {getattr(monitor.settings, key) for monitor in monitors}
        if len(distinct) == 1:
            values[key] = distinct.pop()
    return values
