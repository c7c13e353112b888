"""Reads what a probe sends: batch lines to arrays, checks to objects. A probe is not trusted: all is checked.

Whatever does not fit raises ProbeError with a sentence; no input of any kind raises anything else.
Unknown columns and fields are ignored (a newer probe's), optional ones may be absent (an older one's).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import FAILURES, MAX_BATCH_RESULTS, MAX_ID, MAX_REDIRECTS, PHASES, CheckResult

from pingmon_gui.domain.error import ProbeError
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import FailureEvidence, ProbeId, ResultBatch, Shared
from pingmon_gui.domain.status import Status, failure_code
from pingmon_gui.fleet.decode_evidence import evidence_of
from pingmon_gui.fleet.decode_facts import facts_of

#: Longest times and texts that make sense; more is cut (texts) or refused (times).
MAX_MS = 86_400_000.0
MAX_AT_MS = 4_102_444_800_000  # the year 2100; a clock without a battery may well say 1970
MAX_MESSAGE_CHARACTERS = 500
MAX_ADDRESS_CHARACTERS = 100
MAX_URL_CHARACTERS = 2_000
MAX_NAME_CHARACTERS = 500

#: Up to here a clock's offset is left alone; above the second limit it is too far off to be used (architecture 8).
OFFSET_LEFT_ALONE_MS = 2_000.0
OFFSET_CORRECTED_MS = 60_000.0

_WHOLE: frozenset[type] = frozenset((int,))
_WHOLE_OR_NULL: frozenset[type] = frozenset((int, type(None)))
_NUMBER: frozenset[type] = frozenset((int, float))
_NUMBER_OR_NULL: frozenset[type] = frozenset((int, float, type(None)))
_TRUTH: frozenset[type] = frozenset((bool,))
_STRING: frozenset[type] = frozenset((str,))

Columns = Mapping[str, Any]


class BadInput(ProbeError):
    """What a probe sent cannot be read."""


def read_json(line: bytes) -> dict[str, Any]:
    """Return the JSON object of one line. Raises BadInput."""
    try:
        document = json.loads(line, parse_constant=_refuse_constant)
    except RecursionError as exc:
        raise _bad("a line is nested too deeply") from exc
    except ValueError as exc:
        raise _bad("a line is not JSON") from exc
    if not isinstance(document, dict):
        raise _bad("a line is not an object")
    return document


def correction_ms(clock_offset_ms: float) -> float:
    """Return what is taken off a probe's times: its offset from 2 to 60 s, else 0."""
    return clock_offset_ms if OFFSET_LEFT_ALONE_MS < abs(clock_offset_ms) <= OFFSET_CORRECTED_MS else 0.0


def decode_batch(
    document: Mapping[str, Any], probe: ProbeId, spool: str, after: int, correction: float = 0.0
) -> ResultBatch | None:
    """Return the results with seq > `after`, None where there are none. `correction` (ms) is taken off all times.

    `status` is UNKNOWN and `interval_ms` 0 everywhere. About 2.6 us per result in full batches, see
    docs/adr/0011. Raises BadInput.
    """
    try:
        return _batch(document, probe, spool, after, correction)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, AttributeError) as exc:
        raise _bad("a batch of results has values of a wrong type") from exc


def decode_check(line: bytes, correction: float = 0.0) -> CheckResult:
    """Return one finished check of POST /v1/checks. Raises BadInput."""
    document = read_json(line)
    phases = _object(document.get("phases"))
    failure = _text_or_none(document.get("failure"), 40)
    return CheckResult(
        url=_text(document.get("url"), MAX_URL_CHARACTERS),
        monitor=_whole(document.get("monitor", 0), MAX_ID),
        version=_whole(document.get("version", 0), 2**31 - 1),
        started_at_ms=max(0, round(_whole(document.get("started_at_ms"), MAX_AT_MS) - correction)),
        failure=failure if failure is None or failure in FAILURES else "other",
        message=_text(document.get("message", ""), MAX_MESSAGE_CHARACTERS),
        http_status=_http_status(document.get("http_status")),
        total_ms=_ms_or_none(document.get("total_ms")),
        dns_ms=_ms_or_none(phases.get("dns_ms")),
        connect_ms=_ms_or_none(phases.get("connect_ms")),
        tls_ms=_ms_or_none(phases.get("tls_ms")),
        request_ms=_ms_or_none(phases.get("request_ms")),
        transfer_ms=_ms_or_none(phases.get("transfer_ms")),
        late_ms=_ms_or_none(document.get("late_ms"), low=-MAX_MS) or 0.0,
        queue_ms=_ms_or_none(document.get("queue_ms")) or 0.0,
        clock="kernel" if document.get("clock") == "kernel" else "user",
        low_confidence=document.get("low_confidence") is True,
        address=_text_or_none(document.get("address"), MAX_ADDRESS_CHARACTERS),
        family=_family(document.get("family")),
        hops=tuple(_hops(document.get("hops"))),
        body_bytes=_whole(document.get("body_bytes", 0), MAX_ID),
        certificate=_certificate(document.get("certificate")),
        facts=facts_of(document.get("facts")),
        on_demand=True,
        own_network=document.get("own_network") is True,
    )


