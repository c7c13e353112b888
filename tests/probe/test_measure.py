"""The measurer: starts, limits, one result per start, and what becomes of bugs."""

from __future__ import annotations

import gc
import logging
from typing import Any, Callable, Iterator, List

import pytest
from pingmon_probe import checks
from pingmon_probe.check import Run, Running
from pingmon_probe.connection import Connection
from pingmon_probe.protocol import KINDS, CheckResult, CheckSpec

from .conftest import Rig
from .targets import Targets


@pytest.fixture
def quiet() -> Iterator[List[logging.LogRecord]]:
    """Collect what the probe logs, and keep it from counting as unexpected."""
    records: List[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger, handler = logging.getLogger("pingmon_probe"), Keep()
    logger.addHandler(handler)
    logger.propagate = False
    yield records
    logger.propagate = True
    logger.removeHandler(handler)


def test_measurer_passes_its_marks_through(rig: Rig, targets: Targets) -> None:
    box: List[CheckResult] = []

    def done(result: CheckResult) -> None:
        box.append(result)
        rig.loop.stop()

    spec = CheckSpec(targets.url("/fast"))
    rig.measurer.start(spec, None, done, on_demand=True, recheck=True, revision=9)
    rig.run()
    assert (box[0].on_demand, box[0].recheck, box[0].revision) == (True, True, 9)


def test_measurer_waiting_for_a_start_is_late_not_slow(rig: Rig, targets: Targets) -> None:
    box: List[CheckResult] = []

    def done(result: CheckResult) -> None:
        box.append(result)
        rig.loop.stop()

    rig.measurer.start(CheckSpec(targets.url("/fast")), rig.loop.now() - 0.2, done)
    rig.run()
    assert box[0].late_ms >= 200
    assert box[0].total_ms is not None and box[0].queue_ms < box[0].late_ms


def test_measurer_starts_at_most_two_per_turn(rig: Rig, targets: Targets) -> None:
    silent = f"http://127.0.0.1:{targets.silent()}/"
    starts: List[int] = []

    def watch() -> None:
        starts.append(rig.measurer.in_flight)
        if rig.measurer.in_flight == 20:
            rig.loop.stop()
        else:
            rig.loop.call_soon(watch)

    for _ in range(20):
        rig.measurer.start(CheckSpec(silent), None, lambda result: None)
    assert (rig.measurer.in_flight, rig.measurer.waiting) == (0, 20)
    rig.loop.call_soon(watch)
    rig.run()
    steps = [after - before for before, after in zip(starts, starts[1:])]
    assert max(steps) <= 2 and starts[-1] == 20


def test_measurer_holds_back_beyond_its_limit(rig: Rig, targets: Targets) -> None:
    rig.reconfigure(max_in_flight=3)
    most: List[int] = []
    left = [10]

    def done(result: CheckResult) -> None:
        most.append(rig.measurer.in_flight)
        left[0] -= 1
        if not left[0]:
            rig.loop.stop()

    for _ in range(10):
        rig.measurer.start(CheckSpec(targets.url("/sleep/5")), None, done)
    rig.run()
    assert len(most) == 10 and max(most) <= 2  # the one that is done does not count any more


def test_measurer_close_ends_everything_silently(rig: Rig, targets: Targets) -> None:
    silent = targets.silent()
    for scheme in ("http", "https"):
        for _ in range(3):
            rig.measurer.start(
                CheckSpec(f"{scheme}://127.0.0.1:{silent}/"), None, lambda result: pytest.fail("a result")
            )
    rig.loop.call_at(rig.loop.now() + 0.03, rig.measurer.close)
    rig.loop.call_at(rig.loop.now() + 0.06, rig.loop.stop)
    rig.run()
    assert rig.measurer.in_flight == 0
    rig.measurer.start(CheckSpec(f"http://127.0.0.1:{silent}/"), None, lambda result: pytest.fail("a result"))
    rig.loop.call_at(rig.loop.now() + 0.02, rig.loop.stop)
    rig.run()


def test_every_kind_of_the_wire_has_its_check() -> None:
    assert set(checks.CHECKS) == set(KINDS)


@pytest.fixture
def broken_kind() -> Iterator[Callable[[Callable[[Run], Running]], None]]:
    sound = checks.CHECKS["http"]

    def put(kind: Callable[[Run], Running]) -> None:
        checks.CHECKS["http"] = kind

    yield put
    checks.CHECKS["http"] = sound


def test_measurer_bug_at_the_start_becomes_an_internal_result(
    rig: Rig, broken_kind: Any, quiet: List[logging.LogRecord]
) -> None:
    def kind(run: Run) -> Running:
        raise RuntimeError("a bug")

    broken_kind(kind)
    result = rig.check("http://shop.example/")
    assert result.failure == "internal" and "a bug" not in result.message and "mistake" in result.message
    assert quiet and quiet[0].exc_info
    assert rig.measurer.in_flight == 0


def test_measurer_bug_at_the_timeout_becomes_an_internal_result(
    rig: Rig, broken_kind: Any, quiet: List[logging.LogRecord]
) -> None:
    class Stuck(Running):
        def __init__(self, run: Run) -> None:
            self.is_closed = False

        def begin(self) -> None:
            pass

        def on_timeout(self, deadline_s: float) -> None:
            raise RuntimeError("a bug")

        def close(self) -> None:
            self.is_closed = True

    broken_kind(Stuck)
    assert rig.check("http://shop.example/", timeout_ms=100).failure == "internal"


def test_measurer_bug_in_the_answer_becomes_an_internal_result(
    rig: Rig, targets: Targets, quiet: List[logging.LogRecord]
) -> None:
    class Odd(CheckSpec):
        @property
        def keyword(self) -> str:  # type: ignore[override]
            raise RuntimeError("a bug")

        @keyword.setter
        def keyword(self, value: str) -> None:
            pass

    spec = Odd(targets.url("/fast"))
    assert rig.check_all([spec])[0].failure == "internal"
    assert rig.check(targets.url("/fast")).failure is None


def test_measurer_bug_of_the_receiver_does_not_stop_the_next(
    rig: Rig, targets: Targets, quiet: List[logging.LogRecord]
) -> None:
    def angry(result: CheckResult) -> None:
        raise RuntimeError("not ours")

    rig.measurer.start(CheckSpec(targets.url("/fast")), None, angry)
    assert rig.check(targets.url("/sleep/20")).failure is None
    assert any("receiver" in record.getMessage() for record in quiet)


def test_measurer_leaves_no_check_to_the_garbage_collector(rig: Rig, targets: Targets) -> None:
    port = targets.refused_port()
    urls = [
        targets.url("/chain/2"),
        targets.url("/fast", "good"),
        targets.url("/fast", "expired"),
        targets.url("/hang"),
        f"http://127.0.0.1:{port}/",
    ]
    rig.check(urls[0])
    gc.collect()
    gc.disable()
    try:
        before = [thing for thing in gc.get_objects() if isinstance(thing, (Connection, Run, Running))]
        rig.check_all([CheckSpec(url, timeout_ms=500, keyword="all") for url in urls])
        after = [thing for thing in gc.get_objects() if isinstance(thing, (Connection, Run, Running))]
    finally:
        gc.enable()
    assert [thing for thing in after if all(thing is not old for old in before)] == []


def test_measurer_ca_file_that_cannot_be_read_is_said_at_once(rig: Rig) -> None:
    with pytest.raises(OSError):
        rig.reconfigure(ca_file="/does/not/exist.pem")
