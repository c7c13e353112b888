"""An SSH connection to a probe's host, opened with our own restricted key, and streams through it to the probe's port.

No local port is opened. paramiko blocks, so connections and channels are opened in threads; after that the tunnel's
pump (channel_stream.py) carries the bytes. Everything public belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar, cast

import paramiko

from pingmon_gui.domain.error import ProbeUnauthorised, ProbeUnreachable
from pingmon_gui.domain.probe import ProbeAccess
from pingmon_gui.fleet.channel_stream import GONE, ChannelStream, Pump, close_channel
from pingmon_gui.fleet.jump import Jump

T = TypeVar("T")

_log = logging.getLogger(__name__)
# It logs as errors what comes out as an exception anyway, tracebacks included; here every one becomes a sentence.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

CONNECT_S = 10.0
#: The server's banner, its key exchange and the login, each: slow hosts far away take 3 s.
HANDSHAKE_S = 20.0
OPEN_S = 10.0
KEEPALIVE_S = 15
#: Sent and not acknowledged for so long: the line is dead, and the system closes the connection.
DEAD_AFTER_S = 45


class Tunnel:
    """Make it inside the running loop, `connect` once, `open` as many streams as need be, `close` it there."""

    def __init__(self, access: ProbeAccess, private_key: str) -> None:
        self._access = access
        self._private_key = private_key
        self._where = _where(access)
        self._socket: socket.socket | None = None
        self._transport: paramiko.Transport | None = None
        self._pump: Pump | None = None
        self._jump: Jump | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def is_alive(self) -> bool:
        """Whether the SSH connection stands, as far as this end knows."""
        return self._transport is not None and self._transport.is_active()

    async def connect(self) -> None:
        """Connect and log in. Raises ProbeUnreachable, ProbeUnauthorised; then nothing is left open.

        An attempt that is cancelled ends by itself, at the latest with its timeout, and closes what it opened.
        """
        try:
            await _in_thread(self._connect, f"connect:{self._access.host}")
        except BaseException:
            await self.close()
            raise
        assert self._transport is not None
        self._pump = Pump(asyncio.get_running_loop(), f"tunnel:{self._access.host}")
        self._pump.start()

    async def open(self) -> ChannelStream:
        """Open a stream to the probe's port. Raises ProbeUnreachable, ProbeUnauthorised."""
        transport, pump = self._transport, self._pump
        if transport is None or pump is None or not transport.is_active():
            raise ProbeUnreachable(f"The SSH connection to {self._where} broke off.")
        channel = await _in_thread(partial(self._open, transport), f"open:{self._access.host}", close_channel)
        if self._is_closed:
            raise ProbeUnreachable(f"The SSH connection to {self._where} was closed.")
        return ChannelStream(channel, pump)

    async def close(self) -> None:
        """Close everything. Harmless if it is closed."""
        with self._lock:
            self._is_closed = True
        await asyncio.to_thread(self._close)

    # In threads of their own

    def _connect(self) -> None:
        key = _read_key(self._private_key)
        kind, pinned = _read_host_key(self._access.host_key)
        jump = Jump(self._access, CONNECT_S) if self._access.proxy_jump else None
        connection = self._dial() if jump is None else jump.socket
        with self._lock:
            is_wanted = not self._is_closed
            if is_wanted:
                self._socket, self._jump = connection, jump
                transport = self._transport = paramiko.Transport(connection)
        if not is_wanted:
            connection.close()
            if jump is not None:
                jump.end()
            raise ProbeUnreachable("The tunnel was closed.")
        try:
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = HANDSHAKE_S
            options = transport.get_security_options()
            # A host has keys of several types; the one that was pinned is asked for.
            kinds = ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
            options.key_types = [known for known in options.key_types if known in kinds]
            transport.start_client(timeout=HANDSHAKE_S)
            if transport.get_remote_server_key().asbytes() != pinned:
                raise ProbeUnauthorised(
                    f"{self._where} shows another host key than when the probe was set up. Nothing was sent to it.",
                    "If the host was installed anew, set the probe up again; if not, somebody may be in between.",
                )
            transport.auth_publickey(self._access.tunnel_user, key)
            transport.set_keepalive(KEEPALIVE_S)
        except paramiko.AuthenticationException as exc:
            raise ProbeUnauthorised(
                f"{self._where} does not accept this Pingmon's key any more.", "Set the probe up again."
            ) from exc
        except GONE as exc:
            if "no acceptable host key" in str(exc).lower() or isinstance(exc, paramiko.ssh_exception.IncompatiblePeer):
                raise ProbeUnauthorised(
                    f"{self._where} no longer has the host key it had when the probe was set up.",
                    "If the host was installed anew, set the probe up again; if not, somebody may be in between.",
                ) from exc
            if jump is not None and not transport.remote_version:
                raise jump.failure() from exc
            raise ProbeUnreachable(
                f"{self._where} does not speak SSH as expected just now: {_words(exc)}.", "Is its SSH server well?"
            ) from exc

    def _dial(self) -> socket.socket:
        address = (self._access.address, self._access.ssh_port)
        try:
            connection = socket.create_connection(address, CONNECT_S)
        except socket.gaierror as exc:
            raise ProbeUnreachable(
                f"The name {self._access.address} cannot be resolved.", "Is this computer online?"
            ) from exc
        except TimeoutError as exc:
            raise ProbeUnreachable(f"{self._where} does not answer.", "Is the host up?") from exc
        except ConnectionRefusedError as exc:
            raise ProbeUnreachable(f"{self._where} refuses connections.", "Is its SSH server running?") from exc
        except OSError as exc:
            raise ProbeUnreachable(f"{self._where} cannot be reached: {_words(exc)}.") from exc
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_S * 1000)
        return connection

    def _open(self, transport: paramiko.Transport) -> paramiko.Channel:
        port = self._access.service_port
        try:
            channel = transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=OPEN_S)
        except paramiko.ChannelException as exc:
            if exc.code == 1:  # administratively prohibited, RFC 4254 section 5.1
                raise ProbeUnauthorised(
                    f"The SSH server of {self._where} forbids the way to the probe's port.",
                    "“AllowTcpForwarding” in its sshd_config must not be “no”; or use the transport “direct”.",
                ) from exc
            raise ProbeUnreachable(
                f"{self._where} is up, but nothing answers at the probe's port {port}.",
                f"“pingmon probe doctor {self._access.host}” says why.",
            ) from exc
        except GONE as exc:
            raise ProbeUnreachable(f"The SSH connection to {self._where} broke off.") from exc
        return channel

    def _close(self) -> None:
        pump, self._pump = self._pump, None
        transport, connection, jump = self._transport, self._socket, self._jump
        if transport is not None:
            transport.close()
        if connection is not None:
            connection.close()
        if transport is not None and transport.is_alive():
            transport.join()
        if jump is not None:
            jump.end()
        if pump is not None:
            pump.stop()
            pump.join()


