"""Adding domains: one field for one address or a pasted list, with everything else optional."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QKeyEvent, QTextCursor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QTableView,
    QToolButton,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.kind_target import WEBSITE, like_of
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings, fitted
from pingmon_gui.domain.preference import Preferences, new_monitor_settings
from pingmon_gui.domain.target import Target, display_url, kind_of_text, parse_target
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field, FormDialog, scrolling
from pingmon_gui.ui.kind_fields import KindFields
from pingmon_gui.ui.monitor_form import MonitorForm
from pingmon_gui.ui.pasted_model import Column, PastedModel
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.plain_table import DENSE, make_plain

_MOST_LINES_SHOWN = 7


class AddressEdit(QPlainTextEdit):
    """A field that looks like a line until several lines are in it, then grows.

    Enter submits while there is one line and makes a new one in a list; Shift+Enter makes a new
    line always, Ctrl+Enter submits always. Tab goes on to the next field.
    """

    enter_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        # The style marks the focus of one-line fields only.
        self.setStyleSheet(
            "QPlainTextEdit { border: 1px solid palette(mid); border-radius: 2px; }"
            "QPlainTextEdit:focus { border-color: palette(highlight); }"
        )
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.textChanged.connect(self._on_text_changed)

    @property
    def is_list(self) -> bool:
        return self.blockCount() > 1

    def sizeHint(self) -> QSize:
        lines = min(_MOST_LINES_SHOWN, max(1, self.blockCount()))
        line_height = QFontMetrics(self.font()).lineSpacing()
        margins = 2 * (self.frameWidth() + int(self.document().documentMargin()))
        return QSize(QFontMetrics(self.font()).averageCharWidth() * 72, lines * line_height + margins + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if modifiers == Qt.KeyboardModifier.ControlModifier or (
                not self.is_list and modifiers == Qt.KeyboardModifier.NoModifier
            ):
                self.enter_pressed.emit()
                return
            self.insertPlainText("\n")
            self.ensureCursorVisible()
            return
        super().keyPressEvent(event)

    def go_to_line(self, number: int) -> None:
        """Select line `number` (from 1) and take the focus."""
        cursor = QTextCursor(self.document().findBlockByNumber(number - 1))
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)
        self.centerCursor()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _on_text_changed(self) -> None:
        is_long = self.blockCount() > _MOST_LINES_SHOWN
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if is_long else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        self.updateGeometry()


class AddDialog(FormDialog):
    """Emits `submitted` with a tuple of `MonitorDraft`, at least one.

    `existing_urls` are the normalised addresses that are watched already.
    """

    def __init__(
        self,
        existing_urls: Collection[str],
        preferences: Preferences,
        known_tags: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Add domains"))
        self._existing = frozenset(existing_urls)
        self._tried = False
        self._target: Target | None = None

        self.kinds = KindFields(self)
        self.address = AddressEdit(self)
        self.address.setAccessibleName(self.tr("Address, or a list of addresses"))
        self.address_field = Field(self.address)
        label = caption(self.tr("&Address"), self.address)
        self._hint = ""

        self.pasted = PastedModel(self._existing, self)
        self.preview = self._preview_table()
        self.summary = QLabel(self)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.summary.setWordWrap(True)
        self.summary.hide()

        self.form = MonitorForm(new_monitor_settings(preferences), known_tags)
        self.form.rows["name"].field.reset_button.hide()  # type: ignore[union-attr]
        self.form.rows["tags"].field.reset_button.hide()  # type: ignore[union-attr]
        self.options_button = QToolButton(self)
        self.options_button.setText(self.tr("&Options"))
        self.options_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.options_button.setAutoRaise(True)
        self.options_button.setCheckable(True)
        self.options_button.setToolTip(self.tr("Name, tags, interval, limits and what counts as online"))
        self.options_button.toggled.connect(self._on_options_toggled)
        self.options = scrolling(self.form, self)

        parts = (label, self.address_field, self.kinds, self.summary, self.preview, self.options_button, self.options)
        for widget in parts:
            stretch = 1 if widget in (self.preview, self.options) else 0
            self.body.addWidget(widget, stretch)
        self._filler = QWidget(self)
        self._filler.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.body.addWidget(self._filler)

        self.address.textChanged.connect(self._on_address_changed)
        self.address.enter_pressed.connect(self.submit)
        self.pasted.finished.connect(self._on_list_read)
        self.pasted.rowsInserted.connect(self._on_list_read)
        self.preview.activated.connect(self._on_line_activated)
        self.form.edited.connect(self._on_form_edited)
        self.kinds.edited.connect(self._on_kind_edited)
        self._show_kind()
        self._on_options_toggled(False)
        self._on_address_changed()
        self.address.setFocus()

    def set_text(self, text: str) -> None:
        """Fill the address field as if it had been pasted."""
        self.address.setPlainText(text)
        self.address.moveCursor(QTextCursor.MoveOperation.End)

    @Slot()
    def submit(self) -> None:
        if self.is_busy:
            return
        self._tried = True
        self.message.say("")
        drafts = self._drafts_of_list() if self.address.is_list else self._draft_of_line()
        if drafts:
            self.submitted.emit(tuple(drafts))

    # ---- one address

    def _draft_of_line(self) -> list[MonitorDraft]:
        self._read_line()
        if self.address_field.has_error or self._target is None:
            wrong = self.kinds.first_wrong() or self.address_field
            wrong.take_focus()
            return []
        values = self._option_values()
        if values is None:
            return []
        name, tags = values.pop("name"), values.pop("tags")
        if self._target.basic_auth is not None:
            values["basic_auth"] = self._target.basic_auth
        return [MonitorDraft(self._target.url, name, MonitorSettings(**values), tags)]

    def _read_line(self) -> None:
        text = self.address.toPlainText()
        self._target = None
        self._follow_scheme(text)
        if not text.strip() and not self._tried:
            self.address_field.set_error(None)
            self.address_field.set_help(self._hint)
            return
        try:
            target = parse_target(text, self.kinds.like())
            if target.url in self._existing:
                shown = wording.isolated(display_url(target.url))
                raise InvalidInput(self.tr("%1 is watched already.").replace("%1", shown))
        except InvalidInput as exc:
            # What is wrong with another field is said there.
            self.address_field.set_error(exc if self.kinds.first_wrong() is None else None)
            return
        self._target = target
        if kind_of_text(text) is not None:
            self._show_like(target.url)
        self.address_field.set_error(None)
        shown = self.tr("Will watch %1").replace("%1", wording.isolated(target.url))
        if target.basic_auth is not None:
            shown = f"{shown}. {self.tr('User name and password are kept out of the address.')}"
        self.address_field.set_help(shown)

    def _follow_scheme(self, text: str) -> None:
        """Let an address that begins with a scheme say the kind; the fields that it speaks for are greyed."""
        kind = kind_of_text(text)
        self.kinds.set_spoken_for(kind is not None)
        if kind is not None and kind != self.kinds.chosen:
            self.kinds.set_like(replace(WEBSITE, kind=kind))
            self._show_kind()

    def _show_like(self, url: str) -> None:
        like = like_of(url)
        if like != self.kinds.like():
            self.kinds.set_like(like)
            self._show_kind()

    def _show_kind(self) -> None:
        """Show the words and the options of the kind that is chosen."""
        like = self.kinds.like()
        example, self._hint = {
            "http": ("example.com", self.tr("With or without https://.")),
            "tcp": ("example.com:22", self.tr("Host and port.")),
            "tls": ("example.com", self.tr("The host, and its port if it is another than usual.")),
            "dns": ("example.com", self.tr("The name that is asked for.")),
            "icmp": ("example.com", self.tr("The host, by name or by number.")),
        }[like.kind]
        self._hint = f"{self._hint} {self.tr('Paste a list to add several, one a line, a name may follow.')}"
        self.address.setPlaceholderText(example)
        self.form.set_kinds({like.kind}, has_tls=like.kind != "tcp" or like.is_tls, record_type=like.record_type)
        self.kinds.align_labels(self.form.label_width())

    @Slot()
    def _on_kind_edited(self) -> None:
        self._show_kind()
        self._on_address_changed()

    # ---- a list

    def _drafts_of_list(self) -> list[MonitorDraft]:
        if self.pasted.is_reading:
            return []
        good = self.pasted.good
        if not good:
            self.address.setFocus(Qt.FocusReason.OtherFocusReason)
            return []
        values = self._option_values()
        if values is None:
            return []
        del values["name"]
        tags = values.pop("tags")
        settings = MonitorSettings(**values)
        drafts = []
        for line in good:
            assert line.target is not None
            auth = line.target.basic_auth
            own = fitted(replace(settings, basic_auth=auth) if auth else settings, line.target.url)
            drafts.append(MonitorDraft(line.target.url, line.name, own, tags))
        return drafts

    @Slot()
    def _on_list_read(self) -> None:
        if not self.address.is_list:
            return
        if self.pasted.problem is not None:
            self.address_field.set_error(self.pasted.problem)
            self.summary.hide()
        else:
            self.address_field.set_error(None)
            self.summary.setText(self._summary())
            self.summary.setVisible(True)
            self._show_first_wrong()
        self._name_button()

    def _show_first_wrong(self) -> None:
        """Bring what asks for attention into sight: in a long list it may be far below."""
        if not self.pasted.is_reading:
            place = next((row for row, line in enumerate(self.pasted.lines) if line.error is not None), None)
            if place is not None:
                self.preview.scrollTo(self.pasted.index(place, 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _summary(self) -> str:
        good, wrong, doubles = len(self.pasted.good), len(self.pasted.wrong), len(self.pasted.duplicates)
        parts = [self.tr("%1 can be added").replace("%1", wording.monitors_counted(good))]
        if wrong:
            parts.append(self.tr("%1 cannot be read").replace("%1", wording.lines_counted(wrong)))
        if doubles:
            parts.append(self.tr("%1 left out as duplicates").replace("%1", wording.lines_counted(doubles)))
        return "; ".join(parts) + "."

    def _preview_table(self) -> QTableView:
        table = QTableView(self)
        table.setModel(self.pasted)
        make_plain(table, self.tr("Preview of the list"), DENSE)
        table.setAccessibleDescription(self.tr("Enter on a row goes to its line in the list."))
        table.setAlternatingRowColors(True)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = table.horizontalHeader()
        unit = QFontMetrics(table.font()).averageCharWidth()
        for column, characters in ((Column.LINE, 11), (Column.ADDRESS, 36), (Column.NAME, 18)):
            table.setColumnWidth(column, unit * characters)
        header.setStretchLastSection(True)
        table.setMinimumHeight(table.verticalHeader().defaultSectionSize() * 5)
        table.hide()
        return table

    @Slot(QModelIndex)
    def _on_line_activated(self, index: QModelIndex) -> None:
        self.address.go_to_line(self.pasted.lines[index.row()].number)

    # ---- both

    def _option_values(self) -> dict[str, Any] | None:
        values = self.form.check()
        if (wrong := self.kinds.first_wrong()) is not None:
            wrong.take_focus()
            return None
        wrong = self.form.first_wrong()
        if wrong is not None:
            self.options_button.setChecked(True)
            wrong.take_focus()
        return values

    @Slot()
    def _on_address_changed(self) -> None:
        is_list = self.address.is_list
        self.message.say("")
        self.preview.setVisible(is_list)
        self.summary.setVisible(is_list)
        self.form.set_name_visible(not is_list)
        if is_list:
            self.address_field.set_help(self.tr("Press Ctrl+Enter to add. Lines that start with # are passed over."))
            self.kinds.set_spoken_for(False)
            self.pasted.read(self.address.toPlainText(), self.kinds.like())
        else:
            self.pasted.read("")
            self._read_line()
            self._name_button()
        self._filler.setVisible(not is_list and not self.options.isVisible())
        if is_list:
            self._widen()

    def _widen(self) -> None:
        wanted = self.sizeHint().expandedTo(QSize(self.fontMetrics().averageCharWidth() * 132, 0))
        available = self.screen().availableSize() * 0.9
        self.resize(self.size().expandedTo(wanted.boundedTo(available)))

    @Slot()
    def _on_form_edited(self) -> None:
        self.message.say("")

    @Slot(bool)
    def _on_options_toggled(self, is_open: bool) -> None:
        self.options_button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.options.setVisible(is_open)
        self._filler.setVisible(not is_open and not self.address.is_list)
        if is_open:
            wanted = self.sizeHint() + QSize(0, self.form.sizeHint().height() - self.options.sizeHint().height())
            self.resize(self.size().expandedTo(wanted.boundedTo(self.screen().availableSize() * 0.9)))

    def _name_button(self) -> None:
        if not self.address.is_list:
            self.accept_button.setText(self.tr("A&dd"))
            self.accept_button.setEnabled(not self.is_busy)
            return
        if self.pasted.is_reading:
            text = self.tr("Reading…")
        else:
            text = self.tr("A&dd %1").replace("%1", wording.monitors_counted(len(self.pasted.good)))
            if wrong := len(self.pasted.wrong):
                errors = self.tr("(%n line(s) [has an error|have errors])", None, wrong)
                text = f"{text} {wording.counted(errors, wrong)}"
        self.accept_button.setText(text)
        self.accept_button.setEnabled(not self.pasted.is_reading and bool(self.pasted.good) and not self.is_busy)
