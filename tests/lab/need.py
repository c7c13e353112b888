"""What some tests need of this machine, and the committed list of what a machine may lack (CANNOT.txt)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

_LIST = Path(__file__).with_name("CANNOT.txt")


def may_lack() -> dict[str, str]:
    """Return the needs that may be unmet, each with the sentence that is printed then."""
    lines = (line for line in _LIST.read_text().splitlines() if line and not line.startswith("#"))
    return {need: sentence.strip() for need, _colon, sentence in (line.partition(":") for line in lines)}


def _has_unified_control_groups() -> bool:
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


#: Every need a test may name by `@pytest.mark.needs(...)`, with how it is found out.
NEEDS: Mapping[str, Callable[[], bool]] = {"unified-control-groups": _has_unified_control_groups}
