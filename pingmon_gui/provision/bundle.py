"""The probe's one file, as it is sent to hosts: built from the source tree, or shipped with an installed Pingmon."""

from __future__ import annotations

import functools
import importlib.resources
import importlib.util
from pathlib import Path

from pingmon_gui.domain.error import ProvisionError

#: Beside the source tree; `make probe` runs the same program.
BUILDER = Path(__file__).parents[2] / "probes" / "build_probe.py"
SHIPPED = "pingmon-probe.pyz"


@functools.cache
def probe_bundle() -> bytes:
    """Return the file's bytes. Blocks for some 50 ms the first time. Raises ProvisionError where it is missing."""
    shipped = importlib.resources.files("pingmon_gui").joinpath("resources").joinpath(SHIPPED)
    if shipped.is_file():
        return shipped.read_bytes()
    spec = importlib.util.spec_from_file_location("build_probe", BUILDER)
    if spec is None or spec.loader is None or not BUILDER.is_file():
        raise ProvisionError("This Pingmon was installed without the program for other hosts.", "Install it again.")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    data = builder.build()
    assert isinstance(data, bytes)
    return data


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions of the probe are ordered by; parts that are no numbers count as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
