"""The lab's network: namespaces that reach each other by the router and nothing else.

A lab has a name, so that one to play with and one under test can be up side by side: namespaces are called
`pingmon-LAB-NODE`. Addresses look public, for probes refuse private ones; they are of networks that nobody announces,
and no namespace has a way out of the lab.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.place import RUN, LabError, run
from tests.lab.process import Process
from tests.lab.router import DEVICE, EVERYWHERE, RouterClient

_MTU_BYTES = 1400


def v4(number: int) -> str:
    """Return the IPv4 address of the lab's place of that number, 1 to 9999."""
    return f"29.77.{number // 250}.{number % 250}"


def v6(number: int) -> str:
    """Return the IPv6 address of the lab's place of that number."""
    return f"3ffe:77::{number}"


class Network:
    """The namespaces and the router of one lab. Blocking; as root."""

    def __init__(self, lab: str) -> None:
        self.lab = lab
        self.folder = RUN / lab
        self.router = RouterClient(self.folder / "router.sock")
        self._processes: dict[str, Process] = {}

    def up(self) -> None:
        """Start the router."""
        self.folder.mkdir(parents=True)
        router = self.process("router")
        router.start([sys.executable, "-m", "tests.lab.router", self.folder / "router.sock"])
        until_s = time.monotonic() + 20
        while not self._router_answers():
            if time.monotonic() > until_s or router.pid is None:
                raise LabError(f"the router did not start: {router.last_words()}")
            time.sleep(0.02)

    def down(self) -> None:
        """End the lab's own processes and delete its namespaces, whatever state they are in."""
        for file in self.folder.glob("*.pid"):
            self.process(file.stem).end()
        for path in Path("/run/netns").glob(f"pingmon-{self.lab}-*"):
            run("ip", "netns", "delete", path.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def namespace(self, node: str) -> str:
        return f"pingmon-{self.lab}-{node}"

    def join(self, node: str, addresses: Sequence[str], rtt_ms: float) -> None:
        """Make a node: a namespace with these addresses, the first of each family its own for what it opens."""
        namespace = self.namespace(node)
        run("ip", "netns", "add", namespace)
        self.router.ask("join", name=node, namespace=namespace, addresses=list(addresses), rtt_ms=rtt_ms)
        first = {":" in address: address for address in reversed(addresses)}
        lines = ["link set lo up", f"link set {DEVICE} up mtu {_MTU_BYTES}"]
        lines += [f"addr add {each}/{'128' if ':' in each else '32'} dev {DEVICE} nodad" for each in addresses]
        for is_v6, source in first.items():
            lines.append(f"{'-6 ' if is_v6 else ''}route add default dev {DEVICE} src {source}")
        for line in lines:
            family = ["-6"] if line.startswith("-6 ") else []
            run("ip", "-n", namespace, *family, *line.removeprefix("-6 ").split())

    def move(self, node: str, old: str, new: str) -> None:
        """Give a node another IPv4 address in place of one it has; what is sent to the old one is lost from now on."""
        namespace = self.namespace(node)
        run("ip", "-n", namespace, "addr", "add", f"{new}/32", "dev", DEVICE)
        run("ip", "-n", namespace, "route", "replace", "default", "dev", DEVICE, "src", new)
        run("ip", "-n", namespace, "addr", "del", f"{old}/32", "dev", DEVICE)
        self.router.ask("move", name=node, old=old, new=new)

    def leave(self, node: str) -> None:
        """Take a node away, with what runs in it left to whoever started it."""
        self.router.ask("leave", name=node)
        run("ip", "netns", "delete", self.namespace(node))

    def cut(self, a: str, b: str = EVERYWHERE) -> None:
        """Lose every packet between two nodes, or between one and all others, from now on."""
        self.router.ask("cut", a=a, b=b)

    def heal(self, a: str | None = None, b: str = EVERYWHERE) -> None:
        """Undo a cut, or all of them."""
        self.router.ask("heal", **({"a": a, "b": b} if a else {}))

    def set(self, node: str, **properties: float) -> None:
        """Change a node's `rtt_ms`, `jitter_ms` or `loss`."""
        self.router.ask("set", name=node, **properties)

    def show(self) -> dict[str, Any]:
        return self.router.ask("show")

    def process(self, name: str) -> Process:
        """Return one of the lab's own processes by its name."""
        return self._processes.setdefault(name, Process(self.folder, name))

    def _router_answers(self) -> bool:
        try:
            self.show()
        except OSError:
            return False
        return True
