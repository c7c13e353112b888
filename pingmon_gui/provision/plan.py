"""The steps that change a host, made of facts, layout and secrets. What they do is in their own modules."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.key_pair import restricted_line
from pingmon_gui.provision.account import AccountStep
from pingmon_gui.provision.fact import ACCOUNT, HostFacts
from pingmon_gui.provision.file_step import FileStep
from pingmon_gui.provision.host import Host
from pingmon_gui.provision.host_python import Entry, HostPython
from pingmon_gui.provision.layout import Layout
from pingmon_gui.provision.marked_block import with_block, without_block
from pingmon_gui.provision.package import InstallPython
from pingmon_gui.provision.service import START_S, LingerStep, Service, ServiceStep
from pingmon_gui.provision.step import Step
from pingmon_gui.provision.unit import supervise_script, system_unit, user_unit


@dataclass(frozen=True, repr=False)
class Goods:
    """What is brought to a host. `bundle` None: the newer one that is there stays. `version` is what must answer.

    `public_key` is the app's (type, blank, base64) for a tunnel; `tls_key` and `certificate` are PEM, for "direct".
    """

    bundle: bytes | None
    version: str
    token: str
    region: Region
    public_key: str | None = None
    tls_key: str | None = None
    certificate: str | None = None


def host_steps(facts: HostFacts, layout: Layout, goods: Goods, *, start_s: float = START_S) -> list[Step]:
    """Return the steps in order, from a host that lacks everything to a probe that answers on it."""
    python = HostPython(layout.python, as_root=layout.is_system)
    files = [FileStep("folders", "Make its folders", python, folder_entries(layout))]
    if goods.bundle is not None:
        files.append(FileStep("program", "Upload the probe's program", python, [program_entry(layout, goods.bundle)]))
    files.append(FileStep("secrets", "Bring its token", python, _secret_entries(layout, goods)))
    if goods.public_key is not None:
        line = key_line(goods.public_key, layout.port, is_dropbear=facts.is_dropbear)
        files.append(_key_step(layout, python, line, is_selinux=facts.is_selinux))
    elif facts.existing is not None and facts.existing.public_key is not None:
        files.append(_key_step(layout, python, None, is_selinux=False))
    files.append(FileStep("unit", _UNIT_TITLES[layout.supervisor], python, [unit_entry(layout, goods.region)]))
    steps: list[Step] = []
    if facts.python is None and facts.package_manager is not None:
        steps.append(InstallPython(facts.package_manager))
    if layout.is_system:
        steps.append(AccountStep(layout, facts))
    steps += files
    if layout.supervisor is Supervisor.SYSTEMD_USER:
        steps.append(LingerStep(facts.user))
    changed = [step for step in files if step.name in ("program", "secrets", "unit")]
    service = Service(layout)
    steps.append(ServiceStep(service, goods.version, lambda: any(step.is_changed for step in changed), start_s=start_s))
    return steps


_UNIT_TITLES = {
    Supervisor.SYSTEMD: "Write its systemd unit",
    Supervisor.SYSTEMD_USER: "Write its systemd unit (of this user)",
    Supervisor.CRON: "Write the script that keeps it running",
}


def folder_entries(layout: Layout) -> list[Entry]:
    """Return the folders, outer ones first. Those of root cannot be changed by the probe, but for spool and log."""
    has_log = layout.supervisor is Supervisor.CRON
    if layout.is_system:
        entries = [
            Entry("folder", "/opt", 0o755, is_shared=True),
            Entry("folder", layout.folder, 0o755, "root", "root"),
            Entry("folder", layout.secret_folder, 0o750, "root", ACCOUNT),
            Entry("folder", layout.home, 0o755, "root", "root"),
            Entry("folder", layout.spool, 0o700, ACCOUNT, ACCOUNT),
        ]
        if has_log:
            entries.append(Entry("folder", layout.log_folder, 0o700, ACCOUNT, ACCOUNT))
        return entries
    shared = [f"{layout.home}/.local", f"{layout.home}/.local/share"]
    if layout.unit is not None:
        shared += [f"{layout.home}/{folder}" for folder in (".config", ".config/systemd", ".config/systemd/user")]
    entries = [Entry("folder", path, 0o700, is_shared=True) for path in shared]
    entries += [Entry("folder", layout.folder, 0o700), Entry("folder", layout.spool, 0o700)]
    if has_log:
        entries.append(Entry("folder", layout.log_folder, 0o700))
    return entries


def program_entry(layout: Layout, bundle: bytes) -> Entry:
    root = "root" if layout.is_system else None
    return Entry("file", layout.bundle, 0o755, root, root, bundle)


def unit_entry(layout: Layout, region: Region) -> Entry:
    """Return the unit, or the script where there is no systemd."""
    if layout.supervisor is Supervisor.SYSTEMD and layout.unit is not None:
        return Entry("file", layout.unit, 0o644, "root", "root", system_unit(layout, region).encode())
    if layout.unit is not None:
        return Entry("file", layout.unit, 0o600, content=user_unit(layout, region).encode())
    root = "root" if layout.is_system else None
    return Entry("file", layout.supervise, 0o755, root, root, supervise_script(layout, region).encode())


def key_line(public_key: str, port: int, *, is_dropbear: bool) -> str:
    """Return the line of authorized_keys. Dropbear refuses keys with options that it does not know (dropbear(8))."""
    if not is_dropbear:
        return restricted_line(public_key, port)
    options = f'no-agent-forwarding,no-X11-forwarding,no-pty,permitopen="127.0.0.1:{port}",command="/bin/false"'
    return f"{options} {public_key}"


def _secret_entries(layout: Layout, goods: Goods) -> list[Entry]:
    owner = ACCOUNT if layout.is_system else None
    entries = [Entry("file", layout.token, 0o600, owner, owner, f"{goods.token}\n".encode("ascii"))]
    if layout.transport is Transport.DIRECT and goods.certificate is not None:
        # A run that finds its own certificate brings no key: the app has kept none.
        if goods.tls_key is not None:
            entries.append(Entry("file", layout.tls_key, 0o600, owner, owner, goods.tls_key.encode("ascii")))
        certificate = goods.certificate.encode("ascii")
        entries.append(Entry("file", layout.tls_certificate, 0o600, owner, owner, certificate))
    return entries


def _key_step(layout: Layout, python: HostPython, line: str | None, *, is_selinux: bool) -> FileStep:
    """Return the step that lets the key in; None shuts out the one of a tunnel that is no longer used."""
    title = "Let the app's own key in, to the probe's port only" if line is not None else "Shut the former key out"
    if layout.is_system:
        return _SystemKeyStep("key", title, python, _system_key_entries(layout, line), is_selinux=is_selinux)
    return FileStep("key", title, python, functools.partial(_user_key_entries, layout, python, line))


def _system_key_entries(layout: Layout, line: str | None) -> list[Entry]:
    """The file is root's: not even the probe can let another key in."""
    content = f"{line}\n".encode() if line is not None else b""
    folder = layout.authorized_keys.rpartition("/")[0]
    if not layout.authorized_keys.startswith(f"{layout.home}/"):
        # Where sshd_config says: a folder with a file for each user.
        return [
            Entry("folder", folder, 0o755, is_shared=True),
            Entry("file", layout.authorized_keys, 0o644, "root", "root", content),
        ]
    entries = [Entry("file", layout.authorized_keys, 0o640, "root", ACCOUNT, content)]
    return entries if folder == layout.home else [Entry("folder", folder, 0o750, "root", ACCOUNT), *entries]


