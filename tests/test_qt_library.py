"""A system that lacks what Qt needs is told so in one sentence, before Qt ends the process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pingmon_gui import qt_library
from pingmon_gui.domain.error import PingmonError
from pingmon_gui.qt_library import ALWAYS, OF_X11, require_libraries

ENV = Path(__file__).parents[1] / "packaging" / "env.sh"


def test_sources_install_the_same_libraries() -> None:
    (listed,) = re.findall(r"^qt_libraries='\n(.*?)'", ENV.read_text(), re.MULTILINE | re.DOTALL)
    assert dict(line.split() for line in listed.splitlines()) == ALWAYS | OF_X11


def test_missing_ones_are_named_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(qt_library.ALWAYS, "libnobody-has.so.1", "libnobody1")
    monkeypatch.setitem(qt_library.OF_X11, "libnobody-shows.so.2", "libnobody2")
    with pytest.raises(PingmonError) as raised:
        require_libraries({"DISPLAY": ":0"}, is_shown=True)
    assert "lacks: libnobody-has.so.1, libnobody-shows.so.2." in raised.value.message
    assert raised.value.hint == "On Debian and Ubuntu: sudo apt install libnobody1 libnobody2"
    for environment in ({"WAYLAND_DISPLAY": "wayland-0"}, {"QT_QPA_PLATFORM": "offscreen"}):
        with pytest.raises(PingmonError, match=r"lacks: libnobody-has.so.1\."):
            require_libraries(environment, is_shown=True)
    with pytest.raises(PingmonError, match=r"lacks: libnobody-has.so.1\."):
        require_libraries({"DISPLAY": ":0"})  # a page of paper needs no display


def test_system_that_has_them_all_passes() -> None:
    require_libraries({"DISPLAY": ":0"}, is_shown=True)
