"""Asks an exporter for many scrapes: all together, at a pace, or so many at once. Light, as it shares a core."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence

PATIENCE_S = 60.0


def scrape(
    port: int, paths: Sequence[str], *, rate_per_s: float | None = None, at_once: int | None = None
) -> list[tuple[int, str]]:
    """Return (place in `paths`, body) of each in the order of finishing. Raises TimeoutError, OSError."""
    driver = _Driver(port, paths)
    began = time.monotonic()
    while len(driver.done) < len(paths):
        now = time.monotonic()
        if now - began > PATIENCE_S + len(paths) / (rate_per_s or 1_000):
            raise TimeoutError(f"{len(paths) - len(driver.done)} of {len(paths)} scrapes were not answered")
        due = len(paths) if rate_per_s is None else int((now - began) * rate_per_s) + 1
        while driver.started < min(due, len(paths)) and driver.in_flight < (at_once or len(paths)):
            driver.start()
        wait_s = began + driver.started / rate_per_s - time.monotonic() if rate_per_s else PATIENCE_S
        driver.turn(max(0.0, min(wait_s, 1.0)))
    driver.close()
    return [(place, data.partition(b"\r\n\r\n")[2].decode()) for place, data in driver.done]


class _Driver:
    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self._port = port
        self._paths = paths
        self._selector = selectors.DefaultSelector()
        self.started = 0
        self.done: list[tuple[int, bytes]] = []

    @property
    def in_flight(self) -> int:
        return self.started - len(self.done)

    def start(self) -> None:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S)
        sock.sendall(f"GET {self._paths[self.started]} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, (self.started, bytearray()))
        self.started += 1

    def turn(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            sock, (place, data) = key.fileobj, key.data
            assert isinstance(sock, socket.socket)
            piece = sock.recv(65536)
            if piece:
                data += piece
                continue
            self._selector.unregister(sock)
            sock.close()
            self.done.append((place, bytes(data)))

    def close(self) -> None:
        self._selector.close()
