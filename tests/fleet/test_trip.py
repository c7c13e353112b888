"""How far a probe's clock is off, whatever the way there does to packets."""

from __future__ import annotations

import asyncio

import pytest

from pingmon_gui.fleet.trip import ClockOffset, Trip


def test_trip_is_neither_the_making_of_a_connection_nor_a_late_body() -> None:
    now_s = 100.0
    trip = Trip(lambda: now_s)

    async def run() -> None:
        nonlocal now_s
        for event, at_s in (
            ("connection.connect_tcp.started", 100.0),
            ("connection.connect_tcp.complete", 100.9),
            ("http11.send_request_headers.started", 101.0),
            ("http11.send_request_headers.complete", 101.01),
            ("http11.receive_response_headers.complete", 101.2),
            ("http11.receive_response_body.complete", 101.7),
        ):
            now_s = at_s
            await trip(event, {})

    asyncio.run(run())
    assert trip.round_ms == pytest.approx(200)
    # Now, at 101.7, the app's clock says 50,700 ms: at mid trip, 101.1, it said 50,100.
    assert trip.offset_ms(50_100, 50_700) == pytest.approx(0, abs=0.001)
    assert trip.offset_ms(50_350, 50_700) == pytest.approx(250)


def test_offset_of_the_shortest_trip_counts_until_it_has_faded() -> None:
    clock = ClockOffset()
    assert clock.take(-60.0, 180.0, 0.0) == -60.0  # one side of the way was held up
    assert clock.take(1.0, 60.0, 5.0) == 1.0
    assert clock.take(-45.0, 150.0, 10.0) == 1.0
    assert clock.take(3.0, 61.0, 20.0) == 3.0  # as good as what was known 15 s ago


def test_clock_that_was_set_is_believed_however_long_the_trip() -> None:
    clock = ClockOffset()
    clock.take(1.0, 60.0, 0.0)
    assert clock.take(5_000.0, 150.0, 1.0) == 5_000.0
