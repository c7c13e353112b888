"""What a probe kept of a failure, as lines to read: the same in the window, on the command line and when copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Json = Mapping[str, Any]


class Part(Enum):
    """The parts, in the order in which they are read."""

    TRIED = "tried"
    NAMES = "names"
    CHAIN = "chain"
    ANSWERS = "answers"
    BODY = "body"
    ROUTE = "route"


TITLES = {
    Part.TRIED: "What was tried",
    Part.NAMES: "Name resolution",
    Part.CHAIN: "Certificates",
    Part.ANSWERS: "Answer",
    Part.BODY: "Body",
    Part.ROUTE: "Route",
}
#: Texts of others, where every character and its place count.
VERBATIM = frozenset((Part.ANSWERS, Part.BODY, Part.ROUTE))


#: Of a probe that failed and left nothing.
NOTHING_KEPT = (
    "nothing was kept: the probe was of an older version, had kept something just before, or too many checks failed at "
    "once."
)


@dataclass(frozen=True)
class Section:
    """One part: what is said of it in a line (or nothing), and its lines."""

    part: Part
    summary: str
    lines: tuple[str, ...]


def sections(document: Json) -> list[Section]:
    """Return what there is to read, part by part; none where nothing was kept."""
    found = []
    for part in Part:
        value = document.get(part.value)
        if value:
            summary, lines = _WRITERS[part](value)
            found.append(Section(part, summary, tuple(lines)))
    return found


def text_of(document: Json, titles: Mapping[Part, str] = TITLES) -> list[str]:
    """Return everything as lines of plain text."""
    lines: list[str] = []
    for section in sections(document):
        head = titles[section.part]
        lines += [f"{head}: {section.summary}" if section.summary else head]
        lines += [f"  {line}" for line in section.lines]
    return lines


def _tried(value: Sequence[Json]) -> tuple[str, list[str]]:
    lines = []
    for one in value:
        where = _where(one)
        lines.append(f"{where}: {one['outcome']}")
    return "", lines


def _where(one: Json) -> str:
    if not one.get("address") or one["address"] == one["target"]:
        return str(one["target"])
    port = f" port {one['port']}" if one.get("port") else ""
    return f"{one['target']} at {one['address']}{port}"


def _names(value: Sequence[Json]) -> tuple[str, list[str]]:
    lines = []
    for one in value:
        addresses = one.get("addresses") or ()
        more = (one.get("address_count") or 0) - len(addresses)
        said = ", ".join(addresses) + (f" and {more} more" if more > 0 else "")
        said = "; ".join(part for part in (said, one.get("error") or "") if part) or "no address"
        how = [f"{one['took_ms']:.1f} ms"] if one.get("took_ms") is not None else []
        if one.get("server"):
            how.append(f"name server {one['server']}")
        lines.append(f"{one['host']}: {said}" + (f" ({', '.join(how)})" if how else ""))
    return "", lines


def _chain(value: Sequence[Json]) -> tuple[str, list[str]]:
    lines = []
    for place, one in enumerate(value, start=1):
        lines.append(f"{place}. {one.get('subject') or 'a certificate that cannot be read'}")
        if one.get("issuer"):
            lines.append(f"   issued by {one['issuer']}")
        if one.get("not_after"):
            lines.append(f"   valid from {_time(one.get('not_before'))} until {_time(one['not_after'])}")
        names = one.get("names") or ()
        if names:
            more = (one.get("name_count") or 0) - len(names)
            lines.append(f"   for {', '.join(names)}" + (f" and {more} more" if more > 0 else ""))
        lines.append(f"   SHA-256 {one['sha256']}")
    return "", lines


def _time(text: str | None) -> str:
    """Return `2026-10-02 08:12 UTC` of `2026-10-02T08:12:00Z`, and what is no such time as it is."""
    if text is None:
        return "?"
    return f"{text[:10]} {text[11:16]} UTC" if text[10:11] == "T" and text.endswith("Z") else text


def _answers(value: Sequence[Json]) -> tuple[str, list[str]]:
    lines: list[str] = []
    for one in value:
        lines += [""] if lines else []
        if len(value) > 1:
            lines.append(f"{one['url']}")
        lines.append(one["status_line"])
        lines += [f"{name}: {text}" for name, text in one["headers"]]
        if one.get("is_cut"):
            lines.append("(there is more)")
    return "", lines


def _body(value: Json) -> tuple[str, list[str]]:
    text, size = value["text"], value["body_bytes"]
    parts = [f"{size:,} bytes came" + (", here is the beginning" if value.get("is_cut") else "")]
    if value.get("coding"):
        parts.append(f"unpacked from {value['coding']}")
    return ", ".join(parts), text.rstrip("\n").split("\n")


def _route(value: Json) -> tuple[str, list[str]]:
    summary = f"to {value['address']} by {value['method']}" if value.get("method") else f"to {value['address']}"
    lines, hops = [], value.get("hops") or ()
    places = [hop.get("address") or "no answer" for hop in hops]
    width = max(map(len, places), default=0)
    for hop, where in zip(hops, places, strict=True):
        time = f"{hop['ms']:7.1f} ms" if hop.get("ms") is not None else ""
        note = f"  {hop['note']}" if hop.get("note") else ""
        lines.append(f"{hop['ttl']:>2}  {where.ljust(width)}{time}{note}".rstrip())
    if value.get("note"):
        lines.append(value["note"])
    return summary, lines


_WRITERS: dict[Part, Callable[[Any], tuple[str, list[str]]]] = {
    Part.TRIED: _tried,
    Part.NAMES: _names,
    Part.CHAIN: _chain,
    Part.ANSWERS: _answers,
    Part.BODY: _body,
    Part.ROUTE: _route,
}
