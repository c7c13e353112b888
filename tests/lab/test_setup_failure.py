"""Setups that cannot or must not come to an end: each says why in a sentence, and leaves the host as it was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pingmon_probe.protocol import Plan

from pingmon_gui.domain.error import (
    AuthFailed,
    HostKeyChanged,
    PreflightFailed,
    ProbeError,
    ProvisionError,
    SshUnreachable,
    UserCancelled,
)
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.provision.enrolment import Enrolment
from pingmon_gui.provision.progress import StepProgress, StepState
from pingmon_gui.provision.prompt import SecretKind
from tests.lab.conftest import NewHost
from tests.lab.host import Host, HostKind
from tests.lab.lab import Lab
from tests.lab.place import run
from tests.lab.setting_up import App, Person, measure
from tests.lab.trace import differences, trace

pytestmark = pytest.mark.lab
_PLAIN = HostKind(init="none")


@dataclass(frozen=True)
class Trouble:
    """A host that a probe cannot be set up on, the words that say so, and what is asked for beside the host.

    `secrets` are typed where sudo asks; `spoil` makes of the host what its kind does not.
    """

    kind: HostKind
    error: type[ProvisionError]
    words: str
    user: str = "ops"
    wanted: dict[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    spoil: Callable[[Host], object] = lambda _host: None


def _end_users_processes(host: Host) -> None:
    host.write("etc/systemd/logind.conf.d/lab.conf", "[Login]\nKillUserProcesses=yes\n")
    host.run("systemctl", "restart", "systemd-logind")


def _put_old_python(host: Host) -> None:
    """Put a Python that answers the question for its version as 3.8 does: the probe needs a newer one."""
    host.write("usr/bin/python3", "#!/bin/sh\necho '3.8.10 0.0  /usr/bin/python3'\nexit 4\n", 0o755)


_TROUBLES = {
    "disk full": Trouble(HostKind(init="none", is_disk_full=True), PreflightFailed, "MB left"),
    "home read-only": Trouble(HostKind(init="none", is_home_read_only=True), PreflightFailed, "home folder", "plain"),
    "no python, no sudo": Trouble(HostKind(init="none", has_python=False), PreflightFailed, "no Python 3", "plain"),
    "python too old": Trouble(
        HostKind(init="none", has_python=False),
        PreflightFailed,
        "newest Python of this host is 3.8.10",
        spoil=_put_old_python,
    ),
    "sudo password wrong": Trouble(
        _PLAIN, AuthFailed, "refused the password 3 times", "careful", secrets=("a", "b", "c")
    ),
    "no lingering, and processes end at logout": Trouble(
        HostKind(may_linger=False),
        PreflightFailed,
        "ends all processes of plain at logout",
        "plain",
        spoil=_end_users_processes,
    ),
    "clock 3 hours off": Trouble(
        HostKind(init="none", clock_offset_s=-3 * 3600), PreflightFailed, "3 hours behind this computer"
    ),
    "forwarding off": Trouble(
        HostKind(init="none", sshd=("AllowTcpForwarding no",)), PreflightFailed, "“AllowTcpForwarding no”"
    ),
    "only some users": Trouble(
        HostKind(init="none", sshd=("AllowUsers ops root",)), PreflightFailed, "“AllowUsers ops root”"
    ),
    "wrong user": Trouble(_PLAIN, AuthFailed, "nobody-of-that-name", "nobody-of-that-name"),
    "closed port": Trouble(_PLAIN, SshUnreachable, "2222", wanted={"port": 2222}),
}


@pytest.mark.parametrize("trouble", _TROUBLES.values(), ids=_TROUBLES.keys())
def test_host_that_is_not_fit_is_told_why_and_left_alone(
    lab: Lab, new_host: NewHost, tmp_path: Path, trouble: Trouble
) -> None:
    host = new_host(trouble.kind)
    host.wait_until_up()
    trouble.spoil(host)
    before = trace(host)
    person = Person({SecretKind.SUDO: list(trouble.secrets)})

    with pytest.raises(trouble.error) as caught:
        asyncio.run(App(lab, tmp_path, person=person).set_up(host, trouble.user, **trouble.wanted))

    assert trouble.words in str(caught.value)
    assert caught.value.hint and caught.value.host
    assert differences(before, trace(host)) == []


def test_unknown_name_is_told(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(SshUnreachable, match=r"nowhere\.lab\.test"):
        asyncio.run(App(lab, tmp_path).set_up(_named(lab, "nowhere.lab.test")))


def test_host_that_is_off_is_told(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(_PLAIN)
    config = tmp_path / "config"
    config.write_text(f"Host *\n  ConnectTimeout 1\nInclude {lab.ssh_config}\n")
    lab.network.cut(host.name)

    with pytest.raises(SshUnreachable) as caught:
        asyncio.run(App(lab, tmp_path).set_up(host, ssh_config=config))
    assert host.address in str(caught.value)


def test_refused_key_is_told(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "stranger")
    config = tmp_path / "config"
    text = lab.ssh_config.read_text()
    config.write_text("\n".join(line for line in text.splitlines() if "IdentityFile" not in line))

    with pytest.raises(AuthFailed):
        asyncio.run(App(lab, tmp_path).set_up(host, ssh_config=config, identity=tmp_path / "stranger"))


def test_changed_host_key_stops_everything(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host, other = new_host(_PLAIN), new_host(_PLAIN)
    host.wait_until_up()
    config = tmp_path / "config"
    known = tmp_path / "known_hosts_of_before"
    known.write_text(f"{host.address} {other.host_key}\n")
    config.write_text(lab.ssh_config.read_text().replace(str(lab.known_hosts), str(known)))
    before = trace(host)

    with pytest.raises(HostKeyChanged):
        asyncio.run(App(lab, tmp_path).set_up(host, ssh_config=config))
    assert differences(before, trace(host)) == []


@pytest.mark.parametrize(("kind", "user"), [(HostKind(), "ops"), (_PLAIN, "plain")])
def test_cancel_at_any_step_leaves_the_host_as_found(
    lab: Lab, new_host: NewHost, tmp_path: Path, kind: HostKind, user: str
) -> None:
    host = new_host(kind)
    host.wait_until_up()
    before = trace(host)
    app = App(lab, tmp_path)
    asyncio.run(app.attempt(host, user, is_dry_run=True))
    steps = [step for step, states in app.states.items() if StepState.PENDING in states]
    assert len(steps) >= 7, steps

    for step in steps:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(_cancelled_at(app, host, user, step))
        assert differences(before, trace(host)) == [], f"cancelled at {step}"


async def _cancelled_at(app: App, host: Host, user: str, step: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    app.on_step = _when(step, StepState.RUNNING, task.cancel)
    await app.set_up(host, user)


def test_probe_that_does_not_answer_is_taken_back(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host()
    host.wait_until_up()
    before = trace(host)

    async def fails(_link: object) -> str:
        raise ProbeError("The probe measures nothing.")

    app = App(lab, tmp_path, check=fails)
    with pytest.raises(ProvisionError) as caught:
        asyncio.run(app.set_up(host))

    assert "The probe measures nothing." in str(caught.value)
    assert (caught.value.step, caught.value.host.startswith("ops@")) == ("reach", True)
    assert any("pingmon-probe" in line for line in caught.value.transcript)
    assert differences(before, trace(host)) == []


def test_host_that_dies_during_the_setup_can_be_set_up_when_it_is_back(
    lab: Lab, new_host: NewHost, tmp_path: Path
) -> None:
    host = new_host()
    host.wait_until_up()
    app = App(lab, tmp_path)
    app.on_step = _when("program", StepState.RUNNING, host.lose_power)
    with pytest.raises(SshUnreachable):
        asyncio.run(app.set_up(host))

    host.start()
    host.wait_until_up()
    app.on_step = lambda _progress: None
    enrolment = asyncio.run(app.set_up(host))
    assert asyncio.run(measure(enrolment)).http_status == 200


def test_two_apps_at_one_host_do_not_get_in_each_others_way(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host()
    host.wait_until_up()
    apps = [App(lab, tmp_path / name, owner=name) for name in ("one", "other")]

    async def both() -> list[object]:
        return await asyncio.gather(*(app.set_up(host) for app in apps), return_exceptions=True)

    outcomes = asyncio.run(both())
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(failed) == 1 and isinstance(failed[0], ProvisionError), outcomes
    winner = next(outcome for outcome in outcomes if not isinstance(outcome, BaseException))
    assert asyncio.run(measure(winner)).http_status == 200  # type: ignore[arg-type]


def test_probe_of_another_app_is_taken_over_on_yes_only(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    first = asyncio.run(App(lab, tmp_path / "one", owner="one").set_up(host))
    asyncio.run(_put_plan(first, "one"))
    found = trace(host)
    app = App(lab, tmp_path / "other", owner="other")

    with pytest.raises(UserCancelled):
        asyncio.run(app.set_up(host))
    assert differences(found, trace(host)) == []
    assert asyncio.run(measure(first)).http_status == 200

    app.person.agrees = True
    second = asyncio.run(app.set_up(host))
    assert second.probe.access is not None and second.probe.access.is_taken_over
    assert asyncio.run(measure(second)).http_status == 200
    with pytest.raises(ProbeError):
        asyncio.run(measure(first, patience_s=0))


async def _put_plan(enrolment: Enrolment, owner: str) -> None:
    """Give a probe work, and so an owner."""
    probe = RemoteProbe(enrolment.probe, enrolment.secrets)
    try:
        await probe.start()
        await probe.put_plan(Plan(owner=owner, revision=1))
    finally:
        await probe.close()


def _when(step: str, state: StepState, act: Callable[[], object]) -> Callable[[StepProgress], None]:
    def listen(progress: StepProgress) -> None:
        if (progress.step, progress.state) == (step, state):
            act()

    return listen


def _named(lab: Lab, name: str) -> Host:
    """Return a host that is only a name."""
    return Host(name, "", HostKind(), lab.network, lab.network.folder / "nowhere")
