"""The kinds of check. A kind is one function in one file: add the file, add a line to `CHECKS`."""

from __future__ import annotations

from typing import Callable, Dict

from pingmon_probe.check import Run, Running

from .http import HttpCheck

#: The kind's name in a plan -> what starts it. It gets the run, begins it and returns what can be stopped.
CHECKS: Dict[str, Callable[[Run], Running]] = {
    "http": HttpCheck,
}
