"""What `pingmon.spec` asks PyInstaller for on each system, evaluated with its words in place of PyInstaller's own.

Nothing is built here: on Linux `make test-package` tries what is.
"""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "packaging"


class Asked:
    """Takes the place of PyInstaller's classes, and keeps what each was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def taker(self, name: str) -> Any:
        def take(*parts: Any, **options: Any) -> Any:
            self.calls.append((name, parts, options))
            return types.SimpleNamespace(**options | dict.fromkeys(("binaries", "datas", "scripts", "pure"), ()))

        return take

    def of(self, name: str) -> list[dict[str, Any]]:
        return [options for called, _parts, options in self.calls if called == name]


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def evaluate(platform: str) -> Asked:
        asked = Asked()
        hooks = types.ModuleType("PyInstaller.utils.hooks")
        hooks.collect_data_files = hooks.copy_metadata = lambda _name: []  # type: ignore[attr-defined]
        for name in ("PyInstaller", "PyInstaller.utils"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", hooks)
        # The builders' modules are gone again after the test.
        monkeypatch.setattr(sys, "path", [str(RECIPES), *sys.path])
        import icon
        import place

        monkeypatch.setattr(place, "BUILD", tmp_path)
        for name in ("icon", "place"):
            monkeypatch.setitem(sys.modules, name, {"icon": icon, "place": place}[name])
        names = {name: asked.taker(name) for name in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}
        monkeypatch.setattr(sys, "platform", platform)
        code = compile((RECIPES / "pingmon.spec").read_text(), "pingmon.spec", "exec")
        try:
            exec(code, {"SPECPATH": str(RECIPES), **names})
        finally:
            monkeypatch.setattr(sys, "platform", "linux")
        return asked

    return evaluate


def consoles(asked: Asked) -> dict[str, bool]:
    return {options["name"]: options["console"] for options in asked.of("EXE")}


def test_windows_has_the_window_and_a_console_beside_it_in_one_folder(evaluated: Any) -> None:
    asked = evaluated("win32")
    assert consoles(asked) == {"pingmon": True, "pingmonw": False}
    (collected,) = [parts for called, parts, _ in asked.calls if called == "COLLECT"]
    assert {part.name for part in collected[:2]} == {"pingmon", "pingmonw"}
    assert all(Path(options["icon"]).read_bytes()[:4] == b"\0\0\1\0" for options in asked.of("EXE"))


def test_linux_has_one_executable(evaluated: Any) -> None:
    assert consoles(evaluated("linux")) == {"pingmon": True}


def test_macos_has_an_app_that_the_dock_shows(evaluated: Any) -> None:
    asked = evaluated("darwin")
    # With a console PyInstaller marks an app as one that only works in the background.
    assert consoles(asked) == {"pingmon": False}
    (bundle,) = asked.of("BUNDLE")
    assert bundle["name"] == "Pingmon.app" and bundle["version"]
    assert Path(bundle["icon"]).read_bytes()[:4] == b"icns"


def test_installer_of_windows_knows_the_executables_of_the_spec(evaluated: Any) -> None:
    script = (RECIPES / "windows" / "pingmon.iss").read_text()
    named = set(re.findall(r"\b(pingmonw?)\.exe", script))
    assert named == set(consoles(evaluated("win32")))
    shown = re.findall(r'^(?:Name: "\{group\}|Filename: "\{app\}).*?(pingmonw?)\.exe', script, re.MULTILINE)
    assert set(shown) == {"pingmonw"}


def test_macos_recipe_names_the_command_inside_the_app(evaluated: Any) -> None:
    (bundle,) = evaluated("darwin").of("BUNDLE")
    assert f"{bundle['name']}/Contents/MacOS/pingmon" in (RECIPES / "macos" / "build.sh").read_text()
