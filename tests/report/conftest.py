from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.store.store import Store
from tests.report import story


@dataclass(frozen=True)
class Told:
    """The story as a file, and its domain."""

    path: Path
    monitor: Monitor

    def open(self) -> Store:
        return Store.open(self.path, read_only=True, now_ms=lambda: story.NOW_MS)


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Return the story; nobody writes to it."""
    path = tmp_path_factory.mktemp("story") / "pingmon.db"
    yield Told(path, asyncio.run(story.write(path)))
