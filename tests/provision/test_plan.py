"""Facts, what stands in the way, where things go, and the texts of units and scripts: all of it without a host."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.provision.bundle import probe_bundle
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.provision.fact import ExistingProbe, HostFacts, HostPythonFound, add_root_facts, gather, read_facts
from pingmon_gui.provision.host import CommandResult
from pingmon_gui.provision.host_python import Health
from pingmon_gui.provision.layout import DEFAULT_PORT, PORTS, Layout, free_port, new_layout, supervisor_for
from pingmon_gui.provision.marked_block import BEGIN, END, block_in, public_key_in, with_block, without_block
from pingmon_gui.provision.preflight import problems
from pingmon_gui.provision.unit import crontab_line, supervise_script, system_unit, user_unit
from tests.provision.hosts import FakeHost, LocalHost

READY = HostFacts(
    os_name="Linux",
    user="ops",
    uid=1500,
    home="/home/ops",
    groups=("ops", "users"),
    pythons=(HostPythonFound("/usr/bin/python3", (3, 11, 2)),),
    has_sudo=True,
    init="systemd",
    programs=frozenset({"sudo", "useradd", "crontab"}),
    has_cron=True,
    package_manager="apt-get",
    nologin="/usr/sbin/nologin",
    is_home_writable=True,
    free_home_bytes=10**10,
    free_system_bytes=10**10,
    sshd={"allowtcpforwarding": ("yes",), "permitopen": ("any",), "authorizedkeysfile": (".ssh/authorized_keys",)},
)
PLAIN = replace(READY, has_sudo=False, sshd=None)
REQUEST = BootstrapRequest("vps.example", Region.EU)


def fatal(facts: HostFacts, request: BootstrapRequest = REQUEST) -> list[str]:
    return [f"{problem.message} {problem.hint}" for problem in problems(facts, request) if problem.is_fatal]


def weak(facts: HostFacts) -> list[str]:
    return [f"{problem.message} {problem.hint}" for problem in problems(facts, REQUEST) if not problem.is_fatal]


# Facts


def test_facts_of_this_machine_are_read(tmp_path: Path) -> None:
    host = LocalHost(tmp_path / "machine")
    facts = asyncio.run(gather(host))
    assert (facts.os_name, facts.user, facts.uid, facts.groups) == ("Linux", "pat", 1000, ("pat", "users"))
    assert facts.home == str(host.home)
    assert (facts.client_address, facts.server_address, facts.server_port) == ("192.0.2.7", "192.0.2.1", 22)
    assert facts.python is not None and facts.python_version is not None and facts.python_version >= (3, 9)
    assert facts.is_home_writable and facts.free_home_bytes is not None and facts.free_home_bytes > 0
    assert abs(facts.clock_offset_ms) < 60_000
    assert (facts.init, facts.is_admin, facts.existing) == ("other", False, None)
    assert "crontab" in facts.programs
    assert host.listing().keys() == {"home"}


def test_facts_are_found_in_noise() -> None:
    out = "Welcome!\n\x1b[1m$ pingmon:os=Linux\npingmon:uid=0\nLast login\npingmon:listen=B580\npingmon:end=yes\n"
    facts = read_facts(out, 0.0)
    assert facts is not None
    assert (facts.os_name, facts.uid, facts.listening_ports) == ("Linux", 0, frozenset({DEFAULT_PORT}))


def test_facts_that_were_cut_off_do_not_count() -> None:
    assert read_facts("pingmon:os=Linux\n", 0.0) is None
    with pytest.raises(StepFailed, match="POSIX shell"):
        asyncio.run(gather(FakeHost(("sh -s", CommandResult(127, "% unknown command", "")))))


@given(st.text())
def test_facts_take_any_output(text: str) -> None:
    read_facts(f"{text}\npingmon:end=yes\n", 0.0)
    add_root_facts(PLAIN, text)
    noisy = f"pingmon:python={text}\npingmon:listen={text}\npingmon:connection={text}\npingmon:end=y\n"
    assert read_facts(noisy, 0.0) is not None


def test_clock_offset_is_host_minus_here() -> None:
    out = "pingmon:os=Linux\npingmon:python=3.11.2 1000060.500 /usr/bin/python3\npingmon:end=yes\n"
    facts = read_facts(out, 1_000_000.0)
    assert facts is not None
    assert facts.clock_offset_ms == pytest.approx(60_500)


def test_python_without_ssl_does_not_count() -> None:
    out = "pingmon:os=Linux\npingmon:python=3.12.1 1.0 ssl,zlib, /usr/bin/python3\npingmon:end=yes\n"
    facts = read_facts(out, 0.0)
    assert facts is not None
    assert facts.python is None
    assert facts.pythons[0].missing == ("ssl", "zlib")


def test_sshd_answers_are_read_by_keyword() -> None:
    out = "pingmon:sshd=allowusers ops\npingmon:sshd=allowusers root deploy@10.*\npingmon:end=yes\n"
    assert add_root_facts(PLAIN, out).sshd == {"allowusers": ("ops", "root", "deploy@10.*")}
    assert add_root_facts(PLAIN, "pingmon:end=yes\n").sshd is None


# What stands in the way


def test_a_ready_host_has_no_problems() -> None:
    assert problems(READY, REQUEST) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"os_name": "FreeBSD"}, "runs FreeBSD"),
        ({"pythons": (), "package_manager": None}, "no Python 3"),
        ({"pythons": (HostPythonFound("/usr/bin/python3", (3, 6, 8)),)}, "newest Python of this host is 3.6.8"),
        ({"free_system_bytes": 10_000_000}, "9 MB left"),
        ({"read_only_folders": ("/etc", "/opt")}, "/etc and /opt on this host cannot be written"),
        ({"listening_ports": frozenset(range(DEFAULT_PORT, DEFAULT_PORT + PORTS))}, "All ports"),
        ({"clock_offset_ms": 3 * 3_600_000.0}, "3 hours ahead of"),
        ({"clock_offset_ms": -90_000.0}, "90 seconds behind"),
        ({"sshd": {"allowtcpforwarding": ("no",)}}, "“AllowTcpForwarding no”"),
        ({"sshd": {"allowtcpforwarding": ("remote",)}}, "“AllowTcpForwarding remote”"),
        ({"sshd": {"disableforwarding": ("yes",)}}, "“DisableForwarding yes”"),
        ({"sshd": {"permitopen": ("none",)}}, "“PermitOpen none”"),
        ({"sshd": {"allowusers": ("ops", "deploy")}}, "“AllowUsers ops deploy”"),
        ({"sshd": {"denyusers": ("pingmon*",)}}, "“DenyUsers pingmon*”"),
        ({"sshd": {"allowgroups": ("ssh",)}}, "“AllowGroups ssh”"),
        ({"sshd": {"denygroups": ("pingmon-probe",)}}, "“DenyGroups pingmon-probe”"),
        ({"sshd": {"pubkeyauthentication": ("no",)}}, "“PubkeyAuthentication no”"),
        ({"sshd": {"authorizedkeysfile": ("none",)}}, "“AuthorizedKeysFile none”"),
        ({"sshd": {"authenticationmethods": ("publickey,keyboard-interactive",)}}, "“AuthenticationMethods"),
        ({"has_sudo": False, "is_home_writable": False}, "home folder of ops"),
        ({"has_sudo": False, "is_existing_out_of_reach": True}, "An administrator has set a probe up"),
        ({"has_sudo": False, "kills_user_processes": True}, "ends all processes of ops at logout"),
        ({"init": "other", "programs": frozenset({"crontab"})}, "no program that makes users"),
    ],
)
def test_what_is_in_the_way_is_named(change: dict[str, object], said: str) -> None:
    found = fatal(replace(READY, **change))  # type: ignore[arg-type]
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"has_sudo": False, "has_user_systemd": True, "linger_allowed": True}, "ops has no sudo. The probe will run"),
        ({"has_sudo": False, "sudo_problem": "sudo wants a password."}, "sudo wants a password. The probe will run"),
        ({"has_sudo": False, "has_user_systemd": True}, "loginctl enable-linger ops"),
        ({"pythons": ()}, "apt-get install --no-install-recommends python3"),
        ({"free_system_bytes": 200_000_000}, "190 MB left"),
        ({"clock_offset_ms": 5_000.0}, "5 seconds ahead of"),
        ({"init": "other", "has_cron": False}, "Cron does not run"),
        ({"init": "other", "programs": frozenset({"useradd"})}, "neither systemd for the probe nor cron"),
    ],
)
def test_what_is_weaker_is_said_and_lets_go_on(change: dict[str, object], said: str) -> None:
    facts = replace(READY, **change)  # type: ignore[arg-type]
    assert fatal(facts) == []
    assert any(said in sentence for sentence in weak(facts)), weak(facts)


@pytest.mark.parametrize(
    "sshd",
    [
        {"allowusers": ("ops", "pingmon-*")},
        {"allowusers": ("pingmon-probe@192.0.2.*",)},
        {"allowgroups": ("ssh", "pingmon-probe")},
        {"permitopen": ("127.0.0.1:*",)},
        {"allowtcpforwarding": ("local",)},
    ],
)
def test_sshd_lines_that_let_us_in_are_no_problem(sshd: dict[str, tuple[str, ...]]) -> None:
    assert problems(replace(READY, sshd=sshd), REQUEST) == []


def test_direct_does_not_ask_for_forwarding() -> None:
    facts = replace(READY, sshd={"allowtcpforwarding": ("no",)})
    assert fatal(facts, replace(REQUEST, transport=Transport.DIRECT)) == []


# Where things go


@pytest.mark.parametrize(
    ("change", "supervisor", "user", "port"),
    [
        ({}, Supervisor.SYSTEMD, "pingmon-probe", DEFAULT_PORT),
        ({"init": "other"}, Supervisor.CRON, "pingmon-probe", DEFAULT_PORT),
        ({"has_sudo": False}, Supervisor.CRON, "ops", DEFAULT_PORT),
        (
            {"has_sudo": False, "has_user_systemd": True, "linger_allowed": True},
            Supervisor.SYSTEMD_USER,
            "ops",
            DEFAULT_PORT,
        ),
        ({"listening_ports": frozenset({DEFAULT_PORT, 22})}, Supervisor.SYSTEMD, "pingmon-probe", DEFAULT_PORT + 1),
    ],
)
def test_layout_fits_the_host(change: dict[str, object], supervisor: Supervisor, user: str, port: int) -> None:
    layout = new_layout(replace(READY, **change), Transport.TUNNEL)  # type: ignore[arg-type]
    assert (layout.supervisor, layout.tunnel_user, layout.port) == (supervisor, user, port)
    assert (layout.unit is None) == (supervisor is Supervisor.CRON)


def test_layout_keeps_what_is_there() -> None:
    existing = ExistingProbe(True, Supervisor.SYSTEMD, Transport.TUNNEL, 46470, False, installed_at_ms=7)
    facts = replace(READY, existing=existing, listening_ports=frozenset({46470}))
    layout = new_layout(facts, Transport.TUNNEL, installed_at_ms=99)
    assert (layout.port, layout.installed_at_ms) == (46470, 7)


def test_layout_leaves_a_port_to_the_program_that_took_it_while_the_probe_did_not_run() -> None:
    existing = ExistingProbe(True, Supervisor.SYSTEMD, Transport.TUNNEL, 46464, False, Health(0, problem="refused"))
    taken = replace(READY, existing=existing, listening_ports=frozenset({46464}))
    assert new_layout(taken, Transport.TUNNEL).port == 46465
    assert new_layout(replace(taken, listening_ports=frozenset()), Transport.TUNNEL).port == 46464
    well = replace(taken, existing=replace(existing, health=Health(200, "0.1.0")))
    assert new_layout(well, Transport.TUNNEL).port == 46464


def test_layout_of_a_users_probe_is_not_moved_by_sudo() -> None:
    existing = ExistingProbe(False, Supervisor.SYSTEMD_USER, Transport.TUNNEL, 46470, False)
    layout = new_layout(replace(READY, existing=existing), Transport.TUNNEL)
    assert (layout.is_system, layout.supervisor) == (False, Supervisor.SYSTEMD_USER)


@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        ((".ssh/authorized_keys", ".ssh/authorized_keys2"), "/var/lib/pingmon-probe/.ssh/authorized_keys"),
        (("/etc/ssh/keys/%u", ".ssh/authorized_keys"), "/var/lib/pingmon-probe/.ssh/authorized_keys"),
        (("/etc/ssh/keys/%u",), "/etc/ssh/keys/pingmon-probe"),
        (("%h/keys",), "/var/lib/pingmon-probe/keys"),
    ],
)
def test_layout_puts_the_key_where_sshd_looks(patterns: tuple[str, ...], path: str) -> None:
    layout = new_layout(replace(READY, sshd={"authorizedkeysfile": patterns}), Transport.TUNNEL)
    assert layout.authorized_keys == path


def test_no_port_is_free_when_all_are_taken() -> None:
    assert free_port(frozenset(range(DEFAULT_PORT, DEFAULT_PORT + PORTS))) is None


def test_a_dropbear_host_gets_a_shell_that_it_lets_in() -> None:
    assert new_layout(replace(READY, is_dropbear=True), Transport.TUNNEL).shell == "/bin/sh"


def test_spool_of_a_small_disk_is_smaller() -> None:
    layout = new_layout(replace(READY, free_system_bytes=200 * 1024 * 1024), Transport.TUNNEL)
    assert layout.spool_limit_mb == 100


# Texts


def layout_for(facts: HostFacts, transport: Transport = Transport.TUNNEL) -> Layout:
    return new_layout(facts, transport, installed_at_ms=1_700_000_000_000)


#: A host on which everybody may send echoes.
PINGS = replace(READY, ping_groups=(0, 2**31 - 1))


def test_system_unit_is_sandboxed_to_at_most_2_0(tmp_path: Path) -> None:
    text = system_unit(layout_for(PINGS), "eu")
    for line in (
        "User=pingmon-probe",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "MemoryMax=256M",
        "ReadWritePaths=/var/lib/pingmon-probe/spool",
    ):
        assert f"\n{line}\n" in text
    analyze = shutil.which("systemd-analyze")
    if analyze is not None:  # the figure itself; the lines above hold on machines without it
        unit = tmp_path / "pingmon-probe.service"
        for layout in (layout_for(PINGS), layout_for(READY)):
            unit.write_text(system_unit(layout, "eu"))
            command = [analyze, "security", "--offline=true", "--threshold=20", str(unit)]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_raw_socket_is_given_only_where_it_is_needed() -> None:
    plain = system_unit(layout_for(PINGS), "eu")
    raw = system_unit(layout_for(READY), "eu")
    assert "CAP_NET_RAW" not in plain and "PrivateUsers=yes" in plain
    assert "AmbientCapabilities=CAP_NET_RAW" in raw and "PrivateUsers" not in raw


def test_units_quote_odd_paths() -> None:
    facts = replace(PLAIN, home="/home/o p%s", has_user_systemd=True, linger_allowed=True)
    text = user_unit(layout_for(facts), "eu")
    assert '"/home/o p%%s/.local/share/pingmon-probe/pingmon-probe.pyz"' in text
    assert "WantedBy=default.target" in text
    assert "ProtectSystem" not in text
    line = crontab_line(layout_for(replace(PLAIN, home="/home/o p%s")))
    assert line.startswith("@reboot /bin/sh '/home/o p\\%s/.local/share/pingmon-probe/supervise.sh'")


def test_direct_is_served_with_tls_on_all_addresses() -> None:
    words = " ".join(layout_for(READY, Transport.DIRECT).serve("as"))
    assert "--listen 0.0.0.0:46464" in words
    assert "--listen [::]:46464" in " ".join(layout_for(replace(READY, has_ipv6=True), Transport.DIRECT).serve("as"))
    assert "--tls-cert /etc/pingmon-probe/tls.crt --tls-key /etc/pingmon-probe/tls.key" in words
    assert "--tls-cert" not in " ".join(layout_for(READY).serve("as"))
    assert "127.0.0.1:46464" in " ".join(layout_for(READY).serve("as"))


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_supervise_script_is_shell(shell: str, tmp_path: Path) -> None:
    path = shutil.which(shell)
    if path is not None:
        script = tmp_path / "supervise.sh"
        script.write_text(supervise_script(layout_for(replace(PLAIN, home="/home/o' p")), "eu"))
        subprocess.run([path, "-n", str(script)], check=True)


def test_the_mark_in_the_unit_is_read_back(tmp_path: Path) -> None:
    host = LocalHost(tmp_path / "machine")
    facts = replace(PLAIN, home=str(host.home))
    layout = replace(layout_for(facts), port=46470, is_private_allowed=True)
    Path(layout.folder).mkdir(parents=True)
    Path(layout.supervise).write_text(supervise_script(layout, "eu"))
    existing = asyncio.run(gather(host)).existing
    assert existing == ExistingProbe(
        is_system=False,
        supervisor=Supervisor.CRON,
        transport=Transport.TUNNEL,
        port=46470,
        is_private_allowed=True,
        installed_at_ms=1_700_000_000_000,
    )


def test_supervisor_of_root_without_systemd_is_cron() -> None:
    assert supervisor_for(replace(READY, has_sudo=False, is_root=True, init="other")) is Supervisor.CRON


# Blocks in files of others


@given(st.text(), st.text(alphabet="abc \n", min_size=1))
def test_a_block_leaves_the_rest_as_it_was(text: str, lines: str) -> None:
    if BEGIN in text:
        return
    whole = text if not text or text.endswith("\n") else f"{text}\n"
    added = with_block(text, lines)
    assert added.startswith(text)
    assert without_block(added) == whole
    assert with_block(added, lines) == added
    assert (block_in(added) or "").rstrip() == lines.rstrip()


def test_a_block_is_replaced_in_its_place() -> None:
    text = f"first\n{BEGIN}\nold\nolder\n{END}\nlast\n"
    assert with_block(text, "new") == f"first\n{BEGIN}\nnew\n{END}\nlast\n"


def test_a_mark_without_its_end_takes_nothing_else_along() -> None:
    assert without_block(f"first\n{BEGIN}\nlast\n") == "first\nlast\n"


def test_public_key_of_a_line_is_found() -> None:
    line = 'restrict,command="/bin/false" ssh-ed25519 AAAAkey comment\n'
    assert public_key_in(line, is_whole=True) == "ssh-ed25519 AAAAkey"
    assert public_key_in(line, is_whole=False) is None
    assert public_key_in(with_block("ssh-ed25519 AAAAother me\n", line), is_whole=False) == "ssh-ed25519 AAAAkey"


def test_bundle_is_the_file_that_make_probe_builds() -> None:
    data = probe_bundle()
    assert data.startswith(b"#!/usr/bin/env python3\nPK")
    assert probe_bundle() is data
