"""Whose clock is right: this computer's, unless most of at least three probes agree on another time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.probe import Probe, ProbeState, Transport
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.engine.clock import clock_error_ms
from pingmon_gui.engine.engine import Engine
from pingmon_gui.engine.event import Event, Notice
from pingmon_gui.engine.link import StreamHeader
from tests.conftest import ExpectLog
from tests.engine.fakes import START_MS, FakeClock, FakeLink, FakeStore, heartbeat, monitor, probe, until
from tests.test_session_probe import ACCESS


@pytest.mark.parametrize(
    ("ahead_ms", "error_ms"),
    [
        ([], None),
        ([100_000, 100_000], None),  # two are too few
        ([0, 0, 0], 0.0),
        ([1_900, -1_900, 0], 0.0),
        ([90_000, 90_500, 91_000], -90_500.0),  # this computer is behind
        ([-90_000, -90_000, -90_000], 90_000.0),
        ([90_000, 90_000, 0], -90_000.0),  # two of three agree
        ([90_000, 0, -90_000], None),  # nobody agrees
        ([90_000, 90_000, 0, 0], None),  # half is not most
        ([0, 0, 0, 90_000], 0.0),  # one that is off is off by itself
    ],
)
def test_most_of_three_or_more_probes_decide(ahead_ms: list[float], error_ms: float | None) -> None:
    assert clock_error_ms(ahead_ms) == error_ms


@given(
    st.floats(-1e8, 1e8),
    st.lists(st.floats(-900, 900), min_size=3, max_size=7),
    st.lists(st.floats(-1e9, 1e9), max_size=2),
)
def test_a_majority_that_agrees_is_followed_whatever_the_others_say(
    shift_ms: float, jitter_ms: list[float], others_ms: list[float]
) -> None:
    error_ms = clock_error_ms([shift_ms + jitter for jitter in jitter_ms] + others_ms)
    assert error_ms is not None
    assert abs(error_ms + shift_ms) <= 3_000 or (error_ms == 0 and abs(shift_ms) <= 3_000)


def remote(place: int) -> Probe:
    return Probe(ProbeId(10 + place), f"probe {place}", REGIONS[1 + place], Transport.TUNNEL, ACCESS)


def test_computer_whose_clock_is_wrong_says_so_and_uses_the_probes_time(expect_log: ExpectLog) -> None:
    expect_log("clock is 200 s behind")

    async def check() -> None:
        clock = FakeClock()
        links = [FakeLink(probe(), clock), *(FakeLink(remote(place), clock) for place in range(3))]
        for link in links[1:]:
            link.header = StreamHeader("spool", 1, 0, (), START_MS + 200_000, 200_000.0)
        engine = Engine(FakeStore(monitor(2)), links, clock)
        events: list[Event] = []
        engine.hub.subscribe(events.append)
        await engine.start()
        try:
            board = engine.board
            await until(lambda: all(health.state is ProbeState.CONNECTED for health in board.probes.values()))
            assert not board.probes[10].votes  # as long as this computer is believed
            await engine.tick(1.0, 1.0)
            assert clock.now_ms() == START_MS + 200_000
            assert board.probes[10].votes and board.probes[10].clock_offset_ms == 0.0
            assert "200 s behind" in board.cards().health
            assert any(isinstance(event, Notice) for event in events)
            opened = len(links[1].opened)
            for link in links[1:]:
                link.header = StreamHeader("spool", 1, 0, (), START_MS + 200_000, 0.0)
                link.feed(heartbeat())
            await until(lambda: len(links[1].opened) > opened)  # measured anew
            await engine.tick(1.0, 1.0)
            assert clock.error_ms == -200_000.0
            for link in links[1:]:
                link.header = StreamHeader("spool", 1, 0, (), START_MS, -200_000.0)  # somebody set the clock
                link.feed(None)
            await until(lambda: board.probes[10].clock_offset_ms == -200_000.0)
            await until(lambda: board.probes[11].clock_offset_ms == -200_000.0)
            await engine.tick(1.0, 1.0)
            assert clock.error_ms == 0.0 and "clock" not in board.cards().health
        finally:
            await engine.stop()

    asyncio.run(check())
