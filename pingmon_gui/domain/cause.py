"""Cause: what tells that several things that went wrong are one, so that they are told as one.

Same cause: the same failure class, begun within 20 s of each other, and the same regions, a resolved address or a
registrable domain in common.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SAME_CAUSE_MS = 20_000


@dataclass(frozen=True)
class Cause:
    """What is known of why. Of several joined ones: everything any of them has; `since_ms` is the first one's."""

    failure: str
    since_ms: int
    region_sets: frozenset[frozenset[str]] = frozenset()
    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def is_shared_with(self, other: Cause) -> bool:
        return (
            self.failure == other.failure
            and abs(self.since_ms - other.since_ms) <= SAME_CAUSE_MS
            and not (
                self.region_sets.isdisjoint(other.region_sets)
                and self.addresses.isdisjoint(other.addresses)
                and self.domains.isdisjoint(other.domains)
            )
        )

    def joined(self, other: Cause) -> Cause:
        if (
            other.region_sets <= self.region_sets
            and other.addresses <= self.addresses
            and other.domains <= self.domains
            and other.since_ms >= self.since_ms
        ):
            return self
        return Cause(
            self.failure,
            min(self.since_ms, other.since_ms),
            self.region_sets | other.region_sets,
            self.addresses | other.addresses,
            self.domains | other.domains,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "failure": self.failure,
            "since_ms": self.since_ms,
            "region_sets": [sorted(regions) for regions in self.region_sets],
            "addresses": sorted(self.addresses),
            "domains": sorted(self.domains),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Cause:
        """Read what `to_json` wrote. Raises KeyError, TypeError."""
        return cls(
            document["failure"],
            document["since_ms"],
            frozenset(frozenset(regions) for regions in document["region_sets"]),
            frozenset(document["addresses"]),
            frozenset(document["domains"]),
        )


@functools.lru_cache(maxsize=4_096)
def registrable_domain(url: str) -> str:
    """Return the part of a URL's host that somebody registered: `a.shop.example.co.uk` gives `example.co.uk`.

    By the public suffix list that comes with the library; an address or a name without a suffix is itself. The first
    call reads the list and takes about 40 ms.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _suffixes().privatesuffix(host) or host
    return host


@functools.cache
def _suffixes() -> Any:
    # Imported when needed: nobody needs it before something goes wrong.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
