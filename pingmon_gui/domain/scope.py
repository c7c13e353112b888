"""Which domains something is for: an alert rule, a maintenance window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, MonitorId


@dataclass(frozen=True)
class Scope:
    """Which domains: all, those with one of some tags, or chosen ones; tags and chosen ones add up."""

    is_all: bool = True
    tags: frozenset[str] = frozenset()
    monitors: frozenset[MonitorId] = frozenset()

    def __post_init__(self) -> None:
        if not self.is_all and not self.tags and not self.monitors:
            raise InvalidInput("It needs domains: all, some tags, or some that are chosen.")

    def holds(self, monitor: MonitorId, tags: frozenset[str]) -> bool:
        """Return whether a monitor is meant; `tags` are its tags, case folded."""
        return self.is_all or monitor in self.monitors or any(tag.casefold() in tags for tag in self.tags)

    def covers(self, monitor: Monitor) -> bool:
        """Return whether a monitor is meant."""
        return self.holds(monitor.id, frozenset(tag.casefold() for tag in monitor.tags))

    def to_json(self) -> dict[str, Any]:
        return {"all": self.is_all, "tags": sorted(self.tags), "monitors": sorted(self.monitors)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Scope:
        """Read what `to_json` wrote. Raises InvalidInput, AttributeError, TypeError, ValueError for anything else."""
        return cls(
            document.get("all") is True,
            frozenset(str(tag) for tag in document.get("tags", ())),
            frozenset(MonitorId(int(id_)) for id_ in document.get("monitors", ())),
        )


EVERYTHING = Scope()
