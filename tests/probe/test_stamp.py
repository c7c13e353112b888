"""Receive stamps: the kernel's are used where they can be trusted, the loop's clock elsewhere."""

from __future__ import annotations

import socket
import struct
import sys
import time
from typing import Any, Iterator, List, Tuple

import pytest
from pingmon_probe.loop import Loop
from pingmon_probe.stamp import Stamps, make_stamps


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[Tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    with near, far:
        yield near, far


def test_stamps_of_the_loop_are_its_turns(loop: Loop, pair: Tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    stamps = make_stamps(loop, "user")
    stamps.prepare(near)
    far.sendall(b"hello")
    assert stamps.receive(near, 10) == (b"hello", loop.turn_s, "user")
    assert stamps.connected(near, 0.0) == (loop.turn_s, "user", False)
    stamps.close()


if sys.platform == "linux":
    from pingmon_probe.stamp import KernelStamps

    class Packets:
        """A socket that gives a stamp of one's choice, and says what TCP knows."""

        def __init__(self, ancillary: List[Any], rtt_us: int = 0, retransmits: int = 0) -> None:
            self._ancillary = ancillary
            self._info = struct.pack("=68xI28xI", rtt_us, retransmits)

        def recvmsg(self, size: int, ancillary_size: int) -> Tuple[bytes, List[Any], int, None]:
            return b"data", self._ancillary, 0, None

        def getsockopt(self, level: int, option: int, size: int) -> bytes:
            return self._info

    def stamp(wall_s: float) -> List[Any]:
        whole = int(wall_s)
        return [(socket.SOL_SOCKET, 37, struct.pack("=6q", whole, int((wall_s - whole) * 1e9), 0, 0, 0, 0))]

    def test_kernel_stamp_is_when_the_packet_came_not_when_it_was_read(
        loop: Loop, pair: Tuple[socket.socket, socket.socket]
    ) -> None:
        near, far = pair
        stamps = KernelStamps(loop)
        try:
            stamps.prepare(near)
            # The kernel turns stamping on a moment after it was asked to: the first packets may lack theirs.
            for _ in range(100):
                loop.turn += 1
                before_s = time.monotonic()
                far.sendall(b"hello")
                sent_s = time.monotonic()
                time.sleep(0.05)
                data, stamp_s, clock = stamps.receive(near, 10)
                assert data == b"hello"
                if clock == "kernel":
                    break
            assert clock == "kernel"
            assert before_s - 0.020 <= stamp_s <= sent_s + 0.020
        finally:
            stamps.close()

    def test_kernel_stamp_is_not_trusted_in_the_turn_of_a_clock_step(loop: Loop) -> None:
        offsets = [(10.0, 1000.0), (10.1, 1000.0), (10.2, 1003.0), (10.3, 1003.0)]
        stamps = KernelStamps(loop, lambda: offsets.pop(0))
        packets: Any = Packets(stamp(1010.05))
        loop.turn = 1
        assert stamps.receive(packets, 10)[1:] == (pytest.approx(10.05), "kernel")
        loop.turn = 2
        assert stamps.receive(packets, 10)[1:] == (loop.turn_s, "user")
        loop.turn = 3
        stepped: Any = Packets(stamp(1013.05))
        assert stamps.receive(stepped, 10)[1:] == (pytest.approx(10.05), "kernel")
        stamps.close()

    def test_kernel_stamps_take_slewing_for_no_step(loop: Loop) -> None:
        offsets = [(10.0, 1000.0), (20.0, 1000.005)]
        stamps = KernelStamps(loop, lambda: offsets.pop(0))
        loop.turn = 1
        packets: Any = Packets(stamp(1019.0))
        assert stamps.receive(packets, 10)[2] == "kernel"
        stamps.close()

    @pytest.mark.parametrize("ancillary", [[], [(socket.SOL_SOCKET, 37, bytes(48))], [(0, 8, b"other")]])
    def test_kernel_packet_without_a_stamp_gets_the_loops(loop: Loop, ancillary: List[Any]) -> None:
        stamps = KernelStamps(loop)
        packets: Any = Packets(ancillary)
        assert stamps.receive(packets, 10) == (b"data", loop.turn_s, "user")
        stamps.close()

    @pytest.mark.parametrize(
        ("rtt_us", "retransmits", "clock", "is_again"),
        [(20_000, 0, "kernel", False), (20_000, 1, "user", True), (0, 0, "user", False)],
    )
    def test_kernel_round_trip_counts_only_without_retransmission(
        loop: Loop, rtt_us: int, retransmits: int, clock: str, is_again: bool
    ) -> None:
        stamps: Stamps = KernelStamps(loop)
        packets: Any = Packets([], rtt_us, retransmits)
        stands_s, said, again = stamps.connected(packets, 5.0)
        assert (said, again) == (clock, is_again)
        assert stands_s == (pytest.approx(5.02) if clock == "kernel" else loop.turn_s)
        stamps.close()

    def test_kernel_reports_a_real_round_trip(loop: Loop, pair: Tuple[socket.socket, socket.socket]) -> None:
        stamps = KernelStamps(loop)
        stands_s, clock, _ = stamps.connected(pair[0], 100.0)
        assert clock == "kernel" and 100.0 < stands_s < 101.0
        stamps.close()
