"""Files kept beside the database: what an upgrade, a restore or a repair set aside, and how many of them stay."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

#: A database is up to three files: itself, its log of latest changes, and the index of that log.
COMPANIONS = ("", "-wal", "-shm")


class Reason(StrEnum):
    """Why a file was set aside; the word is part of its name."""

    UPGRADED = "schema"
    REPLACED = "replaced"
    DAMAGED = "damaged"


#: So many stay, the newest. What was damaged is the only copy of what could not be read: it is the user's to delete.
_KEPT = {Reason.UPGRADED: 2, Reason.REPLACED: 2}


@dataclass(frozen=True)
class AsideFile:
    """A database that was set aside, its companions included."""

    path: Path
    reason: Reason
    file_bytes: int
    changed_at_ms: int


def aside_files(path: Path) -> list[AsideFile]:
    """Return what lies beside the database at `path`, newest first. Raises OSError."""
    found = []
    for reason in Reason:
        for file in path.parent.glob(f"{path.stem}-{reason}-*{path.suffix}"):
            sizes = [whole.stat().st_size for whole in companions(file) if whole.exists()]
            found.append(AsideFile(file, reason, sum(sizes), int(file.stat().st_mtime * 1000)))
    return sorted(found, key=lambda one: -one.changed_at_ms)


def aside_name(path: Path, reason: Reason) -> Path:
    """Return a name beside `path` that nothing has, for a database that is set aside now."""
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    for number in range(1000):
        suffix = f"-{number}" if number else ""
        target = path.with_name(f"{path.stem}-{reason}-{stamp}{suffix}{path.suffix}")
        if not any(file.exists() for file in companions(target)):
            break
    return target


def keep_few(path: Path, reason: Reason) -> None:
    """Delete the oldest files that were set aside for a reason, where there are more than are kept. Raises OSError."""
    older = [file for file in aside_files(path) if file.reason is reason][_KEPT[reason] :]
    for one in older:
        for file in companions(one.path):
            file.unlink(missing_ok=True)


def companions(path: Path) -> list[Path]:
    """Return the paths of a database's files, whether they are there or not."""
    return [Path(f"{path}{companion}") for companion in COMPANIONS]
