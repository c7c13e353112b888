"""A probe set up for real on this machine: as a user without sudo, by a loop in the shell and a crontab line.

Every step is made to fail in turn, and cancelled in turn: the home is then as it was, byte for byte.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pingmon_probe import __version__

from pingmon_gui.domain.error import (
    HealthCheckFailed,
    PreflightFailed,
    ProvisionError,
    StepFailed,
    StorageFull,
    UserCancelled,
)
from pingmon_gui.domain.probe import Probe, Supervisor
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.engine.link import ProbeLink
from pingmon_gui.fleet.client import ProbeClient
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.acceptance import measure_url
from pingmon_gui.provision.bootstrap import bootstrap
from pingmon_gui.provision.bundle import probe_bundle, version_key
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment
from pingmon_gui.provision.host_python import HostPython
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.known_probe import KnownProbe
from pingmon_gui.provision.progress import Listener, StepState
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.provision.proof import Proof
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.way import OpenHost, Ways
from tests.ports import free_port
from tests.provision.hosts import Events, LocalHost

TARGET = SshTarget(host="local.test", address="127.0.0.1", port=22, user="pat")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEFsbCB6ZXJvcyBhbmQgb25lcywgYXMgdGhleSBhcmU"
CHANGING = ["folders", "program", "secrets", "key", "unit", "service"]


class Asked:
    """A person who answers every question the same way."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.questions: list[str] = []

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        return self.answer

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        raise UserCancelled

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        self.questions.append(question)
        return self.answer


class LocalProbe:
    """A link to the probe on this machine, past SSH."""

    restarts = 0
    problem = None

    def __init__(self, probe: Probe, secrets: ProbeSecrets) -> None:
        assert probe.access is not None
        self.probe = probe
        self._client = ProbeClient(probe, f"http://127.0.0.1:{probe.access.service_port}", secrets.token)
        self.status = self._client.status
        self.put_plan = self._client.put_plan
        self.results = self._client.results
        self.run_checks = self._client.run_checks
        self.close = self._client.close

    async def start(self) -> None:
        await self.status()

    def hurry(self) -> None:
        """Nothing is known of connections here."""


