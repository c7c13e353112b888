"""The words and limits of the wire, and the rules that both of its sides share. Read by way of `protocol`.

Times are milliseconds. A time of day is an integer of Unix milliseconds (UTC) and ends in `_at_ms`.
"""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Optional

from .kind import KINDS

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1

#: What a probe says of itself while none of its anchors answers.
OWN_NETWORK_DOWN = "The probe's own network is down: none of the anchors answers."
#: What this probe can do beyond the protocol's number. An app sends nothing that is not listed.
FEATURES = (
    *KINDS,
    "keyword",
    "status_set",
    "ignore_certificate",
    "basic_auth",
    "family",
    "anchors",
    "http_request",
    "http_conditions",
    "failure_evidence",
)

#: The five phases of a check, in order; its kind says which of them happen. `total_ms` is by definition their sum.
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
    "loss",
)

#: These say nothing about the target: the result has no vote.
NO_VOTE_FAILURES = frozenset(("refused_target", "blocked", "internal"))

#: After a failure of these classes the probe asks its anchors whether its own network is up.
NETWORK_FAILURES = frozenset(("dns", "connect_refused", "connect_timeout", "timeout", "loss"))

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
#: What a request may carry, and how many conditions its answer may have to hold.
MAX_REQUEST_BODY_CHARACTERS = 16_000
MAX_CONDITIONS = 10
MAX_CONDITION_CHARACTERS = 500
MAX_BEARER_CHARACTERS = 4_000
#: How much of a page a pattern or a condition looks at, and for how long of a processor's time.
MATCH_CAP_BYTES = 256 * 1024
MATCH_LIMIT_MS = 100
#: What is sent by, and expected of, a tcp check: as it is typed, and as bytes.
MAX_EXCHANGE_CHARACTERS = 2_000
MAX_EXCHANGE_BYTES = 1_000
#: How much of what a server says is searched for what is expected.
EXPECT_CAP_BYTES = 64 * 1024
#: How the answers of a name server are judged: there are some, they are exactly these, these are among them, none.
DNS_MATCHES = ("any", "exact", "contains", "none")
MAX_DNS_ANSWERS = 50
MAX_DNS_ANSWER_CHARACTERS = 1_000
MAX_ECHO_COUNT = 10
DEFAULT_ECHO_COUNT = 3
#: What a kind finds out besides times, as `facts` of a result; any of them may be absent.
#: tcp: `said`, the beginning of what the server said. tls: `protocol`, `cipher`, `names` of the certificate, and the
#: `chain` as the server sent it, `{"subject", "issuer", "not_after"}` each (absent where Python does not hand it out).
#: dns: `record_type`, `rcode`, `answers` (the first 20) and `answer_count`, the least `ttl_s`, `server`, `transport`
#: (udp or tcp), `is_authoritative`, `is_authentic`. icmp: `sent`, `received`, `rtt_min_ms`, `rtt_avg_ms`, `rtt_max_ms`.
FACTS = {
    "http": (),
    "tcp": ("said",),
    "tls": ("protocol", "cipher", "names", "chain"),
    "dns": (
        "record_type",
        "rcode",
        "answers",
        "answer_count",
        "ttl_s",
        "server",
        "transport",
        "is_authoritative",
        "is_authentic",
    ),
    "icmp": ("sent", "received", "rtt_min_ms", "rtt_avg_ms", "rtt_max_ms"),
}
#: Those that hardly repeat from result to result: they are shown while they are new, and not kept for ever.
FLEETING_FACTS = frozenset(("said", "ttl_s", "rtt_min_ms", "rtt_avg_ms", "rtt_max_ms"))
#: What a failing result may carry besides, as `evidence` (feature failure_evidence): for whoever looks into it, judged
#: by nobody. It comes with the first failing result after a good one, or the first ever. Each part may be absent:
#: `names`: `{"host", "server", "addresses", "address_count", "error", "took_ms"}` of each name that was looked up;
#: `tried`: `{"target", "address", "port", "outcome"}` of each place gone to; `chain`: `{"sha256", "subject", "issuer",
#: "not_before", "not_after", "names", "name_count"}` of each certificate as the server sent them; `answers`: `{"url",
#: "status_line", "headers": [[name, value], ...], "is_cut"}` of each hop; `body`: `{"text", "body_bytes", "is_cut",
#: "coding"}`. What is longer is cut; the values of headers that sign somebody in are masked.
#: With a later result of the same check comes `route`, the way to the address that failed, and `failed_at_ms`, the
#: start of the result whose failure it is about. `route`: `{"address", "method", "hops": [{"ttl", "address", "ms",
#: "note"}, ...], "is_reached", "note"}`; the address of a hop is null where nobody answered.
EVIDENCE_PARTS = ("names", "tried", "chain", "answers", "body", "route", "failed_at_ms")
#: As JSON. A batch takes at most so many of them, so that a line stays below its limit.
MAX_EVIDENCE_BYTES = 16 * 1024
MAX_EVIDENCE_PER_BATCH = 3
EVIDENCE_BODY_BYTES = 4 * 1024
#: A check that fails again within this time leaves nothing new.
EVIDENCE_PAUSE_S = 300.0
MAX_ROUTE_HOPS = 30
MAX_DNS_ANSWERS_TOLD = 20
MAX_CHAIN_TOLD = 10

#: Above this share of lost echoes a target is offline; with all of them lost it always is.
DEFAULT_MAX_LOSS_PERCENT = 99
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


def integer(document: Dict[str, Any], name: str, low: int, high: int, default: int) -> int:
    """Return a field that is a whole number in [low, high]. Raises ProtocolError."""
    value = document.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ProtocolError(f"{name} must be a whole number from {low} to {high}")
    return value


def boolean(document: Dict[str, Any], name: str) -> bool:
    """Return a field that is true or false, false where it is absent. Raises ProtocolError."""
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise ProtocolError(f"{name} must be true or false")
    return value
