"""The rules of conftest.py hold: each is broken on purpose in a little project of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_RULES = Path(__file__).with_name("conftest.py")


def _run(folder: Path, source: str) -> tuple[int, str]:
    tests = folder / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text(_RULES.read_text(encoding="utf-8"), encoding="utf-8")
    (tests / "test_one.py").write_text(source, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:qt"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import pytest\ndef test_it(): pytest.skip('no display')\n", "counts as failed. Skipped: no display"),
        ("import pytest\npytest.skip('not here', allow_module_level=True)\n", "counts as failed. Skipped: not here"),
        ("import logging\ndef test_it(): logging.getLogger('a').warning('boo')\n", "unexpected WARNING of a: boo"),
        ("def test_it(expect_log): expect_log('boo')\n", "expected in the log and absent: boo"),
        ("x = 1\n", "no test was found in: tests/test_one.py"),
    ],
)
def test_broken_rule_fails_the_run(tmp_path: Path, source: str, says: str) -> None:
    code, output = _run(tmp_path, source)
    assert code != 0
    assert says in output


def test_thread_left_behind_fails_the_run(tmp_path: Path) -> None:
    source = (
        "import threading\n"
        "import conftest\n"
        "conftest._THREAD_PATIENCE_S = 0.05\n"
        "stop = threading.Event()\n"
        "def test_it():\n"
        "    threading.Thread(target=stop.wait, name='stray').start()\n"
        "def test_end():\n"
        "    stop.set()\n"
    )
    code, output = _run(tmp_path, source)
    assert code != 0
    assert "threads left running: stray" in output


def test_expected_log_passes(tmp_path: Path) -> None:
    source = "import logging\ndef test_it(expect_log):\n    expect_log('bo+')\n    logging.warning('boo')\n"
    code, output = _run(tmp_path, source)
    assert code == 0, output
