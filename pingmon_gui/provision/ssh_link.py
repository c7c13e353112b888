"""The wire to one SSH server: TCP or a chain of jump hosts, the handshake, and one thread on which paramiko may block.

Every wait ends by a deadline; a task that is cancelled cuts the connection, which wakes the thread at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar

import paramiko
from paramiko.packet import Packetizer
from paramiko.ssh_exception import ChannelException, IncompatiblePeer, SSHException

from pingmon_gui.domain.error import SshUnreachable, UserCancelled
from pingmon_gui.provision.known_host import KEY_TYPES
from pingmon_gui.provision.ssh_config import SshTarget

#: From TCP to agreed keys, in connect timeouts: a loaded host takes its time, and may first ask a name server about us.
_HANDSHAKE_TIMEOUTS = 2
#: For the answer to one attempt to log in.
LOGIN_S = 60.0
#: For opening a channel.
CHANNEL_S = 20.0
_KEEPALIVE_S = 15
#: An unanswered connection is given up by the kernel after this time.
_DEAD_S = 45
#: Any but the last of a name's addresses: a network without IPv6 must not cost the whole patience.
_NEXT_ADDRESS_S = 5.0
#: Names of RSA signatures; the key type in known_hosts is ssh-rsa.
_RSA = ("rsa-sha2-512", "rsa-sha2-256")

# paramiko raises all that matters, and would log it with a traceback on top.
_QUIET = logging.getLogger("paramiko.pingmon")
_QUIET.setLevel(logging.CRITICAL)

T = TypeVar("T")
_Addresses = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


class _Wire(Protocol):
    """What paramiko needs of a socket: a real one, or a channel through a jump host."""

    def send(self, data: bytes, /) -> int: ...
    def recv(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _RecordingPacketizer(Packetizer):
    """Keeps what the server said before the handshake: paramiko tells only that it was not what it should be."""

    def __init__(self, wire: Any) -> None:
        super().__init__(wire)
        self.greeting: list[str] = []

    def readline(self, timeout: float) -> str:
        line = super().readline(timeout)
        self.greeting.append(line.strip())
        return line


class LinkTransport(paramiko.Transport):
    """paramiko's transport, that also keeps the server's reason for hanging up."""

    goodbye = ""

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        message.get_int()
        self.goodbye = message.get_text().strip()


class SshLink:
    """An SSH connection being made or made, with the jump hosts before it. Used by one task at a time."""

    def __init__(self, target: SshTarget) -> None:
        self.target = target
        self.transports: list[LinkTransport] = []
        self._socket: socket.socket | None = None
        self._is_cut = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"ssh {target.name}")
        self._question: Future[Any] | None = None
        self._names: queue.SimpleQueue[_Addresses | OSError | UnicodeError | None] = queue.SimpleQueue()
        self._wake_ups: list[Callable[[], None]] = []

    @property
    def transport(self) -> LinkTransport:
        """The connection to the target itself."""
        return self.transports[-1]

    async def call(self, work: Callable[[], T], deadline_s: float | None = None) -> T:
        """Return what `work` returns on this connection's thread. Deadline or cancellation cut the connection.

        Raises TimeoutError by the deadline, and what `work` raises.
        """
        job = asyncio.wrap_future(self._thread.submit(work))
        try:
            done, _pending = await asyncio.wait((job,), timeout=deadline_s)
        except asyncio.CancelledError:
            self.cut()
            job.add_done_callback(_forget)
            raise
        if not done:
            self.cut()
            job.add_done_callback(_forget)
            raise TimeoutError
        return job.result()

    def ask(self, question: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> Future[T]:
        """Put a question to a person from paramiko's own thread, and return it answered or failed; `cut` cancels it."""
        asked = asyncio.run_coroutine_threadsafe(question, loop)
        self._question = asked
        if self._is_cut:
            asked.cancel()
        wait((asked,))
        self._question = None
        if asked.cancelled():
            asked = Future()
            asked.set_exception(UserCancelled())
        return asked

    def cut(self) -> None:
        """Break the connection off at once, from any thread; whoever waits for it wakes up."""
        self._is_cut = True
        self._names.put(None)
        for wake_up in self._wake_ups:
            wake_up()
        if question := self._question:
            question.cancel()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def wake_by(self, wake_up: Callable[[], None]) -> None:
        """Call this when the connection is cut: it must end whatever else `call` may be waiting for."""
        self._wake_ups.append(wake_up)

    async def close(self) -> None:
        """End the connection and its thread; waits until both are gone. May be called twice."""
        self.cut()
        with contextlib.suppress(RuntimeError):  # closed before
            job = self._thread.submit(self._take_down)
            self._thread.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(job))

    def _take_down(self) -> None:
        for transport in reversed(self.transports):
            # Ends the clock of a handshake that never came about.
            transport.packetizer.complete_handshake()
            # Through a jump host closing means to send, and the wire may be gone.
            with contextlib.suppress(SSHException, EOFError, OSError):
                transport.close()
        for transport in reversed(self.transports):
            if transport.ident is not None:
                transport.join(LOGIN_S)
        if self._socket is not None:
            self._socket.close()

    # What follows blocks and runs on the thread.

    def reach(self, hop: SshTarget, key_types: Sequence[str]) -> LinkTransport:
        """Connect to the next hop and agree on keys; the host key is there, but not yet judged. Raises SshUnreachable.

        `key_types` are the kinds of host key to ask for, in this order.
        """
        wire: _Wire = self._through(hop) if self.transports else self._dial(hop)
        transport = LinkTransport(wire, packetizer_class=_RecordingPacketizer)  # type: ignore[arg-type]
        transport.set_log_channel(_QUIET.name)
        self.transports.append(transport)
        patience = _HANDSHAKE_TIMEOUTS * hop.connect_timeout_s
        # paramiko's own clocks would end it with less to tell than ours.
        transport.banner_timeout = transport.handshake_timeout = 2 * patience
        transport.auth_timeout = LOGIN_S
        transport.channel_timeout = CHANNEL_S
        transport.get_security_options().key_types = [
            name for key_type in key_types for name in (_RSA if key_type == "ssh-rsa" else (key_type,))
        ]
        agreed = threading.Event()
        transport.start_client(event=agreed)
        agreed.wait(patience)
        if not transport.is_active() or not transport.initial_kex_done:
            raise _no_handshake(hop, transport, patience)
        transport.set_keepalive(_KEEPALIVE_S)
        return transport

    def _through(self, hop: SshTarget) -> paramiko.Channel:
        """Open a channel from the hop before to this one."""
        gate, before = self.transports[-1], self.target.jumps[len(self.transports) - 1]
        try:
            return gate.open_channel("direct-tcpip", (hop.address, hop.port), ("127.0.0.1", 0), timeout=CHANNEL_S)
        except ChannelException as exc:
            if exc.code == paramiko.common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
                raise SshUnreachable(
                    f"The jump host {before.name} forbids to go on to {hop.address}:{hop.port}.",
                    "Its sshd_config says so: AllowTcpForwarding, DisableForwarding or PermitOpen.",
                    host=hop.name,
                ) from exc
            raise SshUnreachable(
                f"The jump host {before.name} cannot reach {hop.address}:{hop.port}.",
                "Check name and port; the name has to be known there, not here.",
                host=hop.name,
            ) from exc
        except (SSHException, EOFError, OSError) as exc:
            raise SshUnreachable(
                f"The connection to the jump host {before.name} broke off.", "Try again.", host=hop.name
            ) from exc

    def _addresses(self, hop: SshTarget) -> _Addresses:
        """Look the name up. The resolver cannot be interrupted: it gets a thread that nobody waits for for long."""

        def look_up() -> None:
            try:
                self._names.put(socket.getaddrinfo(hop.address, hop.port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as exc:
                self._names.put(exc)

        threading.Thread(target=look_up, name=f"resolve {hop.address}", daemon=True).start()
        try:
            found = self._names.get(timeout=hop.connect_timeout_s)
        except queue.Empty:
            raise SshUnreachable(
                f"The name {hop.address} was not resolved within {hop.connect_timeout_s:g} s.",
                "Check whether this computer is online and its name server answers.",
                host=hop.name,
            ) from None
        if found is not None and not isinstance(found, OSError | UnicodeError):
            return found
        raise SshUnreachable(
            f"There is no host named {hop.address}" + (f" ({hop.host})" if hop.host != hop.address else "") + ".",
            "Check the spelling, and whether this computer is online.",
            host=hop.name,
        ) from found

    def _dial(self, hop: SshTarget) -> socket.socket:
        found = self._addresses(hop)
        problem: OSError = OSError()
        until = time.monotonic() + hop.connect_timeout_s
        for number, (family, kind, protocol, _name, address) in enumerate(found, 1):
            left = until - time.monotonic()
            patience = left if number == len(found) else min(left, _NEXT_ADDRESS_S)
            if patience <= 0 or self._is_cut:
                break
            wire = socket.socket(family, kind, protocol)
            self._socket = wire
            wire.settimeout(patience)
            try:
                wire.connect(address)
            except OSError as exc:
                wire.close()
                problem = exc
                continue
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_S * 1000)
            if self._is_cut:
                break
            return wire
        raise _no_connection(hop, problem) from problem


def ordered_key_types(known: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """Return the kinds of host key to ask for, those that are known of the host first."""
    first = [key_type for key_type in KEY_TYPES if key_type in known]
    return [key_type for key_type in (*first, *(k for k in KEY_TYPES if k not in first)) if key_type not in without]


def _forget(job: asyncio.Future[Any]) -> None:
    """Take the outcome of a job nobody waits for any more."""
    if not job.cancelled():
        job.exception()


def _no_connection(hop: SshTarget, problem: OSError) -> SshUnreachable:
    place = f"{hop.address}:{hop.port}" if ":" not in hop.address else f"[{hop.address}]:{hop.port}"
    if isinstance(problem, ConnectionRefusedError):
        return SshUnreachable(
            f"{place} refuses the connection: no SSH server listens there.",
            "Check the port, and that the SSH server runs.",
            host=hop.name,
        )
    if isinstance(problem, TimeoutError):
        return SshUnreachable(
            f"{place} did not answer within {hop.connect_timeout_s:g} s.",
            "Check the address and port; a firewall may drop what comes from here.",
            host=hop.name,
        )
    return SshUnreachable(
        f"{place} cannot be reached: {problem.strerror or 'the connection was broken off'}.",
        "Check whether this computer is online and may reach that network.",
        host=hop.name,
    )


def _no_handshake(hop: SshTarget, transport: LinkTransport, patience: float) -> SshUnreachable:
    is_late = transport.is_active()
    cause = transport.get_exception()
    greeting = transport.packetizer.greeting  # type: ignore[attr-defined]
    said = next((line for line in greeting if line), "")
    is_ssh = any(line.startswith("SSH-") for line in greeting)
    place = f"{hop.address} port {hop.port}"
    # sshd says these before its version when it turns somebody away (OpenSSH: MaxStartups, PerSourcePenalties).
    if said and not is_ssh and ("maxstartups" in said.lower() or "not allowed" in said.lower()):
        return SshUnreachable(
            f'{place} turns us away: it says "{_short(said)}".', "Wait some minutes and try again.", host=hop.name
        )
    if said and not is_ssh:
        return SshUnreachable(
            f'What answers at {place} is no SSH server: it says "{_short(said)}".', "Check the port.", host=hop.name
        )
    if isinstance(cause, IncompatiblePeer):
        return SshUnreachable(
            f"{place} and this app know no way to encrypt in common ({_short(str(cause).rstrip('.'))}).",
            "The SSH server may be too old to be safe: upgrade it.",
            host=hop.name,
        )
    if is_late and not is_ssh:
        return SshUnreachable(
            f"{place} accepted the connection and then said nothing for {patience:g} s.",
            "It may be no SSH server, or an overloaded one.",
            host=hop.name,
        )
    if is_late:
        return SshUnreachable(
            f"{place} did not agree on encryption within {patience:g} s.",
            "It may be overloaded: try again later.",
            host=hop.name,
        )
    return SshUnreachable(
        f"{place} broke the connection off before anybody could log in.",
        "It may allow few connections at a time, or have shut out this computer's address (fail2ban, hosts.deny).",
        host=hop.name,
    )


def _short(text: str) -> str:
    """Return what a stranger's server said, short and harmless to show."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:120]
