"""HTTP through a tunnel: httpx sees a transport, its connection pool a network whose every connection is a channel."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpcore
import httpx

from pingmon_gui.fleet.channel_stream import ChannelStream
from pingmon_gui.fleet.tunnel import Tunnel

T = TypeVar("T")


class TunnelTransport(httpx.AsyncBaseTransport):
    """Give it to an httpx.AsyncClient; host and port of the addresses asked for do not matter."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._pool = httpcore.AsyncConnectionPool(network_backend=_TunnelNetwork(tunnel), keepalive_expiry=30.0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        with _in_words_of_httpx():
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_ResponseStream(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _ResponseStream(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _in_words_of_httpx():
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _TunnelNetwork(httpcore.AsyncNetworkBackend):
    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a channel. ProbeError passes through unchanged: it says more than any error of a socket."""
        return _TunnelStream(await _within(timeout, self._tunnel.open(), httpcore.ConnectTimeout))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _TunnelStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: ChannelStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._stream.read(max_bytes, timeout)
        except TimeoutError as exc:
            raise httpcore.ReadTimeout(str(exc)) from exc

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            try:
                await _within(timeout, self._stream.write(buffer), httpcore.WriteTimeout)
            except ConnectionError as exc:
                raise httpcore.WriteError(str(exc)) from exc

    async def aclose(self) -> None:
        self._stream.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("SSH encrypts already")

    def get_extra_info(self, info: str) -> Any:
        return self._stream.is_readable if info == "is_readable" else None


async def _within(timeout_s: float | None, work: Awaitable[T], late: type[Exception]) -> T:
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError as exc:
        raise late("no answer in time") from exc


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as exc:
        raise httpx.ReadTimeout(str(exc)) from exc
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as exc:
        raise httpx.NetworkError(str(exc)) from exc
