"""Lock and socket of a data folder, with real processes as the others."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import qasync

from pingmon_gui.domain.error import DataFolderBusy, StorageError, StorageReadOnly
from pingmon_gui.ownership import Ownership, OwnerSilent, ask, is_owned, read_owner, socket_path

_HOLD = """
import sys, time
from pathlib import Path
from pingmon_gui.ownership import Ownership
held = Ownership.take(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
if len(sys.argv) > 3:
    time.sleep(float(sys.argv[3]))
    held.release()
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Any]:
    started: list[subprocess.Popen[str]] = []

    def start(role: str, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _HOLD, str(tmp_path), role, *more]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.communicate()


async def _echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "heard": request}


@asynccontextmanager
async def _serving(folder: Path, by_port: bool) -> AsyncIterator[Ownership]:
    with Ownership.take(folder, "run") as ownership:
        await ownership.serve(_echo, by_port=by_port)
        try:
            yield ownership
        finally:
            await ownership.stop_serving()


def test_second_process_is_refused_with_pid_and_role(tmp_path: Path, holder: Any) -> None:
    process = holder("window")
    with pytest.raises(DataFolderBusy, match=f"The window \\(process {process.pid}\\)") as caught:
        Ownership.take(tmp_path, "run", patience_s=0)
    assert caught.value.pid == process.pid
    assert is_owned(tmp_path)


def test_killed_owner_leaves_nothing_in_the_way(tmp_path: Path, holder: Any) -> None:
    process = holder("run")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not is_owned(tmp_path)
    with Ownership.take(tmp_path, "window", patience_s=0):
        owner = read_owner(tmp_path)
        assert owner is not None
        assert (owner.pid, owner.role) == (os.getpid(), "window")


def test_who_merely_looks_is_no_owner_to_others_who_look(tmp_path: Path) -> None:
    Ownership.take(tmp_path, "command").release()
    with ThreadPoolExecutor(4) as lookers:
        assert not any(lookers.map(is_owned, [tmp_path] * 2000))


def test_folder_that_takes_no_more_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: both refuse the owner's name and nothing before it."""
    code = """
import resource, sys
from pathlib import Path
from pingmon_gui.domain.error import StorageError
from pingmon_gui.ownership import Ownership
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    Ownership.take(Path(sys.argv[1]), "run")
except StorageError as exc:
    print(exc.message)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"The data folder {tmp_path} cannot be used")


def test_a_short_command_is_waited_for(tmp_path: Path, holder: Any) -> None:
    holder("command", "0.2")
    Ownership.take(tmp_path, "window", patience_s=30).release()


def test_release_frees_the_folder_and_may_come_twice(tmp_path: Path) -> None:
    ownership = Ownership.take(tmp_path, "command")
    ownership.release()
    ownership.release()
    assert not is_owned(tmp_path)
    assert read_owner(tmp_path) is None


@pytest.mark.parametrize("by_port", [False, True])
def test_owner_answers_requests(tmp_path: Path, by_port: bool) -> None:
    async def main() -> dict[str, Any]:
        async with _serving(tmp_path, by_port):
            return await asyncio.to_thread(ask, tmp_path, {"command": "status", "text": "\u202eäß\n"})

    assert asyncio.run(main()) == {"ok": True, "heard": {"command": "status", "text": "\u202eäß\n"}}


@pytest.mark.parametrize("by_port", [False, True])
def test_place_of_the_socket_is_private_and_goes_with_the_server(tmp_path: Path, by_port: bool) -> None:
    async def main() -> int:
        async with _serving(tmp_path, by_port):
            return socket_path(tmp_path).stat().st_mode & 0o777

    assert asyncio.run(main()) == 0o600
    assert not socket_path(tmp_path).exists()


def test_wrong_token_is_not_answered(tmp_path: Path) -> None:
    async def main() -> bytes:
        async with _serving(tmp_path, by_port=True):
            port = json.loads(socket_path(tmp_path).read_text())["port"]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b'{"command": "status", "token": "guess"}\n')
            got = await reader.read()
            writer.close()
            return got

    assert asyncio.run(main()) == b""


@pytest.mark.parametrize("line", [b"", b"\n", b"nonsense\n", b"[]\n", b"\xff\xfe\n", b"{", b'{"a":' * 100_000 + b"\n"])
def test_nonsense_is_survived(tmp_path: Path, line: bytes) -> None:
    async def main() -> dict[str, Any]:
        async with _serving(tmp_path, by_port=False):
            reader, writer = await asyncio.open_unix_connection(socket_path(tmp_path))
            writer.write(line)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            return await asyncio.to_thread(ask, tmp_path, {"n": 1})

    assert asyncio.run(main())["heard"] == {"n": 1}


def test_leftover_socket_of_a_killed_owner_is_replaced(tmp_path: Path) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(socket_path(tmp_path)))
    stale.close()

    async def main() -> dict[str, Any]:
        async with _serving(tmp_path, by_port=False):
            return await asyncio.to_thread(ask, tmp_path, {"n": 2})

    assert asyncio.run(main())["heard"] == {"n": 2}


def test_silent_owner_is_named(tmp_path: Path, holder: Any) -> None:
    process = holder("run")
    with pytest.raises(OwnerSilent, match="does not answer") as caught:
        ask(tmp_path, {"command": "status"})
    assert caught.value.pid == process.pid


def test_long_folder_name_is_served_from_the_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / ("long" * 20) / ("name" * 20)

    async def main() -> dict[str, Any]:
        async with _serving(folder, by_port=False):
            return await asyncio.to_thread(ask, folder, {"n": 3})

    assert asyncio.run(main())["heard"] == {"n": 3}
    assert socket_path(folder).parent.stat().st_mode & 0o777 == 0o700


def test_runtime_folder_open_to_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "pingmon").mkdir()
    (tmp_path / "pingmon").chmod(0o755)
    with pytest.raises(StorageError, match="open to other users"):
        socket_path(tmp_path / ("long" * 20) / ("name" * 20))


@pytest.mark.parametrize("name", ["file/below", "zero\0byte"])
def test_impossible_folder_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError):
        Ownership.take(tmp_path / name, "run")


def test_folder_that_cannot_be_written_is_a_sentence() -> None:
    # /proc refuses new entries to everybody, root included.
    with pytest.raises(StorageError) as caught:
        Ownership.take(Path("/proc/pingmon"), "run")
    assert "/proc/pingmon" in caught.value.message


def test_read_only_folder_is_told_apart(tmp_path: Path) -> None:
    from pingmon_gui import ownership

    error = ownership._storage_error(PermissionError(13, "Permission denied"), tmp_path)
    assert isinstance(error, StorageReadOnly)


@pytest.mark.ui
@pytest.mark.parametrize("by_port", [False, True])
@pytest.mark.usefixtures("qapp")
def test_owner_answers_on_the_windows_loop(tmp_path: Path, by_port: bool) -> None:
    heard: list[Any] = []

    async def main() -> None:
        async with _serving(tmp_path, by_port):
            reader_done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

            def other_process() -> None:
                answer = ask(tmp_path, {"command": "raise"})
                loop.call_soon_threadsafe(reader_done.set_result, answer)

            loop = asyncio.get_running_loop()
            thread = threading.Thread(target=other_process)
            thread.start()
            heard.append(await reader_done)
            thread.join()

    # What an earlier loop left has to go here: the other thread must not collect its timers.
    gc.collect()
    qasync.run(asyncio.wait_for(main(), 30))
    gc.collect()
    assert heard == [{"ok": True, "heard": {"command": "raise"}}]
