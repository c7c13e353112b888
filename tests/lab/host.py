"""One host of the lab: a Debian of its own, on its own disk, at its own address, with a real SSH server.

It is a container (systemd-nspawn) over the shared root file systems. With `init="systemd"` systemd is its first
process and boots it; with `init="none"` there is an SSH server and cron, as in many containers and small appliances.
Both reboot, lose power and come back with their disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import roots
from tests.lab.control_group import ControlGroup
from tests.lab.network import Network
from tests.lab.place import CACHE, LabError, in_namespace, run, unmount_below
from tests.lab.process import Process, children

#: Boots take about a second; the rest is for a busy machine.
_PATIENCE_S = 60.0
#: What a disk that is "full" can hold before it is filled.
_SMALL_DISK = "8m"


@dataclass(frozen=True)
class HostKind:
    """What a host is like. The default is an ordinary VPS."""

    init: str = "systemd"  # or "none"
    server: str = "openssh"  # or "dropbear"
    has_python: bool = True
    has_sudo: bool = True
    is_disk_full: bool = False
    is_tmp_noexec: bool = False
    is_home_read_only: bool = False
    may_linger: bool = True  # whether users may let their services run on after they log out
    clock_offset_s: int = 0
    #: Further lines of sshd_config, which win over the defaults below.
    sshd: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        if self.init == "systemd":
            return "systemd"
        return "plain" if self.has_python else "bare"


# Enters the control groups named before "--", then runs the host; a host that rebooted itself is switched on again.
_POWER = """
while [ "$1" != -- ]; do echo $$ >"$1"; shift; done
shift
trap 'off=yes; kill -TERM "$host"' TERM
while :; do
    "$@" &
    host=$!
    wait "$host"
    code=$?
    while kill -0 "$host" 2>/dev/null; do wait "$host"; code=$?; done
    [ "$code" = 133 ] && [ -z "$off" ] || exit "$code"
