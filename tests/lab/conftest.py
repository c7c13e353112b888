"""A lab for the tests in this folder: they run at its desk, and get hosts of their own that are gone afterwards."""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.lab.host import Host, HostKind
from tests.lab.lab import Lab
from tests.lab.need import NEEDS, may_lack
from tests.lab.place import lab_name, run
from tests.lab.router import enter_namespace

_CLONE_NEWNS = 0x20000


class NewHost(Protocol):
    def __call__(self, kind: HostKind | None = None, *, rtt_ms: float = 2.0) -> Host: ...


#: Runs `ssh` from the desk: host, command; the user may stand before the host's name (`root@...`).
Ssh = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab without hosts. The tests themselves are at its desk: its network is theirs, and its names."""
    _own_mounts()
    lab = Lab(lab_name(for_tests=True))
    lab.up()
    try:
        with _at_desk(lab):
            yield lab
    finally:
        noise = lab.network.process("target").last_words() + lab.network.process("router").last_words()
        lab.down()
    assert not noise, f"the lab's own processes complained: {noise}"


_numbers = itertools.count(1)


@pytest.fixture
def new_host(lab: Lab) -> Iterator[NewHost]:
    """Return a function that starts a host, which takes no logins until `wait_until_up`; gone after the test."""
    made: list[Host] = []

    def make(kind: HostKind | None = None, *, rtt_ms: float = 2.0) -> Host:
        made.append(lab.host(f"host{next(_numbers)}", kind, rtt_ms=rtt_ms))
        return made[-1]

    yield make
    lab.network.heal()
    for host in made:
        if host.name in lab.hosts:
            lab.remove(host)


@pytest.fixture
def ssh(lab: Lab) -> Ssh:
    """Return a function that runs a command on a host by the real ssh, and returns how it ended."""

    def log_in(host: str, command: str, *options: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        words = ["ssh", "-F", str(lab.ssh_config), *options, host, command]
        return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    return log_in


def _own_mounts() -> None:
    """Let what this process mounts be its own, and so gone with it whatever happens."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")


@contextmanager
def _at_desk(lab: Lab) -> Iterator[None]:
    """Put this thread, and the threads and processes it starts, at the desk."""
    for file, place in lab.desk_files.items():
        run("mount", "--bind", file, place)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    desk = os.open(Path("/run/netns") / lab.network.namespace("desk"), os.O_RDONLY)
    enter_namespace(desk)
    try:
        yield
    finally:
        enter_namespace(home)
        os.close(home)
        os.close(desk)
        for place in lab.desk_files.values():
            run("umount", place)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run and the committed list allows; the rest stays, and fails."""
    allowed = may_lack()
    kept, left_out = [], []
    for item in items:
        unmet = [mark.args[0] for mark in item.iter_markers("needs") if not NEEDS[mark.args[0]]()]
        (left_out if unmet and set(unmet) <= allowed.keys() else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for need, sentence in may_lack().items():
        if not NEEDS[need]():
            terminalreporter.write_line(f"This machine cannot run everything ({need}). {sentence}")
