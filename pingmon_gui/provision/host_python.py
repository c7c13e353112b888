"""Calls our own small program (`host_side.py`) in the host's Python: files, processes, the probe's health."""

from __future__ import annotations

import base64
import errno
import functools
import hashlib
import importlib.resources
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.provision.host import COMMAND_S, DATA_MARK, Host

#: Runs the program that comes by stdin, where neither the list of processes nor a login shell sees it.
LOADER = "import sys; exec(sys.stdin.buffer.read().decode())"
MARK = f"{DATA_MARK}answer="
#: What a call may take beyond the time that it is told to wait.
CALL_EXTRA_S = 30.0

#: The owners' sentence for the errors of a host's disk.
DISK_SENTENCES = {
    errno.ENOSPC: ("The disk of {host} is full.", "Free some space there and try again."),
    errno.EDQUOT: ("The disk quota on {host} is used up.", "Free some space there and try again."),
    errno.EROFS: ("The file system of {path} on {host} is read-only.", "Mount it writable and try again."),
    errno.EACCES: ("{path} on {host} may not be written.", "Look at the permissions there, or use a login with sudo."),
    errno.EPERM: ("{path} on {host} may not be changed.", "Is it made immutable (lsattr) or on a restricted mount?"),
}


@dataclass(frozen=True, repr=False)
class Entry:
    """A file or folder as it should be. `owner` and `group` None: whoever writes it.

    A shared folder (as ~/.ssh) is made where it is missing and otherwise left alone; removed only when empty.
    """

    kind: Literal["file", "folder"]
    path: str
    mode: int
    owner: str | None = None
    group: str | None = None
    content: bytes = b""
    is_shared: bool = False

    def __repr__(self) -> str:
        return f"Entry({self.kind} {self.path})"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "path": self.path,
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
            "content": base64.b64encode(self.content).decode("ascii"),
            "sha256": self.sha256,
            "is_shared": self.is_shared,
        }


@dataclass(frozen=True, repr=False)
class State:
    """What stands at a path. `content` only where it was read, `sha256` only of files."""

    kind: str
    mode: int
    owner: str
    group: str
    sha256: str = ""
    content: bytes | None = field(default=None)

    def __repr__(self) -> str:
        return f"State({self.kind} {self.mode:o} {self.owner}:{self.group})"


@dataclass(frozen=True)
class Health:
    """What the probe on the host answers there. `code` is HTTP's, 0 where it does not answer at all."""

    code: int
    version: str | None = None
    owner: str | None = None
    revision: int = 0
    spool: str | None = None
    problem: str = ""


