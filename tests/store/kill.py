"""Kills a process at each of its steps in turn: whatever it changes in a folder, it may be dead right before it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

#: What the interpreter tells before it does it; a kill in front of any other step changes nothing.
_STEPS = {"open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.truncate"}


def killed_at_every_step(work: Callable[[], None]) -> Iterator[int]:
    """Run `work` in a child that is killed in front of its first step, then of its second, ... Yield after each kill.

    The last child lives to its end; then this ends as well.
    """
    step = 0
    while True:
        step += 1
        if not _is_killed(work, step):
            return
        yield step


def _is_killed(work: Callable[[], None], step: int) -> bool:
    child = os.fork()
    if child == 0:
        seen = 0

        def hook(event: str, _arguments: object) -> None:
            nonlocal seen
            if event in _STEPS:
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(hook)
            work()
            os._exit(0)
        except BaseException as exc:
            print(repr(exc), file=sys.stderr)
            os._exit(1)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False
