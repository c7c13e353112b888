"""What ends a user's processes on a host leaves those of containers alone, whose users may have the same number."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from pingmon_gui.provision.host_side import pids_of_user
from tests.lab.process import children
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab
#: Nobody else's, not even in another run of this test at the same time.
_UID = 1_000_000 + os.getpid()


def test_processes_of_a_container_with_the_same_user_number_are_another_hosts() -> None:
    here = subprocess.Popen(["sleep", "inf"], user=_UID, group=_UID)
    contained = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "setpriv", f"--reuid={_UID}", "--clear-groups", "sleep", "inf"]
    )
    try:

        def all_of_user() -> list[int]:
            return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _owner(path) == _UID]

        wait_until(lambda: len(all_of_user()) == 2, "the two did not start")
        assert pids_of_user(_UID) == [here.pid]
    finally:
        # Its first process does not end with the one that started it once it is another user's.
        for pid in children(contained.pid):
            os.kill(pid, signal.SIGKILL)
        for process in (here, contained):
            process.kill()
            process.wait()


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None
