"""A damaged database as pages: SQLite's file format read directly, for what SQLite itself refuses to open.

Nothing is written. Format: sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from pingmon_gui.store.change_log import read_change_log

_MAGIC = b"SQLite format 3\0"
USUAL_PAGE_BYTES = 4096
#: The page that holds this byte of the file is never used: locks are there.
_LOCK_BYTE = 1 << 30


class PageFile:
    """A context manager; pages count from 1, and have the form of their last commit.

    Attributes:
        has_header: whether the first page still tells what the file is.
        application: whose file it is, None where it does not tell.
        schema: the version of its tables, None where it does not tell.
        usable_bytes: how much of a page SQLite uses.
        page_count: how many pages there should be; the last ones may be missing.
        lost_changes: changed pages in the log that cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            is_empty = path.stat().st_size == 0
            self._main = b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.page_bytes = page_bytes_of(self._main[:100]) or USUAL_PAGE_BYTES
        log = read_change_log(Path(f"{path}-wal"), self.page_bytes)
        self._newer = log.pages
        self.lost_changes = log.lost_frames
        self._stored_count = len(self._main) // self.page_bytes
        head = log.pages.get(1, self._main)[:100]
        self.has_header = page_bytes_of(head) == self.page_bytes
        self.application: int | None = None
        self.schema: int | None = None
        self.usable_bytes = self.page_bytes
        counted = 0
        if self.has_header:
            self.usable_bytes -= head[20]
            self.schema, self.application = struct.unpack_from(">I4xI", head, 60)
            # The count is true only where it was written together with the change counter.
            counted = struct.unpack_from(">I", head, 28)[0] if head[24:28] == head[92:96] else 0
        self.page_count = log.page_count or counted or self._stored_count

    def __enter__(self) -> PageFile:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._main, mmap.mmap):
            self._main.close()

    def page(self, number: int) -> bytes | None:
        """Return a page, None where it is missing."""
        if number in self._newer:
            return self._newer[number]
        if not 1 <= number <= min(self.page_count, self._stored_count):
            return None
        return self._main[(number - 1) * self.page_bytes : number * self.page_bytes]

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of all pages that should hold something."""
        lock_page = _LOCK_BYTE // self.page_bytes + 1
        return (number for number in range(1, self.page_count + 1) if number != lock_page)


def page_bytes_of(head: bytes) -> int:
    """Return the size of a database's pages, as its first bytes tell; 0 where they do not."""
    if len(head) < 100 or head[:16] != _MAGIC:
        return 0
    (size,) = struct.unpack_from(">H", head, 16)
    size = 65536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else 0
