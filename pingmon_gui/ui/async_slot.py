"""The only door from Qt's slots into coroutines: `spawn` keeps the task and sees to its end.

A cancelled task ends silently, a known error goes to the message bar with its hint, anything else is a
bug: it is logged and shown once per type.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from pingmon_gui.domain.error import PingmonError, UserCancelled

_log = logging.getLogger(__name__)


class Spawner:
    """Starts tasks for one window and ends them with it."""

    def __init__(self, on_known: Callable[[PingmonError], None], on_bug: Callable[[BaseException], None]) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_known = on_known
        self._on_bug = on_bug

    def spawn(self, work: Coroutine[Any, Any, Any], *, then: Callable[[], None] | None = None) -> asyncio.Task[Any]:
        """Run a coroutine on the running loop; `then` is called however it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def finish(done: asyncio.Task[Any]) -> None:
            self._tasks.discard(done)
            self._report(done)
            if then is not None:
                then()

        task.add_done_callback(finish)
        return task

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _report(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is None or isinstance(error, UserCancelled):
            return
        if isinstance(error, PingmonError):
            _log.info("%s: %s", type(error).__name__, error)
            self._on_known(error)
        else:
            self._on_bug(error)
