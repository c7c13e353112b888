"""Templates: values, lists and conditions, written for the content type; errors with their place; no code."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.alerts.template import rendered
from pingmon_gui.domain.alert_channel import Channel
from pingmon_gui.domain.error import InvalidInput
from tests.domain.alert_play import hook

VALUES = {
    "title": 'a "b"',
    "count": 2,
    "is_late": False,
    "end_ms": None,
    "items": [{"name": "x", "regions": ["eu", "na"]}, {"name": "y&z", "regions": []}],
}


def channel(template: str, content_type: str = "text/plain") -> Channel:
    return hook(template=template, content_type=content_type)


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{title}} {{ count }}", 'a "b" 2'),
        ("{{! nothing }}{{#items}}{{number}}:{{name}}{{^last}}, {{/last}}{{/items}}", "1:x, 2:y&z"),
        ("{{#items}}[{{#regions}}{{value}} {{/regions}}{{title}}]{{/items}}", '[eu na a "b"][a "b"]'),
        ("{{^is_late}}in time{{/is_late}}{{#is_late}}late{{/is_late}}{{^end_ms}}, lasts{{/end_ms}}", "in time, lasts"),
        ("{{#items}}{{regions}};{{/items}}", "eu, na;;"),
        ("{ {title} } } {", "{ {title} } } {"),
    ],
)
def test_values_are_put_in(template: str, made: str) -> None:
    assert rendered(channel(template), VALUES) == made


def test_values_are_written_as_the_content_type_needs_them() -> None:
    assert (
        rendered(channel("t={{title}}&n={{count}}", "application/x-www-form-urlencoded"), VALUES) == "t=a+%22b%22&n=2"
    )
    made = rendered(channel('{"t": "{{title}}", "e": {{end_ms}}, "l": {{is_late}}}', "application/json"), VALUES)
    assert json.loads(made) == {"t": 'a "b"', "e": None, "l": False}


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{titel}}", "names “titel”"),
        ("a\n{{#items}}x", "Line 2 .* never closed"),
        ("{{/items}}", "closes nothing"),
        ("{{#items}}{{/title}}", "closes nothing"),
        ("{{title.upper()}}", "no name of a value"),
        ("{{__class__}}", "no name of a value"),
        ("{{title", "without its"),
        ("{{#items}}" * 7 + "{{/items}}" * 7, "in each other"),
    ],
)
def test_error_is_told_with_its_place(template: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        rendered(channel(template), VALUES)


def test_json_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not valid JSON"):
        rendered(channel('{"t": {{title}}}', "application/json"), VALUES)


def test_template_cannot_grow_without_end() -> None:
    many = {**VALUES, "items": [{"name": "x" * 80, "regions": []}] * 50}
    with pytest.raises(InvalidInput, match="larger than 256 KB"):
        rendered(channel("{{#items}}{{#items}}{{#items}}{{name}}{{/items}}{{/items}}{{/items}}"), many)


@given(st.text(max_size=60))
def test_any_text_is_a_template_or_an_error_with_a_sentence(text: str) -> None:
    try:
        rendered(channel(text), VALUES)
    except InvalidInput as exc:
        assert exc.message


@given(st.text(max_size=40))
def test_no_name_breaks_the_json_around_it(name: str) -> None:
    made = rendered(channel('{"t": "{{title}}"}', "application/json"), {"title": name})
    assert json.loads(made) == {"t": name}
