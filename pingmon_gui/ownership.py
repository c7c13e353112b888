"""One process owns a data folder: a lock file says who, a local socket lets others ask it to do things.

`Ownership` is held by the window, by `pingmon run`, or for a moment by a command that writes. The lock is
the operating system's: it ends with the process, however that ends, so leftovers never block anybody.
`ask` is what everybody else uses: one line of JSON there, one line of JSON back.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from pingmon_gui.domain.error import DataFolderBusy, StorageError, StorageFull, StorageReadOnly

_log = logging.getLogger(__name__)

Role = Literal["window", "run", "command"]
Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

#: A list of 10,000 domains with all their settings fits.
MAX_LINE_BYTES = 64 * 1024 * 1024
#: Unix sockets have short names: 108 bytes on Linux, 104 on macOS, the ending zero included.
_MAX_SOCKET_PATH_BYTES = 100
_RETRY_S = 0.05
CLIENT_PATIENCE_S = 30.0
#: Where the lock lies in the file on Windows, far from the text that others read.
_WINDOWS_LOCK_PLACE = 1 << 30
_ROLE_NAMES = {"window": "The window", "run": "“pingmon run”", "command": "Another command"}


@dataclass(frozen=True)
class Owner:
    """Who wrote itself into the lock file."""

    pid: int
    role: str


class OwnerSilent(DataFolderBusy):
    """The folder has an owner, but it does not answer."""


class Ownership:
    """The right to write in a data folder; end it with `release`. Also a context manager."""

    def __init__(self, data_dir: Path, lock: IO[bytes]) -> None:
        self.data_dir = data_dir
        self._lock: IO[bytes] | None = lock
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._token = ""

    @classmethod
    def take(cls, data_dir: Path, role: Role, patience_s: float = 2.0) -> Ownership:
        """Take the folder, making it if need be; blocks for at most `patience_s` while a command has it.

        Raises DataFolderBusy (with the owner's pid) and StorageError.
        """
        until = time.monotonic() + patience_s
        while True:
            lock = _open_lock(data_dir)
            if _try_lock(lock, data_dir):
                break
            lock.close()
            owner = read_owner(data_dir)
            # An owner that has not written its name yet may be a command as well.
            if (owner is None or owner.role == "command") and time.monotonic() < until:
                time.sleep(_RETRY_S)
                continue
            raise busy(data_dir, owner)
        try:
            lock.truncate(0)
            lock.seek(0)
            lock.write(json.dumps({"pid": os.getpid(), "role": role}).encode("ascii"))
            lock.flush()
            with contextlib.suppress(FileNotFoundError):
                socket_path(data_dir).unlink()
        except OSError as exc:
            lock.close()
            raise _storage_error(exc, data_dir) from exc
        return cls(data_dir, lock)

    async def serve(self, answer: Answer, *, by_port: bool = sys.platform == "win32") -> None:
        """Answer other processes' requests on the running loop from now on.

        `by_port` uses a loopback port and a token in a private file instead of a Unix socket.
        """
        path = socket_path(self.data_dir)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._talks.add(task)
            try:
                await self._talk(reader, writer, answer)
            except asyncio.CancelledError:
                # Only stop_serving cancels; before 3.12 asyncio's streams log a cancelled handler as an error.
                _log.debug("a request of another process was dropped at the end")
            finally:
                self._talks.discard(task)

        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if by_port:
                self._token = secrets.token_urlsafe(32)
                self._server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=MAX_LINE_BYTES)
                port = self._server.sockets[0].getsockname()[1]
                _write_private(path, json.dumps({"port": port, "token": self._token}))
            else:
                listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                listener.bind(str(path))
                # Nobody can connect before it listens, so there is no moment in which others may.
                path.chmod(0o600)
                self._server = await asyncio.start_unix_server(talk, sock=listener, limit=MAX_LINE_BYTES)
        except OSError as exc:
            raise _storage_error(exc, self.data_dir) from exc

    async def stop_serving(self) -> None:
        """Take no more requests and drop those in hand; harmless if nothing is served."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in list(self._talks):
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await server.wait_closed()
        with contextlib.suppress(OSError):
            socket_path(self.data_dir).unlink()

    def release(self) -> None:
        """Give the folder back; twice is harmless."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        with contextlib.suppress(OSError):
            lock.truncate(0)
        lock.close()

    def __enter__(self) -> Ownership:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
        try:
            line = await reader.readline()
            request = json.loads(line) if line.strip() else None
            if not isinstance(request, dict) or not hmac.compare_digest(str(request.pop("token", "")), self._token):
                return
            reply = await answer(request)
            writer.write(json.dumps(reply).encode("ascii") + b"\n")
            await writer.drain()
        except (OSError, ValueError, RecursionError) as exc:
            # The other side went away or spoke nonsense: its affair, not ours.
            _log.debug("a request of another process came to nothing: %s", exc)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def read_owner(data_dir: Path) -> Owner | None:
    """Return who wrote itself into the lock file; None if nobody did (or left it in order)."""
    try:
        document = json.loads((data_dir / "lock").read_bytes())
        return Owner(int(document["pid"]), str(document["role"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_owned(data_dir: Path) -> bool:
    """Return whether some process holds the folder just now. Changes nothing."""
    try:
        lock = (data_dir / "lock").open("rb+")
    except OSError:
        return False
    with lock:
        return not _try_lock(lock, data_dir, to_look=True)


def ask(data_dir: Path, request: dict[str, Any], timeout_s: float = CLIENT_PATIENCE_S) -> dict[str, Any]:
    """Send one request to the owner and return its answer. Blocks. Raises OwnerSilent if none comes."""
    try:
        with _connect(data_dir, request, timeout_s) as (connection, document):
            connection.sendall(json.dumps(document).encode("ascii") + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline(MAX_LINE_BYTES)
        answer = json.loads(line)
    except (OSError, ValueError) as exc:
        owner = read_owner(data_dir)
        known = busy(data_dir, owner)
        raise OwnerSilent(f"{known.message} It does not answer.", known.hint, known.pid) from exc
    if not isinstance(answer, dict):
        raise OwnerSilent("The process that owns the data folder gave no usable answer.")
    return answer


def busy(data_dir: Path, owner: Owner | None) -> DataFolderBusy:
    """Return the error that says who has the folder."""
    if owner is None:
        return DataFolderBusy(f"Another process is using the data folder {data_dir}.", "Try again in a moment.")
    name = _ROLE_NAMES.get(owner.role, "Another process")
    return DataFolderBusy(
        f"{name} (process {owner.pid}) is using the data folder {data_dir}.",
        "End it first, or use another folder with --data-dir.",
        owner.pid,
    )


def socket_path(data_dir: Path) -> Path:
    """Return where the owner of the folder listens: in it, or in a private runtime folder if that name is too long."""
    path = data_dir.absolute() / "socket"
    if sys.platform == "win32" or len(os.fsencode(path)) <= _MAX_SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "pingmon" if runtime else Path(tempfile.gettempdir()) / f"pingmon-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise StorageError(f"The folder {folder} is open to other users.", f"Remove it, or type: chmod 700 {folder}")
    return folder / digest


@contextlib.contextmanager
def _connect(data_dir: Path, request: dict[str, Any], timeout_s: float) -> Any:
    """Yield (connection, request with the token if one is needed)."""
    path = socket_path(data_dir)
    if sys.platform == "win32" or path.is_file():  # a port and its token; a Unix socket is no regular file
        place = json.loads(path.read_bytes())
        connection = socket.create_connection(("127.0.0.1", place["port"]), timeout_s)
        request = {**request, "token": place["token"]}
    else:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
    with connection:
        yield connection, request


def _open_lock(data_dir: Path) -> IO[bytes]:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Without a buffer: what a full disk did not take is not tried again when it is closed.
        return os.fdopen(os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600), "rb+", buffering=0)
    except OSError as exc:
        raise _storage_error(exc, data_dir) from exc
    except ValueError as exc:  # a zero byte in the name
        raise StorageError("The name of the data folder cannot be used.") from exc


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as stream:
        stream.write(text)


def _storage_error(exc: OSError, data_dir: Path) -> StorageError:
    import errno

    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageReadOnly(
            f"The data folder {data_dir} cannot be written.", "Check its permissions, or use another with --data-dir."
        )
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"There is no room left on the disk of {data_dir}.", "Free some space.")
    return StorageError(f"The data folder {data_dir} cannot be used: {exc.strerror or exc}.")


if sys.platform == "win32":
    import msvcrt

    def _try_lock(lock: IO[bytes], data_dir: Path, *, to_look: bool = False) -> bool:
        lock.seek(_WINDOWS_LOCK_PLACE)
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            lock.seek(0)
        return True
else:
    import fcntl

    def _try_lock(lock: IO[bytes], data_dir: Path, *, to_look: bool = False) -> bool:
        # Several may look at the same moment: none of them is an owner to the others.
        kind = fcntl.LOCK_SH if to_look else fcntl.LOCK_EX
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as exc:
            raise _storage_error(exc, data_dir) from exc
        return True
