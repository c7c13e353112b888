"""Work on the database that has to wait until nobody has it open: done between two lives of one session.

Whoever asks, the front end that runs the session ends it, has the work carried out, and starts the session anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pingmon_gui.domain.backup import BackupFacts, Progress, Restored
from pingmon_gui.domain.error import DataFolderBusy, PingmonError
from pingmon_gui.domain.rescue import Rescued

T = TypeVar("T")


class Renewal:
    """Used on the loop of the front end, which calls `carry_out` between two lives and `settle` in the next one.

    Attributes:
        path: the database.
        on_wanted: called when work waits; the front end ends this life of the session then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on_wanted: Callable[[], None] | None = None
        self._outcome: object = None
        self._work: Callable[[], Any] | None = None
        self._asker: asyncio.Future[Any] | None = None
        self._is_preparing = False

    @property
    def is_wanted(self) -> bool:
        """Whether work waits for the end of this life."""
        return self._work is not None

    # What can be done. Imported when it is: that happens once a year.

    async def prepare_restore(self, source: Path, progress: Progress) -> BackupFacts:
        """Copy a backup beside the database and check it to its last row; the session goes on meanwhile.

        `progress` is called from another thread; `work_of_restore` or `drop_restore` follows.

        Raises StorageError, InvalidInput, DataFolderBusy while another one is being checked.
        """
        from pingmon_gui.store.restore import prepare_restore

        if self._is_preparing:
            raise DataFolderBusy("Another backup is being checked.", "Wait until that is done.")
        self._is_preparing = True
        try:
            return await asyncio.to_thread(prepare_restore, self.path, source, progress)
        finally:
            self._is_preparing = False

    def drop_restore(self) -> None:
        """Remove what was prepared: it is not wanted after all."""
        from pingmon_gui.store import replacement

        if not self._is_preparing and not self.is_wanted:
            replacement.discard(self.path)

    def work_of_restore(self, facts: BackupFacts) -> Callable[[], Restored]:
        """Return the work that puts in place what was prepared."""
        from pingmon_gui.store.restore import restore

        return lambda: restore(self.path, facts)

    def work_of_rescue(self, progress: Progress = lambda _share: None) -> Callable[[], Rescued]:
        """Return the work that saves what can be read of a damaged database."""
        from pingmon_gui.store.rescue import rescue

        return lambda: rescue(self.path, time.time_ns() // 1_000_000, progress)

    # Between two lives

    async def ask(self, work: Callable[[], T]) -> T:
        """Have work done, on a thread of its own; return its result when the session runs again.

        Raises what the work raises, and DataFolderBusy while other work is being done.
        """
        self.order(work)
        self._asker = asyncio.get_running_loop().create_future()
        result: T = await self._asker
        return result

    def order(self, work: Callable[[], Any]) -> None:
        """Have work done for somebody who will not be there any more; `settle` tells the next life of it.

        Raises DataFolderBusy while other work is being done.
        """
        if self._work is not None or (self._asker is not None and not self._asker.done()):
            raise DataFolderBusy("The database is being replaced already.", "Wait until that is done.")
        self._work = work
        if self.on_wanted is not None:
            self.on_wanted()

    async def carry_out(self) -> None:
        """Do what was ordered; a known error becomes the outcome."""
        work, self._work = self._work, None
        if work is not None:
            try:
                self._outcome = await asyncio.to_thread(work)
            except PingmonError as exc:
                self._outcome = exc

    def settle(self, failure: PingmonError | None = None) -> object:
        """Tell whoever asked that the session runs again, or why it does not.

        Returns what came of the work since the last time: its result, or a PingmonError; None if there was none.
        """
        asker, self._asker = self._asker, None
        outcome, self._outcome = self._outcome, None
        if asker is not None and not asker.done():
            told = failure or outcome
            if isinstance(told, PingmonError):
                asker.set_exception(told)
            else:
                asker.set_result(told)
        return outcome
