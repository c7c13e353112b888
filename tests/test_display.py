"""A display that is not there is said in words, before Qt would abort the process."""

from __future__ import annotations

import socket

import pytest

from pingmon_gui.display import require_display
from pingmon_gui.domain.error import PingmonError


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "There is no display"),
        ({"DISPLAY": ""}, "There is no display"),
        ({"DISPLAY": ":64123"}, "The display :64123 does not answer"),
        ({"DISPLAY": "unix:64123.0"}, "does not answer"),
    ],
)
def test_display_that_is_not_there_is_said(environment: dict[str, str], said: str) -> None:
    with pytest.raises(PingmonError, match=said) as caught:
        require_display(environment)
    assert "pingmon run" in (caught.value.hint or "")


def test_display_that_answers_is_fine_until_its_server_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        display = {"DISPLAY": f"127.0.0.1:{server.getsockname()[1] - 6000}.0"}
        require_display(display)
    with pytest.raises(PingmonError, match="does not answer"):
        require_display(display)


@pytest.mark.parametrize(
    "environment",
    [
        {"QT_QPA_PLATFORM": "offscreen"},
        {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":64123"},
        {"DISPLAY": "/private/tmp/launch/org.xquartz:0"},
    ],
)
def test_what_only_qt_can_tell_is_left_to_it(environment: dict[str, str]) -> None:
    require_display(environment)
