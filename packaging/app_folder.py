"""Makes the app as one folder: the probe's file first, then PyInstaller, then what no user needs is taken away."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from place import APP, BUILD, ROOT, run

_C_LIBRARY = re.compile(rb"\0GLIBC_2\.(\d+)(?=\0)")


def make() -> None:
    """Build `build/app/pingmon` anew."""
    run(sys.executable, ROOT / "probes" / "build_probe.py")
    tool = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    run(*tool, "--distpath", APP.parent, "--workpath", BUILD / "app-work", ROOT / "packaging" / "pingmon.spec")
    for library in APP.glob("_internal/libpython3*.so*"):
        # Most Pythons are built with what only a debugger reads.
        run("strip", "--strip-unneeded", library)


def elf_files(folder: Path = APP) -> list[Path]:
    """Return the executable and the libraries of the app, each once."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in files if path.open("rb").read(4) == b"\x7fELF")


def needed_c_library() -> str:
    """Return the oldest GNU C library that has all they ask for ("2.34")."""
    minor = max(int(found) for path in elf_files() for found in _C_LIBRARY.findall(path.read_bytes()))
    return f"2.{minor}"
