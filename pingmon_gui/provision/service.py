"""Steps that make the probe run, now and after every reboot: by systemd, the user's systemd, or a loop and cron."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.provision.fact import ACCOUNT
from pingmon_gui.provision.host import DATA_MARK, Host
from pingmon_gui.provision.host_python import Health, HostPython
from pingmon_gui.provision.layout import SERVICE, Layout
from pingmon_gui.provision.marked_block import with_block, without_block
from pingmon_gui.provision.step import Step
from pingmon_gui.provision.unit import crontab_line

#: A small host under load takes its time to start a Python.
START_S = 30.0
STOP_S = 40.0
#: Lines of the log that explain nothing: what systemd adds, and what the probe says when all is well.
_REMARK = re.compile(r' systemd\[\d+\]: |\{"port": ')
CRONTAB_MARK = f"{DATA_MARK}line="
_LOOK = f"""\
"$@" is-enabled --quiet {SERVICE}; echo "pingmon:enabled=$?"
"$@" is-active --quiet {SERVICE}; echo "pingmon:active=$?"
"""
#: Prints the table line by line, marked as data: what people have in their crontab is theirs.
_CRONTAB = f"""\
table=$(crontab "$@" -l 2>/dev/null; code=$?; echo x; exit $code)
code=$?
printf %s "${{table%x}}" | sed "s/^/{CRONTAB_MARK}/"
exit $code
"""


class Service:
    """The running probe, whatever keeps it running. Also used by upgrade, restart, removal and doctor."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.python = HostPython(layout.python, as_root=layout.is_system)

    async def health(self, host: Host, wait_s: float) -> Health:
        """Ask the probe on its host. Raises StepFailed where not even its token is there."""
        layout = self.layout
        certificate = layout.tls_certificate if layout.transport is Transport.DIRECT else None
        return await self.python.health(host, layout.port, layout.token, certificate, wait_s)

    async def state(self, host: Host) -> tuple[bool, bool]:
        """Return whether it is set to start after a reboot, and whether it runs."""
        if self.layout.supervisor is Supervisor.CRON:
            table = await self._crontab(host)
            is_enabled = table is None or with_block(table, crontab_line(self.layout)) == table
            return is_enabled, bool(await self.python.running(host, self._scripts))
        argv = ["sh", "-c", _LOOK, "sh", *self.layout.systemctl]
        lines = (await host.run(argv, as_root=self.layout.is_system)).out.splitlines()
        return "pingmon:enabled=0" in lines, "pingmon:active=0" in lines

    async def enable(self, host: Host) -> None:
        """Let it start after a reboot."""
        if self.layout.supervisor is Supervisor.CRON:
            table = await self._crontab(host)
            if table is not None:
                await self.write_crontab(host, with_block(table, crontab_line(self.layout)))
            return
        await self._systemctl(host, "daemon-reload")
        await self._systemctl(host, "enable", SERVICE)

    async def disable(self, host: Host) -> None:
        """Let it not start after a reboot. Harmless where it does not."""
        if self.layout.supervisor is Supervisor.CRON:
            table = await self._crontab(host)
            if table is not None and without_block(table) != table:
                await self.write_crontab(host, without_block(table))
            return
        await self._systemctl(host, "disable", SERVICE, may_fail=True)

    async def start(self, host: Host) -> None:
        """Start it, anew if it runs."""
        if self.layout.supervisor is Supervisor.CRON:
            await self.python.stop(host, self._scripts)
            user = self.layout.tunnel_user if self.layout.is_system else None
            argv = ["/bin/sh", self.layout.supervise]
            await self.python.start(host, argv, self.layout.state_folder, user)
            return
        await self._systemctl(host, "restart", SERVICE)

    async def stop(self, host: Host) -> None:
        """Stop it and wait until it is gone. Harmless if it does not run."""
        if self.layout.supervisor is Supervisor.CRON:
            await self.python.stop(host, self._scripts)
            return
        await self._systemctl(host, "stop", SERVICE, may_fail=True)

    async def reload(self, host: Host) -> None:
        """Let systemd see that unit files came, changed or went."""
        if self.layout.supervisor is not Supervisor.CRON:
            await self._systemctl(host, "daemon-reload", may_fail=True)
            await self._systemctl(host, "reset-failed", SERVICE, may_fail=True)

    async def log(self, host: Host, lines: int) -> list[str]:
        """Return the last lines of the probe's log, oldest first."""
        layout = self.layout
        if layout.supervisor is Supervisor.SYSTEMD:
            argv = ["journalctl", "--no-pager", "--quiet", "-o", "short-iso", "-n", str(lines), "-u", SERVICE]
        elif layout.supervisor is Supervisor.SYSTEMD_USER:
            argv = ["journalctl", "--no-pager", "--quiet", "-o", "short-iso", "-n", str(lines), "--user-unit", SERVICE]
        else:
            argv = ["tail", "-n", str(lines), layout.log]
        return (await host.run(argv, as_root=layout.is_system)).out.splitlines()[-lines:]

    async def last_words(self, host: Host) -> str:
        """Return the last complaint of the probe itself, "" for none: neither systemd's remarks nor its greeting."""
        lines = [line for line in await self.log(host, 40) if line.strip() and not _REMARK.search(line)]
        return lines[-1].strip()[:300] if lines else ""

    @property
    def _scripts(self) -> Sequence[str]:
        return (self.layout.supervise, self.layout.bundle)

    async def _systemctl(self, host: Host, *words: str, may_fail: bool = False) -> None:
        argv = [*self.layout.systemctl, *words]
        result = await host.run(argv, deadline_s=STOP_S + 20, as_root=self.layout.is_system)
        if result.code != 0 and not may_fail:
            raise StepFailed(
                f"systemd on {host.name} refused to {words[0]} the probe (exit code {result.code}).",
                "The transcript shows its answer.",
            )

    # crontab(1): -l ends with 1 where there is none.

    async def crontab_text(self, host: Host) -> str | None:
        """Return the crontab of the probe's user, None where it has none. Raises StepFailed."""
        argv = ["sh", "-c", _CRONTAB, "sh", *self._crontab_user]
        result = await host.run(argv, as_root=self.layout.is_system)
        marked = [line for line in result.out.splitlines() if line.startswith(CRONTAB_MARK)]
        if result.code == 0:
            return "".join(f"{line.removeprefix(CRONTAB_MARK)}\n" for line in marked)
        if result.code == 1 and not marked:
            return None
        # Never taken for an empty one, which would then be written over it.
        raise StepFailed(
            f"The crontab of {self.layout.tunnel_user} on {host.name} cannot be read (exit code {result.code}).",
            "The transcript shows why.",
        )

    async def write_crontab(self, host: Host, text: str) -> None:
        """Replace the crontab; an empty one is removed. Raises StepFailed."""
        argv = ["crontab", *self._crontab_user, "-" if text else "-r"]
        result = await host.run(argv, stdin=text.encode("utf-8"), as_root=self.layout.is_system)
        if result.code != 0:
            user = self.layout.tunnel_user
            raise StepFailed(
                f"The crontab of {user} on {host.name} could not be changed (exit code {result.code}).",
                f"Is {user} allowed to use cron there (/etc/cron.allow, /etc/cron.deny)?",
            )

    async def _crontab(self, host: Host) -> str | None:
        """Return the crontab's text, "" for none, None where the host has no cron at all."""
        return await self.crontab_text(host) or "" if await self.has_crontab(host) else None

    async def has_crontab(self, host: Host) -> bool:
        """Return whether the host has the program at all."""
        return (await host.run(["sh", "-c", "command -v crontab >/dev/null"])).code == 0

    @property
    def _crontab_user(self) -> Sequence[str]:
        return ("-u", ACCOUNT) if self.layout.is_system else ()


