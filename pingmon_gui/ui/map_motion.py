"""What moves on the map: a ring where a result came, and a dot that runs to the domain and back.

The dot is on its way the longer the slower the answer was. A timer runs only while something moves, and only what
moves is painted again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter

from pingmon_gui.domain.result import ProbeId
from pingmon_gui.ui import map_paint

STEP_MS = 50
RING_S = 0.8
#: From a probe to the domain and back: so long at least, and so much longer for each second of latency.
RUN_S, RUN_S_PER_S = 0.7, 2.0
LONGEST_RUN_S = 4.0
#: No probe's ring begins more often: with many domains results come all the time.
REST_S = 2.5
_RING_REACH, _DOT_REACH = 36.0, 9.0


@dataclass
class _Movement:
    """A ring around `centre`, or with an `arc` a dot along it and back; `part` of its time is over."""

    begun_s: float
    lasts_s: float
    centre: QPointF
    colour: str
    arc: tuple[QPointF, QPointF, QPointF] | None = None
    part: float = 0.0

    def box(self, zoom: float) -> QRectF:
        """Return the rectangle it is painted into."""
        reach = (_RING_REACH if self.arc is None else _DOT_REACH) * zoom
        point = self.point
        return QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)

    @property
    def point(self) -> QPointF:
        return self.centre if self.arc is None else map_paint.along(self.arc, 1 - abs(1 - 2 * self.part))


class MapMotion(QObject):
    """`moved` carries the rectangle that has to be painted again."""

    moved = Signal(QRectF)

    def __init__(self, parent: QObject | None = None, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._clock_s = clock_s
        self._movements: list[_Movement] = []
        self._rests_until_s: dict[ProbeId, float] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(STEP_MS)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.timeout.connect(self.on_step)
        self.zoom = 1.0

    @property
    def is_moving(self) -> bool:
        return self._timer.isActive()

    def result_came(
        self,
        probe: ProbeId,
        centre: QPointF,
        colour: str,
        arc: tuple[QPointF, QPointF, QPointF] | None,
        total_ms: float | None,
    ) -> None:
        """Show that a result of a probe came; with an `arc` a dot runs along it."""
        now_s = self._clock_s()
        if now_s < self._rests_until_s.get(probe, 0.0):
            return
        self._rests_until_s[probe] = now_s + REST_S
        if arc is not None and total_ms is not None:
            lasts_s = min(LONGEST_RUN_S, RUN_S + RUN_S_PER_S * total_ms / 1000)
            self._movements.append(_Movement(now_s, lasts_s, centre, colour, arc))
        else:
            self._movements.append(_Movement(now_s, RING_S, centre, colour))
        self._timer.start()

    def clear(self) -> None:
        """Stop everything where it is: the picture changed under it."""
        for movement in self._movements:
            self.moved.emit(movement.box(self.zoom))
        self._movements.clear()
        self._timer.stop()

    def paint(self, painter: QPainter, clip: QRectF) -> None:
        for movement in self._movements:
            if not movement.box(self.zoom).intersects(clip):
                continue
            if movement.arc is None:
                map_paint.pulse(painter, movement.centre, movement.part, movement.colour, self.zoom)
            else:
                map_paint.runner(painter, movement.point, movement.colour, self.zoom)

    @Slot()
    def on_step(self) -> None:
        now_s = self._clock_s()
        for movement in self._movements:
            before = movement.box(self.zoom)
            movement.part = (now_s - movement.begun_s) / movement.lasts_s
            self.moved.emit(before.united(movement.box(self.zoom)))
        self._movements = [one for one in self._movements if one.part < 1]
        if not self._movements:
            self._timer.stop()
