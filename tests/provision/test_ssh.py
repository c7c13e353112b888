"""Hosts reached over a real sshd: host keys, commands, deadlines, jump hosts, ports."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import paramiko
import pytest

from pingmon_gui.domain.error import (
    AuthFailed,
    HostKeyChanged,
    HostKeyUnknown,
    ProvisionError,
    SshUnreachable,
    UserCancelled,
)
from pingmon_gui.provision.known_host import KnownHosts, fingerprint, written
from pingmon_gui.provision.ssh import SshHost, connect
from pingmon_gui.provision.ssh_config import SshTarget, resolve
from tests.ports import free_port
from tests.provision.people import NobodyThere, Person, Transcript
from tests.provision.sshd import USER, Sshd, StartSshd

T = TypeVar("T")


@asynccontextmanager
async def connected(
    target: SshTarget, known_hosts: KnownHosts, prompter: Any = None, **more: Any
) -> AsyncIterator[SshHost]:
    host = await connect(target, prompter or NobodyThere(), known_hosts, **more)
    try:
        yield host
    finally:
        await host.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def visit(target: SshTarget, known_hosts: KnownHosts, prompter: Any = None, **more: Any) -> str:
    """Connect, say who one is there, and go."""
    async with connected(target, known_hosts, prompter, **more) as host:
        return (await host.run(["id", "-un"])).out.strip()


# Commands


def test_run_returns_code_and_both_outputs(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    target = start_sshd().target(made_keys / "ed")

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            assert host.name == f"{USER}@127.0.0.1:{target.port}"
            assert host.is_root == (os.geteuid() == 0)
            assert host.host_key == written(paramiko.PKey.from_path(made_keys / "host_ed"))
            result = await host.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
            assert (result.code, result.out, result.err) == (7, "out\n", "err\n")
            missing = await host.run(["no-such-program"])
            assert missing.code == 127
            assert "not found" in missing.err
            assert "pingmon" not in missing.err
            assert (await host.run(["sh", "-c", "kill -9 $$"])).code == -1
            assert (await host.run(["printenv", "LC_ALL"])).out == "C\n"
            assert (await host.run(["sh", "-c", "command -v sshd"])).code == 0

    run(work())


AWKWARD = [
    "plain",
    "",
    " ",
    "two words",
    "it's",
    'say "yes"',
    "back\\slash",
    "\\",
    "\\'",
    "'\\''",
    "$HOME `id` $(id) ${PATH}",
    "*?[a-z]~ {a,b} !! #",
    "; & | < > ( )",
    "line\nbreak\ttab",
    "-n",
    "ümläut ✓",
    "%s%d\\n",
    "'" * 3 + '"' * 3 + "\\" * 4,
]


@pytest.mark.parametrize("shell", ["bash", "dash", "fish", "zsh"])
def test_run_arguments_survive_every_login_shell_and_its_noise(
    shell: str, start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, home: Path
) -> None:
    """The shell reads its start-up files, which print, and then the command, as sshd starts a login shell."""
    (home / ".zshenv").write_text("print noise; alias printf=false; print 'more noise' >&2\n")
    (home / ".config" / "fish").mkdir(parents=True)
    (home / ".config" / "fish" / "config.fish").write_text("echo noise; function printf; false; end; echo more >&2\n")
    noisy = home / "noisy.sh"
    noisy.write_text("echo noise without end >&2; printf 'no line end'; printf() { false; }\n")
    force = f'HOME={home} BASH_ENV={noisy} ENV={noisy} exec {shell} -c "$SSH_ORIGINAL_COMMAND"'
    target = start_sshd(f"ForceCommand {force}").target(made_keys / "ed")

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            result = await host.run(["printf", "%s\\0", *AWKWARD])
            assert result.out.split("\0")[:-1] == AWKWARD
            assert result.err == ""
            assert (await host.run(["cat"], stdin=b"to the command alone")).out == "to the command alone"

    run(work())


def test_run_feeds_and_reads_at_once_without_blocking(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    """More than both windows hold goes in and comes out, and an early end does not hang."""
    target = start_sshd().target(made_keys / "ed")
    data = os.urandom(5 * 1024 * 1024)

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            echoed = await host.run(["cat"], stdin=data)
            assert (echoed.code, len(echoed.out) > 0) == (0, True)
            summed = await host.run(["sha256sum"], stdin=data)
            assert summed.out.split()[0] == hashlib.sha256(data).hexdigest()
            assert (await host.run(["head", "-c", "3"], stdin=b"x" * len(data))).out == "xxx"
            assert (await host.run(["true"], stdin=data)).code == 0
            long = await host.run(["sh", "-c", "yes | head -c 3000000; yes | head -c 3000000 >&2"])
            assert (len(long.out), len(long.err)) == (1024 * 1024, 1024 * 1024)

    run(work())


def test_run_ends_with_the_command_though_a_child_keeps_the_output(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    target = start_sshd().target(made_keys / "ed")

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            result = await host.run(["sh", "-c", "sleep 60 & echo $!; exit 3"])
            assert result.code == 3
            assert (await host.run(["kill", result.out.strip()])).code == 0

    run(work())


def test_run_works_with_one_session_at_a_time(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    target = start_sshd("MaxSessions 1").target(made_keys / "ed")

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            results = await asyncio.gather(*(host.run(["echo", str(number)]) for number in range(12)))
            assert [result.out for result in results] == [f"{number}\n" for number in range(12)]

    run(work())


def test_run_past_its_deadline_closes_the_connection(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    target = start_sshd().target(made_keys / "ed")

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            with pytest.raises(SshUnreachable, match=r"did not run sleep within 0\.3 s") as caught:
                await host.run(["sleep", "60"], deadline_s=0.3)
            assert caught.value.host == host.name
            assert caught.value.hint
            with pytest.raises(SshUnreachable):
                await host.run(["true"])

    run(work())


def test_cancel_of_a_command_closes_the_connection_at_once(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, tmp_path: Path
) -> None:
    target, flag = start_sshd().target(made_keys / "ed"), tmp_path / "started"

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            task = asyncio.create_task(host.run(["sh", "-c", f"touch {flag}; sleep 60"]))
            await until(flag.exists)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await host.close()
            assert time.monotonic() - began < 30
            assert not host.transport.is_alive()

    run(work())


async def until(condition: Any) -> None:
    """Wait for a condition; the test's own time limit is the only one."""
    while not condition():  # noqa: ASYNC110 - a condition of any kind, not an event
        await asyncio.sleep(0.005)


