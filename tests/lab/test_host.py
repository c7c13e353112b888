"""The lab's hosts are what their kinds say, and come back from reboots and power cuts with their disks."""

from __future__ import annotations

import time

import pytest

from tests.lab import roots
from tests.lab.conftest import NewHost, Ssh
from tests.lab.host import HostKind
from tests.lab.lab import Lab
from tests.lab.trace import differences, trace
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab
_PLAIN = HostKind(init="none")


def test_systemd_host_boots_whole_and_keeps_its_units_over_reboot_and_power_loss(new_host: NewHost, ssh: Ssh) -> None:
    host = new_host()
    unit = "[Service]\nExecStart=/bin/sleep inf\n[Install]\nWantedBy=multi-user.target\n"
    host.write("etc/systemd/system/marker.service", unit)
    host.wait_until_up()
    state = ssh(host.name, "systemctl is-system-running --wait; sudo systemctl enable --now marker; id -un")
    assert state.stdout.split() == ["running", "ops"], state

    before = host.pid_one
    ssh(host.name, "sudo systemctl reboot")
    wait_until(lambda: host.pid_one not in (None, before), "it did not boot again")
    host.wait_until_up()
    assert ssh(host.name, "systemctl is-active marker").stdout == "active\n"

    host.lose_power()
    host.start()
    host.wait_until_up()
    assert ssh(host.name, "systemctl is-active marker").stdout == "active\n"


def test_unit_is_held_to_its_sandbox(new_host: NewHost) -> None:
    host = new_host()
    host.wait_until_up()
    sandbox = ("DynamicUser=yes", "ProtectSystem=strict", "PrivateTmp=yes", "CapabilityBoundingSet=")
    options = [word for each in sandbox for word in ("-p", each)]
    shown = host.run("systemd-run", "--wait", "--pipe", "--quiet", *options, "sh", "-c", "id -u; touch /etc/x; echo $?")

    user, code = shown.split()
    assert int(user) > 60000
    assert code != "0"


def test_host_without_systemd_runs_its_crontab_at_start(new_host: NewHost, ssh: Ssh) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    assert ssh(host.name, "command -v systemctl; test -d /run/systemd/system; echo $?").stdout == "1\n"

    assert ssh(f"plain@{host.name}", "echo '@reboot touch /tmp/started' | crontab -").returncode == 0
    host.reboot()
    wait_until(lambda: ssh(host.name, "test -e /tmp/started").returncode == 0, "cron did not run the line")


def test_users_have_the_rights_and_shells_they_are_for(new_host: NewHost, ssh: Ssh) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()

    assert ssh(f"root@{host.name}", "id -u").stdout == "0\n"
    assert ssh(f"ops@{host.name}", "sudo -n id -u").stdout == "0\n"
    assert ssh(f"plain@{host.name}", "sudo -n id -u").returncode != 0
    assert ssh(f"careful@{host.name}", "sudo -n id -u").returncode != 0
    assert ssh(f"careful@{host.name}", "sudo -S -p '' id -u", stdin=f"{roots.PASSWORD}\n").stdout == "0\n"
    assert ssh(f"fisher@{host.name}", "set -x A one; env | string match 'A=*'").stdout == "A=one\n"
    assert ssh(f"zed@{host.name}", "echo $ZSH_VERSION").stdout.strip()
    assert ssh(f"noisy@{host.name}", "true").stdout.startswith("Welcome")


def test_dropbear_lets_the_same_key_in(new_host: NewHost, ssh: Ssh) -> None:
    host = new_host(HostKind(init="none", server="dropbear"))
    host.wait_until_up()

    ended = ssh(host.name, "id -un", "-v")
    assert ended.stdout == "ops\n"
    assert "dropbear" in ended.stderr


