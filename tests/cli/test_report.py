"""`pingmon report`: files are whole or not there, and wrong input is a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

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
        (("--period", "2026-13"), 2, "is no period"),
        (("--period", "7d", "--from", "1h"), 2, "Leave one or the other out"),
        (("--period", "2999"), 2, "has not begun yet"),
        (("--zone", "Mars/Olympus"), 2, "no time zone"),
        (("--tag", "nobody"), 1, "No domain has the tag"),
        (("--output", "/nonexistent/r.html"), 1, "cannot be written"),
        (("--output", "/nonexistent/r.pdf"), 1, "cannot be written"),
    ],
)
def test_wrong_input_is_a_sentence(pingmon: Command, words: tuple[str, ...], code: int, sentence: str) -> None:
    done = pingmon("report", *words)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err


def test_report_of_a_tag_by_the_calendar_of_a_zone(pingmon: Command) -> None:
    for address, tag in (("a.example", "shop"), ("b.example", "Shop"), ("c.example", "y")):
        assert pingmon("domain", "add", address, "--tag", tag).code == 0
    year = datetime.now(UTC).year - 1
    words = ("report", "--tag", "shop", "--period", str(year), "--zone", "America/New_York")
    document = pingmon(*words, "--json").json
    assert [one["url"] for one in document["monitors"]] == ["https://a.example/", "https://b.example/"]
    starts = [datetime(at, 1, 1, tzinfo=ZoneInfo("America/New_York")).timestamp() * 1000 for at in (year, year + 1)]
    assert [document["from_ms"], document["asked_to_ms"]] == starts
    assert document["zone"].startswith("America/New_York")
    page = pingmon(*words, "--title", "For <A>", "--summary").out
    assert "<h1>For &lt;A&gt;</h1>" in page
    assert page.count("<h2") < pingmon(*words).out.count("<h2")
