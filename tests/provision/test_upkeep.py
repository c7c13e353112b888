"""Upgrade, restart, log, doctor and removal of a probe that runs for real in a sandboxed home on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from pingmon_probe import __version__

from pingmon_gui.domain.error import PreflightFailed, SshUnreachable, StepFailed
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.key_pair import new_key_pair
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision import upgrade as upkeep
from pingmon_gui.provision.bundle import probe_bundle
from pingmon_gui.provision.doctor import Finding, diagnose
from pingmon_gui.provision.enrolment import Enrolment
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.progress import Listener, StepState
from pingmon_gui.provision.removal import remove
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.way import Ways
from tests.provision.hosts import LocalHost
from tests.provision.test_bootstrap import TARGET, Desk, LocalProbe, desk, lasting, probe_of_version, take_plan

T = TypeVar("T")
__all__ = ["desk"]


@dataclass
class Home:
    """A desk with a probe that was set up from it."""

    desk: Desk
    enrolment: Enrolment
    before: dict[str, tuple[str, int, bytes]]

    @property
    def probe(self) -> Probe:
        return self.enrolment.probe

    def do(self, verb: Callable[..., Awaitable[T]], *words: object, **options: object) -> T:
        """Carry a verb out on the probe."""
        desk = self.desk
        ways = Ways(lambda _request: TARGET, desk.open_host, LocalProbe, desk.prove, desk.port, desk.start_s)

        async def whole() -> T:
            return await verb(
                self.probe,
                *words,
                known_hosts=KnownHosts(desk.host.folder),
                prompter=desk.prompter,
                listener=desk.events,
                ways=ways,
                **options,
            )

        return asyncio.run(whole())

    def upgrade(self, bundle: bytes) -> tuple[str, ...]:
        return self.do(upkeep.upgrade, **self._ours, bundle=bundle)

    def restart(self, **options: Any) -> tuple[str, ...]:
        return self.do(upkeep.restart, **{**self._ours, **options})

    def remove(self, **options: Any) -> tuple[str, ...]:
        return self.do(remove, **{**self._ours, **options})

    def diagnose(self, **options: Any) -> list[Finding]:
        return self.do(diagnose, **{**self._ours, **options})

    def status(self) -> dict[str, Any]:
        return self.desk.status(self.enrolment.secrets)

    @property
    def _ours(self) -> dict[str, Any]:
        return {"secrets": self.enrolment.secrets, "owner": "an-owner"}

    @property
    def program(self) -> bytes:
        return self.file("pingmon-probe.pyz").read_bytes()

    def file(self, name: str) -> Any:
        return self.desk.host.home / ".local/share/pingmon-probe" / name


@pytest.fixture
def own(desk: Desk) -> Home:
    before = desk.host.listing()
    return Home(desk, desk.run(), before)


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One home for the tests that leave the probe as it is."""
    folder = tmp_path_factory.mktemp("well")
    desk = Desk(LocalHost(folder / "machine"), folder / "data")
    yield Home(desk, desk.run(), {})
    desk.stop()


def test_upgrade_keeps_the_previous_one_and_the_spool(own: Home) -> None:
    old = probe_of_version("0.0.1")
    own.file("pingmon-probe.pyz").write_bytes(old)
    own.desk.stop()
    asyncio.run(own.desk.start())
    spool = own.status()["spool"]["id"]
    said = own.upgrade(probe_bundle())
    assert said == (f"The probe “local.test” was upgraded from version 0.0.1 to {__version__}.",)
    assert own.program == probe_bundle()
    assert own.file("pingmon-probe.pyz.previous").read_bytes() == old
    assert (own.status()["version"], own.status()["spool"]["id"]) == (__version__, spool)
    unchanged = lasting(own.desk.host.listing())
    assert own.upgrade(probe_bundle()) == (f"The probe “local.test” is version {__version__} already.",)
    assert lasting(own.desk.host.listing()) == unchanged


