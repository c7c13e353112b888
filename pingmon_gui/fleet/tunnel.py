"""An SSH connection to a probe's host, opened with our own restricted key, and streams through it to the probe's port.

No local port is opened. paramiko blocks, so a connection is made in a thread; after that one pump thread a tunnel
carries the bytes between its channels and the event loop. Everything public belongs to the loop.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import logging
import os
import selectors
import shutil
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import paramiko

from pingmon_gui.domain.error import ProbeUnauthorised, ProbeUnreachable
from pingmon_gui.domain.probe import ProbeAccess

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
PIECE_BYTES = 64 * 1024
#: A stream that nobody reads from takes no more than this; SSH's window then holds the probe up.
FULL_BYTES = 256 * 1024
#: How often a full SSH window is looked at again while something waits to be sent.
WINDOW_S = 0.02


class Tunnel:
    """Make it inside the running loop, `connect` once, `open` as many streams as need be, `close` it there."""

    def __init__(self, access: ProbeAccess, private_key: str) -> None:
        self._access = access
        self._private_key = private_key
        self._where = _where(access)
        self._socket: socket.socket | None = None
        self._transport: paramiko.Transport | None = None
        self._pump: _Pump | None = None
        self._jump: subprocess.Popen[bytes] | None = None
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
        self._pump = _Pump(asyncio.get_running_loop(), f"tunnel:{self._access.host}")
        self._pump.start()

    async def open(self) -> ChannelStream:
        """Open a stream to the probe's port. Raises ProbeUnreachable, ProbeUnauthorised."""
        if self._transport is None or self._pump is None or not self._transport.is_active():
            raise ProbeUnreachable(f"The SSH connection to {self._where} broke off.")
        channel = await asyncio.to_thread(self._open, self._transport)
        stream = ChannelStream(channel, self._pump)
        self._pump.add(stream)
        return stream

    async def close(self) -> None:
        """Close everything. Harmless if it is closed."""
        with self._lock:
            self._is_closed = True
        await asyncio.to_thread(self._close)

    # In threads of their own

    def _connect(self) -> None:
        key = _read_key(self._private_key)
        kind, pinned = _read_host_key(self._access.host_key)
        connection = self._dial()
        try:
            with self._lock:
                if self._is_closed:
                    connection.close()
                    raise ProbeUnreachable("The tunnel was closed.")
                self._socket = connection
                transport = self._transport = paramiko.Transport(connection)
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
        except (paramiko.SSHException, OSError, EOFError) as exc:
            if "no acceptable host key" in str(exc).lower() or isinstance(exc, paramiko.ssh_exception.IncompatiblePeer):
                raise ProbeUnauthorised(
                    f"{self._where} no longer has the host key it had when the probe was set up.",
                    "If the host was installed anew, set the probe up again; if not, somebody may be in between.",
                ) from exc
            raise ProbeUnreachable(
                f"{self._where} does not speak SSH as expected just now: {_words(exc)}.", "Is its SSH server well?"
            ) from exc

    def _dial(self) -> socket.socket:
        address = (self._access.address, self._access.ssh_port)
        if self._access.proxy_jump:
            return self._dial_over_jump()
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

    def _dial_over_jump(self) -> socket.socket:
        """Reach the host over its jump hosts by the user's own `ssh`, with its configuration, keys and agent."""
        ssh = shutil.which("ssh")
        if ssh is None or os.name == "nt":
            raise ProbeUnreachable(
                f"{self._where} is behind a jump host, and no ssh program is here to cross it.", "Install OpenSSH."
            )
        hops = (self._access.proxy_jump or "").split(",")
        host, _, port = hops[-1].partition(":") if hops[-1].count(":") == 1 else (hops[-1], "", "")
        command = [ssh, "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_S:.0f}"]
        if self._access.ssh_config:
            command += ["-F", self._access.ssh_config]
        if hops[:-1]:
            command += ["-J", ",".join(hops[:-1])]
        if port:
            command += ["-p", port]
        command += ["-W", f"[{self._access.address}]:{self._access.ssh_port}", "--", host]
        ours, theirs = socket.socketpair()
        try:
            self._jump = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as exc:
            ours.close()
            raise ProbeUnreachable(f"The ssh program cannot be started: {_words(exc)}.") from exc
        finally:
            theirs.close()
        return ours

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
        except (paramiko.SSHException, OSError, EOFError) as exc:
            raise ProbeUnreachable(f"The SSH connection to {self._where} broke off.") from exc
        channel.settimeout(0.0)
        return channel

    def _close(self) -> None:
        pump, self._pump = self._pump, None
        transport, connection, jump = self._transport, self._socket, self._jump
        if transport is not None:
            transport.close()
            if transport.is_alive():
                transport.join()
        if connection is not None:
            connection.close()
        if jump is not None:
            jump.terminate()
            jump.wait()
        if pump is not None:
            pump.stop()
            pump.join()


