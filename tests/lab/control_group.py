"""A control group per host, so that its init rules over a tree of its own and not over this machine's.

Works with the unified hierarchy and with the old ones side by side; where it is mounted is taken from /proc/mounts.
"""

from __future__ import annotations

import contextlib
from pathlib import Path


def _hierarchies() -> list[Path]:
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(fields[1]) for fields in lines if fields[2] in ("cgroup", "cgroup2")]


class ControlGroup:
    """The group `pingmon-LAB/NAME` in every hierarchy."""

    def __init__(self, lab: str, name: str) -> None:
        self._folders = [hierarchy / f"pingmon-{lab}" / name for hierarchy in _hierarchies()]

    def make(self) -> None:
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            # The one controller whose groups start empty and take no process before they are given something.
            for group in (folder.parent, folder):
                for setting in ("cpuset.cpus", "cpuset.mems"):
                    if (group / setting).exists() and not (folder.parents[1] / "cgroup.controllers").exists():
                        (group / setting).write_text((group.parent / setting).read_text())

    def files(self) -> list[str]:
        """Return the files that a process writes its id into to enter the group."""
        return [str(folder / "cgroup.procs") for folder in self._folders]

    def remove(self) -> None:
        """Remove the group with those that the host made in it. They are empty once its processes have ended."""
        for folder in self._folders:
            inner = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
            for path in (*inner, folder, folder.parent):
                with contextlib.suppress(OSError):
                    path.rmdir()
