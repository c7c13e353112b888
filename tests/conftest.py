"""What holds for every test: no skips, no unexpected log lines, no threads left behind, nothing of the user's touched.

A test that makes something log at WARNING or above says so first: `expect_log("disk is full")`.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports Qt or asks for the user's folders.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_HOME = tempfile.TemporaryDirectory(prefix="pingmon-tests-", ignore_cleanup_errors=True)
for _name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
    os.environ[_name] = str(Path(_HOME.name) / _name.lower())
os.environ.pop("PINGMON_DATA_DIR", None)
# The keyring of whoever runs the tests is not touched.
os.environ["PINGMON_KEYRING"] = "off"

# How long an example takes is the machine's affair. What must be green to land does not hang on luck, so its examples
# are the same each time; `make properties` looks for new ones.
settings.register_profile("pingmon", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("pingmon"), derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("PINGMON_PROPERTIES", "pingmon"))

_TESTS = Path(__file__).parent
_THREAD_PATIENCE_S = 5.0

ExpectLog = Callable[[str], None]


class _Watch(logging.Handler):
    """Keeps every record from WARNING on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self.expected: list[re.Pattern[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def complaints(self) -> list[str]:
        """Return what was logged without being expected, and what was expected and never came."""
        lines = [(record, record.getMessage()) for record in self.records]
        unexpected = [
            f"unexpected {record.levelname} of {record.name}: {line}"
            for record, line in lines
            if not any(pattern.search(line) for pattern in self.expected)
        ]
        absent = [
            f"expected in the log and absent: {pattern.pattern}"
            for pattern in self.expected
            if not any(pattern.search(line) for _record, line in lines)
        ]
        return unexpected + absent


@pytest.fixture(autouse=True)
def _log_watch() -> Iterator[_Watch]:
    watch = _Watch()
    root = logging.getLogger()
    root.addHandler(watch)
    try:
        yield watch
    finally:
        root.removeHandler(watch)
    if complaints := watch.complaints():
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.fixture
def expect_log(_log_watch: _Watch) -> ExpectLog:
    """Return a function that takes a regular expression: some record from WARNING on must match it in this test."""

    def expect(pattern: str) -> None:
        _log_watch.expected.append(re.compile(pattern))

    return expect


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + _THREAD_PATIENCE_S
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(max(0.0, until - time.monotonic()))
    alive = [thread.name for thread in left if thread.is_alive()]
    if alive:
        pytest.fail(f"threads left running: {', '.join(alive)}", pytrace=False)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"A skipped test proves nothing, so it counts as failed. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("lengthy") is None)


_deselected: set[Path] = set()


def pytest_deselected(items: list[pytest.Item]) -> None:
    _deselected.update(item.path for item in items)


def _is_everything(config: pytest.Config) -> bool:
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword


def pytest_collection_finish(session: pytest.Session) -> None:
    """In a run of everything, a test file that brings no test is an error: something hides it."""
    worker: dict[str, Any] | None = getattr(session.config, "workerinput", None)
    if not (_is_everything(session.config) if worker is None else worker["is_everything"]) or session.testsfailed:
        return
    files = {*_TESTS.rglob("test_*.py")} - {item.path for item in session.items} - _deselected
    silent = sorted(str(path.relative_to(_TESTS.parent)) for path in files)
    if worker is not None:
        session.config.workeroutput["silent"] = silent  # type: ignore[attr-defined]
    elif silent:
        raise pytest.UsageError(f"no test was found in: {', '.join(silent)}")


# A worker of pytest-xdist knows what was found, and the process that starts it what was asked for.

_silent: set[str] = set()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["is_everything"] = _is_everything(node.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _silent.update(getattr(node, "workeroutput", {}).get("silent", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _silent:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _silent:
        terminalreporter.write_line(f"ERROR: no test was found in: {', '.join(sorted(_silent))}", red=True)
