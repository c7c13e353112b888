"""The spool: a ring on disk of measured results, numbered 1, 2, 3..., that the service hands out as bytes.

The loop appends results and reads lines of the recent past from memory; encoding and writing belong to the
spool's own thread, reading old lines to whoever calls `SpoolReader.read` off the loop. A result gets its seq
when its line is written, so what is dropped before that leaves no hole.

Lines are not synced one by one. What keeps a seq from ever naming two results is a *reservation*: before a
seq above it is written, "seqs up to R may have been handed out" is put safely on disk. If the machine lost
power and the files end short of R, numbering goes on after R and the lost span is reported as dropped.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Callable, Deque, List, Optional, Sequence, Tuple

from .disk import Disk, boot_id
from .protocol import MAX_BATCH_BYTES, MAX_BATCH_RESULTS, MAX_EVIDENCE_PER_BATCH, CheckResult, encode_batch
from .segment import Segment, find_segments, segment_path, seqs_of

_log = logging.getLogger(__name__)

DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024
KEPT_MS = 8 * 24 * 3600 * 1000
#: Results that wait for the thread, or for a disk that is full: 20 s at 500/s. The rest is dropped and counted.
QUEUE_LIMIT = 10_000
#: While somebody reads, a line is written this long after its first result; else when it is full, or after 5 s.
GATHER_READ_S = 0.05
GATHER_IDLE_S = 5.0
#: How many seqs one synced reservation covers.
RESERVED_SEQS = 5_000
#: Lines of the recent past that are kept in memory for readers that follow.
CACHE_BYTES = 1024 * 1024
#: Pause before a failed disk is tried again.
RETRY_S = 5.0
MAX_SEGMENT_BYTES = 4 * 1024 * 1024
MIN_SEGMENT_BYTES = 16 * 1024

Span = Tuple[int, int]


@dataclass(frozen=True)
class Extent:
    """What the spool holds. `dropped` lists the spans (first, last) that are gone, in order, apart from each other.

    `queue_dropped` counts results that never got a seq; `problem` is a sentence while results cannot be kept.
    """

    id: str
    first: int
    last: int
    dropped: Tuple[Span, ...]
    bytes: int
    queue_dropped: int
    problem: Optional[str]


class Spool:
    """See the module. `append` and `lines_after` belong to the loop and never touch the disk."""

    def __init__(
        self,
        folder: Path,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        *,
        disk: Optional[Disk] = None,
        wall_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        machine_boot_id: Optional[str] = None,
        retry_s: float = RETRY_S,
        on_written: Callable[[], None] = lambda: None,
    ) -> None:
        """Open the folder, making what is missing; a folder that cannot be used is a `problem`, not an error.

        `on_written` is called on the spool's thread whenever there are new lines or something was dropped.
        """
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._segment_bytes = max(MIN_SEGMENT_BYTES, min(MAX_SEGMENT_BYTES, limit_bytes // 16))
        self._disk = disk or Disk()
        self._wall_ms = wall_ms
        self._boot_id = machine_boot_id or boot_id()
        self.on_written = on_written
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue: Deque[CheckResult] = deque()
        self._queued_since_s = 0.0
        self._readers = 0
        self._is_closing = False
        self._queue_dropped = 0
        self._accepted = 0
        self._settled = 0
        self._problem: Optional[str] = None
        self._retry_s = retry_s
        self._retry_at_s = 0.0
        self._id = secrets.token_hex(8)
        self._next_seq = 1
        self._reserved = 0
        self._lost: List[Span] = []
        self._segments: List[Segment] = []
        self._cache: Deque[Tuple[int, int, bytes]] = deque()
        self._cache_bytes = 0
        self._file: Optional[BinaryIO] = None
        self._is_open = False
        self._try_open()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    # Any thread

    def append(self, result: CheckResult) -> None:
        """Take a result. Costs a few microseconds; when the queue is full the result is dropped and counted."""
        with self._lock:
            self._accepted += 1
            if len(self._queue) >= QUEUE_LIMIT or self._is_closing:
                self._queue_dropped += 1
                self._settled += 1
                return
            self._queue.append(result)
            if len(self._queue) == 1:
                self._queued_since_s = time.monotonic()
                self._changed.notify()
            elif len(self._queue) == MAX_BATCH_RESULTS:
                self._changed.notify()

    def extent(self) -> Extent:
        with self._lock:
            first = self._segments[0].first if self._segments else self._next_seq
            return Extent(
                id=self._id,
                first=first,
                last=self._next_seq - 1,
                dropped=_joined([(1, first - 1), *self._lost]),
                bytes=sum(segment.bytes for segment in self._segments),
                queue_dropped=self._queue_dropped,
                problem=self._problem,
            )

    @property
    def accepted(self) -> int:
        """How many results `append` has seen."""
        with self._lock:
            return self._accepted

    @property
    def settled(self) -> int:
        """How many of them have been written or dropped by now."""
        with self._lock:
            return self._settled

    def add_reader(self) -> None:
        """Say that somebody waits for results: lines are written soon after their first result."""
        with self._lock:
            self._readers += 1
            self._changed.notify()

    def remove_reader(self) -> None:
        with self._lock:
            self._readers -= 1

    def lines_after(self, after: int, max_bytes: int) -> Optional[Tuple[bytes, int]]:
        """Return (whole lines from memory, last seq in them), the first of which may begin at or before `after`.

        None if what follows `after` is no longer in memory and must be read by a `SpoolReader`. Empty if
        there is nothing newer.
        """
        with self._lock:
            if after >= self._next_seq - 1:
                return b"", after
            if not self._cache or self._cache[0][0] > after + 1:
                return None
            lines: List[Tuple[int, int, bytes]] = []
            for line_first, line_last, line in reversed(self._cache):
                if line_last <= after:
                    break
                lines.append((line_first, line_last, line))
            taken: List[bytes] = []
            size, last = 0, after
            for _, line_last, line in reversed(lines):
                if taken and size + len(line) > max_bytes:
                    break
                taken.append(line)
                size += len(line)
                last = line_last
            return b"".join(taken), last

    def close(self) -> None:
        """Write what waits, put it safely on disk, end the thread. May be called again."""
        with self._lock:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def segment_after(self, after: int) -> Optional[Segment]:
        """Return (a copy of) the segment in which the first seq above `after` is, None if there is none."""
        with self._lock:
            place = bisect_right([segment.first for segment in self._segments], after + 1) - 1
            place = max(place, 0)
            while place < len(self._segments) and self._segments[place].last <= after:
                place += 1
            if place >= len(self._segments):
                return None
            found = self._segments[place]
            return Segment(found.path, found.first, found.last, found.bytes, found.newest_ms)

    # The spool's thread

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            if batch:
                self._put_back(batch[self._keep(batch) :])
                self.on_written()
                continue
            if self._is_closing:
                break
        self._finish()

    def _next_batch(self) -> List[CheckResult]:
        """Wait until a line is due; return its results, or none if the spool closes and nothing waits."""
        with self._changed:
            while not self._is_closing:
                if not self._queue:
                    self._changed.wait()
                    continue
                now_s = time.monotonic()
                gather_s = GATHER_READ_S if self._readers else GATHER_IDLE_S
                left_s = 0.0 if len(self._queue) >= MAX_BATCH_RESULTS else self._queued_since_s + gather_s - now_s
                left_s = max(left_s, self._retry_at_s - now_s)
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            batch: List[CheckResult] = []
            evidence = 0
            while self._queue and len(batch) < MAX_BATCH_RESULTS:
                if self._queue[0].evidence is not None:
                    evidence += 1
                    if evidence > MAX_EVIDENCE_PER_BATCH:
                        return batch  # the rest is due as it was: with the next line
                batch.append(self._queue.popleft())
            self._queued_since_s = time.monotonic()
            return batch

    def _keep(self, batch: Sequence[CheckResult]) -> int:
        """Encode and write a batch, halved until each line fits; return how many of its results are on disk."""
        if not self._is_open:
            self._try_open()
            if not self._is_open:
                return 0
        line = encode_batch(self._next_seq, batch)
        if len(line) > MAX_BATCH_BYTES and len(batch) > 1:
            middle = len(batch) // 2
            kept = self._keep(batch[:middle])
            return kept if kept < middle else middle + self._keep(batch[middle:])
        last = self._next_seq + len(batch) - 1
        try:
            # The file comes first: even empty, its name tells a killed probe's successor where to go on.
            segment = self._segment_for(len(line))
            if last > self._reserved:
                self._reserve(last + RESERVED_SEQS)
            self._write(segment, line)
        except OSError as exc:
            self._fail(exc)
            return 0
        with self._lock:
            segment.last = last
            segment.bytes += len(line)
            segment.newest_ms = self._wall_ms()
            self._cache.append((self._next_seq, last, line))
            self._cache_bytes += len(line)
            while self._cache_bytes > CACHE_BYTES and len(self._cache) > 1:
                self._cache_bytes -= len(self._cache.popleft()[2])
            self._next_seq = last + 1
            self._settled += len(batch)
            self._problem = None
        self._drop_oldest()
        return len(batch)

    def _put_back(self, rest: Sequence[CheckResult]) -> None:
        """Let what the disk did not take wait for the next try; what there is no room for, or no time, is dropped."""
        with self._lock:
            room = 0 if self._is_closing else QUEUE_LIMIT - len(self._queue)
            self._queue.extendleft(reversed(rest[:room]))
            dropped = max(0, len(rest) - room)
            self._queue_dropped += dropped
            self._settled += dropped

    def _fail(self, exc: OSError) -> None:
        sentence = f"Results cannot be kept on disk: {exc.strerror or exc}."
        if self._problem != sentence:
            _log.error("%s", sentence)
        with self._lock:
            self._problem = sentence
        self._retry_at_s = time.monotonic() + self._retry_s

    def _write(self, segment: Segment, line: bytes) -> None:
        assert self._file is not None
        try:
            self._disk.append(self._file, line)
        except OSError:
            # Half a line may be there: cut it off, or leave this file for good if even that fails.
            try:
                self._file.truncate(segment.bytes)
            except OSError:
                self._close_file()
                self._is_open = False
            raise

    def _segment_for(self, more_bytes: int) -> Segment:
        """Return the segment to write to, a new one when the current one is full or belongs to an earlier run."""
        if self._file is not None and self._segments[-1].bytes + more_bytes <= self._segment_bytes:
            return self._segments[-1]
        if self._file is not None:
            self._disk.sync(self._file)
            self._close_file()
        path = segment_path(self._folder, self._next_seq)
        segment = Segment(path, self._next_seq, self._next_seq - 1, 0, self._wall_ms())
        # Appending, so that what is written after a cut begins at the cut.
        self._file = path.open("ab", buffering=0)
        self._file.truncate(0)
        path.chmod(0o600)
        self._disk.sync_folder(self._folder)
        with self._lock:
            if self._segments and self._segments[-1].last < self._segments[-1].first:
                self._segments.pop()
            self._segments.append(segment)
        return segment

    def _drop_oldest(self) -> None:
        """Remove the oldest files while the ring is too large or too old; the newest one always stays."""
        oldest_ms = self._wall_ms() - KEPT_MS
        while len(self._segments) > 1:
            size = sum(segment.bytes for segment in self._segments)
            oldest = self._segments[0]
            if size <= self._limit_bytes and oldest.newest_ms >= oldest_ms:
                return
            with self._lock:
                self._segments.pop(0)
                # A span of lost numbers before the oldest result is part of what the ring has dropped.
                self._lost = [span for span in self._lost if span[1] >= self._segments[0].first]
            try:
                oldest.path.unlink()
            except OSError as exc:
                # It is no longer handed out; a file that is still open elsewhere (Windows) goes at the next start.
                _log.warning("an old part of the spool cannot be removed: %s", exc)

    def _reserve(self, through: int) -> None:
        document = {"id": self._id, "reserved": through, "boot_id": self._boot_id, "lost": self._lost}
        self._disk.replace(self._folder / "spool.json", json.dumps(document).encode("ascii"))
        self._reserved = through

    def _try_open(self) -> None:
        try:
            self._open()
            self._is_open = True
        except OSError as exc:
            self._fail(exc)

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = self._read_state()
        if state is None:
            for segment in find_segments(self._folder, False)[0]:
                segment.path.unlink()
            self._reserve(0)
            return
        # Where the system cannot say, a restart counts as a loss of power: that costs numbers, never results.
        is_after_power_loss = self._boot_id is None or state["boot_id"] != self._boot_id
        segments, found_seq = find_segments(self._folder, is_after_power_loss)
        lost = [(int(first), int(last)) for first, last in state["lost"]]
        next_seq = max([found_seq or 1, *(last + 1 for _, last in lost)])
        reserved = int(state["reserved"])
        # Files do not vanish while the machine runs, unless somebody removed them.
        if next_seq <= reserved and (is_after_power_loss or found_seq is None):
            lost.append((next_seq, reserved))
            next_seq = reserved + 1
        segments = _without_leftovers(segments, lost)
        with self._lock:
            self._id = state["id"]
            self._segments = segments
            self._lost = lost
            self._next_seq = next_seq
        self._reserve(next_seq - 1)

    def _read_state(self) -> Any:
        """Return what spool.json holds, None if there is none or it cannot be understood."""
        try:
            state = json.loads((self._folder / "spool.json").read_bytes())
            is_whole = (
                isinstance(state["id"], str)
                and isinstance(state["reserved"], int)
                and all(len(span) == 2 and all(isinstance(seq, int) for seq in span) for span in state["lost"])
            )
            state["boot_id"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            is_whole = False
            state = None
        if not is_whole:
            _log.error("spool.json cannot be read; a new spool is begun")
        return state if is_whole else None

    def _finish(self) -> None:
        """After a clean end nothing is in doubt: sync the lines and say which seq was the last."""
        try:
            if self._file is not None:
                self._disk.sync(self._file)
            if self._is_open:
                self._reserve(self._next_seq - 1)
        except OSError as exc:
            _log.error("the spool could not be closed cleanly: %s", exc)
        self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class SpoolReader:
    """Reads lines of the spool from disk, from a cursor on. Blocking: for a thread that is not the loop's."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._path: Optional[Path] = None
        self._offset = 0
        self._last = 0

    def read(self, after: int, max_bytes: int) -> Tuple[bytes, int]:
        """Return (whole lines, last seq in them); the first line may begin at or before `after`.

        Spans that were dropped or are damaged are passed over. Empty, with the last seq there is, if there is
        nothing newer.
        Raises OSError.
        """
        while True:
            segment = self._spool.segment_after(after)
            if segment is None:
                return b"", after
            try:
                file = segment.path.open("rb")
            except FileNotFoundError:
                continue  # dropped by the ring in this moment
            with file:
                if segment.path == self._path and self._last == after:
                    file.seek(self._offset)
                lines: List[bytes] = []
                size, last = 0, after
                while (offset := file.tell()) < segment.bytes:
                    line = file.readline()
                    seqs = seqs_of(line)
                    if seqs is None or not line.endswith(b"\n"):
                        # A reader must get past it, or it would ask for the same line for ever.
                        _log.error("%s is damaged at byte %d: that line is left out", segment.path.name, offset)
                        continue
                    if seqs[1] <= after:
                        continue
                    if lines and size + len(line) > max_bytes:
                        break
                    lines.append(line)
                    size += len(line)
                    last = seqs[1]
                if not lines:
                    after = segment.last
                    continue
                self._path, self._offset, self._last = segment.path, offset, last
                return b"".join(lines), last


def _without_leftovers(segments: List[Segment], lost: Sequence[Span]) -> List[Segment]:
    """Return the segments from which on nothing is missing but what is known to be lost.

    Older ones are files that the ring could not remove in an earlier life.
    """
    starts_after_loss = {last + 1 for _, last in lost}
    for place in range(len(segments) - 1, 0, -1):
        first = segments[place].first
        if segments[place - 1].last + 1 != first and first not in starts_after_loss:
            return segments[place:]
    return segments


def _joined(spans: Sequence[Span]) -> Tuple[Span, ...]:
    """Return the spans in order, those that touch made one, empty ones left out."""
    joined: List[Span] = []
    for first, last in sorted(spans):
        if last < first:
            continue
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)