class Desk:
    """One machine, and a Pingmon that sets it up."""

    def __init__(self, host: LocalHost, folder: Path) -> None:
        self.host = host
        self.events = Events()
        self.prompter = Asked()
        self.proof = Proof()
        self.opened = 0
        self.on_check: Callable[[], None] | None = None
        self.on_prove: Callable[[], None] | None = None
        self.known: list[KnownProbe] = []
        self.enrolled: list[Enrolment] = []
        self.on_enrol: Callable[[], None] | None = None
        self.owner = "an-owner"
        self.start_s = 30.0
        self.bundle = probe_bundle()
        self.request = BootstrapRequest("pat@local.test", Region.EU, is_private_allowed=True)
        self._folder = folder
        self.port = free_port()

    async def open_host(self, target: SshTarget, listener: Listener) -> OpenHost:
        self.opened += 1
        self.host.listener = listener
        self.host.is_gone = False
        return OpenHost(self.host, target, HOST_KEY, "SSH-2.0-OpenSSH_9.2")

    async def prove(self, target: SshTarget, private_key: str, port: int, listener: Listener) -> Proof:
        assert (target.user, port) == ("pat", self.port)
        if self.on_prove is not None:
            self.on_prove()
            await asyncio.sleep(0)
        return self.proof

    async def check(self, link: ProbeLink) -> str:
        if self.on_check is not None:
            self.on_check()
            await asyncio.sleep(0)
        return await measure_url(f"http://127.0.0.1:{self.port}/")(link)

    async def bootstrap(self) -> Enrolment | None:
        ways = Ways(lambda _request: TARGET, self.open_host, LocalProbe, self.prove, self.port, self.start_s)
        return await bootstrap(
            self.request,
            known_hosts=KnownHosts(self._folder),
            prompter=self.prompter,
            listener=self.events,
            check=self.check,
            owner=self.owner,
            roll=self,
            bundle=self.bundle,
            known=self.known,
            ways=ways,
        )

    async def enrol(self, enrolment: Enrolment) -> None:
        if self.on_enrol is not None:
            self.on_enrol()
            await asyncio.sleep(0)
        self.enrolled = [*(each for each in self.enrolled if each.probe.id != enrolment.probe.id), enrolment]

    async def forget(self, id_: ProbeId) -> None:
        self.enrolled = [each for each in self.enrolled if each.probe.id != id_]

    def run(self) -> Enrolment:
        enrolment = asyncio.run(self.bootstrap())
        assert enrolment is not None
        return enrolment

    def status(self, secrets: ProbeSecrets) -> dict[str, object]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/status", headers={"Authorization": f"Bearer {secrets.token.reveal()}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            status = json.load(answer)
        assert isinstance(status, dict)
        return status

    async def start(self) -> None:
        folder = f"{self.host.home}/.local/share/pingmon-probe"
        python = HostPython(str(self.host.bin / "python3"), as_root=False)
        await python.start(self.host, ["/bin/sh", f"{folder}/supervise.sh"], folder, None)
        health = await python.health(self.host, self.port, f"{folder}/token", None, 30.0)
        assert health.code == 200

    def stop(self) -> None:
        folder = f"{self.host.home}/.local/share/pingmon-probe"
        python = HostPython(sys.executable, as_root=False)
        self.host.before, self.host.is_gone = None, False
        scripts = [f"{folder}/supervise.sh", f"{folder}/pingmon-probe.pyz"]
        asyncio.run(python.stop(self.host, scripts, 5.0))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    host = LocalHost(tmp_path / "machine")
    (host.home / ".ssh").mkdir(mode=0o700)
    (host.home / ".ssh" / "authorized_keys").write_bytes(b"ssh-ed25519 AAAAmine pat\xe9\n")
    (host.folder / "crontab").write_text("5 4 * * * backup\n")
    desk = Desk(host, tmp_path / "data")
    yield desk
    desk.stop()


def lasting(listing: dict[str, tuple[str, int, bytes]]) -> dict[str, tuple[str, int, bytes]]:
    """Return what a probe that runs does not write itself."""
    return {path: entry for path, entry in listing.items() if "/spool/" not in path and "/log/" not in path}


def test_a_probe_is_set_up_and_measures(desk: Desk) -> None:
    enrolment = desk.run()
    access = enrolment.probe.access
    assert access is not None
    assert (access.supervisor, access.tunnel_user, access.service_port) == (Supervisor.CRON, "pat", desk.port)
    assert (access.host_key, access.login_user, access.address) == (HOST_KEY, "pat", "127.0.0.1")
    assert (enrolment.probe.name, enrolment.probe.region) == ("local.test", Region.EU)
    assert desk.status(enrolment.secrets)["version"] == __version__
    keys = (desk.host.home / ".ssh" / "authorized_keys").read_bytes()
    assert keys.startswith(b"ssh-ed25519 AAAAmine pat\xe9\n")
    assert f'permitopen="127.0.0.1:{desk.port}"'.encode() in keys
    crontab = (desk.host.folder / "crontab").read_text()
    assert crontab.startswith("5 4 * * * backup\n") and "@reboot /bin/sh" in crontab
    states = desk.events.last_states()
    assert [step for step in states if states[step] is StepState.DONE] == [
        "connect",
        "facts",
        "preflight",
        "lock",
        *CHANGING,
        "reach",
        "proof",
        "enrol",
    ]
    assert desk.enrolled == [enrolment]
    said = " ".join(enrolment.summary)
    assert "First result: http://127.0.0.1" in said and "no sudo" in said and "runs as pat" in said
    token = enrolment.secrets.token.reveal()
    assert not any(token in text for text in [*desk.events.lines, *desk.host.ran, said, repr(enrolment)])
    assert not (desk.host.home / ".pingmon-probe.setup").exists()
    assert desk.host.is_closed