def test_host_behind_a_jump_host_is_reached_through_it(lab: Lab, new_host: NewHost, ssh: Ssh) -> None:
    jump, inner = new_host(_PLAIN), new_host(_PLAIN)
    jump.wait_until_up()
    inner.wait_until_up()
    lab.network.cut("desk", inner.name)

    assert ssh(inner.name, "true", "-o", "ConnectTimeout=1").returncode != 0
    assert ssh(inner.name, "cat /etc/hostname", "-J", jump.name).stdout == f"{inner.name}\n"


def test_host_without_python_can_install_it(new_host: NewHost, ssh: Ssh) -> None:
    host = new_host(HostKind(init="none", has_python=False))
    host.wait_until_up()
    assert ssh(host.name, "command -v python3").returncode != 0

    install = "sudo sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install python3'"
    ended = ssh(host.name, f"{install} >&2 && python3 -c 'print(1 + 1)'")
    assert ended.stdout == "2\n", ended.stderr


@pytest.mark.parametrize("init", ["systemd", "none"])
def test_full_disk_takes_no_file(new_host: NewHost, ssh: Ssh, init: str) -> None:
    host = new_host(HostKind(init=init, is_disk_full=True))
    host.wait_until_up()

    ended = ssh(f"root@{host.name}", "head -c 100000 /dev/zero > /opt/file")
    assert "No space left on device" in ended.stderr


@pytest.mark.parametrize("init", ["systemd", "none"])
def test_mounts_forbid_what_they_should(new_host: NewHost, ssh: Ssh, init: str) -> None:
    host = new_host(HostKind(init=init, is_tmp_noexec=True, is_home_read_only=True))
    host.wait_until_up()

    script = "printf '#!/bin/sh\\n' > /tmp/script && chmod +x /tmp/script && /tmp/script"
    assert "Permission denied" in ssh(host.name, script).stderr
    assert "Read-only file system" in ssh(host.name, "touch ~/file").stderr


def test_clock_of_a_host_can_be_hours_off(new_host: NewHost, ssh: Ssh) -> None:
    host = new_host(HostKind(init="none", clock_offset_s=-3 * 3600))
    host.wait_until_up()

    for command in ("date +%s", "python3 -c 'import time; print(int(time.time()))'"):
        assert abs(int(ssh(host.name, command).stdout) - (time.time() - 3 * 3600)) < 60


def test_forwarding_can_be_off(lab: Lab, new_host: NewHost, ssh: Ssh) -> None:
    jump, inner = new_host(HostKind(init="none", sshd=("AllowTcpForwarding no",))), new_host(_PLAIN)
    jump.wait_until_up()
    inner.wait_until_up()

    assert "stdio forwarding failed" in ssh(inner.name, "true", "-J", jump.name).stderr


@pytest.mark.parametrize("may_linger", [True, False])
def test_users_may_linger_or_not(new_host: NewHost, ssh: Ssh, may_linger: bool) -> None:
    host = new_host(HostKind(may_linger=may_linger))
    host.wait_until_up()

    assert (ssh(f"plain@{host.name}", "loginctl enable-linger").returncode == 0) is may_linger


def test_trace_shows_files_users_crontabs_and_processes_that_came(new_host: NewHost) -> None:
    host = new_host(_PLAIN)
    host.wait_until_up()
    before = trace(host)
    host.run("sh", "-c", "touch /opt/x /tmp/y; cp -p /etc/hosts /h; cp /h /etc/hosts; rm /h")
    host.run("useradd", "--system", "pingmon-x")
    host.run("crontab", "-u", "plain", "-", stdin="@reboot true\n")
    host.run("sh", "-c", "cp /bin/sleep /tmp/pingmon-y; /tmp/pingmon-y 1000 >/dev/null 2>&1 </dev/null &")

    found = differences(before, trace(host))
    for line in ("came: /opt/x", "came: /tmp/y", "came: /var/spool/cron/crontabs/plain"):
        assert line in found
    assert any("pingmon-y" in line for line in found)
    assert any(line.startswith(("came: /etc/passwd", "changed: /etc/passwd")) for line in found)
    assert not any("/etc/hosts" in line for line in found)
