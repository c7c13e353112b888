"""A name server that waits a known time: `python -m tests.bench.delay_dns MS [--address A] [--port P]`.

Every name has the address 127.0.0.1 and no IPv6 one. An answer goes out MS milliseconds after the kernel received the
question; how long it really took is remembered by the first label. Asked for a TXT record it prints all of that as a
line of JSON, {"N": [ms, ...]}, and forgets it. Prints {"port": P} when listening.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import select
import socket
import time
from collections import defaultdict

from tests.bench.delay_target import SO_TIMESTAMPING, STAMP_RECEIVED, stamp_of

A, TXT = 1, 16
_ANSWER_A = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("delay_ms", type=float)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, STAMP_RECEIVED)
    sock.setblocking(False)
    sock.bind((arguments.address, arguments.port))
    print(json.dumps({"port": sock.getsockname()[1], "pid": os.getpid()}), flush=True)
    taken: dict[str, list[float]] = defaultdict(list)
    timers: list[tuple[float, float, bytes, tuple[str, int]]] = []
    parent = os.getppid()
    while os.getppid() == parent:
        wait_s = min(1.0, max(0.0, timers[0][0] - time.time())) if timers else 1.0
        # The last millisecond is waited for awake, as in delay_target.py.
        select.select([sock], [], [], wait_s - 0.001 if wait_s > 0.001 else 0)
        while True:
            try:
                question, ancillary, _, who = sock.recvmsg(4096, 128)
            except BlockingIOError:
                break
            since = stamp_of(ancillary)
            if _type_of(question) == TXT:
                print(json.dumps(taken), flush=True)
                taken.clear()
            else:
                heapq.heappush(timers, (since + arguments.delay_ms / 1000, since, question, who))
        while timers and timers[0][0] <= time.time():
            _, since, question, who = heapq.heappop(timers)
            answer = _answer(question)
            taken[question[13 : 13 + question[12]].decode()].append((time.time() - since) * 1000)
            sock.sendto(answer, who)


def _end_of_name(message: bytes) -> int:
    place = 12
    while message[place]:
        place += 1 + message[place]
    return place + 1


def _type_of(question: bytes) -> int:
    end = _end_of_name(question)
    return int.from_bytes(question[end : end + 2], "big")


def _answer(question: bytes) -> bytes:
    """Return the answer without the question's additional records (EDNS), which nobody needs here."""
    found = _ANSWER_A if _type_of(question) == A else b""
    counts = b"\0\x01" + (b"\0\x01" if found else b"\0\0") + bytes(4)
    return question[:2] + b"\x81\x80" + counts + question[12 : _end_of_name(question) + 4] + found


if __name__ == "__main__":
    main()
