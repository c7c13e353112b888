"""Walking through the past: seeks, plays and reads ahead. Whatever is asked last is shown next; the rest is dropped.

While it moves, moments are shown as exactly as they are there at once; where it rests, as exactly as they are kept.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.engine.past_frame import Frame
from pingmon_gui.ui.run_card import Spawn

#: While it plays, so often comes another moment.
PLAY_MS = 100
#: When nothing was asked for so long, the moment is made exact; so long after that, what lies beside it is read.
IDLE_MS = 120
AHEAD_S = 0.4


class Frames(Protocol):
    """Where frames come from: `engine.time_machine.TimeMachine`."""

    async def quick_frame(self, at_ms: int) -> Frame: ...

    async def frame(self, at_ms: int) -> Frame: ...

    def exact_ms(self, at_ms: int) -> int: ...

    async def prefetch(self, at_ms: int) -> None: ...


class TimeWalk(QObject):
    """`arrived` carries each frame that is to be shown, `playing` whether it moves by itself."""

    arrived = Signal(object)
    playing = Signal(bool)

    def __init__(self, frames: Frames, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frames = frames
        self._spawn = spawn
        self._wanted_ms: int | None = None
        self._working: asyncio.Task[Any] | None = None
        self._ahead: asyncio.Task[Any] | None = None
        self._step_ms = 0
        self._direction = -1
        self._first_ms = self._last_ms = 0
        self._is_exact = True
        self.at_ms = 0
        self._play = QTimer(self)
        self._play.setInterval(PLAY_MS)
        self._play.timeout.connect(self.on_play)
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE_MS)
        self._idle.timeout.connect(self.on_idle)

    @property
    def is_playing(self) -> bool:
        return self._play.isActive()

    def set_range(self, first_ms: int, last_ms: int) -> None:
        """Say how far the past reaches."""
        self._first_ms, self._last_ms = first_ms, last_ms

    def seek(self, at_ms: int) -> None:
        """Go to a moment; what was asked before and is not there yet is dropped. Without a past nothing is gone to."""
        if not self._last_ms:
            return
        at_ms = min(max(at_ms, self._first_ms), self._last_ms)
        if at_ms != self.at_ms:
            self._direction = 1 if at_ms > self.at_ms else -1
        self.at_ms = self._wanted_ms = at_ms
        self._idle.stop()
        if self._ahead is not None and not self.is_playing:
            self._ahead.cancel()
            self._ahead = None
        if self._working is None or self._working.done():
            self._working = self._spawn(self._work())

    def play(self, step_ms: int) -> None:
        """Move on by so much of the past in each second of the present."""
        self._step_ms = step_ms * PLAY_MS // 1_000
        self._play.start()
        self.playing.emit(True)

    @Slot()
    def pause(self) -> None:
        if self._play.isActive():
            self._play.stop()
            self.playing.emit(False)

    def stop(self) -> None:
        """End everything: nobody looks any more."""
        self.pause()
        self._idle.stop()
        for task in (self._working, self._ahead):
            if task is not None:
                task.cancel()
        self._working = self._ahead = None

    async def _work(self) -> None:
        while self._wanted_ms is not None:
            wanted, self._wanted_ms = self._wanted_ms, None
            self._show(await self._frames.quick_frame(wanted))
        if self.is_playing and not self._is_exact:
            self.on_idle()
        else:
            self._idle.start()

    def _show(self, frame: Frame) -> None:
        self._is_exact = frame.exact_ms == self._frames.exact_ms(frame.at_ms)
        self.arrived.emit(frame)

    @Slot()
    def on_play(self) -> None:
        if self._wanted_ms is not None:
            return  # The last step is not there yet.
        self.seek(self.at_ms + self._step_ms)
        if self.at_ms >= self._last_ms:
            self.pause()

    @Slot()
    def on_idle(self) -> None:
        """Make the moment exact; then read the hours beside it, first the one that was headed for."""
        if self._ahead is None or self._ahead.done():
            self._ahead = self._spawn(self._go_deeper(self.at_ms, self._direction))

    async def _go_deeper(self, at_ms: int, direction: int) -> None:
        if not self._is_exact:
            frame = await self._frames.frame(at_ms)
            if self._wanted_ms is None and self.at_ms == at_ms:
                self._show(frame)
        await asyncio.sleep(AHEAD_S)
        for hours in (direction, -direction, 2 * direction):
            beside = at_ms + hours * HOUR_MS
            if self._first_ms <= beside <= self._last_ms:
                await self._frames.prefetch(beside)
