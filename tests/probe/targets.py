"""Servers on loopback that behave and misbehave on demand, one thread per connection, all on ports of their own.

`Targets` answers by path (see `_ANSWERS` and `Answer`), in plain HTTP and behind several certificates
(and "tls12", which speaks nothing newer, and "asks_back", which wants a client certificate);
`silent`, `blackhole` and `refused_port` are targets that never get that far. Runs on Python 3.9 as well.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import socket
import ssl
import threading
import zlib
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEYWORD = "all systems operational"
PAGE = f"<html><title>page</title><body>{KEYWORD}</body></html>".encode()
BIG_BYTES = 100 * 1024 * 1024
CERTIFICATES = ("good", "expired", "not_yet_valid", "wrong_name", "self_signed")

_NOW = datetime.datetime.now(datetime.timezone.utc)
_DAY = datetime.timedelta(days=1)
EXPIRED_ON = _NOW - 3 * _DAY
VALID_FROM = _NOW + 3 * _DAY


class Answer:
    """One connection's side of the talk: the request that came, and ways to answer it."""

    def __init__(self, targets: Targets, sock: socket.socket, head: bytes) -> None:
        self.targets = targets
        self.sock = sock
        lines = head.decode("latin-1").split("\r\n")
        self.request_line = lines[0]
        parts = urlsplit(lines[0].split(" ")[1])
        self.path = parts.path
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}

    @property
    def number(self) -> int:
        """The number at the path's end."""
        return int(self.path.rpartition("/")[2])

    def raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self, status: int = 200, body: bytes = PAGE, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
        self.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def redirect(self, location: str, status: int = 302) -> None:
        self.reply(status, b"moved", f"Location: {location}")

    def wait(self, seconds: float) -> None:
        self.targets.stopping.wait(seconds)


def _drip(answer: Answer) -> None:
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not answer.targets.stopping.is_set():
        answer.raw(b".")
        answer.wait(0.02)


