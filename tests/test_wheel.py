"""What pip installs: the wheel holds all that Pingmon needs, and works where its source is not."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from pingmon_gui.provision.bundle import probe_bundle

ROOT = Path(__file__).parents[1]
#: Prints where an installed Pingmon is, and what it would send to hosts.
_ASK = """
import hashlib, json
import pingmon_gui
from pingmon_gui.provision import bundle
print(json.dumps({
    "home": pingmon_gui.__file__,
    "probe": hashlib.sha256(bundle.probe_bundle()).hexdigest(),
    "builder": bundle.BUILDER.exists(),
}))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this tree and the wheel that is built from the sdist alone."""
    folder = tmp_path_factory.mktemp("built")
    _build(ROOT, "build_sdist", folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "source", filter="data")
    _build(next((folder / "source").iterdir()), "build_wheel", folder)
    return folder


def _build(source: Path, what: str, target: Path) -> None:
    script = f"from setuptools import build_meta; build_meta.{what}({str(target)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=source, check=True, capture_output=True, timeout=100)


def test_wheel_holds_probe_pictures_and_scripts(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        probe = wheel.read("pingmon_gui/resources/pingmon-probe.pyz")
    assert hashlib.sha256(probe).digest() == hashlib.sha256(probe_bundle()).digest()
    in_tree = {path.relative_to(ROOT) for path in (ROOT / "pingmon_gui").rglob("*") if path.suffix in (".py", ".sh")}
    assert {path.as_posix() for path in in_tree} <= names
    resources = {f"pingmon_gui/resources/{path.name}" for path in (ROOT / "resources").iterdir()}
    assert resources <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_installed_wheel_checks_and_knows_its_probe(built: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    # What Pingmon depends on is taken from here: the test has no network.
    venv.create(place, symlinks=True, with_pip=False)
    folder = next((place / "lib").iterdir()) / "site-packages"
    _install(next(built.glob("*.whl")), folder)
    (folder / "dependencies.pth").write_text(_dependencies())
    python = str(place / "bin" / "python")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [python, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert not done.stderr, done.stderr
        return done.stdout

    told = json.loads(run("-c", _ASK))
    assert Path(told["home"]).is_relative_to(folder)
    assert told["probe"] == hashlib.sha256(probe_bundle()).hexdigest()
    assert not told["builder"]
    answer = json.loads(run("-m", "pingmon_gui", "check", "http://127.0.0.1:9/", "--json"))
    assert answer["failure"] == "connect_refused"


def _install(wheel: Path, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True, capture_output=True, timeout=60)


def _dependencies() -> str:
    """Return the folders of this interpreter's packages, without this source tree."""
    return "\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n"
