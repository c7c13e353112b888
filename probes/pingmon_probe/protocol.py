"""The wire between the app and a probe: the only definition of its words, shapes and limits.

The probe and the app both import this module; it knows neither of them and does no I/O.
Times are milliseconds. A time of day is an integer of Unix milliseconds (UTC) and ends in `_at_ms`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1

#: What a probe says of itself while none of its anchors answers.
OWN_NETWORK_DOWN = "The probe's own network is down: none of the anchors answers."
#: What this probe can do beyond the protocol's number. An app sends nothing that is not listed.
FEATURES = ("http", "keyword", "status_set", "ignore_certificate", "basic_auth", "family", "anchors")

KINDS = ("http",)

#: The five phases of a check, in order. `total_ms` is by definition their sum.
PHASES = ("dns_ms", "connect_ms", "tls_ms", "request_ms", "transfer_ms")

#: Why a check failed. The place in this tuple is stored as a number: append only, never reorder.
FAILURES = (
    "dns",
    "connect_refused",
    "connect_timeout",
    "tls_verify",
    "tls_handshake",
    "timeout",
    "http_status",
    "content",
    "too_many_redirects",
    "protocol",
    "refused_target",
    "blocked",
    "internal",
)

#: These say nothing about the target: the result has no vote.
NO_VOTE_FAILURES = frozenset(("refused_target", "blocked", "internal"))

#: After a failure of these classes the probe asks its anchors whether its own network is up.
NETWORK_FAILURES = frozenset(("dns", "connect_refused", "connect_timeout", "timeout"))

STATUSES = ("online", "slow", "offline", "unknown", "paused")

MIN_INTERVAL_MS = 5_000
MAX_INTERVAL_MS = 3_600_000
MIN_TIMEOUT_MS = 100
MAX_TIMEOUT_MS = 30_000
DEFAULT_INTERVAL_MS = 10_000
DEFAULT_TIMEOUT_MS = 5_000
DEFAULT_SLOW_MS = 1_000
DEFAULT_STATUS_SET = ((200, 299),)
MAX_REDIRECTS = 5
MAX_URL_CHARACTERS = 2_000
MAX_KEYWORD_CHARACTERS = 500
MAX_CHECKS_PER_PLAN = 20_000
MAX_CHECKS_PER_REQUEST = 1_000
MAX_REQUEST_BODY_BYTES = 32 * 1024 * 1024
#: How much of a target's body is read; the rest is not waited for.
BODY_CAP_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
DEFAULT_LEASE_S = 7 * 24 * 3600
MAX_BATCH_RESULTS = 256
MAX_BATCH_BYTES = 64 * 1024
MAX_WAIT_S = 60
HEARTBEAT_S = 5.0
LOW_CONFIDENCE_QUEUE_MS = 5.0
RECHECK_AFTER_S = 2.0
#: Largest monitor id: JSON readers that hold numbers as doubles keep it exact.
MAX_ID = 2**53 - 1

_VISIBLE_ASCII = re.compile("[!-~]+")


class ProtocolError(ValueError):
    """What was received does not fit the protocol. The message says which field and why."""


def phase_ms(monitor: int, interval_ms: int, region_index: int, region_count: int) -> int:
    """Return where in its interval a check starts, in [0, interval_ms).

    The first 8 bytes of SHA-256 of the monitor's id (in decimal digits) spread monitors evenly;
    the regions of one monitor take turns. The same input gives the same slot after any restart.
    """
    digest = hashlib.sha256(str(monitor).encode("ascii")).digest()
    base = int.from_bytes(digest[:8], "big") % interval_ms
    return (base + region_index * interval_ms // max(1, region_count)) % interval_ms


def status_of(failure: Optional[str], total_ms: Optional[float], slow_ms: float, own_network: bool = False) -> str:
    """Return the status word of one result: online, slow, offline or unknown.

    `own_network` is true where the probe's own network was down when it measured.
    """
    if own_network or failure in NO_VOTE_FAILURES:
        return "unknown"
    if failure is not None:
        return "offline"
    if total_ms is None:
        return "unknown"
    return "online" if total_ms < slow_ms else "slow"


@dataclass(frozen=True)
class CheckSpec:
    """One check of a plan, or one to be run on demand.

    `monitor` is the app's id of the monitor (0 for a check that belongs to none) and `version` the
    number of the monitor's settings; both come back with every result. `family` is 4, 6, or 0 for
    what `resolver.ipv4_first` chooses. `status_set` lists inclusive ranges.
    `basic_auth` is `user:password` and is never written to a log or a result.
    """

    url: str
    monitor: int = 0
    version: int = 0
    kind: str = "http"
    interval_ms: int = DEFAULT_INTERVAL_MS
    phase_ms: int = 0
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    slow_ms: int = DEFAULT_SLOW_MS
    family: int = 0
    status_set: Tuple[Tuple[int, int], ...] = DEFAULT_STATUS_SET
    keyword: Optional[str] = None
    keyword_absent: bool = False
    ignore_certificate: bool = False
    basic_auth: Optional[str] = None

    def __repr__(self) -> str:
        return f"CheckSpec(url={self.url!r}, monitor={self.monitor}, version={self.version})"

    def to_json(self) -> Dict[str, Any]:
        """Return the fields that differ from their default, always with `url`."""
        document: Dict[str, Any] = {"url": self.url}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "url" and value != field.default:
                document[field.name] = [list(pair) for pair in value] if field.name == "status_set" else value
        return document

    @cached_property
    def encoded(self) -> bytes:
        """`to_json` as bytes, made once: plans are compared far more often than their checks change."""
        return json.dumps(self.to_json(), sort_keys=True).encode("utf-8")

    @classmethod
    def from_json(cls, document: Any) -> CheckSpec:
        """Read one check. Raises ProtocolError naming the field that is unknown or out of range."""
        if not isinstance(document, dict):
            raise ProtocolError("a check must be an object")
        unknown = sorted(set(document) - _CHECK_FIELDS)
        if unknown:
            raise ProtocolError(f"unknown field of a check: {', '.join(unknown)}")
        url = document.get("url")
        if not isinstance(url, str) or not url or len(url) > MAX_URL_CHARACTERS:
            raise ProtocolError(f"url must be a text of 1 to {MAX_URL_CHARACTERS} characters")
        try:
            parts = urlsplit(url)
            port_ok = parts.port is None or 1 <= parts.port <= 65535
        except ValueError as exc:
            raise ProtocolError("url cannot be read") from exc
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
            raise ProtocolError("url must be http or https with a host and a port from 1 to 65535")
        if not _VISIBLE_ASCII.fullmatch(url):
            raise ProtocolError("url must be plain ASCII without spaces or control characters")
        if parts.username is not None or parts.password is not None:
            raise ProtocolError("url must not hold a user name or password; send basic_auth")
        kind = document.get("kind", "http")
        if kind not in KINDS:
            raise ProtocolError(f"unknown kind of check: {kind!r:.40}")
        keyword = document.get("keyword")
        if keyword is not None and not (isinstance(keyword, str) and 0 < len(keyword) <= MAX_KEYWORD_CHARACTERS):
            raise ProtocolError(f"keyword must be a text of 1 to {MAX_KEYWORD_CHARACTERS} characters")
        basic_auth = document.get("basic_auth")
        if basic_auth is not None and not (
            isinstance(basic_auth, str) and ":" in basic_auth and len(basic_auth) <= 1_000
        ):
            raise ProtocolError("basic_auth must be user:password")
        interval_ms = _integer(document, "interval_ms", MIN_INTERVAL_MS, MAX_INTERVAL_MS, DEFAULT_INTERVAL_MS)
        family = _integer(document, "family", 0, 6, 0)
        if family not in (0, 4, 6):
            raise ProtocolError("family must be 0, 4 or 6")
        return cls(
            url=url,
            monitor=_integer(document, "monitor", 0, MAX_ID, 0),
            version=_integer(document, "version", 0, 2**31 - 1, 0),
            kind=kind,
            interval_ms=interval_ms,
            phase_ms=_integer(document, "phase_ms", 0, interval_ms - 1, 0),
            timeout_ms=_integer(document, "timeout_ms", MIN_TIMEOUT_MS, MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS),
            slow_ms=_integer(document, "slow_ms", 1, MAX_TIMEOUT_MS, DEFAULT_SLOW_MS),
            family=family,
            status_set=_status_set(document.get("status_set", DEFAULT_STATUS_SET)),
            keyword=keyword,
            keyword_absent=_boolean(document, "keyword_absent"),
            ignore_certificate=_boolean(document, "ignore_certificate"),
            basic_auth=basic_auth,
        )


_CHECK_FIELDS = frozenset(field.name for field in fields(CheckSpec))


@dataclass(frozen=True)
class Plan:
    """What one probe has to do: the checks of one owner at one revision.

    `anchors` are `host:port` texts (a numeric IP in brackets if it is IPv6); an empty tuple turns
    that part of the self-check off.
    """

    owner: str
    revision: int
    checks: Tuple[CheckSpec, ...] = ()
    lease_s: int = DEFAULT_LEASE_S
    anchors: Tuple[str, ...] = ()
    take_over: bool = False

    @property
    def content_hash(self) -> str:
        """Hex SHA-256 of everything but revision and take_over: equal plans have equal hashes."""
        content = {"owner": self.owner, "lease_s": self.lease_s, "anchors": self.anchors}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8"))
        # Check by check: one call for a large plan would keep every other thread waiting for 0.2 s.
        for check in self.checks:
            digest.update(b"\n" + check.encoded)
        return digest.hexdigest()

    def encode(self) -> bytes:
        """Return `to_json` as bytes, put together from the checks' own."""
        head = self.to_json(with_checks=False)
        return b'{"checks":[%s],%s' % (
            b",".join(check.encoded for check in self.checks),
            json.dumps(head, separators=(",", ":")).encode("utf-8")[1:],
        )

    def to_json(self, with_checks: bool = True) -> Dict[str, Any]:
        document = {
            "owner": self.owner,
            "revision": self.revision,
            "lease_s": self.lease_s,
            "anchors": list(self.anchors),
            "take_over": self.take_over,
        }
        if with_checks:
            document["checks"] = [check.to_json() for check in self.checks]
        return document

    @classmethod
    def from_json(cls, document: Any) -> Plan:
        """Read a plan. Raises ProtocolError naming the first thing that is wrong; nothing is half read."""
        if not isinstance(document, dict):
            raise ProtocolError("a plan must be an object")
        unknown = sorted(set(document) - {field.name for field in fields(cls)})
        if unknown:
            raise ProtocolError(f"unknown field of a plan: {', '.join(unknown)}")
        owner = document.get("owner")
        if not isinstance(owner, str) or not 1 <= len(owner) <= 100:
            raise ProtocolError("owner must be a text of 1 to 100 characters")
        checks = document.get("checks", [])
        if not isinstance(checks, list) or len(checks) > MAX_CHECKS_PER_PLAN:
            raise ProtocolError(f"checks must be a list of at most {MAX_CHECKS_PER_PLAN}")
        read = tuple(CheckSpec.from_json(check) for check in checks)
        if len({check.monitor for check in read}) != len(read) or any(check.monitor == 0 for check in read):
            raise ProtocolError("every check of a plan needs a monitor id of its own")
        anchors = document.get("anchors", [])
        if not isinstance(anchors, list) or len(anchors) > 10 or not all(isinstance(a, str) for a in anchors):
            raise ProtocolError("anchors must be a list of at most 10 texts")
        for anchor in anchors:
            split_anchor(anchor)
        return cls(
            owner=owner,
            revision=_integer(document, "revision", 1, MAX_ID, 0),
            checks=read,
            lease_s=_integer(document, "lease_s", 60, 366 * 24 * 3600, DEFAULT_LEASE_S),
            anchors=tuple(anchors),
            take_over=_boolean(document, "take_over"),
        )


