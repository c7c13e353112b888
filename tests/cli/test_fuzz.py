"""Every argument of every command, fuzzed: the exit code is 0, 1 or 2, never a traceback, and JSON stays pure."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pingmon_probe.protocol import CheckResult, CheckSpec

from pingmon_gui import cli
from pingmon_gui.console import check

_EVIL = (
    "", " ", "-", "--", "\x00", "\x1b[2J", "\u202eevil", "🦊", "a" * 3_000, "javascript:alert(1)", "file:///etc/passwd",
    "https://anna:geheim@a.example/", "http://[::1", "http://[::1%25eth0]/", "a.example:0", "a.example:65536",
    "xn--a", "1.2.3", "http://a.example/ b", "\ud800", "=1+1", "../..", "/dev/null", "-1", "1e400", "now",
    "\N{ZERO WIDTH SPACE}",
)  # fmt: skip
_GROUPS = (
    ("check",), ("status",), ("history",), ("run",), (), ("domain",), ("import",), ("export",), ("apply",),
    *(("domain", name) for name in ("add", "list", "show", "remove", "pause", "resume", "import", "export")),
)  # fmt: skip
_OPTIONS = (
    "--json", "--debug", "--timeout", "--slow", "--keyword", "--keyword-absent", "--status-set", "--ignore-certificate",
    "--family", "--fail", "--name", "--interval", "--tag", "--region", "--dry-run", "--with-secrets", "--from", "--to",
    "--bucket", "--csv", "--problems", "--for", "--minimized", "--yes", "--prune", "--skip-wrong", "--format",
    "--help", "--version",
)  # fmt: skip
_WORDS = st.one_of(
    st.sampled_from(_OPTIONS),
    st.sampled_from(_EVIL),
    st.sampled_from(("a.example", "b.example", "5s", "200-299", "4", "eu", "raw", "1h")),
    # What a shell can hand over: anything but a zero byte; undecodable bytes come as surrogates.
    st.text(max_size=30),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(autouse=True)
def _nothing_leaves_this_process(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    async def measured(specs: Sequence[CheckSpec]) -> list[CheckResult]:
        words = "\x1b[31m=1+1\u202e"
        return [CheckResult(one.url, started_at_ms=1, total_ms=1.0, dns_ms=1.0, message=words) for one in specs]

    def skipped(_: object) -> int:
        return 0

    monkeypatch.setattr(check, "_check", measured)
    monkeypatch.setattr(cli, "_run_engine", skipped)
    monkeypatch.setattr(cli, "_run_window", skipped)
    # Export writes where it is told to: here.
    monkeypatch.chdir(folder)
    yield


class _Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def _run(words: list[str], stdin: bytes, folder: Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr("sys.stdin", _Stdin(stdin))
        code = cli.main(["--data-dir", str(folder / "data"), *words])
    return code, out.getvalue(), err.getvalue()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(_GROUPS), st.lists(_WORDS, max_size=6), st.binary(max_size=200))
@example(("domain", "add"), ["-", "--json"], b"a.example A\nhttps://u:geheim@b.example\n\xff\x00\n= x\n")
@example(("domain", "import"), ["-", "--json"], b'{"format": "pingmon domains 1", "domains": [1, {}, {"url": 3}]}')
@example(("domain", "import"), ["https://anna:geheim@a.example/"], b"")
@example(("domain", "export"), ["-"], b"")
@example(("domain", "show"), ["b.example"], b"")
def test_any_command_line_ends_well(folder: Path, group: tuple[str, ...], words: list[str], stdin: bytes) -> None:
    # Files outside of the test's folder are nobody's business.
    words = [word for word in words if not word.startswith(("/", "~", ".."))]
    code, out, err = _run([*group, *words], stdin, folder)
    assert code in (0, 1, 2)
    assert "Traceback" not in err or "--debug" in words
    assert "should not have" not in err, err
    assert "geheim" not in err
    assert "geheim" not in out or "--with-secrets" in words
    assert "\x1b" not in out + err
    if code and "--json" not in words:
        assert err.strip() or out
    if code == 0 and "--json" in words and not {"--help", "--version"} & set(words) and out:
        json.loads(out)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_any_address_is_checked_or_refused(folder: Path, text: str) -> None:
    code, out, err = _run(["check", "--json", "--", text], b"", folder)
    assert code in (0, 1)
    assert (code == 0) == bool(out)
    assert "should not have" not in err, err


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_NAMES = ("url", "name", "tags", "regions", "is_paused", "settings")
_SETTINGS = (
    "interval_ms", "timeout_ms", "slow_ms", "family", "status_set", "keyword", "keyword_absent", "ignore_certificate",
    "basic_auth",
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(_NAMES), _JSON),
    st.dictionaries(st.sampled_from(_SETTINGS), _JSON, max_size=3),
)
def test_any_export_is_read_or_refused(folder: Path, domain: dict[str, object], values: dict[str, object]) -> None:
    document = {"format": "pingmon domains 1", "domains": [domain, {"url": "c.example", "settings": values}]}
    code, out, err = _run(["domain", "import", "-", "--dry-run", "--json"], json.dumps(document).encode(), folder)
    assert code in (0, 1)
    assert "should not have" not in err, err
    json.loads(out)
