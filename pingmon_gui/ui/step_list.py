"""The steps of a run on one host, each with a sign, its title, and in words how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from pingmon_gui.provision.progress import StepProgress, StepState
from pingmon_gui.ui import resource, wording
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.theme import Theme, current

#: States after which nothing more is expected of a step.
_OVER = (StepState.DONE, StepState.UNCHANGED, StepState.PLANNED, StepState.FAILED, StepState.UNDONE)


def state_word(state: StepState) -> str:
    """Return the state of a step in words."""
    translate = wording.translate
    match state:
        case StepState.PENDING:
            return translate("Step", "waiting")
        case StepState.RUNNING:
            return translate("Step", "running")
        case StepState.DONE:
            return translate("Step", "done")
        case StepState.UNCHANGED:
            return translate("Step", "nothing to do")
        case StepState.PLANNED:
            return translate("Step", "would be done")
        case StepState.FAILED:
            return translate("Step", "failed")
        case StepState.UNDONE:
            return translate("Step", "undone")


def _sign(state: StepState, theme: Theme) -> tuple[str, str]:
    """Return icon and colour."""
    match state:
        case StepState.PENDING | StepState.PLANNED:
            return "circle", theme.muted
        case StepState.RUNNING:
            return "running", theme.accent
        case StepState.DONE:
            return "check", theme.online
        case StepState.UNCHANGED:
            return "check", theme.muted
        case StepState.FAILED:
            return "close", theme.offline
        case StepState.UNDONE:
            return "undo", theme.muted


@dataclass
class StepRow:
    """A step as it is shown."""

    progress: StepProgress
    sign: QLabel
    title: QLabel
    state: QLabel


class StepList(QWidget):
    """Grows by a row with every step that is heard of; rows stay in the order in which they came."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, StepRow] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self.setAccessibleName(self.tr("Steps"))

    @property
    def over(self) -> int:
        """How many steps are over."""
        return sum(row.progress.state in _OVER for row in self.rows.values())

    @property
    def running(self) -> StepProgress | None:
        """The step that runs just now."""
        return next((row.progress for row in self.rows.values() if row.progress.state is StepState.RUNNING), None)

    def show_progress(self, progress: StepProgress) -> None:
        """Show the new state of a step."""
        row = self.rows.get(progress.step)
        if row is None:
            row = self.rows[progress.step] = self._row(progress)
        row.progress = progress
        self._fill(row)

    def _row(self, progress: StepProgress) -> StepRow:
        sign, title, state = QLabel(self), PlainLabel(self), PlainLabel(self, can_wrap=False)
        for label in (title, state):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        place = len(self.rows)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(sign, place, 0, top)
        self._grid.addWidget(title, place, 1)
        self._grid.addWidget(state, place, 2, top | Qt.AlignmentFlag.AlignRight)
        return StepRow(progress, sign, title, state)

    def _fill(self, row: StepRow) -> None:
        theme, progress = current(), row.progress
        name, colour = _sign(progress.state, theme)
        row.sign.setPixmap(resource.line_icon(name, colour).pixmap(16, 16))
        title = wording.plain(wording.translate("Sentence", progress.title), 200)
        detail = wording.plain(wording.translate("Sentence", progress.detail), 400) if progress.detail else ""
        row.title.setText(f"{title}\n{detail}" if detail else title)
        word = state_word(progress.state)
        row.state.setText(word)
        row.title.setAccessibleName(f"{title}: {word}" + (f". {detail}" if detail else ""))
        is_quiet = progress.state in (StepState.PENDING, StepState.UNCHANGED, StepState.UNDONE, StepState.PLANNED)
        row.title.setStyleSheet(f"color: {theme.muted if is_quiet else theme.text}")
        row.state.setStyleSheet(f"color: {theme.muted if is_quiet else colour}")

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            for row in self.rows.values():
                self._fill(row)
        super().changeEvent(event)
