"""A probe behind a real SSH server, and our restricted key to it: for tests of the way there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
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