async def _in_thread(work: Callable[[], None], name: str) -> None:
    """Await work in a thread of its own. One that is not awaited any more holds up neither the loop nor the exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            work()
        except Exception as exc:
            error = exc
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    await done


class _Pump(threading.Thread):
    """Carries bytes between the channels of one tunnel and the loop.

    After each piece a stream is left alone until the loop asks for more, so none takes more than it has room for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._loop = loop
        self._selector = selectors.DefaultSelector()
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._orders: deque[Callable[[], None]] = deque()
        self._writing: dict[ChannelStream, None] = {}
        self._streams: dict[ChannelStream, int] = {}
        self._is_stopping = False

    # From the loop

    def add(self, stream: ChannelStream) -> None:
        self._order(lambda: self._add(stream))

    def resume(self, stream: ChannelStream) -> None:
        self._order(lambda: self._listen(stream))

    def write(self, stream: ChannelStream) -> None:
        self._order(lambda: self._writing.update({stream: None}))

    def remove(self, stream: ChannelStream) -> None:
        self._order(lambda: self._remove(stream))

    def stop(self) -> None:
        self._is_stopping = True
        self._ring()

    def _order(self, do: Callable[[], None]) -> None:
        self._orders.append(do)
        self._ring()

    def _ring(self) -> None:
        with suppress(OSError):  # full: it rings already; closed: there is nobody any more
            self._rope.send(b"\0")

    # On the pump's thread

    def run(self) -> None:
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        try:
            while not self._is_stopping:
                ready = self._selector.select(WINDOW_S if self._writing else None)
                for key, _ in ready:
                    if key.data is not None:
                        self._read(key.data)
                self._carry_out_orders()
                for stream in list(self._writing):
                    self._send(stream)
        finally:
            for stream in list(self._streams):
                self._tell(stream.ended)
                _close(stream.channel)
            self._selector.close()
            self._bell.close()
            self._rope.close()

    def _carry_out_orders(self) -> None:
        try:
            while self._bell.recv(4096):
                pass
        except BlockingIOError:
            pass
        while self._orders:
            self._orders.popleft()()

    def _add(self, stream: ChannelStream) -> None:
        self._streams[stream] = stream.channel.fileno()
        self._listen(stream)

    def _listen(self, stream: ChannelStream) -> None:
        descriptor = self._streams.get(stream)
        if descriptor is not None and descriptor not in self._selector.get_map():
            self._selector.register(descriptor, selectors.EVENT_READ, stream)

    def _hush(self, stream: ChannelStream) -> None:
        descriptor = self._streams.get(stream)
        if descriptor is not None and descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def _remove(self, stream: ChannelStream) -> None:
        self._hush(stream)
        self._streams.pop(stream, None)
        self._writing.pop(stream, None)
        _close(stream.channel)

    def _read(self, stream: ChannelStream) -> None:
        try:
            data = stream.channel.recv(PIECE_BYTES)
        except TimeoutError:
            return
        except OSError:
            data = b""
        self._hush(stream)
        if data:
            self._tell(stream.fed, data)
        else:
            self._tell(stream.ended)

    def _send(self, stream: ChannelStream) -> None:
        try:
            while stream.outgoing and stream.channel.send_ready():
                piece = stream.outgoing.popleft()
                rest = piece[stream.channel.send(piece) :]
                if rest:
                    stream.outgoing.appendleft(rest)
        except (OSError, EOFError):  # closed; a timeout is an OSError too, but cannot be while it is ready
            self._writing.pop(stream, None)
            self._tell(stream.ended)
            return
        if stream.channel.closed or not stream.outgoing:
            self._writing.pop(stream, None)
            self._tell(stream.ended if stream.outgoing else stream.sent)

    def _tell(self, told: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(told, *values)
        except RuntimeError:
            self._is_stopping = True  # the loop is closed


@dataclass(eq=False)
class ChannelStream:
    """One stream through a tunnel. It belongs to the loop, all but `channel`, which is the pump's."""

    channel: paramiko.Channel
    pump: _Pump
    outgoing: deque[bytes] = field(default_factory=deque)
    _incoming: deque[bytes] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _is_full: bool = False
    _sending: asyncio.Future[None] | None = None
    _has_ended: bool = False
    _is_closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, most: int) -> bytes:
        """Return up to `most` bytes as soon as there are any; b"" at the end."""
        while not self._incoming:
            if self._has_ended or self._is_closed:
                return b""
            self._changed.clear()
            await self._changed.wait()
        data = self._incoming.popleft()
        if len(data) > most:
            self._incoming.appendleft(data[most:])
            data = data[:most]
        self._waiting_bytes -= len(data)
        if self._is_full and self._waiting_bytes <= FULL_BYTES // 2:
            self._is_full = False
            self.pump.resume(self)
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it; return once SSH has taken it. Raises ConnectionError if the stream ends before."""
        if self._has_ended or self._is_closed:
            raise ConnectionError("the stream has ended")
        done = self._sending = asyncio.get_running_loop().create_future()
        self.outgoing.extend(data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES))
        self.pump.write(self)
        await done

    @property
    def is_readable(self) -> bool:
        """Whether a read would return at once: for an idle connection that means it was closed."""
        return bool(self._incoming) or self._has_ended or self._is_closed

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._changed.set()
            self.pump.remove(self)

    # Told by the pump, on the loop

    def fed(self, data: bytes) -> None:
        self._incoming.append(data)
        self._waiting_bytes += len(data)
        self._changed.set()
        self._is_full = self._waiting_bytes > FULL_BYTES
        if not self._is_full:
            self.pump.resume(self)

    def ended(self) -> None:
        self._has_ended = True
        self._changed.set()
        if self._sending is not None and not self._sending.done():
            self._sending.set_exception(ConnectionError("the stream has ended"))

    def sent(self) -> None:
        if self._sending is not None and not self._sending.done():
            self._sending.set_result(None)


def _close(channel: paramiko.Channel) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):  # the connection is gone already
        channel.close()


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