def test_upgrade_that_is_not_healthy_is_rolled_back(own: Home) -> None:
    before = lasting(own.desk.host.listing())
    own.desk.start_s = 1.0
    with pytest.raises(StepFailed, match="does not run") as caught:
        own.upgrade(b"#!/usr/bin/env python3\nraise SystemExit('no probe')\n")
    assert "no probe" in (caught.value.hint or "")
    assert lasting(own.desk.host.listing()) == before
    assert own.status()["version"] == __version__


def test_upgrade_never_goes_back_to_an_older_version(own: Home) -> None:
    own.file("pingmon-probe.pyz").write_bytes(probe_of_version("99.0.0"))
    own.desk.stop()
    asyncio.run(own.desk.start())
    with pytest.raises(PreflightFailed, match=r"99\.0\.0, newer than this Pingmon"):
        own.upgrade(probe_bundle())


def test_restart_starts_another_process(well: Home) -> None:
    first = well.status()["monotonic_ms"]
    assert well.restart() == ("The probe “local.test” was restarted.",)
    assert well.status()["spool"]["id"] and well.status()["monotonic_ms"] >= first
    assert "pingmon:start" in " ".join(well.desk.host.ran)


def test_logs_are_the_last_lines(well: Home) -> None:
    well.file("log/probe.log").write_text("one\ntwo\nthree\n")
    assert well.do(upkeep.logs, 2) == ["two", "three"]


def test_removal_leaves_nothing_behind(own: Home) -> None:
    said = own.remove()
    assert said[0].startswith("The probe was removed from pat@local.test")
    assert own.desk.host.listing() == own.before
    with pytest.raises(OSError, match="refused"):
        own.status()
    # A second time there is nothing to do, and nothing wrong.
    own.desk.events.all.clear()
    own.remove()
    states = own.desk.events.last_states()
    assert {states[step] for step in ("service", "key", "files")} == {StepState.UNCHANGED}
    assert own.desk.host.listing() == own.before


def test_removal_that_broke_off_goes_on(own: Home) -> None:
    host = own.desk.host

    def cut(words: str) -> None:
        if "pingmon:remove" in words:
            host.is_gone = True

    host.before = cut
    with pytest.raises(SshUnreachable):
        own.remove()
    host.before = None
    host.is_gone = False
    # The lock of the run that broke off names the server's process of its connection, which is gone.
    (host.home / ".pingmon-probe.setup" / "by").write_text(f"mark {2**22 + 1}\n")
    own.remove()
    assert host.listing() == own.before


def test_a_probe_that_works_for_another_pingmon_by_now_is_not_removed(own: Home) -> None:
    take_plan(own.desk, own.enrolment, "another-owner")
    before = lasting(own.desk.host.listing())
    with pytest.raises(PreflightFailed, match="works for another Pingmon"):
        own.remove()
    assert lasting(own.desk.host.listing()) == before
    assert own.status()["version"] == __version__


def test_a_probe_that_works_for_another_pingmon_by_now_is_neither_restarted_nor_upgraded(own: Home) -> None:
    take_plan(own.desk, own.enrolment, "another-owner")
    before = lasting(own.desk.host.listing())
    own.desk.host.ran.clear()
    for change in (own.restart, lambda: own.upgrade(probe_bundle())):
        with pytest.raises(PreflightFailed, match="works for another Pingmon") as caught:
            change()
        assert (caught.value.hint or "").endswith("which takes it over.")
    assert "pingmon:start" not in " ".join(own.desk.host.ran)
    assert lasting(own.desk.host.listing()) == before


def test_a_probe_whose_key_is_lost_here_is_restarted_but_not_one_that_lets_another_pingmon_in(own: Home) -> None:
    assert own.restart(secrets=None) == ("The probe “local.test” was restarted.",)
    theirs = ProbeSecrets(own.enrolment.secrets.token, new_key_pair()[0])
    with pytest.raises(PreflightFailed, match="works for another Pingmon"):
        own.restart(secrets=theirs)


