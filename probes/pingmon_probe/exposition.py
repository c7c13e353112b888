"""Results and the probe's own state as metrics, in Prometheus' text format and by blackbox_exporter's names.

Source: Prometheus' "Exposition formats" 0.0.4; blackbox_exporter 0.23, prober/*.go, whose help texts say the same.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Any, Iterable, List, Mapping, Optional, Tuple

from .protocol import CheckResult, CheckSpec, kind_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: A metric: name, kind, help, and its samples, each labels and a value.
Sample = Tuple[Mapping[str, str], float]
Metric = Tuple[str, str, str, List[Sample]]

_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193
#: Phases by the names that blackbox_exporter gives them, per kind; those of a kind that never happen are 0 there, too.
_PHASES = {
    "http": {
        "resolve": "dns_ms",
        "connect": "connect_ms",
        "tls": "tls_ms",
        "processing": "request_ms",
        "transfer": "transfer_ms",
    },
    "dns": {"resolve": "dns_ms", "connect": "connect_ms", "request": "request_ms"},
    "icmp": {"resolve": "dns_ms", "rtt": "request_ms"},
}


def text_of(metrics: Iterable[Metric]) -> bytes:
    """Return metrics in the text format; one without samples is left out."""
    lines = []
    for name, kind, words, samples in metrics:
        if samples:
            lines.append(head_of(name, kind, words))
            lines += [f"{name}{_labels(labels)} {number_text(value)}\n" for labels, value in samples]
    return "".join(lines).encode("utf-8")


def head_of(name: str, kind: str, words: str) -> str:
    """Return the two lines before a metric's samples."""
    return f"# HELP {name} {words}\n# TYPE {name} {kind}\n"


def labels_text(labels: Mapping[str, str]) -> str:
    """Return labels as they stand between the braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def number_text(value: float) -> str:
    """Return a value without a fraction that it does not have."""
    return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def result_metrics(spec: CheckSpec, result: CheckResult) -> List[Metric]:
    """Return what blackbox_exporter's /probe would say of a check, and the class of its failure."""
    kind = kind_of(result.url)
    metrics = [
        _one("probe_success", "Displays whether or not the probe was a success", result.failure is None),
        _one(
            "probe_duration_seconds",
            "Returns how long the probe took to complete in seconds",
            _seconds(result.total_ms),
        ),
        _one(
            "probe_dns_lookup_time_seconds",
            "Returns the time taken for probe dns lookup in seconds",
            _seconds(result.dns_ms),
        ),
        _one(
            "probe_ip_protocol",
            "Specifies whether probe ip protocol is IP4 or IP6",
            result.family if result.address else 0,
        ),
        _one(
            "probe_ip_addr_hash",
            "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
            _address_hash(result.address),
        ),
    ]
    if kind in _PHASES:
        samples: List[Sample] = [
            ({"phase": phase}, _seconds(getattr(result, name))) for phase, name in _PHASES[kind].items()
        ]
        metrics.append((f"probe_{kind}_duration_seconds", "gauge", "Duration of the check by phase", samples))
    metrics += {"http": _http, "tcp": _tcp, "dns": _dns}.get(kind, _nothing)(spec, result)
    metrics += _tls(result)
    failure: List[Sample] = [] if result.failure is None else [({"failure": result.failure}, 1)]
    metrics.append(("pingmon_failure_info", "gauge", "Why the check failed, by class", failure))
    return metrics


def status_metrics(status: Mapping[str, Any]) -> List[Metric]:
    """Return the probe's own state; `status` is as GET /v1/status has it."""
    spool, check = status["spool"], status["self_check"]
    info: List[Sample] = [({"version": str(status["version"]), "region": str(status["region"] or "")}, 1)]
    return [
        ("pingmon_probe_build_info", "gauge", "Version and region of this probe", info),
        _one("pingmon_probe_checks", "Checks of the plan", status["checks"]),
        _one("pingmon_probe_measuring", "Whether the plan is carried out", status["measuring"]),
        _one("pingmon_probe_votes", "Whether the self-check lets this probe's results count", check["votes"]),
        _one("pingmon_probe_checks_in_flight", "Checks that run now", status["in_flight"]),
        _count("pingmon_probe_checks_started_total", "Checks started from the plan", status["started"]),
        _count("pingmon_probe_slots_skipped_total", "Slots left out because a check still ran", status["skipped"]),
        _one(
            "pingmon_probe_loop_late_p99_seconds",
            "How late the beats of the measuring loop were in the last minute",
            status["late_p99_ms"] / 1000,
        ),
        _count("pingmon_probe_results_total", "Number of the newest result in the spool", spool["last"]),
        _one("pingmon_probe_spool_bytes", "Bytes of the spool on disk", spool["bytes"]),
        _count(
            "pingmon_probe_results_dropped_total", "Results for which the spool had no room", spool["queue_dropped"]
        ),
    ]


