"""The road between the lab's hosts: carries IP packets from namespace to namespace, late, lossy or not at all.

A process of its own (`python -m tests.lab.router SOCKET`). Every node is a network namespace with one TUN device whose
other end is here, so TCP, UDP and ping of both families are slowed alike and the kernel needs no traffic shaper.
The round trip of two nodes is the sum of their `rtt_ms`, half of it each way; packets of a pair of nodes keep their
order. A packet to an address that nobody has is lost, as on the internet; nothing leaves the lab.

It takes one JSON object a line on the Unix socket and answers with one; `RouterClient` speaks for it.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: The TUN device's name in every namespace.
DEVICE = "lab0"
_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x1001
_MAX_PACKET_BYTES = 65536
#: Packets under way at most; what comes on top is lost, as in a router whose queue is full.
_MAX_QUEUED = 20_000
#: Packets of one node taken in one turn, so that a busy one does not hold up the others.
_PACKETS_PER_TURN = 32
EVERYWHERE = "*"


def enter_namespace(descriptor: int) -> None:
    """Move this thread to the network namespace that the descriptor names (os.setns came with Python 3.12)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def open_tun(namespace: str) -> int:
    """Make the TUN device in a namespace and return its descriptor; the device lives as long as that."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        enter_namespace(there)
        try:
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN_NO_PI))
        finally:
            enter_namespace(home)
    finally:
        os.close(home)
        os.close(there)
    return tun


@dataclass(eq=False)
class Node:
    """One place in the lab's network. `loss` is the share of packets lost on each way through it."""

    name: str
    tun: int
    addresses: list[bytes]
    rtt_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    sent: int = 0
    lost: int = 0


