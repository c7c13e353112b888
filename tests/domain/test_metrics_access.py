from __future__ import annotations

import pytest

from pingmon_gui.domain.error import InvalidInput, SettingsError
from pingmon_gui.domain.metrics_access import MetricsAccess, parse_access, preferred_access
from pingmon_gui.domain.preference import METRICS_EVERYWHERE, METRICS_OPEN, METRICS_WITH_TOKEN, Preferences


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("18649", MetricsAccess("127.0.0.1", 18649, False)),
        ("0", MetricsAccess("127.0.0.1", 0, False)),
        ("localhost:9", MetricsAccess("127.0.0.1", 9, False)),
        ("127.0.0.2:65535", MetricsAccess("127.0.0.2", 65535, False)),
        ("[::1]:9", MetricsAccess("::1", 9, False)),
        ("::1:9", MetricsAccess("::1", 9, False)),
        ("0.0.0.0:9", MetricsAccess("0.0.0.0", 9, True)),
        ("[::]:9", MetricsAccess("::", 9, True)),
        ("192.0.2.7:9", MetricsAccess("192.0.2.7", 9, True)),
    ],
)
def test_address_beyond_loopback_needs_the_token(text: str, access: MetricsAccess) -> None:
    assert parse_access(text) == access


@pytest.mark.parametrize("text", ["", "x", "65536", "-1", "١", ":9", "desk.example:9", "1.2.3:9", "127.0.0.1:", "9 9"])
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is no (port|address)"):
        parse_access(text)


def test_preferences_are_off_until_somebody_chooses() -> None:
    assert preferred_access(Preferences({})) is None
    open_ = Preferences({"metrics_access": METRICS_OPEN, "metrics_port": 9})
    assert preferred_access(open_) == MetricsAccess("127.0.0.1", 9, False)
    assert preferred_access(open_.with_values({"metrics_access": METRICS_WITH_TOKEN})) == MetricsAccess(
        "127.0.0.1", 9, True
    )
    assert preferred_access(open_.with_values({"metrics_access": METRICS_EVERYWHERE})) == MetricsAccess("", 9, True)
    for port in (0, 65_536):
        with pytest.raises(SettingsError, match="from 1 to 65535"):
            open_.with_values({"metrics_port": port})
