"""Settings and texts of a monitor: their limits, and that what is written reads back the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import MAX_ID, CheckSpec

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import (
    MAX_TAGS,
    Monitor,
    MonitorId,
    MonitorSettings,
    format_status_set,
    new_monitor_id,
    parse_name,
    parse_status_set,
    parse_tags,
)
from pingmon_gui.domain.region import REGIONS, Region


def monitor(**changed: Any) -> Monitor:
    values: dict[str, Any] = {"id": MonitorId(5), "version": 2, "url": "https://example.com/", "name": ""}
    return Monitor(**{**values, "settings": MonitorSettings(), "created_at_ms": 1, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"interval_ms": 4_999},
        {"interval_ms": 3_600_001},
        {"timeout_ms": 99},
        {"timeout_ms": 30_001},
        {"slow_ms": 0},
        {"slow_ms": 5_001},
        {"family": 5},
        {"keyword": ""},
        {"keyword": "x" * 501},
    ],
)
def test_settings_outside_their_limits_are_a_sentence(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        MonitorSettings(**changed)


_SETTINGS = st.builds(
    MonitorSettings,
    interval_ms=st.integers(5_000, 3_600_000),
    timeout_ms=st.integers(1_000, 30_000),
    slow_ms=st.integers(1, 1_000),
    family=st.sampled_from((0, 4, 6)),
    status_set=st.lists(st.integers(100, 599).map(lambda code: (code, code)), min_size=1, max_size=5).map(tuple),
    keyword=st.none() | st.text(min_size=1, max_size=20),
    keyword_absent=st.booleans(),
    ignore_certificate=st.booleans(),
    basic_auth=st.none() | st.just("me:secret"),
)


@given(_SETTINGS)
def test_settings_read_back_from_json_as_they_were_and_fit_the_wire(settings: MonitorSettings) -> None:
    assert MonitorSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    for spec in monitor(settings=settings).check_specs():
        assert CheckSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_settings_hold_only_what_differs_and_hide_the_password() -> None:
    assert MonitorSettings().to_json() == {}
    assert "secret" not in repr(monitor(settings=MonitorSettings(basic_auth="me:secret")))


def test_new_monitor_id_is_in_range_and_never_the_same() -> None:
    ids = {new_monitor_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert min(ids) >= 2 and max(ids) <= MAX_ID


def test_title_is_the_name_or_the_address() -> None:
    assert monitor().title == "example.com"
    assert replace(monitor(), name=parse_name(" My   shop ")).title == "My shop"


def test_watched_from_every_region_or_the_chosen_ones() -> None:
    assert all(monitor().watched_from(region) for region in REGIONS)
    assert [r for r in REGIONS if monitor(regions=(Region.EU,)).watched_from(r)] == [Region.EU]


@pytest.mark.parametrize("text", ["x" * 201, "a\x00b", "a\u202eb", "a\u200bb", "\ud800"])
def test_parse_name_of_unusable_text_is_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        parse_name(text)


def test_parse_tags_keeps_order_and_each_once() -> None:
    assert parse_tags(" shop, Blog,, SHOP , my  site,💩") == ("shop", "Blog", "my site", "💩")
    assert parse_tags("") == ()


@pytest.mark.parametrize("text", ["x" * 51, ",".join(f"t{n}" for n in range(MAX_TAGS + 1)), "a\x07"])
def test_parse_tags_of_unusable_text_is_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        parse_tags(text)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("200", ((200, 200),)), ("200-299, 404", ((200, 299), (404, 404))), (" 100 - 599 ", ((100, 599),))],
)
def test_parse_status_set_reads_back_what_it_formats(text: str, ranges: tuple[tuple[int, int], ...]) -> None:
    assert parse_status_set(text) == ranges
    assert parse_status_set(format_status_set(ranges)) == ranges


@pytest.mark.parametrize(
    "text",
    ["", ",", "abc", "99", "600", "299-200", "200-", "-200", "2٠0", "1" * 5_000, "200--299", "200," * 51 + "200"],
)
def test_parse_status_set_of_unusable_text_is_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        parse_status_set(text)


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    for parse in (parse_name, parse_tags, parse_status_set):
        try:
            parse(text)
        except InvalidInput as exc:
            assert exc.message.endswith(".")
