"""One version: the app's, the probe's, the changelog's, and what packages and screens say."""

from __future__ import annotations

import email.utils
import re
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pingmon_probe
import pytest

import pingmon_gui
from pingmon_gui.version import version_line

ROOT = Path(__file__).parents[2]
VERSION = pingmon_gui.__version__


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The builders' module of releases."""
    monkeypatch.syspath_prepend(ROOT / "packaging")
    return runpy.run_path(str(ROOT / "packaging" / "release.py"))


def test_app_probe_and_changelog_are_of_one_version(release: dict) -> None:
    assert pingmon_probe.__version__ == VERSION
    assert release["releases"]()[0].version == VERSION
    assert version_line().startswith(f"pingmon {VERSION} (")
    release["check"]()


def test_changelog_has_room_for_what_comes_above_the_releases(release: dict) -> None:
    heads = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert [f"[{one.version}] - {one.day}" for one in release["releases"]()] == heads[1:]
    days = [one.day for one in release["releases"]()]
    assert days == sorted(days, reverse=True)


def test_software_centres_are_told_of_the_release() -> None:
    printed = subprocess.run(
        [sys.executable, str(ROOT / "packaging" / "release.py")], capture_output=True, text=True, check=True
    ).stdout
    newest = ElementTree.fromstring(printed).find("releases/release")
    assert newest is not None and newest.get("version") == VERSION


def test_debian_is_told_of_the_release(release: dict) -> None:
    lines = release["debian_changelog"]().splitlines()
    assert lines[0] == f"pingmon ({VERSION}) unstable; urgency=medium"
    trailer = next(line for line in lines if line.startswith(" -- "))
    assert email.utils.parsedate_to_datetime(trailer.split("  ")[1]).date() == release["releases"]()[0].day


def test_nothing_else_says_a_version_of_its_own() -> None:
    recipes = [path for path in (ROOT / "packaging").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    said = {
        path.name
        for path in [*recipes, ROOT / "pyproject.toml"]
        if re.search(rf"\b{re.escape(VERSION)}\b", path.read_text())
    }
    assert not said
