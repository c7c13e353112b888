"""The probe's command line: `serve`, `check`, `--version`. The only place that reads stdin and writes stdout."""

from __future__ import annotations

import argparse
import ipaddress
import json
import logging
import os
import signal
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from . import __version__, match_worker
from .disk import FolderLock, boot_id
from .http_service import BACKLOG, HttpService
from .loop import Loop
from .measure import Measurer
from .protocol import DNS_MATCHES, CheckResult, CheckSpec, ProtocolError, kind_of
from .service import ProbeService
from .spool import DEFAULT_LIMIT_BYTES, Spool
from .tls import server_context

_log = logging.getLogger(__name__)

#: Another thread that computes gives the loop its turn after this; Python's default is 5 ms.
SWITCH_INTERVAL_S = 0.0005
#: How long a start waits for the process before it to let go of the folder.
LOCK_WAIT_S = 5.0
MAX_TOKEN_BYTES = 1_000

#: Options of `check` that are fields of a check by the same name.
_CHECK_FIELDS = (
    "url", "timeout_ms", "slow_ms", "family", "keyword", "keyword_absent", "ignore_certificate", "send", "expect",
    "dns_match", "dns_answers", "echo_count", "max_loss_percent",
)  # fmt: skip

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class StartError(Exception):
    """The probe cannot start; the message is a sentence for a person."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run a command; return the exit code: 0 done, 1 failed with a sentence on stderr, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        return {"serve": serve, "check": check, "match": match}[options.command](options)
    except StartError as exc:
        print(exc, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED


def match(options: argparse.Namespace) -> int:
    """Be the process that looks into answers: a packaged app starts its worker so."""
    return match_worker.main()


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGTERM, SIGINT or, if asked for, the end of stdin. Raises StartError."""
    tls = _tls_context(options.tls_cert, options.tls_key)
    if tls is None and not ipaddress.ip_address(options.listen[0]).is_loopback:
        raise StartError("Without --tls-cert it must listen on a loopback address: others could read the token.")
    token = _read_token_file(options.token_file) if options.token_file is not None else _read_token()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    os.umask(0o077)
    listener = _listen(*options.listen)
    folder: Path = options.spool
    lock = _lock_folder(folder)
    loop = Loop(options.poller)
    stop = _StopSignals(loop)
    if options.die_with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop,), name="stdin", daemon=True).start()
    machine = boot_id()
    spool = Spool(folder, options.spool_limit_mb * 1024 * 1024, machine_boot_id=machine)
    measurer = Measurer(loop, stamps=options.stamps, allow_private=options.allow_private, max_in_flight=4_000)
    service = ProbeService(loop, measurer, spool, folder, boot_id=machine, region=options.region)
    service.start()
    http = HttpService(loop, listener, token, service, tls=tls)
    port = listener.getsockname()[1]
    ready = {"port": port, "spool": spool.extent().id, "pid": os.getpid(), "version": __version__}
    try:
        print(json.dumps(ready), flush=True)
        loop.run()
    finally:
        measurer.close()
        service.close()
        http.close()
        spool.close()
        stop.close()
        loop.close()
        if lock is not None:
            lock.close()
    return EXIT_DONE


def check(options: argparse.Namespace) -> int:
    """Run one check and print its JSON. A target that is down is an answer, not a failure."""
    document = {name: value for name in _CHECK_FIELDS if (value := getattr(options, name)) not in (None, False)}
    document["kind"] = kind_of(options.url)
    try:
        spec = CheckSpec.from_json(document)
    except ProtocolError as exc:
        print(f"pingmon-probe check: {exc}", file=sys.stderr)
        return EXIT_USAGE
    loop = Loop(options.poller)
    stop = _StopSignals(loop)
    measurer = Measurer(loop, stamps=options.stamps, allow_private=True, max_in_flight=1)
    results: List[CheckResult] = []

    def on_done(result: CheckResult) -> None:
        results.append(result)
        loop.stop()

    try:
        measurer.start(spec, None, on_done, on_demand=True)
        loop.run()
    finally:
        measurer.close()
        stop.close()
        loop.close()
    if not results:
        raise StartError("Interrupted.")
    print(json.dumps(results[0].to_check_json(spec.slow_ms), indent=2))
    return EXIT_DONE


class _StopSignals:
    """SIGTERM and SIGINT end the loop, by way of a socket that the loop watches: handlers may not take locks."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._before: List[Tuple[int, Any]] = []
        self._fd_before = -1
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
                number = getattr(signal, name, None)
                if number is not None:
                    self._before.append((number, signal.signal(number, lambda *_: None)))
            self._fd_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
            loop.watch(self._read, readable=self._on_signal)

    def close(self) -> None:
        if self._before:
            signal.set_wakeup_fd(self._fd_before)
            for number, handler in self._before:
                signal.signal(number, handler)
            self._before = []
        self._loop.unwatch(self._read)
        self._read.close()
        self._write.close()

    def _on_signal(self) -> None:
        numbers = self._read.recv(64)
        if any(number == handled for number in numbers for handled, _ in self._before):
            self._loop.stop()


def _read_token() -> str:
    """Return the first line of stdin, read byte by byte so that nothing behind it is taken. Raises StartError."""
    line = bytearray()
    while len(line) <= MAX_TOKEN_BYTES:
        letter = os.read(0, 1)
        if letter in (b"", b"\n"):
            break
        line += letter
    return _checked_token(bytes(line), "The first line of stdin")


def _read_token_file(path: Path) -> str:
    """Return the first line of a file that nobody but its owner may read. Raises StartError."""
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_TOKEN_BYTES + 1)
            _require_privacy(path, os.fstat(file.fileno()).st_mode)
    except OSError as exc:
        raise StartError(f"The token file {path} cannot be read: {exc.strerror or exc}.") from exc
    return _checked_token(line, f"The first line of {path}")


def _require_privacy(path: Path, mode: int) -> None:
    if os.name != "nt" and mode & 0o077:
        raise StartError(f"The file {path} must not be open to others: chmod 600.")


def _tls_context(certificate: Optional[Path], key: Optional[Path]) -> Optional[ssl.SSLContext]:
    """Return the service's TLS, None if it is to speak plain HTTP. Raises StartError."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise StartError("--tls-cert and --tls-key go together.")
    try:
        _require_privacy(key, key.stat().st_mode)
        return server_context(str(certificate), str(key))
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        raise StartError(f"The certificate {certificate} or its key cannot be used: {exc}.") from exc


