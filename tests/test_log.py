"""The log file: readable, rotating, private, and free of secrets."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui import log

_log = logging.getLogger("pingmon_gui.test")


@pytest.fixture(autouse=True)
def _taken_down() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    log.take_down()
    logging.getLogger().setLevel(level)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("authorization=Basic dXNlcjpwYXNz end", "dXNlcjpwYXNz"),
        ("{'Authorization': 'Bearer abc.def-ghi_jkl'}", "abc.def-ghi_jkl"),
        ("sent bearer abcdef123456 to it", "abcdef123456"),
        ("GET https://anna:gehe1m@example.com/x failed", "gehe1m"),
        ("GET https://anna@example.com/x failed", "anna"),
        ("https://a:p@ss:w@example.com/", "p@ss:w"),
        ("{'basic_auth': 'anna:geheim'}", "geheim"),
        ('{"token": "s3cr3t-t0ken"}', "s3cr3t-t0ken"),
        ("password=hunter22", "hunter22"),
    ],
)
def test_secret_is_taken_out(text: str, secret: str) -> None:
    assert secret not in log.without_secrets(text)
    assert "***" in log.without_secrets(text)


@pytest.mark.parametrize("text", ["https://example.com/a@b", "the basic plan", "at 12:30 https://example.com:8443/"])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert log.without_secrets(text) == text


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="@/?#", exclude_categories=["Z", "Cc"]), min_size=4),
)
def test_password_of_any_letters_is_taken_out_of_an_address(password: str) -> None:
    assert log.without_secrets(f"see https://user:{password}@example.com/") == "see https://***@example.com/"


def test_file_is_private_and_holds_readable_lines(tmp_path: Path) -> None:
    log.set_up(tmp_path)
    _log.info("checked https://u:pw@example.com in %d ms\nforged line", 12)
    path = log.log_path(tmp_path)
    line = path.read_text(encoding="utf-8")
    assert line.endswith(" info    pingmon_gui.test: checked https://***@example.com in 12 ms\\nforged line\n")
    assert path.stat().st_mode & 0o077 == 0


def test_secret_in_a_traceback_is_taken_out(tmp_path: Path, expect_log: object) -> None:
    assert callable(expect_log)
    expect_log("it failed")
    log.set_up(tmp_path)
    try:
        raise ValueError("no answer to Authorization: Bearer abcdef123456")
    except ValueError:
        _log.exception("it failed")
    text = log.log_path(tmp_path).read_text(encoding="utf-8")
    assert "ValueError: no answer" in text
    assert "abcdef123456" not in text


def test_level_follows_the_setting_and_debug_wins(tmp_path: Path) -> None:
    log.set_up(tmp_path, "error")
    assert not _log.isEnabledFor(logging.INFO)
    log.set_level("info")
    assert _log.isEnabledFor(logging.INFO)
    log.set_up(tmp_path, "error", debug=True)
    log.set_level("error")
    assert _log.isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("httpx").isEnabledFor(logging.DEBUG)


def test_file_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "FILE_BYTES", 2_000)
    log.set_up(tmp_path)
    for _ in range(400):
        _log.info("x" * 100)
    names = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert names == ["pingmon.log", *(f"pingmon.log.{n}" for n in range(1, log.KEPT_FILES + 1))]
    assert all(path.stat().st_size <= 2_000 for path in (tmp_path / "log").iterdir())


def test_unwritable_folder_is_a_sentence_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text("in the way")
    log.set_up(tmp_path)
    _log.info("still alive")
    assert "cannot be written" in capsys.readouterr().err


def test_full_disk_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    log.log_path(tmp_path).symlink_to("/dev/full")
    script = (
        "import sys, logging; from pathlib import Path; from pingmon_gui import log\n"
        "log.set_up(Path(sys.argv[1]))\n"
        "for n in range(5): logging.getLogger('a').info('line %d', n)\n"
        "print('alive'); sys.stdout.flush(); import os; os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout == "alive\n"
    assert done.stderr.count("cannot be written") == 1


def test_journal_gets_priorities_and_no_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    log.set_up(None, on_stderr=True)
    _log.info("example.com is offline")
    assert capsys.readouterr().err == "<6>info: example.com is offline\n"
