"""What lies on a host of the lab: every file, unit, crontab and process, to compare before and after.

What changes by itself while a host runs is left out, each with its reason.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.lab.host import Host

#: Kernel file systems, logs and caches; what programs remember of their own use.
_RESTLESS = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/var/log",
    "/var/cache",
    "/var/lib/sudo",
    "/var/lib/systemd",
    "/tmp/systemd-private-",
    "/var/tmp/systemd-private-",
)
#: The copies that useradd and userdel keep of the lists of users before their last change.
_BACKUPS = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-")
#: ... and what is looked at in those folders all the same.
_WATCHED = ("/var/lib/systemd/linger",)
_OURS = "pingmon"
_HASHED_BYTES = 1_000_000


def trace(host: Host) -> dict[str, str]:
    """Return what there is by its path or name, each with all that may not change about it."""
    found = {path: _described(file) for path, file in _files(host)}
    for line in host.run("ps", "-e", "-o", "user:32=,args=").splitlines():
        if _OURS in line:
            found[f"process {line}"] = "runs"
    if host.kind.init == "systemd":
        for line in host.run("systemctl", "list-unit-files", "--no-legend").splitlines():
            found[f"unit {line.split()[0]}"] = " ".join(line.split()[1:])
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what came, went or changed, a line each; empty if the host is as it was."""
    lines = [f"came: {name}" for name in sorted(after.keys() - before.keys())]
    lines += [f"went: {name}" for name in sorted(before.keys() - after.keys())]
    both = sorted(before.keys() & after.keys())
    return lines + [f"changed: {name}: {before[name]} -> {after[name]}" for name in both if before[name] != after[name]]


def _files(host: Host) -> Iterator[tuple[str, Path]]:
    # As the host's first process sees it: with what is mounted there.
    root = f"/proc/{host.pid_one}/root"
    for folder, folders, files in os.walk(root):
        inside = folder[len(root) :]
        folders[:] = [name for name in folders if not f"{inside}/{name}".startswith(_RESTLESS)]
        for name in (*folders, *files):
            if f"{inside}/{name}" not in _BACKUPS:
                yield f"{inside}/{name}", Path(folder) / name
    for watched in _WATCHED:
        for file in Path(f"{root}{watched}").glob("*"):
            yield f"{watched}/{file.name}", file
    for file in (*Path(f"{root}/run").rglob(f"*{_OURS}*"), *Path(f"{root}/var/log").rglob(f"*{_OURS}*")):
        yield str(file)[len(root) :], file


def _described(file: Path) -> str:
    try:
        seen = file.lstat()
    except FileNotFoundError:
        return "gone while it was looked at"
    words = [stat.filemode(seen.st_mode), f"{seen.st_uid}:{seen.st_gid}"]
    if stat.S_ISLNK(seen.st_mode):
        words.append(f"to {file.readlink()}")
    elif stat.S_ISREG(seen.st_mode):
        words.append(f"{seen.st_size} bytes")
        if seen.st_size <= _HASHED_BYTES and not str(file).partition("/root")[2].startswith(("/usr", "/srv")):
            words.append(hashlib.sha256(file.read_bytes()).hexdigest()[:16])
    return " ".join(words)
