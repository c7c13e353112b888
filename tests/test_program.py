"""Which executable is started for what, on Windows and elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pingmon_gui.program import for_terminal, for_window


@pytest.mark.parametrize("name", ["python", "pingmon"])
def test_windows_has_one_with_a_console_and_one_without(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_console, without = tmp_path / f"{name}.exe", tmp_path / f"{name}w.exe"
    with_console.touch()
    monkeypatch.setattr(sys, "platform", "win32")
    assert for_window(str(with_console)) == str(with_console)  # the other is not there
    without.touch()
    for program in (str(with_console), str(without)):
        assert for_window(program) == str(without)
        assert for_terminal(program) == str(with_console)


def test_elsewhere_there_is_one_for_everything(tmp_path: Path) -> None:
    program = str(tmp_path / "pingmon")
    assert for_window(program) == for_terminal(program) == program
