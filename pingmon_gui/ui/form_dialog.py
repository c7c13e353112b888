"""The ground of every dialog with fields: one label column, a sentence under a wrong field, a busy state.

A dialog is shown with `open()`, emits `submitted` with frozen data and stays open until the command
it asked for is through (`carry_out`). It knows neither store nor engine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.ui import sheet, wording
from pingmon_gui.ui.sentence_label import SentenceLabel
from pingmon_gui.ui.tab_order import follow_layout, tab_stops

_MARGIN = 14


class Field(QWidget):
    """An editor with what belongs to it: the quiet help or the error sentence below, a reset button beside."""

    reset_asked = Signal()

    def __init__(self, editor: QWidget, *, with_reset: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = editor
        self.note = SentenceLabel(self)
        self.help_text = ""
        self.reset_button: QToolButton | None = None
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(editor, 1)
        if with_reset:
            self.reset_button = QToolButton(self)
            self.reset_button.setText("↺")
            self.reset_button.setAutoRaise(True)
            self.reset_button.clicked.connect(self.reset_asked)
            # Where there is nothing to reset, the editor stays in line with the others.
            policy = self.reset_button.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            self.reset_button.setSizePolicy(policy)
            row.addWidget(self.reset_button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.note)
        self._speaker = editor

    def speaks_through(self, editor: QWidget) -> None:
        """Name the part of a composed editor that has the focus first and tells what the line under it says."""
        self._speaker = editor
        editor.setAccessibleDescription(self.note.sentence)

    def take_focus(self) -> None:
        """Put the focus where this field is typed into. (A focus proxy would be one more stop of Tab.)"""
        self._speaker.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_help(self, text: str) -> None:
        """Set the quiet line that stands under the field while nothing is wrong with it."""
        self.help_text = text
        if not self.note.is_error:
            self.note.say(text)
        self._speaker.setAccessibleDescription(self.note.sentence)

    def set_error(self, error: PingmonError | None) -> None:
        """Show the sentence and hint of an error in place of the help; None takes it away."""
        if error is None:
            self.note.say(self.help_text)
        else:
            self.note.say(wording.problem(error), is_error=True)
        self._speaker.setAccessibleDescription(self.note.sentence)

    @property
    def has_error(self) -> bool:
        return self.note.is_error


class FormDialog(QDialog):
    """A dialog with a body that scrolls, a place for a message, and OK/Cancel. Subclasses fill `body`."""

    submitted = Signal(object)

    def __init__(self, title: str, accept_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        # Narrower, its title would be cut off and an address hardly fit.
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 56)
        self.is_busy = False
        self._is_closed = False
        self.body = QVBoxLayout()
        self.message = SentenceLabel(self)
        self.buttons = QDialogButtonBox(self)
        self.accept_button = self.buttons.addButton(accept_text, QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setDefault(True)
        self.accept_button.setProperty("primary", True)
        self.cancel_button = self.buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.cancel_button.setAutoDefault(False)
        self.buttons.accepted.connect(self.submit)
        self.buttons.rejected.connect(self.reject)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        outer.addLayout(self.body, 1)
        outer.addWidget(self.message)
        outer.addSpacing(4)
        outer.addWidget(self.buttons)
        self._is_ordered = False
        self._dress()

    def read(self) -> Any:
        """Return what the form says. Raises InvalidInput, once that is said at its field, which has the focus."""
        raise NotImplementedError

    @Slot()
    def submit(self) -> None:
        """Read the form and emit `submitted`, unless something is wrong."""
        if self.is_busy:
            return
        self.message.say("")
        try:
            made = self.read()
        except InvalidInput:
            return  # said at its field
        self.submitted.emit(made)

    async def carry_out(self, command: Awaitable[object]) -> bool:
        """Wait for the command; close and return True, or show its known error and return False.

        Anything but a PingmonError goes on to the caller, with the dialog usable again.
        """
        self.set_busy(True)
        try:
            await command
        except PingmonError as exc:
            if not self._is_closed:
                self.show_problem(exc)
            return False
        finally:
            if not self._is_closed:
                self.set_busy(False)
        if not self._is_closed:
            self.accept()
        return True

    def set_busy(self, is_busy: bool) -> None:
        """While a command runs nothing can be submitted twice; the dialog can still be closed."""
        self.is_busy = is_busy
        self.accept_button.setEnabled(not is_busy)

    @contextmanager
    def greyed(self, button: QAbstractButton) -> Iterator[None]:
        """Grey a button while what it asked for is done; the focus, which Qt moves on to the next, comes back to it."""
        had_focus = self.focusWidget() is button
        button.setEnabled(False)
        try:
            yield
        finally:
            if not self._is_closed:
                button.setEnabled(True)
                if had_focus:
                    button.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_problem(self, error: PingmonError) -> None:
        self.message.say(wording.problem(error), is_error=True)

    def done(self, code: int) -> None:
        self._is_closed = True
        super().done(code)

    def showEvent(self, event: QShowEvent) -> None:
        if not self._is_ordered:
            self._is_ordered = True
            follow_layout(self)
            if self.focusWidget() is None:
                next(tab_stops(self)).setFocus(Qt.FocusReason.TabFocusReason)
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._dress()

    def event(self, event: QEvent) -> bool:
        is_handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._make_room()
        return is_handled

    def _make_room(self) -> None:
        """Grow for a sentence that takes more lines than there is room for: Qt leaves windows as high as they are."""
        layout = self.layout()
        assert layout is not None
        least = layout.totalMinimumHeightForWidth(self.width())
        if self.height() < least <= self.screen().availableSize().height():
            self.resize(self.width(), least)

    def _dress(self) -> None:
        """Give the buttons the look of those in the window."""
        self.buttons.setStyleSheet(sheet.controls())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.submit()
            return
        super().keyPressEvent(event)


def scrolling(content: QWidget, parent: QWidget | None = None) -> QScrollArea:
    """Return a frameless area that scrolls its content vertically only: forms stay usable at 200 % font."""
    area = QScrollArea(parent)
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
