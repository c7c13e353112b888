"""A step that puts files and folders in place, and can put back exactly what was there before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pingmon_gui.provision.host import Host
from pingmon_gui.provision.host_python import Entry, HostPython, State
from pingmon_gui.provision.step import Step

#: Makes the entries of files whose content depends on what is there (a block in authorized_keys).
Compose = Callable[[Host], Awaitable[Sequence[Entry]]]


class FileStep(Step):
    """Folders and files in the order in which they are made. `is_changed` tells whether this run changed any."""

    def __init__(self, name: str, title: str, python: HostPython, entries: Sequence[Entry] | Compose) -> None:
        self.name = name
        self.title = title
        self.is_changed = False
        self._python = python
        self._compose = entries if callable(entries) else None
        self._entries: Sequence[Entry] = () if callable(entries) else entries
        self._found: dict[str, State | None] | None = None

    async def is_done(self, host: Host) -> bool:
        if self._compose is not None and self._found is None:
            self._entries = await self._compose(host)
        states = await self._python.look(host, [entry.path for entry in self._entries])
        is_done = all(is_as_it_should(entry, state) for entry, state in zip(self._entries, states, strict=True))
        if self._found is None:
            self._found = {entry.path: state for entry, state in zip(self._entries, states, strict=True)}
        return is_done

    async def apply(self, host: Host) -> None:
        assert self._found is not None, "is_done comes first"
        # Only what is there and will be replaced is fetched; most often there is nothing.
        found = self._found
        missing = [entry for entry in self._entries if not is_as_it_should(entry, found[entry.path])]
        replaced = [
            entry.path
            for entry in missing
            if entry.kind == "file" and (state := found[entry.path]) is not None and state.kind == "file"
        ]
        if replaced:
            found.update(zip(replaced, await self._python.read(host, replaced), strict=True))
        self.is_changed = True
        await self._python.put(host, missing)

    async def undo(self, host: Host) -> None:
        if self._found is None or not self.is_changed:
            return
        gone = [entry for entry in reversed(self._entries) if self._found[entry.path] is None]
        back = [
            Entry(entry.kind, entry.path, state.mode, state.owner, state.group, state.content or b"")
            for entry in self._entries
            if (state := self._found[entry.path]) is not None and not is_as_it_should(entry, state)
        ]
        if gone:
            await self._python.remove(host, gone)
        if back:
            await self._python.put(host, back)
        self.is_changed = False


def is_as_it_should(entry: Entry, state: State | None) -> bool:
    """Return whether nothing is left to do for an entry."""
    if state is None or state.kind != entry.kind:
        return False
    if entry.is_shared:
        return True
    if entry.owner is not None and state.owner != entry.owner:
        return False
    if entry.group is not None and state.group != entry.group:
        return False
    return state.mode == entry.mode and (entry.kind == "folder" or state.sha256 == entry.sha256)
