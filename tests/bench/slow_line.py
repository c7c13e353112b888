"""A line with a known round trip: `python -m tests.bench.slow_line PORT RTT_MS` (own process, own core).

Carries bytes between its own loopback port and PORT, each half a round trip late in both directions, whatever their
number. Prints {"port": P} when listening; ends with its stdin. A TCP handshake is answered by this end, at once: add
a round trip where connections are made.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading

PIECE_BYTES = 64 * 1024
#: What may be under way in one direction: 16 MB in 180 ms are 90 MB/s.
MOST_PIECES = 256


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass on everything `delay_s` after it came, in order."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST_PIECES)

    async def take() -> None:
        while data := await reader.read(PIECE_BYTES):
            await under_way.put((loop.time() + delay_s, data))
        await under_way.put((loop.time() + delay_s, b""))

    taking = asyncio.create_task(take())
    try:
        while True:
            due_s, data = await under_way.get()
            await asyncio.sleep(due_s - loop.time())
            if not data:
                return
            writer.write(data)
            await writer.drain()
    finally:
        taking.cancel()
        writer.close()


async def serve(port: int, delay_s: float) -> None:
    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        both = (carry(reader, far_writer, delay_s), carry(far_reader, writer, delay_s))
        await asyncio.gather(*both, return_exceptions=True)

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=wait, daemon=True).start()
    await over.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 2000))
