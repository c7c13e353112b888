"""Results as columns of whole numbers, and their compressed form on disk: journal blocks and chunks.

Layout, format 1: byte 1, then a zlib stream of: number of results (u32), for each column of `NAMES` its least value
(i64) and width (u8: 0, 1, 2, 4 or 8 bytes), then the columns' values less the least value, each column as planes of
bytes (all lowest bytes first). Times are kept as differences, the total as its difference from the phases' sum.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.store.trouble import CORRUPT_HINT

Ints = npt.NDArray[np.int64]
Columns = dict[str, Ints]

FORMAT = 1
PHASES_US = ("dns_us", "connect_us", "tls_us", "request_us", "transfer_us")
#: Order on disk. Microseconds are -1 where there is none; `late` counts 0.1 ms; `detail` is a row of that table.
NAMES = (
    "at_ms",
    "interval_ms",
    "version",
    "status",
    "failure",
    "http_status",
    *PHASES_US,
    "total_us",
    "late",
    "queue_us",
    "flags",
    "body_bytes",
    "offset_ms",
    "detail",
)
KERNEL_CLOCK, LOW_CONFIDENCE, RECHECK, ON_DEMAND, OWN_NETWORK, FAMILY_4, FAMILY_6 = (1 << bit for bit in range(7))

_HEAD = struct.Struct("<qB")
_HEADS = struct.Struct("<" + "qB" * len(NAMES))
_AT_MS, _TOTAL_US = NAMES.index("at_ms"), NAMES.index("total_us")
_PHASES = slice(NAMES.index(PHASES_US[0]), NAMES.index(PHASES_US[-1]) + 1)
_COUNT = struct.Struct("<I")
_ALL = slice(None)


def microseconds(ms: npt.NDArray[np.float64]) -> Ints:
    """Return whole microseconds, -1 for NaN."""
    rounded: Ints = np.where(np.isnan(ms), -1, np.rint(np.nan_to_num(ms) * 1000)).astype(np.int64)
    return rounded


def milliseconds(us: Ints) -> npt.NDArray[np.float64]:
    """Return milliseconds, NaN for -1."""
    return np.where(us < 0, np.nan, us / 1000)


def columns_of(batch: ResultBatch) -> Columns:
    """Return the columns of a judged batch; `detail` is 0 everywhere and for the journal to fill in."""
    us = microseconds(batch.phases_ms)
    flags = (
        batch.is_kernel_clock * KERNEL_CLOCK
        + batch.low_confidence * LOW_CONFIDENCE
        + batch.recheck * RECHECK
        + batch.on_demand * ON_DEMAND
        + batch.own_network * OWN_NETWORK
        + (batch.family == 4) * FAMILY_4
        + (batch.family == 6) * FAMILY_6
    )
    return {
        "at_ms": batch.started_at_ms.astype(np.int64),
        "interval_ms": batch.interval_ms.astype(np.int64),
        "version": batch.version.astype(np.int64),
        "status": batch.status.astype(np.int64),
        "failure": batch.failure.astype(np.int64),
        "http_status": batch.http_status.astype(np.int64),
        **{name: us[:, place] for place, name in enumerate(PHASES_US)},
        "total_us": microseconds(batch.total_ms),
        "late": np.rint(batch.late_ms * 10).astype(np.int64),
        "queue_us": np.rint(batch.queue_ms * 1000).astype(np.int64),
        "flags": flags.astype(np.int64),
        "body_bytes": batch.body_bytes.astype(np.int64),
        "offset_ms": np.full(batch.count, round(batch.clock_offset_ms), dtype=np.int64),
        "detail": np.zeros(batch.count, dtype=np.int64),
    }


def count_of(columns: Columns) -> int:
    return len(columns["at_ms"])


def take(columns: Columns, places: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> Columns:
    """Return the columns at some places (indexes, a mask or a slice)."""
    return {name: values[places] for name, values in columns.items()}


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the parts one after the other; no part gives empty columns."""
    if not parts:
        return {name: np.zeros(0, dtype=np.int64) for name in NAMES}
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def ordered(columns: Columns) -> Columns:
    """Return the results of one series by time; those of one millisecond in an order that arrival does not change.

    What is there twice in every number is one result that came twice: a probe gives again what nobody remembers to
    have had.
    """
    at_ms = columns["at_ms"]
    if len(at_ms) < 2 or bool((at_ms[1:] > at_ms[:-1]).all()):
        return columns
    names = ("detail", "interval_ms", "total_us", "failure", "status", "flags", "at_ms")  # the last one first
    keys = tuple(columns[name] for name in names)
    columns = take(columns, np.lexsort(keys))
    is_same = np.ones(count_of(columns) - 1, dtype=np.bool_)
    for name in NAMES:
        if name != "detail":  # the same text may have got another row since
            is_same &= columns[name][1:] == columns[name][:-1]
    return take(columns, np.append(True, ~is_same)) if is_same.any() else columns


