"""Buckets of one series as columns, and the rows in which the roll-up tables keep them.

A row is a byte that names its format, then a zlib stream of the number of buckets (u32), the buckets' numbers as
int64, column after column, and their histograms as planes of bytes. Format 1 knew no phases. Format 2 has its numbers
as planes of bytes, too, and what nearly always follows from other columns as the difference from that, so that it
costs nothing. Empty buckets are left out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import PHASES

from pingmon_gui.domain.history import FIVE_MINUTES_MS, HISTOGRAM_BUCKETS
from pingmon_gui.store.chunk import Ints, damaged

FORMAT = 2
_COUNT = struct.Struct("<I")


@dataclass(frozen=True)
class Buckets:
    """Roll-up of one series: one element per bucket, by time.

    `total_us` adds totals of good results, `phases_us` (buckets, phases) their phases, an absent one being 0. Rows of
    format 1 have no phases: `phased` is how many good results are in `phases_us`, `good` how many there are.
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
    """Return the compressed form."""
    b = buckets
    columns = (
        b.start_ms // FIVE_MINUTES_MS,
        b.count,
        b.count - b.online,
        b.slow,
        b.offline,
        b.known_ms,
        b.known_ms - b.available_ms,
        b.total_us - b.phases_us.sum(axis=1),
        b.good - b.phased,
        *b.phases_us.T,
    )
    numbers = np.stack(columns).astype("<i8")
    planes = numbers.view(np.uint8).reshape(-1, 8).T.tobytes()
    counted = np.ascontiguousarray(b.histogram.astype("<u4")).view(np.uint8).reshape(-1, 4).T.tobytes()
    return bytes((FORMAT,)) + zlib.compress(_COUNT.pack(len(b)) + planes + counted)


def decode(data: bytes) -> Buckets:
    """Return what `encode` made. Raises StorageCorrupt."""
    return decode_all([data])


def decode_all(rows: Iterable[bytes]) -> Buckets:
    """Return the buckets of many rows of disjoint spans, by time. Raises StorageCorrupt.

    Rows that are alike are read at once: a year of them has no Python object per bucket.
    """
    alike: dict[tuple[int, int, int], list[bytes]] = {}
    try:
        for data in rows:
            raw = zlib.decompress(memoryview(data)[1:])
            alike.setdefault((data[0], *_COUNT.unpack_from(raw), len(raw)), []).append(raw)
        parts = [_read(format_, count, raws) for (format_, count, _length), raws in alike.items()]
    except (ValueError, IndexError, KeyError, zlib.error, struct.error) as exc:
        raise damaged(exc) from exc
    return joined_buckets(parts)


def _read(format_: int, count: int, raws: Sequence[bytes]) -> Buckets:
    """Return the buckets of unpacked rows of one format and length, `count` in each."""
    columns, buckets_of = _FORMATS[format_]
    size = len(raws[0]) - _COUNT.size
    if size != count * (columns * 8 + HISTOGRAM_BUCKETS * 4):
        raise ValueError(f"{count} buckets in {size} bytes")
    if count == 0:
        return NO_BUCKETS
    everything = np.frombuffer(b"".join(raws), np.uint8).reshape(len(raws), -1)
    place = _COUNT.size + columns * count * 8
    counted = everything[:, place:].reshape(len(raws), 4, -1).transpose(0, 2, 1)
    histogram = np.ascontiguousarray(counted).view("<u4").reshape(-1, HISTOGRAM_BUCKETS).astype(np.uint32)
    return buckets_of(everything[:, _COUNT.size : place], histogram)


def _numbers(data: npt.NDArray[np.uint8], columns: int) -> Ints:
    """Return (columns, buckets) of the int64 of rows."""
    by_row = np.ascontiguousarray(data).view("<i8").reshape(len(data), columns, -1)
    return by_row.transpose(1, 0, 2).reshape(columns, -1).astype(np.int64)


def _buckets_1(data: npt.NDArray[np.uint8], histogram: npt.NDArray[np.uint32]) -> Buckets:
    numbers = _numbers(data, _COLUMNS_1)
    without = np.zeros((len(PHASES) + 1, numbers.shape[1]), dtype=np.int64)
    return made_of([*numbers, without[0], without[1:].T, histogram])


def _buckets_2(data: npt.NDArray[np.uint8], histogram: npt.NDArray[np.uint32]) -> Buckets:
    in_order = data.reshape(len(data), 8, -1).transpose(0, 2, 1).reshape(len(data), -1)
    start, count, not_online, slow, offline, known, not_available, beside, not_phased, *phases = _numbers(
        in_order, _COLUMNS_2
    )
    phases_us = np.stack(phases, axis=1)
    return Buckets(
        start_ms=start * FIVE_MINUTES_MS,
        count=count,
        online=count - not_online,
        slow=slow,
        offline=offline,
        known_ms=known,
        available_ms=known - not_available,
        total_us=beside + phases_us.sum(axis=1),
        phased=histogram.sum(axis=1, dtype=np.int64) - not_phased,
        phases_us=phases_us,
        histogram=histogram,
    )


_COLUMNS_1, _COLUMNS_2 = 8, 9 + len(PHASES)
#: By format: the number of columns, and what makes buckets of them and the histograms.
_FORMATS: Mapping[int, tuple[int, Callable[[npt.NDArray[np.uint8], npt.NDArray[np.uint32]], Buckets]]] = {
    1: (_COLUMNS_1, _buckets_1),
    2: (_COLUMNS_2, _buckets_2),
}

NO_BUCKETS = made_of(
    np.zeros((0, *shape), dtype=np.uint32 if name == "histogram" else np.int64)
    for name in FIELDS
    for shape in [{"phases_us": (len(PHASES),), "histogram": (HISTOGRAM_BUCKETS,)}.get(name, ())]
)