def test_a_probe_that_another_pingmon_set_up_again_is_not_removed_and_told_as_that(own: Home) -> None:
    """Before that one's first plan the probe does not say for whom it works; whose key it lets in tells."""
    theirs = ProbeSecrets(own.enrolment.secrets.token, new_key_pair()[0])
    before = lasting(own.desk.host.listing())
    with pytest.raises(PreflightFailed, match="works for another Pingmon"):
        own.remove(secrets=theirs)
    assert lasting(own.desk.host.listing()) == before
    own.desk.stop()
    causes = " ".join(finding.cause for finding in own.diagnose(secrets=theirs))
    assert "lets another Pingmon in and not this one" in causes


def test_a_dry_removal_only_tells(well: Home) -> None:
    before = lasting(well.desk.host.listing())
    well.remove(is_dry_run=True)
    assert lasting(well.desk.host.listing()) == before
    assert well.desk.events.last_states()["files"] is StepState.PLANNED


def test_doctor_finds_nothing_wrong_with_a_probe_that_is_well(well: Home) -> None:
    visits = well.desk.opened
    assert well.diagnose() == []
    assert well.desk.opened == visits


def test_doctor_names_a_probe_that_does_not_run(own: Home) -> None:
    own.desk.stop()
    first = own.diagnose()[0]
    assert first.cause.startswith("The probe does not run on pat@local.test.")
    assert first.cure == "Restart the probe."


def test_doctor_names_what_is_missing(own: Home) -> None:
    own.desk.stop()
    own.file("token").unlink()
    assert any("/token is missing on pat@local.test" in finding.cause for finding in own.diagnose())
    own.remove()
    assert "has no probe any more" in own.diagnose()[0].cause


def test_doctor_names_a_lost_key_and_a_lost_crontab(own: Home) -> None:
    (own.desk.host.folder / "crontab").write_text("")
    (own.desk.host.home / ".ssh" / "authorized_keys").write_text("")
    own.desk.stop()
    causes = " ".join(finding.cause for finding in own.diagnose())
    assert "does not start after a reboot" in causes
    assert "The app's key is not, or no longer, in" in causes


def test_doctor_names_another_owner_and_an_old_version(own: Home) -> None:
    take_plan(own.desk, own.enrolment)
    causes = [finding.cause for finding in own.diagnose(owner="somebody else")]
    assert causes == ["The probe “local.test” works for another Pingmon."]
    own.file("pingmon-probe.pyz").write_bytes(probe_of_version("0.0.1"))
    own.desk.stop()
    asyncio.run(own.desk.start())
    assert [finding.cause for finding in own.diagnose()] == [f"It is version 0.0.1, this Pingmon brings {__version__}."]


def test_doctor_names_a_port_that_another_program_took(own: Home) -> None:
    own.desk.stop()

    async def whole() -> None:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", own.desk.port)
        async with server:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(None, own.diagnose)
        assert f"another program listens on its port {own.desk.port}" in found[0].cause

    asyncio.run(whole())


def test_doctor_says_what_keeps_it_from_the_host(own: Home) -> None:
    own.desk.stop()

    async def refuse(target: SshTarget, listener: Listener) -> Any:
        raise SshUnreachable("vps.example does not answer.", "Is it up?")

    own.desk.open_host = refuse  # type: ignore[method-assign]
    assert own.diagnose()[0] == Finding("vps.example does not answer.", "Is it up?")


def test_doctor_without_the_key_says_so(well: Home) -> None:
    causes = [finding.cause for finding in well.diagnose(secrets=None)]
    assert causes == ["The key of this probe is not on this computer, or the system's keyring is locked."]


def test_the_embedded_probe_has_no_host_to_change(well: Home) -> None:
    embedded = Home(well.desk, replace(well.enrolment, probe=Probe(EMBEDDED_PROBE, "This computer", Region.LOCAL)), {})
    with pytest.raises(PreflightFailed, match="runs in this Pingmon itself"):
        embedded.remove()
