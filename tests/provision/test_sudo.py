"""sudo's complaints, and how a host that needs sudo is dealt with. The sudo here is a script that speaks as sudo does;
the real one is in tests/lab.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pingmon_gui.domain.error import AuthFailed, UserCancelled
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.provision.ssh import SshHost
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.ssh_login import Memory
from pingmon_gui.provision.sudo import SudoProblem, problem_of
from tests.provision.people import NobodyThere, Person, Transcript
from tests.provision.sshd import StartSshd
from tests.provision.test_ssh import connected, run

#: Answers as sudo 1.9 does: -n never asks; -S asks on stderr, up to three times; -p is the question.
_SUDO = """#!/bin/sh
answer=$(cat {folder}/answer)
is_silent=
while :; do
    case $1 in
    -n) is_silent=1; shift ;;
    -S) shift ;;
    -p) prompt=$2; shift 2 ;;
    --) shift; break ;;
    esac
done
case $answer in
refuse:*) echo "sudo: ${{answer#refuse:}}" >&2; exit 1 ;;
free) exec "$@" ;;
esac
[ -z "$is_silent" ] || {{ echo "sudo: a password is required" >&2; exit 1; }}
for try in 1 2 3; do
    printf '%s' "$prompt" >&2
    IFS= read -r typed || {{ echo >&2; echo "sudo: no password was provided" >&2; exit 1; }}
    case $answer in
    lecture:"$typed") echo "With great power comes..." >&2; exec "$@" ;;
    "$typed") exec "$@" ;;
    late:"$typed") echo "ops is not in the sudoers file." >&2; exit 1 ;;
    esac
    echo "Sorry, try again." >&2
done
echo "sudo: 3 incorrect password attempts" >&2
exit 1
"""


@pytest.mark.parametrize(
    ("complaint", "problem"),
    [
        ("sudo: a password is required\n", SudoProblem.NEEDS_PASSWORD),
        ("sudo: interactive authentication is required\n", SudoProblem.NEEDS_PASSWORD),
        ("\nsudo: no password was provided\nsudo: a password is required\n", SudoProblem.NEEDS_PASSWORD),
        ("Sorry, try again.\nsudo: 3 incorrect password attempts\n", SudoProblem.WRONG_PASSWORD),
        ("sudo: 1 incorrect password attempt\n", SudoProblem.WRONG_PASSWORD),
        ("ops is not in the sudoers file.\nThis incident has been reported.\n", SudoProblem.NOT_ALLOWED),
        ("Sorry, user ops is not allowed to execute '/bin/sh' as root on vps.\n", SudoProblem.NOT_ALLOWED),
        ("Sorry, user ops may not run sudo on vps.\n", SudoProblem.NOT_ALLOWED),
        ("sudo: I'm sorry ops. I'm afraid I can't do that\n", SudoProblem.NOT_ALLOWED),
        ("sudo: sorry, you must have a tty to run sudo\n", SudoProblem.NEEDS_TERMINAL),
        ("sudo: Account or password is expired, reset your password and try again\n", SudoProblem.LOCKED),
        ("sudo: account validation failure, is your account locked?\n", SudoProblem.LOCKED),
        ("/bin/sh: 1: exec: sudo: not found\n", SudoProblem.MISSING),
        ("sh: line 1: exec: sudo: command not found\n", SudoProblem.MISSING),
        ("sudo: unable to open /etc/sudoers: Permission denied\n", SudoProblem.OTHER),
        ("", SudoProblem.OTHER),
    ],
)
def test_problem_of_tells_complaints_apart(complaint: str, problem: SudoProblem) -> None:
    assert problem_of(complaint) is problem


class SudoHost:
    """A host whose login is not root's as far as the app is told, with the script above for sudo."""

    def __init__(self, target: SshTarget, folder: Path) -> None:
        self.target = target
        self._folder = folder

    def say(self, answer: str) -> None:
        (self._folder / "answer").write_text(answer)

    def remove(self) -> None:
        (self._folder / "sudo").unlink()


