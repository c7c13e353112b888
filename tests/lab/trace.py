"""What was changed on a host of the lab, files, units and processes, to compare before and after.

What changes by itself while a host runs is left out.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.lab import roots
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
)
#: Folders of services, whose names change with every boot; systemd leaves the last kind lying when a service is stopped
#: while its devices are being made private.
_PRIVATE = ("/tmp/systemd-private-", "/var/tmp/systemd-private-", "/tmp/namespace-dev-")
#: The copies that useradd and userdel keep of the lists of users before their last change.
_BACKUPS = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-")
#: ... and what is looked at in those folders all the same.
_WATCHED = ("/var/lib/systemd/linger", "/tmp")
_OURS = "pingmon"
_RUNNING = f"ps -e -o user:32=,args=; systemctl list-units --all --plain --no-legend '{_OURS}*' 2>/dev/null; true"
#: Connections that close just now, and what nobody has asked yet how it ended.
_PASSING = re.compile(r" sshd: |<defunct>$")


def trace(host: Host) -> dict[str, str]:
    """Return what makes the host another one than was built, by path or name, each with all that may not change."""
    found = dict(_changed_files(host))
    for folder in _WATCHED:
        found |= {path: _described(file) for path, file in _below(_seen_by(host) / folder.lstrip("/"), folder)}
    for folder in ("run", "var/log"):
        found |= {f"/{folder} has {file.name}": "" for file in (_seen_by(host) / folder).rglob(f"*{_OURS}*")}
    running = host.run("sh", "-c", _RUNNING).splitlines()
    found |= {line: "" for line in running if _OURS in line and not _PASSING.search(line)}
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what came, went or changed, a line each; empty if the host is as it was."""
    lines = [f"came: {name}" for name in sorted(after.keys() - before.keys())]
    lines += [f"went: {name}" for name in sorted(before.keys() - after.keys())]
    both = sorted(before.keys() & after.keys())
    return lines + [f"changed: {name}: {before[name]} -> {after[name]}" for name in both if before[name] != after[name]]


def _seen_by(host: Host) -> Path:
    """Return the host's file tree as its first process sees it: with what is mounted there."""
    return Path(f"/proc/{host.pid_one}/root")


def _changed_files(host: Host) -> Iterator[tuple[str, str]]:
    """Yield what differs from the file systems that were built: the overlay's own layer holds all that was touched."""
    layers = roots.layer_folders(host.kind.layer)
    for path, file in _below(host.folder / "disk/upper", ""):
        if path.startswith(_RESTLESS) or path in _BACKUPS:
            continue
        words = _described(file)
        built = next((layer / path[1:] for layer in layers if os.path.lexists(layer / path[1:])), None)
        if built is None or _described(built) != words:
            yield path, words


def _below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yield everything in a folder by its path, as if the folder were called `name`."""
    for parent, folders, files in os.walk(folder):
        for each in (*folders, *files):
            file = Path(parent) / each
            path = f"{name}/{file.relative_to(folder)}"
            if not path.startswith(_PRIVATE):
                yield path, file


def _described(file: Path) -> str:
    seen = file.lstat()
    words = [stat.filemode(seen.st_mode), f"{seen.st_uid}:{seen.st_gid}"]
    if stat.S_ISLNK(seen.st_mode):
        words.append(f"to {file.readlink()}")
    elif stat.S_ISREG(seen.st_mode):
        words.append(f"{seen.st_size} bytes, {hashlib.sha256(file.read_bytes()).hexdigest()[:16]}")
    return " ".join(words)
