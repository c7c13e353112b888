"""Runs the steps of a plan on one host: look, change, look again; on failure or cancel undo everything in reverse.

A step never judges by text: exit codes and what our own program on the host answers decide.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence

from pingmon_gui.domain.error import ProvisionError, SshUnreachable, StepFailed, UserCancelled
from pingmon_gui.provision.host import COMMAND_S, CommandResult, Host
from pingmon_gui.provision.progress import Listener, StepProgress, StepState, TranscriptLine

_log = logging.getLogger(__name__)

#: After a cancel the command that runs is let finish this long: breaking off would take the connection with it.
GRACE_S = 60.0
#: Lines of the transcript that an error carries.
MAX_TRANSCRIPT_LINES = 400

Reopen = Callable[[], Awaitable[Host]]


class Step(ABC):
    """One idempotent part of a plan. Those that change nothing, or put nothing back, inherit how that is undone.

    Attributes:
        name: one word, for logs, tests and errors.
        title: what it does, for people.
    """

    name: str
    title: str

    @abstractmethod
    async def is_done(self, host: Host) -> bool:
        """Look, change nothing. Also called before anything that the step needs is there."""

    @abstractmethod
    async def apply(self, host: Host) -> None:
        """Do it. Raises ProvisionError."""

    async def undo(self, host: Host) -> None:  # noqa: B027 - nothing to put back is common
        """Put back what was found by the first `is_done`, after an `apply` that came through, failed or broke off."""

    async def after_undo(self, host: Host) -> None:  # noqa: B027 - most had nothing running
        """Called once all steps are undone: the place to start again what ran before."""


class Transcript:
    """A listener that passes everything on and keeps the lines for the error that may come.

    Give it to the connection as well: the host writes down what is run on it.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lines: list[str] = []

    def __call__(self, event: StepProgress | TranscriptLine) -> None:
        if isinstance(event, TranscriptLine):
            self._lines.append(event.text)
            del self._lines[:-MAX_TRANSCRIPT_LINES]
        self._listener(event)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)


async def run_steps(
    steps: Sequence[Step],
    host: Host,
    listener: Listener,
    *,
    dry_run: bool = False,
    reopen: Reopen | None = None,
    is_undoable: bool = True,
) -> None:
    """Bring every step about, in order; a dry run only looks and tells.

    Whatever ends it early (a ProvisionError, UserCancelled, a cancel of the calling task), all that was done is
    undone in reverse order first, over a new connection from `reopen` where the old one is gone. A ProvisionError
    then names host and step and carries the transcript. A second cancel gives up on undoing. A plan that only takes
    away is not undoable: it stops where it is, and running it again goes on.
    """
    transcript = listener if isinstance(listener, Transcript) else Transcript(listener)
    run = _Run(steps, host, transcript, dry_run, reopen, is_undoable)
    work = asyncio.create_task(run.go(), name=f"steps:{host.name}")
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        if work.cancelled():
            raise
        run.brake.is_pulled = True
        try:
            _done, late = await asyncio.wait({work}, timeout=GRACE_S)
            if late:
                work.cancel()
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            raise
        if work.cancelled():
            raise
        error = work.exception()
        if error is None:
            # It was through just before.
            await run.undo()
        elif not isinstance(error, UserCancelled):
            _log.info("a cancelled set-up ended with: %s", error)
        raise


class _Brake:
    is_pulled = False


class _Run:
    def __init__(
        self,
        steps: Sequence[Step],
        host: Host,
        transcript: Transcript,
        is_dry_run: bool,
        reopen: Reopen | None,
        is_undoable: bool,
    ) -> None:
        self.brake = _Brake()
        self._steps = steps
        self._host = host
        self._transcript = transcript
        self._is_dry_run = is_dry_run
        self._reopen = reopen
        self._is_undoable = is_undoable
        self._reopened: Host | None = None
        self._touched: list[Step] = []

    async def go(self) -> None:
        for step in self._steps:
            self._tell(step, StepState.PENDING)
        host = _BrakedHost(self._host, self.brake)
        current: Step | None = None
        try:
            for step in self._steps:
                if self.brake.is_pulled:
                    raise UserCancelled
                current = step
                self._tell(current, StepState.RUNNING)
                if await current.is_done(host):
                    self._tell(current, StepState.UNCHANGED)
                elif self._is_dry_run:
                    self._tell(current, StepState.PLANNED)
                else:
                    self._touched.append(current)
                    await current.apply(host)
                    if not await current.is_done(host):
                        raise StepFailed(
                            f"“{current.title}” was carried out on {host.name}, and did not hold.",
                            "Something on the host undoes it: a configuration manager, perhaps.",
                        )
                    self._tell(current, StepState.DONE)
                current = None
            if self.brake.is_pulled:
                raise UserCancelled
        except BaseException as exc:
            if current is not None:
                detail = exc.message if isinstance(exc, ProvisionError) else ""
                self._tell(current, StepState.FAILED, detail or "Cancelled.")
            left = await self.undo()
            if isinstance(exc, ProvisionError):
                self._complete(exc, current, left)
            raise

    async def undo(self) -> list[str]:
        """Undo in reverse; return the sentences of what could not be undone."""
        left: list[str] = []
        touched, self._touched = self._touched if self._is_undoable else [], []
        host = self._host
        try:
            for step in reversed(touched):
                host, problem = await self._undo_one(step.undo, host)
                if problem is None:
                    self._tell(step, StepState.UNDONE)
                else:
                    left.append(f"“{step.title}” could not be undone: {problem}")
            for step in touched:
                host, problem = await self._undo_one(step.after_undo, host)
                if problem is not None:
                    left.append(problem)
        finally:
            if self._reopened is not None:
                await self._reopened.close()
        for sentence in left:
            self._transcript(TranscriptLine(self._host.name, sentence))
        return left

    async def _undo_one(self, undo: Callable[[Host], Awaitable[None]], host: Host) -> tuple[Host, str | None]:
        try:
            try:
                await undo(host)
            except SshUnreachable:
                if self._reopen is None or self._reopened is not None:
                    raise
                self._transcript(TranscriptLine(host.name, "The connection is gone; connecting again to undo."))
                host = self._reopened = await self._reopen()
                await undo(host)
        except ProvisionError as exc:
            return host, exc.message
        except UserCancelled:
            return host, "it was not allowed."
        return host, None

    def _complete(self, exc: ProvisionError, step: Step | None, left: list[str]) -> None:
        exc.host = exc.host or self._host.name
        exc.step = exc.step or (step.name if step is not None else "")
        exc.transcript = self._transcript.lines
        if left:
            exc.hint = " ".join([exc.hint or "", "The host is not as it was found:", *left]).strip()

    def _tell(self, step: Step, state: StepState, detail: str = "") -> None:
        self._transcript(StepProgress(self._host.name, step.name, step.title, state, detail))


class _BrakedHost:
    """A host on which no command begins any more once the brake is pulled."""

    def __init__(self, host: Host, brake: _Brake) -> None:
        self._host = host
        self._brake = brake

    @property
    def name(self) -> str:
        return self._host.name

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline_s: float = COMMAND_S, as_root: bool = False
    ) -> CommandResult:
        if self._brake.is_pulled:
            raise UserCancelled
        return await self._host.run(argv, stdin=stdin, deadline_s=deadline_s, as_root=as_root)

    async def close(self) -> None:
        await self._host.close()