def _http(spec: CheckSpec, result: CheckResult) -> List[Metric]:
    is_ssl = result.certificate is not None
    return [
        _one("probe_http_status_code", "Response HTTP status code", result.http_status or 0),
        _one("probe_http_redirects", "The number of redirects", len(result.hops)),
        _one("probe_http_ssl", "Indicates if SSL was used for the final redirect", is_ssl),
        _one("probe_http_uncompressed_body_length", "Length of uncompressed response body", result.body_bytes),
        _one("probe_failed_due_to_regex", "Indicates if probe failed due to regex", _failed_by_content(result)),
    ]


def _tcp(spec: CheckSpec, result: CheckResult) -> List[Metric]:
    return [_one("probe_failed_due_to_regex", "Indicates if probe failed due to regex", _failed_by_content(result))]


def _dns(spec: CheckSpec, result: CheckResult) -> List[Metric]:
    facts = result.facts or {}
    metrics = [
        _one(
            "probe_dns_query_succeeded",
            "Displays whether or not the query was executed successfully",
            facts.get("rcode") is not None,
        )
    ]
    if "answer_count" in facts:
        metrics.append(
            _one(
                "probe_dns_answer_rrs",
                "Returns number of entries in the answer resource record list",
                facts["answer_count"],
            )
        )
    if facts.get("record_type") == "SOA" and facts.get("answers"):
        serial = str(facts["answers"][0]).split(" ")[2]
        metrics.append(_one("probe_dns_serial", "Returns the serial number of the zone", int(serial)))
    return metrics


def _nothing(spec: CheckSpec, result: CheckResult) -> List[Metric]:
    return []


def _tls(result: CheckResult) -> List[Metric]:
    certificate, facts = result.certificate or {}, result.facts or {}
    # The leaf is what was judged; of the chain only some Pythons tell.
    ends = [_unix_s(link.get("not_after")) for link in (certificate, *facts.get("chain", ()))]
    known = [end for end in ends if end is not None]
    metrics = []
    if known:
        metrics.append(_one("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", min(known)))
    if facts.get("protocol"):
        version = str(facts["protocol"]).replace("TLSv", "TLS ")
        words = "Returns the TLS version used or NaN when unknown"
        metrics.append(("probe_tls_version_info", "gauge", words, [({"version": version}, 1)]))
    if facts.get("cipher"):
        words = "Returns the TLS cipher negotiated during handshake"
        metrics.append(("probe_tls_cipher_info", "gauge", words, [({"cipher": str(facts["cipher"])}, 1)]))
    return metrics


def _failed_by_content(result: CheckResult) -> bool:
    return result.failure == "content"


def _address_hash(address: Optional[str]) -> int:
    """Return FNV-1a of the address's bytes, as Go's hash/fnv has it."""
    if address is None:
        return 0
    total = _FNV_OFFSET
    for byte in ipaddress.ip_address(address.partition("%")[0]).packed:
        total = (total ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return total


def _unix_s(not_after: Any) -> Optional[float]:
    try:
        return datetime.fromisoformat(str(not_after).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _seconds(ms: Optional[float]) -> float:
    return 0.0 if ms is None else ms / 1000


def _one(name: str, words: str, value: Any) -> Metric:
    return name, "gauge", words, [({}, float(value or 0))]


def _count(name: str, words: str, value: Any) -> Metric:
    return name, "counter", words, [({}, float(value))]


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + labels_text(labels) + "}" if labels else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
