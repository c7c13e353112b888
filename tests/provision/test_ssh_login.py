"""Logging in: keys of agent and files against a real sshd; passwords, questions and odd servers against paramiko's."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa

from pingmon_gui.domain.error import AuthFailed, SshUnreachable, UserCancelled
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.private_key import Agent
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.provision.ssh import connect, open_link
from pingmon_gui.provision.ssh_config import SshTarget
from tests.provision.odd_server import Manners, OddListener
from tests.provision.people import NobodyThere, Person, Transcript
from tests.provision.sshd import USER, StartSshd, keygen, public_line
from tests.provision.test_ssh import connected, run, until, visit

PASSPHRASE, PASSWORD = SecretKind.PASSPHRASE, SecretKind.PASSWORD
SESAME = "open sesame"


def add_to_agent(*keys: Path) -> None:
    subprocess.run(["ssh-add", "-q", *map(str, keys)], check=True)


# Key files, a real sshd


@pytest.mark.parametrize("name", ["ed", "ec", "rsa"])
def test_key_files_of_every_kind_log_in(
    name: str, start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    target = start_sshd(allow=(name,)).target(made_keys / "other", made_keys / "absent", made_keys / name)
    assert run(visit(target, known_hosts)) == USER


@pytest.mark.parametrize(("kind", "form"), [("rsa", "PEM"), ("ecdsa", "PEM"), ("rsa", "PKCS8"), ("ecdsa", "PKCS8")])
@pytest.mark.parametrize("passphrase", ["", SESAME])
def test_pem_keys_log_in(
    kind: str, form: str, passphrase: str, start_sshd: StartSshd, known_hosts: KnownHosts, tmp_path: Path
) -> None:
    key = keygen(tmp_path / "pem", kind, passphrase, "-m", form)
    server, person = start_sshd(allow=()), Person([passphrase])
    server.allow(key)
    assert run(visit(server.target(key), known_hosts, person)) == USER
    assert person.asked == ([PASSPHRASE] if passphrase else [])


def test_encrypted_key_asks_for_its_passphrase_by_name(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    person = Person(["wrong", SESAME])
    target = start_sshd(allow=("locked",)).target(made_keys / "locked")
    assert run(visit(target, known_hosts, person)) == USER
    assert person.asked == [PASSPHRASE, PASSPHRASE]
    assert f"{made_keys}/locked is encrypted" in person.questions[0][1]
    assert "does not open" in person.questions[1][1]


def test_passphrase_wrong_three_times_is_told(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    target = start_sshd(allow=("locked",)).target(made_keys / "locked")
    with pytest.raises(AuthFailed, match=r"None of 3 passphrases opens the key .*locked") as caught:
        run(visit(target, known_hosts, Person(["a", "b", "c", "d"])))
    assert "ssh-add" in (caught.value.hint or "")
    assert caught.value.host == target.name


def test_encrypted_key_without_anybody_to_ask_is_told(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path
) -> None:
    target = start_sshd(allow=("locked",)).target(made_keys / "locked")
    with pytest.raises(AuthFailed, match=r"locked is encrypted.*Nobody can be asked"):
        run(visit(target, known_hosts, NobodyThere()))


@pytest.mark.parametrize("form", ["OpenSSH", "PEM"])
def test_passphrase_is_asked_only_for_a_key_the_host_takes(
    form: str, start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, tmp_path: Path
) -> None:
    """paramiko alone would sign at once, and so ask for every passphrase."""
    locked = keygen(tmp_path / "unneeded", "ecdsa", SESAME, *(("-m", "PEM") if form == "PEM" else ()))
    person = Person()
    target = start_sshd().target(locked, made_keys / "ed")
    assert run(visit(target, known_hosts, person)) == USER
    assert person.questions == []


def test_keys_refused_are_named_with_the_user(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    server = start_sshd(allow=())
    with pytest.raises(AuthFailed, match=r"refused the keys .*ed and .*rsa for the user") as caught:
        run(visit(server.target(made_keys / "ed", made_keys / "rsa"), known_hosts))
    assert "authorized_keys" in (caught.value.hint or "")
    assert caught.value.host == server.target().name
    with pytest.raises(AuthFailed, match=r"refused the key .*ed for the user no-such-user"):
        run(visit(server.target(made_keys / "ed", user="no-such-user"), known_hosts))


def test_no_key_at_all_is_told(start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path) -> None:
    target = start_sshd().target(made_keys / "absent")
    with pytest.raises(AuthFailed, match="there is none to try") as caught:
        run(visit(target, known_hosts))
    assert "Name your private key" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTYgen"),
        ("ssh-ed25519 AAAA someone\n", "is the public half"),
        ("hello\n", "is no private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "is damaged"),
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "is damaged"),
        (None, "cannot be read: Is a directory"),
    ],
)
def test_named_key_that_is_of_no_use_is_told(
    content: str | None, says: str, start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, tmp_path: Path
) -> None:
    key = tmp_path / "named"
    if content is None:
        key.mkdir()
    else:
        key.write_text(content)
    server = start_sshd()
    with pytest.raises(AuthFailed, match=says) as caught:
        run(visit(server.target(key, made_keys / "ed", named_identity=key), known_hosts))
    assert str(key) in str(caught.value)
    # Found by chance it is passed over, and told only if nothing else helps.
    assert run(visit(server.target(key, made_keys / "ed"), known_hosts)) == USER
    with pytest.raises(AuthFailed, match=says):
        run(visit(server.target(key), known_hosts))


def test_dsa_key_is_too_old(start_sshd: StartSshd, known_hosts: KnownHosts, tmp_path: Path) -> None:
    key = tmp_path / "dsa"
    key.write_bytes(
        dsa.generate_private_key(1024).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    with pytest.raises(AuthFailed, match="no longer take"):
        run(visit(start_sshd().target(key, named_identity=key), known_hosts))


def test_certificate_beside_a_key_is_used(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, tmp_path: Path
) -> None:
    authority, key = keygen(tmp_path / "ca"), keygen(tmp_path / "certified")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", USER, f"{key}.pub"],
        check=True,
        capture_output=True,
    )
    trusted = tmp_path / "ca.pub"
    target = start_sshd(f"TrustedUserCAKeys {trusted}", allow=()).target(key)
    assert run(visit(target, known_hosts)) == USER


def test_only_the_given_private_key_is_tried(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, agent: Path
) -> None:
    """As a restricted key is proved: nothing else may open the door."""
    add_to_agent(made_keys / "ed")
    server = start_sshd(allow=("ed", "other"))
    target = server.target(made_keys / "ed")

    async def work(key: str) -> int:
        host = await connect(target, NobodyThere(), known_hosts, private_key=(made_keys / key).read_text())
        await host.close()
        link = await open_link(target, known_hosts, (made_keys / key).read_text())
        await link.close()
        return server.log.count("Accepted publickey")

    assert run(work("other")) == 2
    with pytest.raises(AuthFailed, match="refused the key of this app for the user"):
        run(work("ec"))


# The agent


def test_agent_logs_in_where_the_file_is_locked(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, agent: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes((made_keys / "locked").read_bytes())
    plain.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", SESAME, "-N", "", "-f", str(plain)], check=True, capture_output=True
    )
    add_to_agent(plain, made_keys / "rsa")
    server = start_sshd(allow=("locked",))
    assert run(visit(server.target(made_keys / "locked"), known_hosts)) == USER
    assert run(visit(server.target(), known_hosts)) == USER


def test_agent_keys_are_left_alone_with_identities_only(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, agent: Path
) -> None:
    add_to_agent(made_keys / "ed", made_keys / "rsa")
    server = start_sshd(allow=("ed",))
    with pytest.raises(AuthFailed, match=r"refused the key .*other for"):
        run(visit(server.target(made_keys / "other", is_identities_only=True), known_hosts))
    assert run(visit(server.target(made_keys / "ed", is_identities_only=True), known_hosts)) == USER
    assert run(visit(server.target(is_identities_only=False), known_hosts)) == USER
    with pytest.raises(AuthFailed, match="none to try"):
        run(visit(server.target(identity_agent="none"), known_hosts))
    assert run(visit(server.target(identity_agent=str(agent)), known_hosts)) == USER


def test_named_key_is_tried_before_a_full_agent(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, agent: Path, tmp_path: Path
) -> None:
    keys = [keygen(tmp_path / f"many{number}") for number in range(8)]
    add_to_agent(*keys)
    server, named = start_sshd(), made_keys / "ed"
    assert run(visit(server.target(named, named_identity=named), known_hosts)) == USER
    with pytest.raises(AuthFailed, match=r"allows no more \(MaxAuthTries\)") as caught:
        run(visit(server.target(named), known_hosts))
    assert "IdentitiesOnly" in (caught.value.hint or "")


def test_agent_that_is_gone_is_no_agent(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    assert run(visit(start_sshd().target(made_keys / "ed"), known_hosts)) == USER


def test_agent_that_will_not_sign_is_passed_over_and_told(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that asks before each use (ssh-add -c), where somebody says no. paramiko alone would hang up."""
    path = tmp_path / "strict.sock"
    environment = {"PATH": os.environ["PATH"], "SSH_ASKPASS": "/bin/false", "DISPLAY": ":none"}
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], env=environment, stdout=subprocess.DEVNULL) as strict:
        try:
            while not path.exists():
                assert strict.poll() is None
            monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
            subprocess.run(["ssh-add", "-q", "-c", str(made_keys / "ed")], check=True)
            server = start_sshd(allow=("ed", "ec"))
            with pytest.raises(AuthFailed, match=r"none could be used\. The agent would not sign with the key"):
                run(visit(server.target(), known_hosts))
            assert run(visit(server.target(made_keys / "ec"), known_hosts)) == USER
        finally:
            strict.terminate()