@pytest.fixture
def sudo_host(start_sshd: StartSshd, made_keys: Path, tmp_path: Path) -> SudoHost:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sudo").write_text(_SUDO.format(folder=folder))
    (folder / "id").write_text("#!/bin/sh\necho 1000\n")
    for program in folder.iterdir():
        program.chmod(0o755)
    for tool in ("cat", "true", "printf", "sh"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    # The only folder of programs, so that no real sudo can answer.
    server = start_sshd(f'ForceCommand PATH={folder} exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
    return SudoHost(server.target(made_keys / "ed"), folder)


async def by_sudo(host: SshHost, text: str = "input") -> str:
    return (await host.run(["cat"], stdin=text.encode(), as_root=True)).out


def test_sudo_without_password_is_not_asked_for_one(sudo_host: SudoHost, known_hosts: KnownHosts) -> None:
    sudo_host.say("free")

    async def work() -> None:
        async with connected(sudo_host.target, known_hosts) as host:
            assert not host.is_root
            assert await host.can_sudo()
            assert await by_sudo(host) == "input"
            result = await host.run(["sh", "-c", "echo err >&2; exit 4"], as_root=True)
            assert (result.code, result.err) == (4, "err\n")

    run(work())


@pytest.mark.parametrize("answer", ["secret", "lecture:secret"])
def test_sudo_password_is_asked_once_and_fed_to_sudo_alone(
    answer: str, sudo_host: SudoHost, known_hosts: KnownHosts
) -> None:
    sudo_host.say(answer)
    person, transcript = Person(["secret"]), Transcript()

    async def work() -> None:
        async with connected(sudo_host.target, known_hosts, person, listener=transcript) as host:
            assert await host.can_sudo()
            assert await by_sudo(host) == "input"
            assert await by_sudo(host, "") == ""
            # Where sudo does not ask after all, the password must not end in the command's input.
            sudo_host.say("free")
            assert await by_sudo(host) == "input"
            assert await by_sudo(host, "") == ""

    run(work())
    assert person.asked == [SecretKind.SUDO]
    assert "for sudo" in person.questions[0][1]
    assert not any("secret" in line for line in transcript)


def test_sudo_password_is_not_asked_for_again_by_a_second_connection(
    sudo_host: SudoHost, known_hosts: KnownHosts
) -> None:
    sudo_host.say("secret")
    person, memory = Person(["secret"]), Memory()

    async def work() -> None:
        for _connection in range(2):
            async with connected(sudo_host.target, known_hosts, person, memory=memory) as host:
                assert await by_sudo(host) == "input"

    run(work())
    assert person.asked == [SecretKind.SUDO]


def test_sudo_password_wrong_is_asked_again_three_times(sudo_host: SudoHost, known_hosts: KnownHosts) -> None:
    sudo_host.say("secret")
    person = Person(["wrong", "secret", "a", "b", "c"])

    async def work() -> None:
        async with connected(sudo_host.target, known_hosts, person) as host:
            assert await by_sudo(host) == "input"
            assert "refused that password" in person.questions[1][1]
        async with connected(sudo_host.target, known_hosts, person) as host:
            with pytest.raises(AuthFailed, match="refused the password 3 times") as caught:
                await host.can_sudo()
            assert "not root's" in (caught.value.hint or "")
            # The connection is as good as before.
            assert (await host.run(["printf", "on"])).out == "on"

    run(work())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("refuse:ops is not in the sudoers file.", "may not use sudo"),
        ("late:secret", "may not use sudo"),
        ("refuse:sorry, you must have a tty to run sudo", "requiretty"),
        ("refuse:Account or password is expired", "has expired"),
        ("refuse:unable to open /etc/sudoers: Permission denied", 'says "sudo: unable to open'),
        ("", "There is no sudo"),
    ],
)
def test_hosts_without_sudo_are_told_apart(
    answer: str, says: str, sudo_host: SudoHost, known_hosts: KnownHosts
) -> None:
    sudo_host.say(answer)
    if not answer:
        sudo_host.remove()

    async def work() -> None:
        async with connected(sudo_host.target, known_hosts, Person(["secret"])) as host:
            assert not await host.can_sudo()
            assert says in host.sudo_problem
            with pytest.raises(AuthFailed, match=says) as caught:
                await host.run(["true"], as_root=True)
            assert caught.value.hint
            assert caught.value.host == host.name

    run(work())


def test_empty_password_means_to_go_on_without_sudo(sudo_host: SudoHost, known_hosts: KnownHosts) -> None:
    sudo_host.say("secret")

    async def work() -> None:
        async with connected(sudo_host.target, known_hosts, Person([""])) as host:
            assert not await host.can_sudo()
            assert "none was given" in host.sudo_problem
            # The answer holds for the whole run: nobody is asked again.
            assert not await host.can_sudo()

    run(work())


def test_cancel_at_the_question_for_sudo_unwinds_quietly(sudo_host: SudoHost, known_hosts: KnownHosts) -> None:
    sudo_host.say("secret")

    async def work() -> None:
        async with connected(sudo_host.target, known_hosts, Person()) as host:
            with pytest.raises(UserCancelled):
                await host.can_sudo()

    run(work())


def test_sudo_that_wants_a_password_with_nobody_there(sudo_host: SudoHost, known_hosts: KnownHosts) -> None:
    sudo_host.say("secret")

    async def work() -> None:
        async with connected(sudo_host.target, known_hosts, NobodyThere()) as host:
            assert not await host.can_sudo()
            assert "nobody could be asked" in host.sudo_problem
            with pytest.raises(AuthFailed, match="nobody could be asked") as caught:
                await host.run(["true"], as_root=True)
            assert "terminal" in (caught.value.hint or "")

    run(work())


def test_as_root_for_root_needs_no_sudo(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "id").write_text("#!/bin/sh\necho 0\n")
    (folder / "id").chmod(0o755)
    (folder / "printf").symlink_to(shutil.which("printf") or "")
    target = start_sshd(f'ForceCommand PATH={folder} exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"').target(made_keys / "ed")

    async def work() -> None:
        async with connected(target, known_hosts) as host:
            assert host.is_root
            assert await host.can_sudo()
            assert (await host.run(["printf", "done"], as_root=True)).out == "done"

    run(work())