@dataclass
class Router:
    """Takes packets from TUN devices and writes them to others when they are due."""

    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    nodes: dict[str, Node] = field(default_factory=dict)
    owners: dict[bytes, Node] = field(default_factory=dict)
    cuts: set[tuple[str, str]] = field(default_factory=set)
    _under_way: list[tuple[float, int, Node, bytes]] = field(default_factory=list)
    _last_due_s: dict[tuple[str, str], float] = field(default_factory=dict)
    _number: int = 0

    def serve(self, listener: socket.socket) -> None:
        """Carry packets and obey until a `stop` comes."""
        self.selector.register(listener, selectors.EVENT_READ, None)
        while True:
            self._deliver()
            for key, _events in self.selector.select(self._until_next_s()):
                if key.data is None:
                    if not self._obey_one(listener):
                        return
                else:
                    self._take(key.data)

    def _until_next_s(self) -> float | None:
        return max(0.0, self._under_way[0][0] - time.monotonic()) if self._under_way else None

    def _deliver(self) -> None:
        now_s = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now_s:
            _due_s, _number, node, packet = heapq.heappop(self._under_way)
            try:
                os.write(node.tun, packet)
            except OSError:  # the node left, or its device is down
                node.lost += 1

    def _take(self, source: Node) -> None:
        for _ in range(_PACKETS_PER_TURN):
            try:
                packet = os.read(source.tun, _MAX_PACKET_BYTES)
            except OSError:
                return
            source.sent += 1
            address = packet[16:20] if packet[0] >> 4 == 4 else packet[24:40]
            destination = self.owners.get(address)
            if destination is None or self._is_lost(source, destination):
                source.lost += 1
                continue
            self._send(source, destination, packet)

    def _is_lost(self, source: Node, destination: Node) -> bool:
        ways = {(source.name, destination.name), (source.name, EVERYWHERE), (EVERYWHERE, destination.name)}
        if self.cuts & ways or len(self._under_way) >= _MAX_QUEUED:
            return True
        return any(node.loss and random.random() < node.loss for node in (source, destination))

    def _send(self, source: Node, destination: Node, packet: bytes) -> None:
        late_ms = (source.rtt_ms + destination.rtt_ms) / 2
        late_ms += random.random() * (source.jitter_ms + destination.jitter_ms)
        way = (source.name, destination.name)
        due_s = max(time.monotonic() + late_ms / 1000, self._last_due_s.get(way, 0.0))
        self._last_due_s[way] = due_s
        self._number += 1
        heapq.heappush(self._under_way, (due_s, self._number, destination, packet))

    def _obey_one(self, listener: socket.socket) -> bool:
        connection, _address = listener.accept()
        with connection:
            connection.settimeout(2.0)
            try:
                with connection.makefile("r") as lines:
                    order = json.loads(lines.readline())
                answer = self._obey(order)
            except (OSError, ValueError, KeyError, TypeError) as exc:
                order, answer = {}, {"error": f"{type(exc).__name__}: {exc}"}
            connection.sendall(json.dumps(answer).encode() + b"\n")
        return bool(order.get("do") != "stop")

    def _obey(self, order: dict[str, Any]) -> dict[str, Any]:
        match order.pop("do"):
            case "join":
                self._join(**order)
            case "leave":
                self._leave(order["name"])
            case "move":
                self._move(order["name"], order["old"], order["new"])
            case "set":
                node = self.nodes[order.pop("name")]
                for name in ("rtt_ms", "jitter_ms", "loss"):
                    setattr(node, name, float(order.pop(name, getattr(node, name))))
                if order:
                    raise KeyError(f"no such property: {', '.join(order)}")
            case "cut":
                self.cuts |= set(self._ways(order))
            case "heal":
                self.cuts -= set(self._ways(order)) if "a" in order else set(self.cuts)
            case "show" | "stop":
                pass
            case other:
                raise ValueError(f"unknown order: {other}")
        return self._show()

    def _ways(self, order: dict[str, Any]) -> Iterable[tuple[str, str]]:
        a, b = order["a"], order.get("b", EVERYWHERE)
        for name in {a, b} - {EVERYWHERE}:
            if name not in self.nodes:
                raise KeyError(f"no such node: {name}")
        return ((a, b),) if order.get("is_one_way") else ((a, b), (b, a))

    def _join(self, name: str, namespace: str, addresses: list[str], rtt_ms: float) -> None:
        if name in self.nodes:
            raise KeyError(f"there is a node {name} already")
        packed = [_packed(each) for each in addresses]
        node = Node(name, open_tun(namespace), packed, rtt_ms)
        self.nodes[name] = node
        self.owners.update(dict.fromkeys(packed, node))
        self.selector.register(node.tun, selectors.EVENT_READ, node)

    def _move(self, name: str, old: str, new: str) -> None:
        node = self.nodes[name]
        before, after = (_packed(address) for address in (old, new))
        node.addresses[node.addresses.index(before)] = after
        del self.owners[before]
        self.owners[after] = node

    def _leave(self, name: str) -> None:
        node = self.nodes.pop(name)
        self.selector.unregister(node.tun)
        os.close(node.tun)
        node.tun = -1
        for address in node.addresses:
            del self.owners[address]
        self.cuts = {way for way in self.cuts if name not in way}
        self._last_due_s = {way: due_s for way, due_s in self._last_due_s.items() if name not in way}

    def _show(self) -> dict[str, Any]:
        nodes = {
            node.name: {
                "rtt_ms": node.rtt_ms,
                "jitter_ms": node.jitter_ms,
                "loss": node.loss,
                "sent": node.sent,
                "lost": node.lost,
            }
            for node in self.nodes.values()
        }
        return {"nodes": nodes, "cuts": sorted(self.cuts), "under_way": len(self._under_way)}


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


class RouterClient:
    """Speaks to a running router. Every call raises OSError where none runs, ValueError if it refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give an order and return the router's state after it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5.0)
            connection.connect(str(self._path))
            connection.sendall(json.dumps({"do": do, **order}).encode() + b"\n")
            with connection.makefile("r") as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer


def main() -> None:
    """Listen on the socket whose path is the only argument, until told to stop."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        Router().serve(listener)


if __name__ == "__main__":
    main()
