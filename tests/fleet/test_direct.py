"""The direct way to a probe: TLS 1.3 with a pinned certificate, served by a real probe process."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import httpx
import pytest
from pingmon_probe.http_service import HANDSHAKES_BURST
from pingmon_probe.protocol import CheckSpec, Plan

from pingmon_gui.domain.error import ProbeUnauthorised, ProbeUnreachable
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.engine.link import StreamHeader
from pingmon_gui.fleet.remote import RemoteProbe, pinned_context
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.certificate import new_certificate
from tests.probe.probe_process import TOKEN, ProbeProcess, target


@dataclass
class Direct:
    process: ProbeProcess
    access: ProbeAccess

    def probe(self, token: str = TOKEN, **changed: object) -> RemoteProbe:
        access = replace(self.access, **changed)  # type: ignore[arg-type]
        return RemoteProbe(
            Probe(new_probe_id(), "Test", Region.EU, Transport.DIRECT, access), ProbeSecrets(Token(token))
        )


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Direct]:
    folder = tmp_path_factory.mktemp("direct")
    key, certificate = new_certificate()
    (folder / "tls.key").touch(mode=0o600)
    (folder / "tls.key").write_text(key)
    (folder / "tls.crt").write_text(certificate)
    options = ("--tls-cert", str(folder / "tls.crt"), "--tls-key", str(folder / "tls.key"), "--listen", "0.0.0.0:0")
    with ProbeProcess(folder / "spool", *options) as process:
        access = ProbeAccess(
            host="host",
            login_user="ops",
            address="127.0.0.1",
            ssh_port=22,
            tunnel_user="pingmon-probe",
            service_port=process.port,
            host_key="ssh-ed25519 AAAA",
            supervisor=Supervisor.SYSTEMD,
            certificate=certificate,
        )
        yield Direct(process, access)


def test_probe_answers_by_tls_with_plan_checks_and_results(direct: Direct) -> None:
    async def check() -> None:
        probe = direct.probe()
        await probe.start()
        try:
            with target() as url:
                spec = CheckSpec(url=url, monitor=5, version=1, interval_ms=60_000)
                checks = tuple(replace(spec, monitor=n, url=f"{url}{'x' * 200}") for n in range(5, 2_005))
                revision = (await probe.status()).revision + 1
                assert await probe.put_plan(Plan(owner="test", revision=revision, checks=checks)) == revision
                async with aclosing(probe.run_checks(checks[:300])) as results:
                    assert [result.http_status async for result in results] == [200] * 300
                async with aclosing(probe.results(0, None, 5.0)) as items:
                    header = await anext(items)
                    assert isinstance(header, StreamHeader)
        finally:
            await probe.close()

    asyncio.run(check())


def test_another_certificate_is_refused_before_the_token_is_sent(direct: Direct) -> None:
    async def check() -> None:
        probe = direct.probe(certificate=new_certificate()[1])
        await probe.start()
        with pytest.raises(ProbeUnreachable):
            await probe.status()
        await probe.close()

    asyncio.run(check())


def test_wrong_token_is_refused(direct: Direct) -> None:
    async def check() -> None:
        probe = direct.probe("another-token-than-that-one")
        await probe.start()
        with pytest.raises(ProbeUnauthorised, match="refused the token"):
            await probe.status()
        await probe.close()

    asyncio.run(check())


def test_certificate_that_cannot_be_read_says_to_set_up_again() -> None:
    for text in (None, "", "nonsense"):
        with pytest.raises(ProbeUnauthorised, match="certificate of this probe cannot be read"):
            pinned_context(text)


def test_older_tls_and_plain_http_get_nothing(direct: Direct) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", direct.process.port), 10) as sock,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(sock)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{direct.process.port}/v1/status", timeout=10)


def test_flood_of_connections_has_to_wait_and_everybody_is_served(direct: Direct) -> None:
    """Strangers cannot have the measuring loop compute handshakes without end."""
    context = pinned_context(direct.access.certificate)
    began_s = time.monotonic()
    done = 0
    for _ in range(HANDSHAKES_BURST + 5):
        with socket.create_connection(("127.0.0.1", direct.process.port), 30) as sock:
            sock.settimeout(30)
            with context.wrap_socket(sock):
                done += 1
    assert done == HANDSHAKES_BURST + 5
    assert time.monotonic() - began_s > 0.2  # some had to wait
    with direct.process.new_client(verify=context) as client:
        assert client.get("/v1/status").status_code == 200