def test_setting_up_again_changes_nothing(desk: Desk) -> None:
    first = desk.run()
    pids = desk.status(first.secrets)["spool"]
    before = lasting(desk.host.listing())
    desk.known = [KnownProbe(first.probe, first.secrets)]
    desk.events = Events()
    second = desk.run()
    assert lasting(desk.host.listing()) == before
    assert (second.probe, second.secrets) == (first.probe, first.secrets)
    assert {step: desk.events.last_states()[step] for step in CHANGING} == dict.fromkeys(CHANGING, StepState.UNCHANGED)
    assert desk.status(first.secrets)["spool"] == pids
    assert desk.prompter.questions == []
    assert second.probe.access is not None and not second.probe.access.is_taken_over


def test_a_dry_run_leaves_the_host_alone(desk: Desk) -> None:
    before = desk.host.listing()
    desk.request = replace(desk.request, is_dry_run=True)
    assert asyncio.run(desk.bootstrap()) is None
    assert desk.host.listing() == before
    assert {step: desk.events.last_states()[step] for step in CHANGING} == dict.fromkeys(CHANGING, StepState.PLANNED)


@pytest.mark.parametrize(
    ("way", "step"),
    [
        *(("fails", step) for step in [*CHANGING, "reach", "proof", "enrol"]),
        *(("connection breaks", step) for step in ("key", "service")),
        *(("cancelled", step) for step in ("unit", "service", "proof", "enrol")),
    ],
)
def test_whatever_ends_it_the_host_is_as_it_was(desk: Desk, step: str, way: str) -> None:
    before = desk.host.listing()

    async def main() -> None:
        task = asyncio.create_task(desk.bootstrap())
        end_in(desk, step, way, task)
        if way == "cancelled":
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(ProvisionError) as caught:
                await task
            assert caught.value.transcript and caught.value.host == "pat@local.test"
            assert "not as it was found" not in (caught.value.hint or "")

    asyncio.run(main())
    assert desk.host.listing() == before
    assert desk.enrolled == []
    assert desk.opened == (2 if way == "connection breaks" and step in CHANGING else 1)


def end_in(desk: Desk, step: str, way: str, task: asyncio.Task[Enrolment | None]) -> None:
    """End a run while `step` is at work, as it is about to change something, or to look whether it did."""
    is_over = False

    def end() -> None:
        nonlocal is_over
        if is_over:
            return
        is_over = True
        if way == "cancelled":
            task.cancel()
        elif way == "connection breaks" and step in CHANGING:
            desk.host.is_gone = True
        else:
            raise StepFailed("Made to fail.", "It is a test.")

    def before(words: str) -> None:
        if desk.events.last_states().get(step) is StepState.RUNNING:
            changes = any(mark in words for mark in ("pingmon:put", "pingmon:start", "crontab -"))
            seen.append(words)
            # The first look lets it begin; what it changes comes through, and then it ends.
            if not changes and any("pingmon:put" in word or "pingmon:start" in word for word in seen):
                end()

    seen: list[str] = []
    desk.host.before = before
    desk.on_check = end if step == "reach" else None
    desk.on_prove = end if step == "proof" else None
    desk.on_enrol = end if step == "enrol" else None


@pytest.mark.parametrize("step", ["folders", "key", "service"])
def test_a_step_that_fails_before_it_changes_anything_is_harmless(desk: Desk, step: str) -> None:
    before = desk.host.listing()

    def fail(words: str) -> None:
        if desk.events.last_states().get(step) is StepState.RUNNING and "pingmon:look" not in words:
            desk.host.before = None
            raise StepFailed("Made to fail.")

    desk.host.before = fail
    with pytest.raises(StepFailed) as caught:
        asyncio.run(desk.bootstrap())
    assert caught.value.step == step
    assert desk.host.listing() == before


