"""The way to an address over routers of the kernel's own, found without any privilege."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.lab.place import lab_name, run
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab
_ROOT = Path(__file__).parents[2]
#: A chain of namespaces: the first traces, the last is the target, those between them forward.
_NODES = 5
#: Without a capability, though it owns what it has to read.
_UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
_TRACE = """
import json, sys
from pingmon_probe.loop import Loop
from pingmon_probe.route import Tracer
loop, (address, port) = Loop(), sys.argv[1:]
def done(route):
    print(json.dumps(route))
    loop.stop()
Tracer(loop, lambda address: None, patience_s=0.5).trace(address, int(port) or None, done)
loop.run()
"""


def v4(node: int, side: int) -> str:
    """Return the address that a node has on the line to the one before (0) or after it (1)."""
    return f"29.78.{node + side}.{2 - side}"


def v6(node: int, side: int) -> str:
    return f"3ffe:78:{node + side}::{2 - side}"


class Road:
    def __init__(self) -> None:
        self.names = [f"{lab_name(for_tests=True)}-road{node}" for node in range(_NODES)]

    def up(self) -> None:
        for name in self.names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
            for switch in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0"):
                self.inside(self.names.index(name), "sysctl", "-qw", switch)
        for node in range(_NODES - 1):
            here, there = self.names[node], self.names[node + 1]
            run("ip", "-n", here, "link", "add", "next", "type", "veth", "peer", "name", "back", "netns", there)
            for name, device, of_4, of_6 in (
                (here, "next", v4(node, 1), v6(node, 1)),
                (there, "back", v4(node + 1, 0), v6(node + 1, 0)),
            ):
                run("ip", "-n", name, "addr", "add", f"{of_4}/24", "dev", device)
                run("ip", "-n", name, "addr", "add", f"{of_6}/64", "dev", device, "nodad")
                run("ip", "-n", name, "link", "set", device, "up")
        for node in range(_NODES):
            if node < _NODES - 1:
                run("ip", "-n", self.names[node], "route", "add", "default", "via", v4(node + 1, 0))
                run("ip", "-n", self.names[node], "-6", "route", "add", "default", "via", v6(node + 1, 0))
            for far in range(1, node):
                run("ip", "-n", self.names[node], "route", "add", f"29.78.{far}.0/24", "via", v4(node - 1, 1))
                run("ip", "-n", self.names[node], "-6", "route", "add", f"3ffe:78:{far}::/64", "via", v6(node - 1, 1))

    def down(self) -> None:
        for name in self.names:
            run("ip", "netns", "delete", name)

    def inside(self, node: int, *argv: str) -> subprocess.CompletedProcess[str]:
        words = ["ip", "netns", "exec", self.names[node], *argv]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)

    def trace(self, address: str, port: int) -> dict[str, Any]:
        words = ["env", f"PYTHONPATH={_ROOT / 'probes'}", sys.executable, "-c", _TRACE, address, str(port)]
        return json.loads(self.inside(0, *_UNPRIVILEGED, *words).stdout)  # type: ignore[no-any-return]

    def is_known(self, address: str) -> bool:
        route = self.trace(address, 9)
        return bool(route["is_reached"]) and None not in addresses(route)


@pytest.fixture(scope="module")
def road() -> Iterator[Road]:
    made = Road()
    try:
        made.up()
        # Neighbours have to find each other once.
        for target in (v4(_NODES - 1, 0), v6(_NODES - 1, 0)):
            wait_until(partial(made.is_known, target), f"{target} is not reached")
        yield made
    finally:
        made.down()


def addresses(route: dict[str, Any]) -> list[str | None]:
    return [hop["address"] for hop in route["hops"]]


@pytest.mark.parametrize("port", [0, 9], ids=["udp", "tcp"])
@pytest.mark.parametrize("of", [v4, v6])
def test_every_router_on_the_way_is_named(road: Road, of: Any, port: int) -> None:
    target = of(_NODES - 1, 0)
    route = road.trace(target, port)
    assert addresses(route) == [of(node, 0) for node in range(1, _NODES)]
    assert route["is_reached"] and route["note"] is None
    assert route["hops"][-1]["note"] == ("Connection refused" if port else None)
    assert all(hop["ms"] >= 0 for hop in route["hops"])


def test_route_says_how_far_it_goes_where_packets_are_lost(road: Road) -> None:
    road.inside(2, "ip", "route", "add", "blackhole", f"{v4(_NODES - 1, 0)}/32")
    try:
        route = road.trace(v4(_NODES - 1, 0), 9)
    finally:
        road.inside(2, "ip", "route", "del", "blackhole", f"{v4(_NODES - 1, 0)}/32")
    assert addresses(route)[:1] == [v4(1, 0)] and len(route["hops"]) <= 2
    assert not route["is_reached"]


def test_router_that_refuses_is_told_with_what_it_says(road: Road) -> None:
    road.inside(3, "ip", "route", "add", "prohibit", f"{v4(_NODES - 1, 0)}/32")
    try:
        route = road.trace(v4(_NODES - 1, 0), 9)
    finally:
        road.inside(3, "ip", "route", "del", "prohibit", f"{v4(_NODES - 1, 0)}/32")
    assert addresses(route) == [v4(1, 0), v4(2, 0), v4(3, 0)]
    assert route["hops"][-1]["note"] and not route["is_reached"]
