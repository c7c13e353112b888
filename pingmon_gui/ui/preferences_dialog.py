"""All preferences in one dialog that can be searched, built from the table in the domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox, QVBoxLayout, QWidget

from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.preference import PREFERENCES, SIZE_KEYS, Preference, Preferences, Value
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field, FormDialog, scrolling
from pingmon_gui.ui.size_panel import SizePanel, Usage
from pingmon_gui.ui.theme import scaled_font


@dataclass(frozen=True)
class _Row:
    preference: Preference
    label: QLabel
    field: Field
    read: Callable[[], Value]
    write: Callable[[Value], None]


class PreferencesDialog(FormDialog):
    """Emits `submitted` with a dict of the changed values by key; a reset one carries its default."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Preferences"))
        self.accept_button.setText(self.tr("&Save"))
        self._preferences = preferences
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(self.tr("Search preferences"))
        self.search.setAccessibleName(self.tr("Search preferences"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.on_search_changed)
        self.body.addWidget(self.search)
        self.rows: dict[str, _Row] = {}
        self._titles: dict[str, QLabel] = {}
        self._nothing = QLabel(self.tr("No preference has this in its name or explanation."), self)
        self._nothing.setTextFormat(Qt.TextFormat.PlainText)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.hide()
        content = QWidget(self)
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 12, 0)
        self.size_panel = SizePanel(self)
        for preference in PREFERENCES:
            self._add(preference)
            if preference.key == SIZE_KEYS[-1]:
                self._column.addWidget(self.size_panel)
        self._column.addWidget(self._nothing)
        self._column.addStretch(1)
        self.body.addWidget(scrolling(content, self), 1)
        reset = QPushButton(self.tr("&Reset all"), self)
        reset.setAutoDefault(False)
        reset.setToolTip(self.tr("Puts every preference back to its default; nothing is saved before you say so."))
        reset.clicked.connect(self.on_reset_all)
        self.buttons.addButton(reset, self.buttons.ButtonRole.ResetRole)
        self.check()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 76, self.fontMetrics().lineSpacing() * 36)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))
        self.search.setFocus()

    @Slot()
    def submit(self) -> None:
        if self.is_busy:
            return
        self.message.say("")
        if not self.check():
            wrong = next(row for row in self.rows.values() if row.field.has_error)
            self.search.clear()
            wrong.field.take_focus()
            return
        values = {key: row.read() for key, row in self.rows.items()}
        changed = {key: value for key, value in values.items() if value != self._preferences[key]}
        if changed:
            self.submitted.emit(changed)
        else:
            self.accept()

    def check(self) -> bool:
        """Mark wrong values and what differs from its default; return whether all are good."""
        is_good = True
        for row in self.rows.values():
            row.field.set_error(None)
            try:
                row.preference.check(row.read())
            except SettingsError as exc:
                row.field.set_error(exc)
                is_good = False
            if row.field.reset_button is not None:
                row.field.reset_button.setEnabled(row.read() != row.preference.default)
        self.size_panel.show_forecast(Preferences({key: self.rows[key].read() for key in SIZE_KEYS}))
        return is_good

    def show_usage(self, usage: Usage) -> None:
        """Show how large the database is, and from then on what it grows to with the values in the form."""
        if not self._is_closed:
            self.size_panel.show_usage(usage)

    def _add(self, preference: Preference) -> None:
        if preference.section not in self._titles:
            title = QLabel(self._translated(preference.section), self)
            title.setTextFormat(Qt.TextFormat.PlainText)
            title.setFont(scaled_font(1.1, weight=title.font().Weight.DemiBold))
            title.setContentsMargins(0, 10 if self._titles else 0, 0, 0)
            self._titles[preference.section] = title
            self._column.addWidget(title)
        editor, read, write = self._editor(preference)
        name = self._translated(preference.label)
        editor.setAccessibleName(name)
        field = Field(editor, with_reset=True)
        default = self.tr("Default: %1.").replace("%1", self._shown(preference))
        field.set_help(f"{self._translated(preference.help)} {default}")
        if field.reset_button is not None:
            text = self.tr("Reset %1 to its default").replace("%1", name)
            field.reset_button.setToolTip(wording.tool_tip(text))
            field.reset_button.setAccessibleName(text)
        label = QLabel(name, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setBuddy(editor)
        label.setVisible(not isinstance(editor, QCheckBox))
        row = _Row(preference, label, field, read, write)
        self.rows[preference.key] = row
        write(self._preferences[preference.key])
        field.reset_asked.connect(self.on_reset_asked)
        self._column.addWidget(label)
        self._column.addWidget(field)

    def _editor(self, preference: Preference) -> tuple[QWidget, Callable[[], Value], Callable[[Value], None]]:
        default = preference.default
        if isinstance(default, bool):
            box = QCheckBox(self._translated(preference.label).replace("&", "&&"), self)
            box.toggled.connect(self.on_edited)
            return box, box.isChecked, lambda value: box.setChecked(value is True)
        if isinstance(default, int):
            spin = QSpinBox(self)
            spin.setRange(preference.low, preference.high)
            spin.setGroupSeparatorShown(bool(preference.unit))  # A port is no quantity.
            spin.setSuffix(f" {self._translated(preference.unit)}" if preference.unit else "")
            spin.valueChanged.connect(self.on_edited)
            return spin, spin.value, lambda value: spin.setValue(int(value))
        if preference.choices:
            combo = QComboBox(self)
            for choice in preference.choices:
                combo.addItem(_capitalised(self._translated(choice)), choice)
            combo.currentIndexChanged.connect(self.on_edited)
            return combo, combo.currentData, lambda value: combo.setCurrentIndex(combo.findData(value))
        line = QLineEdit(self)
        line.setMaxLength(2_000)
        line.textChanged.connect(self.on_edited)
        return line, line.text, lambda value: line.setText(str(value))

    def _shown(self, preference: Preference) -> str:
        default = preference.default
        if isinstance(default, bool):
            return self.tr("on") if default else self.tr("off")
        if isinstance(default, int):
            unit = f" {self._translated(preference.unit)}" if preference.unit else ""
            return f"{wording.number(default)}{unit}"
        return self._translated(default) if preference.choices else default

    @staticmethod
    def _translated(text: str) -> str:
        """Return a text of the domain's table in the user's language."""
        return wording.translate("Preference", text)

    # Slots

    @Slot(str)
    def on_search_changed(self, text: str) -> None:
        words = text.casefold().split()
        shown_sections = set()
        for row in self.rows.values():
            known = row.preference
            texts = (known.label, known.help, known.section, known.key)
            everything = " ".join([*texts, *map(self._translated, texts)]).casefold()
            is_shown = all(word in everything for word in words)
            row.field.setVisible(is_shown)
            row.label.setVisible(is_shown and not isinstance(row.field.editor, QCheckBox))
            if is_shown:
                shown_sections.add(known.section)
        for section, title in self._titles.items():
            title.setVisible(section in shown_sections)
        self.size_panel.set_wanted(any(not self.rows[key].field.isHidden() for key in SIZE_KEYS))
        self._nothing.setVisible(not shown_sections)

    @Slot()
    def on_reset_asked(self) -> None:
        row = next(row for row in self.rows.values() if row.field is self.sender())
        row.write(row.preference.default)
        row.field.take_focus()

    @Slot()
    def on_reset_all(self) -> None:
        for row in self.rows.values():
            row.write(row.preference.default)

    @Slot()
    def on_edited(self, *_: object) -> None:
        # The first values are written while rows are still being made.
        if len(self.rows) == len(PREFERENCES):
            self.check()


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
