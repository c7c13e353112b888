"""`pingmon backup`, `restore`, `repair`: alone, and beside an engine that runs on the folder."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Processes, wait_until
from tests.cli.site import Site
from tests.store.damage import PAGE_BYTES, is_sound, overwrite, root_page


def domains(pingmon: Command) -> list[str]:
    return [domain["name"] for domain in pingmon("domain", "list", "--json").json["domains"]]


def test_backup_goes_out_and_comes_back(pingmon: Command, tmp_path: Path, data_dir: Path) -> None:
    pingmon("domain", "add", "https://me:secret@a.example/", "--name", "A")
    pingmon("domain", "add", "https://b.example/", "--name", "B")
    done = pingmon("backup", str(tmp_path / "copy.db"))
    assert (done.code, done.out) == (0, "")
    assert f"Backed up 2 domains and 0 results to {tmp_path / 'copy.db'}" in done.err
    assert "User name and password of 1 domain are in it" in done.err
    pingmon("domain", "remove", "A", "B")
    pingmon("domain", "add", "https://c.example/", "--name", "C")
    asked = pingmon("restore", str(tmp_path / "copy.db"))
    assert asked.code == 2 and "--yes" in asked.err
    assert domains(pingmon) == ["C"]
    assert not list(data_dir.glob("*.incoming*"))
    document = pingmon("restore", str(tmp_path / "copy.db"), "--yes", "--json").json
    assert document["backup"]["domains"] == 2
    assert domains(pingmon) == ["A", "B"]
    (listed,) = pingmon("backup", "--list", "--json").json["files"]
    assert (listed["path"], listed["reason"]) == (document["kept_as"], "replaced")
    assert "replaced by a backup" in pingmon("backup", "--list").out


def test_folder_and_json(pingmon: Command, tmp_path: Path) -> None:
    pingmon("domain", "add", "https://a.example/")
    document = pingmon("backup", str(tmp_path), "--json").json
    path = Path(document["path"])
    assert path.parent == tmp_path and path.stat().st_size == document["file_bytes"]
    assert (document["domains"], document["with_passwords"], document["results"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("backup",), 2, "Say where the backup is to be written"),
        (("backup", "copy.db"), 1, "nothing to back up"),
        (("restore", "nowhere.db", "--yes"), 1, "There is no file"),
        (("repair",), 1, "There is no database"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(pingmon: Command, words: tuple[str, ...], code: int, sentence: str) -> None:
    done = pingmon(*words)
    assert done.code == code
    assert sentence in done.err and "Traceback" not in done.err


def test_repair_leaves_a_whole_database_alone(pingmon: Command, data_dir: Path) -> None:
    pingmon("domain", "add", "https://a.example/")
    before = (data_dir / "pingmon.db").read_bytes()
    assert "is whole" in pingmon("repair").err
    assert pingmon("repair", "--json").json == {"is_damaged": False}
    assert (data_dir / "pingmon.db").read_bytes() == before


def test_repair_saves_and_tells(pingmon: Command, data_dir: Path) -> None:
    for name in "ABC":
        pingmon("domain", "add", f"https://{name}.example/", "--name", name, "--tag", "shop")
    path = data_dir / "pingmon.db"
    overwrite(path, root_page(path, "monitor"), bytes(PAGE_BYTES))
    refused = pingmon("domain", "list")
    assert refused.code == 1 and "“pingmon repair”" in refused.err
    done = pingmon("repair")
    assert done.code == 0
    assert "Saved: 3 domains" in done.err
    assert "3 domains came back from the history" in done.err
    (kept,) = data_dir.glob("pingmon-damaged-*.db")
    assert str(kept) in done.err
    listed = pingmon("domain", "list", "--json").json["domains"]
    assert [domain["url"] for domain in listed] == [f"https://{name}.example/" for name in "abc"]
    assert all(domain["is_paused"] and domain["tags"] == ["shop"] for domain in listed)


def test_running_engine_is_backed_up_and_goes_on_with_the_backup(
    processes: Processes, pingmon: Command, tmp_path: Path, site: Site
) -> None:
    pingmon("domain", "add", site.url, "--name", "Shop")
    engine = processes.start_engine()
    processes.wait_for_line(engine, "Shop is online")
    done = processes.run("backup", str(tmp_path / "copy.db"))
    assert done.code == 0, done.err
    assert processes.run("domain", "remove", "Shop").code == 0
    restored = processes.run("restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert restored.code == 0, restored.err
    assert restored.json["backup"]["domains"] == 1
    assert engine.poll() is None
    processes.wait_for_line(engine, "Shop is online")
    verdicts = processes.run("status", "--json").json
    assert [monitor["name"] for monitor in verdicts["monitors"]] == ["Shop"]
    with closing(sqlite3.connect(restored.json["kept_as"])) as connection:
        (deleted,) = connection.execute("SELECT count(*) FROM monitor WHERE deleted_at_ms IS NOT NULL").fetchone()
    assert deleted == 1


def test_backup_of_another_owner_is_measured_with_at_once(
    processes: Processes, pingmon: Command, tmp_path: Path, site: Site
) -> None:
    """The embedded probe has the plan of the owner before; it belongs to the folder, so it takes the new one's."""
    other = tmp_path / "other"
    pingmon("--data-dir", str(other), "domain", "add", site.url, "--name", "Moved")
    assert pingmon("--data-dir", str(other), "backup", str(tmp_path / "copy.db")).code == 0
    pingmon("domain", "add", site.url, "--name", "Here")
    engine = processes.start_engine()
    processes.wait_for_line(engine, "Here is online")
    assert processes.run("restore", str(tmp_path / "copy.db"), "--yes").code == 0
    processes.wait_for_line(engine, "Moved is online")


def test_backup_that_cannot_be_restored_leaves_the_engine_running(
    processes: Processes, pingmon: Command, tmp_path: Path, site: Site
) -> None:
    pingmon("domain", "add", site.url, "--name", "Shop")
    engine = processes.start_engine()
    (tmp_path / "copy.db").write_bytes(b"SQLite format 3\0" + bytes(9_000))
    done = processes.run("restore", str(tmp_path / "copy.db"), "--yes")
    assert done.code == 1 and "Nothing was changed" in done.err
    processes.wait_for_line(engine, "Shop is online")


def test_running_engine_repairs_its_own_database(processes: Processes, pingmon: Command, site: Site) -> None:
    pingmon("domain", "add", site.url, "--name", "Shop")
    path = processes.data_dir / "pingmon.db"
    engine = processes.start_engine()
    processes.wait_for_line(engine, "Shop is online")
    overwrite(path, root_page(path, "incident"), b"\xff" * PAGE_BYTES)
    done = processes.run("repair")
    assert done.code == 0, done.err
    assert "Saved: 1 domain" in done.err
    processes.wait_for_line(engine, "watching 1 domain")
    assert wait_until(lambda: processes.run("status", "--json").json["monitors"][0]["verdict"] == "online")
    assert is_sound(path)
