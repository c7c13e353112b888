"""A probe behind a real SSH server, and our restricted key to it: for tests of the way there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

import numpy as np

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.fleet.key_pair import new_key_pair, restricted_line
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from tests.probe.probe_process import TOKEN
from tests.sshd import SshServer


class Way:
    """A probe, an SSH server in front of it, and what opens them."""

    def __init__(self, server: SshServer, probe_port: int) -> None:
        self.server = server
        self.private_key, public = new_key_pair()
        server.allow(restricted_line(public, probe_port))
        self.access = ProbeAccess(
            host="host",
            login_user=server.user,
            address="127.0.0.1",
            ssh_port=server.port,
            tunnel_user=server.user,
            service_port=probe_port,
            host_key=server.host_key(),
            supervisor=Supervisor.SYSTEMD,
        )

    def probe(self, **changed: object) -> RemoteProbe:
        access = replace(self.access, **changed)  # type: ignore[arg-type]
        probe = Probe(new_probe_id(), "Test", Region.EU, Transport.TUNNEL, access)
        return RemoteProbe(probe, ProbeSecrets(Token(TOKEN), self.private_key))

    @asynccontextmanager
    async def started(self, **changed: object) -> AsyncIterator[RemoteProbe]:
        probe = self.probe(**changed)
        try:
            await probe.start()
            yield probe
        finally:
            await probe.close()


class Collection:
    """Collects as the engine does: by cursor, and after an error from where it was."""

    def __init__(self, probe: RemoteProbe) -> None:
        self._probe = probe
        self._spool: str | None = None
        self.after = 0
        self.got: list[tuple[int, int, int]] = []
        self.broken = 0

    async def until_last(self, last: int) -> None:
        while self.after < last:
            with suppress(ProbeUnreachable):
                await self._probe.start()
                await self._stream(last)
                continue
            self.broken += 1
            await asyncio.sleep(0.01)

    async def _stream(self, last: int) -> None:
        async with aclosing(self._probe.results(self.after, self._spool, 30.0)) as items:
            async for item in items:
                if not isinstance(item, ResultBatch):
                    continue
                numbers = np.arange(item.first_seq, item.last_seq + 1)
                self.got += zip(numbers.tolist(), item.monitor.tolist(), item.started_at_ms.tolist(), strict=True)
                self._spool, self.after = item.spool, item.last_seq
                if self.after >= last:
                    return
