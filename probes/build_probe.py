"""Builds `build/pingmon-probe.pyz`: the whole probe in one file, the same bytes from the same sources.

Run by `make probe`. Needs h11 installed beside the interpreter that runs it; the built file needs nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import io
import zipfile
from pathlib import Path

SOURCE = Path(__file__).parent / "pingmon_probe"
TARGET = Path(__file__).parent.parent / "build" / "pingmon-probe.pyz"
#: The oldest date a zip file knows: the content decides, not the day of the build.
DATE = (1980, 1, 1, 0, 0, 0)
#: Even an old interpreter understands this much, so that it says what is missing instead of a syntax error.
MAIN = b"""import sys

if sys.version_info < (3, 9):
    sys.exit("pingmon-probe needs Python 3.9 or newer; this is Python %d.%d." % sys.version_info[:2])

from pingmon_probe.command_line import main

sys.exit(main())
"""


def bundle_files() -> dict[str, bytes]:
    """Return what goes into the file: path in it -> content, in order."""
    files = {"__main__.py": MAIN}
    for path in SOURCE.rglob("*.py"):
        files[f"pingmon_probe/{path.relative_to(SOURCE).as_posix()}"] = path.read_bytes()
    distribution = importlib.metadata.distribution("h11")
    for entry in distribution.files or []:
        if entry.suffix == ".py" and entry.parts[0] == "h11" and "tests" not in entry.parts:
            files[entry.as_posix()] = entry.read_binary()
        elif entry.name == "LICENSE.txt":
            files["h11/LICENSE.txt"] = entry.read_binary()
    files["LICENSE"] = (SOURCE.parent.parent / "LICENSE").read_bytes()
    return {name: files[name].replace(b"\r\n", b"\n") for name in sorted(files)}


def build() -> bytes:
    """Return the bytes of the probe's one file."""
    data = io.BytesIO(b"")
    data.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in bundle_files().items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return data.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the probe's one file.")
    parser.add_argument("--output", type=Path, default=TARGET)
    target: Path = parser.parse_args().output
    data = build()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(0o755)
    print(f"{target}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