def split_anchor(anchor: str) -> Tuple[str, int]:
    """Return (numeric address, port) of `192.0.2.1:53` or `[2001:db8::1]:53`. Raises ProtocolError."""
    import ipaddress

    host, _, port = anchor.rpartition(":")
    try:
        address = str(ipaddress.ip_address(host.strip("[]")))
        number = int(port)
    except ValueError as exc:
        raise ProtocolError(f"an anchor must be a numeric address and a port: {anchor!r:.60}") from exc
    if not 1 <= number <= 65535:
        raise ProtocolError(f"an anchor's port must be 1 to 65535: {anchor!r:.60}")
    return address, number


@dataclass
class CheckResult:
    """What one run of a check measured. Times are floats in milliseconds, None where the phase did not happen.

    When a check fails inside a phase, that phase holds the time spent in it until then, so `total_ms` is the
    sum of the phases in every case. `hops` lists every answer of a redirect chain but the last, each
    `{"url", "http_status", "address", "total_ms"}`. `certificate` is `{"subject", "issuer", "not_after"
    (ISO 8601), "verify_error" (None or a sentence)}` of the last hop. `own_network` is true where the
    probe found its own network down. `seq` is the place in the spool, 0 while it has none.
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
    recheck: bool = False
    on_demand: bool = False
    own_network: bool = False
    seq: int = 0

    def to_check_json(self, slow_ms: float) -> Dict[str, Any]:
        """Return the JSON of a check as the command line prints it and POST /v1/checks streams it."""
        return {
            "url": self.url,
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
SHARED_COLUMNS = ("failure", "clock", "message", "address", "url", "hops", "certificate")


def encode_batch(first_seq: int, results: Sequence[CheckResult]) -> bytes:
    """Return one line (with its newline): results first_seq, first_seq + 1, ... as one array per field."""
    columns: Dict[str, Any] = {name: [getattr(result, name) for result in results] for name in PLAIN_COLUMNS}
    for name in SHARED_COLUMNS:
        columns[name] = _share([getattr(result, name) for result in results])
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


def _integer(document: Dict[str, Any], name: str, low: int, high: int, default: int) -> int:
    value = document.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ProtocolError(f"{name} must be a whole number from {low} to {high}")
    return value


def _boolean(document: Dict[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise ProtocolError(f"{name} must be true or false")
    return value


def _status_set(value: Any) -> Tuple[Tuple[int, int], ...]:
    try:
        ranges = tuple((low, high) for low, high in value)
    except (TypeError, ValueError) as exc:
        raise ProtocolError("status_set must be a list of [low, high]") from exc
    for low, high in ranges:
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in (low, high))
        if not whole or not 100 <= low <= high <= 599:
            raise ProtocolError("status_set must hold ranges within 100 to 599")
    if not 1 <= len(ranges) <= 50:
        raise ProtocolError("status_set must hold 1 to 50 ranges")
    return ranges
