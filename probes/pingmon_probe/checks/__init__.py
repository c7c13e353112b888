"""The kinds of check. A kind is one file: add it, and add a line to `CHECKS`."""

from __future__ import annotations

from typing import Callable, Dict

from pingmon_probe.check import Run, Running

from .http import HttpCheck

#: The kind's name in a plan -> what makes the work of one run.
CHECKS: Dict[str, Callable[[Run], Running]] = {
    "http": HttpCheck,
}
