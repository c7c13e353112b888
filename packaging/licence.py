"""Collects the licences of everything the package carries into one folder."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from place import ROOT

COMMON = Path("/usr/share/common-licenses")
#: Parts whose wheels come without the text of their licence -> the texts that the system has.
WITHOUT_TEXT = {"pyside6-essentials": ("LGPL-3", "GPL-3"), "shiboken6": ("LGPL-3", "GPL-3")}
_WORDS = ("licen", "copying", "notice", "authors")


def collect(folder: Path) -> list[str]:
    """Write the licences of all carried parts to a folder, one folder a part; return a line on each part."""
    lines = []
    for part in sorted(carried(), key=lambda one: one.metadata["Name"].lower()):
        name = part.metadata["Name"]
        texts = [Path(str(file.locate())) for file in part.files or () if _is_licence(file.name, file.parts)]
        texts += [COMMON / text for text in WITHOUT_TEXT.get(name.lower().replace("_", "-"), ())]
        if not texts:
            sys.exit(f"{name} comes without the text of its licence: name it in {Path(__file__).name}.")
        for text in texts:
            _copy(text, folder / name)
        lines.append(f"{name} {part.version}: {_named(part)}")
    _copy(
        Path(sys.base_prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "LICENSE.txt",
        folder / "Python",
    )
    lines.append(f"Python {sys.version.split()[0]}: PSF-2.0")
    for text in sorted((ROOT / "docs" / "licences").glob("*.md")):
        _copy(text, folder)
    return sorted(lines, key=str.lower)


def carried() -> Iterator[Distribution]:
    """Yield what Pingmon depends on here, and what starts the packaged app; Pingmon itself is not among them."""
    done, waiting = {"pingmon"}, [*_required("pingmon"), "pyinstaller"]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in done:
            continue
        done.add(name)
        yield importlib.metadata.distribution(name)
        # Of PyInstaller only the part that starts the app is carried.
        waiting += [] if name == "pyinstaller" else _required(name)


def _required(name: str) -> list[str]:
    wanted = [Requirement(line) for line in importlib.metadata.requires(name) or ()]
    return [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]


def _is_licence(name: str, parts: tuple[str, ...]) -> bool:
    is_of_part = any(part.endswith(".dist-info") for part in parts)
    return is_of_part and (name.lower().startswith(_WORDS) or "licenses" in parts)


def _named(part: Distribution) -> str:
    stated = part.metadata.get("License-Expression") or part.metadata.get("License") or ""
    if not stated or "\n" in stated:
        kinds = [line for line in part.metadata.get_all("Classifier", []) if line.startswith("License ::")]
        stated = ", ".join(line.rsplit(" :: ", 1)[-1] for line in kinds)
    return stated or "see its text"


def _copy(text: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(text, folder / text.name)
