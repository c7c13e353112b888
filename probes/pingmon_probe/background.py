"""One thread for the work that would hold up the measuring loop: parsing plans, files, old lines of the spool."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any, Callable, Optional, Tuple

from .loop import Loop

_log = logging.getLogger(__name__)

Job = Tuple[Callable[[], Any], Callable[[Any, Optional[BaseException]], None]]


class Background:
    """Runs jobs one after the other, in order; each answer comes back on the loop."""

    def __init__(self, loop: Loop, name: str) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[Optional[Job]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], Any], done: Callable[[Any, Optional[BaseException]], None]) -> None:
        """Run `work()` on the thread, then `done(value, None)` or `done(None, exception)` on the loop."""
        self._jobs.put((work, done))

    def close(self) -> None:
        """Finish the jobs that are queued, then end the thread. Their answers may no longer arrive."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, done = job
            try:
                value = work()
            except Exception as exc:
                self._loop.call_soon_threadsafe(done, None, exc)
            else:
                self._loop.call_soon_threadsafe(done, value, None)
