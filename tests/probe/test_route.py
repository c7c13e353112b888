"""The way to an address, without privileges and on loopback; over real routers in `tests/lab/test_route.py`."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pingmon_probe.address import refusal
from pingmon_probe.evidence_desk import EvidenceDesk
from pingmon_probe.loop import Loop
from pingmon_probe.protocol import CheckResult, CheckSpec, Plan
from pingmon_probe.route import MAX_ROUTES, MAX_WAITING, Tracer
from pingmon_probe.runner import Runner

from .conftest import Rig
from .targets import Targets


def allow(_address: str) -> Optional[str]:
    return None


def trace(rig: Rig, address: str, port: Optional[int], **options: Any) -> Optional[Dict[str, Any]]:
    found: List[Optional[Dict[str, Any]]] = []

    def done(route: Optional[Dict[str, Any]]) -> None:
        found.append(route)
        rig.loop.stop()

    tracer = Tracer(rig.loop, **{"refuse": allow, "patience_s": 0.1, **options})
    tracer.trace(address, port, done)
    rig.run()
    (route,) = found
    assert not tracer._running
    return route


def test_target_that_listens_or_refuses_is_reached_at_once(rig: Rig, targets: Targets) -> None:
    for port in (targets.port, targets.refused_port(), None):
        route = trace(rig, "127.0.0.1", port)
        assert route is not None and route["is_reached"] and route["note"] is None, route
        (hop,) = route["hops"]
        assert (hop["ttl"], hop["address"]) == (1, "127.0.0.1") and hop["ms"] >= 0
        assert hop["note"] == ("Connection refused" if port not in (targets.port, None) else None)
        assert route["method"] == ("UDP" if port is None else f"TCP port {port}")
    route = trace(rig, "::1", targets.port_v6)
    assert route is not None and route["is_reached"] and route["hops"][0]["address"] == "::1"


def test_where_nobody_answers_it_ends_and_says_so(rig: Rig, targets: Targets) -> None:
    route = trace(rig, "127.0.0.1", targets.blackhole())
    assert route == {
        "address": "127.0.0.1",
        "method": route["method"] if route else "",
        "hops": [],
        "is_reached": False,
        "note": "Nobody on the way answers.",
    }


def test_rules_for_targets_hold_and_other_systems_say_why_there_is_none(rig: Rig) -> None:
    assert trace(rig, "192.168.7.7", 80, refuse=refusal) is None
    route = trace(rig, "127.0.0.1", 80, is_able=False)
    assert route is not None and route["hops"] == [] and "administrator" in route["note"]


def test_a_few_run_at_once_some_wait_and_the_rest_have_none(rig: Rig, targets: Targets) -> None:
    tracer, found = Tracer(rig.loop, allow, patience_s=0.05), []
    count = MAX_ROUTES + MAX_WAITING + 30

    def done(route: Optional[Dict[str, Any]]) -> None:
        found.append(route)
        assert len(tracer._running) <= MAX_ROUTES
        if len(found) == count:
            rig.loop.stop()

    for _ in range(count):
        tracer.trace("127.0.0.1", targets.port, done)
    rig.run()
    assert sum(route is None for route in found) == 30
    assert all(route is None or route["is_reached"] for route in found)
    tracer.trace("127.0.0.1", targets.port, done)
    tracer.close()
    assert len(found) == count


def test_route_comes_along_with_the_next_result_of_its_check(targets: Targets) -> None:
    """The runner, the measurer and the tracer as the service joins them; the second look comes after two seconds."""
    loop = Loop()
    rig = Rig.__new__(Rig)
    rig.loop, rig._stamps, rig._ca_file, rig.keeps_evidence = loop, "auto", targets.ca_file, None
    rig.measurer = rig._make()
    results: List[CheckResult] = []

    def take(result: CheckResult) -> None:
        results.append(result)
        if len(results) == 2:
            loop.stop()

    runner = Runner(loop, rig.measurer, take, desk=EvidenceDesk(loop.now, rig.measurer.tracer()))
    spec = CheckSpec(f"http://127.0.0.1:{targets.refused_port()}/", monitor=1, version=1, interval_ms=5_000)
    runner.apply(runner.prepare(Plan("tests", 1, (spec,))))
    runner.resume()
    runner.run_on_demand(spec, lambda _result: None)
    rig.run()
    rig.close()
    first, second = results
    assert first.evidence is not None and first.evidence["tried"][0]["address"] == "127.0.0.1"
    assert second.evidence is not None and set(second.evidence) == {"failed_at_ms", "route"}
    assert second.evidence["failed_at_ms"] == first.started_at_ms
    assert second.evidence["route"]["is_reached"]