def _batch(
    document: Mapping[str, Any], probe: ProbeId, spool: str, after: int, correction: float
) -> ResultBatch | None:
    first = _whole(document.get("first"), MAX_ID - MAX_BATCH_RESULTS, low=1)
    count = _whole(document.get("count"), MAX_BATCH_RESULTS)
    columns = _object(document.get("columns"))
    skipped = min(count, max(0, after + 1 - first))
    if skipped == count:
        return None
    read = _ColumnReader(columns, count, skipped)
    started = read.whole("started_at_ms", MAX_AT_MS)
    if correction:
        started = np.maximum(0, started - round(correction))
    phases = np.empty((count - skipped, len(PHASES)), dtype=np.float64)
    for place, name in enumerate(PHASES):
        phases[:, place] = read.milliseconds(name)
    failure = read.shared("failure", lambda value: failure_code(_text_or_none(value, 40)), None)
    clock = read.shared("clock", lambda value: value == "kernel", "user")
    batch = ResultBatch(
        probe=probe,
        spool=spool,
        first_seq=first + skipped,
        count=count - skipped,
        clock_offset_ms=correction,
        monitor=read.whole("monitor", MAX_ID),
        version=read.whole("version", 2**31 - 1, default=0).astype(np.int32),
        started_at_ms=started,
        status=np.full(count - skipped, Status.UNKNOWN, dtype=np.int8),
        failure=np.array(failure.values, dtype=np.int8)[failure.index],
        http_status=read.whole_or_zero("http_status", 999).astype(np.int16),
        total_ms=read.milliseconds("total_ms"),
        phases_ms=phases,
        late_ms=read.milliseconds("late_ms", default=0.0, low=-MAX_MS),
        queue_ms=read.milliseconds("queue_ms", default=0.0),
        is_kernel_clock=np.array(clock.values, dtype=np.bool_)[clock.index],
        low_confidence=read.truth("low_confidence"),
        family=read.whole_or_zero("family", 6).astype(np.int8),
        body_bytes=read.whole("body_bytes", MAX_ID, default=0),
        recheck=read.truth("recheck"),
        on_demand=read.truth("on_demand"),
        own_network=read.truth("own_network"),
        interval_ms=np.zeros(count - skipped, dtype=np.int64),
        message=read.texts("message", _text, MAX_MESSAGE_CHARACTERS, ""),
        address=read.texts("address", _text_or_none, MAX_ADDRESS_CHARACTERS, None),
        url=read.texts("url", _text, MAX_URL_CHARACTERS, ""),
        hops=read.shared("hops", _hops, []),
        certificate=read.shared("certificate", _certificate, None),
        facts=read.shared("facts", facts_of, None),
    )
    if "evidence" not in columns:
        return batch
    return replace(batch, evidence=_evidence(batch, read.shared("evidence", evidence_of, None), correction))


def _evidence(batch: ResultBatch, column: Shared, correction: float) -> tuple[FailureEvidence, ...]:
    """Return what failures left that came along with these results."""
    found = []
    for place in range(batch.count):
        document = column[place]
        if document is None:
            continue
        failed_at_ms = document.get("failed_at_ms")
        at_ms = int(batch.started_at_ms[place]) if failed_at_ms is None else max(0, failed_at_ms - round(correction))
        kept = {name: part for name, part in document.items() if name != "failed_at_ms"}
        found.append(
            FailureEvidence(MonitorId(int(batch.monitor[place])), batch.probe, at_ms, kept, failed_at_ms is not None)
        )
    return tuple(found)


