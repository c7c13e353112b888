"""The fields of a monitor, used when domains are added, when one is edited, and when many are.

In bulk every label is a box to tick: an unticked field is left as it is in every monitor.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pingmon_probe.protocol import (
    MAX_INTERVAL_MS,
    MAX_KEYWORD_CHARACTERS,
    MAX_TIMEOUT_MS,
    MIN_INTERVAL_MS,
    MIN_TIMEOUT_MS,
)
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import (
    Monitor,
    MonitorSettings,
    format_status_set,
    parse_name,
    parse_status_set,
    parse_tags,
)
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.tag_field import TagField

#: Fields of the form in their order, and the names of `Monitor` or `MonitorSettings` they stand for.
SETTING_FIELDS = (
    "interval_ms",
    "timeout_ms",
    "slow_ms",
    "keyword",
    "status_set",
    "family",
    "ignore_certificate",
    "sign_in",
)


def parse_keyword(text: str) -> str | None:
    """Return the keyword as it was typed, None for an empty one. Raises InvalidInput with a sentence."""
    if not text:
        return None
    if len(text) > MAX_KEYWORD_CHARACTERS:
        raise InvalidInput(f"The keyword must have 1 to {MAX_KEYWORD_CHARACTERS} characters.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise InvalidInput("The keyword holds control characters.", "Type it instead of pasting it.")
    return text


def parse_sign_in(user: str, password: str) -> str | None:
    """Return `user:password`, None where both are empty. Raises InvalidInput with a sentence."""
    if not user and not password:
        return None
    both = f"{user}:{password}"
    if ":" in user:
        raise InvalidInput("A user name cannot hold a colon.")
    if len(both) > 1_000 or not both.isprintable():
        raise InvalidInput("The user name or the password is too long or holds control characters.")
    return both


@dataclass(frozen=True)
class _Row:
    """How one field is read and written. `read` raises InvalidInput; `blank` shows that it is left as it is."""

    field: Field
    label: QWidget
    text: str
    read: Callable[[], Mapping[str, Any]]
    write: Callable[[Mapping[str, Any]], None]
    blank: Callable[[], None]


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
        self._in_bulk = in_bulk
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.rows: dict[str, _Row] = {}
        if with_name_and_tags:
            self._add_name()
            self._add_tags(known_tags)
        self._add_number("interval_ms", self.tr("Check &every"), MIN_INTERVAL_MS, MAX_INTERVAL_MS, 1000, self.tr(" s"))
        self._add_number("timeout_ms", self.tr("Time&out"), MIN_TIMEOUT_MS, MAX_TIMEOUT_MS, 1, self.tr(" ms"))
        self._add_number("slow_ms", self.tr("&Slow from"), 1, MAX_TIMEOUT_MS, 1, self.tr(" ms"))
        self._add_keyword()
        self._add_statuses()
        self._add_family()
        self._add_certificate()
        self._add_sign_in()
        if in_bulk:
            for row in self.rows.values():
                self._choose(row, False)
        self._mark_resets()

    # ---- values

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values; in bulk they are what a field starts with when its box is ticked."""
        self._common.update(values)
        for row in self.rows.values():
            if not self._in_bulk:
                row.write(self._common)
        self.check()

    def check(self) -> dict[str, Any] | None:
        """Read all (in bulk: the ticked) fields, mark the wrong ones; None if any is wrong."""
        values: dict[str, Any] = {}
        is_good = True
        for row in self.rows.values():
            row.field.set_error(None)
            if not self.is_chosen(row):
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

    def is_chosen(self, row: _Row) -> bool:
        return not isinstance(row.label, QCheckBox) or row.label.isChecked()

    def first_wrong(self) -> Field | None:
        return next((row.field for row in self.rows.values() if row.field.has_error), None)

    # ---- rows

    def _add(
        self,
        key: str,
        text: str,
        editor: QWidget,
        read: Callable[[], Mapping[str, Any]],
        write: Callable[[Mapping[str, Any]], None],
        blank: Callable[[], None],
        focus: QWidget | None = None,
    ) -> Field:
        field = Field(editor, with_reset=True)
        name = text.replace("&", "")
        label: QWidget
        if self._in_bulk:
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
        row = _Row(field, label, name, read, write, blank)
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
        line.textChanged.connect(self._on_edited)
        self._add(
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
        line.textChanged.connect(self._on_edited)
        self._add(
            "tags",
            self.tr("&Tags"),
            line,
            lambda: {"tags": parse_tags(line.text())},
            lambda values: line.setText(", ".join(values["tags"])),
            line.clear,
        )

    def _add_number(self, key: str, text: str, low_ms: int, high_ms: int, unit_ms: int, suffix: str) -> None:
        spin = QSpinBox()
        spin.setRange(-(-low_ms // unit_ms), high_ms // unit_ms)
        spin.setSuffix(suffix)
        spin.setSingleStep(1 if unit_ms == 1000 else 100)
        spin.setGroupSeparatorShown(True)
        spin.setAccelerated(True)
        spin.setKeyboardTracking(True)
        spin.valueChanged.connect(self._on_edited)
        spin.lineEdit().setPlaceholderText(self._left_alone())

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

        self._add(key, text, spin, read, write, blank)

    def _add_keyword(self) -> None:
        box = QWidget()
        must = QComboBox()
        must.addItems([self.tr("must contain"), self.tr("must not contain")])
        must.setPlaceholderText(self._left_alone())
        must.setAccessibleName(self.tr("How the keyword is tested"))
        line = QLineEdit()
        line.setPlaceholderText(self.tr("Any content is fine"))
        must.currentIndexChanged.connect(self._on_edited)
        line.textChanged.connect(self._on_edited)
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(must)
        row.addWidget(line, 1)

        def write(values: Mapping[str, Any]) -> None:
            must.setCurrentIndex(1 if values["keyword_absent"] else 0)
            line.setText(values["keyword"] or "")

        def read() -> Mapping[str, Any]:
            keyword = parse_keyword(line.text())
            return {"keyword": keyword, "keyword_absent": keyword is not None and must.currentIndex() == 1}

        def blank() -> None:
            must.setCurrentIndex(-1)
            line.clear()

        field = self._add("keyword", self.tr("&Keyword"), box, read, write, blank, focus=line)
        field.set_help(self.tr("Searched in the page's first megabyte; case matters."))

    def _add_statuses(self) -> None:
        line = QLineEdit()
        line.textChanged.connect(self._on_edited)
        line.setPlaceholderText(self._left_alone() if self._in_bulk else "200-299")
        self._add(
            "status_set",
            self.tr("Accepted stat&uses"),
            line,
            lambda: {"status_set": parse_status_set(line.text())},
            lambda values: line.setText(format_status_set(values["status_set"])),
            line.clear,
        )

    def _add_family(self) -> None:
        combo = QComboBox()
        for text, family in ((self.tr("Automatic"), 0), (self.tr("IPv4 only"), 4), (self.tr("IPv6 only"), 6)):
            combo.addItem(text, family)
        combo.setPlaceholderText(self._left_alone())
        combo.currentIndexChanged.connect(self._on_edited)
        self._add(
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
        box.toggled.connect(self._on_edited)

        def write(values: Mapping[str, Any]) -> None:
            box.setTristate(False)
            box.setChecked(values["ignore_certificate"])

        self._add(
            "ignore_certificate",
            self.tr("Certificate"),
            box,
            lambda: {"ignore_certificate": box.checkState() == Qt.CheckState.Checked},
            write,
            lambda: box.setCheckState(Qt.CheckState.PartiallyChecked),
        )
        box.setAccessibleName(box.text().replace("&", ""))

    def _add_sign_in(self) -> None:
        box = QWidget()
        user, password = QLineEdit(), QLineEdit()
        user.setPlaceholderText(self.tr("User name"))
        password.setPlaceholderText(self.tr("Password"))
        password.setEchoMode(QLineEdit.EchoMode.Password)
        password.setAccessibleName(self.tr("Password"))
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        for line in (user, password):
            row.addWidget(line, 1)
            line.textChanged.connect(self._on_edited)

        def write(values: Mapping[str, Any]) -> None:
            name, _, secret = (values["basic_auth"] or "").partition(":")
            user.setText(name)
            password.setText(secret)

        def blank() -> None:
            user.clear()
            password.clear()

        self._add(
            "sign_in",
            self.tr("Sign-&in"),
            box,
            lambda: {"basic_auth": parse_sign_in(user.text(), password.text())},
            write,
            blank,
            focus=user,
        )
        user.setAccessibleName(self.tr("User name to sign in with"))

    # ---- what happens

    def _left_alone(self) -> str:
        return self.tr("left as it is") if self._in_bulk else ""

    def _choose(self, row: _Row, is_chosen: bool) -> None:
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
        self._on_edited()

    @Slot()
    def _on_reset_asked(self) -> None:
        row = next(row for row in self.rows.values() if row.field is self.sender())
        row.write(self._defaults)
        row.field.take_focus()

    @Slot()
    def _on_edited(self, *_: object) -> None:
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