def test_a_failed_upgrade_leaves_the_old_probe_running(desk: Desk) -> None:
    first = desk.run()
    before = lasting(desk.host.listing())
    spool = desk.status(first.secrets)["spool"]
    desk.known = [KnownProbe(first.probe, first.secrets)]
    desk.bundle = b"#!/usr/bin/env python3\nprint('no probe')\n"
    desk.start_s = 1.0
    with pytest.raises(StepFailed, match="does not run"):
        asyncio.run(desk.bootstrap())
    assert lasting(desk.host.listing()) == before
    status = desk.status(first.secrets)
    assert status["version"] == __version__
    assert status["spool"]["id"] == spool["id"]  # type: ignore[index]


@pytest.mark.parametrize("error", [StorageFull("The disk is full."), OSError(28, "No space left on device")])
def test_a_probe_that_cannot_be_kept_here_is_taken_off_again(desk: Desk, error: Exception) -> None:
    before = desk.host.listing()

    def fail() -> None:
        raise error

    desk.on_enrol = fail
    with pytest.raises(StepFailed) as caught:
        desk.run()
    assert caught.value.step == "enrol" and caught.value.host == "pat@local.test"
    assert desk.host.listing() == before


def test_set_up_again_that_cannot_be_kept_leaves_probe_and_entry_as_they_were(desk: Desk) -> None:
    first = desk.run()
    before = lasting(desk.host.listing())
    desk.known = [KnownProbe(first.probe, first.secrets)]
    desk.request = replace(desk.request, name="Another name")

    def fail() -> None:
        raise StorageFull("The disk is full.")

    desk.on_enrol = fail
    with pytest.raises(StepFailed):
        desk.run()
    assert lasting(desk.host.listing()) == before
    assert desk.enrolled == [first]


def test_a_probe_whose_key_was_lost_here_keeps_its_entry_and_its_spool(desk: Desk) -> None:
    first = desk.run()
    take_plan(desk, first)
    spool = desk.status(first.secrets)["spool"]
    desk.known = [KnownProbe(first.probe, None)]
    second = desk.run()
    assert desk.prompter.questions == []
    assert (second.probe.id, second.probe.name) == (first.probe.id, first.probe.name)
    assert second.secrets.token.reveal() != first.secrets.token.reveal()
    assert desk.status(second.secrets)["spool"]["id"] == spool["id"]  # type: ignore[index]


def test_a_probe_that_another_pingmon_took_comes_back_to_its_entry_on_yes(desk: Desk) -> None:
    first = desk.run()
    take_plan(desk, first)
    desk.owner, desk.known = "another-owner", []
    second = desk.run()
    take_plan(desk, second, "another-owner")
    desk.owner, desk.known = "an-owner", [KnownProbe(first.probe, first.secrets)]
    desk.prompter = Asked(True)
    third = desk.run()
    assert "works for another Pingmon" in desk.prompter.questions[0]
    assert third.probe.id == first.probe.id != second.probe.id
    assert third.probe.access is not None and third.probe.access.is_taken_over


def test_a_probe_that_nobody_claimed_yet_is_asked_about(desk: Desk) -> None:
    desk.run()
    desk.owner, desk.known = "another-owner", []
    desk.prompter = Asked(False)
    with pytest.raises(UserCancelled):
        desk.run()
    assert "does not say for whom it works" in desk.prompter.questions[0]


def test_a_probe_of_another_pingmon_is_taken_over_on_yes(desk: Desk) -> None:
    first = desk.run()
    take_plan(desk, first)
    desk.owner = "another-owner"
    desk.prompter = Asked(False)
    before = lasting(desk.host.listing())
    with pytest.raises(UserCancelled):
        desk.run()
    assert lasting(desk.host.listing()) == before
    desk.prompter = Asked(True)
    second = desk.run()
    assert second.probe.access is not None and second.probe.access.is_taken_over
    assert "works for another Pingmon" in desk.prompter.questions[0]
    assert second.secrets.token.reveal() != first.secrets.token.reveal()
    assert desk.status(second.secrets)["spool"]["id"] == desk.status(second.secrets)["spool"]["id"]  # type: ignore[index]
    keys = (desk.host.home / ".ssh" / "authorized_keys").read_text("latin-1")
    assert keys.count("permitopen") == 1