async def _user_key_entries(layout: Layout, python: HostPython, line: str | None, host: Host) -> Sequence[Entry]:
    """The line goes between marks into the user's own file, whose rights stay as they are."""
    (state,) = await python.read(host, [layout.authorized_keys])
    # Latin-1 gives back every byte, whatever the file is written in.
    text = (state.content or b"").decode("latin-1") if state is not None else ""
    return [
        Entry("folder", layout.authorized_keys.rpartition("/")[0], 0o700, is_shared=True),
        Entry(
            "file",
            layout.authorized_keys,
            state.mode if state is not None else 0o600,
            content=(with_block(text, line) if line is not None else without_block(text)).encode("latin-1"),
        ),
    ]


class _SystemKeyStep(FileStep):
    """The key of a system-wide probe; where SELinux is on, sshd reads it only with the right label."""

    def __init__(
        self, name: str, title: str, python: HostPython, entries: Sequence[Entry], *, is_selinux: bool
    ) -> None:
        super().__init__(name, title, python, entries)
        self._label = [entry.path for entry in entries if not entry.is_shared] if is_selinux else []

    async def apply(self, host: Host) -> None:
        await super().apply(host)
        if self._label:
            # Where it cannot be set, the proof of the tunnel fails and says so.
            await host.run(["chcon", "-t", "ssh_home_t", *self._label], as_root=True)
