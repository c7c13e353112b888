"""Conditions of others as ours: what is taken over means the same, and what would not is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import read_json_condition

from pingmon_gui.exchange.json_wish import condition, own_path

_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
_STEPS = st.lists(st.one_of(_NAMES, st.integers(0, 5)), min_size=1, max_size=5)
_VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=20))


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("$.depth", "depth"), ("depth", "depth"), ("$", "$"), ("", "$"), ("$.a.b[0].c", "a.b[0].c"),
        ("$['odd key'].b", '["odd key"].b'), ('$."odd key"', '["odd key"]'), ("$[0]", "[0]"), ("a.`b c`", 'a["b c"]'),
        ("$count(items)", None), ("items[price > 5]", None), ("$.a[*]", None), ("$..a", None), ("a b", None),
        ("$.a[-1]", None), ("$sum(a.b)", None), ("a.b.", None),
    ],
)  # fmt: skip
def test_path_is_one_of_ours_or_refused(text: str, own: str | None) -> None:
    assert own_path(text) == own


@given(_STEPS, _VALUES, st.sampled_from(["$", ""]))
def test_condition_that_was_taken_over_holds_for_what_it_names(steps: list[Any], value: Any, root: str) -> None:
    path = root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    document = value
    for step in reversed(steps):
        document = [None] * step + [document] if isinstance(step, int) else {step: document}
    written = value if isinstance(value, str) else json.dumps(value)
    own = condition(path.removeprefix("."), "==", written)
    assert own is not None
    # What reads as a number is one there and here: a text of digits is compared as a number, too.
    if not isinstance(value, str) or condition("a", "==", written) == f"a == {json.dumps(value, ensure_ascii=False)}":
        assert read_json_condition(own).problem(document) is None
    assert read_json_condition(own).problem({}) is not None


@given(st.text(max_size=40), st.text(max_size=3), st.text(max_size=40))
def test_any_text_is_a_condition_or_none(path: str, operator: str, value: str) -> None:
    own = condition(path, operator, value)
    assert own is None or read_json_condition(own).text == own.strip()
