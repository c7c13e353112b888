"""Databases and folders in a bad way: a sentence, exit code 1, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Processes

_EVERY = (("domain", "list"), ("domain", "add", "b.example"), ("status",), ("history", "a.example"))


def _assert_sentence(code: int, out: str, err: str) -> None:
    assert (code, out) == (1, "")
    assert err.strip()
    assert "should not have" not in err
    assert "Traceback" not in err


@pytest.fixture
def filled(pingmon: Command, data_dir: Path) -> Path:
    assert pingmon("domain", "add", "a.example").code == 0
    return data_dir / "pingmon.db"


@pytest.mark.parametrize("words", [*_EVERY, ("run", "--for", "1")], ids=" ".join)
def test_database_of_a_newer_version_is_refused_and_left_alone(
    pingmon: Command, filled: Path, words: tuple[str, ...]
) -> None:
    with sqlite3.connect(filled) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    done = pingmon(*words)
    _assert_sentence(done.code, done.out, done.err)
    assert "newer" in done.err
    with sqlite3.connect(filled) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
        assert connection.execute("SELECT count(*) FROM monitor").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("words", [("domain", "list"), ("status",), ("history", "a.example")], ids=" ".join)
def test_damaged_database_is_a_sentence(pingmon: Command, filled: Path, words: tuple[str, ...]) -> None:
    for name in ("pingmon.db-wal", "pingmon.db-shm"):
        filled.with_name(name).unlink(missing_ok=True)
    filled.write_bytes(b"this was a database once" * 400)
    done = pingmon(*words)
    _assert_sentence(done.code, done.out, done.err)


@pytest.mark.parametrize("words", [("domain", "add", "a.example"), ("run", "--for", "1")], ids=" ".join)
def test_folder_that_cannot_be_made_is_a_sentence(pingmon: Command, data_dir: Path, words: tuple[str, ...]) -> None:
    data_dir.write_text("a file where the folder should be", encoding="utf-8")
    done = pingmon(*words)
    _assert_sentence(done.code, done.out, done.err)


@pytest.mark.parametrize("words", [*_EVERY, ("run", "--for", "1")], ids=" ".join)
def test_database_that_is_a_folder_is_a_sentence(pingmon: Command, data_dir: Path, words: tuple[str, ...]) -> None:
    (data_dir / "pingmon.db").mkdir(parents=True)
    done = pingmon(*words)
    _assert_sentence(done.code, done.out, done.err)


@pytest.fixture
def read_only(filled: Path) -> Iterator[Path]:
    folder = filled.parent
    paths = list(folder.iterdir())
    for path in paths:
        path.chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    for path in paths:
        path.chmod(0o644)


def _as_anybody() -> tuple[str, ...]:
    """Return the command prefix that takes root's right to write anything."""
    rights = "-dac_override,-dac_read_search,-fowner"
    return ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}") if os.geteuid() == 0 else ()


@pytest.mark.usefixtures("read_only")
def test_read_only_data_can_be_read(processes: Processes) -> None:
    listed = processes.run("domain", "list", "--json", prefix=_as_anybody())
    assert (listed.code, listed.err) == (0, "")
    assert [domain["url"] for domain in listed.json["domains"]] == ["https://a.example/"]
    assert processes.run("status", "--json", prefix=_as_anybody()).json["monitors"][0]["verdict"] == "unknown"


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("words", [("domain", "add", "b.example"), ("run", "--for", "1")], ids=" ".join)
def test_read_only_data_cannot_be_written(processes: Processes, words: tuple[str, ...]) -> None:
    done = processes.run(*words, prefix=_as_anybody())
    _assert_sentence(done.code, done.out, done.err)
    assert "cannot be written" in done.err
