"""Every named misbehaviour is classified as listed, and no random answer does the probe any harm."""

from __future__ import annotations

import random
import resource
import socket
import threading
from typing import Iterator, List, Tuple

import pytest
from pingmon_probe.protocol import BODY_CAP_BYTES, FAILURES, CheckSpec

from .conftest import Rig
from .misbehaviour import CASES, CHUNKED, OK, Case
from .targets import Targets

SEED = 20_261_128
SAMPLE, SOAK, AT_ONCE = 500, 100_000, 100
#: What a run of the fuzz may take on top, whatever is sent.
MEMORY_KB = 64 * 1024


def test_list_is_long_and_names_each_once_with_its_source() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.source for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_misbehaving_server_is_classified(rig: Rig, targets: Targets, case: Case) -> None:
    def serve(sock: socket.socket) -> None:
        sock.recv(65_536)
        sock.sendall(case.answer)
        if case.is_held:
            sock.recv(1)
        else:
            # An orderly end: what was sent is read before the connection's end is.
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)

    timeout_ms = 300 if case.failure == "timeout" else 5_000
    result = rig.check(f"http://127.0.0.1:{targets.raw_server(serve)}/", timeout_ms=timeout_ms, **case.settings)
    assert result.failure == case.failure, result.message
    assert case.words in result.message
    assert (result.message == "") == (case.failure is None)
    assert result.body_bytes <= BODY_CAP_BYTES


def answers(seed: int, count: int) -> Iterator[bytes]:
    """Yield answers made of what servers say, cut, doubled, and strewn with noise."""
    chance = random.Random(seed)
    pieces = [
        OK,
        CHUNKED,
        b"\r\n\r\n",
        b"\n\n",
        b"\0",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"FFFFFFFF\r\n",
        b"Content-Length: ",
    ]
    pieces += [case.answer[:2_000] for case in CASES]
    for _ in range(count):
        made = b"".join(chance.choice(pieces) for _ in range(chance.randint(1, 5)))
        for _ in range(chance.randint(0, 4)):
            place = chance.randint(0, len(made))
            noise = chance.randbytes(chance.randint(0, 8))
            made = made[:place] + noise + made[place + chance.randint(0, 8) :]
        yield made


def _fuzz(rig: Rig, targets: Targets, count: int) -> None:
    made = answers(SEED, count)
    lock = threading.Lock()

    def serve(sock: socket.socket) -> None:
        sock.recv(65_536)
        with lock:
            answer = next(made, b"")
        half = len(answer) // 2
        sock.sendall(answer[:half])
        sock.sendall(answer[half:])
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)

    spec = CheckSpec(f"http://127.0.0.1:{targets.raw_server(serve)}/", timeout_ms=2_000, keyword="abc")
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen: List[Tuple[str, str]] = []
    for _ in range(count // AT_ONCE):
        for result in rig.check_all([spec] * AT_ONCE):
            assert result.failure is None or result.failure in FAILURES
            assert result.failure != "internal", result.message
            assert (result.failure is None) == (result.message == "")
            assert result.body_bytes <= BODY_CAP_BYTES
            seen.append((str(result.failure), result.message[:40]))
    assert len({failure for failure, _ in seen}) > 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MEMORY_KB


def test_random_answers_are_classified(rig: Rig, targets: Targets) -> None:
    _fuzz(rig, targets, SAMPLE)


@pytest.mark.soak
def test_a_hundred_thousand_random_answers_are_classified(rig: Rig, targets: Targets) -> None:
    _fuzz(rig, targets, SOAK)
