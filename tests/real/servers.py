"""Real web servers on loopback, nginx and Apache, with every kind of trouble a target can have.

`WebServers.start(folder)` writes their configuration and content into a folder and starts them, with
a small backend of our own for answers that come late. `cases()` lists what each address must be judged.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ports import free_port

HUGE_BYTES = 100 * 1024 * 1024
KEYWORD = "all systems operational"


@dataclass(frozen=True)
class Case:
    """An address, how it is checked, and what must come out. `says` must stand in the sentence."""

    name: str
    url: str
    status: str
    failure: str | None = None
    says: str = ""
    keyword: str | None = None


class _Backend(http.server.BaseHTTPRequestHandler):
    """Answers that come late: /slow after 1.5 s, /veryslow after 6 s, /drip a byte at a time without end."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        delay_s = {"/slow": 1.5, "/veryslow": 6.0}.get(self.path, 0.0)
        if self.server.stopping.wait(delay_s):  # type: ignore[attr-defined]
            return
        self.send_response(200)
        if self.path == "/drip":
            self.send_header("Content-Length", "100000")
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.stopping.wait(0.1):  # type: ignore[attr-defined]
                    self.wfile.write(b".")
                    self.wfile.flush()
            self.close_connection = True
            return
        self.send_header("Content-Length", "3")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"ok\n")

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet: the test's own output matters."""