def take_plan(desk: Desk, enrolment: Enrolment, owner: str = "an-owner") -> None:
    body = json.dumps({"owner": owner, "revision": 1, "checks": [], "take_over": True}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{desk.port}/v1/plan", body, method="PUT")
    request.add_header("Authorization", f"Bearer {enrolment.secrets.token.reveal()}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_a_newer_probe_is_left_as_it_is(desk: Desk) -> None:
    first = desk.run()
    newer = probe_of_version("99.0.1")
    program = desk.host.home / ".local/share/pingmon-probe/pingmon-probe.pyz"
    program.write_bytes(newer)
    desk.stop()
    desk.known = [KnownProbe(first.probe, first.secrets)]
    # It is started by the run, which first has to learn its version from the one that answers.
    asyncio.run(desk.start())
    enrolment = desk.run()
    assert program.read_bytes() == newer
    assert "99.0.1" in " ".join(enrolment.summary)
    assert desk.events.last_states()["service"] is StepState.UNCHANGED


def test_an_older_probe_is_upgraded(desk: Desk) -> None:
    desk.bundle = probe_of_version("0.0.1")
    program = desk.host.home / ".local/share/pingmon-probe/pingmon-probe.pyz"
    first_bundle, desk.bundle = desk.bundle, probe_bundle()
    first = desk.run()
    program.write_bytes(first_bundle)
    desk.stop()
    asyncio.run(desk.start())
    assert desk.status(first.secrets)["version"] == "0.0.1"
    desk.known = [KnownProbe(first.probe, first.secrets)]
    second = desk.run()
    assert program.read_bytes() == probe_bundle()
    assert desk.status(second.secrets)["version"] == __version__


def probe_of_version(version: str) -> bytes:
    """Return the probe's file with another version in it."""
    source = io.BytesIO(probe_bundle())
    target = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "pingmon_probe/__init__.py":
                text = text.replace(f'"{__version__}"'.encode(), f'"{version}"'.encode())
            new.writestr(name, text)
    return target.getvalue()


def test_a_key_that_can_do_more_is_refused_or_accepted_by_name(desk: Desk) -> None:
    before = desk.host.listing()
    desk.proof = Proof(("run commands",))
    desk.prompter = Asked(False)
    with pytest.raises(HealthCheckFailed, match="run commands"):
        desk.run()
    assert desk.host.listing() == before
    desk.prompter = Asked(True)
    assert "Accepted: the app's key may also run commands." in desk.run().summary


def test_two_set_ups_at_once_do_not_mix(desk: Desk) -> None:
    (desk.host.home / ".pingmon-probe.setup").mkdir()
    before = desk.host.listing()
    with pytest.raises(StepFailed, match="Another Pingmon is setting up"):
        desk.run()
    assert desk.host.listing() == before


def test_a_lock_of_long_ago_does_not_count(desk: Desk) -> None:
    lock = desk.host.home / ".pingmon-probe.setup"
    lock.mkdir()
    os.utime(lock, (1, 1))
    desk.run()
    assert not lock.exists()


def test_what_is_in_the_way_ends_it_before_anything_is_changed(desk: Desk) -> None:
    (desk.host.bin / "python3").unlink()
    desk.host.program("python3", "#!/bin/sh\nexit 1\n")
    for minor in range(9, 15):
        desk.host.program(f"python3.{minor}", "#!/bin/sh\nexit 1\n")
    before = desk.host.listing()
    with pytest.raises(PreflightFailed, match="Python") as caught:
        desk.run()
    assert caught.value.step == "preflight"
    assert caught.value.host == "pat@local.test"
    assert desk.host.listing() == before


@pytest.mark.parametrize(("older", "newer"), [("0.1.0", "0.1.1"), ("0.9.0", "0.10.0"), ("0.1", "0.1.1")])
def test_versions_are_ordered_by_number(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)
