"""A probe on another host as the engine sees it, whatever carries the bytes: an SSH tunnel, or pinned TLS."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from pingmon_probe.protocol import CheckResult, CheckSpec, Plan

from pingmon_gui.domain.error import ProbeError, ProbeUnauthorised, ProbeUnreachable
from pingmon_gui.domain.probe import Probe, ProbeAccess, Transport
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.engine.link import Heartbeat, ProbeStatus, StreamHeader
from pingmon_gui.fleet.client import ProbeClient
from pingmon_gui.fleet.now import NowMs, system_now_ms
from pingmon_gui.fleet.secret_store import ProbeSecrets, SecretStore
from pingmon_gui.fleet.tunnel import Tunnel
from pingmon_gui.fleet.tunnel_transport import TunnelTransport

_log = logging.getLogger(__name__)

#: Whoever does not say how it is within this time is not reached the way that stands: another is made.
LOOK_S = 3.0


class RemoteProbe:
    """Implements the engine's ProbeLink. `start` makes the way to the probe, anew where it is broken.

    Nothing here tries again by itself: the collector does, with growing pauses, and at once after a wake.
    """

    restarts = 0

    def __init__(
        self,
        probe: Probe,
        secrets: SecretStore | ProbeSecrets,
        *,
        look_s: float = LOOK_S,
        now_ms: NowMs = system_now_ms,
    ) -> None:
        if probe.access is None:
            raise ValueError("the embedded probe is not remote")
        self._probe = probe
        self._access: ProbeAccess = probe.access
        self._secrets = secrets
        self._now_ms = now_ms
        self._tunnel: Tunnel | None = None
        self._client: ProbeClient | None = None
        self._turn = asyncio.Lock()
        self._look_s = look_s
        self._looking: asyncio.Task[None] | None = None
        self._failure: ProbeError | None = None

    @property
    def probe(self) -> Probe:
        return self._probe

    @property
    def problem(self) -> str | None:
        """Always None: what is wrong is in the errors, whose sentences name the host."""
        return None

    async def start(self) -> None:
        """See to it that the probe answers. Raises ProbeUnreachable, ProbeUnauthorised with the reason."""
        async with self._turn:
            if self._client is not None:
                if await self._stands():
                    return
                _log.info("the way to the probe %s is made anew", self._probe.name)
                await self._break_off()
            try:
                await self._connect()
            except BaseException as exc:
                self._failure = exc if isinstance(exc, ProbeError) else None
                await self._break_off()
                raise
            self._failure = None

    def hurry(self) -> None:
        """Look at once whether the way still stands. If not, streams end now, not when their silence is noticed."""
        if self._client is not None and self._looking is None and not self._turn.locked():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        async with self._turn:
            await self._break_off()

    async def status(self) -> ProbeStatus:
        return await self._ready_client().status()

    async def put_plan(self, plan: Plan) -> int:
        return await self._ready_client().put_plan(plan)

    async def results(
        self, after: int, spool: str | None, wait_s: float
    ) -> AsyncGenerator[StreamHeader | ResultBatch | Heartbeat, None]:
        async with aclosing(self._ready_client().results(after, spool, wait_s)) as items:
            async for item in items:
                yield item

    async def run_checks(self, specs: Sequence[CheckSpec]) -> AsyncGenerator[CheckResult, None]:
        async with aclosing(self._ready_client().run_checks(specs)) as results:
            async for result in results:
                yield result

    def _ready_client(self) -> ProbeClient:
        if self._client is None and self._failure is not None:
            raise ProbeUnreachable(self._failure.message, self._failure.hint)
        if self._client is None:
            raise ProbeUnreachable(f"The connection to the probe “{self._probe.name}” is being made.")
        return self._client

    async def _connect(self) -> None:
        secrets = self._secrets
        if isinstance(secrets, SecretStore):
            secrets = await asyncio.to_thread(secrets.load, self._probe.id)
        if self._probe.transport is Transport.DIRECT:
            context = await asyncio.to_thread(pinned_context, self._access.certificate)
            address = f"[{self._access.address}]" if ":" in self._access.address else self._access.address
            base_url = f"https://{address}:{self._access.service_port}"
            self._client = ProbeClient(self._probe, base_url, secrets.token, verify=context, now_ms=self._now_ms)
            return
        if secrets.private_key is None:
            raise ProbeUnauthorised("The key of this probe is not on this computer.", "Set the probe up again.")
        self._tunnel = Tunnel(self._access, secrets.private_key)
        await self._tunnel.connect()
        base_url = f"http://127.0.0.1:{self._access.service_port}"
        transport = TunnelTransport(self._tunnel)
        self._client = ProbeClient(self._probe, base_url, secrets.token, transport=transport, now_ms=self._now_ms)

    async def _look(self) -> None:
        try:
            async with self._turn:
                if self._client is not None and not await self._stands():
                    _log.info("the way to the probe %s did not survive", self._probe.name)
                    await self._break_off()
        except ProbeError as exc:  # it answers; the collector hears the same
            _log.info("the probe %s: %s", self._probe.name, exc)
        finally:
            self._looking = None

    async def _stands(self) -> bool:
        """Whether the probe answers by the way that was made. Raises what it answers with if that is an error."""
        assert self._client is not None
        if self._tunnel is not None and not self._tunnel.is_alive:
            return False
        try:
            async with asyncio.timeout(self._look_s):
                await self._client.status()
        except (TimeoutError, ProbeUnreachable):
            return False
        return True

    async def _break_off(self) -> None:
        client, self._client = self._client, None
        tunnel, self._tunnel = self._tunnel, None
        if client is not None:
            await client.close()
        if tunnel is not None:
            await tunnel.close()


def pinned_context(certificate: str | None) -> ssl.SSLContext:
    """Return a context that trusts this one certificate (PEM) and nobody else. Raises ProbeUnauthorised.

    The name in it does not matter: whoever has its key is the probe, wherever its host is reached.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=certificate or "")
    except (ssl.SSLError, ValueError) as exc:
        raise ProbeUnauthorised("The certificate of this probe cannot be read.", "Set the probe up again.") from exc
    return context
