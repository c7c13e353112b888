"""The pump and its streams over a channel that does what no server does on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import paramiko
import pytest
from paramiko.buffered_pipe import BufferedPipe, PipeTimeout

from pingmon_gui.fleet.channel_stream import FULL_BYTES, PIECE_BYTES, ChannelStream, Pump
from tests.engine.fakes import until


class FakeChannel:
    """As paramiko's, with its real buffer; the window is what the test says."""

    def __init__(self) -> None:
        self.in_buffer = BufferedPipe()
        self.window = 0
        self.sent = b""
        self.failure: BaseException | None = None
        self.is_closed = False

    def settimeout(self, timeout_s: float) -> None:
        assert timeout_s == 0.0

    def recv(self, most: int) -> bytes:
        try:
            data: bytes = self.in_buffer.read(most, 0.0)
        except PipeTimeout:
            raise TimeoutError from None
        if self.failure is not None:  # the message that opens the window cannot be sent
            raise self.failure
        return data

    def send_ready(self) -> bool:
        return self.window > 0 or self.is_closed or self.failure is not None

    def send(self, data: bytes) -> int:
        if self.failure is not None:
            raise self.failure
        piece = data[: self.window]
        self.window -= len(piece)
        self.sent += piece
        return len(piece)

    def close(self) -> None:
        self.is_closed = True
        self.in_buffer.close()


def run(test: Callable[[FakeChannel, ChannelStream], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        pump = Pump(asyncio.get_running_loop(), "pump")
        pump.start()
        try:
            channel = FakeChannel()
            stream = ChannelStream(channel, pump)  # type: ignore[arg-type]
            await test(channel, stream)
        finally:
            pump.stop()
            await asyncio.to_thread(pump.join)
        assert channel.is_closed

    asyncio.run(whole())


def test_what_came_before_the_stream_was_made_is_read() -> None:
    async def check(channel: FakeChannel, stream: ChannelStream) -> None:
        channel.in_buffer.feed(b"first")
        assert await stream.read(3) == b"fir"
        assert await stream.read(3) == b"st"
        channel.in_buffer.feed(b"last")
        channel.in_buffer.close()
        assert await stream.read(100) == b"last"
        assert await stream.read(100) == b""

    run(check)


@pytest.mark.parametrize("failure", [EOFError(), OSError("gone"), paramiko.SSHException("no new keys")])
def test_connection_that_breaks_while_it_is_used_ends_the_stream(failure: Exception) -> None:
    """Not the pump, which has other streams."""

    async def reading(channel: FakeChannel, stream: ChannelStream) -> None:
        channel.failure = failure
        channel.in_buffer.feed(b"x")
        assert await stream.read(1) == b""
        with pytest.raises(ConnectionError):
            await stream.write(b"x")

    async def writing(channel: FakeChannel, stream: ChannelStream) -> None:
        channel.failure = failure
        with pytest.raises(ConnectionError):
            await stream.write(bytes(2 * FULL_BYTES))
        with pytest.raises(ConnectionError):
            await stream.write(b"x")
        channel.failure = None
        channel.in_buffer.feed(b"an answer that came before")
        assert await stream.read(100) == b"an answer that came before"

    run(reading)
    run(writing)


def test_full_window_holds_the_writer_up_until_it_opens() -> None:
    async def check(channel: FakeChannel, stream: ChannelStream) -> None:
        data = bytes(range(256)) * (FULL_BYTES // 128)
        channel.window = 1_000
        writing = asyncio.create_task(stream.write(data))
        await until(lambda: len(channel.sent) == 1_000)
        assert not writing.done()
        channel.window = FULL_BYTES
        await writing
        channel.window = len(data)
        await until(lambda: channel.sent == data)

    run(check)


def test_stream_that_nobody_reads_takes_little_and_goes_on_where_it_stopped() -> None:
    async def check(channel: FakeChannel, stream: ChannelStream) -> None:
        data = bytes(range(256)) * (2 * 1024 * 1024 // 256)
        channel.in_buffer.feed(data)
        await until(lambda: stream.fed_bytes > FULL_BYTES)
        held = stream.fed_bytes
        assert held <= FULL_BYTES + PIECE_BYTES
        got = b""
        while len(got) < len(data):
            got += await stream.read(100_000)
        assert got == data

    run(check)


def test_silence_ends_a_read_and_a_later_one_waits_its_own_time() -> None:
    async def check(channel: FakeChannel, stream: ChannelStream) -> None:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await stream.read(1, 0.01)
        reading = asyncio.create_task(stream.read(1, 60.0))
        await asyncio.sleep(0)
        channel.in_buffer.feed(b"1")
        assert await reading == b"1"
        with pytest.raises(TimeoutError):  # although a timer of the one before still runs
            await stream.read(1, 0.01)
        reading = asyncio.create_task(stream.read(1))
        await asyncio.sleep(0.03)
        assert not reading.done()
        stream.close()
        assert await reading == b""

    run(check)


def test_pump_that_is_stopped_ends_its_streams() -> None:
    async def check(channel: FakeChannel, stream: ChannelStream) -> None:
        reading = asyncio.create_task(stream.read(1))
        writing = asyncio.create_task(stream.write(bytes(FULL_BYTES * 2)))
        await asyncio.sleep(0)
        stream._pump.stop()
        assert await reading == b""
        with pytest.raises(ConnectionError):
            await writing

    run(check)


def test_read_that_is_cancelled_loses_nothing() -> None:
    async def check(channel: FakeChannel, stream: ChannelStream) -> None:
        reading = asyncio.create_task(stream.read(10))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        channel.in_buffer.feed(b"kept")
        assert await stream.read(10) == b"kept"

    run(check)
