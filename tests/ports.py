"""Ports for servers that have to be told theirs before they listen."""

from __future__ import annotations

import random
import socket

#: Below what systems hand out by themselves: no connection and no `bind` to port 0 takes one of these meanwhile.
_PORTS = range(20_000, 32_000)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on just now, each time another one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Whatever seeds the tests: those that run beside each other must not take the same.
    chance = random.SystemRandom()
    for _ in range(100):
        port = chance.choice(_PORTS)
        with socket.socket(family) as knock:
            try:
                knock.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port of {host} is free")
