"""One cold connection: name, address, TCP, TLS; one address family, one attempt, every wait booked on its phase.

A measuring tool must not repair what it measures: no second address is tried. Checks own it and listen to it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
from typing import Optional, Tuple

from . import sentence
from .address_search import AddressSearch, Resolved, family_of
from .resolver import Address
from .stamp import USER
from .starttls import TALKS, Talk, TalkError
from .target import Endpoint
from .timeline import CONNECT, DNS, REQUEST, TLS, Timeline
from .tls import TlsClient, TlsFacts, handshake_reason
from .tools import Tools

#: The first read of an answer is small, so that its stamp is that of the first packet; later ones are not.
FIRST_READ_BYTES = 512
READ_BYTES = 16 * 1024
#: How long one socket may keep the loop reading.
READING_S = 0.0005

_IN_PROGRESS = frozenset(
    (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, errno.EALREADY, errno.EINTR, errno.EISCONN)
)


class Listener:
    """What the owner of a connection is told; exactly one of `failed` and the owner's `close` ends it."""

    def opened(self, connection: Connection) -> None:
        """The connection stands, TLS included: say something."""

    def received(self, connection: Connection, data: bytes, is_end: bool) -> None:
        """Plain data came, the server ended the stream, or both."""

    def failed(self, connection: Connection, failure: str, message: str) -> None:
        """The connection is over; it is closed already."""

    def crashed(self, exc: BaseException) -> None:
        """A bug of our own came up in one of the loop's calls."""


