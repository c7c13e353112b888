"""`pingmon report`: files are whole or not there, and wrong input is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command, Processes
from tests.cli.site import Site


def test_report_of_what_was_measured_in_every_format(processes: Processes, site: Site, tmp_path: Path) -> None:
    assert processes.run("domain", "add", site.url, "--name", "Shop").code == 0
    assert processes.run("run", "--for", "4").code == 0
    document = processes.run("report", "--from", "1h", "--json").json
    (shop,) = document["monitors"]
    assert (shop["name"], shop["incidents"]) == ("Shop", [])
    assert shop["availability"] == 1.0
    assert shop["regions"][0]["results"] >= 1
    assert processes.run("report", "--from", "1h").out.startswith("<!DOCTYPE html>")
    assert processes.run("report", "--from", "1h", "--format", "csv").out.startswith("domain,url,region")
    for name, start in (("r.pdf", b"%PDF-"), ("r.html", b"<!DOCTYPE"), ("r.csv", b"domain,")):
        done = processes.run("report", "Shop", "--from", "1h", "--output", str(tmp_path / name))
        assert (done.code, done.out) == (0, ""), done.err
        assert (tmp_path / name).read_bytes().startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "r.csv", "r.html", "r.pdf"]


# A PDF wants an application, and the first of a process stays: the window's tests after this one need theirs.
@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--from", "1h", "--to", "2h"), 2, "--from must lie before --to"),
        (("--format", "pdf"), 2, "A PDF needs a file"),
        (("--from", "yesterday"), 2, "is no time"),
        (("nowhere.example",), 1, "is not watched"),
        (("--output", "/nonexistent/r.html"), 1, "cannot be written"),
        (("--output", "/nonexistent/r.pdf"), 1, "cannot be written"),
    ],
)
def test_wrong_input_is_a_sentence(pingmon: Command, words: tuple[str, ...], code: int, sentence: str) -> None:
    done = pingmon("report", *words)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err
