"""What a page of a database holds: rows of a table or of an index, and the pages below it.

Whatever the bytes of a page are, no function here raises: what makes no sense is left out and counted.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum

from pingmon_gui.store.page_file import PageFile

Value = int | float | str | bytes | None

#: SQLite's limit, with room: the longest row of ours is a few hundred KB.
_MAX_PAYLOAD_BYTES = 64 * 1024 * 1024
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)
_FILE_HEADER_BYTES = 100


class Kind(IntEnum):
    """What a page of a tree is."""

    INDEX_INNER = 2
    TABLE_INNER = 5
    INDEX_LEAF = 10
    TABLE_LEAF = 13


class BrokenCell(Exception):
    """A row that cannot be read."""


def kind_of(page: bytes | None, number: int) -> Kind | None:
    """Return what a page says it is, None where that is no page of a tree."""
    if page is None:
        return None
    try:
        return Kind(page[_start(number)])
    except ValueError:
        return None


def children(page: bytes, number: int) -> list[int]:
    """Return the pages below an inner page."""
    start = _start(number)
    found = [struct.unpack_from(">I", page, start + 8)[0]]
    for place in _cell_places(page, number, 12):
        if place + 4 <= len(page):
            found.append(struct.unpack_from(">I", page, place)[0])
    return found


def first_row_id(page: bytes, number: int) -> int:
    """Return the id of the first row of a table's leaf, 0 where it cannot be read: only to order leaves by."""
    places = _cell_places(page, number, 8)
    try:
        _payload, place = _varint(page, places[0])
        return _signed(_varint(page, place)[0])
    except (IndexError, BrokenCell):
        return 0


def table_rows(file: PageFile, page: bytes, number: int) -> Iterator[tuple[int, list[Value]] | None]:
    """Yield (row id, values) of each row of a table's leaf, None for one that cannot be read."""
    for place in _cell_places(page, number, 8):
        try:
            payload_bytes, body = _varint(page, place)
            row_id, body = _varint(page, body)
            local_most = file.usable_bytes - 35
            yield _signed(row_id), _record(_payload(file, page, body, payload_bytes, local_most))
        except (BrokenCell, IndexError, struct.error, UnicodeDecodeError):
            yield None


def index_rows(file: PageFile, page: bytes, number: int) -> Iterator[list[Value] | None]:
    """Yield the values of each row of an index's page, which inner pages have as well; None for a broken one."""
    is_inner = kind_of(page, number) is Kind.INDEX_INNER
    for place in _cell_places(page, number, 12 if is_inner else 8):
        try:
            payload_bytes, body = _varint(page, place + 4 if is_inner else place)
            local_most = (file.usable_bytes - 12) * 64 // 255 - 23
            yield _record(_payload(file, page, body, payload_bytes, local_most))
        except (BrokenCell, IndexError, struct.error, UnicodeDecodeError):
            yield None


def _start(number: int) -> int:
    return _FILE_HEADER_BYTES if number == 1 else 0


def _cell_places(page: bytes, number: int, head_bytes: int) -> list[int]:
    start = _start(number)
    (count,) = struct.unpack_from(">H", page, start + 3)
    first = start + head_bytes
    count = min(count, (len(page) - first) // 2)
    return list(struct.unpack_from(f">{count}H", page, first))


def _payload(file: PageFile, page: bytes, place: int, payload_bytes: int, local_most: int) -> bytes:
    """Return a row's bytes, those on overflow pages included."""
    if payload_bytes > _MAX_PAYLOAD_BYTES:
        raise BrokenCell
    usable = file.usable_bytes
    if payload_bytes <= local_most:
        found = page[place : place + payload_bytes]
        if len(found) < payload_bytes or place + payload_bytes > usable:
            raise BrokenCell
        return found
    local_least = (usable - 12) * 32 // 255 - 23
    local = local_least + (payload_bytes - local_least) % (usable - 4)
    local = local if local <= local_most else local_least
    if place + local + 4 > usable:
        raise BrokenCell
    parts = [page[place : place + local]]
    (following,) = struct.unpack_from(">I", page, place + local)
    left = payload_bytes - local
    while left > 0:
        overflow = file.page(following)
        if overflow is None:
            raise BrokenCell
        (following,) = struct.unpack_from(">I", overflow)
        parts.append(overflow[4 : min(usable, 4 + left)])
        left -= len(parts[-1])
    if following != 0:  # a chain that goes on is another's
        raise BrokenCell
    return b"".join(parts)


def _record(payload: bytes) -> list[Value]:
    head_bytes, place = _varint(payload, 0)
    if not place <= head_bytes <= len(payload):
        raise BrokenCell
    values: list[Value] = []
    body = head_bytes
    while place < head_bytes:
        code = payload[place]
        if code < 0x80:  # as nearly always; a year has five million rows
            place += 1
        else:
            code, place = _varint(payload, place)
        value, body = _value(payload, body, code)
        values.append(value)
    if place != head_bytes or body != len(payload):
        raise BrokenCell
    return values


def _value(payload: bytes, place: int, code: int) -> tuple[Value, int]:
    if code == 0:
        return None, place
    if code in (8, 9):
        return code - 8, place
    if code >= 12:
        end = place + (code - 12) // 2
        if end > len(payload):
            raise BrokenCell
        data = payload[place:end]
        return (data.decode("utf-8") if code % 2 else data), end
    if code == 7:
        return struct.unpack_from(">d", payload, place)[0], place + 8
    if code >= len(_INTEGER_BYTES):
        raise BrokenCell
    end = place + _INTEGER_BYTES[code]
    return int.from_bytes(payload[place:end], "big", signed=True), end


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of one to nine bytes and the place behind it. Raises IndexError."""
    value = data[place]
    if value < 0x80:
        return value, place + 1
    value = 0
    for _ in range(8):
        byte = data[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place
    return value << 8 | data[place], place + 1


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