async def _in_thread(work: Callable[[], T], name: str, unwanted: Callable[[T], None] | None = None) -> T:
    """Await work in a thread of its own. One that is not awaited any more holds up neither the loop nor the exit.

    What it comes back with then is given to `unwanted`, in a thread too.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def leave(result: T) -> None:
        if unwanted is not None:
            _start_thread(partial(unwanted, result), name)

    def tell(result: T | None, error: Exception | None) -> None:
        if done.done():
            if error is None:
                leave(cast(T, result))
        elif error is None:
            done.set_result(cast(T, result))
        else:
            done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as exc:
            error = exc
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(tell, result, error)

    _start_thread(run, name)
    try:
        return await done
    except asyncio.CancelledError:
        if done.done() and not done.cancelled() and done.exception() is None:
            leave(done.result())
        raise


def _start_thread(work: Callable[[], None], name: str) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


def read_private_key(text: str) -> paramiko.PKey:
    """Read a private key in OpenSSH form. Raises ValueError."""
    try:
        return paramiko.Ed25519Key.from_private_key(io.StringIO(text))
    except (paramiko.SSHException, ValueError) as exc:
        raise ValueError("not an ed25519 key without passphrase") from exc


def _read_key(text: str) -> paramiko.PKey:
    try:
        return read_private_key(text)
    except ValueError as exc:
        raise ProbeUnauthorised("The key of this probe cannot be read.", "Set the probe up again.") from exc


def _read_host_key(line: str) -> tuple[str, bytes]:
    try:
        kind, data = line.split()[:2]
        return kind, base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error) as exc:
        raise ProbeUnauthorised("The host key of this probe cannot be read.", "Set the probe up again.") from exc


def _where(access: ProbeAccess) -> str:
    return access.address if access.ssh_port == 22 else f"{access.address} (port {access.ssh_port})"


def _words(exc: BaseException) -> str:
    text = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    return " ".join(text.split())[:200].rstrip(".")
