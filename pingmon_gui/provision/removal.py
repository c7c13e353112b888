"""Takes a probe off its host and leaves nothing behind. What was stopped half way goes on when it is run again."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Awaitable, Callable

from pingmon_gui.domain.error import ProvisionError
from pingmon_gui.domain.probe import Probe, Supervisor
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.account import remove_account
from pingmon_gui.provision.fact import ACCOUNT
from pingmon_gui.provision.host import Host
from pingmon_gui.provision.host_python import Entry, HostPython
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.known_probe import KnownProbe, must_work_for
from pingmon_gui.provision.layout import Layout
from pingmon_gui.provision.marked_block import without_block
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.service import Service
from pingmon_gui.provision.setup_lock import SetupLock
from pingmon_gui.provision.step import Step, run_steps
from pingmon_gui.provision.visit import Visit, visit
from pingmon_gui.provision.way import Ways


async def remove(
    probe: Probe,
    *,
    owner: str,
    secrets: ProbeSecrets | None,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    is_dry_run: bool = False,
    ways: Ways | None = None,
) -> tuple[str, ...]:
    """Remove everything that the set-up made; return sentences of what was done. Forgetting it is the caller's.

    `owner` is this app's id, `secrets` what opens the probe as far as this computer has it: a probe that works for
    another app by now is left alone. Raises ProvisionError: a host that is gone for good can only be forgotten.
    """
    async with visit(probe, known_hosts=known_hosts, prompter=prompter, listener=listener, ways=ways) as there:
        existing = there.facts.existing if there.is_there else None
        must_work_for(owner, KnownProbe(probe, secrets), existing, there.host.name, ", and remove it then")
        lock = SetupLock(there.layout, is_fresh=False)
        steps = _steps(there)
        if is_dry_run:
            await run_steps(steps, there.host, there.transcript, dry_run=True)
            return ()
        try:
            await run_steps([lock, *steps], there.host, there.transcript, is_undoable=False)
        finally:
            # Over a connection that is gone it stays, and does not count any more.
            with contextlib.suppress(ProvisionError):
                await lock.undo(there.host)
        what = (
            "program, results, key, service and user" if there.layout.is_system else "program, results, key and service"
        )
        name = there.host.name
    return (f"The probe was removed from {name}: its {what} are gone.",)


class _Removal(Step):
    """A step that takes one thing away; `is_gone` looks, `take` does it."""

    def __init__(
        self,
        name: str,
        title: str,
        is_gone: Callable[[Host], Awaitable[bool]],
        take: Callable[[Host], Awaitable[None]],
    ) -> None:
        self.name = name
        self.title = title
        self._is_gone = is_gone
        self._take = take

    async def is_done(self, host: Host) -> bool:
        return await self._is_gone(host)

    async def apply(self, host: Host) -> None:
        await self._take(host)


def _steps(there: Visit) -> list[Step]:
    layout, facts, service = there.layout, there.facts, there.service
    python = service.python
    steps: list[Step] = [
        _Removal("service", "Stop the probe for good", lambda host: _is_still(service, host), service_taker(service)),
        _Removal(
            "key",
            "Shut the app's key out",
            lambda host: _has_no_key(layout, python, host),
            lambda host: _take_key(layout, python, host),
        ),
    ]
    entries = _entries(layout)
    ours = [entry.path for entry in entries if not entry.is_shared]

    async def are_files_gone(host: Host) -> bool:
        return not any(await python.look(host, ours))

    async def take_files(host: Host) -> None:
        await python.remove(host, entries)
        await service.reload(host)

    steps.append(_Removal("files", "Delete its program, its results and its token", are_files_gone, take_files))
    if layout.is_linger_ours:
        user = facts.user

        async def is_linger_gone(host: Host) -> bool:
            return (await host.run(["test", "-e", f"/var/lib/systemd/linger/{user}"])).code != 0

        async def take_linger(host: Host) -> None:
            await host.run(["loginctl", "disable-linger"])

        steps.append(_Removal("linger", "Let services end at logout again", is_linger_gone, take_linger))
    if layout.is_system:

        async def is_account_gone(host: Host) -> bool:
            return (await host.run(["id", "-u", ACCOUNT])).code != 0

        async def take_account(host: Host) -> None:
            await remove_account(host, layout.python, has_shadow="useradd" in facts.programs)

        steps.append(_Removal("account", f"Remove the user {ACCOUNT}", is_account_gone, take_account))
    return steps


def service_taker(service: Service) -> Callable[[Host], Awaitable[None]]:
    async def take(host: Host) -> None:
        await service.stop(host)
        await service.disable(host)

    return take


async def _is_still(service: Service, host: Host) -> bool:
    """Return whether it neither runs nor is set to. The mark of a crontab that is left counts as set."""
    if service.layout.supervisor is Supervisor.CRON:
        table = await service.crontab_text(host) if await service.has_crontab(host) else None
        _is_enabled, is_running = await service.state(host)
        return not is_running and (table is None or without_block(table) == table)
    return not any(await service.state(host))


async def _has_no_key(layout: Layout, python: HostPython, host: Host) -> bool:
    (state,) = await python.read(host, [layout.authorized_keys])
    if state is None:
        return True
    text = (state.content or b"").decode("latin-1")
    return not layout.is_system and without_block(text) == text


async def _take_key(layout: Layout, python: HostPython, host: Host) -> None:
    """Delete the file where it is all ours; in the user's own only our lines, and the file if nothing else is in it."""
    (state,) = await python.read(host, [layout.authorized_keys])
    if state is None:
        return
    rest = without_block((state.content or b"").decode("latin-1")).encode("latin-1")
    file = Entry("file", layout.authorized_keys, state.mode, content=rest)
    if layout.is_system or not rest:
        folder = Entry("folder", posixpath.dirname(layout.authorized_keys), 0o700, is_shared=True)
        await python.remove(host, [file, folder])
    else:
        await python.put(host, [file])


def _entries(layout: Layout) -> list[Entry]:
    """Return all files and folders of a probe, inner ones first. Shared folders go only when they are empty."""
    entries = [Entry("file", layout.unit, 0o644)] if layout.unit is not None else []
    folders = dict.fromkeys((layout.folder, layout.secret_folder, layout.state_folder))
    entries += [Entry("folder", folder, 0o755) for folder in folders]
    if layout.is_system:
        return entries
    shared = [".local/share", ".local"]
    if layout.unit is not None:
        shared += [".config/systemd/user", ".config/systemd", ".config"]
    return entries + [Entry("folder", f"{layout.home}/{folder}", 0o700, is_shared=True) for folder in shared]