def _checked_token(line: bytes, what: str) -> str:
    token = line.decode("utf-8", "replace").strip()
    if not 16 <= len(token) <= MAX_TOKEN_BYTES or not token.isascii():
        raise StartError(f"{what} must be the token: 16 to 1000 letters, digits and signs.")
    return token


def _watch_stdin(loop: Loop) -> None:
    """Stop the loop once the other end of stdin is closed, as it is when the parent process ends in any way."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    loop.stop()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would let another process take the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if host == "::":  # all addresses of both families, whatever the system's own default is
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as exc:
        listener.close()
        raise StartError(f"Cannot listen on {host} port {port}: {exc.strerror or exc}.") from exc
    return listener


def _lock_folder(folder: Path) -> Optional[FolderLock]:
    """Return the folder's lock, None if the folder cannot be written (the spool says so). Raises StartError."""
    deadline_s = time.monotonic() + LOCK_WAIT_S
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "lock").open("a+b").close()
    except OSError:
        return None
    while True:
        try:
            return FolderLock(folder)
        except OSError as exc:
            if time.monotonic() >= deadline_s:
                raise StartError(f"Another probe is using the folder {folder}.") from exc
        time.sleep(0.05)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pingmon-probe", description="Measures web sites from where it runs.")
    parser.add_argument("--version", action="version", version=f"pingmon-probe {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    engine = argparse.ArgumentParser(add_help=False)
    engine.add_argument("--poller", choices=("auto", "select"), default="auto")
    engine.add_argument("--stamps", choices=("auto", "user"), default="auto")

    serve_command = commands.add_parser("serve", parents=[engine], help="run the service")
    serve_command.add_argument("--spool", type=Path, required=True, metavar="DIR", help="where results are kept")
    serve_command.add_argument("--listen", type=_address, default=("127.0.0.1", 0), metavar="ADDRESS:PORT")
    # Whoever reaches the port must show a token; argv and environment can be read by others.
    token = serve_command.add_mutually_exclusive_group(required=True)
    token.add_argument("--token-stdin", action="store_true", help="the bearer token is stdin's first line")
    token.add_argument("--token-file", type=Path, metavar="FILE", help="... or the first line of a file of mode 600")
    serve_command.add_argument("--tls-cert", type=Path, metavar="FILE", help="serve by TLS 1.3, with this certificate")
    serve_command.add_argument("--tls-key", type=Path, metavar="FILE", help="... and its key, a file of mode 600")
    serve_command.add_argument("--die-with-stdin", action="store_true", help="end when stdin is closed")
    serve_command.add_argument("--allow-private", action="store_true", help="measure private addresses too")
    serve_command.add_argument("--region", help="a name for status, nothing more")
    serve_command.add_argument(
        "--spool-limit-mb", type=_whole_mb, default=DEFAULT_LIMIT_BYTES // (1024 * 1024), metavar="N"
    )

    commands.add_parser("match", help="look into answers for a probe, which starts it itself")

    check_command = commands.add_parser("check", parents=[engine], help="run one check and print its JSON")
    check_command.add_argument("url", help="http, https, tcp, tls, dns or icmp")
    check_command.add_argument("--timeout-ms", type=int, metavar="N")
    check_command.add_argument("--slow-ms", type=int, metavar="N")
    check_command.add_argument("--family", type=int, choices=(0, 4, 6))
    check_command.add_argument("--keyword")
    check_command.add_argument("--keyword-absent", action="store_true")
    check_command.add_argument("--ignore-certificate", action="store_true")
    check_command.add_argument("--send", metavar="TEXT")
    check_command.add_argument("--expect", metavar="TEXT")
    check_command.add_argument("--dns-match", choices=DNS_MATCHES)
    check_command.add_argument("--dns-answer", dest="dns_answers", action="append", metavar="TEXT")
    check_command.add_argument("--echo-count", type=int, metavar="N")
    check_command.add_argument("--max-loss-percent", type=int, metavar="N")
    return parser


def _address(text: str) -> Tuple[str, int]:
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a numeric address and a port, as 127.0.0.1:0") from None
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("the port must be 0 to 65535")
    return str(address), number


def _whole_mb(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1024 * 1024:
        raise argparse.ArgumentTypeError("must be a whole number of at least 1")
    return int(text)
