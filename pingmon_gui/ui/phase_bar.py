"""The phases of one check as a bar: how its time was spent, each phase named and exact on hover."""

from __future__ import annotations

from pingmon_probe.protocol import PHASES, CheckResult, kind_of
from PySide6.QtCore import QCoreApplication, QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from pingmon_gui.ui import wording
from pingmon_gui.ui.theme import current

#: Colours of the phases, told apart by people who do not see some colours as well (after Okabe and Ito).
_LIGHT = ("#7a5cc7", "#2f7fd0", "#0f9a8a", "#d98a1f", "#9aa3ad")
_DARK = ("#a68df0", "#6eb1f5", "#3fc9b6", "#f0b357", "#7c8794")
_HEIGHT = 12


def phase_colours() -> tuple[str, ...]:
    """Return a colour per phase, in the order of `protocol.PHASES`."""
    return _DARK if current().is_dark else _LIGHT


def phase_spans(result: CheckResult) -> list[tuple[str, float]]:
    """Return (phase, ms) of the phases that happened, in order."""
    spans = [(phase, getattr(result, phase)) for phase in PHASES]
    return [(phase, ms) for phase, ms in spans if ms is not None]


class PhaseBar(QWidget):
    """One bar; `show_result` fills it. Empty where nothing was measured."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spans: list[tuple[str, float]] = []
        self._kind = "http"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_result(self, result: CheckResult | None) -> None:
        self._spans = phase_spans(result) if result is not None else []
        self._kind = "http" if result is None else kind_of(result.url)
        words = [f"{wording.phase_name(phase, self._kind)} {wording.exact_latency(ms)}" for phase, ms in self._spans]
        self.setAccessibleName(QCoreApplication.translate("PhaseBar", "Phases of the last check"))
        self.setAccessibleDescription(", ".join(words))
        self.setVisible(bool(self._spans))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT)

    def segments(self) -> list[tuple[str, float, QRectF]]:
        """Return (phase, ms, where it is painted); a phase too short to be seen still has two pixels."""
        whole = sum(ms for _, ms in self._spans)
        least = 2.0
        room = self.width() - least * len(self._spans)
        placed, left = [], 0.0
        for phase, ms in self._spans:
            width = least + (room * ms / whole if whole > 0 else room / len(self._spans))
            placed.append((phase, ms, QRectF(left, 0, width, self.height())))
            left += width
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            placed = [(p, ms, r.translated(self.width() - r.right() - r.left(), 0)) for p, ms, r in placed]
        return placed

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 3, 3)
        painter.setClipPath(outline)
        colours = dict(zip(PHASES, phase_colours(), strict=True))
        for phase, _, place in self.segments():
            painter.fillRect(place, QColor(colours[phase]))
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for phase, ms, place in self.segments():
                if place.contains(event.pos().toPointF()):
                    text = f"{wording.phase_name(phase, self._kind)}: {wording.exact_latency(ms)}"
                    QToolTip.showText(event.globalPos(), wording.tool_tip(text), self)
                    return True
        return super().event(event)
