"""The embedded probe: "This computer" as a probe, a child process that is started again whenever it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pingmon_probe.protocol import CheckResult, CheckSpec, Plan

from pingmon_gui.domain.error import ProbeError, ProbeUnreachable
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.engine.link import Heartbeat, ProbeStatus, StreamHeader
from pingmon_gui.fleet.child import ProbeProcess, probe_command
from pingmon_gui.fleet.now import NowMs, system_now_ms
from pingmon_gui.fleet.secret import Token

__all__ = ["EmbeddedProbe", "probe_command"]

if TYPE_CHECKING:
    from pingmon_gui.fleet.client import ProbeClient

_log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
#: A run that lasted this long was a good one: the next failure is not held against it.
GOOD_RUN_S = 60.0
#: A broken connection most often means that the process is ending just now: worth a moment to say so in words.
MOMENT_S = 0.5


class EmbeddedProbe:
    """Implements the engine's ProbeLink. Results are spooled in `spool_dir`, which outlives every run.

    `command` starts the probe (see `probe_command`). One process at a time may use the folder; the lock
    of the data folder sees to that.
    """

    def __init__(
        self,
        probe: Probe,
        spool_dir: Path,
        command: Sequence[str] | None = None,
        *,
        now_ms: NowMs = system_now_ms,
    ) -> None:
        self._probe = probe
        self._spool_dir = spool_dir
        self._command = command
        self._now_ms = now_ms
        self._supervisor: asyncio.Task[None] | None = None
        self._process: ProbeProcess | None = None
        self._client: ProbeClient | None = None
        self._changed = asyncio.Event()
        self._failures = 0
        self._trouble: str | None = None
        self._restarts = 0

    @property
    def probe(self) -> Probe:
        return self._probe

    @property
    def restarts(self) -> int:
        return self._restarts

    @property
    def problem(self) -> str | None:
        """Why it does not run just now as a sentence, None while it does."""
        if self._process is not None and self._client is not None and self._process.has_ended:
            return _ENDED
        return self._trouble

    @property
    def pid(self) -> int | None:
        """Process id of the run that is on, None between two."""
        return None if self._process is None or self._process.has_ended else self._process.pid

    async def start(self) -> None:
        """See to it that the probe runs and answers. Raises ProbeUnreachable with the reason; call again then.

        A probe that runs but does not answer is ended, so that a new one takes its place.
        """
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._supervise(), name="embedded probe")
        elif self._client is not None and self._process is not None:
            process = self._process
            try:
                await self._client.status()
                return
            except ProbeUnreachable:
                if not await process.seems_ended(MOMENT_S):
                    _log.warning("the probe of this computer does not answer; it is ended and started again")
                    process.kill()
                    await process.ended()
        await self._running()

    def hurry(self) -> None:
        """Do nothing: a child on loopback sleeps and wakes with us."""

    async def close(self) -> None:
        """End the probe for good; it keeps what it measured. Harmless if it does not run."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)

    async def status(self) -> ProbeStatus:
        with self._explaining():
            return await self._ready_client().status()

    async def put_plan(self, plan: Plan) -> int:
        with self._explaining():
            # It belongs to the data folder, not to the database in it: that may be another one since the last run.
            return await self._ready_client().put_plan(replace(plan, take_over=True))

    async def results(
        self, after: int, spool: str | None, wait_s: float
    ) -> AsyncGenerator[StreamHeader | ResultBatch | Heartbeat, None]:
        with self._explaining():
            try:
                async with aclosing(self._ready_client().results(after, spool, wait_s)) as items:
                    async for item in items:
                        yield item
            except ProbeUnreachable:
                if self._process is not None:
                    await self._process.seems_ended(MOMENT_S)
                raise

    async def run_checks(self, specs: Sequence[CheckSpec]) -> AsyncGenerator[CheckResult, None]:
        with self._explaining():
            async with aclosing(self._ready_client().run_checks(specs)) as results:
                async for result in results:
                    yield result

    def _ready_client(self) -> ProbeClient:
        if self._client is None:
            raise ProbeUnreachable("The probe of this computer is being started.")
        return self._client

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Say why it is not reached, where that is known."""
        try:
            yield
        except ProbeUnreachable as exc:
            if self.problem is None:
                raise
            raise ProbeUnreachable(self.problem, exc.hint) from exc

    async def _running(self) -> None:
        """Wait until a run answers. Raises ProbeUnreachable if the next start does not come to that."""
        failures = self._failures
        while True:
            changed = self._changed
            if self._supervisor is None:
                raise ProbeUnreachable("The probe of this computer was stopped.")
            if self._supervisor.done():
                self._supervisor.result()  # a bug of ours comes out here
            if self._client is not None and self._process is not None and not self._process.has_ended:
                return
            if self._failures > failures:
                raise ProbeUnreachable(self._trouble or "The probe of this computer cannot be started.")
            await changed.wait()

    async def _supervise(self) -> None:
        """Run the probe again and again, with growing pauses while it does not last."""
        loop = asyncio.get_running_loop()
        delay_s = FIRST_DELAY_S
        try:
            while True:
                began_s = loop.time()
                await self._run_once()
                if loop.time() - began_s >= GOOD_RUN_S:
                    delay_s = FIRST_DELAY_S
                _log.info("the probe of this computer is started again in %.1f s", delay_s)
                await asyncio.sleep(delay_s)
                delay_s = min(LONGEST_DELAY_S, delay_s * 2)
                self._restarts += 1
        finally:
            self._announce()

    def _announce(self) -> None:
        """Wake whoever waits in `start`: something changed."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _failed(self, why: str) -> None:
        _log.warning("%s", why)
        self._trouble = why
        self._failures += 1
        self._announce()

    async def _run_once(self) -> None:
        """Run the probe until it ends; then `problem` says why it does not run any more."""
        token = Token.fresh()
        try:
            process = ProbeProcess(self._spool_dir, token, self._command)
        except OSError as exc:
            self._failed(f"The probe of this computer cannot be started: {exc.strerror or exc}.")
            return
        self._process = process
        try:
            try:
                ready = await process.ready()
            except ProbeError as exc:
                self._failed(exc.message)
                return
            make_client = await asyncio.to_thread(_client_class)
            self._client = make_client(self._probe, f"http://127.0.0.1:{ready.port}", token, now_ms=self._now_ms)
            self._trouble = None
            self._announce()
            code = await process.ended()
            _log.warning("%s Exit code %d, last words: %s", _ENDED, code, process.last_words or "none")
            self._trouble = _ENDED
        finally:
            # In this order: a stopping probe ends its streams itself.
            client, self._client = self._client, None
            await process.stop()
            if client is not None:
                await client.close()


def _client_class() -> type[ProbeClient]:
    """Import the HTTP library: that takes 0.2 s, which the window's first frame does not wait for."""
    from pingmon_gui.fleet.client import ProbeClient

    return ProbeClient


_ENDED = "The probe of this computer ended by itself and is being started again."
