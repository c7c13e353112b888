"""Builds the probe's one file into the package. Everything else about the distribution is in pyproject.toml."""

from __future__ import annotations

import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUILDER = Path(__file__).parent / "probes" / "build_probe.py"


class BuildWithProbe(build_py):
    """Adds what is sent to hosts. An editable installation goes without: there it is built when it is used."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "pingmon_gui" / "resources" / "pingmon-probe.pyz"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(runpy.run_path(str(BUILDER))["build"]())


setup(cmdclass={"build_py": BuildWithProbe})
