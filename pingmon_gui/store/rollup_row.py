"""Buckets of one series as columns, and the rows in which the roll-up tables keep them.

The first byte names the format. 3: a CRC-32, then numbers as `varint` has them; for rows of one bucket. 2: the same
numbers in a zlib stream. 1: what was kept before phases were (`_without_phases`). Empty buckets are left out, and so
are the empty places of histograms. docs/adr/0020 has the sizes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import PHASES

from pingmon_gui.domain.history import FIVE_MINUTES_MS, HISTOGRAM_BUCKETS
from pingmon_gui.store import varint
from pingmon_gui.store.chunk import Ints, damaged

_PACKED, _PLAIN = 2, 3
_PLAIN_HEAD = struct.Struct("<BI")
_COUNT = struct.Struct("<I")
#: Numbers per bucket before its histogram.
_COLUMNS = 9 + len(PHASES)


@dataclass(frozen=True)
class Buckets:
    """Roll-up of one series: one element per bucket, by time.

    `total_us` adds totals of good results, `phases_us` (buckets, phases) their phases, an absent one being 0. Rows of
    format 1 have no phases: of `good` results, `phased` are in `phases_us`.
    """

    start_ms: Ints
    count: Ints
    online: Ints
    slow: Ints
    offline: Ints
    known_ms: Ints
    available_ms: Ints
    total_us: Ints
    phased: Ints
    phases_us: Ints
    histogram: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.start_ms)

    @property
    def good(self) -> Ints:
        """How many results have their total in `total_us` and `histogram`."""
        good: Ints = self.histogram.sum(axis=1, dtype=np.int64)
        return good

    def at(self, places: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Buckets:
        return made_of(getattr(self, name)[places] for name in FIELDS)


FIELDS = tuple(field.name for field in fields(Buckets))


def made_of(columns: Iterable[npt.NDArray[Any]]) -> Buckets:
    """Return buckets of columns in the order of the fields."""
    return Buckets(**dict(zip(FIELDS, columns, strict=True)))


def joined_buckets(parts: Sequence[Buckets]) -> Buckets:
    """Return the buckets of disjoint spans, by time."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return NO_BUCKETS
    everything = made_of(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS)
    return everything.at(np.argsort(everything.start_ms, kind="stable"))


def encode(buckets: Buckets) -> bytes:
    """Return the row of buckets of one series, by time."""
    data = varint.pack(_numbers_of(buckets))
    if len(buckets) == 1:
        return _PLAIN_HEAD.pack(_PLAIN, zlib.crc32(data)) + data
    return bytes((_PACKED,)) + zlib.compress(data)


def decode(row: bytes) -> Buckets:
    """Return what `encode` made. Raises StorageCorrupt."""
    return decode_all([row])


def is_whole(row: bytes) -> bool:
    """Return whether a row is as it was written, by its checksum: fifty times as fast as reading it."""
    try:
        if row[0] == _PLAIN:
            _format, checksum = _PLAIN_HEAD.unpack_from(row)
            return bool(zlib.crc32(row[_PLAIN_HEAD.size :]) == checksum)
        return row[0] in (_PACKED, 1) and bool(zlib.decompress(row[1:]))
    except (IndexError, zlib.error, struct.error):
        return False


def decode_all(rows: Iterable[bytes]) -> Buckets:
    """Return the buckets of many rows of disjoint spans, by time. Raises StorageCorrupt.

    They are taken apart together: a year of hours makes no Python object per bucket.
    """
    return joined_buckets([part for part, _owner in _decoded(rows)])


def decode_owned(rows: Iterable[bytes]) -> tuple[Buckets, Ints]:
    """Return the buckets of many rows in no order, and which row each is of. Raises StorageCorrupt."""
    parts = [(part, owner) for part, owner in _decoded(rows) if len(part)]
    if not parts:
        return NO_BUCKETS, np.zeros(0, dtype=np.int64)
    everything = made_of(np.concatenate([getattr(part, name) for part, _owner in parts]) for name in FIELDS)
    return everything, np.concatenate([owner for _part, owner in parts])


def _decoded(rows: Iterable[bytes]) -> list[tuple[Buckets, Ints]]:
    """Return parts of buckets, each with the numbers of the rows that they are of."""
    parts: list[tuple[Buckets, Ints]] = []
    streams: list[bytes] = []
    numbers: list[int] = []
    try:
        for number, row in enumerate(rows):
            match row[0]:
                case 3:
                    _format, checksum = _PLAIN_HEAD.unpack_from(row)
                    data = row[_PLAIN_HEAD.size :]
                    if zlib.crc32(data) != checksum:
                        raise ValueError("checksum")
                    streams.append(data)
                    numbers.append(number)
                case 2:
                    streams.append(zlib.decompress(row[1:]))
                    numbers.append(number)
                case 1:
                    part = _without_phases(zlib.decompress(row[1:]))
                    parts.append((part, np.full(len(part), number)))
                case other:
                    raise ValueError(f"format {other}")
        parts += _buckets_of(streams, np.array(numbers, dtype=np.int64))
    except (ValueError, IndexError, zlib.error, struct.error) as exc:
        raise damaged(exc) from exc
    return parts


