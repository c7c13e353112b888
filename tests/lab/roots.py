"""The root file systems of the lab's hosts: Debian as on this machine, built once by mmdebstrap and kept in the cache.

Three layers, each an overlay on those below it. A host mounts the layers it needs and its own on top:
    bare     sshd, Dropbear, sudo, cron and no python3; apt can install what the layers above have, from files
    plain    with python3 and fish
    systemd  with systemd as its init, and polkit

Packages come from this machine's own apt sources, so whatever mirror or proxy it uses is used here too. Users:
    root      has the lab's key
    ops       may do everything by sudo
    careful   by sudo, with the password PASSWORD, which is everybody's
    plain     has no right to sudo
    fisher, zed, dasher  like ops, with fish, zsh and dash as login shells
    noisy     like ops, with start-up files that print
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.lab.place import CACHE, LabError, run

PASSWORD = "correct horse"

_BARE = (
    "openssh-server",
    "dropbear-bin",
    "sudo",
    "cron",
    "procps",
    "iproute2",
    "ca-certificates",
    "zsh",
    "libfaketime",
)
_PLAIN = ("python3", "fish")
_SYSTEMD = ("systemd", "systemd-sysv", "dbus", "libpam-systemd", "libnss-systemd", "polkitd")
#: Layers in the order they are put on each other, with what each adds.
LAYERS = {"bare": _BARE, "plain": _PLAIN, "systemd": _SYSTEMD}

_KEPT_BUILDS = 3
_SHELLS = {
    "ops": "/bin/bash",
    "careful": "/bin/bash",
    "plain": "/bin/bash",
    "zed": "/usr/bin/zsh",
    "dasher": "/bin/dash",
    "noisy": "/bin/bash",
    "fisher": "/usr/bin/fish",
}
_NOISE = 'echo "Welcome to this host. Last backup: never."\nprintf "\\033[1mNews\\033[0m\\n"\necho oops >&2\n'

# PID 1 where there is no init of its own: the start of a container with an SSH server and cron.
_PLAIN_START = """#!/bin/sh
mkdir -p /run/sshd
cron
while :; do /lab/serve-ssh; sleep 0.2; done
"""
_SERVE_OPENSSH = "#!/bin/sh\nexec /usr/sbin/sshd -D -e\n"
# systemd-nspawn mounts the controllers of old-style control groups read-only; MemoryMax and TasksMax need them.
_SYSTEMD_START = """#!/bin/sh
for controller in memory pids cpu cpuacct; do
    mount -o remount,rw,bind /sys/fs/cgroup/$controller 2>/dev/null
done
exec /sbin/init
"""


def recipe() -> str:
    """Return what tells one build from another, for the cache folder's name."""
    text = Path(__file__).read_bytes() + (CACHE / "id_ed25519.pub").read_bytes()
    return f"{codename()}-{platform.machine()}-{hashlib.sha256(text).hexdigest()[:12]}"


def codename() -> str:
    """Return this Debian's name (`bookworm`). Raises LabError on another system."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE))
    if release.get("ID") != "debian":
        raise LabError("The lab's hosts are built from this machine's own apt sources, which have to be Debian's.")
    return str(release["VERSION_CODENAME"])


def client_key() -> Path:
    """Return the private key that opens every user of every host; made on first use."""
    key = CACHE / "id_ed25519"
    if not key.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pingmon-lab", "-f", key)
    return key


def layer_folders(name: str) -> list[Path]:
    """Return a layer and those below it, top first, as overlay wants them. They must have been built."""
    names = list(LAYERS)
    base = CACHE / f"roots-{recipe()}"
    return [base / each for each in reversed(names[: names.index(name) + 1])]


def build() -> None:
    """Build what is missing: a minute the first time, nothing after. Of older builds a few are kept.

    Two versions of the recipe may be in use at once, on two branches.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client_key()
        base = CACHE / f"roots-{recipe()}"
        if not (base / "ready").exists():
            if base.exists():
                shutil.rmtree(base)
            base.mkdir()
            _build_bare(base / "bare")
            _add_layer(base, "plain", _finish_plain)
            _add_layer(base, "systemd", _finish_systemd)
        (base / "ready").touch()
        by_use = sorted(CACHE.glob("roots-*"), key=_used_at, reverse=True)
        for old in by_use[_KEPT_BUILDS:]:
            shutil.rmtree(old)


def _used_at(base: Path) -> float:
    """Return when a build was last asked for; 0 for one that broke off."""
    ready = base / "ready"
    return ready.stat().st_mtime if ready.exists() else 0.0


