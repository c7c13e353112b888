"""`pingmon import`, `export` and `apply` on a real store, alone and beside an engine that runs."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Processes
from tests.cli.test_prompter import Terminal

LIST = "a.example  A\nhttps://u:geheim@b.example\nno..host\na.example\n"
FILE = """\
[settings]
keep_raw_days = 14
[[monitor]]
url = "a.example"
name = "A"
interval = "30s"
[[monitor]]
url = "b.example"
tags = ["x"]
basic_auth = "anna:geheim"
[[rule]]
name = "A is away"
tell_of = ["offline"]
channels = ["this desktop"]
domains = ["a.example"]
after = "2m"
"""


def _urls(pingmon: Command) -> list[str]:
    return [domain["url"] for domain in pingmon("domain", "list", "--json").json["domains"]]


@pytest.fixture
def listed(tmp_path: Path) -> str:
    file = tmp_path / "list.txt"
    file.write_text(LIST, encoding="utf-16")
    return str(file)


@pytest.fixture
def declared(tmp_path: Path) -> str:
    file = tmp_path / "pingmon.toml"
    file.write_text(FILE, encoding="utf-8")
    return str(file)


def test_import_shows_every_line_and_refuses_all_for_a_wrong_one(pingmon: Command, listed: str, data_dir: Path) -> None:
    done = pingmon("import", listed, "--yes")
    assert done.code == 1
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[:3] for line in lines] == [
        ["LINE", "WHAT", "DOMAIN"], ["1", "add", "a.example"], ["2", "add", "b.example"], ["3", "WRONG", "no..host"],
        ["4", "twice", "a.example"],
    ]  # fmt: skip
    assert "1 entry cannot be read; nothing was imported. --skip-wrong leaves them out." in done.err
    assert "geheim" not in done.out + done.err
    assert not data_dir.exists()


def test_import_takes_the_others_if_told_to(pingmon: Command, listed: str) -> None:
    done = pingmon("import", listed, "--yes", "--skip-wrong", "--json")
    assert done.code == 0
    assert [domain["what"] for domain in done.json["domains"]] == ["add", "add", "wrong", "twice"]
    assert [domain["url"] for domain in done.json["applied"]["added"]] == ["https://a.example/", "https://b.example/"]
    assert "geheim" not in done.out + done.err
    again = pingmon("import", listed, "--yes", "--skip-wrong")
    assert again.code == 0
    assert "there already" in again.out
    assert "Nothing to import." in again.err


def test_import_without_a_terminal_and_without_a_yes_does_nothing(pingmon: Command, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("a.example\n", encoding="utf-8")
    done = pingmon("import", str(file))
    assert (done.code, _urls(pingmon)) == (2, [])
    assert "--yes" in done.err
    assert pingmon("import", str(file), "--dry-run").code == 0
    assert _urls(pingmon) == []


@pytest.mark.parametrize(("typed", "code", "urls"), [("y", 0, ["https://a.example/"]), ("n", 1, []), ("", 1, [])])
def test_import_asks_on_a_terminal(
    pingmon: Command, tmp_path: Path, data_dir: Path, typed: str, code: int, urls: list[str]
) -> None:
    file = tmp_path / "list.txt"
    file.write_text("a.example\n", encoding="utf-8")
    words = ["--data-dir", str(data_dir), "import", str(file)]
    terminal = Terminal(f"from pingmon_gui.cli import main\nsys.exit(main({words!r}))")
    terminal.read_until("Import 1 domain? [y/N]")
    terminal.type(f"{typed}\n")
    terminal.read_until("1 domain imported." if typed == "y" else "Stopped.")
    assert terminal.end() == code
    assert _urls(pingmon) == urls


def test_import_of_a_kind_that_was_said(pingmon: Command, tmp_path: Path) -> None:
    file = tmp_path / "odd.txt"
    file.write_text("name: something\n", encoding="utf-8")
    assert "of no product" in pingmon("import", str(file), "--yes").err
    done = pingmon("import", str(file), "--from", "list", "--dry-run", "--json")
    assert done.json["from"] == "list"
    assert pingmon("import", str(file), "--from", "nobody").code == 2


def test_import_of_a_database(pingmon: Command, tmp_path: Path) -> None:
    file = tmp_path / "kuma.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE monitor (id INTEGER, name TEXT, type TEXT, url TEXT, interval INTEGER)")
        database.execute("INSERT INTO monitor VALUES (1, 'A', 'http', 'https://a.example', 1), (2, 'B', 'push', '', 9)")
        database.commit()
    done = pingmon("import", str(file), "--yes")
    assert (done.code, _urls(pingmon)) == (0, ["https://a.example/"])
    assert "The interval of 1 s becomes 5 s" in done.out
    assert "#2" in done.out
    assert "“push”: it is told" in done.out


def test_domain_import_leaves_out_what_cannot_be_measured_without_failing(pingmon: Command, tmp_path: Path) -> None:
    file = tmp_path / "gatus.yaml"
    file.write_text("endpoints:\n- {name: a, url: 'https://a.example', interval: 1s}\n- {name: p, url: 'wss://b.example'}\n",
                    encoding="utf-8")  # fmt: skip
    done = pingmon("domain", "import", str(file))
    assert (done.code, done.out) == (0, "added: a.example  a\n")
    assert "The interval of 1 s becomes 5 s" in done.err
    assert "p: left out. Pingmon cannot measure wss:// yet." in done.err


def test_everything_comes_back_from_its_export(pingmon: Command, tmp_path: Path, declared: str) -> None:
    pingmon("apply", declared, "--yes")
    pingmon("domain", "pause", "b.example")
    file, bare = tmp_path / "all.json", tmp_path / "bare.json"
    done = pingmon("export", str(file), "--with-secrets")
    assert done.code == 0
    assert "readable: keep it to yourself" in done.err
    assert file.stat().st_mode & 0o077 == 0
    without = pingmon("export", str(bare))
    assert "of 1 domain were left out; --with-secrets includes them." in without.err
    assert "geheim" not in bare.read_text(encoding="utf-8")
    other = str(tmp_path / "other")
    assert pingmon("--data-dir", other, "import", str(file), "--yes").code == 0
    again, first = (
        pingmon("--data-dir", other, "export", "-", "--with-secrets").json,
        json.loads(file.read_text("utf-8")),
    )
    for document in (again, first):
        assert [rule.pop("id") for rule in document["alerts"]["rules"]][:3] == [1, 2, 3]  # the fourth is at random
        assert document["alerts"]["rules"][3]["scope"]["domains"] == ["https://a.example/"]
    assert again == first
    paused = {
        d["url"]: d["is_paused"] for d in pingmon("--data-dir", other, "domain", "list", "--json").json["domains"]
    }
    assert paused == {"https://a.example/": False, "https://b.example/": True}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_only_domains_leaves_the_settings(pingmon: Command, tmp_path: Path, declared: str) -> None:
    pingmon("apply", declared, "--yes")
    file = tmp_path / "all.json"
    pingmon("export", str(file))
    other = str(tmp_path / "other")
    done = pingmon("--data-dir", other, "import", str(file), "--yes", "--only-domains", "--json")
    assert (done.json["settings"], done.json["alerts"]) == ([], [])
    assert "preferences" in json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["all.csv", "all.toml"])
def test_export_as_its_name_says(pingmon: Command, tmp_path: Path, declared: str, name: str) -> None:
    pingmon("apply", declared, "--yes")
    pingmon("domain", "add", "c.example", "--name", "=cmd|x")
    file = tmp_path / name
    assert pingmon("export", str(file)).code == 0
    text = file.read_text(encoding="utf-8")
    assert ("'=cmd|x" in text) == name.endswith("csv")
    assert "geheim" not in text
    command = ("import", str(file), "--dry-run") if name.endswith("csv") else ("apply", str(file), "--prune")
    done = pingmon(*command)
    assert done.code == 0
    assert "Nothing to" in done.err


def test_apply_shows_does_and_then_has_nothing_to_change(pingmon: Command, declared: str) -> None:
    pingmon("domain", "add", "a.example", "c.example")
    shown = pingmon("apply", declared, "--dry-run")
    assert shown.code == 0
    assert shown.out.splitlines() == [
        "~ a.example  A",
        "    name: (none) becomes A",
        "    interval: 10s becomes 30s",
        "+ b.example",
        "~ setting keep_raw_days: 7 becomes 14",
        "+ alert rule A is away",
    ]
    assert "1 domain is not named in the file and stays;" in shown.err
    assert "3 alert rules are not named in the file and stay;" in shown.err
    assert _urls(pingmon) == ["https://a.example/", "https://c.example/"]
    done = pingmon("apply", declared, "--yes")
    assert (done.code, "Done: 1 domain and 1 alert rule added, 1 domain changed, 1 setting changed." in done.err) == (
        0,
        True,
    )
    assert "geheim" not in done.out + done.err + shown.out + shown.err
    again = pingmon("apply", declared)
    assert (again.code, again.out) == (0, "")
    assert "Nothing to change." in again.err
    assert pingmon("domain", "show", "a.example", "--json").json["version"] == 2
    pruned = pingmon("apply", declared, "--yes", "--prune", "--json")
    assert [(step["action"], step["what"], step["subject"]) for step in pruned.json["steps"]] == [
        ("remove", "domain", "https://c.example/"),
        ("remove", "alert rule", "Outages"),
        ("remove", "alert rule", "Probes and own network"),
        ("remove", "alert rule", "Certificates that end soon"),
    ]
    assert _urls(pingmon) == ["https://a.example/", "https://b.example/"]


def test_apply_names_every_error_and_changes_nothing(pingmon: Command, tmp_path: Path, data_dir: Path) -> None:
    file = tmp_path / "pingmon.toml"
    file.write_text("[[monitor]]\nurl = 'a.example'\ninterval = '1s'\nslo = 1\n", encoding="utf-8")
    done = pingmon("apply", str(file), "--yes")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "line 3: monitor[1].interval: The interval must be from 5 seconds to 1 hour.",
        "line 4: monitor[1].slo: “slo” is not known. Is “slow” meant?",
        "The file has 2 errors; nothing was changed.",
    ]
    document = pingmon("apply", str(file), "--yes", "--json").json
    assert [error["line"] for error in document["errors"]] == [3, 4]
    assert not data_dir.exists()


def test_import_of_a_declaration_names_apply(pingmon: Command, declared: str) -> None:
    done = pingmon("import", declared, "--yes")
    assert (done.code, "pingmon apply FILE" in done.err) == (1, True)


def test_running_engine_carries_changes_out(processes: Processes, declared: str) -> None:
    processes.start_engine()
    assert processes.run("domain", "add", "c.example").code == 0
    done = processes.run("apply", declared, "--yes", "--prune", "--json")
    assert done.code == 0, done.err
    assert [monitor["url"] for monitor in done.json["applied"]["added"]] == [
        "https://a.example/", "https://b.example/",
    ]  # fmt: skip
    assert "geheim" not in done.out
    [rule] = processes.run("alert", "rules", "--json").json["rules"]
    assert (rule["name"], rule["scope"]["monitors"]) == ("A is away", [done.json["applied"]["added"][0]["id"]])
    shown = processes.run("status", "--json").json["monitors"]
    assert [monitor["url"] for monitor in shown] == ["https://a.example/", "https://b.example/"]
    again = processes.run("apply", declared)
    assert (again.code, "Nothing to change." in again.err) == (0, True)


def test_modules_of_blackbox_exporter_say_what_is_good(pingmon: Command, tmp_path: Path) -> None:
    configuration, modules = tmp_path / "prometheus.yml", tmp_path / "blackbox.yml"
    configuration.write_text(
        "scrape_configs: [{job_name: web, metrics_path: /probe, params: {module: [teapot]},"
        " static_configs: [{targets: ['https://a.example']}]}]\n",
        encoding="utf-8",
    )
    modules.write_text("modules: {teapot: {prober: http, http: {valid_status_codes: [418]}}}\n", encoding="utf-8")
    without = pingmon("import", str(configuration), "--dry-run")
    assert "What the module “teapot” asks for is in another file" in without.out
    assert pingmon("import", str(configuration), "--modules", str(modules), "--yes").code == 0
    assert pingmon("domain", "show", "a.example", "--json").json["settings"]["status_set"] == [[418, 418]]
    wrong = pingmon("import", str(modules), "--dry-run")
    assert (wrong.code, "but no targets" in wrong.err) == (1, True)


def test_pipe_is_read_to_its_end(pingmon: Command, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(LIST,))
    writer.start()
    done = pingmon("import", str(pipe), "--yes", "--skip-wrong")
    writer.join()
    assert done.code == 0
    assert _urls(pingmon) == ["https://a.example/", "https://b.example/"]


def test_export_for_prometheus_is_a_folder(pingmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert pingmon("domain", "add", "https://u:geheim@a.example").code == 0
    done = pingmon("export", "prometheus", "--json")
    assert (done.code, done.json["files"]) == (0, ["prometheus.yml", "pingmon.rules.yml"])
    written = (tmp_path / "prometheus" / "prometheus.yml").read_text()
    assert "# Without what signs in, which belongs in no address: a.example" in written
    assert "geheim" not in written
    (tmp_path / "exports").mkdir()
    assert pingmon("export", "exports/prometheus").code == 0
    assert (tmp_path / "exports" / "prometheus" / "prometheus.yml").read_text() == written
    # Again: the same files, in place of the former ones.
    assert pingmon("export", "prometheus").code == 0
    (tmp_path / "prometheus" / "prometheus.yml").unlink()
    (tmp_path / "prometheus" / "pingmon.rules.yml").unlink()
    (tmp_path / "prometheus").rmdir()
    (tmp_path / "prometheus").write_text("in the way")
    failed = pingmon("export", "prometheus")
    assert (failed.code, "cannot be made" in failed.err) == (1, True)
