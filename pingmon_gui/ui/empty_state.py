"""What stands in the table's place while it has nothing to show: a sentence, and the way on."""

from __future__ import annotations

from pingmon_probe.protocol import MAX_URL_CHARACTERS
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFont, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.target import MAX_PASTED_LINES
from pingmon_gui.ui import resource, wording
from pingmon_gui.ui.sentence_label import SentenceLabel
from pingmon_gui.ui.theme import scaled_font

_MOST_CHARACTERS = MAX_PASTED_LINES * MAX_URL_CHARACTERS


class EmptyState(QWidget):
    """A title, a sentence, and (subclasses) what to do about it, in the middle of the room there is."""

    def __init__(self, title: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = QLabel(self)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title = QLabel(title, self)
        self.title.setFont(scaled_font(1.45, weight=QFont.Weight.DemiBold))
        self.sentence = QLabel(sentence, self)
        self.sentence.setProperty("quiet", True)
        for label in (self.title, self.sentence):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
        self.action_row = QHBoxLayout()
        self.action_row.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(40, 24, 40, 40)
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(self.picture)
        column.addSpacing(6)
        column.addWidget(self.title)
        column.addWidget(self.sentence)
        column.addSpacing(10)
        column.addLayout(_centred(self.action_row))
        self.below = QVBoxLayout()
        column.addLayout(self.below)
        self.further_row = QHBoxLayout()
        column.addLayout(_centred(self.further_row))
        column.addStretch(3)


class FirstDomain(EmptyState):
    """The invitation of a fresh start, with a field right there. `asked` carries what was typed, as it is."""

    asked = Signal(str)
    import_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.title.setText(self.tr("Add your first domain"))
        self.sentence.setText(
            self.tr("It is checked from this computer at once, then every 10 seconds. Several addresses can be pasted.")
        )
        picture: QPixmap = resource.app_icon().pixmap(72, 72)
        self.picture.setPixmap(picture)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(self.tr("example.com or https://example.com/health"))
        self.field.setAccessibleName(self.tr("Address of your first domain"))
        self.field.setMinimumWidth(320)
        self.field.setMinimumHeight(34)
        self.button = QPushButton(self.tr("Watch it"), self)
        self.button.setProperty("primary", True)
        self.button.setMinimumHeight(34)
        self.action_row.addWidget(self.field)
        self.action_row.addWidget(self.button)
        self.note = SentenceLabel(self)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.below.addWidget(self.note)
        # A pasted list must not be cut off.
        self.field.setMaxLength(_MOST_CHARACTERS)
        self.field.textEdited.connect(self.on_edited)
        self.import_button = QPushButton(self.tr("Import from Uptime Kuma and others…"), self)
        self.import_button.setProperty("pill", True)
        self.import_button.setAutoDefault(False)
        self.further_row.addWidget(self.import_button)
        # What is dropped here goes to the window, which tells files from addresses.
        self.field.setAcceptDrops(False)
        self.field.returnPressed.connect(self.on_asked)
        self.button.clicked.connect(self.on_asked)
        self.import_button.clicked.connect(self.import_asked)
        self.setFocusProxy(self.field)

    def show_problem(self, error: PingmonError) -> None:
        """Say what is wrong with what was typed; the field keeps it."""
        self.note.say(wording.problem(error), is_error=True)
        self.field.setAccessibleDescription(self.note.sentence)
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def clear(self) -> None:
        """Begin anew, for the next time that the list is empty."""
        self.field.clear()
        self.on_edited()

    @Slot()
    def on_edited(self) -> None:
        """Take back what was said; a list that was pasted has its own dialog, at once."""
        self.note.say("")
        self.field.setAccessibleDescription("")
        if "\n" in (text := self.field.text()):
            self.field.clear()
            self.asked.emit(text)

    @Slot()
    def on_asked(self) -> None:
        self.asked.emit(self.field.text())


class NoMatch(EmptyState):
    """Nothing fits search and filter; `reset_asked` shows everything again."""

    reset_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.button = QPushButton(self.tr("Show all domains"), self)
        self.button.setMinimumHeight(32)
        self.action_row.addWidget(self.button)
        self.button.clicked.connect(self.reset_asked)
        self.explain(is_problems=False)

    def explain(self, *, is_problems: bool) -> None:
        """Say why there is nothing; no problems is good news."""
        if is_problems:
            self.title.setText(self.tr("No problems"))
            self.sentence.setText(self.tr("No domain is offline, slow or out of reach of a region just now."))
        else:
            self.title.setText(self.tr("Nothing found"))
            self.sentence.setText(self.tr("No domain matches the search and the filter."))


def _centred(row: QHBoxLayout) -> QHBoxLayout:
    outer = QHBoxLayout()
    outer.addStretch(1)
    outer.addLayout(row)
    outer.addStretch(1)
    return outer
