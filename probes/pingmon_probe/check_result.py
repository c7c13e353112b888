"""What one run of a check measured, as one document and as columns of a batch."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from .kind import kind_of
from .wire import PHASES, ProtocolError, status_of


@dataclass
class CheckResult:
    """What one run of a check measured. Times are floats in milliseconds, None where the phase did not happen.

    When a check fails inside a phase, that phase holds the time spent in it until then, so `total_ms` is the
    sum of the phases in every case. `hops` lists every answer of a redirect chain but the last, each
    `{"url", "http_status", "address", "total_ms"}`. `certificate` is `{"subject", "issuer", "not_after"
    (ISO 8601), "verify_error" (None or a sentence)}` of the last hop. `own_network` is true where the
    probe found its own network down. `family` is that of the address used, else the one that was asked for.
    `facts` is what the kind found besides times, see `FACTS`; `evidence` what a failure left, see `EVIDENCE_PARTS`.
    `seq` is the place in the spool, 0 while it has none.
    """

    url: str
    monitor: int = 0
    version: int = 0
    revision: int = 0
    started_at_ms: int = 0
    failure: Optional[str] = None
    message: str = ""
    http_status: Optional[int] = None
    total_ms: Optional[float] = None
    dns_ms: Optional[float] = None
    connect_ms: Optional[float] = None
    tls_ms: Optional[float] = None
    request_ms: Optional[float] = None
    transfer_ms: Optional[float] = None
    late_ms: float = 0.0
    queue_ms: float = 0.0
    clock: str = "user"
    low_confidence: bool = False
    address: Optional[str] = None
    family: Optional[int] = None
    hops: Tuple[Dict[str, Any], ...] = ()
    body_bytes: int = 0
    certificate: Optional[Dict[str, Any]] = None
    facts: Optional[Dict[str, Any]] = None
    evidence: Optional[Dict[str, Any]] = None
    recheck: bool = False
    on_demand: bool = False
    own_network: bool = False
    seq: int = 0

    def to_check_json(self, slow_ms: float) -> Dict[str, Any]:
        """Return the JSON of a check as the command line prints it and POST /v1/checks streams it."""
        return {
            "url": self.url,
            "kind": kind_of(self.url),
            "status": status_of(self.failure, self.total_ms, slow_ms, self.own_network),
            "failure": self.failure,
            "message": self.message,
            "http_status": self.http_status,
            "total_ms": self.total_ms,
            "phases": {name: getattr(self, name) for name in PHASES},
            "late_ms": self.late_ms,
            "queue_ms": self.queue_ms,
            "clock": self.clock,
            "low_confidence": self.low_confidence,
            "address": self.address,
            "family": self.family,
            "hops": list(self.hops),
            "body_bytes": self.body_bytes,
            "certificate": self.certificate,
            "facts": self.facts,
            "started_at_ms": self.started_at_ms,
            "monitor": self.monitor,
            "version": self.version,
            "own_network": self.own_network,
        }

    @classmethod
    def from_check_json(cls, document: Dict[str, Any]) -> CheckResult:
        """Read the JSON of a check; the status is left out, it is judged anew by the reader."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in document.items() if name in known}
        values.update(document["phases"])
        values["hops"] = tuple(values.get("hops") or ())
        return cls(**values)


#: Columns of a batch that hold one number or boolean per result (null where there is none).
PLAIN_COLUMNS = (
    "monitor",
    "version",
    "revision",
    "started_at_ms",
    "http_status",
    "total_ms",
    "dns_ms",
    "connect_ms",
    "tls_ms",
    "request_ms",
    "transfer_ms",
    "late_ms",
    "queue_ms",
    "low_confidence",
    "family",
    "body_bytes",
    "recheck",
    "on_demand",
    "own_network",
)
#: Columns that repeat few values: `{"values": [...], "index": [place in values, one per result]}`.
SHARED_COLUMNS = ("failure", "clock", "message", "address", "url", "hops", "certificate", "facts", "evidence")
#: Those that probes of earlier releases do not send.
_LATER_COLUMNS = frozenset(("facts", "evidence"))
#: Those that are left out of a batch in which no result has anything.
_SELDOM_COLUMNS = frozenset(("evidence",))


def encode_batch(first_seq: int, results: Sequence[CheckResult]) -> bytes:
    """Return one line (with its newline): results first_seq, first_seq + 1, ... as one array per field."""
    columns: Dict[str, Any] = {name: [getattr(result, name) for result in results] for name in PLAIN_COLUMNS}
    for name in SHARED_COLUMNS:
        values = [getattr(result, name) for result in results]
        if name not in _SELDOM_COLUMNS or any(value is not None for value in values):
            columns[name] = _share(values)
    line = {"first": first_seq, "count": len(results), "columns": columns}
    return json.dumps(line, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def decode_batch(document: Dict[str, Any]) -> List[CheckResult]:
    """Return the results of one batch line as objects, in order. Unknown columns are ignored.

    For tests and tools; the app's collector reads the columns as arrays. Raises ProtocolError.
    """
    try:
        first, count, columns = document["first"], document["count"], document["columns"]
        results = []
        for place in range(count):
            values = {name: columns[name][place] for name in PLAIN_COLUMNS}
            for name in SHARED_COLUMNS:
                if name in columns or name not in _LATER_COLUMNS:
                    shared = columns[name]
                    values[name] = shared["values"][shared["index"][place]]
            values["hops"] = tuple(values["hops"] or ())
            results.append(CheckResult(seq=first + place, **values))
    except (KeyError, IndexError, TypeError) as exc:
        raise ProtocolError(f"a batch of results cannot be read: {exc!r:.80}") from exc
    return results


def _share(values: Iterable[Any]) -> Dict[str, Any]:
    """Return the distinct values in order of first use, and each value's place among them."""
    places: Dict[Any, int] = {}
    distinct: List[Any] = []
    index: List[int] = []
    for value in values:
        key = value if isinstance(value, (str, int, type(None))) else json.dumps(value, sort_keys=True)
        place = places.get(key)
        if place is None:
            place = places[key] = len(distinct)
            distinct.append(list(value) if isinstance(value, tuple) else value)
        index.append(place)
    return {"values": distinct, "index": index}
