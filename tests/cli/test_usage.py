"""Exit codes, help and the manners of every command, in real processes where the system has a say."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from pingmon_gui import cli
from tests.cli.conftest import Command, Processes, environment

_COMMANDS = [
    (),
    ("run",),
    ("check",),
    ("domain",),
    *(("domain", name) for name in ("add", "list", "show", "remove", "pause", "resume", "import", "export")),
    ("status",),
    ("history",),
    *(("maintenance", name) for name in ("list", "add", "remove", "end")),
    ("import",),
    ("export",),
    ("apply",),
]


@pytest.mark.parametrize("words", _COMMANDS, ids=" ".join)
def test_help_is_there_for_every_command(pingmon: Command, words: tuple[str, ...]) -> None:
    done = pingmon(*words, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: pingmon{' ' if words else ''}{' '.join(words)}")
    assert "--data-dir" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("--nonsense",),
        ("check",),
        ("check", "example.com", "--timeout", "soon"),
        ("check", "example.com", "--timeout", "31s"),
        ("check", "example.com", "--slow", "0"),
        ("check", "example.com", "--slow", "3s", "--timeout", "2s"),
        ("check", "example.com", "--status-set", "999"),
        ("check", "example.com", "--family", "5"),
        ("check", "example.com", "--keyword-absent"),
        ("check", "example.com", "--keyword", ""),
        ("domain",),
        ("domain", "add"),
        ("domain", "add", "a.example", "b.example", "--name", "both"),
        ("domain", "add", "a.example", "--interval", "1s"),
        ("domain", "add", "a.example", "--region", "moon"),
        ("domain", "add", "-", "-"),
        ("history", "a.example", "--from", "yesterday"),
        ("history", "a.example", "--from", "1h", "--to", "2h"),
        ("history", "a.example", "--csv", "--json"),
        ("run", "--for", "0"),
        ("run", "--for", "ever"),
        ("--json",),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_two_and_a_sentence(pingmon: Command, words: tuple[str, ...]) -> None:
    done = pingmon(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.strip()
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("check", "javascript:alert(1)"), "cannot be watched"),
        (("check", "http://example.com:0/"), "Port 0"),
        (("check", "https://anna:geheim@exa mple.com"), "holds a space"),
        (("domain", "show", "nobody.example"), "is not watched"),
        (("domain", "import", "/nowhere/at/all"), "cannot be read"),
        (("import", "/nowhere/at/all"), "cannot be read"),
        (("apply", "/nowhere/at/all"), "cannot be read"),
        (("export", "/nowhere/at/all"), "cannot be written"),
        (("export", "/"), "cannot be written"),
        (("history", "nobody.example"), "is not watched"),
    ],
)
def test_known_failure_is_one_and_a_sentence(pingmon: Command, words: tuple[str, ...], says: str) -> None:
    done = pingmon(*words)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert "geheim" not in done.err


def test_typed_control_characters_and_secrets_do_not_reach_the_terminal(pingmon: Command) -> None:
    done = pingmon("check", "a.example", "--nonsense\x1b[2J", "https://anna:geheim@b.example")
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "geheim" not in done.err


@pytest.mark.parametrize("folder", ["", "~nobody-of-that-name/x", "zero\0byte", "a" * 5_000])
def test_impossible_data_folder_is_a_sentence(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--data-dir", folder, "domain", "add", "a.example"]) in (1, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip()
    assert "should not have" not in captured.err


def test_version_is_told(pingmon: Command) -> None:
    done = pingmon("--version")
    assert done.code == 0
    assert re.fullmatch(r"pingmon \d+\.\d+\.\d+ \(protocol \d+, Qt 6\.\d+\.\d+\)\n", done.out)


def test_commands_need_no_qt() -> None:
    script = (
        "import sys\n"
        "from pingmon_gui.cli import main\n"
        "code = main(['domain', 'list', '--data-dir', sys.argv[1]])\n"
        "heavy = {'PySide6', 'qasync', 'pyqtgraph', 'paramiko', 'httpx'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "/nowhere"], capture_output=True, text=True, check=False, env=environment()
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_window_without_display_is_a_sentence(processes: Processes) -> None:
    done = processes.run(env={"QT_QPA_PLATFORM": ""})
    assert done.code == 1
    assert done.err.startswith("There is no display")


def test_reader_that_goes_away_is_no_trouble(processes: Processes) -> None:
    process = processes.start("domain", "add", "--help")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0


def test_full_disk_behind_stdout_is_a_sentence(processes: Processes) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {' '.join(processes.command('domain', 'list', '--json'))} > /dev/full"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_bug_is_a_sentence_and_with_debug_a_traceback(
    pingmon: Command, monkeypatch: pytest.MonkeyPatch, expect_log: object
) -> None:
    def broken(_: object) -> int:
        raise KeyError("boo")

    monkeypatch.setattr(cli, "_run_engine", broken)
    done = pingmon("run")
    assert (done.code, "Traceback" in done.err, "KeyError" in done.err) == (1, False, True)
    assert callable(expect_log)
    expect_log("unexpected error")
    done = pingmon("run", "--debug")
    assert (done.code, "Traceback" in done.err) == (1, True)


def test_ctrl_c_is_a_word(pingmon: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run_engine", interrupted)
    done = pingmon("run")
    assert (done.code, done.err) == (1, "Stopped.\n")