def _raw_server(answer: bytes) -> tuple[socket.socket, int]:
    """Listen on a port whose connections all get the same bytes after their request, and are then closed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                connection.recv(65536)
                connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener, listener.getsockname()[1]


def _self_signed(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )


@dataclass
class WebServers:
    """The running servers; `ports` by name. `close` ends all of them."""

    folder: Path
    authority: Path
    ports: dict[str, int]
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)
    _backend: http.server.ThreadingHTTPServer | None = None

    @classmethod
    def start(cls, folder: Path) -> WebServers:
        """Start everything and wait until it answers. Raises RuntimeError with the server's own words."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        issued = {
            "good": authority.issue_cert("localhost"),
            "expired": authority.issue_cert("localhost", not_before=now - 30 * day, not_after=now - 3 * day),
            "wrong": authority.issue_cert("elsewhere.example"),
        }
        for name, certificate in issued.items():
            certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
        _self_signed(folder / "self.pem")
        _write_content(folder / "www")
        names = ("nginx", "nginx-tls", "expired", "wrong", "self", "apache", "apache-tls")
        servers = cls(folder, folder / "ca.pem", {name: free_port() for name in names})
        servers.ports["v6only"] = free_port("::1")
        servers.ports["refused"] = free_port()
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
        backend.stopping = threading.Event()  # type: ignore[attr-defined]
        backend.daemon_threads = True
        servers._backend = backend
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        servers.ports["backend"] = backend.server_address[1]
        raw = {
            "garbage": bytes(range(256)) * 4,
            "midbody": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789",
            "silent-close": b"",
        }
        for name, answer in raw.items():
            listener, servers.ports[name] = _raw_server(answer)
            servers._sockets.append(listener)
        servers._start_blackhole()
        try:
            servers._start_nginx()
            servers._start_apache()
        except BaseException:
            servers.close()
            raise
        return servers

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for listener in self._sockets:
            listener.close()
        if self._backend is not None:
            self._backend.stopping.set()  # type: ignore[attr-defined]
            self._backend.shutdown()
            self._backend.server_close()

    def cases(self) -> Iterator[Case]:
        """Yield every address with the status, failure class and words it must get."""
        for server in ("nginx", "apache"):
            for scheme, port in (("http", self.ports[server]), ("https", self.ports[f"{server}-tls"])):
                base, label = f"{scheme}://localhost:{port}", f"{server} {scheme}"
                yield Case(f"{label} fast", f"{base}/", "online")
                yield Case(f"{label} slow", f"{base}/slow", "slow")
                yield Case(f"{label} very slow", f"{base}/veryslow", "offline", "timeout", "5 s")
                yield Case(f"{label} redirect chain", f"{base}/chain/3", "online")
                yield Case(f"{label} redirect loop", f"{base}/loop", "offline", "too_many_redirects")
                yield Case(f"{label} 404", f"{base}/missing", "offline", "http_status", "404")
                yield Case(f"{label} 500", f"{base}/broken", "offline", "http_status", "500")
                yield Case(f"{label} drip", f"{base}/drip", "offline", "timeout", "5 s")
                yield Case(f"{label} huge body", f"{base}/huge.bin", "online")
                yield Case(f"{label} gzip bomb", f"{base}/bomb", "online")
                yield Case(
                    f"{label} gzip bomb searched", f"{base}/bomb?k", "offline", "content", KEYWORD, keyword=KEYWORD
                )
                yield Case(f"{label} keyword there", f"{base}/page.html", "online", keyword=KEYWORD)
                yield Case(f"{label} keyword absent", f"{base}/?k", "offline", "content", KEYWORD, keyword=KEYWORD)
        host = "127.0.0.1"
        yield Case("refused", f"http://{host}:{self.ports['refused']}/", "offline", "connect_refused", "refused")
        yield Case("blackholed", f"http://{host}:{self.ports['blackhole']}/", "offline", "connect_timeout", "5 s")
        yield Case("no such name", "http://no-such-name.invalid/", "offline", "dns", "no-such-name.invalid")
        yield Case("expired", f"https://localhost:{self.ports['expired']}/", "offline", "tls_verify", "expired")
        yield Case("self-signed", f"https://localhost:{self.ports['self']}/", "offline", "tls_verify", "self-signed")
        yield Case(
            "wrong name", f"https://localhost:{self.ports['wrong']}/", "offline", "tls_verify", "elsewhere.example"
        )
        yield Case("garbage", f"http://{host}:{self.ports['garbage']}/", "offline", "protocol")
        yield Case("closed mid-body", f"http://{host}:{self.ports['midbody']}/", "offline", "protocol")
        yield Case("closed at once", f"http://{host}:{self.ports['silent-close']}/", "offline", "protocol")
        yield Case("TLS on a plain port", f"https://localhost:{self.ports['nginx']}/", "offline", "tls_handshake")
        yield Case("IPv6 only", f"http://[::1]:{self.ports['v6only']}/", "online")

    def _start_blackhole(self) -> None:
        """Listen with a full backlog: the kernel drops every further SYN, as a firewall does."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        self._sockets.append(listener)
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(address)
            self._sockets.append(filler)
        self.ports["blackhole"] = address[1]

    def _start_nginx(self) -> None:
        folder, port = self.folder, self.ports
        paths = f"""
    root {folder}/www;
    location = /slow {{ proxy_pass http://127.0.0.1:{port["backend"]}; }}
    location = /veryslow {{ proxy_pass http://127.0.0.1:{port["backend"]}; }}
    location = /drip {{ proxy_pass http://127.0.0.1:{port["backend"]}; }}
    location = /chain/3 {{ return 301 /chain/2; }}
    location = /chain/2 {{ return 301 /chain/1; }}
    location = /chain/1 {{ return 301 /; }}
    location = /loop {{ return 301 /loop; }}
    location = /broken {{ return 500; }}
    location = /bomb {{ alias {folder}/www/bomb.gz; default_type text/html; add_header Content-Encoding gzip; }}
"""
        tls = "".join(
            f"server {{ listen 127.0.0.1:{port[name]} ssl; ssl_certificate {folder}/{pem}.pem;"
            f" ssl_certificate_key {folder}/{pem}.pem; {paths} }}\n"
            for name, pem in (("nginx-tls", "good"), ("expired", "expired"), ("wrong", "wrong"), ("self", "self"))
        )
        temporary = "".join(
            f"{kind}_temp_path {folder}/nginx-tmp;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 512; }}
http {{ access_log off; absolute_redirect off; proxy_buffering off; default_type text/plain;
{temporary}
server {{ listen 127.0.0.1:{port["nginx"]}; {paths} }}
server {{ listen [::1]:{port["v6only"]} ipv6only=on; {paths} }}
{tls} }}
""")
        self._run([_program("nginx"), "-c", str(configuration), "-p", str(folder)], port["nginx"], folder / "nginx.log")

    def _start_apache(self) -> None:
        folder, port = self.folder, self.ports
        modules = ["mpm_event", "authz_core", "alias", "ssl", "proxy", "proxy_http", "headers", "dir"]
        loaded = "".join(f"LoadModule {name}_module {_apache_modules()}/mod_{name}.so\n" for name in modules)
        paths = f"""
  DocumentRoot {folder}/www
  <Directory {folder}/www>
    Require all granted
  </Directory>
  ProxyPass /slow http://127.0.0.1:{port["backend"]}/slow
  ProxyPass /veryslow http://127.0.0.1:{port["backend"]}/veryslow
  ProxyPass /drip http://127.0.0.1:{port["backend"]}/drip flushpackets=on
  Redirect 301 /chain/3 /chain/2
  Redirect 301 /chain/2 /chain/1
  RedirectMatch 301 ^/chain/1$ /
  Redirect 301 /loop /loop
  Redirect 500 /broken
  Alias /bomb {folder}/www/bomb.gz
  <Location /bomb>
    ForceType text/html
    Header set Content-Encoding gzip
  </Location>
"""
        configuration = folder / "apache.conf"
        configuration.write_text(f"""
{loaded}
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DefaultRuntimeDir {folder}
DirectoryIndex index.html
KeepAlive Off
{"User www-data" + chr(10) + "Group www-data" if os.geteuid() == 0 else ""}
Listen 127.0.0.1:{port["apache"]}
Listen 127.0.0.1:{port["apache-tls"]}
<VirtualHost 127.0.0.1:{port["apache"]}>{paths}</VirtualHost>
<VirtualHost 127.0.0.1:{port["apache-tls"]}>
  SSLEngine on
  SSLCertificateFile {folder}/good.pem
  SSLCertificateKeyFile {folder}/good.pem
{paths}</VirtualHost>
""")
        command = [_program("apache2"), "-f", str(configuration), "-DFOREGROUND"]
        self._run(command, port["apache"], folder / "apache.log")

    def _run(self, command: list[str], port: int, log: Path) -> None:
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        self._processes.append(process)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2000:]}") from None
                time.sleep(0.02)


def _write_content(www: Path) -> None:
    www.mkdir()
    (www / "index.html").write_text("pingmon target\n")
    (www / "page.html").write_text(f"<html><body>{KEYWORD}</body></html>\n")
    with (www / "huge.bin").open("wb") as huge:
        huge.truncate(HUGE_BYTES)
    with gzip.open(www / "bomb.gz", "wb", compresslevel=9) as bomb:
        for _ in range(200):
            bomb.write(bytes(1024 * 1024))
    (www.parent / "nginx-tmp").mkdir()
    for folder in (www.parent, www):
        folder.chmod(0o755)


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: run make env, or apt-get install nginx-light apache2-bin")
    return found


def _apache_modules() -> Path:
    return Path("/usr/lib/apache2/modules")
