"""What is in a copy of the database, for those who decide whether to put it in place of the present one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pingmon_gui.domain.history import HOUR_MS

#: Hears how much of a long piece of work is done: from 0 to 1. It may raise UserCancelled.
Progress = Callable[[float], None]


@dataclass(frozen=True)
class BackupFacts:
    """`from_ms` and `to_ms` are the hours of the oldest and the newest result, None where there is none.

    `made_at_ms` is None for a file that no backup made: one that was copied by hand, or set aside.
    """

    path: Path
    file_bytes: int
    schema: int
    domains: int
    remote_probes: int
    with_passwords: int
    results: int
    from_ms: int | None
    to_ms: int | None
    made_at_ms: int | None

    @property
    def until_ms(self) -> int | None:
        """Up to when there are results: a backup that was made within the last hour has none of the hour's rest."""
        if self.to_ms is None or self.made_at_ms is None or self.made_at_ms < self.to_ms - HOUR_MS:
            return self.to_ms
        return min(self.to_ms, self.made_at_ms)


@dataclass(frozen=True)
class Restored:
    """A backup took the place of the database; `aside` is where that is kept."""

    facts: BackupFacts
    aside: Path
