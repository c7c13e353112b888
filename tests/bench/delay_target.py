"""A target that waits a known time: `python -m tests.bench.delay_target [--cert PEM]` (own process, own core).

GET /wait/MS?id=N answers MS milliseconds after the request arrived and remembers how long it really took from the
moment the kernel received the request's last packet to the moment the answer was handed to the kernel; with TLS also
how long its own part of the handshake took. GET /taken gives that as JSON, {"N": [[wait ms, handshake ms], ...]},
and forgets it; GET /shake the part of the last handshake before its own. GET /hang never answers, and GET /hanging says
how many wait so. Prints {"port": P} when listening. A single-thread readiness loop: under 100 requests a second it
sleeps most of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import os
import selectors
import socket
import ssl
import struct
import sys
import time
from collections import defaultdict, deque
from urllib.parse import parse_qs, urlsplit

#: Linux: stamp what is received, in software (SO_TIMESTAMPING; SOF_TIMESTAMPING_RX_SOFTWARE | _SOFTWARE).
SO_TIMESTAMPING, STAMP_RECEIVED = 37, (1 << 3) | (1 << 4)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"


class Connection:
    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        self.sock = sock
        self.received = b""
        self.is_open = True
        self.received_at = 0.0
        #: From the arrival of what the client says in the handshake until the answers were handed to the kernel.
        self.shake_ms = 0.0
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.is_shaken = context is None
        if context is not None:
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def read(self) -> bool:
        """Take in what arrived; return whether a whole request stands in `received`. Raises OSError at the end."""
        data, ancillary, _, _ = self.sock.recvmsg(65536, 128)
        self.received_at = stamp_of(ancillary)
        if not data:
            raise ConnectionResetError
        if self.tls is None:
            self.received += data
        else:
            self._decrypt(self.tls, data)
        return b"\r\n\r\n" in self.received

    def send(self, data: bytes) -> float:
        """Return when it was handed to the kernel, encrypted by then. Raises OSError, ssl.SSLError."""
        if self.tls is not None:
            self.tls.write(data)
            data = self.outgoing.read()
        sent_at = time.time()
        self.sock.send(data)
        return sent_at

    def _decrypt(self, tls: ssl.SSLObject, data: bytes) -> None:
        was_shaken = self.is_shaken
        self.incoming.write(data)
        try:
            if not self.is_shaken:
                tls.do_handshake()
                self.is_shaken = True
            self.received += tls.read(65536)
        except ssl.SSLWantReadError:
            pass
        flight = self.outgoing.read()
        if flight:
            if not was_shaken:
                self.shake_ms += (time.time() - self.received_at) * 1000
            self.sock.send(flight)


def stamp_of(ancillary: list[tuple[int, int, bytes]]) -> float:
    """Return when the kernel received it, in Unix seconds; without a stamp that is now."""
    for _, kind, stamp in ancillary:
        if kind == SO_TIMESTAMPING:
            seconds, nanoseconds = struct.unpack_from("=qq", stamp)
            if seconds:
                return float(seconds + nanoseconds / 1e9)
    return time.time()


class Target:
    def __init__(self, certificate: str | None) -> None:
        self.taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.hanging = 0
        #: Own parts of the last handshakes, in ms.
        self.shakes: deque[float] = deque(maxlen=2)
        self.context: ssl.SSLContext | None = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
            self.context.num_tickets = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        # Connections inherit it: a request that comes before it is accepted has its stamp, too.
        self.listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, STAMP_RECEIVED)
        self.poller = selectors.DefaultSelector()
        self.poller.register(self.listener, selectors.EVENT_READ)
        self.timers: list[tuple[float, int, Connection, float, str]] = []
        self.counter = 0

    def serve(self) -> None:
        print(json.dumps({"port": self.listener.getsockname()[1], "pid": os.getpid()}), flush=True)
        parent = os.getppid()
        while os.getppid() == parent:
            wait = min(1.0, max(0.0, self.timers[0][0] - time.time())) if self.timers else 1.0
            # epoll rounds up to whole milliseconds: the last one is waited for awake.
            for key, _ in self.poller.select(wait - 0.001 if wait > 0.001 else 0):
                if key.fileobj is self.listener:
                    self._accept()
                else:
                    self._read(key.data)
            while self.timers and self.timers[0][0] <= time.time():
                _, _, connection, since, name = heapq.heappop(self.timers)
                self._answer(connection, since, name)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self.context)
            self.poller.register(sock, selectors.EVENT_READ, connection)

    def _read(self, connection: Connection) -> None:
        was_shaken = connection.is_shaken
        try:
            is_whole = connection.read()
        except (OSError, ssl.SSLError):
            self._close(connection)
            return
        if connection.is_shaken and not was_shaken:
            self.shakes.append(connection.shake_ms)
        if not is_whole:
            return
        since = connection.received_at
        parts = urlsplit(connection.received.split(b" ", 2)[1].decode("latin1"))
        connection.received = b""
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        kind, _, value = parts.path.strip("/").partition("/")
        if kind == "wait":
            self.counter += 1
            heapq.heappush(
                self.timers, (since + float(value) / 1000, self.counter, connection, since, query.get("id", ""))
            )
        elif kind == "hang":
            self.hanging += 1
        elif kind == "hanging":
            self._say(connection, self.hanging)
        elif kind == "shake":
            # The one that asks has had its own handshake meanwhile.
            self._say(connection, self.shakes[-2])
        elif kind == "taken":
            self._say(connection, self.taken)
            self.taken.clear()

    def _say(self, connection: Connection, document: object) -> None:
        body = json.dumps(document).encode()
        connection.sock.setblocking(True)
        connection.send(HEAD % len(body) + body)
        self._close(connection)

    def _answer(self, connection: Connection, since: float, name: str) -> None:
        if not connection.is_open:
            return
        with contextlib.suppress(OSError, ssl.SSLError):
            sent_at = connection.send(HEAD % 3 + b"ok\n")
            self.taken[name].append(((sent_at - since) * 1000, connection.shake_ms))
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection.is_open:
            connection.is_open = False
            self.poller.unregister(connection.sock)
            connection.sock.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cert")
    arguments = parser.parse_args()
    try:
        Target(arguments.cert).serve()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
