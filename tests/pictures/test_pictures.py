"""The pictures of README and guide are those that `make screenshots` takes, no more, and no larger than need be."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtGui import QImage

from tests.pictures.__main__ import STAGES
from tests.pictures.png import FOLDER

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"screenshots/([a-z0-9-]+)\.png")
#: The largest are maps and whole windows full of text.
_MOST_BYTES = 450_000
_MOST_BYTES_IN_ALL = 6_000_000
_WIDEST = 1920


def shown() -> set[str]:
    """Return the pictures that a page names."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return {name for page in pages for name in _NAMED.findall(page.read_text())}


def test_every_picture_is_taken_by_one_stage_and_shown_somewhere() -> None:
    taken = [name for stage in STAGES.values() for name in stage]
    kept = {path.stem for path in FOLDER.iterdir()}
    assert sorted(taken) == sorted(shown()) == sorted(kept)


def test_pictures_are_no_larger_than_they_need_to_be() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert not {name: size for name, size in sizes.items() if size > _MOST_BYTES}
    assert sum(sizes.values()) < _MOST_BYTES_IN_ALL
    for path in FOLDER.iterdir():
        image = QImage(str(path))
        assert not image.hasAlphaChannel() and image.width() <= _WIDEST, path
