"""What RDAP's documents say (RFC 9083, RFC 9224); what does not fit is passed over, or a sentence."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pingmon_gui.domain.alert_news import subject_of
from pingmon_gui.domain.registration import RegistryAnswer

#: The first and the last year that is believed of a registration's end.
_YEARS = range(1990, 2200)
_MOST_CHARACTERS = 400


class UnreadableDocument(Exception):
    """A document is not what it has to be; `str()` says in which way."""


def bases(document: object, name: str) -> list[str]:
    """Return where the registry of a name answers, best first, by the list of registries; none if it does not.

    The entry with the most labels counts (RFC 9224, 4). Raises UnreadableDocument.
    """
    if not isinstance(document, dict) or not isinstance(document.get("services"), list):
        raise UnreadableDocument("it is no list of registries")
    labels = name.split(".")
    suffixes = [".".join(labels[place:]) for place in range(len(labels))]
    best, found = len(suffixes), []
    for service in document["services"]:
        if not isinstance(service, list) or len(service) != 2 or not all(isinstance(part, list) for part in service):
            continue
        entries = {entry.lower().strip(".") for entry in service[0] if isinstance(entry, str)}
        place = next((place for place, suffix in enumerate(suffixes[:best]) if suffix in entries), None)
        if place is not None:
            best, found = place, [url for url in service[1] if isinstance(url, str) and len(url) <= _MOST_CHARACTERS]
    return sorted((url if url.endswith("/") else f"{url}/" for url in found), key=lambda url: url[:6] != "https:")


def answer_of(document: object, name: str, source: str, server: str) -> RegistryAnswer:
    """Return what a domain object says. Raises UnreadableDocument where it is none, or one of another name."""
    if not isinstance(document, dict) or document.get("objectClassName", "domain") != "domain":
        raise UnreadableDocument("it describes no domain")
    shown = document.get("ldhName", name)
    if not isinstance(shown, str) or shown.rstrip(".").lower() != name:
        raise UnreadableDocument("it describes another domain")
    ends = [end for event in _mappings(document, "events") if (end := _end_of(event)) is not None]
    if not ends:
        return RegistryAnswer(server=server, problem="The registry does not tell until when names are registered.")
    # One of two that differ is told too early rather than too late.
    return RegistryAnswer(min(ends), _registrar(document), source, server)


def _end_of(event: Mapping[str, Any]) -> int | None:
    """Return when a registration ends by one of its events, in Unix ms; None if it is about something else."""
    text = event.get("eventDate")
    if event.get("eventAction") != "expiration" or not isinstance(text, str) or len(text) > 40:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text.strip().upper())
        # RFC 3339 wants an offset; where there is none, registries mean UTC.
        moment = moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return round(moment.timestamp() * 1000) if moment.year in _YEARS else None


def _registrar(document: Mapping[str, Any]) -> str:
    """Return the registrar's name, "" where none is told."""
    for entity in _mappings(document, "entities"):
        roles = entity.get("roles")
        if isinstance(roles, list) and "registrar" in roles:
            name = _full_name(entity.get("vcardArray")) or entity.get("handle")
            return subject_of(name[:_MOST_CHARACTERS]) if isinstance(name, str) else ""
    return ""


def _full_name(card: object) -> str | None:
    """Return the `fn` of a jCard (RFC 7095): `["vcard", [["fn", {}, "text", "Example Inc."], …]]`."""
    properties = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for one in properties:
        if isinstance(one, list) and len(one) > 3 and one[0] == "fn" and isinstance(one[3], str):
            return one[3]
    return None


def _mappings(document: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found: Sequence[object] = value if isinstance(value := document.get(key), list) else []
    return (one for one in found if isinstance(one, dict))