done
"""


class Host:
    """A host that `Lab.host` made. `address` is its address, `root` its whole file tree as seen from outside."""

    def __init__(self, name: str, address: str, kind: HostKind, network: Network, folder: Path) -> None:
        self.name = name
        self.address = address
        self.kind = kind
        self.network = network
        self.folder = folder
        self._power = Process(folder, "power")

    @classmethod
    def load(cls, folder: Path, network: Network) -> Host:
        """Return the host whose disk is in a folder, made by whatever process."""
        fields = json.loads((folder / "host.json").read_text())
        address = fields.pop("address")
        return cls(folder.name, address, HostKind(**{**fields, "sshd": tuple(fields["sshd"])}), network, folder)

    @property
    def host_key(self) -> str:
        """Its public key as in known_hosts, without the name. It has the same in every life."""
        return " ".join(self._own_key().with_suffix(".pub").read_text().split()[:2])

    @property
    def address_v6(self) -> str:
        """Its IPv6 address, as it knows it itself."""
        return self.run("ip", "-6", "-o", "addr", "show", "scope", "global").split()[3].partition("/")[0]

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def namespace(self) -> str:
        return self.network.namespace(self.name)

    @property
    def pid_one(self) -> int | None:
        """The id, as seen from outside, of its first process: another with every boot, None while it is off."""
        for nspawn in self._power.children():
            if pids := children(nspawn):
                return pids[0]
        return None

    def start(self) -> None:
        """Mount the disk, making it on the first start, and switch the host on; does not wait for its SSH server."""
        if not self.root.exists():
            self._make_disk()
        self._boot()

    def wait_until_up(self) -> None:
        """Wait until it takes logins by SSH. Raises LabError with the console's end if it never does."""
        until_s = time.monotonic() + _PATIENCE_S
        while not self._takes_logins():
            if time.monotonic() > until_s or self._power.pid is None:
                raise LabError(f"{self.name} does not come up; its console ends with:\n{self._power.last_words()}")
            time.sleep(0.05)

    def reboot(self) -> None:
        """Restart it in good order and wait until it takes logins; the disk stays."""
        self.shut_down()
        self._boot()
        self.wait_until_up()

    def lose_power(self) -> None:
        """End everything on it at once; the disk stays. `start` switches it on again."""
        if (pid := self.pid_one) is not None:
            os.kill(pid, signal.SIGKILL)
        self._wait_until_off()

    def shut_down(self) -> None:
        """Switch it off in good order; the disk stays."""
        if self.kind.init == "systemd":
            self._power.signal(signal.SIGTERM)  # nspawn asks the host's init to halt
            self._wait_until_off()
        else:
            self.lose_power()

    def remove(self) -> None:
        """Switch it off at once and throw its disk away."""
        self.lose_power()
        unmount_below(self.folder)
        shutil.rmtree(self.folder)
        ControlGroup(self.network.lab, self.name).remove()

    def run(self, *argv: str, stdin: str = "") -> str:
        """Run a program inside it as root, not by SSH, and return its output. Raises LabError if it fails."""
        pid = self.pid_one
        if pid is None:
            raise LabError(f"{self.name} is off")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/"]
        return run(*enter, "--", "env", "-i", path, "HOME=/root", *argv, stdin=stdin)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write one of its files from outside, as root; folders above are made."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    # --- disk

    def _make_disk(self) -> None:
        upper, work = self.folder / "disk/upper", self.folder / "disk/work"
        (self.folder / "disk").mkdir(parents=True)
        (self.folder / "host.json").write_text(json.dumps({"address": self.address, **asdict(self.kind)}))
        if self.kind.is_disk_full:
            run("mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK},mode=755", "lab", self.folder / "disk")
        for folder in (upper, work, self.root):
            folder.mkdir()
        roots.mount_overlay(roots.layer_folders(self.kind.layer), upper, work, self.root)
        self._settle()
        if self.kind.is_disk_full:
            self._fill_disk(self.folder / "disk/filler")

    def _settle(self) -> None:
        """Make the disk this host's own."""
        self.write("etc/hostname", f"{self.name}\n")
        self.write("etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {self.name}\n")
        self.write("etc/resolv.conf", (self.network.folder / "resolv.conf").read_text())
        authority = (self.network.folder / "authority.pem").read_text()
        trusted = self.root / "etc/ssl/certs/ca-certificates.crt"
        trusted.write_text(trusted.read_text() + authority)
        key = self._own_key()
        self.write("etc/ssh/ssh_host_ed25519_key", key.read_text(), 0o600)
        self.write("etc/ssh/ssh_host_ed25519_key.pub", key.with_suffix(".pub").read_text())
        lines = [*self.kind.sshd, "HostKey /etc/ssh/ssh_host_ed25519_key", "UseDNS no"]
        self.write("etc/ssh/sshd_config.d/lab.conf", "\n".join(lines) + "\n")
        if self.kind.server == "dropbear":
            dropbear_key = "/etc/ssh/dropbear_ed25519"
            run(
                "chroot",
                self.root,
                "dropbearconvert",
                "openssh",
                "dropbear",
                "/etc/ssh/ssh_host_ed25519_key",
                dropbear_key,
            )
            self.write("lab/serve-ssh", f"#!/bin/sh\nexec dropbear -F -E -p 22 -r {dropbear_key}\n", 0o755)
        if not self.kind.has_sudo:
            (self.root / "usr/bin/sudo").unlink()
        if not self.kind.may_linger:
            shutil.rmtree(self.root / "usr/share/polkit-1/actions")
        if self.kind.clock_offset_s:
            self.write("etc/faketimerc", f"{self.kind.clock_offset_s:+d}\n")
            library = next((self.root / "usr/lib").glob("*/faketime/libfaketime.so.1"))
            self.write("etc/ld.so.preload", f"/{library.relative_to(self.root)}\n")

    def _own_key(self) -> Path:
        key = CACHE / "host-keys" / self.network.lab / self.name
        if not key.exists():
            key.parent.mkdir(parents=True, exist_ok=True)
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", key)
        return key

    def _fill_disk(self, filler: Path) -> None:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    # --- power

    def _boot(self) -> None:
        options = ["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only", "--register=no"]
        options += ["--quiet", "--keep-unit", f"--machine={self.name}", f"--directory={self.root}"]
        # Without this, units with a network of their own cannot raise its loopback device.
        options += ["--capability=CAP_NET_ADMIN", f"--network-namespace-path=/run/netns/{self.namespace}"]
        if self.kind.is_tmp_noexec:
            options.append("--tmpfs=/tmp:mode=1777,noexec")
        if self.kind.is_home_read_only:
            options.append(f"--bind-ro={self.root}/home:/home")
        if self.kind.init == "systemd":
            options += ["--kill-signal=SIGRTMIN+3", "/lab/start-systemd"]
        else:
            options += ["--as-pid2", "/lab/start"]
        group = ControlGroup(self.network.lab, self.name)
        group.make()
        self._power.start(["sh", "-c", _POWER, "sh", *group.files(), "--", "systemd-nspawn", *options])

    def _takes_logins(self) -> bool:
        """Return whether SSH is spoken at port 22, and not only for root because it still boots."""
        pid = self.pid_one
        if pid is None or Path(f"/proc/{pid}/root/run/nologin").exists():
            return False
        greet = "exec 3<>/dev/tcp/$0/22 && read -r -t 5 -u 3 line && [[ $line == SSH-* ]]"
        command = in_namespace(self.network.namespace("desk"), ["bash", "-c", greet, self.address])
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0

    def _wait_until_off(self) -> None:
        if not self._power.wait(_PATIENCE_S):
            raise LabError(f"{self.name} does not switch off; its console ends with:\n{self._power.last_words()}")
