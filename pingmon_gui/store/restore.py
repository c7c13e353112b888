"""Restoring a backup: it is copied beside the database, brought up to date there and read to its last row; only then
it may take the database's place.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pingmon_gui.domain.backup import BackupFacts, Progress, Restored
from pingmon_gui.domain.error import InvalidInput, StorageCorrupt, StorageError
from pingmon_gui.store import replacement
from pingmon_gui.store.aside import Reason, aside_name, companions, keep_few
from pingmon_gui.store.backup import MADE_KEY, facts_of, must_have_room, refuse_other_programs
from pingmon_gui.store.database import prepare, write_connection
from pingmon_gui.store.migration import upgrade
from pingmon_gui.store.trouble import translated
from pingmon_gui.store.wholeness import check_contents, check_structure

_COPY_BYTES = 4 * 1024 * 1024
#: Shares of the work that are done when the file is copied, and when its structure was looked at.
_COPIED, _LOOKED_AT = 0.2, 0.3


def prepare_restore(path: Path, source: Path, progress: Progress) -> BackupFacts:
    """Make a backup ready to take the place of the database at `path`; return what is in it.

    Blocks; the present database may be in use. `restore` or `replacement.discard` follows. What cannot be restored
    raises StorageError or InvalidInput, and nothing is left behind.
    """
    new = replacement.incoming(path)
    try:
        with translated(source):
            _copy(path, source, new, lambda share: progress(share * _COPIED))
            database = write_connection(new)
            with closing(database):
                database.connect()
                refuse_other_programs(database, source)
                check_structure(database, source)
                progress(_LOOKED_AT)
                facts = facts_of(database, source)
                upgrade(database, source)
                check_contents(database, lambda share: progress(_LOOKED_AT + share * (1 - _LOOKED_AT)))
                database.execute_sql("DELETE FROM meta WHERE key = ?", (MADE_KEY,))
                # One file, so that one step can put it in place.
                database.execute_sql("PRAGMA journal_mode = DELETE").fetchall()
    except StorageCorrupt as exc:
        replacement.discard(path)
        raise StorageCorrupt(exc.message, "Nothing was changed. Choose another backup.") from exc
    except BaseException:
        replacement.discard(path)
        raise
    return replace(facts, file_bytes=source.stat().st_size)


def restore(path: Path, facts: BackupFacts) -> Restored:
    """Let what `prepare_restore` made ready, and told the `facts` of, take the place of the database.

    Nobody may have the database open. Raises StorageError.
    """
    if not replacement.incoming(path).exists():
        raise StorageError("What was to be restored is not there any more.", "Choose the backup again.")
    aside = aside_name(path, Reason.REPLACED)
    replacement.put_in_place(path, aside)
    with translated(path):
        keep_few(path, Reason.REPLACED)
    return Restored(facts, aside)


def _copy(path: Path, source: Path, new: Path, progress: Progress) -> None:
    """Copy a database, and the log beside it where it was copied by hand from one that was in use."""
    if not source.is_file():
        raise InvalidInput(f"There is no file {source}." if not source.exists() else f"{source} is not a file.")
    if any(file.exists() and file.samefile(source) for file in companions(path)):
        raise InvalidInput("That is the present database itself.", "Choose a backup of it.")
    replacement.discard(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [(old, copy) for old, copy in zip(companions(source)[:2], companions(new)[:2], strict=True) if old.exists()]
    total = sum(old.stat().st_size for old, _ in files)
    must_have_room(path.parent, total)
    done = 0
    for old, copy in files:
        prepare(copy)
        with old.open("rb") as reader, copy.open("wb") as writer:
            while piece := reader.read(_COPY_BYTES):
                writer.write(piece)
                done += len(piece)
                progress(done / max(1, total))
