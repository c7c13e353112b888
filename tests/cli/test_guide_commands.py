"""Every command that README and guide print is one that the command line takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingmon_gui.cli import make_parser

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guide").glob("*.md")))
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: What a line says after two spaces is told to the reader, not typed.
_TOLD = re.compile(r"\s{2,}.*|\s#.*")


def typed(page: Path) -> Iterator[str]:
    """Yield the lines of blocks, and what stands as code in sentences, that begin with `pingmon`."""
    text = page.read_text()
    for block in _BLOCK.findall(text):
        yield from (_TOLD.sub("", line) for line in block.splitlines() if line.startswith("pingmon "))
    sentences = re.findall(r"`(pingmon [^`]+)`", _BLOCK.sub("", text))
    # Several at once are written as choices; COMMAND stands for any.
    yield from (" ".join(one.split()) for one in sentences if "|" not in one and "COMMAND" not in one)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_are_taken(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in typed(page):
        try:
            make_parser().parse_args(shlex.split(line)[1:])
        except SystemExit as exc:
            complaint = capsys.readouterr().err
            # A command that is only named is named without what it is told.
            assert exc.code == 0 or "the following arguments are required" in complaint, f"{line}: {complaint}"