def _apt_sources() -> list[str]:
    """Return this machine's own files of apt sources."""
    folder = Path("/etc/apt/sources.list.d")
    files = [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [str(file) for file in files if file.is_file() and file.read_text().strip()]


def _sources_of(suite: str, folder: Path) -> list[str]:
    """Return sources like this machine's, of another release, as files in a folder."""
    folder.mkdir(exist_ok=True)
    for source in map(Path, _apt_sources()):
        (folder / source.name).write_text(source.read_text().replace(codename(), suite))
    return [str(file) for file in sorted(folder.iterdir())]


def _apt_options() -> list[str]:
    """Return how this machine's apt fetches (proxies, certificates, dates), as options of mmdebstrap."""
    lines = run("apt-config", "dump", "--no-empty").splitlines()
    return [f"--aptopt={line}" for line in lines if line.startswith("Acquire::")]


def build_bare(root: Path, include: Sequence[str], offered: Sequence[str], suite: str = "") -> None:
    """Build a minimal Debian with some packages in it, and others lying in it that its apt installs from files.

    `suite` is another release than this machine's, from the same mirrors.
    """
    sources = (
        _apt_sources() if suite in ("", codename()) else _sources_of(suite, root.with_name(f"{root.name}-sources"))
    )
    run(
        "mmdebstrap",
        "--variant=minbase",
        "--mode=root",
        *_apt_options(),
        "--aptopt=Apt::Install-Recommends false",
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "info", "locale")),
        f"--include={','.join(include)}",
        # Fetched as this machine fetches, and kept for the root's own apt.
        '--customize-hook=mkdir -p "$1/srv/packages/partial"',
        '--customize-hook=env APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq -y --no-install-recommends '
        f'--download-only -o Dir::Cache::archives="$1/srv/packages" install {" ".join(offered)}',
        suite or codename(),
        root,
        *sources,
        timeout_s=300,
    )
    _offer_packages(root)
    for pattern in ("var/lib/apt/lists/*", "etc/ssh/ssh_host_*", "etc/apt/sources.list.d/*", "var/cache/apt/*.bin"):
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (root / "etc/resolv.conf").unlink(missing_ok=True)


def _build_bare(root: Path) -> None:
    build_bare(root, LAYERS["bare"], [package for layer in ("plain", "systemd") for package in LAYERS[layer]])
    (root / "etc/motd").write_text("")
    lab = root / "lab"
    lab.mkdir()
    for name, text in (("start", _PLAIN_START), ("serve-ssh", _SERVE_OPENSSH)):
        (lab / name).write_text(text)
        (lab / name).chmod(0o755)
    for user in [*_SHELLS][:-1]:
        _add_user(root, user)


def _offer_packages(root: Path) -> None:
    """Make the fetched packages a source that the host's apt can install from without a network."""
    folder = root / "srv/packages"
    index = ""
    for package in sorted(folder.glob("*.deb")):
        data = package.read_bytes()
        index += run("dpkg-deb", "--field", package)
        index += f"Filename: ./{package.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"
    shutil.rmtree(folder / "partial")
    (folder / "Packages").write_text(index)
    (root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/packages ./\n")


def _add_layer(base: Path, name: str, finish: Callable[[Path], None]) -> None:
    """Install a layer's packages over the layers below it."""
    names = list(LAYERS)
    below = [base / each for each in reversed(names[: names.index(name)])]
    layer, work, root = base / name, base / "work", base / "mounted"
    for folder in (layer, work, root):
        folder.mkdir()
    with mounted_overlay(below, layer, work, root):
        apt = ["apt-get", "-qq", "-y", "--no-install-recommends"]
        for words in (["apt-get", "-qq", "update"], [*apt, "install", *LAYERS[name]]):
            run("chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *words)
        finish(root)
        for path in root.glob("var/lib/apt/lists/*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(work)
    root.rmdir()


def _finish_plain(root: Path) -> None:
    _add_user(root, "fisher")


def _finish_systemd(root: Path) -> None:
    start = root / "lab/start-systemd"
    start.write_text(_SYSTEMD_START)
    start.chmod(0o755)
    (root / "etc/machine-id").write_text("")
    quiet = ("getty@tty1.service", "console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer")
    run("chroot", root, "systemctl", "mask", *quiet, "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer")


def _add_user(root: Path, name: str) -> None:
    run("chroot", root, "useradd", "--create-home", "--shell", _SHELLS[name], name)
    run("chroot", root, "chpasswd", stdin=f"{name}:{PASSWORD}\n")
    if name != "plain":
        rule = root / f"etc/sudoers.d/{name}"
        rule.write_text(f"{name} ALL=(ALL) {'' if name == 'careful' else 'NOPASSWD: '}ALL\n")
        rule.chmod(0o440)
    if name == "noisy":
        (root / "home/noisy/.bashrc").write_text(_NOISE)
        (root / "home/noisy/.profile").write_text(_NOISE)
    trust_key(root, name)
    if name == "ops":
        trust_key(root, "root")


def trust_key(root: Path, user: str) -> None:
    """Let the lab's key log in as a user of a mounted root."""
    home = root / ("root" if user == "root" else f"home/{user}")
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "authorized_keys").write_bytes((CACHE / "id_ed25519.pub").read_bytes())
    (folder / "authorized_keys").chmod(0o600)
    run("chroot", root, "chown", "-R", f"{user}:", f"/{folder.relative_to(root)}")


def mount_overlay(below: Sequence[Path], upper: Path, work: Path, root: Path) -> None:
    """Mount an overlay: `below` (top first) read-only, what changes goes to `upper`."""
    lower = ":".join(map(str, below))
    run("mount", "-t", "overlay", "lab", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", root)


@contextlib.contextmanager
def mounted_overlay(below: Sequence[Path], upper: Path, work: Path, root: Path) -> Iterator[None]:
    """Mount an overlay for as long as the block runs, with /proc and /dev in it."""
    mount_overlay(below, upper, work, root)
    run("mount", "-t", "proc", "proc", root / "proc")
    run("mount", "--bind", "/dev", root / "dev")
    try:
        yield
    finally:
        for place in (root / "dev", root / "proc", root):
            subprocess.run(["umount", place], check=True)