def test_agent_that_hangs_does_not_hold_up_a_cancel(
    start_sshd: StartSshd, known_hosts: KnownHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hung.sock"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    target = start_sshd().target()

    async def work(listener: socket.socket) -> None:
        task = asyncio.create_task(visit(target, known_hosts))
        connection, _address = await asyncio.to_thread(listener.accept)
        with connection:
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 30

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        run(work(listener))


def test_agent_that_answers_when_nobody_waits_any_more_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "late.sock"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        agent = Agent()
        agent.cut()
        agent.open(None)
        connection, _address = listener.accept()
        with connection:
            connection.settimeout(20)
            assert connection.recv(1) == b""
    assert agent.held_keys() == []


# Passwords and questions, an odd server


@pytest.fixture
def host_key(made_keys: Path) -> Path:
    return made_keys / "host_ed"


def test_password_is_asked_until_it_is_right(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    person = Person(["wrong", "right"])
    with OddListener(Manners(password="right"), host_key) as odd:
        target = odd.target(tmp_path)
        assert run(visit(target, known_hosts, person))
    assert person.asked == [PASSWORD, PASSWORD]
    assert person.questions[0][1] == f"What is the password of {target.name}?"
    assert "refused that password" in person.questions[1][1]


def test_password_wrong_three_times_is_told(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    with OddListener(Manners(password="right"), host_key) as odd:
        target = odd.target(tmp_path)
        with pytest.raises(AuthFailed, match="refused the password 3 times") as caught:
            run(visit(target, known_hosts, Person(["a", "b", "c", "right"])))
        assert odd.passwords == ["a", "b", "c"]
    assert caught.value.hint
    assert caught.value.host == target.name


def test_password_without_anybody_to_ask_is_told(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    with OddListener(Manners(password="right"), host_key) as odd:
        with pytest.raises(AuthFailed, match="Nobody can be asked"):
            run(visit(odd.target(tmp_path), known_hosts, NobodyThere()))
        assert odd.passwords == []


def test_keys_come_before_the_password(
    known_hosts: KnownHosts, host_key: Path, tmp_path: Path, made_keys: Path
) -> None:
    manners = Manners(password="right", keys=[paramiko.PKey.from_path(made_keys / "ed")])
    with OddListener(manners, host_key) as odd:
        person = Person()
        assert run(visit(odd.target(tmp_path, made_keys / "ed"), known_hosts, person))
        assert person.questions == []
        fallback = Person(["right"])
        assert run(visit(odd.target(tmp_path, made_keys / "other"), known_hosts, fallback))
        assert fallback.asked == [PASSWORD]
        assert "It refused the key" in fallback.questions[0][1]
        with pytest.raises(AuthFailed, match=r"refused the key .*other for the user ops") as caught:
            run(visit(odd.target(tmp_path, made_keys / "other"), known_hosts, NobodyThere()))
        assert "authorized_keys" in (caught.value.hint or "")


def test_hosts_own_questions_are_passed_on(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    dialog = [[("Password: ", "right")], [("Verification code: ", "123456"), ("Pet's\x1b[2J name?", "Rex")]]
    person = Person(["right", "123456", "Rex"])
    with OddListener(Manners(dialog=dialog), host_key) as odd:
        target = odd.target(tmp_path)
        assert run(visit(target, known_hosts, person))
    assert person.asked == [PASSWORD, SecretKind.ANSWER, SecretKind.ANSWER]
    assert person.questions[1][1] == f"{target.name} asks: Login Two things. Verification code"
    assert "\x1b" not in person.questions[2][1]


def test_wrong_answers_are_asked_again_three_times(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    with OddListener(Manners(dialog=[[("Password: ", "right")]]), host_key) as odd:
        person = Person(["wrong", "right"])
        assert run(visit(odd.target(tmp_path), known_hosts, person))
        assert "refused that password" in person.questions[1][1]
        with pytest.raises(AuthFailed, match="3 times"):
            run(visit(odd.target(tmp_path), known_hosts, Person(["a", "b", "c"])))


def test_password_that_needs_a_code_too_goes_on_with_the_hosts_questions(
    known_hosts: KnownHosts, host_key: Path, tmp_path: Path
) -> None:
    """The plain password is refused where a second factor is configured; the dialog then asks for both."""
    manners = Manners(password="never", dialog=[[("Password: ", "right"), ("Code: ", "42")]])
    with OddListener(manners, host_key) as odd:
        person = Person(["right", "right", "42"])
        assert run(visit(odd.target(tmp_path), known_hosts, person))
        assert person.asked == [PASSWORD, PASSWORD, SecretKind.ANSWER]


def test_second_factor_after_a_key(known_hosts: KnownHosts, host_key: Path, tmp_path: Path, made_keys: Path) -> None:
    manners = Manners(
        keys=[paramiko.PKey.from_path(made_keys / "ed")],
        dialog=[[("Code: ", "42")]],
        factors=["publickey", "keyboard-interactive"],
    )
    transcript, person = Transcript(), Person(["42"])
    with OddListener(manners, host_key) as odd:
        assert run(visit(odd.target(tmp_path, made_keys / "ed"), known_hosts, person, listener=transcript))
    assert person.asked == [SecretKind.ANSWER]
    assert any("keyboard-interactive as well" in line for line in transcript)
    assert not any(line == "42" for line in transcript)


def test_cancel_of_a_question_unwinds_quietly(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    for manners in (Manners(password="right"), Manners(dialog=[[("Code: ", "42")]])):
        with OddListener(manners, host_key) as odd, pytest.raises(UserCancelled):
            run(visit(odd.target(tmp_path), known_hosts, Person()))


@pytest.mark.parametrize("manners", [Manners(password="right"), Manners(dialog=[[("Code: ", "42")]])])
def test_cancel_of_the_run_while_a_person_thinks(
    manners: Manners, known_hosts: KnownHosts, host_key: Path, tmp_path: Path
) -> None:
    async def work(target: SshTarget) -> None:
        person = Person(["late"], thinks=asyncio.Event(), is_thinking=asyncio.Event())
        task = asyncio.create_task(visit(target, known_hosts, person))
        assert person.is_thinking is not None
        await person.is_thinking.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with OddListener(manners, host_key) as odd:
        run(work(odd.target(tmp_path)))


def test_host_that_hangs_up_while_a_person_types_is_asked_again_with_the_answer(
    known_hosts: KnownHosts, host_key: Path, tmp_path: Path
) -> None:
    """sshd gives two minutes (LoginGraceTime); whoever looks for a password takes longer."""

    async def work(odd: OddListener) -> None:
        person = Person(["right"], thinks=asyncio.Event(), is_thinking=asyncio.Event())
        task = asyncio.create_task(visit(odd.target(tmp_path), known_hosts, person))
        assert person.is_thinking is not None
        assert person.thinks is not None
        await person.is_thinking.wait()
        transport = odd.sessions[0].transport
        assert transport is not None
        transport.close()
        await until(lambda: not transport.is_alive())
        await until(
            lambda: not any(thread.name.startswith("Thread") and _is_client(thread) for thread in threading.enumerate())
        )
        person.thinks.set()
        assert await task
        assert len(person.questions) == 1
        assert len(odd.sessions) == 2

    with OddListener(Manners(password="right"), host_key) as odd:
        run(work(odd))


def _is_client(thread: threading.Thread) -> bool:
    return isinstance(thread, paramiko.Transport) and not thread.server_mode


def test_host_that_dies_during_the_login_is_told(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    with OddListener(Manners(password="right", drops=9), host_key) as odd:
        with pytest.raises(SshUnreachable, match="broke the connection off during the login") as caught:
            run(visit(odd.target(tmp_path), known_hosts, Person(["right"])))
        assert caught.value.hint


def test_host_that_cuts_short_too_many_attempts_is_told(
    known_hosts: KnownHosts, host_key: Path, tmp_path: Path, made_keys: Path
) -> None:
    manners = Manners(keys=[paramiko.PKey.from_path(made_keys / "other")], most_failures=2)
    with OddListener(manners, host_key) as odd, pytest.raises(AuthFailed, match="MaxAuthTries"):
        run(visit(odd.target(tmp_path, made_keys / "ed", made_keys / "ec", made_keys / "rsa"), known_hosts))


def test_host_that_offers_nothing_usable_is_told(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    with OddListener(Manners(), host_key) as odd, pytest.raises(AuthFailed, match="only by hostbased") as caught:
        run(visit(odd.target(tmp_path), known_hosts))
    assert "sshd_config" in (caught.value.hint or "")


def test_banner_is_told_without_its_tricks(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    transcript = Transcript()
    manners = Manners(password="right", banner="Authorised\x1b]0;use\x07 only\n\n  Be nice\n")
    with OddListener(manners, host_key) as odd:
        assert run(visit(odd.target(tmp_path), known_hosts, Person(["right"]), listener=transcript))
    assert "Be nice" in transcript
    assert not any("\x1b" in line for line in transcript)
    assert not any("right" in line for line in transcript)


def test_sessions_refused_and_dying_are_told(known_hosts: KnownHosts, host_key: Path, tmp_path: Path) -> None:
    for command, error, says in (("die", SshUnreachable, "broke off"), ("refuse", AuthFailed, "opens no session")):
        with (
            OddListener(Manners(password="right", command=command), host_key) as odd,
            pytest.raises(error, match=says),
        ):
            run(visit(odd.target(tmp_path), known_hosts, Person(["right"])))


def test_command_that_never_answers_ends_by_its_deadline(
    known_hosts: KnownHosts, host_key: Path, tmp_path: Path
) -> None:
    manners = Manners(password="right")

    async def work(target: SshTarget) -> None:
        async with connected(target, known_hosts, Person(["right"])) as host:
            manners.command = "hang"
            with pytest.raises(SshUnreachable, match=r"did not run true within 0\.2 s"):
                await host.run(["true"], deadline_s=0.2)

    with OddListener(manners, host_key) as odd:
        run(work(odd.target(tmp_path)))


@pytest.fixture(autouse=True)
def _secrets_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level("DEBUG"):
        yield
    assert SESAME not in caplog.text
    assert "right" not in caplog.text.replace("copyright", "")


def test_public_line_of_a_key_is_what_ssh_keygen_wrote(made_keys: Path) -> None:
    """The helper the servers are set up with; a wrong line would make every refusal above look right."""
    key = paramiko.PKey.from_path(made_keys / "ed")
    assert public_line(made_keys / "ed").split()[1] == key.get_base64()
