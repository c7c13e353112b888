"""Installs a missing Python by the host's own package manager, and can take away again what came with it."""

from __future__ import annotations

from dataclasses import dataclass

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.provision.host import Host
from pingmon_gui.provision.step import Step

#: A slow mirror and a small host.
INSTALL_S = 600.0
#: Exit code 1 also where there is one that is too old or lacks modules.
LOOK = (
    'command -v python3 >/dev/null && python3 -I -c "import sys, ssl, zlib, json, http.client, zipfile; '
    'sys.exit(sys.version_info < (3, 9))"'
)


@dataclass(frozen=True)
class PackageManager:
    """How one package manager lists, installs and removes. Removing gets the names of what was not there before."""

    refresh: tuple[str, ...]
    install: tuple[str, ...]
    list: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def command(self) -> str:
        """What a person would type."""
        words = [word for word in self.install if word not in ("env", "DEBIAN_FRONTEND=noninteractive", "-y")]
        return " ".join(words)


_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get")
PACKAGE_MANAGERS: dict[str, PackageManager] = {
    "apt-get": PackageManager(
        (*_APT, "update"),
        (*_APT, "install", "-y", "--no-install-recommends", "python3"),
        ("dpkg-query", "-W", "-f", "${Package}\\n"),
        (*_APT, "purge", "-y"),
    ),
    "dnf": PackageManager((), ("dnf", "install", "-y", "python3"), ("rpm", "-qa"), ("dnf", "remove", "-y")),
    "yum": PackageManager((), ("yum", "install", "-y", "python3"), ("rpm", "-qa"), ("yum", "remove", "-y")),
    "zypper": PackageManager(
        (),
        ("zypper", "--non-interactive", "install", "python3"),
        ("rpm", "-qa"),
        ("zypper", "--non-interactive", "remove"),
    ),
    # `apk del` takes away what came along by itself.
    "apk": PackageManager(("apk", "update"), ("apk", "add", "python3"), ("apk", "info"), ("apk", "del")),
    "pacman": PackageManager(
        (),
        ("pacman", "-Sy", "--noconfirm", "python"),
        ("pacman", "-Qq"),
        ("pacman", "-Rn", "--noconfirm"),
    ),
}


class InstallPython(Step):
    """The step that installs Python. Its undo removes exactly the packages that were not there before."""

    name = "python"

    def __init__(self, manager: str) -> None:
        self._manager = PACKAGE_MANAGERS[manager]
        self.title = f"Install Python: {self._manager.command}"
        self._before: frozenset[str] | None = None

    async def is_done(self, host: Host) -> bool:
        return (await host.run(["sh", "-c", LOOK])).code == 0

    async def apply(self, host: Host) -> None:
        self._before = await self._packages(host)
        if self._manager.refresh:
            # A mirror that is out of reach shows in the next command; lists of yesterday are good enough.
            await host.run(self._manager.refresh, deadline_s=INSTALL_S, as_root=True)
        result = await host.run(self._manager.install, deadline_s=INSTALL_S, as_root=True)
        if result.code != 0:
            raise StepFailed(
                f"Python could not be installed on {host.name} (exit code {result.code}).",
                f"Install it there yourself ({self._manager.command}), then try again.",
            )
        if not await self.is_done(host):
            raise StepFailed(
                f"The Python that {host.name} installs is too old for a probe, or not complete.",
                "Upgrade the host's system, or install Python 3.9 or newer there yourself.",
            )

    async def undo(self, host: Host) -> None:
        if self._before is None:
            return
        fresh = sorted(await self._packages(host) - self._before)
        if fresh and self._before:
            result = await host.run([*self._manager.remove, *fresh], deadline_s=INSTALL_S, as_root=True)
            if result.code != 0:
                raise StepFailed(f"The packages {', '.join(fresh)} could not be removed from {host.name} again.")
        self._before = None

    async def _packages(self, host: Host) -> frozenset[str]:
        result = await host.run(self._manager.list, as_root=True)
        # Lines of start-up files are in both lists and cancel out.
        return frozenset(result.out.split())
