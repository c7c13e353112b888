"""The user that a system-wide probe runs as: no password, no shell, nothing of its own but the spool."""

from __future__ import annotations

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.provision.fact import ACCOUNT, HostFacts
from pingmon_gui.provision.host import CommandResult, Host
from pingmon_gui.provision.host_python import HostPython
from pingmon_gui.provision.layout import Layout
from pingmon_gui.provision.step import Step

#: `userdel` says so where there is no such user: userdel(8).
NO_SUCH_USER = 6
_HAS_GROUP = 'grep -q "^$1:" /etc/group'


class AccountStep(Step):
    """Makes the user, with the tools of shadow or of busybox. Also removes it."""

    name = "account"
    title = f"Make the user {ACCOUNT}"

    def __init__(self, layout: Layout, facts: HostFacts) -> None:
        self._layout = layout
        self._has_shadow = "useradd" in facts.programs
        self._is_ours = False

    async def is_done(self, host: Host) -> bool:
        return (await host.run(["id", "-u", ACCOUNT])).code == 0

    async def apply(self, host: Host) -> None:
        self._is_ours = True
        home, shell = self._layout.home, self._layout.shell
        if self._has_shadow:
            words = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", shell]
            # `*` is no password that anybody could type; the usual `!` would lock the account for keys as well.
            words += ["--password", "*", "--comment", "Pingmon probe", ACCOUNT]
            _check(host, await host.run(words, as_root=True))
            return
        if (await host.run(["sh", "-c", _HAS_GROUP, "sh", ACCOUNT])).code != 0:
            _check(host, await host.run(["addgroup", "-S", ACCOUNT], as_root=True))
        words = ["adduser", "-S", "-D", "-H", "-h", home, "-s", shell, "-G", ACCOUNT, "-g", "Pingmon probe", ACCOUNT]
        _check(host, await host.run(words, as_root=True))
        _check(host, await host.run(["chpasswd", "-e"], stdin=f"{ACCOUNT}:*\n".encode(), as_root=True))

    async def undo(self, host: Host) -> None:
        if self._is_ours:
            await remove_account(host, self._layout.python, has_shadow=self._has_shadow)
        self._is_ours = False


async def remove_account(host: Host, python: str, *, has_shadow: bool) -> None:
    """Remove user and group. Harmless where they are gone. Raises StepFailed."""
    # A tunnel that is open, or systemd's manager for one just closed, would keep the user.
    await HostPython(python, as_root=True).stop_user(host, ACCOUNT)
    removed = await host.run(["userdel" if has_shadow else "deluser", ACCOUNT], as_root=True)
    if removed.code not in (0, NO_SUCH_USER) and (await host.run(["id", "-u", ACCOUNT])).code == 0:
        raise StepFailed(
            f"The user {ACCOUNT} could not be removed from {host.name} (exit code {removed.code}).",
            f"Remove it there: userdel {ACCOUNT}. The transcript shows why it did not work.",
        )
    if (await host.run(["sh", "-c", _HAS_GROUP, "sh", ACCOUNT])).code == 0:
        await host.run(["groupdel" if has_shadow else "delgroup", ACCOUNT], as_root=True)


def _check(host: Host, result: CommandResult) -> None:
    if result.code != 0:
        raise StepFailed(
            f"The user {ACCOUNT} could not be made on {host.name} (exit code {result.code}).",
            "The transcript shows why; another program may hold the list of users just now (a package manager).",
        )