class Connection:
    """A connection on its way to a target, then open.

    `phase` says what is being waited for; the owner moves it from REQUEST to TRANSFER. (The talk before STARTTLS is
    booked on REQUEST as well.) `clock` is `kernel` only as long as every stamp was the kernel's. `address` is None
    until one was chosen; whoever gives it vouches that it may be connected to.
    """

    __slots__ = (
        "_answer",
        "_listener",
        "_pending",
        "_search",
        "_sock",
        "_talk",
        "_tls",
        "_tools",
        "_verify",
        "address",
        "clock",
        "is_retransmitted",
        "phase",
        "target",
        "timeline",
        "verify_error",
    )

    def __init__(
        self,
        tools: Tools,
        target: Endpoint,
        timeline: Timeline,
        listener: Listener,
        *,
        verify: bool = True,
        address: Optional[Address] = None,
    ) -> None:
        self._tools = tools
        self.target = target
        self.timeline = timeline
        self._listener = listener
        self._verify = verify
        self.address = address
        self._search: Optional[AddressSearch] = None
        self._answer: Optional[Resolved] = None
        self._sock: Optional[socket.socket] = None
        self._talk: Optional[Talk] = None
        self._tls: Optional[TlsClient] = None
        self._pending = b""
        self.phase = CONNECT
        self.clock = tools.stamps.name
        self.is_retransmitted = False
        #: OpenSSL's code and words where the certificate did not hold.
        self.verify_error: Optional[Tuple[int, str]] = None

    @property
    def answer(self) -> Optional[Resolved]:
        """What the resolver said of the name, None where it was not asked or did not answer."""
        return self._answer if self._search is None else self._search.answer

    @property
    def family(self) -> Optional[int]:
        return None if self.address is None else family_of(self.address)

    @property
    def is_lookup_waiting(self) -> bool:
        """Whether the name still waits for one of the resolver's threads."""
        return self._search is not None and self._search.is_waiting

    def start(self, family: int = 0) -> None:
        """Begin, for family 4, 6 or 0 (IPv4 where there is a way to it, else IPv6)."""
        if self.address is not None:
            self._connect(self.address)
            return
        self.phase = DNS
        search = self._search = AddressSearch(
            self._tools, self.target, self.timeline, self._connect, self._not_found, self._listener.crashed
        )
        search.start(family)

    def listen(self) -> None:
        """Wait for what the server says first."""
        data, self._pending = self._pending, b""
        self._send(data)

    def send(self, data: bytes) -> None:
        """Send plain data on the open connection, through TLS if there is one."""
        if self._tls is not None:
            data = self._pending + self._tls.encrypt(data)
            self._pending = b""
        self._send(data)

    def settle(self, until_s: float) -> None:
        """Book the wait that is going on, up to now."""
        if self._search is not None and self._search.is_running:
            self._search.settle(until_s)
        else:
            self.timeline.world(self.phase, until_s)

    def certificate(self) -> Optional[bytes]:
        """Return the server's certificate as DER, None without TLS or before the handshake is done."""
        return self._tls.certificate if self._tls is not None else None

    def tls_facts(self) -> Optional[TlsFacts]:
        """Return what was agreed on in the handshake, None without TLS or before that is done."""
        return self._tls.facts() if self._tls is not None and self._tls.is_open else None

    def own_address(self) -> Optional[str]:
        """Return the address that this side has, None once the connection is closed."""
        try:
            return None if self._sock is None else str(self._sock.getsockname()[0])
        except OSError:
            return None

    def say_goodbye(self) -> None:
        """End an open TLS session as its protocol wants it, as far as one send goes: nobody waits for an answer."""
        if self._tls is None or self._sock is None or not self._tls.is_open:
            return
        with contextlib.suppress(OSError, ssl.SSLError):
            self._sock.send(self._pending + self._tls.farewell(self._talk.goodbye if self._talk is not None else b""))

    def close(self) -> None:
        """Let go of everything; the listener hears no more. May be called again."""
        if self._search is not None:
            self._answer = self._search.answer
            self._search.close()
            self._search = None
        if self._sock is not None:
            self._tools.loop.unwatch(self._sock)
            self._sock.close()
            self._sock = None

    def _not_found(self, failure: str, message: str) -> None:
        if self._search is not None:
            self.address = self._search.address
        self._fail(failure, message)

    def _fail(self, failure: str, message: str) -> None:
        self.close()
        self._listener.failed(self, failure, message)

    def _connect(self, address: Address) -> None:
        self.address = address
        self.phase = CONNECT
        try:
            sock = socket.socket(address[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
        except OSError as exc:
            self._fail(*sentence.connect_failed(self.target, address, exc.errno or 0, exc.strerror or str(exc)))
            return
        self._sock = sock
        sock.setblocking(False)
        self._tools.stamps.prepare(sock)
        self.timeline.own(self._tools.loop.now())
        code = sock.connect_ex(address[1])
        if code not in _IN_PROGRESS:
            self._on_connect_failed(code)
            return
        self._tools.loop.watch(sock, writable=self._on_connected)

    def _on_connect_failed(self, code: int) -> None:
        assert self.address is not None
        self._book_by_turn(CONNECT)
        what = os.strerror(code)
        self._fail(*sentence.connect_failed(self.target, self.address, code, what))

    def _on_connected(self) -> None:
        try:
            assert self._sock is not None
            code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._on_connect_failed(code)
                return
            stands_s, clock, self.is_retransmitted = self._tools.stamps.connected(self._sock, self.timeline.mark_s)
            if clock == USER:
                self.clock = USER
            self.timeline.world(CONNECT, stands_s)
            if self.target.starttls is not None:
                self._begin_talk(self.target.starttls)
            elif self.target.is_tls:
                self._begin_tls()
            else:
                self._open()
        except Exception as exc:
            self._listener.crashed(exc)

    def _open(self) -> None:
        self.phase = REQUEST
        self._listener.opened(self)

    def _begin_talk(self, protocol: str) -> None:
        self.phase = REQUEST
        self.timeline.world(REQUEST, self.timeline.mark_s)
        self._talk = TALKS[protocol]()
        self._send(self._talk.first())

    def _talk_on(self, data: bytes) -> None:
        assert self._talk is not None
        try:
            answer = self._talk.feed(data)
        except TalkError as exc:
            self._fail(exc.failure, sentence.no_starttls(self.target, str(exc)))
            return
        if self._talk.is_ready:
            self._begin_tls()
        elif answer:
            self._send(answer)

    def _begin_tls(self) -> None:
        assert self._sock is not None
        self.phase = TLS
        self.timeline.world(TLS, self.timeline.mark_s)
        try:
            self._tls = TlsClient(self._tools.contexts.get(self._verify, self.target.speaks_http), self.target.host)
            hello = self._tls.shake()
        except (ssl.SSLError, ValueError) as exc:
            self._fail(
                "tls_handshake", sentence.handshake_failed(self.target, f"this name does not work in TLS ({exc})")
            )
            return
        self._send(hello)

    def _send(self, data: bytes) -> None:
        """Send now, or as soon as there is room; then wait for what the server says."""
        assert self._sock is not None
        self.timeline.own(self._tools.loop.now())
        try:
            sent = self._sock.send(data) if data else 0
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as exc:
            self._on_broken(exc)
            return
        if sent < len(data):
            self._pending = data[sent:]
            self._tools.loop.watch(self._sock, self._on_readable, self._on_writable)
        else:
            self._tools.loop.watch(self._sock, self._on_readable)

    def _on_writable(self) -> None:
        try:
            # The target made us wait for room: that is its time, not the probe's.
            self.timeline.world(self.phase, self._tools.loop.turn_s)
            data, self._pending = self._pending, b""
            self._send(data)
        except Exception as exc:
            self._listener.crashed(exc)

    def _on_readable(self) -> None:
        try:
            size = READ_BYTES if self._tls is not None or self.phase != REQUEST else FIRST_READ_BYTES
            if not self._read(size):
                return
            # A full read: take what else is there, or a large body would wait for our turns; but not for long.
            loop = self._tools.loop
            until_s = loop.now() + READING_S
            while self._sock is not None and self._read(READ_BYTES) and loop.now() < until_s:
                pass
        except Exception as exc:
            self._listener.crashed(exc)

    def _read(self, size: int) -> bool:
        """Read once; return whether there may be more."""
        assert self._sock is not None
        try:
            data, stamp_s, clock = self._tools.stamps.receive(self._sock, size)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as exc:
            self._on_broken(exc)
            return False
        if not data:
            self._on_end()
            return False
        if clock == USER:
            self.clock = USER
        self.timeline.world(self.phase, stamp_s)
        if self._tls is None:
            if self._talk is not None:
                self._talk_on(data)
            else:
                self._listener.received(self, data, False)
        elif self._tls.is_open:
            self._decrypt(data)
        else:
            self._shake(data)
        return len(data) == size

    def _shake(self, data: bytes) -> None:
        assert self._tls is not None
        try:
            answer = self._tls.shake(data)
        except ssl.SSLCertVerificationError as exc:
            self.verify_error = (exc.verify_code, exc.verify_message)
            self._say_why()
            self._fail("tls_verify", "")
            return
        except ssl.SSLError as exc:
            self._say_why()
            self._fail(
                "tls_handshake",
                sentence.handshake_failed(self.target, handshake_reason(exc, self.target.secure_protocol)),
            )
            return
        if self._tls.is_open:
            # What the client says last goes out together with the request.
            self._pending = answer
            self._open()
        elif answer:
            self._send(answer)

    def _decrypt(self, data: bytes) -> None:
        assert self._tls is not None
        try:
            pieces, is_end = self._tls.decrypt(data)
        except ssl.SSLError as exc:
            reason = handshake_reason(exc, self.target.secure_protocol)
            # In TLS 1.3 the server's refusal of the client comes after the client's handshake is done.
            failure = "tls_handshake" if "ALERT" in (exc.reason or "") and self.phase == REQUEST else "protocol"
            self._fail(failure, sentence.handshake_failed(self.target, reason))
            return
        for place, piece in enumerate(pieces):
            if self._sock is None:
                return
            self._listener.received(self, piece, is_end and place == len(pieces) - 1)
        if is_end and not pieces and self._sock is not None:
            self._listener.received(self, b"", True)

    def _say_why(self) -> None:
        """Tell the server why, as far as one send goes: it may log it."""
        if self._tls is not None and self._sock is not None:
            alert = self._tls.alert()
            if alert:
                with contextlib.suppress(OSError):
                    self._sock.send(alert)

    def _on_end(self) -> None:
        if self._talk is not None and self._tls is None:
            self._book_by_turn(REQUEST)
            self._fail("protocol", sentence.no_starttls(self.target, "closed the connection before TLS began"))
            return
        if self._tls is not None and not self._tls.is_open:
            self._book_by_turn(TLS)
            self._fail("tls_handshake", sentence.closed_in_handshake(self.target))
            return
        self._listener.received(self, b"", True)

    def _book_by_turn(self, phase: int) -> None:
        """Book up to this turn: an end or an error has no stamp of the kernel's."""
        self.timeline.world(phase, self._tools.loop.turn_s)
        self.clock = USER

    def _on_broken(self, exc: OSError) -> None:
        self._book_by_turn(self.phase)
        if self.phase == TLS:
            self._fail("tls_handshake", sentence.closed_in_handshake(self.target))
        else:
            what = exc.strerror or "no reason was given"
            self._fail("protocol", sentence.broken(self.target, self.phase, what))
