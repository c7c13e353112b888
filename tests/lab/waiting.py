"""Waiting for what happens on hosts and in other processes, by condition and never by time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

#: A busy machine takes its time; who waits longer waits for something that does not come.
PATIENCE_S = 90.0


def wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    """Wait outside the loop. Fails the test with the complaint."""
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > until_s:
            pytest.fail(complaint)
        time.sleep(0.05)


async def until(is_so: Callable[[], bool], complaint: str) -> None:
    """Wait on the loop. Fails the test with the complaint."""
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > until_s:
            pytest.fail(complaint)
        await asyncio.sleep(0.05)
