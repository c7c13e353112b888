"""One run on one host as a person follows it: what goes on, its steps, its questions, its transcript, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFontDatabase,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QPen,
    QTextCursor,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import PingmonError, ProvisionError, UserCancelled
from pingmon_gui.provision.progress import StepProgress, StepState, TranscriptLine
from pingmon_gui.ui import resource, sheet, wording
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.provision_port import Outcome, Work
from pingmon_gui.ui.step_list import StepList
from pingmon_gui.ui.theme import current, scaled_font
from pingmon_gui.ui.window_prompter import WindowPrompter

MAX_LINES = 5_000
MOST_LINES_SHOWN = 20
#: Questions before a run explain themselves in a few lines, not in a column.
QUESTION_SHEET = "QLabel#qt_msgbox_informativelabel { min-width: 30em; }"
Spawn = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


class RunState(Enum):
    """How far a run is. The last four are its ends."""

    RUNNING = auto()
    STOPPING = auto()
    DONE = auto()
    FOUND = auto()  # what is wrong, when asked to look for it
    FAILED = auto()
    CANCELLED = auto()


class RunCard(QWidget):
    """Carries out one `Work` and shows it under a title that is fit to be shown.

    Signals:
        ended: the run is over; `state` says how.
        again_asked: the person wants a failed or cancelled run once more.
        asked: a question waits for an answer in here.
    """

    ended = Signal()
    again_asked = Signal()
    asked = Signal()

    def __init__(self, title: str, spawn: Spawn, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spawn = spawn
        self._task: asyncio.Task[Any] | None = None
        self.state = RunState.RUNNING
        self.sign = QLabel(self)
        self.title = PlainLabel(self)
        self.title.setText(title)
        self.title.setFont(scaled_font(1.08, weight=self.title.font().Weight.DemiBold))
        self.status = PlainLabel(self)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        # Busy, until steps are heard of.
        self.bar.setRange(0, 0)
        self.bar.setFixedHeight(6)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.steps = StepList(self)
        self.prompter = WindowPrompter(self, self.asked.emit)
        self.summary = PlainLabel(self)
        self.summary.hide()
        self.text = self._reader(self.tr("What came back"))
        self.transcript = self._reader(self.tr("Transcript"))
        self.steps_button = self._toggle(self.tr("&Steps"), self.on_steps_toggled)
        self.transcript_button = self._toggle(self.tr("T&ranscript"), self.on_transcript_toggled)
        self.copy_button = QToolButton(self)
        self.copy_button.setText(self.tr("Cop&y"))
        self.copy_button.setToolTip(self.tr("Copies what can be read here, transcript included"))
        self.copy_button.clicked.connect(self.on_copy)
        self.cancel_button = QPushButton(self.tr("Cance&l"), self)
        self.cancel_button.setToolTip(self.tr("Stops, and undoes what was done on the host"))
        self.again_button = QPushButton(self.tr("Try a&gain"), self)
        for button in (self.cancel_button, self.again_button):
            button.setAutoDefault(False)
        self.again_button.hide()
        self.prompter.focus_after = self.cancel_button
        self.cancel_button.clicked.connect(self.cancel)
        self.again_button.clicked.connect(self.again_asked)
        self._lay_out()
        self.steps_button.setChecked(True)
        self.refresh()

    @property
    def is_over(self) -> bool:
        return self.state not in (RunState.RUNNING, RunState.STOPPING)

    def start(self, work: Work) -> None:
        """Begin; returns at once."""
        self._say(self.tr("Beginning…"))
        self._task = self._spawn(self._run(work))

    @Slot()
    def cancel(self) -> None:
        """Stop the run; what it did is undone before it ends."""
        if self._task is None or self.state is not RunState.RUNNING:
            return
        self.state = RunState.STOPPING
        self.cancel_button.setEnabled(False)
        self._say(self.tr("Stopping, and undoing what was done…"))
        self._task.cancel()

    def hear(self, event: StepProgress | TranscriptLine) -> None:
        """Take in what a run tells; called on the loop's thread."""
        if isinstance(event, TranscriptLine):
            self.transcript.appendPlainText(wording.plain(event.text))
            self.transcript_button.show()
            return
        self.steps.show_progress(event)
        self.steps_button.show()
        self.steps.setVisible(self.steps_button.isChecked())
        self.bar.setRange(0, len(self.steps.rows))
        self.bar.setValue(self.steps.over)
        running = self.steps.running
        if running is None or self.state is not RunState.RUNNING:
            return
        title = wording.plain(wording.translate("Sentence", running.title), 200)
        count, place = len(self.steps.rows), self.steps.over + 1
        if place < count:
            text = (
                self.tr("Step %1 of %2: %3").replace("%1", wording.number(place)).replace("%2", wording.number(count))
            )
            title = text.replace("%3", title)
        self._say(title)

    # How it goes

    async def _run(self, work: Work) -> None:
        try:
            outcome = await work(self.prompter, self.hear)
        except UserCancelled:
            self._end(RunState.CANCELLED, self.tr("Stopped. What had been done was undone."))
        except asyncio.CancelledError:
            self._end(RunState.CANCELLED, self.tr("Cancelled. What had been done was undone."))
            raise
        except PingmonError as exc:
            self._fail(exc)
        except OSError as exc:
            # The keyring, or a disk of this computer.
            self._fail(PingmonError(f"This computer could not keep what is needed: {exc.strerror or exc}."))
        except BaseException:
            self._end(RunState.FAILED, self.tr("Something happened that Pingmon did not expect; it is in the log."))
            raise
        else:
            self._succeed(outcome)

    def _succeed(self, outcome: Outcome) -> None:
        sentences = [wording.plain(wording.translate("Sentence", text)) for text in outcome.sentences]
        self.summary.setText("\n".join(sentences))
        self.summary.setVisible(bool(sentences))
        if outcome.text:
            lines = outcome.text.splitlines()[-MAX_LINES:]
            self.text.setPlainText("\n".join(wording.plain(line) for line in lines))
            self.text.setFixedHeight(self.text.fontMetrics().lineSpacing() * (min(len(lines), MOST_LINES_SHOWN) + 2))
            self.text.show()
            # What was written last is what is looked for.
            self.text.moveCursor(QTextCursor.MoveOperation.End)
            self.text.moveCursor(QTextCursor.MoveOperation.StartOfLine)
        if outcome.is_all_well:
            self._end(RunState.DONE, self.tr("Done."))
        else:
            count = len(sentences)
            self._end(RunState.FOUND, wording.counted(self.tr("%n thing(s) to look at:", "", count), count))
        self.steps_button.setChecked(False)

    def _fail(self, error: PingmonError) -> None:
        if isinstance(error, ProvisionError) and not self.transcript.toPlainText():
            self.transcript.setPlainText("\n".join(wording.plain(line) for line in error.transcript))
            self.transcript_button.setVisible(bool(error.transcript))
        self._end(RunState.FAILED, wording.plain(wording.translate("Sentence", error.message)))
        if error.hint:
            self.summary.setText(wording.plain(wording.translate("Sentence", error.hint)))
            self.summary.show()

    def _end(self, state: RunState, sentence: str) -> None:
        self.state = state
        self._task = None
        self.cancel_button.hide()
        self.again_button.setVisible(state is not RunState.DONE)
        self.bar.hide()
        self._say(sentence)
        self.refresh()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        self.ended.emit()

    def _say(self, sentence: str) -> None:
        self.status.setText(sentence)
        self.setAccessibleName(f"{self.title.text()}: {sentence}")

    # What it looks like

    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self.setStyleSheet(sheet.controls())
        name, colour = {
            RunState.RUNNING: ("running", theme.accent),
            RunState.STOPPING: ("undo", theme.muted),
            RunState.DONE: ("check", theme.online),
            RunState.FOUND: ("warning", theme.slow),
            RunState.FAILED: ("warning", theme.offline),
            RunState.CANCELLED: ("undo", theme.muted),
        }[self.state]
        self.sign.setPixmap(resource.line_icon(name, colour).pixmap(16, 16))
        self.status.setStyleSheet(f"color: {theme.offline if self.state is RunState.FAILED else theme.muted}")
        self.update()

    @Slot(bool)
    def on_steps_toggled(self, is_open: bool) -> None:
        self._turn(self.steps_button, is_open)
        self.steps.setVisible(is_open and bool(self.steps.rows))

    @Slot(bool)
    def on_transcript_toggled(self, is_open: bool) -> None:
        self._turn(self.transcript_button, is_open)
        self.transcript.setVisible(is_open)
        self.copy_button.setVisible(is_open or self.state is RunState.FAILED)

    @Slot()
    def on_copy(self) -> None:
        steps = [
            f"{row.title.text()} [{row.state.text()}]"
            for row in self.steps.rows.values()
            if row.progress.state is not StepState.PENDING
        ]
        parts = [self.title.text(), self.status.text(), self.summary.text(), *steps, self.transcript.toPlainText()]
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self.refresh()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(QColor(theme.raised))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 8, 8)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.status)
        head.addLayout(words, 1)
        for button in (self.again_button, self.cancel_button):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        foot = QHBoxLayout()
        for tool in (self.steps_button, self.transcript_button, self.copy_button):
            foot.addWidget(tool)
        foot.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 10)
        column.setSpacing(8)
        column.addLayout(head)
        for part in (self.bar, self.prompter, self.summary, self.text, self.steps):
            column.addWidget(part)
        column.addLayout(foot)
        column.addWidget(self.transcript)
        for tool in (self.steps_button, self.transcript_button, self.copy_button):
            tool.hide()

    def _toggle(self, text: str, act: Callable[[bool], None]) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setProperty("flat", True)
        button.setCheckable(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setArrowType(Qt.ArrowType.RightArrow)
        button.toggled.connect(act)
        return button

    @staticmethod
    def _turn(button: QToolButton, is_open: bool) -> None:
        button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)

    def _reader(self, name: str) -> QPlainTextEdit:
        reader = QPlainTextEdit(self)
        reader.setReadOnly(True)
        reader.setTabChangesFocus(True)
        reader.setMaximumBlockCount(MAX_LINES)
        reader.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        reader.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        reader.setAccessibleName(name)
        reader.setFixedHeight(reader.fontMetrics().lineSpacing() * 11)
        reader.hide()
        return reader