def encode(columns: Columns, level: int = 6) -> bytes:
    """Return the compressed form of results; any order is kept."""
    count = count_of(columns)
    parts = [_COUNT.pack(count)]
    planes: list[bytes] = []
    for name in NAMES:
        values = columns[name]
        if name == "at_ms":
            values = np.diff(values, prepend=0)
            if count:
                # The first difference is the time itself: it goes apart so that it does not widen the others.
                parts.append(struct.pack("<q", int(values[0])))
                values = values[1:]
        elif name == "total_us":
            values = values - _phase_sum(columns)
        head, body = _pack(values)
        parts.append(head)
        planes.append(body)
    return bytes((FORMAT,)) + zlib.compress(b"".join(parts + planes), level)


def decode(data: bytes) -> Columns:
    """Return the results of a block or chunk. Raises StorageCorrupt."""
    return dict(zip(NAMES, numbers_of(data), strict=True))


def numbers_of(data: bytes, wanted: slice = _ALL) -> Ints:
    """Return the results at some places of a block or chunk, a row per column of `NAMES`. Raises StorageCorrupt.

    It costs about as much for one result as for a hundred: all columns are taken apart together.
    """
    try:
        if data[0] != FORMAT:
            raise ValueError(f"format {data[0]}")
        unpacked = zlib.decompress(memoryview(data)[1:])
        raw = np.frombuffer(unpacked, np.uint8)
        (count,) = _COUNT.unpack_from(unpacked)
        place = _COUNT.size
        first = 0
        if count:
            (first,) = struct.unpack_from("<q", unpacked, place)
            place += 8
        heads = _HEADS.unpack_from(unpacked, place)
        first_place = place = place + _HEADS.size
        places = np.arange(count)[wanted]
        numbers = np.empty((len(NAMES), len(places)), dtype=np.int64)
        numbers[:] = np.array(heads[::2])[:, None]
        # Where each plane of bytes begins, what its bytes are worth, and which column they belong to.
        begins: list[int] = []
        shifts: list[int] = []
        starts: list[int] = []
        wide: list[int] = []
        for column, width in enumerate(heads[1::2]):
            length = max(0, count - 1) if column == _AT_MS else count
            if column != _AT_MS and width:
                starts.append(len(begins))
                wide.append(column)
                begins.extend(range(place, place + width * count, count))
                shifts.extend(range(0, 8 * width, 8))
            place += length * width
        if place != len(raw):
            raise ValueError(f"{len(raw)} bytes in place of {place}")
        if begins and len(places):
            parts = raw[np.array(begins)[:, None] + places].astype(np.int64) << np.array(shifts)[:, None]
            numbers[wide] += np.add.reduceat(parts, starts, axis=0)
        if count:
            times = _unpack(raw, first_place, count - 1, heads[0], heads[1])
            numbers[_AT_MS] = np.concatenate(([first], first + np.cumsum(times)))[wanted]
        numbers[_TOTAL_US] += np.maximum(numbers[_PHASES], 0).sum(axis=0)
    except (ValueError, IndexError, zlib.error, struct.error) as exc:
        raise damaged(exc) from exc
    return numbers