class HostPython:
    """The program on one host. Raises StepFailed with a sentence for what the disk or the system refuses."""

    def __init__(self, python: str, *, as_root: bool) -> None:
        self._python = python
        self._as_root = as_root

    async def look(self, host: Host, paths: Sequence[str]) -> list[State | None]:
        """Return what stands at each path, in order."""
        answer = await self._call(host, "look", paths, {"paths": [*paths]})
        return [_state(document) for document in answer["states"]]

    async def read(self, host: Host, paths: Sequence[str]) -> list[State | None]:
        """Return what stands at each path with the content of files: at most some 500 KB in all."""
        answer = await self._call(host, "read", paths, {"paths": [*paths]})
        return [_state(document) for document in answer["states"]]

    async def put(self, host: Host, entries: Sequence[Entry]) -> None:
        """Make folders and files as they should be, in order."""
        documents = [entry.to_json() for entry in entries]
        await self._call(host, "put", [entry.path for entry in entries], {"entries": documents}, deadline_s=120.0)

    async def remove(self, host: Host, entries: Sequence[Entry]) -> None:
        """Remove what there is of the entries, in order; folders that are not shared with all that is in them."""
        documents = [
            {"kind": entry.kind, "path": entry.path, "is_shared": entry.is_shared, "mode": 0} for entry in entries
        ]
        await self._call(host, "remove", [entry.path for entry in entries], {"entries": documents}, deadline_s=120.0)

    async def health(
        self, host: Host, port: int, token_file: str, certificate_file: str | None, wait_s: float
    ) -> Health:
        """Ask the probe on the host itself, for `wait_s` until it answers."""
        request = {
            "port": port,
            "token_file": token_file,
            "certificate_file": certificate_file,
            "wait_s": wait_s,
        }
        answer = await self._call(host, "health", [str(port)], request, deadline_s=wait_s + CALL_EXTRA_S)
        return Health(
            code=int(answer["code"]),
            version=_text(answer.get("version")),
            owner=_text(answer.get("owner")),
            revision=answer["revision"] if isinstance(answer.get("revision"), int) else 0,
            spool=_text(answer.get("spool")),
            problem=_text(answer.get("problem")) or "",
        )

    async def start(self, host: Host, argv: Sequence[str], folder: str, user: str | None) -> None:
        """Start a program that outlives the connection. `argv[0]` is its full path."""
        await self._call(host, "start", argv, {"argv": [*argv], "folder": folder, "user": user})

    async def running(self, host: Host, files: Sequence[str]) -> list[int]:
        """Return the ids of the processes that run one of these scripts."""
        answer = await self._call(host, "running", files, {"files": [*files]})
        return [int(pid) for pid in answer["pids"]]

    async def stop(self, host: Host, files: Sequence[str], wait_s: float = 15.0) -> None:
        """End the processes that run one of these scripts. Raises StepFailed if one does not end."""
        request = {"files": [*files], "wait_s": wait_s}
        answer = await self._call(host, "stop", files, request, deadline_s=wait_s + CALL_EXTRA_S)
        if answer["pids"]:
            pids = ", ".join(str(pid) for pid in answer["pids"])
            raise StepFailed(f"The probe on {host.name} does not end (process {pids}).", "Restart the host.")

    async def stop_user(self, host: Host, user: str, wait_s: float = 5.0) -> None:
        """End all processes of a user, its logins over SSH included. Raises StepFailed if one does not end."""
        request = {"user": user, "wait_s": wait_s}
        answer = await self._call(host, "stop-user", [user], request, deadline_s=wait_s + CALL_EXTRA_S)
        if answer["pids"]:
            raise StepFailed(f"Processes of {user} on {host.name} do not end.", "Restart the host.")

    async def _call(
        self, host: Host, do: str, words: Sequence[str], request: dict[str, Any], deadline_s: float = COMMAND_S
    ) -> dict[str, Any]:
        # The words after the loader are read by people only: in the transcript and in the host's list of processes.
        argv = [self._python, "-I", "-S", "-c", LOADER, f"pingmon:{do}", *words]
        call = {"do": do, **request}
        # Texts, numbers, lists and dicts only, whose `repr` is a literal.
        stdin = _program() + f"\n\nmain({call!r})\n".encode()
        result = await host.run(argv, stdin=stdin, deadline_s=deadline_s, as_root=self._as_root)
        answer = next(
            (line.removeprefix(MARK) for line in reversed(result.out.splitlines()) if line.startswith(MARK)), None
        )
        try:
            document_out = json.loads(answer) if answer is not None else None
        except ValueError:
            document_out = None
        if result.code == 0 and isinstance(document_out, dict):
            return document_out
        if isinstance(document_out, dict) and "errno" in document_out:
            raise _refused(host.name, int(document_out["errno"]), str(document_out["path"]), str(document_out["text"]))
        raise StepFailed(
            f"The Python of {host.name} ({self._python}) broke off with exit code {result.code}.",
            "The transcript shows what it said; a full or read-only disk is the usual cause.",
        )


@functools.cache
def _program() -> bytes:
    return importlib.resources.files("pingmon_gui.provision").joinpath("host_side.py").read_bytes()


def _refused(host: str, number: int, path: str, text: str) -> StepFailed:
    sentence, hint = DISK_SENTENCES.get(number, ("{path} on {host}: {text}.", "The transcript shows what was done."))
    where = path or "A file"
    return StepFailed(sentence.format(host=host, path=where, text=text), hint)


def _state(document: dict[str, Any] | None) -> State | None:
    if document is None:
        return None
    content = document.get("content")
    return State(
        kind=str(document["kind"]),
        mode=int(document["mode"]),
        owner=str(document["owner"]),
        group=str(document["group"]),
        sha256=str(document.get("sha256", "")),
        content=base64.b64decode(content) if content is not None else None,
    )


def _text(value: object) -> str | None:
    return value[:300] if isinstance(value, str) else None