def _numbers_of(b: Buckets) -> Ints:
    """Return a row as numbers from 0 on; what nearly always follows from others is its difference from that."""
    bucket, place = np.nonzero(b.histogram)
    is_first = np.append(True, bucket[1:] != bucket[:-1])[: len(bucket)]
    return np.concatenate(
        (
            [len(b)],
            np.diff(b.start_ms // FIVE_MINUTES_MS, prepend=0),
            b.count,
            b.count - b.online,
            b.slow,
            b.offline,
            b.known_ms,
            b.known_ms - b.available_ms,
            varint.zigzag(b.total_us - b.phases_us.sum(axis=1)),
            b.good - b.phased,
            b.phases_us.T.ravel(),
            np.bincount(bucket, minlength=len(b)),
            np.where(is_first, place, np.diff(place, prepend=0)),
            b.histogram[bucket, place],
        )
    ).astype(np.int64)


def _buckets_of(streams: Sequence[bytes], owners: Ints) -> list[tuple[Buckets, Ints]]:
    """Return the buckets of rows as streams of numbers, those of as many buckets together, and whose they are."""
    if not streams:
        return []
    numbers, begins = varint.unpack(b"".join(streams))
    ends_bytes = np.cumsum([len(stream) for stream in streams])
    ends = np.searchsorted(begins, ends_bytes)
    firsts = np.concatenate(([0], ends[:-1]))
    counts = numbers[firsts]
    return [
        (
            _alike(numbers, firsts[counts == count], ends[counts == count], count),
            np.repeat(owners[counts == count], count),
        )
        for count in np.unique(counts).tolist()
        if count
    ]


def _alike(numbers: Ints, firsts: Ints, ends: Ints, count: int) -> Buckets:
    """Return the buckets of rows that hold `count` each; their numbers lie in [first, end)."""
    width = count * _COLUMNS
    if int((ends - firsts).min()) < 1 + width + count:
        raise ValueError("a row that is too short")
    fixed = numbers[firsts[:, None] + np.arange(1, 1 + width)].reshape(-1, _COLUMNS, count)
    bins = numbers[firsts[:, None] + np.arange(1 + width, 1 + width + count)]
    pairs = bins.sum(axis=1)
    if (firsts + 1 + width + count + 2 * pairs != ends).any():
        raise ValueError("a row of the wrong length")
    histogram = _histograms(numbers, ends - 2 * pairs, pairs, bins.ravel())
    start, *columns = fixed.transpose(1, 0, 2)
    known, phases = columns[4].ravel(), np.stack([column.ravel() for column in columns[8:]], axis=1)
    counted, good = columns[0].ravel(), histogram.sum(axis=1, dtype=np.int64)
    return Buckets(
        start_ms=np.cumsum(start, axis=1).ravel() * FIVE_MINUTES_MS,
        count=counted,
        online=counted - columns[1].ravel(),
        slow=columns[2].ravel(),
        offline=columns[3].ravel(),
        known_ms=known,
        available_ms=known - columns[5].ravel(),
        total_us=varint.unzigzag(columns[6].ravel()) + phases.sum(axis=1),
        phased=good - columns[7].ravel(),
        phases_us=phases,
        histogram=histogram,
    )


def _histograms(numbers: Ints, first: Ints, pairs: Ints, bins: Ints) -> npt.NDArray[np.uint32]:
    """Return histograms of which `bins` places each are not empty.

    From `first` on a row has the distance of each such place from the one before, and then what was counted there;
    `pairs` is how many places a row has.
    """
    in_row = np.arange(int(pairs.sum())) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    gap_at = np.repeat(first, pairs) + in_row
    place = np.cumsum(numbers[gap_at])
    before = np.append(0, place)[np.cumsum(bins) - bins]
    place -= np.repeat(before, bins)
    histogram = np.zeros((len(bins), HISTOGRAM_BUCKETS), dtype=np.uint32)
    histogram[np.repeat(np.arange(len(bins)), bins), place] = numbers[gap_at + np.repeat(pairs, pairs)]
    return histogram


def _without_phases(raw: bytes) -> Buckets:
    """Return the buckets of a row of format 1: eight columns of int64, and histograms as planes of bytes."""
    (count,) = _COUNT.unpack_from(raw)
    place = _COUNT.size + 8 * count * 8
    if len(raw) != place + 4 * count * HISTOGRAM_BUCKETS:
        raise ValueError(f"{count} buckets in {len(raw)} bytes")
    numbers = np.frombuffer(raw, "<i8", 8 * count, _COUNT.size).reshape(8, count).astype(np.int64)
    planes = np.frombuffer(raw, np.uint8, offset=place).reshape(4, -1)
    histogram = np.ascontiguousarray(planes.T).view("<u4").reshape(count, HISTOGRAM_BUCKETS).astype(np.uint32)
    nothing = np.zeros((len(PHASES) + 1, count), dtype=np.int64)
    return made_of([*numbers, nothing[0], nothing[1:].T, histogram])


NO_BUCKETS = made_of(
    np.zeros((0, *shape), dtype=np.uint32 if name == "histogram" else np.int64)
    for name in FIELDS
    for shape in [{"phases_us": (len(PHASES),), "histogram": (HISTOGRAM_BUCKETS,)}.get(name, ())]
)