def test_server_that_dies_during_a_command_is_told(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, tmp_path: Path
) -> None:
    server, flag = start_sshd(), tmp_path / "started"

    async def work() -> None:
        async with connected(server.target(made_keys / "ed"), known_hosts) as host:
            task = asyncio.create_task(host.run(["sh", "-c", f"touch {flag}; sleep 60"]))
            await until(flag.exists)
            server.stop()
            with pytest.raises(SshUnreachable, match="broke off") as caught:
                await task
            assert "try again" in (caught.value.hint or "")

    run(work())


def test_transcript_holds_what_was_done_and_no_input(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    transcript = Transcript()

    async def work() -> None:
        target = start_sshd().target(made_keys / "ed")
        async with connected(target, known_hosts, listener=transcript) as host:
            await host.run(["tee", "/dev/null"], stdin=b"secret token")
            await host.run(["printf", "\\033[2Jscreen\\n"])
            await host.run(["seq", "100"])
            await host.run(["false"])

    run(work())
    text = "\n".join(transcript)
    assert "Connecting to" in text
    assert "SHA256:" in text
    assert "tee /dev/null < 12 bytes" in text
    assert "80 more lines" in text
    assert "exit code 1" in text
    assert "\033" not in text


def test_login_without_a_shell_is_told_with_the_hosts_own_words(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    for force, says in (
        ("echo This account is currently not available.; exit 1", "not available"),
        ("exit 1", "exit code 1"),
    ):
        target = start_sshd(f"ForceCommand {force}").target(made_keys / "ed")
        with pytest.raises(AuthFailed, match=says) as caught:
            run(visit(target, known_hosts))
        assert "login shell" in (caught.value.hint or "")
        known_hosts.forget(target)


def test_host_that_allows_no_session_is_told(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    target = start_sshd("MaxSessions 0").target(made_keys / "ed")
    with pytest.raises(AuthFailed, match="opens no session") as caught:
        run(visit(target, known_hosts))
    assert "MaxSessions" in (caught.value.hint or "")


# Host keys


def unseen(server: Sshd, *identities: Path) -> SshTarget:
    """Return a target of which nothing is known."""
    return server.target(*identities, known_hosts_files=())


def test_unknown_host_key_is_shown_and_pinned_on_yes(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    target, person = unseen(start_sshd(), made_keys / "ed"), Person(trusts=True)
    shown = fingerprint(paramiko.PKey.from_path(made_keys / "host_ed"))
    assert run(visit(target, known_hosts, person)) == USER
    assert person.keys_shown == [(target.name, "ssh-ed25519", shown)]
    assert run(visit(target, known_hosts, NobodyThere())) == USER


def test_unknown_host_key_that_nobody_confirms_stops_before_any_login(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    server = start_sshd()
    target = unseen(server, made_keys / "ed")
    with pytest.raises(HostKeyUnknown, match=r"SHA256:.* nobody confirmed") as caught:
        run(visit(target, known_hosts, Person(trusts=False)))
    assert "then try again" in (caught.value.hint or "")
    with pytest.raises(HostKeyUnknown, match="is unknown"):
        run(visit(target, known_hosts, NobodyThere()))
    assert "Accepted publickey" not in server.log
    assert not known_hosts.path.exists()


def test_changed_host_key_is_a_hard_stop_that_names_the_line(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    server = start_sshd()
    target = server.target(made_keys / "ed")
    known = target.known_hosts_files[0]
    known.write_text(f"# a comment\n{server.known_line(made_keys / 'host_other')}\n")
    with pytest.raises(HostKeyChanged, match=rf"has changed.*{known}, line 2") as caught:
        run(visit(target, known_hosts, Person(trusts=True)))
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in (caught.value.hint or "")
    assert "Accepted publickey" not in server.log


def test_known_key_type_is_asked_for_first(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    """Where the RSA key is known, the server's ed25519 key must not look like a change."""
    for known in ("host_rsa", "host_ec"):
        server = start_sshd(host_keys=("host_ed", "host_ec", "host_rsa"))
        target = server.target(made_keys / "ed")
        target.known_hosts_files[0].write_text(f"{server.known_line(made_keys / known)}\n")
        assert run(visit(target, known_hosts)) == USER


def test_named_fingerprint_stands_for_the_yes(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    for name in ("host_ed", "host_rsa"):
        target = unseen(start_sshd(host_keys=("host_ed", "host_ec", "host_rsa")), made_keys / "ed")
        named = fingerprint(paramiko.PKey.from_path(made_keys / name))
        assert run(visit(target, known_hosts, expected_host_key=named)) == USER
        assert run(visit(target, known_hosts)) == USER


def test_named_fingerprint_that_is_another_stops(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    server = start_sshd(host_keys=("host_ed", "host_rsa"))
    named = fingerprint(paramiko.PKey.from_path(made_keys / "host_other"))
    with pytest.raises(HostKeyChanged, match=r"shows SHA256:.*ssh-ed25519.* and SHA256:.*ssh-rsa.*not SHA256:"):
        run(visit(unseen(server, made_keys / "ed"), known_hosts, Person(trusts=True), expected_host_key=named))
    assert "Accepted publickey" not in server.log


@pytest.mark.parametrize("typed", ["", "SHA256:", "MD5:aa:bb", "ssh-ed25519 AAAA", "SHA256:" + "x" * 44])
def test_named_fingerprint_that_is_none_is_told(typed: str, known_hosts: KnownHosts) -> None:
    with pytest.raises(ProvisionError, match="is no fingerprint of a host key") as caught:
        run(visit(SshTarget("shop", "192.0.2.1", 22, "ops"), known_hosts, expected_host_key=typed))
    assert "ssh-keygen -l" in (caught.value.hint or "")


def test_named_fingerprint_accepts_a_key_that_has_changed(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    target = unseen(start_sshd(), made_keys / "ed")
    known_hosts.pin(target, paramiko.PKey.from_path(made_keys / "host_other"))
    with pytest.raises(HostKeyChanged):
        run(visit(target, known_hosts))
    named = fingerprint(paramiko.PKey.from_path(made_keys / "host_ed"))
    assert run(visit(target, known_hosts, expected_host_key=named)) == USER
    assert run(visit(target, known_hosts)) == USER


def test_revoked_host_key_is_refused_whatever_is_said(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    server = start_sshd()
    target = server.target(made_keys / "ed")
    key = paramiko.PKey.from_path(made_keys / "host_ed")
    target.known_hosts_files[0].write_text(f"{server.known_line()}\n@revoked * {written(key)}\n")
    with pytest.raises(HostKeyChanged, match="revoked"):
        run(visit(target, known_hosts, expected_host_key=fingerprint(key)))


# Ways that do not lead there


def test_unknown_name_closed_port_and_silence_are_told_apart(known_hosts: KnownHosts) -> None:
    nowhere = SshTarget("shop", "no-such-host.invalid", 22, "ops")
    with pytest.raises(SshUnreachable, match=r"no host named no-such-host\.invalid \(shop\)") as caught:
        run(visit(nowhere, known_hosts))
    assert caught.value.host == "ops@shop"
    assert "spelling" in (caught.value.hint or "")
    port = free_port()
    with pytest.raises(SshUnreachable, match=rf"127\.0\.0\.1:{port} refuses the connection") as refused:
        run(visit(SshTarget("127.0.0.1", "127.0.0.1", port, "ops"), known_hosts))
    assert "Check the port" in (refused.value.hint or "")


@contextmanager
def blackhole() -> Iterator[int]:
    """Listen with a full backlog: the kernel drops every further SYN, as a firewall does."""
    with socket.socket() as listener, ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_blackholed_port_is_told_by_its_deadline(known_hosts: KnownHosts) -> None:
    with blackhole() as port:
        target = SshTarget("127.0.0.1", "127.0.0.1", port, "ops", connect_timeout_s=0.3)
        with pytest.raises(SshUnreachable, match=r"did not answer within 0\.3 s") as caught:
            run(visit(target, known_hosts))
        assert "firewall" in (caught.value.hint or "")


def test_cancel_does_not_wait_for_a_port_that_is_silent(known_hosts: KnownHosts) -> None:
    async def work(port: int) -> None:
        target, transcript = SshTarget("127.0.0.1", "127.0.0.1", port, "ops", connect_timeout_s=100), Transcript()
        task = asyncio.create_task(visit(target, known_hosts, listener=transcript))
        await until(lambda: transcript)
        # Into the connect itself, most often; before it is as good.
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)

    with blackhole() as port:
        run(work(port))


@pytest.mark.parametrize(
    ("answer", "timeout_s", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 15, 'no SSH server: it says "HTTP/1.1 400'),
        (b"Exceeded MaxStartups\r\n", 15, "turns us away"),
        (b"Not allowed at this time\r\n", 15, "turns us away"),
        (b"", 15, "before anybody could log in"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", 15, "before anybody could log in"),
        (b"SSH-1.5-old\r\n", 15, "no way to encrypt in common"),
        (None, 0.2, r"said nothing for 0\.4 s"),
        (b"SSH-2.0-slow\r\n+", 1.5, r"did not agree on encryption within 3 s"),
    ],
)
def test_servers_that_are_none_are_told_apart(
    answer: bytes | None, timeout_s: float, says: str, known_hosts: KnownHosts
) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.sendall((answer or b"").removesuffix(b"+"))
                if answer is None or answer.endswith(b"+"):
                    stop.wait(30)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        target = SshTarget("127.0.0.1", "127.0.0.1", port, "ops", connect_timeout_s=timeout_s)
        with pytest.raises(SshUnreachable, match=says) as caught:
            run(visit(target, known_hosts))
        stop.set()
        thread.join()
    assert caught.value.hint


def test_server_without_common_ciphers_is_told(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    target = start_sshd("Ciphers chacha20-poly1305@openssh.com").target(made_keys / "ed")
    with pytest.raises(SshUnreachable, match="no way to encrypt in common"):
        run(visit(target, known_hosts))


def test_cancel_while_connecting_leaves_nothing(known_hosts: KnownHosts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = SshTarget("127.0.0.1", "127.0.0.1", listener.getsockname()[1], "ops")

        async def work() -> None:
            before = threading.active_count()
            task = asyncio.create_task(visit(target, known_hosts))
            connection, _address = await asyncio.to_thread(listener.accept)
            with connection:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            # The pool of to_thread stays.
            await until(lambda: threading.active_count() <= before + 1)

        run(work())


# Jump hosts and ports


def test_jump_hosts_lead_to_a_host(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, home: Path) -> None:
    """As people have it: a configuration with two gates, keys of their own for each, known_hosts for all."""
    outer, inner, last = start_sshd(allow=("ed",)), start_sshd(allow=("ec",)), start_sshd(allow=("rsa",))
    known = home / "known"
    known.write_text("".join(f"{server.known_line()}\n" for server in (outer, inner, last)))
    config = home / "config"
    config.write_text(
        f"Host *\n HostName 127.0.0.1\n User {USER}\n UserKnownHostsFile {known}\n"
        f"Host outer\n Port {outer.port}\n IdentityFile {made_keys / 'ed'}\n"
        f"Host inner\n Port {inner.port}\n IdentityFile {made_keys / 'ec'}\n"
        f"Host last\n Port {last.port}\n IdentityFile {made_keys / 'rsa'}\n ProxyJump outer,inner\n"
    )
    target = resolve("last", ssh_config=config)
    assert target.proxy_jump == f"{USER}@127.0.0.1:{outer.port},{USER}@127.0.0.1:{inner.port}"
    assert run(visit(target, known_hosts)) == USER
    for server in (outer, inner, last):
        assert server.log.count("Accepted publickey") == 1


def test_jump_host_that_forbids_or_cannot_reach_is_told(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    closed, open_gate, last = start_sshd("AllowTcpForwarding no"), start_sshd(), start_sshd()
    key = made_keys / "ed"
    behind_closed = last.target(key, jumps=(closed.target(key),))
    with pytest.raises(SshUnreachable, match=rf"jump host .*:{closed.port} forbids") as forbidden:
        run(visit(behind_closed, known_hosts))
    assert "AllowTcpForwarding" in (forbidden.value.hint or "")
    dead = SshTarget("dead", "127.0.0.1", free_port(), USER, jumps=(open_gate.target(key),))
    with pytest.raises(SshUnreachable, match=rf"jump host .*:{open_gate.port} cannot reach"):
        run(visit(dead, known_hosts))


def test_unknown_key_of_a_jump_host_is_confirmed_too(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    gate, last, person = start_sshd(), start_sshd(host_keys=("host_ec",)), Person(trusts=True)
    target = last.target(made_keys / "ed", known_hosts_files=(), jumps=(unseen(gate, made_keys / "ed"),))
    assert run(visit(target, known_hosts, person)) == USER
    assert [kind for _name, kind, _fingerprint in person.keys_shown] == ["ssh-ed25519", "ecdsa-sha2-nistp256"]


def test_several_hosts_at_once(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    targets = [unseen(start_sshd(), made_keys / "ed") for _ in range(4)]

    async def work() -> None:
        people = [Person(trusts=True) for _ in targets]
        visits = (visit(target, known_hosts, person) for target, person in zip(targets, people, strict=True))
        assert await asyncio.gather(*visits) == [USER] * 4

    run(work())


def test_cancelled_question_ends_the_run_quietly(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    target = start_sshd(allow=("locked",)).target(made_keys / "locked")
    with pytest.raises(UserCancelled):
        run(visit(target, known_hosts, Person()))