class ServiceStep(Step):
    """Starts the probe and waits until it answers on the host itself. Last of the steps that change the host."""

    name = "service"
    title = "Start the probe, now and after every reboot"

    def __init__(
        self, service: Service, version: str, is_changed: Callable[[], bool], *, start_s: float = START_S
    ) -> None:
        """`is_changed`: whether an earlier step of this run changed what it runs, so that it has to start anew."""
        self._service = service
        self._version = version
        self._is_changed = is_changed
        self._start_s = start_s
        self._is_restarted = False
        self._was: tuple[bool, bool] | None = None
        self._crontab_was: str | None = None
        self._is_crontab_known = False

    async def is_done(self, host: Host) -> bool:
        is_enabled, is_active = await self._service.state(host)
        if self._was is None:
            self._was = is_enabled, is_active
        if not is_enabled or not is_active or (self._is_changed() and not self._is_restarted):
            return False
        health = await self._service.health(host, 0.0)
        return health.code == 200 and health.version == self._version

    async def apply(self, host: Host) -> None:
        service = self._service
        if service.layout.supervisor is Supervisor.CRON:
            self._crontab_was = await service.crontab_text(host) if await service.has_crontab(host) else None
            self._is_crontab_known = True
        await service.enable(host)
        await service.start(host)
        self._is_restarted = True
        health = await service.health(host, self._start_s)
        if health.code == 200 and health.version == self._version:
            return
        last = await service.last_words(host)
        if health.code == 200:
            raise StepFailed(
                f"The probe on {host.name} is still version {health.version}, not {self._version}.",
                "Another probe seems to listen on its port; “doctor” tells which.",
            )
        why = f"it answers with HTTP {health.code}" if health.code else f"it does not answer ({health.problem})"
        raise StepFailed(
            f"The probe does not run on {host.name}: {why}.", f"Its log ends with: {last}" if last else None
        )

    async def undo(self, host: Host) -> None:
        was_enabled, was_active = self._was or (False, False)
        service = self._service
        if not was_active:
            await service.stop(host)
        if service.layout.supervisor is not Supervisor.CRON:
            if not was_enabled:
                await service.disable(host)
        elif self._is_crontab_known and await service.has_crontab(host):
            text = await service.crontab_text(host)
            if text != self._crontab_was:
                await service.write_crontab(host, self._crontab_was or "")
        self._is_restarted = False

    async def after_undo(self, host: Host) -> None:
        await self._service.reload(host)
        if self._was is None or not self._was[1]:
            return
        await self._service.start(host)
        health = await self._service.health(host, START_S)
        if health.code != 200:
            raise StepFailed(f"The probe that ran on {host.name} before does not run again ({health.problem}).")


class LingerStep(Step):
    """Lets the login user's services run while nobody is logged in."""

    name = "linger"
    title = "Let services of this user run after logout"

    def __init__(self, user: str) -> None:
        self._user = user

    async def is_done(self, host: Host) -> bool:
        return (await host.run(["test", "-e", f"/var/lib/systemd/linger/{self._user}"])).code == 0

    async def apply(self, host: Host) -> None:
        result = await host.run(["loginctl", "enable-linger"])
        if result.code != 0:
            raise StepFailed(
                f"{host.name} does not let services of {self._user} run after logout (exit code {result.code}).",
                f"Ask its administrator for: loginctl enable-linger {self._user}.",
            )

    async def undo(self, host: Host) -> None:
        await host.run(["loginctl", "disable-linger"])
