"""SSH as provisioning uses it, against real hosts: sudo's passwords, login shells, PAM, Dropbear, bad links."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import paramiko
import pytest

from pingmon_gui.domain.error import AuthFailed, HostKeyChanged, SshUnreachable
from pingmon_gui.provision.known_host import KnownHosts, fingerprint
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.provision.ssh import SshHost, connect
from pingmon_gui.provision.ssh_config import resolve
from tests.lab import roots
from tests.lab.conftest import NewHost
from tests.lab.host import Host, HostKind
from tests.lab.lab import Lab
from tests.provision.people import NobodyThere, Person
from tests.provision.test_ssh import AWKWARD

pytestmark = pytest.mark.lab
_PLAIN = HostKind(init="none")
#: Most of a host's users may only log in by the lab's key; this one has a password.
_CAREFUL = "careful"

T = TypeVar("T")


@pytest.fixture
def known_hosts(tmp_path: Path) -> KnownHosts:
    return KnownHosts(tmp_path)


@asynccontextmanager
async def at(
    lab: Lab, host: Host, user: str, known_hosts: KnownHosts, prompter: Any = None, **more: Any
) -> AsyncIterator[SshHost]:
    """Be logged in to a host, by the lab's own ssh_config."""
    target = resolve(f"{user}@{host.name}", ssh_config=lab.ssh_config, **more)
    there = await connect(target, prompter or NobodyThere(), known_hosts)
    try:
        yield there
    finally:
        await there.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def up(new_host: NewHost, kind: HostKind = _PLAIN, *, rtt_ms: float = 2.0) -> Host:
    host = new_host(kind, rtt_ms=rtt_ms)
    host.wait_until_up()
    return host


