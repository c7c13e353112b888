"""A Debian on which nothing was ever installed: no Python, no desktop. The .deb has to bring or ask for all it needs.

Built once for each set of dependencies and kept in the cache; what the package depends on is fetched then, as this
machine fetches, and lies in the root as a source of packages, so that installing needs no network.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab import roots
from tests.lab.place import CACHE, LabError, run

USER = "alice"
HOME = Path("/home") / USER
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build(package: Path, suite: str) -> Path:
    """Return the root of a release of Debian for a package, built if it is not there yet: a minute then."""
    depends = run("dpkg-deb", "--field", package, "Depends")
    recipe = hashlib.sha256((depends + Path(__file__).read_text()).encode()).hexdigest()[:12]
    root = CACHE / f"clean-{suite}-{recipe}"
    if (root / "ready").exists():
        return root
    for old in CACHE.glob(f"clean-{suite}-*"):
        shutil.rmtree(old)
    # The first of each group of alternatives, without versions: what apt would choose.
    names = [re.split(r"[ (|]", group.strip())[0] for group in depends.split(",")]
    roots.build_bare(root, include=["passwd"], offered=names, suite=suite)
    run("chroot", root, "useradd", "--create-home", USER)
    # Whoever installs Pingmon has its manual and its licences, too.
    for rule in root.glob("etc/dpkg/dpkg.cfg.d/*mmdebstrap*"):
        rule.unlink()
    (root / "ready").touch()
    return root


class CleanRoot:
    """A copy of that root for one test: what is changed in it goes with it. The lab's desk is its network."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment: dict[str, str] = {}

    @classmethod
    @contextlib.contextmanager
    def mounted(cls, below: Path, folder: Path) -> Iterator[CleanRoot]:
        """Make a copy of the root that `build` returned, which changes in a folder."""
        upper, work, root = (folder / name for name in ("upper", "work", "root"))
        for each in (upper, work, root):
            each.mkdir()
        with roots.mounted_overlay([below], upper, work, root):
            yield cls(root)

    @contextlib.contextmanager
    def display(self) -> Iterator[str]:
        """Give it an X display for as long as the block runs; return the display's name, which is the same outside."""
        reading, writing = os.pipe()
        server = ["Xvfb", "-displayfd", str(writing), "-ac", "-nolisten", "tcp", "-screen", "0", "1600x900x24"]
        with subprocess.Popen(server, pass_fds=[writing], stderr=subprocess.DEVNULL) as process:
            os.close(writing)
            try:
                with os.fdopen(reading) as told:
                    name = f":{told.readline().strip()}"
                with self._sockets():
                    self.environment["DISPLAY"] = name
                    yield name
            finally:
                self.environment.pop("DISPLAY", None)
                process.terminate()

    @contextlib.contextmanager
    def _sockets(self) -> Iterator[None]:
        """Have the displays of this machine in here, too."""
        place = self.root / "tmp/.X11-unix"
        place.mkdir(exist_ok=True)
        run("mount", "--bind", "/tmp/.X11-unix", place)
        try:
            yield
        finally:
            run("umount", "--lazy", place)

    def command(self, *words: str | Path, user: str = USER, **environment: str) -> list[str]:
        """Return what runs a program in here, with nothing of this machine's environment."""
        home = HOME if user == USER else Path("/root")
        settings = {"PATH": _PATH, "HOME": str(home), "LANG": "C.UTF-8", **self.environment, **environment}
        pairs = [f"{name}={value}" for name, value in settings.items()]
        return ["chroot", f"--userspec={user}", str(self.root), "env", "-i", *pairs, *map(str, words)]

    def run(self, *words: str | Path, user: str = USER, **environment: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*words, user=user, **environment)
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False
        )

    def apt(self, *words: str) -> None:
        """Have apt do something. Raises LabError with its last words if it fails."""
        quiet = ("apt-get", "-qq", "-y", "--no-install-recommends", "-o", "APT::Sandbox::User=root")
        ended = self.run(*quiet, *words, user="root", DEBIAN_FRONTEND="noninteractive")
        if ended.returncode != 0:
            raise LabError(f"apt-get {words[0]} failed: {(ended.stdout + ended.stderr)[-1500:]}")

    def named_after_pingmon(self) -> set[str]:
        """Return all paths with Pingmon's name in them, but for what apt and dpkg keep of their own work."""
        found = run("find", self.root, "-xdev", "-iname", "*pingmon*", "-printf", "/%P\n").splitlines()
        return {path for path in found if not path.startswith(("/var/lib/apt/", "/var/cache/", "/srv/", "/tmp/"))}

    def home_files(self) -> set[str]:
        """Return the files of the user's home, by their path in it."""
        home = self.root / HOME.relative_to("/")
        return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
