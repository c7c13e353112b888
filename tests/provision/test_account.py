"""What is run as root: the probe's user, packages, keys. Argument lists only; real hosts are in tests/lab."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.provision.account import AccountStep
from pingmon_gui.provision.fact import ExistingProbe, HostFacts, HostPythonFound
from pingmon_gui.provision.host import CommandResult
from pingmon_gui.provision.layout import new_layout
from pingmon_gui.provision.package import PACKAGE_MANAGERS, InstallPython
from pingmon_gui.provision.plan import Goods, host_steps, key_line
from tests.provision.hosts import OK, FakeHost

FACTS = HostFacts(
    os_name="Linux",
    user="ops",
    uid=1500,
    home="/home/ops",
    pythons=(HostPythonFound("/usr/bin/python3", (3, 11, 2)),),
    has_sudo=True,
    init="systemd",
    programs=frozenset({"useradd"}),
    nologin="/usr/sbin/nologin",
)
LAYOUT = new_layout(FACTS, Transport.TUNNEL)
GOODS = Goods(
    bundle=b"bundle", version="0.1.0", token="t" * 43, region=Region.EU, public_key="ssh-ed25519 AAAA pingmon"
)
NOBODY_LEFT = ("pingmon:stop-user", CommandResult(0, 'pingmon:answer={"pids": []}\n', ""))


def programs(host: FakeHost) -> list[str]:
    return [words.split()[0] for words, _as_root in host.ran]


def test_account_is_made_without_password_and_shell() -> None:
    host = FakeHost()
    asyncio.run(AccountStep(LAYOUT, FACTS).apply(host))
    ((words, as_root),) = host.ran
    assert as_root
    assert words.startswith("useradd --system --user-group --no-create-home")
    assert "--shell /usr/sbin/nologin --password *" in words


def test_account_is_made_by_busybox() -> None:
    host = FakeHost(("grep", CommandResult(1, "", "")))
    asyncio.run(AccountStep(LAYOUT, replace(FACTS, programs=frozenset({"adduser"}))).apply(host))
    assert programs(host) == ["sh", "addgroup", "adduser", "chpasswd"]


def test_account_that_cannot_be_made_is_a_sentence() -> None:
    with pytest.raises(StepFailed, match=r"could not be made on ops@vps\.example \(exit code 1\)"):
        asyncio.run(AccountStep(LAYOUT, FACTS).apply(FakeHost(("useradd", CommandResult(1, "", "locked")))))


def test_account_that_was_there_is_never_removed() -> None:
    host, step = FakeHost(), AccountStep(LAYOUT, FACTS)
    assert asyncio.run(step.is_done(host))
    asyncio.run(step.undo(host))
    assert programs(host) == ["id"]


def test_account_is_removed_after_its_processes_have_ended() -> None:
    host, step = FakeHost(NOBODY_LEFT, ("grep", CommandResult(1, "", ""))), AccountStep(LAYOUT, FACTS)
    asyncio.run(step.apply(host))
    asyncio.run(step.undo(host))
    assert programs(host) == ["useradd", "/usr/bin/python3", "userdel", "sh"]


def test_account_with_processes_that_do_not_end_stays_and_says_so() -> None:
    stuck = ("pingmon:stop-user", CommandResult(0, 'pingmon:answer={"pids": [7]}\n', ""))
    host, step = FakeHost(stuck), AccountStep(LAYOUT, FACTS)
    asyncio.run(step.apply(host))
    with pytest.raises(StepFailed, match="do not end"):
        asyncio.run(step.undo(host))
    assert "userdel" not in programs(host)


@pytest.mark.parametrize("manager", PACKAGE_MANAGERS)
def test_python_is_installed_and_only_what_came_with_it_removed(manager: str) -> None:
    lists = iter(["libc6 bash", "libc6 bash python3 libpython3"])
    looks = iter([CommandResult(1, "", ""), OK])
    words = PACKAGE_MANAGERS[manager]
    host = FakeHost(
        (" ".join(words.list).replace("$", "\\$").replace("{", "\\{").replace("\\n", ".*"), lambda _: next_list(lists)),
        ("command -v python3", lambda _: next(looks)),
    )
    step = InstallPython(manager)
    assert not asyncio.run(step.is_done(host))
    asyncio.run(step.apply(host))
    asyncio.run(step.undo(host))
    assert host.ran[-1] == (" ".join([*words.remove, "libpython3", "python3"]), True)


def next_list(lists: object) -> CommandResult:
    return CommandResult(0, next(lists), "")  # type: ignore[call-overload]


def test_python_that_is_too_old_even_when_installed_is_a_sentence() -> None:
    host = FakeHost(("command -v python3", CommandResult(1, "", "")))
    with pytest.raises(StepFailed, match="too old for a probe"):
        asyncio.run(InstallPython("apt-get").apply(host))


def test_steps_of_a_whole_host_are_roots() -> None:
    steps = host_steps(FACTS, LAYOUT, GOODS)
    assert [step.name for step in steps] == ["account", "folders", "program", "secrets", "key", "unit", "service"]


def test_steps_without_python_begin_with_it() -> None:
    facts = replace(FACTS, pythons=(), package_manager="apk")
    assert host_steps(facts, new_layout(facts, Transport.TUNNEL), GOODS)[0].name == "python"


def test_steps_of_a_lingering_user() -> None:
    facts = replace(FACTS, has_sudo=False, has_user_systemd=True, linger_allowed=True)
    steps = host_steps(facts, new_layout(facts, Transport.TUNNEL), GOODS)
    assert [step.name for step in steps] == ["folders", "program", "secrets", "key", "unit", "linger", "service"]
    layout = new_layout(facts, Transport.TUNNEL)
    assert "linger=ours" in layout.mark
    assert "linger" not in new_layout(replace(facts, is_lingering=True), Transport.TUNNEL).mark


def test_direct_brings_a_certificate_and_shuts_the_former_key_out() -> None:
    existing = ExistingProbe(True, Supervisor.SYSTEMD, Transport.TUNNEL, 46464, False, public_key="ssh-ed25519 AAAA")
    goods = replace(GOODS, public_key=None, tls_key="KEY", certificate="CERT")
    assert "key" not in [step.name for step in host_steps(FACTS, new_layout(FACTS, Transport.DIRECT), goods)]
    facts = replace(FACTS, existing=existing)
    (key,) = (step for step in host_steps(facts, new_layout(facts, Transport.DIRECT), goods) if step.name == "key")
    assert key.title == "Shut the former key out"
    state = {"kind": "file", "mode": 0o640, "owner": "root", "group": "pingmon-probe", "sha256": "other"}
    folder = {"kind": "folder", "mode": 0o750, "owner": "root", "group": "pingmon-probe"}
    answer = "pingmon:answer=" + json.dumps({"states": [folder, state]})
    assert not asyncio.run(key.is_done(FakeHost(("pingmon:look", CommandResult(0, answer, "")))))


def test_key_line_is_what_each_server_understands() -> None:
    line = key_line("ssh-ed25519 AAAA pingmon", 46464, is_dropbear=False)
    assert line.startswith("restrict,port-forwarding,") and 'permitlisten="localhost:1"' in line
    small = key_line("ssh-ed25519 AAAA pingmon", 46464, is_dropbear=True)
    assert "restrict" not in small and "permitlisten" not in small
    for each in (line, small):
        assert 'permitopen="127.0.0.1:46464"' in each and 'command="/bin/false"' in each
