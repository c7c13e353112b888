"""The table of settings: defaults that fit, limits that hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.preference import PREFERENCES, Preference, Preferences, anchors, preference


@pytest.mark.parametrize("known", PREFERENCES, ids=lambda known: known.key)
def test_default_of_each_fits_its_own_limits(known: Preference) -> None:
    assert known.check(known.default) == known.default
    assert Preferences({})[known.key] == known.default
    assert preference(known.key) is known
    assert known.section and known.label and known.help.endswith(".")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("default_interval_s", 4),
        ("default_interval_s", 3_601),
        ("default_interval_s", True),
        ("default_interval_s", 10.0),
        ("default_interval_s", "10"),
        ("close_to_tray", 1),
        ("theme", "pink"),
        ("theme", None),
        ("anchors", "example.com:53"),
        ("anchors", "192.0.2.1"),
        ("anchors", "192.0.2.1:0"),
        ("anchors", 5),
        ("no_such_setting", 1),
    ],
)
def test_value_that_does_not_fit_is_a_sentence_and_changes_nothing(key: str, value: object) -> None:
    before = Preferences({"theme": "dark"})
    with pytest.raises(SettingsError, match=r"\.$"):
        before.with_values({"size_cap_mb": 100, key: value})
    assert before == Preferences({"theme": "dark"})


@pytest.mark.parametrize("known", PREFERENCES, ids=lambda known: known.key)
@given(value=st.none() | st.booleans() | st.integers() | st.text() | st.floats())
def test_any_value_fits_or_is_a_sentence(known: Preference, value: object) -> None:
    try:
        assert known.check(value) == value
    except SettingsError as exc:
        assert exc.message.endswith(".")


def test_with_values_keeps_only_what_differs_from_the_default() -> None:
    changed = Preferences({}).with_values({"theme": "dark", "size_cap_mb": 100, "close_to_tray": True})
    assert changed.changed == {"theme": "dark", "size_cap_mb": 100}
    assert changed.with_values({"theme": "system"}).changed == {"size_cap_mb": 100}


def test_values_are_read_by_kind() -> None:
    preferences = Preferences({"close_to_tray": False})
    assert (preferences.integer("size_cap_mb"), preferences.text("theme")) == (5000, "system")
    assert not preferences.flag("close_to_tray")
    with pytest.raises(TypeError):
        preferences.integer("theme")
    with pytest.raises(TypeError):
        preferences.text("size_cap_mb")


def test_anchors_are_read_in_order_and_may_be_none() -> None:
    assert anchors(" 192.0.2.1:53 ,,[2001:db8::1]:53 ") == ("192.0.2.1:53", "[2001:db8::1]:53")
    assert anchors("") == ()
    assert preference("anchors").check("") == ""
