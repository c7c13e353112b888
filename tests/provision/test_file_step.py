"""Files and folders on a host, put there by the host's own Python: whole or not at all, and back as they were."""

from __future__ import annotations

import ast
import asyncio
import importlib.resources
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.provision.file_step import FileStep
from pingmon_gui.provision.host import CommandResult
from pingmon_gui.provision.host_python import Entry, HostPython
from pingmon_gui.provision.host_side import as_json
from pingmon_gui.provision.step import run_steps
from tests.provision.hosts import Events, FakeHost, LocalHost


@pytest.fixture
def host(tmp_path: Path) -> LocalHost:
    return LocalHost(tmp_path / "machine")


def python_of(host: LocalHost) -> HostPython:
    return HostPython(str(host.bin / "python3"), as_root=False)


def entries(host: LocalHost, content: bytes = b"content") -> list[Entry]:
    return [
        Entry("folder", f"{host.home}/shared", 0o700, is_shared=True),
        Entry("folder", f"{host.home}/ours", 0o750),
        Entry("file", f"{host.home}/ours/file", 0o640, content=content),
        Entry("file", f"{host.home}/shared/keys", 0o600, content=content),
    ]


def step(host: LocalHost, content: bytes = b"content") -> FileStep:
    return FileStep("files", "Put the files in place", python_of(host), entries(host, content))


def test_program_of_the_host_is_python_3_9() -> None:
    text = importlib.resources.files("pingmon_gui.provision").joinpath("host_side.py").read_text("utf-8")
    ast.parse(text, feature_version=(3, 9))
    assert text.isascii()


def test_files_are_made_once(host: LocalHost) -> None:
    first, second = step(host), step(host)
    asyncio.run(run_steps([first], host, Events()))
    assert first.is_changed
    made = host.listing()
    assert made["home/ours"] == ("folder", 0o750, b"")
    assert made["home/ours/file"] == ("file", 0o640, b"content")
    assert made["home/shared"] == ("folder", 0o700, b"")
    asyncio.run(run_steps([second], host, Events()))
    assert not second.is_changed
    assert host.listing() == made


def test_what_was_there_comes_back_byte_for_byte(host: LocalHost) -> None:
    (host.home / "shared").mkdir(mode=0o755)
    (host.home / "shared" / "keys").write_bytes(b"mine \xff\n")
    (host.home / "shared" / "keys").chmod(0o644)
    before = host.listing()

    async def main() -> None:
        files = step(host)
        assert not await files.is_done(host)
        await files.apply(host)
        assert await files.is_done(host)
        (host.home / "ours" / "spool").write_text("what the service wrote meanwhile")
        await files.undo(host)

    asyncio.run(main())
    assert host.listing() == before


def test_a_shared_folder_with_files_of_others_stays(host: LocalHost) -> None:
    async def main() -> None:
        files = step(host)
        await files.is_done(host)
        await files.apply(host)
        (host.home / "shared" / "of others").touch()
        await files.undo(host)

    asyncio.run(main())
    assert set(host.listing()) == {"home", "home/shared", "home/shared/of others"}


def test_a_link_stays_a_link(host: LocalHost) -> None:
    (host.home / "shared").mkdir()
    (host.home / "elsewhere").write_text("old")
    (host.home / "shared" / "keys").symlink_to(host.home / "elsewhere")
    asyncio.run(run_steps([step(host)], host, Events()))
    assert (host.home / "shared" / "keys").is_symlink()
    assert (host.home / "elsewhere").read_bytes() == b"content"


def test_a_program_that_breaks_off_says_so(host: LocalHost) -> None:
    # A text where a folder has to be: no right needed to make it fail.
    (host.home / "ours").write_text("in the way")
    before = host.listing()
    with pytest.raises(StepFailed) as caught:
        asyncio.run(run_steps([step(host)], host, Events()))
    assert "ours" in caught.value.message
    assert host.listing() == before


@pytest.mark.parametrize(
    ("number", "said"), [(28, "disk of ops@vps.example is full"), (30, "read-only"), (13, "may not be written")]
)
def test_errors_of_the_disk_are_sentences(number: int, said: str) -> None:
    answer = f'noise of .bashrc\npingmon:answer={{"errno": {number}, "path": "/opt/x", "text": "?"}}\n'
    fake = FakeHost(("pingmon:put", CommandResult(3, answer, "")))
    with pytest.raises(StepFailed, match=said):
        asyncio.run(HostPython("/usr/bin/python3", as_root=True).put(fake, [Entry("file", "/opt/x", 0o644)]))
    assert fake.ran[0][1]


def boxes(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.dictionaries(st.text(), inner)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | boxes(inner))
)
def test_answers_of_the_host_are_json(value: object) -> None:
    assert json.loads(as_json(value)) == value


@pytest.mark.parametrize("out", ["", "pingmon:answer=", "pingmon:answer={", "pingmon:answer=[]", "{}"])
def test_an_answer_that_is_none_is_a_failure_even_with_exit_code_0(out: str) -> None:
    fake = FakeHost(("pingmon:look", CommandResult(0, out, "")))
    with pytest.raises(StepFailed, match="broke off"):
        asyncio.run(HostPython("/usr/bin/python3", as_root=True).look(fake, ["/x"]))


def test_secrets_are_neither_in_arguments_nor_in_the_transcript(host: LocalHost) -> None:
    events = Events()
    host.listener = events
    secret = Entry("file", f"{host.home}/token", 0o600, content=b"a-secret-token")
    asyncio.run(run_steps([FileStep("secret", "Bring the token", python_of(host), [secret])], host, events))
    assert (host.home / "token").read_bytes() == b"a-secret-token"
    assert "a-secret" not in repr(secret)
    assert not any("a-secret" in words for words in [*host.ran, *events.lines])


def test_processes_are_started_found_and_ended(host: LocalHost) -> None:
    script = host.home / "loop.sh"
    script.write_text(f"echo $$ >{host.home}/pid\nwhile :; do sleep 0.2; done\n")

    async def started() -> Sequence[int]:
        python = python_of(host)
        await python.start(host, ["/bin/sh", str(script)], str(host.home), None)
        for _ in range(500):
            pids = await python.running(host, [str(script)])
            # While it forks, its child goes by the same words.
            if len(pids) == 1 and (host.home / "pid").exists():
                break
        await python.stop(host, [str(script)], 5.0)
        assert await python.running(host, [str(script)]) == []
        return pids

    (pid,) = asyncio.run(started())
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
    assert os.getpgid(0) != pid