def some_of(data: bytes, names: Collection[str]) -> Columns:
    """Return some columns of a block or chunk, in less time than all of them take. Raises StorageCorrupt."""
    try:
        if data[0] != FORMAT:
            raise ValueError(f"format {data[0]}")
        unpacked = zlib.decompress(memoryview(data)[1:])
        raw = np.frombuffer(unpacked, np.uint8)
        (count,) = _COUNT.unpack_from(unpacked)
        place = _COUNT.size
        first = 0
        if count:
            (first,) = struct.unpack_from("<q", unpacked, place)
            place += 8
        heads = _HEADS.unpack_from(unpacked, place)
        place += _HEADS.size
        found: Columns = {}
        for name, least, width in zip(NAMES, heads[::2], heads[1::2], strict=True):
            length = max(0, count - 1) if name == "at_ms" else count
            if name in names or (name in PHASES_US and "total_us" in names):
                found[name] = _unpack(raw, place, length, least, width)
            place += length * width
        if place != len(raw):
            raise ValueError(f"{len(raw)} bytes in place of {place}")
        if count and "at_ms" in names:
            found["at_ms"] = np.concatenate(([first], first + np.cumsum(found["at_ms"])))
        if "total_us" in names:
            found["total_us"] = found["total_us"] + _phase_sum(found)
    except (ValueError, IndexError, zlib.error, struct.error) as exc:
        raise damaged(exc) from exc
    return {name: found[name] for name in names}


def encode_series(series: Ints) -> bytes:
    """Return the compressed series of a block's results, which are sorted by it."""
    head, body = _pack(np.diff(series, prepend=0))
    return _COUNT.pack(len(series)) + zlib.compress(head + body, 1)


def decode_series(data: bytes) -> Ints:
    """Return the series of each result of a block. Raises StorageCorrupt."""
    try:
        (count,) = _COUNT.unpack_from(data)
        unpacked = zlib.decompress(memoryview(data)[_COUNT.size :])
        least, width = _HEAD.unpack_from(unpacked)
        return np.cumsum(_unpack(np.frombuffer(unpacked, np.uint8), _HEAD.size, count, least, width))
    except (ValueError, zlib.error, struct.error) as exc:
        raise damaged(exc) from exc


def damaged(exc: Exception) -> StorageCorrupt:
    return StorageCorrupt(f"A part of the history cannot be read: the database is damaged ({exc}).", CORRUPT_HINT)


def _phase_sum(columns: Columns) -> Ints:
    total = np.zeros(count_of(columns), dtype=np.int64)
    for name in PHASES_US:
        total += np.maximum(columns[name], 0)
    return total


def _pack(values: Ints) -> tuple[bytes, bytes]:
    if len(values) == 0:
        return _HEAD.pack(0, 0), b""
    least, most = int(values.min()), int(values.max())
    span = most - least
    if span == 0:
        return _HEAD.pack(least, 0), b""
    width = 1 if span < 1 << 8 else 2 if span < 1 << 16 else 4 if span < 1 << 32 else 8
    small = (values - least).astype(f"<u{width}")
    if width == 1:
        return _HEAD.pack(least, 1), small.tobytes()
    return _HEAD.pack(least, width), small.view(np.uint8).reshape(-1, width).T.tobytes()


def _unpack(raw: npt.NDArray[np.uint8], place: int, count: int, least: int, width: int) -> Ints:
    if width == 0:
        return np.full(count, least, dtype=np.int64)
    planes = raw[place : place + count * width].reshape(width, count)
    small = planes[0] if width == 1 else np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(count)
    values: Ints = small.astype(np.int64) + least
    return values
