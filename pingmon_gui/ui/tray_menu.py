"""The tray icon's menu: what is wrong in a few lines, and what can be done without the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import alert_bell, cell_text, tray_sign, wording
from pingmon_gui.ui.map_scene import problem_rows
from pingmon_gui.ui.problem_list import problem_lines

translate = QCoreApplication.translate

#: More domains than this are counted.
LINES = 6
_WIDEST = 80
_LOST = (ProbeState.UNREACHED, ProbeState.REFUSED, ProbeState.STOPPED)


@dataclass(frozen=True)
class Line:
    """A sentence with its sign. `monitor` is the domain it is about, None where it is about more than one."""

    sign: Verdict
    text: str
    monitor: MonitorId | None = None


def status_lines(board: Board) -> list[Line]:
    """Return what is wrong, the worst first, and what cannot be told because probes are lost; never empty."""
    rows = problem_rows(board)
    lines = [
        Line(Verdict(int(board.verdict[row])), cell_text.verdict_sentence(board, row), board.ids[row])
        for row in rows[:LINES]
    ]
    if len(rows) > LINES:
        more = len(rows) - LINES
        text = wording.counted(translate("TrayMenu", "%n more domain(s) with a problem", "", more), more)
        lines.append(Line(Verdict(int(board.verdict[rows[LINES]])), text))
    if not rows:
        ((sign, text, _is_shown),) = problem_lines(board, None)[0]
        lines.append(Line(sign, text))
    lost = [health for health in board.probes.values() if health.state in _LOST]
    return [*lines, Line(Verdict.UNKNOWN, _lost_sentence(lost))] if lost else lines


def _lost_sentence(lost: list[ProbeHealth]) -> str:
    if len(lost) > 1:
        return wording.counted(translate("TrayMenu", "%n probe(s) not reached", "", len(lost)), len(lost))
    text = translate("TrayMenu", "Probe %1: %2").replace("%2", wording.probe_state(lost[0]))
    return text.replace("%1", wording.plain(lost[0].probe.name, 40))


class TrayMenu(QMenu):
    """`domain_asked` carries one that is to be shown; `pause_asked` until when, in Unix ms, 0 to end a pause."""

    show_asked = Signal()
    domain_asked = Signal(object)
    check_asked = Signal()
    pause_asked = Signal(object)
    quit_asked = Signal()

    def __init__(self, board: Board, paused_until_ms: Callable[[], int], now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._board = board
        self._paused_until_ms = paused_until_ms
        self._now_ms = now_ms
        # Made once and changed: a panel that draws the menu itself keeps what it was once told.
        self._lines = [self.addAction("") for _ in range(LINES + 2)]
        self.addSeparator()
        self._check = self.addAction(self.tr("&Check all now"))
        self._pause = self.addMenu(self.tr("&Pause all alerts"))
        for text, until in alert_bell.pauses():
            self._pause.addAction(text).triggered.connect(
                lambda _=False, until=until: self.pause_asked.emit(until(self._now_ms()))
            )
        self._resume = self.addAction("")
        self.addSeparator()
        self._show = self.addAction(self.tr("&Show Pingmon"))
        self._quit = self.addAction(self.tr("&Quit"))
        for action, signal in (
            (self._check, self.check_asked),
            (self._show, self.show_asked),
            (self._quit, self.quit_asked),
        ):
            action.triggered.connect(signal)
        self._resume.triggered.connect(lambda: self.pause_asked.emit(0))
        for action in self._lines:
            action.triggered.connect(self.on_line)
        self.aboutToShow.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Take over how everything stands. Costs a look at all domains."""
        lines = status_lines(self._board)
        for place, action in enumerate(self._lines):
            if place < len(lines):
                _put(action, lines[place])
            action.setVisible(place < len(lines))
        self._check.setEnabled(bool((~self._board.paused).any()))
        until_ms = self._paused_until_ms()
        is_paused = until_ms > self._now_ms()
        self._pause.menuAction().setVisible(not is_paused)
        self._resume.setVisible(is_paused)
        if is_paused:
            self._resume.setText(alert_bell.resume_text(until_ms))

    @Slot()
    def on_line(self) -> None:
        action = self.sender()
        monitor = action.data() if isinstance(action, QAction) else None
        if monitor is None:
            self.show_asked.emit()
        else:
            self.domain_asked.emit(monitor)


def _put(action: QAction, line: Line) -> None:
    text = line.text if len(line.text) <= _WIDEST else f"{line.text[: _WIDEST - 1]}…"
    text = text.replace("&", "&&")
    if action.text() != text or action.data() != line.monitor:
        action.setText(text)
        action.setIcon(tray_sign.icon(line.sign))
        action.setData(line.monitor)
