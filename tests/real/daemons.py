"""Real name, mail and database servers from Debian, each on loopback with a folder and configuration of its own.

Started as whoever runs the tests; where that is root, what refuses to be root gets the user that its package made.
"""

from __future__ import annotations

import contextlib
import datetime
import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.ports import free_port

PATIENCE_S = 30.0
_SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

ZONE = "example.test"
#: The records of the zone, as they are written; the long one does not fit into a datagram.
_LONG = " ".join(f'"{letter * 200}"' for letter in "abcdefghij")
_ZONE_FILE = f"""$TTL 300
@ SOA ns1.{ZONE}. admin.{ZONE}. 2026112801 3600 900 604800 300
@ NS ns1.{ZONE}.
@ MX 10 mail.{ZONE}.
@ TXT "v=spf1 -all"
@ CAA 0 issue "ca.example"
@ A 192.0.2.10
ns1 A 192.0.2.1
www CNAME {ZONE}.
six AAAA 2001:db8::10
mail A 192.0.2.20
_imap._tcp SRV 5 1 143 mail.{ZONE}.
long TXT {_LONG}
"""
_REVERSE = f"""$TTL 300
@ SOA ns1.{ZONE}. admin.{ZONE}. 1 3600 900 604800 300
@ NS ns1.{ZONE}.
10 PTR www.{ZONE}.
"""


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, is_ready: Callable[[], bool], user: str | None = None) -> Iterator[None]:
    """Run a server in the foreground until the context ends; fail with its log if it is never ready."""
    program = shutil.which(command[0], path=_SEARCHED)
    assert program is not None, f"{command[0]} is not installed: packaging/env.sh installs it"
    with (
        log.open("wb") as out,
        subprocess.Popen([program, *command[1:]], stdout=out, stderr=out, user=user) as process,
    ):
        try:
            until_s = time.monotonic() + PATIENCE_S
            while not is_ready():
                assert process.poll() is None and time.monotonic() < until_s, log.read_text(errors="replace")
                time.sleep(0.02)
            yield
        finally:
            process.terminate()


def _answers(port: int, host: str = "127.0.0.1") -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with socket.create_connection((host, port), timeout=1):
                return True
        except OSError:
            return False

    return ask


# ---- name servers


@contextlib.contextmanager
def knot(folder: Path) -> Iterator[int]:
    """A Knot that is the authority for ZONE (signed), for its reverse zone, and for one that it cannot load."""
    port = free_port()
    (folder / "db").mkdir()
    (folder / f"{ZONE}.zone").write_text(_ZONE_FILE)
    (folder / "2.0.192.in-addr.arpa.zone").write_text(_REVERSE)
    (folder / "knot.conf").write_text(f"""
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: "{folder}/knot.sock"
database:
    storage: "{folder}/db"
log:
  - target: stderr
    any: info
template:
  - id: default
    storage: "{folder}"
    file: "%s.zone"
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: {ZONE}
    dnssec-signing: on
  - domain: 2.0.192.in-addr.arpa
  - domain: broken.test
""")
    log = folder / "knot.log"
    signed = "DNSSEC, next signing"
    with running(
        ["knotd", "-c", str(folder / "knot.conf")], log, lambda: _answers(port)() and signed in log.read_text()
    ):
        yield port


