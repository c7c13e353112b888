"""The few ways in which the probe touches the disk, so that tests can make each of them slow or fail.

Only the spool's thread and the worker call these; the measuring loop never does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO, Optional


class Disk:
    """The real disk. Every method raises OSError."""

    def append(self, file: BinaryIO, data: bytes) -> None:
        """Add to the end of a file opened unbuffered; may leave a torn end when it raises."""
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]

    def replace(self, path: Path, data: bytes) -> None:
        """Put a small file in place, whole or not at all, readable by its owner only, safe from power loss."""
        fresh = path.with_name(path.name + ".new")
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            os.fsync(file)
        finally:
            os.close(file)
        fresh.replace(path)
        self.sync_folder(path.parent)

    def sync(self, file: BinaryIO) -> None:
        """Make what was appended safe from power loss."""
        os.fsync(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """Make new and renamed files of a folder safe from power loss, where the system can."""
        if os.name == "nt":
            return
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def boot_id() -> Optional[str]:
    """Return a text that changes when the machine starts anew, or None where the system has none."""
    if sys.platform == "darwin":
        import ctypes

        size = ctypes.c_size_t(64)
        text = ctypes.create_string_buffer(64)
        libc = ctypes.CDLL(None)
        if libc.sysctlbyname(b"kern.bootsessionuuid", text, ctypes.byref(size), None, ctypes.c_size_t(0)) == 0:
            return text.value.decode("ascii", "replace")
        return None
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None


class FolderLock:
    """Keeps a second probe out of a folder; given back by the system when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises OSError if another process holds it or the folder cannot be written."""
        self._file = (folder / "lock").open("a+b")
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
