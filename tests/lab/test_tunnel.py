"""Probes on real hosts, reached by real SSH: what the restricted key opens, cut links, and forbidden targets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from pingmon_probe.protocol import CheckResult, CheckSpec

from pingmon_gui.domain.error import ProbeUnauthorised
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.probe import Probe, ProbeState
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.session import Session
from tests.lab.conftest import NewHost, Ssh
from tests.lab.hand_made import PORT, put_probe
from tests.lab.host import HostKind
from tests.lab.lab import METADATA, PRIVATE, Lab
from tests.lab.network import v4
from tests.lab.target import ZONE, Page
from tests.lab.waiting import PATIENCE_S, until

pytestmark = pytest.mark.lab
_PLAIN = HostKind(init="none")


async def measure(probe: RemoteProbe, *urls: str) -> dict[str, CheckResult]:
    """Run one check of each address at once; return the results by address."""
    specs = [CheckSpec(url=url, monitor=number) for number, url in enumerate(urls, 1)]
    async with aclosing(probe.run_checks(specs)) as results:
        return {urls[result.monitor - 1]: result async for result in results}


def with_probe(
    host_probe: tuple[Probe, ProbeSecrets], test: Callable[[RemoteProbe], Coroutine[object, object, None]]
) -> None:
    async def whole() -> None:
        probe = RemoteProbe(*host_probe)
        try:
            await probe.start()
            await test(probe)
        finally:
            await probe.close()

    asyncio.run(whole())


def test_probe_measures_from_where_it_is(lab: Lab, new_host: NewHost) -> None:
    host = new_host(_PLAIN, rtt_ms=40)
    host.wait_until_up()

    async def check(probe: RemoteProbe) -> None:
        urls = [f"https://shop4.{ZONE}/", f"http://shop6.{ZONE}/", "http://29.77.0.250/"]
        results = await measure(probe, *urls)
        assert [results[url].failure for url in urls] == [None, None, "connect_timeout"]
        assert (results[urls[0]].connect_ms or 0) >= 40
        assert host.address in {hit.client for hit in lab.target.hits() if hit.host == f"shop4.{ZONE}"}

    with_probe(put_probe(host), check)


def test_private_metadata_mapped_and_rebinding_targets_are_refused_unasked(lab: Lab, new_host: NewHost) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    lab.target.set_page("/inward", Page(status=302, location=f"http://{PRIVATE}/from-a-redirect"))
    lab.target.set_page("/turning", Page(status=302, location=f"http://turning.{ZONE}/again"))
    lab.target.set_name("turning", [v4(100)], [PRIVATE])
    urls = [
        f"http://{PRIVATE}/direct",
        f"http://{METADATA}/latest/meta-data/",
        f"http://private.{ZONE}/named",
        f"http://mapped.{ZONE}/mapped",
        f"http://[::ffff:{PRIVATE}]/mapped",
        "http://127.0.0.1:22/",
        f"http://shop4.{ZONE}/inward",
        f"http://turning.{ZONE}/turning",
    ]

    async def check(probe: RemoteProbe) -> None:
        # The website is there for whoever may ask; only the probe's refusal keeps it from being asked.
        before = len(lab.target.hits())
        results = await measure(probe, *urls)
        assert {url: results[url].failure for url in urls} == dict.fromkeys(urls, "refused_target")
        asked = [hit for hit in lab.target.hits()[before:] if hit.client == host.address]
        assert {hit.server for hit in asked} == {v4(100)}

    with_probe(put_probe(host), check)


def test_probe_that_may_measures_private_targets(new_host: NewHost) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()

    async def check(probe: RemoteProbe) -> None:
        results = await measure(probe, f"http://{PRIVATE}/", f"http://private.{ZONE}/")
        assert {result.http_status for result in results.values()} == {200}

    with_probe(put_probe(host, "--allow-private"), check)


def test_restricted_key_gives_no_shell_and_no_command(new_host: NewHost, ssh: Ssh, tmp_path: Path) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    _probe, secrets = put_probe(host)
    key = tmp_path / "key"
    key.write_text(secrets.private_key or "")
    key.chmod(0o600)
    as_probe = ("-o", f"IdentityFile={key}", "-o", "User=pingmon-probe")

    for command, options in (("id", ()), ("", ("-tt",)), ("sftp", ("-s",))):
        ended = ssh(host.name, command, *as_probe, *options, stdin="id\n")
        assert ended.returncode != 0
        assert "uid=" not in ended.stdout


def test_restricted_key_opens_one_port_and_no_way_back(new_host: NewHost, ssh: Ssh, tmp_path: Path) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    _probe, secrets = put_probe(host)
    key = tmp_path / "key"
    key.write_text(secrets.private_key or "")
    key.chmod(0o600)
    settings: tuple[str, ...] = ("LogLevel=INFO", "StrictHostKeyChecking=no", f"UserKnownHostsFile={tmp_path}/known")
    settings += ("ExitOnForwardFailure=yes", "User=pingmon-probe")
    options = ("-F", "none", "-i", str(key), *(word for each in settings for word in ("-o", each)))

    request = "GET /v1/status HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
    assert ssh(host.address, "", *options, "-W", f"127.0.0.1:{PORT}", stdin=request).stdout.startswith("HTTP/1.1 401")
    for place in ("127.0.0.1:22", f"localhost:{PORT}", f"[::1]:{PORT}", f"{v4(100)}:80"):
        refused = ssh(host.address, "", *options, "-W", place, stdin="x")
        assert "administratively prohibited" in refused.stderr, (place, refused)
    # A socket file would be listened on where the probe's user may write; OpenSSH has no option against that alone.
    for forward in ("9999:127.0.0.1:22", "127.0.0.1:9999:127.0.0.1:22", "0"):
        refused = ssh(host.address, "", *options, "-N", "-R", forward)
        assert "remote port forwarding failed" in refused.stderr, (forward, refused)


def test_changed_host_key_is_a_hard_stop(new_host: NewHost) -> None:
    host, impostor = new_host(_PLAIN), new_host(_PLAIN)
    host.wait_until_up()
    impostor.wait_until_up()
    probe, secrets = put_probe(host)
    impostor_key = (impostor.root / "etc/ssh/ssh_host_ed25519_key").read_text()
    host.write("etc/ssh/ssh_host_ed25519_key", impostor_key, 0o600)
    host.run("sh", "-c", "kill $(cat /run/sshd.pid)")  # the host's start script starts it again
    host.wait_until_up()

    with pytest.raises(ProbeUnauthorised, match="another host key"):
        with_probe((probe, secrets), lambda remote: remote.close())


def test_cut_link_is_unknown_and_filled_in_later_without_loss_or_double(
    lab: Lab, new_host: NewHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the website was asked is what is stored in the end: each result once."""
    monkeypatch.setenv("PINGMON_KEYRING", "off")
    host = new_host(_PLAIN, rtt_ms=60)
    host.wait_until_up()
    probe, secrets = put_probe(host)
    paths = [f"/cut-{number}" for number in range(4)]
    for path in paths:
        lab.target.set_page(path, Page())

    def asked() -> int:
        return sum(hit.client == host.address and hit.path in paths for hit in lab.target.hits())

    async def check() -> None:
        session = Session(tmp_path, probes=lambda *_: [])
        await session.start()
        try:
            every_5_s = MonitorSettings(interval_ms=5000)
            drafts = [MonitorDraft(f"http://shop4.{ZONE}{path}", settings=every_5_s) for path in paths]
            monitors = await session.commands.add(drafts)
            await session.enrol(probe, secrets)

            async def stored() -> list[int]:
                """Return the start times of all results, per monitor one after the other."""
                await session.store.flush()
                found = [await session.store.results(each.id, 0, 2**62) for each in monitors]
                times = [series.at_ms for each in found for series in each]
                assert all(len(np.unique(each)) == len(each) for each in times), "a result is there twice"
                return [int(at_ms) for each in times for at_ms in each]

            await until(
                lambda: session.board.probes[probe.id].state is ProbeState.CONNECTED, "the probe is not collected"
            )
            await until(lambda: asked() >= 2 * len(paths), "the probe does not measure")
            lab.network.cut("desk", host.name)
            await until(lambda: session.board.probes[probe.id].state is ProbeState.UNREACHED, "the cut is not noticed")
            assert probe.name in session.board.probes[probe.id].reason
            before, known = asked(), len(await stored())
            await until(lambda: asked() >= before + 2 * len(paths), "the probe stopped with the link")
            assert len(await stored()) == known

            lab.network.heal()
            await until(lambda: session.board.probes[probe.id].state is ProbeState.CONNECTED, "the link does not heal")
            await session.commands.set_paused([each.id for each in monitors], True)
            async with asyncio.timeout(PATIENCE_S):
                while len(await stored()) < asked():  # noqa: ASYNC110 - it happens in other processes
                    await asyncio.sleep(0.1)
            assert len(await stored()) == asked()
        finally:
            await session.stop()

    asyncio.run(check())
