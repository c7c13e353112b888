"""What became of a damaged database: what could be saved of it, and what was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kept(StrEnum):
    """Kinds of what a database keeps, in the order in which they are saved."""

    DOMAINS = "domains"
    SETTINGS = "settings"
    PROBES = "probes"
    RESULTS = "results"
    ROLLUPS = "roll-ups"
    INCIDENTS = "incidents"
    OTHER = "other entries"


@dataclass(frozen=True)
class Count:
    """How many of a kind were saved and lost.

    `is_about`: the number lost is a guess from pages like those; `is_least`: nobody knows how many more there were.
    """

    kind: Kept
    saved: int
    lost: int
    is_about: bool = False
    is_least: bool = False

    @property
    def is_whole(self) -> bool:
        return self.lost == 0 and not self.is_about and not self.is_least

    def __add__(self, other: Count) -> Count:
        return Count(
            self.kind,
            self.saved + other.saved,
            self.lost + other.lost,
            self.is_about or other.is_about,
            self.is_least or other.is_least,
        )


class Remark(StrEnum):
    """What a person has to know and to do; the number beside it says how many."""

    REBUILT_DOMAINS = "rebuilt domains"
    REBUILT_PROBES = "rebuilt probes"
    UNKNOWN_PROBES = "unknown probes"
    NEW_OWNER = "new owner"
    LOST_CHANGES = "lost changes"
    CURSORS = "cursors"


@dataclass(frozen=True)
class Rescued:
    """`aside` is where the damaged file lies now; `counts` has one of each kind there was anything of."""

    aside: Path
    counts: tuple[Count, ...]
    remarks: tuple[tuple[Remark, int], ...] = ()

    def count(self, kind: Kept) -> Count:
        return next((one for one in self.counts if one.kind is kind), Count(kind, 0, 0))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be lost."""
        return all(one.is_whole for one in self.counts) and not self.remarks


def added_up(counts: Sequence[Count]) -> tuple[Count, ...]:
    """Return one count per kind, in the order of the kinds, without those that there was nothing of."""
    found: dict[Kept, Count] = {}
    for one in counts:
        found[one.kind] = found[one.kind] + one if one.kind in found else one
    return tuple(found[kind] for kind in Kept if kind in found and (found[kind].saved or not found[kind].is_whole))
