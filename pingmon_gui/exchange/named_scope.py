"""Which domains a rule or a window of a file is for: by their addresses, since ids mean nothing elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId, parse_tags
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange.declared_field import Field, KeyWrong, read_tags, read_urls
from pingmon_gui.exchange.reading import listed, mapped

#: The keys of a `pingmon.toml` for it.
SCOPE_FIELDS: dict[str, Field] = {"domains": ("urls", read_urls), "tags": ("tags", read_tags)}

Urls = tuple[str, ...]


def scope_json(scope: Scope, urls: Mapping[MonitorId, str]) -> dict[str, Any]:
    """Return a scope for an export."""
    domains = sorted(urls[id_] for id_ in scope.monitors if id_ in urls)
    return {"all": scope.is_all, "tags": sorted(scope.tags), "domains": domains}


def read_scope(value: Any) -> tuple[Scope, Urls]:
    """Read what `scope_json` wrote: a scope, and addresses that it is for besides. Raises InvalidInput."""
    scope = mapped(value)
    if scope.get("all") is True:
        return EVERYTHING, ()
    tags = frozenset(parse_tags(",".join(str(tag) for tag in listed(scope.get("tags")))))
    return _named(tags, tuple(parse_target(str(url)).url for url in listed(scope.get("domains"))))


def declared_scope(values: Mapping[str, Any]) -> tuple[Scope, Urls]:
    """Return what the keys of a table say, by our names. Raises KeyWrong."""
    if "tags" not in values and "urls" not in values:
        return EVERYTHING, ()
    try:
        return _named(frozenset(values.get("tags", ())), tuple(values.get("urls", ())))
    except InvalidInput as exc:
        raise KeyWrong("domains", exc.message, "Leave out domains and tags, and it is for all.") from exc


def scope_pairs(scope: Scope, named: Urls, urls: Mapping[MonitorId, str]) -> dict[str, Any]:
    """Return what a `pingmon.toml` says of a scope and of addresses it is for besides."""
    if scope.is_all and not named:
        return {}
    domains = sorted({*named, *(urls[id_] for id_ in scope.monitors if id_ in urls)})
    pairs: dict[str, Any] = {"domains": domains} if domains or not scope.tags else {}
    return pairs | ({"tags": sorted(scope.tags)} if scope.tags else {})


def watched_of(what: str, scope: Scope, named: Urls, watched: Collection[str]) -> tuple[Urls | None, str | None]:
    """Return which of the addresses are watched, None if it is for no domain without them; and what is to be said."""
    kept = tuple(url for url in named if url in watched)
    lost = len(named) - len(kept)
    if lost and not kept and not scope.tags:
        return None, f"{what} is left out: none of its domains is there."
    return kept, f"{what} loses {lost} of its domains: they are not there." if lost else None


def _named(tags: frozenset[str], urls: Urls) -> tuple[Scope, Urls]:
    if not tags and not urls:
        raise InvalidInput("It is for no domain.")
    return Scope(False, tags) if tags else EVERYTHING, urls
