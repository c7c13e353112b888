"""How far work on another thread is, shown on the window's; and a way to tell it to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pingmon_gui.domain.error import UserCancelled

#: Finer steps than this are not seen.
_STEPS = 200


class LongWork:
    """Handed to the work as its `Progress`; made on the window's loop, where `show` is called with each share."""

    def __init__(self, show: Callable[[float], None]) -> None:
        self._show = show
        self._loop = asyncio.get_running_loop()
        self._told = -1
        self._is_stopped = False

    def __call__(self, share: float) -> None:
        """Called by the work, from its thread. Raises UserCancelled once it is to stop."""
        if self._is_stopped:
            raise UserCancelled
        step = int(share * _STEPS)
        if step > self._told:
            self._told = step
            self._loop.call_soon_threadsafe(self._tell, share)

    def stop(self) -> None:
        """Have the work end where it next tells how far it is; nothing is shown any more."""
        self._is_stopped = True

    def _tell(self, share: float) -> None:
        if not self._is_stopped:
            self._show(share)
