"""How a command reaches the data: through the owner of the folder if one runs, else by itself.

Reading commands open the database read-only; commands that write are sent to the owner, or take the lock
for the moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.error import DataFolderBusy, InvalidInput, StorageError
from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.target import parse_target
from pingmon_gui.ownership import CLIENT_PATIENCE_S, Ownership, OwnerSilent, ask, is_owned, read_owner
from pingmon_gui.request import error_from_json

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
Result = TypeVar("Result")
_PATIENCE_S = 10.0
_RETRY_S = 0.1


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def open_store(data_dir: Path, *, read_only: bool) -> Store:
    """Open the folder's store. Raises StorageError."""
    from pingmon_gui.store.store import Store

    return Store.open(database_path(data_dir), read_only=read_only, now_ms=now_ms)


def has_store(data_dir: Path) -> bool:
    """Return whether anything was ever kept in the folder. Raises StorageError if it may not be looked into."""
    try:
        return database_path(data_dir).exists()
    except OSError as exc:
        raise StorageError(f"The data folder {data_dir} cannot be read: {exc.strerror or exc}.") from exc


def read(data_dir: Path, query: Callable[[Store], Awaitable[Result]], nothing: Result) -> Result:
    """Return what `query` reads from the store; `nothing` if there is no store yet. Raises StorageError."""
    if not has_store(data_dir):
        return nothing

    async def main() -> Result:
        store = open_store(data_dir, read_only=True)
        try:
            return await query(store)
        finally:
            await store.close()

    return asyncio.run(main())


def monitors(data_dir: Path) -> list[Monitor]:
    """Return all monitors, in the order of the store."""

    async def query(store: Store) -> list[Monitor]:
        return list(store.configuration().monitors)

    return read(data_dir, query, [])


def ask_owner(data_dir: Path, request: Json, timeout_s: float = CLIENT_PATIENCE_S) -> Json | None:
    """Return the answer of the window or of `pingmon run`; None if neither owns the folder.

    Raises OwnerSilent, or the PingmonError that the owner answered with.
    """
    if not is_owned(data_dir):
        return None
    owner = read_owner(data_dir)
    if owner is not None and owner.role == "command":
        return None
    return _checked(ask(data_dir, request, timeout_s))


def carry_out(data_dir: Path, request: Json, alone: Callable[[Store], Awaitable[Json]]) -> Json:
    """Send a request that writes to the owner, or do it `alone` with the folder locked for the moment.

    Raises PingmonError: the owner's, DataFolderBusy if it stays silent, StorageError.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            ownership = Ownership.take(data_dir, "command", patience_s=0)
        except DataFolderBusy:
            # Whoever has it may be a command that is done in a moment, or a window that just starts.
            try:
                return _checked(ask(data_dir, request))
            except OwnerSilent:
                if time.monotonic() > until:
                    raise
                time.sleep(_RETRY_S)
                continue
        with ownership:
            return asyncio.run(_alone(data_dir, alone))


def ask_patiently(data_dir: Path, request: Json) -> Json:
    """Ask the owner, which may be just starting. Raises OwnerSilent, or the PingmonError it answered with."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _checked(ask(data_dir, request))
        except OwnerSilent:
            if time.monotonic() > until:
                raise
            time.sleep(_RETRY_S)


async def _alone(data_dir: Path, work: Callable[[Store], Awaitable[Json]]) -> Json:
    store = open_store(data_dir, read_only=False)
    try:
        return await work(store)
    finally:
        await store.close()


def _checked(answer: Json) -> Json:
    if answer.get("ok") is not True:
        raise error_from_json(answer)
    return answer


def find(known: Sequence[Monitor], text: str) -> Monitor:
    """Return the monitor that a person means by an address, a name or an id. Raises InvalidInput."""
    wanted = " ".join(text.split()).casefold()
    urls = []
    # Without a scheme https is meant, unless only the http address is watched.
    for address in (text, f"http://{text.strip()}"):
        with contextlib.suppress(InvalidInput):
            urls.append(parse_target(address).url)
    for matches in (
        *([monitor for monitor in known if monitor.url == url] for url in urls),
        [monitor for monitor in known if wanted in (monitor.title.casefold(), str(monitor.id))],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(str(monitor.id) for monitor in matches)
            raise InvalidInput(f"“{text[:80]}” is the name of {len(matches)} domains.", f"Say which by its id: {ids}.")
    raise InvalidInput(f"“{text[:80]}” is not watched.", "“pingmon domain list” shows what is.")
