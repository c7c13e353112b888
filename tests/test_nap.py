"""Waiting."""

from __future__ import annotations

import asyncio

from pingmon_gui.nap import BackOff, Nap


def test_back_off_doubles_up_to_a_minute_and_begins_anew() -> None:
    back_off = BackOff(spread=lambda: 1.0)
    assert [back_off.next_s() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    back_off.reset()
    assert back_off.next_s() == 0.5


def test_back_off_is_spread_so_that_probes_do_not_march_in_step() -> None:
    spread = iter([0.0, 0.5, 1.0])
    back_off = BackOff(spread=lambda: next(spread))
    assert [back_off.next_s() for _ in range(3)] == [0.25, 0.75, 2.0]


def test_nap_ends_by_itself_or_when_woken() -> None:
    async def check() -> None:
        nap = Nap()
        nap.wake()  # nobody sleeps: harmless
        await nap.sleep(0.0)
        sleeper = asyncio.create_task(nap.sleep(3_600.0))
        await asyncio.sleep(0)
        nap.wake()
        await sleeper

    asyncio.run(check())
