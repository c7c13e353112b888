"""A whole lab: its network, its target and its hosts, brought up and taken down together.

desk     where the app is
target   website and name server, with addresses that remote probes must refuse beside its public one
anchors  the root name servers that probes ask whether their own network is up
hosts    what a test or a person asks for, each a node of its own
"""

from __future__ import annotations

import datetime
import fcntl
import os
import shlex
import sys
import time
from pathlib import Path

import trustme

from tests.lab import roots
from tests.lab.host import Host, HostKind
from tests.lab.network import Network, v4, v6
from tests.lab.place import CACHE, RUN, LabError, in_namespace, unmount_below
from tests.lab.target import ZONE, TargetClient

#: Round trip between a place on the internet's backbone and a region's host, in ms.
REGION_RTT_MS = {"na": 20.0, "eu": 60.0, "as": 120.0, "sa": 150.0, "oc": 180.0}
_REGION_NUMBERS = {"na": 11, "eu": 12, "as": 13, "sa": 14, "oc": 15}
#: Hosts come last and have room: a long run makes hundreds, one after the other, each with a number of its own.
_DESK, _TARGET, _FIRST_HOST = 10, 100, 251
#: Addresses of the target's namespace that only a probe allowed to may ask; each has the website behind it.
PRIVATE = "10.77.0.1"
METADATA = "169.254.169.254"
#: Where Debian keeps whom it trusts.
_TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
#: For how long the website's certificate holds: longer than anybody is warned ahead.
_CERTIFICATE = datetime.timedelta(days=80)
#: The default anchors of the preferences.
ANCHORS = ("198.41.0.4", "199.7.83.42", "193.0.14.129")


