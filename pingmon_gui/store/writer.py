"""The writer: one thread that owns the write connection, gathers results and carries out commands in order."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import peewee

from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.store.database import write_connection
from pingmon_gui.store.journal import Journal
from pingmon_gui.store.trouble import ERRORS, translate

_log = logging.getLogger(__name__)

T = TypeVar("T")
#: A command gets the write connection.
Command = Callable[[peewee.SqliteDatabase], T]

GATHER_S = 5.0
GATHER_RESULTS = 2_000
#: At most so many results in one transaction when a backlog is worked off.
_TRANSACTION_RESULTS = 10_000
#: While the disk fails, at most so many results wait in memory (about 150 bytes each).
WAITING_RESULTS = 300_000
_RETRY_S, _RETRY_MOST_S = 1.0, 30.0


class Writer:
    """`append` and `submit` may be called from any thread and return at once.

    Attributes:
        problem: why nothing can be written just now, None while writing works.
        on_problem: called from the writer's thread whenever `problem` changes.
        journal: for work on the writer's thread that purges rows.
    """

    def __init__(self, path: Path, now_ms: Callable[[], int], *, waiting_results: int = WAITING_RESULTS) -> None:
        self.problem: StorageError | None = None
        self.on_problem: Callable[[StorageError | None], None] | None = None
        self.journal = Journal()
        self._path = path
        self._now_ms = now_ms
        self._waiting_results = waiting_results
        self._database = write_connection(path)
        self._change = threading.Condition()
        self._pending: deque[ResultBatch] = deque()
        self._pending_results = 0
        self._pending_since_s: float | None = None
        self._commands: deque[tuple[Command[Any] | None, Future[Any]]] = deque()
        self._retry_at_s: float | None = None
        self._retry_s = _RETRY_S
        self._refused: dict[ProbeId, tuple[str, int]] = {}
        self._is_closing = False
        #: When results were last committed, None before the first time. Read from other threads.
        self.committed_at_ms: int | None = None
        # A daemon: a process that fails before `close` has to end all the same; what it loses is collected again.
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def append(self, batch: ResultBatch) -> None:
        """Take a judged batch to be written soon.

        When too many wait because the disk fails, batches are refused, and with them all that follow of
        the same spool: the cursor stays before them, so they are collected again.
        """
        with self._change:
            if self._is_closing or self._is_refused(batch):
                return
            if self._pending_results + batch.count > self._waiting_results:
                self._refused[batch.probe] = (batch.spool, batch.first_seq)
                return
            self._pending.append(batch)
            self._pending_results += batch.count
            if self._pending_since_s is None:
                self._pending_since_s = time.monotonic()
                self._change.notify()
            elif self._pending_results >= GATHER_RESULTS:
                self._change.notify()

    def submit(self, command: Command[T]) -> Future[T]:
        """Have a command carried out soon, after everything submitted before; it makes its own transactions."""
        return self._enqueue(command)

    def flush(self) -> Future[None]:
        """Commit what is pending; the future raises the StorageError if that fails."""
        return self._enqueue(None)

    def close(self) -> None:
        """Carry out what was submitted, commit what is pending, end the thread. Blocks."""
        with self._change:
            self._is_closing = True
            self._change.notify()
        self._thread.join()

    def _enqueue(self, command: Command[Any] | None) -> Future[Any]:
        future: Future[Any] = Future()
        with self._change:
            if self._is_closing:
                future.set_exception(StorageError("The database is closed."))
            else:
                self._commands.append((command, future))
                self._change.notify()
        return future

    def _is_refused(self, batch: ResultBatch) -> bool:
        refused = self._refused.get(batch.probe)
        if refused is None:
            return False
        spool, first_seq = refused
        if batch.spool == spool and batch.first_seq > first_seq:
            return True
        del self._refused[batch.probe]
        return False

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            if not self._database.is_closed():
                self._database.close()
            with self._change:
                self._is_closing = True
                left = list(self._commands)
                self._commands.clear()
            for _command, future in left:
                if future.set_running_or_notify_cancel():
                    future.set_exception(StorageError("The database was closed before this could be done."))

    def _turn(self) -> bool:
        with self._change:
            while not (self._commands or self._is_closing or self._is_due()):
                self._change.wait(self._patience_s())
            is_closing = self._is_closing
            waiting = self._commands.popleft() if self._commands else None
        if waiting is not None:
            self._carry_out(*waiting)
            return True
        self._commit_pending()
        if is_closing and self.problem is not None and self._pending_results:
            _log.warning("%d results were not written and will be collected again", self._pending_results)
        return not is_closing

    def _is_due(self) -> bool:
        wait = self._patience_s()
        return wait is not None and wait <= 0

    def _patience_s(self) -> float | None:
        now_s = time.monotonic()
        if self._retry_at_s is not None:
            return self._retry_at_s - now_s
        if self._pending_since_s is None:
            return None
        return 0.0 if self._pending_results >= GATHER_RESULTS else self._pending_since_s + GATHER_S - now_s

    def _carry_out(self, command: Command[Any] | None, future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            if command is None:
                self._commit_pending()
                if self.problem is not None and self._pending_results:
                    raise self.problem
                future.set_result(None)
            else:
                self._connect()
                future.set_result(command(self._database))
        except ERRORS as exc:
            error = translate(exc, self._path)
            error.__cause__ = exc
            future.set_exception(error)
        except Exception as exc:  # Whoever awaits the command is the one to hear of it.
            future.set_exception(exc)

    def _commit_pending(self) -> None:
        """Write what is pending, a transaction at a time; on failure keep it and set the time of the next try."""
        while True:
            with self._change:
                some = self._next_batches()
            if not some and self.problem is None:
                return
            try:
                self._connect()
                with self._database.atomic("IMMEDIATE"):
                    self.journal.write(self._database, some, self._now_ms())
                    if not some:  # Nothing waits, but whether the disk is well again has to be tried.
                        self._database.execute_sql("UPDATE compaction SET id = 1")
            except (*ERRORS, StorageError) as exc:
                self.journal.rolled_back()
                self._failed(exc)
                return
            self.journal.committed()
            self.committed_at_ms = self._now_ms()
            with self._change:
                for batch in some:
                    self._pending.popleft()
                    self._pending_results -= batch.count
                self._pending_since_s = time.monotonic() if self._pending else None
            self._recovered()

    def _next_batches(self) -> list[ResultBatch]:
        some: list[ResultBatch] = []
        count = 0
        for batch in self._pending:
            if some and count + batch.count > _TRANSACTION_RESULTS:
                break
            some.append(batch)
            count += batch.count
        return some

    def _connect(self) -> None:
        if self._database.is_closed():
            self._database.connect()

    def _failed(self, exc: BaseException) -> None:
        error = translate(exc, self._path)
        self._retry_at_s = time.monotonic() + self._retry_s
        self._retry_s = min(self._retry_s * 2, _RETRY_MOST_S)
        if self.problem is None or type(self.problem) is not type(error):
            _log.error("nothing can be written to the database: %s", error)
            self._tell(error)

    def _recovered(self) -> None:
        self._retry_at_s = None
        self._retry_s = _RETRY_S
        if self.problem is not None:
            _log.info("the database can be written again")
            self._tell(None)

    def _tell(self, problem: StorageError | None) -> None:
        self.problem = problem
        if self.on_problem is not None:
            self.on_problem(problem)
