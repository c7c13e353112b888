"""Puts another file in the place of the database, so that whatever dies when leaves the old or the new one whole.

The new file is made ready beside the database under the name `incoming`. A note says that it is to take its place; from
then on the step is certain: whoever opens the database for writing first finishes it. Only the owner of the data
folder calls this.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from pingmon_gui.domain.error import StorageError
from pingmon_gui.store.aside import companions
from pingmon_gui.store.durable import sync_file, sync_folder
from pingmon_gui.store.trouble import translated

_log = logging.getLogger(__name__)


def incoming(path: Path) -> Path:
    """Return where a file is made ready that is to take the place of the database at `path`."""
    return path.with_name(f"{path.name}.incoming")


def put_in_place(path: Path, aside: Path) -> None:
    """Let the file at `incoming` take the place of the database, which is kept as `aside`. Nobody may have it open.

    Raises StorageError: then the old database is in its place, or the next `finish` ends what was begun.
    """
    with translated(path):
        sync_file(incoming(path))
        draft = path.with_name(f"{_note(path).name}.draft")
        draft.write_text(json.dumps({"aside": aside.name}), encoding="utf-8")
        sync_file(draft)
        draft.replace(_note(path))
        sync_folder(path.parent)
    finish(path)


def finish(path: Path) -> None:
    """End a replacement that was begun, and remove what one that was not left behind. Raises StorageError."""
    with translated(path):
        note, new = _note(path), incoming(path)
        if note.exists():
            if new.exists():
                aside = path.with_name(json.loads(note.read_text(encoding="utf-8"))["aside"])
                for old, kept in zip(companions(path), companions(aside), strict=True):
                    if old.exists():
                        old.replace(kept)
                new.replace(path)
                sync_folder(path.parent)
                _log.info("another database took the place of %s, which is kept as %s", path, aside.name)
            note.unlink()
            sync_folder(path.parent)
        for leftover in companions(new):
            leftover.unlink(missing_ok=True)


def refuse_unfinished(path: Path) -> None:
    """Raise StorageError where a replacement was begun and not ended: a reader may not end it."""
    if _note(path).exists():
        raise StorageError(
            f"The database {path} is being replaced.", "Try again in a moment; or start Pingmon, which ends it."
        )


def discard(path: Path) -> None:
    """Remove a file that was made ready and is not wanted after all."""
    for file in companions(incoming(path)):
        file.unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.replacement")
