"""One file of the spool: whole lines, each a batch of results, in order of seq. Read and mended here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from .protocol import MAX_BATCH_BYTES

_NAME = re.compile(r"^results-(\d{16})\.ndjson$")
#: How every line begins (see `protocol.encode_batch`): enough to know its seqs without reading the rest.
_START = re.compile(rb'^\{"first":(\d{1,16}),"count":(\d{1,4}),')
#: Enough to hold the last line of a file in nearly every case.
TAIL_BYTES = 2 * MAX_BATCH_BYTES


@dataclass
class Segment:
    """A file that holds the seqs `first` to `last`; `last` is `first - 1` while it is empty."""

    path: Path
    first: int
    last: int
    bytes: int
    newest_ms: int


def segment_path(folder: Path, first: int) -> Path:
    return folder / f"results-{first:016d}.ndjson"


def seqs_of(line: bytes) -> Optional[Tuple[int, int]]:
    """Return (first, last) of a line, None if it does not begin as a batch does."""
    start = _START.match(line)
    if start is None:
        return None
    first, count = int(start[1]), int(start[2])
    return (first, first + count - 1) if count else None


def find_segments(folder: Path, is_after_power_loss: bool) -> Tuple[List[Segment], Optional[int]]:
    """Return the folder's segments in order of seq, and the seq that follows, None if there are no files.

    The newest file is mended first: a probe that was killed while writing leaves half a line at the end, a
    power loss may leave anything, so the file is cut after its last whole line. Files without a line are
    removed, their name still counts for the seq that follows. Raises OSError.
    """
    segments: List[Segment] = []
    next_seq: Optional[int] = None
    named = sorted((int(name[1]), path) for path in folder.iterdir() if (name := _NAME.match(path.name)))
    for place, (first, path) in enumerate(named):
        stat = path.stat()
        # A file is synced before the next one is begun, so only the newest can be torn.
        if place == len(named) - 1:
            last, size = _mend(path, first, is_after_power_loss)
        else:
            last, size = _last_seq(path, stat.st_size) or first - 1, stat.st_size
        next_seq = last + 1
        if last < first:
            path.unlink()
        else:
            segments.append(Segment(path, first, last, size, int(stat.st_mtime * 1000)))
    return segments, next_seq


def _mend(path: Path, first: int, is_after_power_loss: bool) -> Tuple[int, int]:
    """Cut the file after its last good line; return (last seq, bytes kept)."""
    expected, kept = first, 0
    with path.open("r+b") as file:
        for line in file:
            seqs = seqs_of(line)
            if not line.endswith(b"}\n") or seqs is None or seqs[0] != expected:
                break
            if is_after_power_loss and not _is_json(line):
                break
            expected = seqs[1] + 1
            kept += len(line)
        file.truncate(kept)
    return expected - 1, kept


def _last_seq(path: Path, size: int) -> Optional[int]:
    with path.open("rb") as file:
        for tail in (TAIL_BYTES, size):
            file.seek(max(0, size - tail))
            lines = file.read().splitlines()
            seqs = seqs_of(lines[-1]) if lines else None
            if seqs:
                return seqs[1]
    return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