@contextlib.contextmanager
def unbound(folder: Path, knot_port: int) -> Iterator[int]:
    """An Unbound that resolves by that Knot and checks signatures; the reverse zone should have some, and has none."""
    port = free_port()
    keys = subprocess.run(
        [shutil.which("keymgr", path=_SEARCHED) or "keymgr", "-c", str(folder / "knot.conf"), ZONE, "ds"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    anchor = next(line for line in keys.stdout.splitlines() if " DS " in line)
    (folder / "unbound.conf").write_text(f"""
server:
    interface: 127.0.0.1@{port}
    do-daemonize: no
    use-syslog: no
    verbosity: 1
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: "{folder}/unbound.pid"
    do-not-query-localhost: no
    local-zone: "test." nodefault
    local-zone: "2.0.192.in-addr.arpa." nodefault
    module-config: "validator iterator"
    trust-anchor: "{anchor}"
    trust-anchor: "2.0.192.in-addr.arpa. DS 1 13 2 {"0" * 64}"
    root-hints: ""
remote-control:
    control-enable: no
stub-zone:
    name: "{ZONE}"
    stub-addr: 127.0.0.1@{knot_port}
stub-zone:
    name: "2.0.192.in-addr.arpa"
    stub-addr: 127.0.0.1@{knot_port}
""")
    with running(["unbound", "-c", str(folder / "unbound.conf")], folder / "unbound.log", _answers(port)):
        yield port


# ---- certificates


def write_certificates(folder: Path) -> Path:
    """Write good.pem (localhost, 20 days left), expired.pem and elsewhere.pem; return the authority's file."""
    authority = trustme.CA()
    now = datetime.datetime.now(datetime.UTC)
    made = {
        "good": authority.issue_cert("localhost", "127.0.0.1", not_after=now + datetime.timedelta(days=20, hours=1)),
        "expired": authority.issue_cert("localhost", "127.0.0.2", not_after=now - datetime.timedelta(days=1)),
        "elsewhere": authority.issue_cert("elsewhere.example"),
    }
    for name, certificate in made.items():
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder / "ca.pem"


# ---- mail


@dataclass(frozen=True)
class Mail:
    """Ports on 127.0.0.1 (a good certificate), 127.0.0.2 (expired) and 127.0.0.3 (of another name)."""

    imap: int
    smtp: int


@contextlib.contextmanager
def dovecot(folder: Path) -> Iterator[Mail]:
    """A Dovecot with IMAP and submission (SMTP), each with STARTTLS."""
    ports = Mail(free_port(), free_port())
    me = pwd.getpwuid(os.getuid()).pw_name
    users = "" if os.getuid() == 0 else f"default_internal_user = {me}\ndefault_login_user = {me}\n"
    group = "" if os.getuid() == 0 else f"default_internal_group = {_group()}\n"
    (folder / "dovecot.conf").write_text(f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot-mail.log
protocols = imap submission
listen = 127.0.0.1, 127.0.0.2, 127.0.0.3
hostname = mail.{ZONE}
{users}{group}
ssl = yes
ssl_cert = <{folder}/good.pem
ssl_key = <{folder}/good.pem
local 127.0.0.2 {{
  ssl_cert = <{folder}/expired.pem
  ssl_key = <{folder}/expired.pem
}}
local 127.0.0.3 {{
  ssl_cert = <{folder}/elsewhere.pem
  ssl_key = <{folder}/elsewhere.pem
}}
submission_relay_host = 127.0.0.1
passdb {{
  driver = static
  args = nopassword=y
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {ports.smtp}
  }}
  inet_listener submissions {{
    port = 0
  }}
}}
""")
    imap, smtp = _answers(ports.imap, "127.0.0.3"), _answers(ports.smtp, "127.0.0.3")
    with running(
        ["dovecot", "-F", "-c", str(folder / "dovecot.conf")], folder / "dovecot.log", lambda: imap() and smtp()
    ):
        yield ports


def _group() -> str:
    return grp.getgrgid(os.getgid()).gr_name


# ---- a database


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[tuple[int, Callable[[str], None]]]:
    """A PostgreSQL that speaks TLS; give its port, and what makes it show another certificate."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert folders, "PostgreSQL is not installed: packaging/env.sh installs it"
    port, data, user = free_port(), folder / "data", "postgres" if os.getuid() == 0 else None
    data.mkdir()
    if user is not None:
        shutil.chown(data, user)
    environment = {**os.environ, "LC_ALL": "C"}
    subprocess.run(
        [str(folders[-1] / "initdb"), "--auth=trust", "--no-sync", "--username=postgres", str(data)],
        capture_output=True, check=True, user=user, env=environment, cwd="/",
    )  # fmt: skip

    def show(certificate: str) -> None:
        for name in ("server.crt", "server.key"):
            shutil.copyfile(folder / f"{certificate}.pem", data / name)
            (data / name).chmod(0o600)
            if user is not None:
                shutil.chown(data / name, user)
        if (pid_file := data / "postmaster.pid").exists():
            log = (folder / "postgres.log").read_text().count("reloading configuration files")
            os.kill(int(pid_file.read_text().split()[0]), 1)
            until_s = time.monotonic() + PATIENCE_S
            while (folder / "postgres.log").read_text().count("reloading configuration files") == log:
                assert time.monotonic() < until_s
                time.sleep(0.02)

    show("good")
    command = [
        str(folders[-1] / "postgres"), "-D", str(data), "-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1",
        "-c", "ssl=on", "-c", "fsync=off", "-c", "shared_buffers=1MB",
    ]  # fmt: skip
    log = folder / "postgres.log"
    with running(command, log, lambda: "ready to accept connections" in log.read_text(), user):
        yield port, show
