"""Several changes carried out as one: the board, the events and the probes follow what the store kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.monitor import MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.engine.event import MonitorsChanged, PreferencesChanged
from tests.engine.fakes import monitor, until
from tests.engine.test_engine import Bench


def test_change_is_shown_told_and_measured() -> None:
    async def check() -> None:
        bench = Bench(monitor(2), monitor(3), monitor(4))
        async with bench.running():
            await bench.connected()
            board = bench.engine.board
            faster = replace(board.monitors[MonitorId(3)], settings=MonitorSettings(interval_ms=5_000))
            change = ConfigurationChange(
                added=(MonitorDraft("https://new.example/"), MonitorDraft("https://off.example/", is_paused=True)),
                changed=(faster, monitor(99)),
                removed=(MonitorId(2), MonitorId(98)),
                preferences={"theme": "dark"},
            )
            applied = await bench.engine.commands.apply(change)
            new, off = applied.added
            assert [found.id for found in applied.changed] == [3]
            assert sorted(board.monitors) == sorted([3, 4, new.id, off.id])
            assert board.monitors[off.id].is_paused
            assert MonitorsChanged(removed=(MonitorId(2),)) in bench.events
            assert MonitorsChanged(added=(new.id, off.id), changed=(MonitorId(3),)) in bench.events
            assert PreferencesChanged(applied.preferences) in bench.events
            assert bench.engine.commands.preferences["theme"] == "dark"
            # A start measures all of them once, at their first version.
            await until(lambda: {(3, 2), (new.id, 1)} <= {(spec.monitor, spec.version) for spec in bench.link.checked})
            assert off.id not in {spec.monitor for spec in bench.link.checked}
            assert {spec.monitor for spec in bench.link.plans[-1].checks} == {3, 4, new.id}

    asyncio.run(check())


def test_change_that_does_not_fit_changes_nothing() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            change = ConfigurationChange(removed=(MonitorId(2),), preferences={"theme": "pink"})
            with pytest.raises(SettingsError):
                await bench.engine.commands.apply(change)
            assert list(bench.engine.board.monitors) == [2]

    asyncio.run(check())
