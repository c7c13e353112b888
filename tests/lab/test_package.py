"""The .deb on a Debian that has nothing of what it needs: installed, used, upgraded, and removed without a trace.

Run by `make test-package`, which builds the package first: that takes minutes, so it is no part of `make test-lab`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import pingmon_gui
from pingmon_gui.provision.bundle import probe_bundle
from tests.lab import clean_root, roots
from tests.lab.clean_root import HOME, USER, CleanRoot
from tests.lab.conftest import NewHost
from tests.lab.lab import Lab
from tests.lab.place import REPOSITORY, run
from tests.lab.target import ZONE

pytestmark = [pytest.mark.package, pytest.mark.timeout(400)]
URL = f"http://shop4.{ZONE}/"
_DATA = ".local/share/pingmon"
_FIXTURES = REPOSITORY / "tests/store/fixtures"
_PATIENCE_S = 60.0
#: The one after the one that it is built on.
_NEXT_DEBIAN = {"bookworm": "trixie"}


@pytest.fixture(scope="session")
def package() -> Path:
    (found,) = (REPOSITORY / "build").glob("pingmon_*.deb")
    return found


@pytest.fixture(scope="session", autouse=True)
def below(package: Path) -> dict[str, Path]:
    """The roots without the package, by release. Built before anything: at the lab's desk nothing can be fetched."""
    suite = roots.codename()
    return {suite: clean_root.build(package, suite) for suite in (suite, *filter(None, [_NEXT_DEBIAN.get(suite)]))}


@pytest.fixture(scope="module")
def root(
    lab: Lab, package: Path, below: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CleanRoot]:
    """A clean Debian at the desk, with the package installed by apt from its file."""
    with installed(package, below[roots.codename()], tmp_path_factory.mktemp("clean")) as root:
        yield root


@contextlib.contextmanager
def installed(package: Path, below: Path, folder: Path) -> Iterator[CleanRoot]:
    with CleanRoot.mounted(below, folder) as root:
        for name in ("hosts", "resolv.conf"):
            shutil.copyfile(f"/etc/{name}", root.root / "etc" / name)
        shutil.copyfile(package, root.root / "tmp" / package.name)
        assert not list(root.root.glob("usr/bin/python*"))
        root.apt("update")
        root.apt("install", f"/tmp/{package.name}")
        yield root


