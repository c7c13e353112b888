"""What the tests of tunnels share: a probe for all, an SSH server of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.way import Way
from tests.probe.probe_process import ProbeProcess
from tests.sshd import ssh_server


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeProcess]:
    with ProbeProcess(tmp_path_factory.mktemp("probe") / "spool") as process:
        yield process


@pytest.fixture
def way(tmp_path: Path, behind: ProbeProcess) -> Iterator[Way]:
    with ssh_server(tmp_path / "ssh") as server:
        yield Way(server, behind.port)
