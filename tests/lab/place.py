"""Where the lab keeps its things, and the one way it runs programs.

What is built once (root file systems) and each lab's disks are in the cache folder; sockets, process ids and logs of
a running lab are in /run. `PINGMON_LAB_CACHE` moves the cache; its file system must be able to carry an overlay.
`PINGMON_LAB_NAME` names the lab, so that several people have one each on one machine.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

NAME_VARIABLE = "PINGMON_LAB_NAME"
CACHE = Path(os.environ.get("PINGMON_LAB_CACHE") or Path.home() / ".cache" / "pingmon-lab")
RUN = Path("/run/pingmon-lab")
REPOSITORY = Path(__file__).parents[2]


class LabError(Exception):
    """The lab cannot do what was asked; the text says why."""


def lab_name(*, for_tests: bool = False) -> str:
    """Return the name of this person's lab, or of the one that their tests run in beside it. Raises LabError.

    Each process that runs tests has a lab of its own.
    """
    chosen = os.environ.get(NAME_VARIABLE, "")
    if chosen and not (chosen.isascii() and chosen.isalnum()):
        raise LabError(f"“{chosen}” cannot name a lab ({NAME_VARIABLE}): use letters and digits only.")
    if not for_tests:
        return chosen or "play"
    return f"{chosen}test{os.environ.get('PYTEST_XDIST_WORKER', '').removeprefix('gw')}"


def run(*argv: str | Path, stdin: str = "", timeout_s: float = 60.0) -> str:
    """Run a program of this machine and return what it printed. Raises LabError with its last words if it fails."""
    words = [str(word) for word in argv]
    try:
        ended = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False)
    except FileNotFoundError as exc:
        raise LabError(f"{words[0]} is not installed: make test-lab and make lab install what they need.") from exc
    except subprocess.TimeoutExpired as exc:
        raise LabError(f"{' '.join(words[:4])} did not end within {timeout_s:g} s") from exc
    if ended.returncode != 0:
        last_words = "\n".join((ended.stderr or ended.stdout).strip().splitlines()[-8:])
        raise LabError(f"{' '.join(words[:6])} ended with {ended.returncode}: {last_words}")
    return ended.stdout


def in_namespace(namespace: str, argv: Sequence[str | Path]) -> list[str | Path]:
    """Return the command that runs `argv` in a network namespace."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv]


def unmount_below(folder: Path) -> None:
    """Unmount whatever is mounted in a folder, the innermost first."""
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted((each for each in places if each.startswith(f"{folder}/")), reverse=True):
        run("umount", "--lazy", place)
