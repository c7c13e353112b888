"""Whose plan the probe has, which revision may replace it, until when it holds, and its copy on disk."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

from .disk import Disk
from .protocol import Plan, ProtocolError

_log = logging.getLogger(__name__)

#: How often the time at which the owner was last seen goes to disk.
SEEN_EVERY_S = 600.0
#: Ends the file; without it something is missing.
_LAST_LINE = "end"


class PlanRefused(Exception):
    """The plan may not replace the current one: it has another `owner`, or too low a `revision`."""

    def __init__(self, owner: Optional[str] = None, revision: Optional[int] = None) -> None:
        super().__init__("another owner" if owner is not None else "revision too low")
        self.owner = owner
        self.revision = revision


class Kept(NamedTuple):
    """A plan and the hash of its content, so that it is not made twice."""

    plan: Plan
    content_hash: str


class PlanKeeper:
    """The rules of architecture 4; the file holds `basic_auth`, so only its owner may read it."""

    def __init__(self, path: Path, disk: Disk, now_s: Callable[[], float], wall_ms: Callable[[], int]) -> None:
        self._path = path
        self._disk = disk
        self._now_s = now_s
        self._wall_ms = wall_ms
        self._lease_until_s: Optional[float] = None
        self._seen_saved_s = 0.0
        self.current: Optional[Kept] = None

    @property
    def lease_until_ms(self) -> Optional[int]:
        """Wall time at which measuring stops, None without a plan."""
        if self._lease_until_s is None:
            return None
        return self._wall_ms() + int((self._lease_until_s - self._now_s()) * 1000)

    @property
    def lease_until_s(self) -> Optional[float]:
        return self._lease_until_s

    def check(self, plan: Plan, content_hash: str) -> bool:
        """Return whether a plan differs in content from the current one. Raises PlanRefused.

        The same revision with other content is refused as well: a result names only the revision.
        """
        if self.current is None:
            return True
        current = self.current.plan
        if plan.owner != current.owner:
            if not plan.take_over:
                raise PlanRefused(owner=current.owner)
            return True
        is_changed = content_hash != self.current.content_hash
        if plan.revision < current.revision or (plan.revision == current.revision and is_changed):
            raise PlanRefused(revision=current.revision)
        return is_changed

    def take(self, kept: Kept) -> None:
        """Make a checked plan the current one and begin its lease."""
        self.current = kept
        self.renew()

    def renew(self) -> bool:
        """Begin the lease anew: the owner was seen. Return whether that should go to disk again (`save`)."""
        if self.current is None:
            return False
        now_s = self._now_s()
        self._lease_until_s = now_s + self.current.plan.lease_s
        if now_s - self._seen_saved_s < SEEN_EVERY_S:
            return False
        self._seen_saved_s = now_s
        return True

    def save(self, kept: Kept) -> None:
        """Write a plan to disk, with this moment as the one at which its owner was seen. Blocking. Raises OSError."""
        plan = kept.plan
        head = replace(plan, checks=()).to_json()
        # A line for each check: encoding a large plan in one call would hold up the measuring loop.
        lines = [json.dumps({"seen_at_ms": self._wall_ms(), "plan": head})]
        lines += [json.dumps(check.to_json(), separators=(",", ":")) for check in plan.checks]
        lines.append(_LAST_LINE)
        self._disk.replace(self._path, "\n".join(lines).encode("ascii"))

    def load(self) -> None:
        """Take up the plan that is on disk, with what is left of its lease. A damaged file counts as none."""
        try:
            first, *lines, last = self._path.read_text("ascii").split("\n")
            if last != _LAST_LINE:
                raise ValueError("its end is missing")
            document: Any = json.loads(first)
            plan = Plan.from_json({**document["plan"], "checks": [json.loads(line) for line in lines]})
            seen_at_ms = int(document["seen_at_ms"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, ProtocolError) as exc:
            _log.error("the stored plan cannot be read, waiting for a new one: %s", exc)
            return
        self.current = Kept(plan, plan.content_hash)
        away_s = max(0.0, (self._wall_ms() - seen_at_ms) / 1000)
        self._lease_until_s = self._now_s() + plan.lease_s - away_s
