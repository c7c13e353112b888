"""What SQLite says of a disk, and what a person is told."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from pingmon_gui.domain.error import StorageError, StorageFull
from pingmon_gui.store.trouble import translate


@pytest.mark.parametrize(("free_bytes", "kind"), [(0, StorageFull), (4096, StorageFull), (1 << 30, StorageError)])
def test_failure_of_a_disk_without_room_is_called_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int, kind: type[StorageError]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1 << 40, 0, free_bytes))
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    told = translate(failure, tmp_path / "pingmon.db")
    assert type(told) is kind
    assert ("no room left" in told.message) is (kind is StorageFull)