def _big(answer: Answer) -> None:
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG_BYTES)
    for _ in range(BIG_BYTES // 65536):
        answer.raw(bytes(65536))


def _endless_headers(answer: Answer) -> None:
    answer.raw(b"HTTP/1.1 200 OK\r\n")
    while not answer.targets.stopping.is_set():
        answer.raw(b"X-More: " + b"x" * 1000 + b"\r\n")


def _chunked(answer: Answer) -> None:
    answer.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for place in range(0, len(PAGE), 7):
        piece = PAGE[place : place + 7]
        answer.raw(b"%x;extension=1\r\n%b\r\n" % (len(piece), piece))
    answer.raw(b"0\r\nX-Trailer: yes\r\n\r\n")


def _chunks_without_end(answer: Answer) -> None:
    answer.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    tiny = b"1;" + b"e" * 100 + b"\r\nx\r\n"
    while not answer.targets.stopping.is_set():
        answer.raw(tiny * 100)


def _gzip_bomb(answer: Answer) -> None:
    answer.reply(200, answer.targets.bomb, "Content-Encoding: gzip")


def _flaky_head(answer: Answer) -> None:
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Le")


def _interim(answer: Answer) -> None:
    answer.raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    answer.reply()


def _authorised(answer: Answer) -> None:
    # "user:password" in Base64
    allowed = answer.headers.get("authorization") == "Basic dXNlcjpwYXNzd29yZA=="
    answer.reply(200 if allowed else 401)


def _chain(answer: Answer) -> None:
    answer.redirect(f"/chain/{answer.number - 1}" if answer.number > 1 else "/fast")


def _slow_body(answer: Answer) -> None:
    """Wait before the first byte and again before the last: /slow-body?first=MS&rest=MS."""
    answer.wait(float(answer.query["first"]) / 1000)
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
    answer.wait(float(answer.query["rest"]) / 1000)
    answer.raw(b"cd")


def _sleep(answer: Answer) -> None:
    answer.wait(answer.number / 1000)
    answer.reply()


_ANSWERS: Dict[str, Callable[[Answer], None]] = {
    "/fast": lambda answer: answer.reply(),
    "/sleep": _sleep,
    "/slow-body": _slow_body,
    "/status": lambda answer: answer.reply(answer.number),
    "/chain": _chain,
    "/loop": lambda answer: answer.redirect("/loop"),
    "/to": lambda answer: answer.redirect(unquote(answer.query["url"])),
    "/lost": lambda answer: answer.reply(302, b""),
    "/utf8-location": lambda answer: answer.raw("HTTP/1.1 302 Found\r\nLocation: /fast?ü\r\n\r\n".encode()),
    "/hang": lambda answer: answer.wait(30),
    "/drip": _drip,
    "/big": _big,
    "/gzip-bomb": _gzip_bomb,
    "/gzip": lambda answer: answer.reply(200, gzip.compress(PAGE), "Content-Encoding: gzip"),
    "/deflate": lambda answer: answer.reply(200, zlib.compress(PAGE), "Content-Encoding: deflate"),
    "/raw-deflate": lambda answer: answer.reply(200, zlib.compress(PAGE)[2:-4], "Content-Encoding: deflate"),
    "/damaged-gzip": lambda answer: answer.reply(200, b"\x1f\x8b\x08garbage", "Content-Encoding: gzip"),
    "/br": lambda answer: answer.reply(200, PAGE, "Content-Encoding: br"),
    "/garbage": lambda answer: answer.raw(bytes(range(256)) * 4),
    "/ssh": lambda answer: answer.raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "/empty": lambda answer: None,
    "/mid-head": _flaky_head,
    "/mid-body": lambda answer: answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789"),
    "/mid-chunk": lambda answer: answer.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
    "/endless-headers": _endless_headers,
    "/endless-chunks": _chunks_without_end,
    "/chunked": _chunked,
    "/until-close": lambda answer: answer.raw(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE),
    "/no-body": lambda answer: answer.raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "/interim": _interim,
    "/authorised": _authorised,
    "/challenge": lambda answer: answer.reply(403, b"<title>Just a moment...</title>", "cf-mitigated: challenge"),
    "/wall": lambda answer: answer.reply(503, b"..._cf_chl_opt...", "Server: cloudflare"),
    "/latin-1": lambda answer: answer.reply(
        200, "grüne Wiese".encode("latin-1"), "Content-Type: text/html; charset=ISO-8859-1"
    ),
}


class Targets:
    """All the servers. `url(path)` is plain HTTP, `url(path, "good")` TLS with that certificate.

    `requests` lists the request lines and headers in the order in which they came. `ca_file` is the
    authority of every certificate but the self-signed one.
    """

    def __init__(self, folder: Path) -> None:
        self.stopping = threading.Event()
        self.requests: List[Tuple[str, Dict[str, str]]] = []
        self.bomb = gzip.compress(bytes(64 * 1024 * 1024), 9)
        self._sockets: List[socket.socket] = []
        self._ports: Dict[Optional[str], int] = {}
        self.ca_file = str(folder / "ca.pem")
        for name, context in _server_contexts(folder, self.ca_file).items():
            self._ports[name] = self._serve("127.0.0.1", context)
        self._ports[None] = self._serve("127.0.0.1", None)
        self.port_v6 = self._serve("::1", None)

    @property
    def port(self) -> int:
        return self._ports[None]

    def url(self, path: str, certificate: Optional[str] = None, host: Optional[str] = None) -> str:
        """Return the address of an answer. TLS goes to `localhost`, plain HTTP to 127.0.0.1, unless told."""
        if certificate is None:
            return f"http://{host or '127.0.0.1'}:{self._ports[None]}{path}"
        return f"https://{host or 'localhost'}:{self._ports[certificate]}{path}"

    def silent(self) -> int:
        """Return a port that accepts connections (the kernel does) and never says a word."""
        listener = self._listen("127.0.0.1", backlog=4096)
        return int(listener.getsockname()[1])

    def blackhole(self) -> int:
        """Return a port whose backlog is full: the kernel drops every SYN, as a firewall does."""
        listener = self._listen("127.0.0.1", backlog=0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            self._sockets.append(filler)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        return int(listener.getsockname()[1])

    def refused_port(self) -> int:
        """Return a port on which nothing listens: bound, so that nobody else takes it."""
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        self._sockets.append(sock)
        return int(sock.getsockname()[1])

    def raw_server(self, answer: Callable[[socket.socket], None]) -> int:
        """Return a port where each connection is handed to `answer` in a thread of its own."""
        listener = self._listen("127.0.0.1", backlog=256)
        self._accept(listener, answer)
        return int(listener.getsockname()[1])

    def piecemeal(self, certificate: str, size: int) -> int:
        """Return a port that hands on what the server with this certificate says in pieces of `size` bytes."""

        def pass_on(sock: socket.socket) -> None:
            with socket.create_connection(("127.0.0.1", self._ports[certificate])) as server:
                asking = threading.Thread(target=_copy, args=(sock, server, 65536), daemon=True)
                asking.start()
                _copy(server, sock, size)

        return self.raw_server(pass_on)

    def close(self) -> None:
        self.stopping.set()
        for sock in self._sockets:
            # A listener's accept only wakes up if it is shut down first.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _listen(self, host: str, backlog: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, 0))
        listener.listen(backlog)
        self._sockets.append(listener)
        return listener

    def _serve(self, host: str, context: Optional[ssl.SSLContext]) -> int:
        listener = self._listen(host, backlog=4096)

        def talk(sock: socket.socket) -> None:
            if context is None:
                self._talk(sock)
                return
            with context.wrap_socket(sock, server_side=True) as secured:
                self._talk(secured)
                with contextlib.suppress(OSError):
                    secured.unwrap()

        self._accept(listener, talk)
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, answer: Callable[[socket.socket], None]) -> None:
        def serve_one(sock: socket.socket) -> None:
            with sock, contextlib.suppress(OSError):
                sock.settimeout(30)
                answer(sock)

        def serve() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve_one, args=(sock,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(65536)
            if not data:
                return
            head += data
        answer = Answer(self, sock, head)
        self.requests.append((answer.request_line, answer.headers))
        first = "/" + answer.path.split("/")[1]
        if first in _ANSWERS:
            _ANSWERS[first](answer)
        else:
            answer.reply(404)


def _copy(source: socket.socket, sink: socket.socket, size: int) -> None:
    with contextlib.suppress(OSError):
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            data = source.recv(size)
            if not data:
                return
            sink.sendall(data)


def _server_contexts(folder: Path, ca_file: str) -> Dict[str, ssl.SSLContext]:
    authority = trustme.CA(organization_name="Pingmon's test authority")
    authority.cert_pem.write_to_path(ca_file)
    issued = {
        "good": authority.issue_cert("localhost", "127.0.0.1", common_name="localhost"),
        "expired": authority.issue_cert("localhost", not_before=_NOW - 30 * _DAY, not_after=EXPIRED_ON),
        "not_yet_valid": authority.issue_cert("localhost", not_before=VALID_FROM, not_after=_NOW + 30 * _DAY),
        "wrong_name": authority.issue_cert("elsewhere.example", "other.example"),
    }
    files = {name: folder / f"{name}.pem" for name in CERTIFICATES}
    for name, certificate in issued.items():
        certificate.private_key_and_cert_chain_pem.write_to_path(str(files[name]))
    _write_self_signed(files["self_signed"])
    contexts = {}
    for name, file in [*files.items(), ("tls12", files["good"]), ("asks_back", files["good"])]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        contexts[name] = context
    contexts["tls12"].maximum_version = ssl.TLSVersion.TLSv1_2
    contexts["asks_back"].verify_mode = ssl.CERT_REQUIRED
    contexts["asks_back"].load_verify_locations(ca_file)
    return contexts


def _write_self_signed(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - _DAY)
        .not_valid_after(_NOW + 30 * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
