"""What a kind of check finds out besides times, as lines of the detail pane. A probe sends it: it is only shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from pingmon_gui.ui import wording

translate = QCoreApplication.translate

Facts = Mapping[str, Any]

#: What is shown of one fact.
_CHARACTERS = 300
_ANSWERS_SHOWN = 8
_NAMES_SHOWN = 8


def kind_facts(kind: str, facts: Facts | None) -> list[str]:
    """Return a kind's facts, one a line; none where nothing was found out."""
    read = _LINES.get(kind)
    return read(facts) if read is not None and facts else []


def _tcp(facts: Facts) -> list[str]:
    return [translate("Detail", "said “%1”").replace("%1", _text(facts["said"]))] if facts.get("said") else []


def _tls(facts: Facts) -> list[str]:
    lines = []
    if facts.get("protocol"):
        lines.append(" · ".join(_text(facts[name]) for name in ("protocol", "cipher") if facts.get(name)))
    if names := facts.get("names"):
        lines.append(translate("Detail", "made out for %1").replace("%1", _some(names, _NAMES_SHOWN)))
    issuers = [_text(link.get("subject") or "?") for link in facts.get("chain", ()) if isinstance(link, Mapping)]
    if len(issuers) > 1:
        lines.append(translate("Detail", "chain: %1").replace("%1", " → ".join(issuers)))
    return lines


def _dns(facts: Facts) -> list[str]:
    lines = []
    if answers := facts.get("answers"):
        count = max(len(answers), facts.get("answer_count") or 0)
        lines.append(f"{_text(facts.get('record_type', ''))} {_some(answers, _ANSWERS_SHOWN, count)}")
    asked = translate("Detail", "answered by %1 over %2: %3")
    transport = _text(facts.get("transport", "?")).upper()
    answer = asked.replace("%3", _text(facts.get("rcode", "?"))).replace("%2", transport)
    lines.append(answer.replace("%1", _text(facts.get("server", "?"))))
    signs = []
    if facts.get("ttl_s") is not None:
        signs.append(translate("Detail", "valid for %1 s").replace("%1", str(facts["ttl_s"])))
    if facts.get("is_authoritative"):
        signs.append(translate("Detail", "authoritative"))
    if facts.get("is_authentic"):
        signs.append(translate("Detail", "confirmed by DNSSEC"))
    return [*lines, " · ".join(signs)] if signs else lines


def _icmp(facts: Facts) -> list[str]:
    sent, received = facts.get("sent") or 0, facts.get("received") or 0
    lines = [translate("Detail", "%1 of %2 echoes came back").replace("%2", str(sent)).replace("%1", str(received))]
    times = [facts.get(name) for name in ("rtt_min_ms", "rtt_avg_ms", "rtt_max_ms")]
    if all(isinstance(ms, float | int) for ms in times):
        text = translate("Detail", "round trip %1 at least, %2 on average, %3 at most")
        for place, ms in reversed(list(enumerate(times, start=1))):
            text = text.replace(f"%{place}", wording.exact_latency(ms))
        lines.append(text)
    return lines


def _text(value: object) -> str:
    return wording.plain(str(value), _CHARACTERS)


def _some(texts: list[Any], most: int, count: int | None = None) -> str:
    """Return the first few of a list, and how many more there are."""
    more = (len(texts) if count is None else count) - len(texts[:most])
    shown = ", ".join(_text(text) for text in texts[:most])
    if more <= 0:
        return shown
    return translate("Detail", "%1 and %2 more").replace("%2", str(more)).replace("%1", shown)


_LINES: dict[str, Callable[[Facts], list[str]]] = {"tcp": _tcp, "tls": _tls, "dns": _dns, "icmp": _icmp}
