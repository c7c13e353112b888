"""What a kind of check found out besides times, as lines of the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pingmon_gui.console import output
from pingmon_gui.log import one_line

Facts = Mapping[str, Any]


def fact_lines(kind: str, facts: Facts | None) -> list[str]:
    """Return the lines for a kind's facts, none where there are none."""
    read = _LINES.get(kind)
    return [one_line(line) for line in read(facts)] if read is not None and facts else []


def days_left(not_after: object, at_ms: int) -> str:
    """Return how long a certificate is still valid, as `, 12 days left`; nothing where its end cannot be read."""
    try:
        end = datetime.fromisoformat(str(not_after).replace("Z", "+00:00"))
        days = int((end.timestamp() * 1000 - at_ms) // 86_400_000)
    except (ValueError, OverflowError):
        return ""
    return f", {days} days left" if days >= 0 else f", {-days} days ago"


def _tcp(facts: Facts) -> list[str]:
    return [f"said       {facts['said']}"] if facts.get("said") else []


def _tls(facts: Facts) -> list[str]:
    lines = []
    if facts.get("protocol"):
        lines.append(f"handshake  {facts['protocol']}, {facts.get('cipher', '')}")
    if facts.get("names"):
        lines.append(f"names      {', '.join(map(str, facts['names']))}")
    for place, link in enumerate(facts.get("chain", ())):
        begin = "chain      " if not place else "           "
        lines.append(f"{begin}{link.get('subject')}, to {link.get('not_after')}")
    return lines


def _dns(facts: Facts) -> list[str]:
    answers, count = facts.get("answers", ()), facts.get("answer_count", 0)
    lines = [f"{'answers    ' if not place else '           '}{answer}" for place, answer in enumerate(answers)]
    if count > len(answers):
        lines.append(f"           and {count - len(answers)} more")
    signs = [str(facts.get("rcode", ""))]
    if facts.get("ttl_s") is not None:
        signs.append(f"valid for {facts['ttl_s']} s")
    signs += [
        word for key, word in (("is_authoritative", "authoritative"), ("is_authentic", "DNSSEC")) if facts.get(key)
    ]
    lines.append(f"asked      {facts.get('server')} by {facts.get('transport')}: {', '.join(signs)}")
    return lines


def _icmp(facts: Facts) -> list[str]:
    sent, received = facts.get("sent", 0), facts.get("received", 0)
    lost = f"{round((sent - received) * 100 / sent)} % lost" if sent else "none sent"
    lines = [f"echoes     {sent} sent, {received} came back, {lost}"]
    if facts.get("rtt_min_ms") is not None:
        times = [output.latency(facts[name]) for name in ("rtt_min_ms", "rtt_avg_ms", "rtt_max_ms")]
        lines.append(f"round trip {' / '.join(times)} (least, mean, most)")
    return lines


_LINES: dict[str, Callable[[Facts], list[str]]] = {"tcp": _tcp, "tls": _tls, "dns": _dns, "icmp": _icmp}