class _ColumnReader:
    """Reads the columns of one batch, leaving out the first `skipped` results."""

    def __init__(self, columns: Columns, count: int, skipped: int) -> None:
        self._columns = columns
        self._count = count
        self._skipped = skipped

    def whole(self, name: str, high: int, default: int | None = None) -> npt.NDArray[np.int64]:
        """Return whole numbers in [0, high]; a column without a default must be there."""
        column = self._column(name, _WHOLE, is_optional=default is not None)
        if column is None:
            return np.full(self._count - self._skipped, default, dtype=np.int64)
        values = np.array(column, dtype=np.int64)
        if values.min() < 0 or values.max() > high:
            raise _bad(f"{name} is out of its range")
        return values[self._skipped :]

    def whole_or_zero(self, name: str, high: int) -> npt.NDArray[np.float64]:
        """Return whole numbers in [0, high], 0 for null."""
        column = self._column(name, _WHOLE_OR_NULL, is_optional=True)
        if column is None:
            return np.zeros(self._count - self._skipped)
        values = np.nan_to_num(np.array(column, dtype=np.float64), nan=0.0)
        if values.min() < 0 or values.max() > high:
            raise _bad(f"{name} is out of its range")
        return values[self._skipped :]

    def milliseconds(self, name: str, default: float = math.nan, low: float = 0.0) -> npt.NDArray[np.float64]:
        """Return times in ms, NaN for null; where the default is a number, null is refused."""
        has_default = not math.isnan(default)
        column = self._column(name, _NUMBER if has_default else _NUMBER_OR_NULL, is_optional=name != "total_ms")
        if column is None:
            return np.full(self._count - self._skipped, default)
        values = np.array(column, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            if ((values < low) | (values > MAX_MS)).any():
                raise _bad(f"{name} is out of its range")
        return values[self._skipped :]

    def truth(self, name: str) -> npt.NDArray[np.bool_]:
        column = self._column(name, _TRUTH, is_optional=True)
        if column is None:
            return np.zeros(self._count - self._skipped, dtype=np.bool_)
        return np.array(column, dtype=np.bool_)[self._skipped :]

    def shared(self, name: str, read: Callable[[Any], Any], default: Any) -> Shared:
        """Return a column of few values, each of them read once."""
        values, index = self._values(name, default)
        return Shared([read(value) for value in values], index)

    def texts(self, name: str, read: Callable[[Any, int], Any], limit: int, default: Any) -> Shared:
        """Return a column of texts, `read(text, limit)` where that would change one: addresses differ by result."""
        values, index = self._values(name, default)
        return Shared(list(values) if _are_plain(values, limit) else [read(value, limit) for value in values], index)

    def _values(self, name: str, default: Any) -> tuple[list[Any], npt.NDArray[np.int64]]:
        """Return the values of a shared column, as they came, and each result's place among them."""
        column = self._columns.get(name)
        if column is None:
            if name == "failure":
                raise _bad("the column failure is absent")
            return [default], np.zeros(self._count - self._skipped, dtype=np.int64)
        values, index = _object(column).get("values"), _object(column).get("index")
        if not isinstance(values, list) or not isinstance(index, list) or len(values) > self._count:
            raise _bad(f"the column {name} has no values and places")
        self._check(name, index, _WHOLE)
        places = np.array(index, dtype=np.int64)
        if places.min() < 0 or places.max() >= len(values):
            raise _bad(f"the column {name} points outside its values")
        return values, places[self._skipped :]

    def _column(self, name: str, types: frozenset[type], *, is_optional: bool) -> list[Any] | None:
        column = self._columns.get(name)
        if column is None:
            if is_optional:
                return None
            raise _bad(f"the column {name} is absent")
        if not isinstance(column, list):
            raise _bad(f"the column {name} is not a list")
        self._check(name, column, types)
        return column

    def _check(self, name: str, column: list[Any], types: frozenset[type]) -> None:
        if len(column) != self._count:
            raise _bad(f"the column {name} has {len(column)} values instead of {self._count}")
        if not types.issuperset(map(type, column)):
            raise _bad(f"the column {name} has values of a wrong type")


def _hops(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_REDIRECTS + 1:
        raise _bad("the hops of a result cannot be read")
    return [
        {
            "url": _text(hop.get("url"), MAX_URL_CHARACTERS),
            "http_status": _http_status(hop.get("http_status")),
            "address": _text_or_none(hop.get("address"), MAX_ADDRESS_CHARACTERS),
            "total_ms": _ms_or_none(hop.get("total_ms")),
        }
        for hop in map(_object, value)
    ]


def _certificate(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    certificate = _object(value)
    names = ("subject", "issuer", "not_after", "verify_error")
    return {name: _text_or_none(certificate.get(name), MAX_NAME_CHARACTERS) for name in names}


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad("an object is missing")
    return value


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise _bad("a text is missing")
    # A lone surrogate is legal in JSON and in no file or database.
    return value[:limit] if value.isascii() else value[:limit].encode("utf-8", "replace").decode("utf-8")


def _are_plain(values: list[Any], limit: int) -> bool:
    """Return whether all are texts that `_text` would leave as they are; without a Python call per text."""
    return (
        _STRING.issuperset(map(type, values))
        and "".join(values).isascii()
        and max(map(len, values), default=0) <= limit
    )


def _text_or_none(value: Any, limit: int) -> str | None:
    return None if value is None else _text(value, limit)


def _whole(value: Any, high: int, low: int = 0) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad(f"a whole number from {low} to {high} is missing")
    return value


def _http_status(value: Any) -> int | None:
    return None if value is None else _whole(value, 999)


def _family(value: Any) -> int | None:
    return None if value is None else _whole(value, 6)


def _ms_or_none(value: Any, low: float = 0.0) -> float | None:
    if value is None:
        return None
    if type(value) not in _NUMBER or not low <= value <= MAX_MS:
        raise _bad("a time is out of its range")
    return float(value)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _bad(what: str) -> BadInput:
    return BadInput(f"The probe sent something that cannot be read: {what}.", "Upgrade Pingmon and this probe.")