@pytest.fixture
def home(root: CleanRoot) -> Iterator[Path]:
    """The user's home as seen from here, empty again after the test."""
    home = root.root / HOME.relative_to("/")
    yield home
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def pingmon(root: CleanRoot, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    ended = root.run("pingmon", *words, **environment)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def answer(root: CleanRoot, *words: str) -> Any:
    """Return the document that a command answers with."""
    ended = pingmon(root, *words, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def refusal(root: CleanRoot, *words: str, **environment: str) -> str:
    """Return the sentence with which a command gives up."""
    ended = pingmon(root, *words, **environment)
    assert ended.returncode == 1, ended
    return ended.stderr


@contextlib.contextmanager
def window(root: CleanRoot) -> Iterator[str]:
    """Have the window open on a display; return the display's name. It must end in good order when it is asked to."""
    with (
        root.display() as display,
        subprocess.Popen(root.command("pingmon"), stderr=subprocess.PIPE, text=True) as process,
    ):
        try:
            wait_until(lambda: '"Pingmon"' in run("xwininfo", "-display", display, "-root", "-tree"))
            yield display
        finally:
            process.terminate()
            said = process.communicate(timeout=_PATIENCE_S)[1]
    assert process.returncode == 0, said
    assert not said


def wait_until(holds: Any) -> Any:
    until_s = time.monotonic() + _PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < until_s
        time.sleep(0.1)
    return found


def own_status(root: CleanRoot) -> str | None:
    """Return what this computer's probe has of the only domain."""
    (monitor,) = answer(root, "status")["monitors"]
    return next((one["status"] for one in monitor["regions"] if one["status"] != "unknown"), None)


def test_window_measures_and_a_host_becomes_a_probe(root: CleanRoot, home: Path, lab: Lab, new_host: NewHost) -> None:
    with window(root):
        answer(root, "domain", "add", URL)
        assert wait_until(lambda: own_status(root)) == "online"

    host = new_host()
    host.wait_until_up()
    ssh = home / ".ssh"
    ssh.mkdir(mode=0o700)
    shutil.copyfile(roots.client_key(), ssh / "id_ed25519")
    (ssh / "id_ed25519").chmod(0o600)
    shutil.copyfile(lab.known_hosts, ssh / "known_hosts")
    (ssh / "config").write_text(f"Host {host.name}\n  HostName {host.address}\n  User ops\n")
    run("chroot", root.root, "chown", "-R", USER, HOME / ".ssh")
    (probe,) = answer(root, "probe", "bootstrap", host.name, "--region", "eu")["probes"]
    assert any("First result" in sentence for sentence in probe["summary"])
    (sent,) = host.root.glob("opt/pingmon-probe/pingmon-probe.pyz")
    assert sent.read_bytes() == probe_bundle()
    ended = pingmon(root, "probe", "remove", probe["name"], "--yes")
    assert ended.returncode == 0, ended.stderr


def test_next_debian_takes_it_too(lab: Lab, package: Path, below: dict[str, Path], tmp_path: Path) -> None:
    suite = _NEXT_DEBIAN[roots.codename()]
    with installed(package, below[suite], tmp_path) as root:
        assert suite in (root.root / "etc/os-release").read_text()
        with window(root):
            answer(root, "domain", "add", URL)
            assert wait_until(lambda: own_status(root)) == "online"


def test_data_folder_of_the_oldest_pingmon_is_taken_over(root: CleanRoot, home: Path) -> None:
    database = put_database(root, home, _FIXTURES / "schema_1.db")
    with window(root):
        monitors = answer(root, "domain", "list")["domains"]
        assert {one["name"] for one in monitors} == {"A", "B"}
    assert list(database.parent.glob("pingmon-*-1.db"))


def put_database(root: CleanRoot, home: Path, source: Path) -> Path:
    folder = home / _DATA
    folder.mkdir(parents=True)
    target = folder / "pingmon.db"
    shutil.copyfile(source, target)
    run("chroot", root.root, "chown", "-R", USER, HOME)
    return target


def test_newer_data_folder_is_refused_and_left_alone(root: CleanRoot, home: Path) -> None:
    database = put_database(root, home, _FIXTURES / "schema_5.db")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = database.read_bytes()
    assert "newer" in refusal(root, "domain", "list")
    assert database.read_bytes() == before


def test_without_a_display_it_says_so(root: CleanRoot, home: Path) -> None:
    assert "There is no display to open a window on." in refusal(root)


def test_without_a_session_bus_it_runs_and_says_what_it_lacks(root: CleanRoot, home: Path) -> None:
    with window(root):
        said = refusal(root, "alert", "test", "This desktop")
    assert "This desktop shows no notifications just now." in said


def test_read_only_home_is_named(root: CleanRoot, home: Path) -> None:
    run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", home)
    try:
        said = refusal(root, "domain", "add", URL)
    finally:
        run("umount", home)
    assert f"{HOME}/{_DATA}" in said


def test_too_old_c_library_is_named(root: CleanRoot, home: Path) -> None:
    old = root.root / "usr/local/bin/getconf"
    old.write_text("#!/bin/sh\necho glibc 2.31\n")
    old.chmod(0o755)
    try:
        assert "this system has 2.31" in refusal(root, "--version")
    finally:
        old.unlink()


def test_package_asks_for_the_c_library_that_its_launcher_names(package: Path, root: CleanRoot) -> None:
    """A system that is too old is told so by apt; one that was filled by other means, by the launcher."""
    launcher = (root.root / "usr/bin/pingmon").read_text()
    (needed,) = re.findall(r"^needed=(2\.\d+)$", launcher, re.MULTILINE)
    (asked,) = re.findall(r"\blibc6 \(>= (2\.\d+)\)", run("dpkg-deb", "--field", package, "Depends"))
    assert int(asked[2:]) >= int(needed[2:])


def test_every_part_that_is_carried_has_its_licence(root: CleanRoot) -> None:
    """What lies in the app's folder is found by looking there, not from the list that the licences were taken by."""
    modules = {path.name.partition(".")[0] for path in (root.root / "usr/lib/pingmon/_internal").iterdir()}
    ask = "import importlib.metadata, json; print(json.dumps(importlib.metadata.packages_distributions()))"
    known: dict[str, list[str]] = json.loads(run(REPOSITORY / "build/package-env/bin/python", "-c", ask))
    carried = {name for module in modules for name in known.get(module, ())} - {"pingmon"}
    licences = root.root / "usr/share/doc/pingmon/licences"
    texts = {folder.name: list(folder.iterdir()) for folder in licences.iterdir() if folder.is_dir()}
    assert len(carried) > 30 and carried <= {name for name, found in texts.items() if found}
    assert {"Python", "pyinstaller"} <= texts.keys()
    assert {"natural-earth.md", "qt-parts.md"} <= {path.name for path in licences.iterdir()}
    listed = (root.root / "usr/share/doc/pingmon/copyright").read_text()
    assert not {name for name in carried if f"  {name} " not in listed}


def test_package_says_one_version_everywhere(root: CleanRoot) -> None:
    version = root.run("dpkg-query", "-W", "-f", "${Version}", "pingmon").stdout
    assert version == pingmon_gui.__version__
    assert pingmon(root, "--version").stdout.startswith(f"pingmon {version} (protocol ")
    share = root.root / "usr/share"
    newest = ElementTree.parse(share / "metainfo/io.github.pingmon.pingmon.metainfo.xml").find("releases/release")
    assert newest is not None and newest.get("version") == version
    with gzip.open(share / "doc/pingmon/changelog.Debian.gz", "rt") as changelog:
        assert changelog.readline() == f"pingmon ({version}) unstable; urgency=medium\n"
    with gzip.open(share / "man/man1/pingmon.1.gz", "rt") as manual:
        head = next(line for line in manual if line.startswith(".TH"))
    assert version in head


def test_nothing_but_the_users_data_is_left_in_the_end(root: CleanRoot, home: Path) -> None:
    answer(root, "domain", "add", URL)
    with window(root):
        wait_until(lambda: own_status(root))
    installed = [path for path in root.run("dpkg", "-L", "pingmon").stdout.splitlines() if "pingmon" in path]
    root.apt("purge", "--autoremove", "pingmon")
    assert installed and not [path for path in installed if (root.root / path[1:]).exists()]
    data = str(HOME / _DATA)
    assert {path for path in root.named_after_pingmon() if not path.startswith(data)} == set()
    assert "not found" in root.run("sh", "-c", "pingmon").stderr
    # The system's own cache of its fonts is made by whatever program shows text first.
    assert {path for path in root.home_files() if not path.startswith((_DATA, ".cache/fontconfig/"))} == set()
    assert (home / _DATA / "pingmon.db").exists()
