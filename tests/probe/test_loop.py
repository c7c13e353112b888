"""The loop: order, timers, threads, and that no callback can end it."""

from __future__ import annotations

import socket
import threading
import time
from typing import Iterator, List, Tuple

import pytest
from pingmon_probe.loop import BEAT_S, MAX_FAILURES_IN_A_ROW, Loop


@pytest.fixture(params=["auto", "select"])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    made = Loop(request.param)
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[Tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    yield near, far
    near.close()
    far.close()


def test_loop_unknown_poller_is_refused() -> None:
    with pytest.raises(ValueError, match="auto or select"):
        Loop("kqueue")


def test_loop_timers_run_in_order_and_never_early(loop: Loop) -> None:
    seen: List[Tuple[str, float]] = []
    start_s = loop.now()

    def note(name: str) -> None:
        seen.append((name, loop.now() - start_s))

    loop.call_at(start_s + 0.020, note, "second")
    loop.call_at(start_s + 0.010, note, "first")
    loop.call_at(start_s + 0.030, loop.stop)
    loop.run()
    assert [name for name, _ in seen] == ["first", "second"]
    assert seen[0][1] >= 0.010 and seen[1][1] >= 0.020


def test_loop_cancelled_timer_does_not_run(loop: Loop) -> None:
    timer = loop.call_at(loop.now() + 0.005, pytest.fail, "a cancelled timer ran")
    timer.cancel()
    timer.cancel()
    loop.call_at(loop.now() + 0.015, loop.stop)
    loop.run()


def test_loop_timer_that_ran_may_be_cancelled(loop: Loop) -> None:
    timer = loop.call_at(loop.now(), loop.stop)
    loop.run()
    timer.cancel()
    loop.call_soon(loop.stop)
    loop.run()


def test_loop_many_cancelled_timers_are_swept_out(loop: Loop) -> None:
    far_s = loop.now() + 3600
    for _ in range(10_000):
        loop.call_at(far_s, pytest.fail).cancel()
    assert len(loop._timers) < 1000


def test_loop_calls_read_and_write_and_stops_when_unwatched(
    loop: Loop, pair: Tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    seen: List[str] = []

    def writable() -> None:
        seen.append("write")
        loop.watch(near, readable=readable)
        far.send(b"x")

    def readable() -> None:
        seen.append("read")
        loop.unwatch(near)
        loop.unwatch(near)
        far.send(b"y")
        loop.call_at(loop.now() + 0.02, loop.stop)

    loop.watch(near, writable=writable)
    loop.run()
    assert seen == ["write", "read"]


def test_loop_socket_closed_by_its_neighbour_in_the_same_turn_is_left_alone(loop: Loop) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    calls: List[int] = []

    def first_come(place: int) -> None:
        calls.append(place)
        other = pairs[1 - place][0]
        loop.unwatch(other)
        other.close()
        loop.unwatch(pairs[place][0])
        loop.call_soon(loop.stop)

    for place, (near, far) in enumerate(pairs):
        loop.watch(near, readable=lambda place=place: first_come(place))
        far.send(b"x")
    loop.run()
    assert len(calls) == 1
    for near, far in pairs:
        near.close()
        far.close()


def test_loop_call_soon_runs_in_order_and_lets_sockets_in_between(
    loop: Loop, pair: Tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    seen: List[str] = []

    def again(left: int) -> None:
        seen.append("call")
        if left:
            loop.call_soon(again, left - 1)
        else:
            loop.stop()

    def readable() -> None:
        seen.append("read")
        near.recv(10)

    loop.watch(near, readable=readable)
    far.send(b"x")
    loop.call_soon(again, 3)
    loop.run()
    assert seen.index("read") <= 1
    assert seen.count("call") == 4


def test_loop_takes_calls_from_other_threads(loop: Loop) -> None:
    seen: List[int] = []

    def work(place: int) -> None:
        for n in range(50):
            loop.call_soon_threadsafe(seen.append, place * 1000 + n)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    loop.call_at(loop.now() + 0.01, lambda: [thread.join() for thread in threads] and loop.stop())
    loop.run()
    assert sorted(seen) == sorted(place * 1000 + n for place in range(4) for n in range(50))
    assert [n for n in seen if n < 1000] == list(range(50))


def test_loop_is_woken_from_its_sleep_by_another_thread(loop: Loop) -> None:
    started_s = time.monotonic()
    thread = threading.Timer(0.05, loop.stop)
    loop.call_at(loop.now() + 20, pytest.fail, "slept through")
    thread.start()
    loop.run()
    thread.join()
    assert time.monotonic() - started_s < 15


def test_loop_after_close_takes_no_more_calls() -> None:
    loop = Loop()
    loop.close()
    loop.close()
    loop.call_soon_threadsafe(pytest.fail)


def test_loop_errors_in_callbacks_go_to_the_hook_and_end_nothing(pair: Tuple[socket.socket, socket.socket]) -> None:
    errors: List[Tuple[str, str]] = []
    loop = Loop(on_error=lambda what, exc: errors.append((what, str(exc))))
    near, far = pair

    def fail(words: str) -> None:
        raise RuntimeError(words)

    loop.call_soon(fail, "soon")
    loop.call_at(loop.now(), fail, "timer")
    loop.watch(near, readable=lambda: fail("socket"))
    far.send(b"x")
    loop.call_at(loop.now() + 0.02, loop.stop)
    loop.run()
    loop.close()
    assert ("a call", "soon") in errors and ("a timer", "timer") in errors
    # The socket stays readable and its callback never reads: it is let go after so many failures.
    assert errors.count(("a socket's callback", "socket")) == MAX_FAILURES_IN_A_ROW


def test_loop_error_is_logged_where_no_hook_is_given(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    logger = logging.getLogger("pingmon_probe.loop")
    logger.propagate = False  # what is expected here is no complaint of the whole run
    logger.addHandler(caplog.handler)
    try:
        loop.call_soon(lambda: 1 // 0)
        loop.call_soon(loop.stop)
        loop.run()
    finally:
        logger.removeHandler(caplog.handler)
        logger.propagate = True
    assert "a call of the loop failed" in caplog.text and "ZeroDivisionError" in caplog.text


def test_loop_sockets_come_before_timers_after_a_stall(loop: Loop, pair: Tuple[socket.socket, socket.socket]) -> None:
    """What arrived in time must not be taken for a timeout because the loop itself was late."""
    near, far = pair
    seen: List[str] = []

    def readable() -> None:
        seen.append("data")
        near.recv(10)

    def time_out() -> None:
        seen.append("timeout")
        loop.stop()

    def stall() -> None:
        far.send(b"x")
        loop.call_at(loop.now() + 0.001, time_out)
        time.sleep(0.03)

    loop.watch(near, readable=readable)
    loop.call_soon(stall)
    loop.run()
    assert seen == ["data", "timeout"]


def test_loop_lateness_counts_a_stall_with_all_its_beats(loop: Loop) -> None:
    assert loop.lateness_p99_ms() == 0.0
    loop.call_at(loop.now() + 0.01, time.sleep, 10 * BEAT_S)
    loop.call_at(loop.now() + 12 * BEAT_S, loop.stop)
    loop.run()
    assert loop.lateness_p99_ms() >= 3 * BEAT_S * 1000


def test_loop_with_a_few_late_beats_is_not_late(loop: Loop) -> None:
    """One in a hundred of a whole minute's beats may be late: six."""
    loop._beat_timer = loop.call_at(loop.now() + 60.0, loop.stop)
    for number in range(1, 8):
        assert loop.lateness_p99_ms() == 0.0
        loop._beat(loop.now() - 0.09)
        assert (loop.lateness_p99_ms() > 80) == (number > 6)


def test_loop_that_was_stopped_for_long_is_not_late_for_a_minute(loop: Loop) -> None:
    """As after the machine's sleep: what the loop missed says nothing about how it keeps up now."""
    loop._beat_timer = loop.call_at(loop.now() + 60.0, loop.stop)
    loop._beat(loop.now() - 1.5)
    assert loop.lateness_p99_ms() > 400
    loop._beat(loop.now() - 40.0)
    assert loop.lateness_p99_ms() == 0.0


def test_loop_may_run_again_after_it_has_stopped(loop: Loop) -> None:
    for _ in range(3):
        loop.call_soon(loop.stop)
        loop.run()
