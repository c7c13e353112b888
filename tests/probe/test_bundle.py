"""The probe's one file: the same bytes every time, small, readable by Python 3.9, and it runs alone."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import build_probe
import pytest

FILES = build_probe.bundle_files()
SOURCES = [name for name in FILES if name.endswith(".py")]
MAX_BYTES = 200 * 1024


@pytest.mark.parametrize("name", SOURCES)
def test_source_is_python_3_9(name: str) -> None:
    ast.parse(FILES[name], name, feature_version=(3, 9))


def test_build_gives_the_same_small_file_each_time() -> None:
    first, second = build_probe.build(), build_probe.build()
    assert first == second
    assert len(first) <= MAX_BYTES
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {entry.date_time for entry in archive.infolist()} == {build_probe.DATE}
    assert {"__main__.py", "LICENSE", "h11/LICENSE.txt", "h11/_connection.py", "pingmon_probe/protocol.py"} <= {*names}
    assert not any("test" in name or name.endswith(".pyc") for name in names)


def test_bundle_serves_with_nothing_but_the_interpreter(tmp_path: Path) -> None:
    bundle = tmp_path / "pingmon-probe.pyz"
    bundle.write_bytes(build_probe.build())
    # -I and -S: no environment, no site-packages.
    command = [sys.executable, "-I", "-S", str(bundle)]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("pingmon-probe ")
    serve = [*command, "serve", "--spool", str(tmp_path / "spool"), "--token-stdin", "--die-with-stdin"]
    with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(b"a-token-of-the-tests\n")
        process.stdin.flush()
        ready = json.loads(process.stdout.readline())
        request = urllib.request.Request(
            f"http://127.0.0.1:{ready['port']}/v1/status", headers={"Authorization": "Bearer a-token-of-the-tests"}
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["version"] == ready["version"]
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
