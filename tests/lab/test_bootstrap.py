"""Probes set up on real hosts: every layout from nothing to a first result, again, over a reboot, and to nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from pingmon_gui.domain.error import HealthCheckFailed, PreflightFailed
from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.provision.enrolment import Enrolment
from pingmon_gui.provision.layout import DEFAULT_PORT
from pingmon_gui.provision.progress import StepState
from pingmon_gui.provision.prompt import SecretKind
from tests.lab import roots
from tests.lab.conftest import NewHost, Ssh
from tests.lab.host import HostKind
from tests.lab.lab import REGION_RTT_MS, Lab
from tests.lab.setting_up import TARGET, App, Person, measure
from tests.lab.trace import differences, trace
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab
_SYSTEMD = HostKind()
_PLAIN = HostKind(init="none")
_ONE_SESSION = HostKind(init="none", sshd=("MaxSessions 1",))
_NO_FORWARDING = HostKind(sshd=("AllowTcpForwarding no",))
#: The steps that change a host where there is something to change.
_CHANGING = ("account", "folders", "program", "secrets", "key", "unit", "linger", "service")


@dataclass(frozen=True)
class Case:
    """A host, a login on it, and what is to keep the probe running then."""

    kind: HostKind
    user: str
    supervisor: Supervisor
    transport: Transport = Transport.TUNNEL
    is_ipv6: bool = False


CASES = {
    "sudo, systemd, dash, /tmp runs nothing": Case(HostKind(is_tmp_noexec=True), "dasher", Supervisor.SYSTEMD),
    "root, no systemd": Case(_PLAIN, "root", Supervisor.CRON),
    "sudo with a password, systemd": Case(_SYSTEMD, "careful", Supervisor.SYSTEMD),
    "no sudo, systemd": Case(_SYSTEMD, "plain", Supervisor.SYSTEMD_USER),
    "no sudo, no lingering": Case(HostKind(may_linger=False), "plain", Supervisor.CRON),
    "no sudo, no systemd": Case(HostKind(init="none", has_sudo=False), "plain", Supervisor.CRON),
    "fish, no systemd": Case(_PLAIN, "fisher", Supervisor.CRON),
    "noisy start-up files, one session at a time": Case(_ONE_SESSION, "noisy", Supervisor.CRON),
    "direct, zsh, forwarding forbidden": Case(_NO_FORWARDING, "zed", Supervisor.SYSTEMD, Transport.DIRECT),
    "direct by IPv6, no sudo, no systemd": Case(_PLAIN, "plain", Supervisor.CRON, Transport.DIRECT, is_ipv6=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_probe_is_set_up_twice_survives_a_reboot_and_leaves_no_trace(
    lab: Lab, new_host: NewHost, ssh: Ssh, tmp_path: Path, case: Case
) -> None:
    host = new_host(case.kind)
    host.wait_until_up()
    ssh(f"{case.user}@{host.name}", "true")  # fish makes itself folders at the first login
    before = trace(host)
    app = App(lab, tmp_path, person=Person({SecretKind.SUDO: [roots.PASSWORD] * 3}))
    name = host.address_v6 if case.is_ipv6 else ""

    async def check() -> None:
        first = await app.set_up(host, case.user, name=name, transport=case.transport)
        access = first.probe.access
        assert access is not None and access.supervisor is case.supervisor
        assert any(TARGET in sentence for sentence in first.summary)
        found = trace(host)

        again = await app.set_up(host, case.user, name=name, transport=case.transport)
        assert differences(found, trace(host)) == []
        assert again.probe == first.probe
        assert StepState.DONE not in {state for step, state in app.last_states().items() if step in _CHANGING}

        host.reboot()
        assert (await measure(first)).http_status == 200

        await app.take_off(first)
        assert differences(before, trace(host)) == []

    asyncio.run(check())


def test_dry_run_changes_nothing(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host()
    host.wait_until_up()
    before = trace(host)
    app = App(lab, tmp_path)

    assert asyncio.run(app.attempt(host, is_dry_run=True)) is None

    assert differences(before, trace(host)) == []
    assert StepState.PLANNED in app.last_states().values()


def test_five_hosts_are_set_up_at_once(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    hosts = [new_host(rtt_ms=rtt_ms) for rtt_ms in REGION_RTT_MS.values()]
    for host in hosts:
        host.wait_until_up()

    async def check() -> list[Enrolment]:
        return await asyncio.gather(*(App(lab, tmp_path / host.name).set_up(host) for host in hosts))

    enrolments = asyncio.run(check())
    assert len({each.probe.id for each in enrolments}) == len(hosts)
    assert {each.probe.access.address for each in enrolments if each.probe.access} == {host.address for host in hosts}


#: CAP_NET_RAW of linux/capability.h, as a bit.
_NET_RAW = 1 << 13


def test_unit_is_little_exposed_and_held_to_its_sandbox(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host()
    host.wait_until_up()
    asyncio.run(App(lab, tmp_path).set_up(host))

    rated = host.run("systemd-analyze", "security", "--no-pager", "pingmon-probe.service").splitlines()[-1]
    assert float(rated.partition("service: ")[2].split()[0]) <= 2.0, rated
    pid = host.run("systemctl", "show", "--property=MainPID", "--value", "pingmon-probe").strip()
    status = dict(line.split(":\t", 1) for line in host.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)
    low, high = map(int, host.run("cat", "/proc/sys/net/ipv4/ping_group_range").split())
    # Where nobody may send echoes, the probe may, and nothing else.
    rights = _NET_RAW if low > high else 0
    assert (status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16)) == ("1", "2", rights)
    assert status["Uid"].split()[0] == host.run("id", "-u", "pingmon-probe").strip()
    # As it sees the host: nothing to write but its own folder.
    enter = ("nsenter", f"--target={pid}", "--mount", "--", "sh", "-c")
    for place in ("/etc/x", "/opt/pingmon-probe/x", "/usr/x", "/var/lib/x"):
        assert host.run(*enter, f"touch {place} 2>/dev/null || echo refused") == "refused\n", place


def test_python_is_installed_where_it_is_missing_on_yes_only(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(HostKind(init="none", has_python=False))
    host.wait_until_up()
    before = trace(host)
    app = App(lab, tmp_path)

    with pytest.raises(PreflightFailed, match="Python"):
        asyncio.run(app.set_up(host))
    assert differences(before, trace(host)) == []
    assert any("Install it?" in question for question in app.person.asked)
    app.person.agrees = True
    enrolment = asyncio.run(app.set_up(host))
    assert host.run("python3", "-c", "print(42)") == "42\n"
    assert asyncio.run(measure(enrolment)).http_status == 200


def test_probe_behind_a_jump_host_is_set_up_through_it(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    jump, inner = new_host(_PLAIN), new_host(_PLAIN)
    jump.wait_until_up()
    inner.wait_until_up()
    lab.network.cut("desk", inner.name)
    config = tmp_path / "config"
    config.write_text(f"Include {lab.ssh_config}\nHost {inner.name}\n  ProxyJump {jump.name}\n")

    enrolment = asyncio.run(App(lab, tmp_path).set_up(inner, ssh_config=config))
    assert asyncio.run(measure(enrolment)).http_status == 200


def test_taken_port_is_passed_over(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    listen = f"import socket, time; s = socket.create_server(('', {DEFAULT_PORT})); time.sleep(1e6)"
    host.run("sh", "-c", f'setsid python3 -c "{listen}" >/dev/null 2>&1 </dev/null &')
    wait_until(lambda: f":{DEFAULT_PORT} " in host.run("ss", "-Hltn"), "the port is not taken")

    enrolment = asyncio.run(App(lab, tmp_path).set_up(host))
    assert enrolment.probe.access is not None and enrolment.probe.access.service_port == DEFAULT_PORT + 1


def test_dropbear_is_set_up_or_says_what_it_cannot_refuse(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    """What Dropbear lets the key do beyond the probe's port has to be accepted by name; else all is undone."""
    host = new_host(HostKind(init="none", server="dropbear"))
    host.wait_until_up()
    before = trace(host)
    app = App(lab, tmp_path)

    with pytest.raises(HealthCheckFailed, match="remote forwarding"):
        asyncio.run(app.set_up(host))
    assert differences(before, trace(host)) == []

    app.person.agrees = True
    enrolment = asyncio.run(app.set_up(host))
    assert any("remote forwarding" in sentence for sentence in enrolment.summary)
    assert asyncio.run(measure(enrolment)).http_status == 200
