"""SQLite's log of latest changes (`-wal`) read frame by frame, for what a damage in its middle leaves of it.

SQLite itself takes nothing behind the first frame that is damaged, and does not say so. Each frame carries the checksum
of all before it, so those behind can be told from nonsense all the same. Format: sqlite.org/fileformat2.html#walformat.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_HEAD = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
#: The last bit says whether checksums are made of big-endian words.
_MAGIC = 0x377F0682
_MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class ChangeLog:
    """Pages that were changed and committed, by number.

    Attributes:
        page_count: how many pages the database has after the last commit, None where nothing was committed.
        lost_frames: changed pages that cannot be read.
        is_cut: whether a commit stands behind one of them. At the very end of a log broken frames are the rule after
            a crash: they were being written, and nobody was told that they are.
    """

    pages: dict[int, bytes]
    page_count: int | None
    lost_frames: int
    is_cut: bool


def read_change_log(path: Path, page_bytes: int) -> ChangeLog:
    """Read the log of a database; one that is not there is empty. About 0.1 ms per page. Raises OSError."""
    data = path.read_bytes() if path.exists() else b""
    count = max(0, len(data) - _HEAD.size) // (_FRAME.size + page_bytes)
    if count == 0:
        return ChangeLog({}, None, 0, False)
    starts = [_HEAD.size + place * (_FRAME.size + page_bytes) for place in range(count)]
    heads = [_FRAME.unpack_from(data, start) for start in starts]
    magic, *_facts, salt, other_salt, first, second = _HEAD.unpack_from(data)
    is_whole = magic & ~1 == _MAGIC and _checksum(data[:24], magic, 0, 0) == (first, second)
    salts = (salt, other_salt) if is_whole else Counter(head[2:4] for head in heads[:3]).most_common(1)[0][0]
    ways = (magic,) if is_whole else (_MAGIC, _MAGIC | 1)
    pages: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    page_count: int | None = None
    last_seen = last_commit = 0
    good: list[int] = []
    before: tuple[int, int] | None = (first, second) if is_whole else None
    for place, (start, head) in enumerate(zip(starts, heads, strict=True), 1):
        if head[2:4] != salts:  # left over from an earlier round, or its head is damaged
            before = None
            continue
        last_seen = place
        body = start + _FRAME.size
        page = data[body : body + page_bytes]
        if before is not None and any(
            _checksum(page, way, *_checksum(data[start : start + 8], way, *before)) == head[4:] for way in ways
        ):
            good.append(place)
            pending[head[0]] = page
            if head[1]:
                pages |= pending
                pending, page_count, last_commit = {}, head[1], place
        before = head[4:]
    broken_before_commit = last_commit - sum(place <= last_commit for place in good)
    return ChangeLog(pages, page_count, last_seen - len(good), broken_before_commit > 0)


def _checksum(data: bytes, magic: int, first: int, second: int) -> tuple[int, int]:
    words = struct.unpack(f"{'>' if magic & 1 else '<'}{len(data) // 4}I", data)
    pairs = iter(words)
    for one, two in zip(pairs, pairs, strict=True):
        first = (first + one + second) & _MASK
        second = (second + two + first) & _MASK
    return first, second