def test_sudo_of_every_user_is_what_it_is(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host = up(new_host)

    async def work() -> None:
        async with at(lab, host, "root", known_hosts) as there:
            assert there.is_root
            assert await there.can_sudo()
            assert (await there.run(["cat", "/etc/shadow"], as_root=True)).code == 0
        async with at(lab, host, "ops", known_hosts) as there:
            assert not there.is_root
            assert await there.can_sudo()
            assert (await there.run(["id", "-u"], as_root=True)).out == "0\n"
            assert (await there.run(["id", "-u"])).out != "0\n"
        person = Person(["wrong", roots.PASSWORD])
        async with at(lab, host, _CAREFUL, known_hosts, person) as there:
            assert await there.can_sudo()
            written = await there.run(["tee", "/etc/written"], stdin=b"what was sent\n", as_root=True)
            assert (written.code, written.out) == (0, "what was sent\n")
            assert (await there.run(["cat", "/etc/written"])).out == "what was sent\n"
            assert (await there.run(["sh", "-c", "exit 9"], as_root=True)).code == 9
        assert person.asked == [SecretKind.SUDO, SecretKind.SUDO]
        async with at(lab, host, "plain", known_hosts) as there:
            assert not await there.can_sudo()

    run(work())


def test_sudo_refusals_are_told_apart(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host, bare = up(new_host), up(new_host, HostKind(init="none", has_sudo=False))
    host.run("chpasswd", stdin=f"plain:{roots.PASSWORD}\n")

    async def work() -> None:
        async with at(lab, host, "plain", known_hosts, Person([roots.PASSWORD])) as there:
            assert not await there.can_sudo()
            assert there.sudo_problem == f"The user plain may not use sudo on plain@{host.name}."
        async with at(lab, host, _CAREFUL, known_hosts, Person(["a", "b", "c"])) as there:
            with pytest.raises(AuthFailed, match="refused the password 3 times"):
                await there.can_sudo()
        async with at(lab, bare, "ops", known_hosts) as there:
            assert not await there.can_sudo()
            assert "There is no sudo" in there.sudo_problem

    run(work())


def test_password_that_sudo_asks_for_in_its_own_words(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    """A lecture, a prompt of the administrator's, a user who needs the password for some commands only."""
    host = up(new_host)
    rules = (
        f'Defaults lecture=always\nDefaults passprompt="%p, who goes there? "\n{_CAREFUL} ALL=NOPASSWD: /usr/bin/wc\n'
    )
    host.write("etc/sudoers.d/zz-more", rules, 0o440)

    async def work() -> None:
        async with at(lab, host, _CAREFUL, known_hosts, Person([roots.PASSWORD])) as there:
            assert (await there.run(["wc", "-c"], stdin=b"12345", as_root=True)).out.strip() == "5"
            result = await there.run(["sh", "-c", "wc -c; echo oops >&2"], stdin=b"12345", as_root=True)
            assert (result.out.strip(), result.err) == ("5", "oops\n")

    run(work())


@pytest.mark.parametrize("user", ["ops", "fisher", "zed", "dasher", "noisy"])
def test_login_shells_change_nothing(user: str, lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host = up(new_host)

    async def work() -> None:
        async with at(lab, host, user, known_hosts) as there:
            for as_root in (False, True):
                result = await there.run(["printf", "%s\\0", *AWKWARD], as_root=as_root)
                assert result.out.split("\0")[:-1] == AWKWARD
                assert result.err == ""
                assert (await there.run(["cat"], stdin=b"in", as_root=as_root)).out == "in"

    run(work())


def test_passwords_by_pam_are_asked_for(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    """Plain, as a dialog of PAM's, and with a key before it."""
    for lines in (
        ("PasswordAuthentication yes", "PubkeyAuthentication no", "KbdInteractiveAuthentication no"),
        ("PasswordAuthentication no", "PubkeyAuthentication no", "KbdInteractiveAuthentication yes"),
        ("AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"),
    ):
        host = up(new_host, HostKind(init="none", sshd=lines))
        person = Person(["wrong", roots.PASSWORD])

        async def work(host: Host = host, person: Person = person) -> None:
            async with at(lab, host, _CAREFUL, known_hosts, person) as there:
                assert (await there.run(["id", "-un"])).out == f"{_CAREFUL}\n"
            assert person.asked == [SecretKind.PASSWORD, SecretKind.PASSWORD]

        run(work())


def test_wrong_password_by_pam_is_told(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host = up(new_host, HostKind(init="none", sshd=("PasswordAuthentication yes", "PubkeyAuthentication no")))

    async def work() -> None:
        async with at(lab, host, _CAREFUL, known_hosts, Person(["a", "b", "c"])):
            pass

    with pytest.raises(AuthFailed, match="refused the password 3 times"):
        run(work())


def test_accounts_that_may_not_log_in_are_told(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host = up(new_host, HostKind(init="none", sshd=("DenyUsers dasher",)))
    host.run("usermod", "--shell", "/usr/sbin/nologin", "fisher")
    host.run("chpasswd", stdin=f"zed:{roots.PASSWORD}\n")
    host.run("chage", "--lastday", "0", "zed")

    async def work(user: str) -> None:
        async with at(lab, host, user, known_hosts):
            pass

    with pytest.raises(AuthFailed, match="currently not available"):
        run(work("fisher"))
    with pytest.raises(AuthFailed, match="Password change required"):
        run(work("zed"))
    with pytest.raises(AuthFailed, match=r"refused the key .* for the user dasher"):
        run(work("dasher"))
    with pytest.raises(AuthFailed, match=r"refused the key .* for the user nobody-here"):
        run(work("nobody-here"))


def test_dropbear_is_a_server_like_others(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host = up(new_host, HostKind(init="none", server="dropbear"))

    async def work() -> None:
        data = b"x" * 3_000_000
        async with at(lab, host, "ops", known_hosts) as there:
            assert there.host_key == host.host_key
            assert (await there.run(["wc", "-c"], stdin=data, as_root=True)).out.strip() == str(len(data))

    run(work())


def test_far_and_lossy_host_works(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host = up(new_host, HostKind(init="none", sshd=("MaxSessions 1",)), rtt_ms=150)
    lab.network.set(host.name, loss=0.02)

    async def work() -> None:
        data = b"y" * 100_000
        async with at(lab, host, "ops", known_hosts) as there:
            results = await asyncio.gather(*(there.run(["echo", str(number)]) for number in range(3)))
            assert [result.out for result in results] == ["0\n", "1\n", "2\n"]
            assert (await there.run(["wc", "-c"], stdin=data)).out.strip() == str(len(data))

    run(work())


def test_link_cut_and_power_loss_end_a_command(lab: Lab, new_host: NewHost, known_hosts: KnownHosts) -> None:
    host = up(new_host)

    async def cut() -> None:
        async with at(lab, host, "ops", known_hosts) as there:
            lab.network.cut(host.name)
            with pytest.raises(SshUnreachable, match="did not run tee within 1 s"):
                await there.run(["tee", "/tmp/upload"], stdin=b"z" * 500_000, deadline_s=1)

    async def die() -> None:
        async with at(lab, host, "ops", known_hosts) as there:
            upload = asyncio.create_task(there.run(["sh", "-c", "cat >upload; sleep 60"], stdin=b"z" * 500_000))
            while not (host.root / "home/ops/upload").exists():
                assert not upload.done()
                await asyncio.sleep(0.02)
            await asyncio.to_thread(host.shut_down)
            with pytest.raises(SshUnreachable, match="broke off"):
                await upload

    run(cut())
    lab.network.heal()
    run(die())


def test_host_set_up_anew_with_other_keys_is_a_hard_stop(
    lab: Lab, new_host: NewHost, known_hosts: KnownHosts, tmp_path: Path
) -> None:
    host = up(new_host)
    other = paramiko.RSAKey.generate(2048)
    lab.known_hosts.write_text(f"{host.address} {other.get_name()} {other.get_base64()}\n")

    async def work(expected: str | None) -> None:
        target = resolve(f"ops@{host.name}", ssh_config=lab.ssh_config)
        there = await connect(target, NobodyThere(), known_hosts, expected_host_key=expected)
        await there.close()

    with pytest.raises(HostKeyChanged, match=fingerprint(other.asbytes()).replace("+", r"\+")):
        run(work(None))
    _type, text = host.host_key.split()
    shown = fingerprint(base64.b64decode(text))
    run(work(shown))


def test_jump_host_leads_to_a_host_behind_it(
    lab: Lab, new_host: NewHost, known_hosts: KnownHosts, tmp_path: Path
) -> None:
    gate, inner = up(new_host, rtt_ms=20), up(new_host)
    lab.network.cut("desk", inner.name)
    config = tmp_path / "ssh_config"
    config.write_text(f"Host {inner.name}\n  ProxyJump {gate.name}\n{lab.ssh_config.read_text()}")

    async def work() -> None:
        target = resolve(f"ops@{inner.name}", ssh_config=config)
        assert target.proxy_jump == f"ops@{gate.address}:22"
        there = await connect(target, NobodyThere(), known_hosts)
        try:
            assert (await there.run(["hostname"])).out == f"{inner.name}\n"
        finally:
            await there.close()

    run(work())