class Lab:
    """One lab by its name. Blocking; as root. Only one process at a time may hold a lab of a name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.network = Network(name)
        self.target = TargetClient(self.network.folder / "target.sock")
        self.hosts: dict[str, Host] = {}
        self._disks = CACHE / "disks" / name
        self._next_number = _FIRST_HOST
        self._lock: int | None = None

    def is_up(self) -> bool:
        """Return whether a lab of this name runs, whoever started it."""
        return self.network.process("router").pid is not None

    def up(self) -> None:
        """Start network and target. What an earlier lab of this name left behind is cleared away first."""
        if os.geteuid() != 0:
            raise LabError("The lab needs root: it makes network namespaces and starts containers.")
        self._take_lock()
        self.down()
        roots.build()
        self.network.up()
        folder = self.network.folder
        (folder / "resolv.conf").write_text(f"nameserver {v4(_TARGET)}\noptions timeout:2 attempts:2\n")
        (folder / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        self._make_certificates(folder)
        self.network.join("desk", [v4(_DESK), v6(_DESK)], 0)
        self.network.join("target", [v4(_TARGET), v6(_TARGET), PRIVATE, METADATA], 0)
        self.network.join("anchors", ANCHORS, 5)
        self._start_target()
        self._write_ssh_files()

    def down(self) -> None:
        """Take everything away: hosts with their disks, processes, namespaces. Works on what a crash left, too."""
        self._find_hosts()
        for host in list(self.hosts.values()):
            host.remove()
        self.hosts.clear()
        self._next_number = _FIRST_HOST
        unmount_below(self._disks)
        self.network.down()

    def host(self, name: str, kind: HostKind | None = None, *, rtt_ms: float = 2.0, number: int | None = None) -> Host:
        """Make a host at a node of its own and start it; `Host.wait_until_up` waits for its SSH server."""
        if number is None:
            number, self._next_number = self._next_number, self._next_number + 1
        self.network.join(name, [v4(number), v6(number)], rtt_ms)
        host = Host(name, v4(number), kind or HostKind(), self.network, self._disks / name)
        self.hosts[name] = host
        host.start()
        self.target.set_name(name, [v4(number), v6(number)])
        self._write_ssh_files()
        return host

    def move(self, host: Host) -> None:
        """Give a host another IPv4 address, as providers and home networks do. Its name follows."""
        number, self._next_number = self._next_number, self._next_number + 1
        old, host.address = host.address, v4(number)
        self.network.move(host.name, old, host.address)
        self.target.set_name(host.name, [host.address])
        self._write_ssh_files()

    def region_host(self, region: str, kind: HostKind | None = None) -> Host:
        """Make the host of a region, as far away as that region is."""
        return self.host(region, kind, rtt_ms=REGION_RTT_MS[region], number=_REGION_NUMBERS[region])

    def find_host(self, name: str) -> Host:
        """Return a host by its name, whichever process made it. Raises LabError if there is none."""
        self._find_hosts()
        if name not in self.hosts:
            raise LabError(f"there is no host {name}; there are: {', '.join(self.hosts) or 'none'}")
        return self.hosts[name]

    def remove(self, host: Host) -> None:
        """Take one host away, with its disk and its node."""
        host.remove()
        del self.hosts[host.name]
        self.network.leave(host.name)

    @property
    def ssh_config(self) -> Path:
        """An OpenSSH configuration that knows every host by its name."""
        return self.network.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The keys of all hosts."""
        return self.network.folder / "known_hosts"

    @property
    def authority(self) -> Path:
        """The certificate authority that the website's certificate is from; hosts trust it."""
        return self.network.folder / "authority.pem"

    @property
    def desk_files(self) -> dict[Path, str]:
        """The lab's own files that stand in for this machine's at the desk, by what they are mounted over."""
        folder = self.network.folder
        files = {folder / "hosts": "/etc/hosts", folder / "resolv.conf": "/etc/resolv.conf"}
        if Path(_TRUSTED).exists():
            files[folder / "trusted.pem"] = _TRUSTED
        return files

    def desk_command(self, *argv: str) -> list[str]:
        """Return a command that runs `argv` at the desk: in its network, with the lab's names and trust."""
        binds = [shlex.join(["mount", "--bind", str(file), place]) for file, place in self.desk_files.items()]
        inner = ["unshare", "--mount", "--", "sh", "-c", " && ".join([*binds, 'exec "$@"']), "sh", *argv]
        return [str(word) for word in in_namespace(self.network.namespace("desk"), inner)]

    # --- parts

    def _take_lock(self) -> None:
        """Keep other processes from the lab of this name until this one ends."""
        RUN.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(RUN / f"{self.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"Another process is at work in the lab “{self.name}”.") from None

    def _make_certificates(self, folder: Path) -> None:
        authority = trustme.CA(organization_name="Pingmon lab")
        authority.cert_pem.write_to_path(str(folder / "authority.pem"))
        if Path(_TRUSTED).exists():
            (folder / "trusted.pem").write_text(Path(_TRUSTED).read_text() + authority.cert_pem.bytes().decode())
        website = authority.issue_cert(
            *(f"*.{ZONE}", v4(_TARGET), v6(_TARGET)),
            common_name=f"*.{ZONE}",
            not_after=datetime.datetime.now(datetime.UTC) + _CERTIFICATE,
        )
        website.private_key_and_cert_chain_pem.write_to_path(str(folder / "website.pem"))

    def _start_target(self) -> None:
        program = [sys.executable, "-m", "tests.lab.target"]
        for node, words in (
            ("target", ["website", self.network.folder, v4(_TARGET), v6(_TARGET)]),
            ("anchors", ["anchors"]),
        ):
            self.network.process(node).start(in_namespace(self.network.namespace(node), [*program, *words]))
        website = self.network.process("target")
        until_s = time.monotonic() + 20
        while True:
            try:
                self._name_things()
                return
            except OSError:
                if time.monotonic() > until_s or website.pid is None:
                    raise LabError(f"the website did not start: {website.last_words()}") from None
                time.sleep(0.02)

    def _name_things(self) -> None:
        """Give the target its names."""
        public, public_v6 = v4(_TARGET), v6(_TARGET)
        self.target.set_name("shop", [public, public_v6])
        self.target.set_name("shop4", [public])
        self.target.set_name("shop6", [public_v6])
        self.target.set_name("private", [PRIVATE])
        self.target.set_name("metadata", [METADATA])
        self.target.set_name("mapped", [f"::ffff:{PRIVATE}"])
        # Public when it is looked at, private when it is used.
        self.target.set_name("rebinding", [public], [PRIVATE])

    def _find_hosts(self) -> None:
        """Learn of hosts that an earlier process made."""
        for folder in self._disks.glob("*"):
            if folder.name not in self.hosts:
                self.hosts[folder.name] = Host.load(folder, self.network)

    def _write_ssh_files(self) -> None:
        entries = [f"Host {host.name}\n  HostName {host.address}\n" for host in self.hosts.values()]
        defaults = f"Host *\n  User ops\n  IdentityFile {roots.client_key()}\n  IdentitiesOnly yes\n"
        defaults += f"  UserKnownHostsFile {self.known_hosts}\n  StrictHostKeyChecking yes\n  LogLevel ERROR\n"
        self.ssh_config.write_text("".join(entries) + defaults)
        self.known_hosts.write_text("".join(f"{host.address} {host.host_key}\n" for host in self.hosts.values()))
