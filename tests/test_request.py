"""A change of the configuration on its way to the owner of the data folder."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId
from pingmon_gui.request import change_from_json, change_json
from tests.exchange.strategies import MONITORS


@settings(max_examples=50, deadline=None)
@given(MONITORS, MONITORS)
def test_change_arrives_as_it_was_sent(added: list[Monitor], changed: list[Monitor]) -> None:
    change = ConfigurationChange(
        tuple(MonitorDraft(m.url, m.name, m.settings, m.tags, m.regions, m.is_paused) for m in added),
        tuple(changed),
        (MonitorId(7), MonitorId(8)),
        {"theme": "dark", "keep_raw_days": 7},
    )
    sent = json.loads(json.dumps(change_json(change)))
    assert change_from_json(sent, {monitor.id: monitor for monitor in changed}) == change
    # What was removed meanwhile is passed over.
    assert change_from_json(sent, {}).changed == ()


_GOOD: dict[str, Any] = {"added": [], "changed": [], "removed": [], "preferences": {}}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        _GOOD | {"added": None},
        _GOOD | {"added": [{"url": "no..host"}]},
        _GOOD | {"changed": [{"url": "https://a.example/"}]},
        _GOOD | {"changed": [{"id": [], "url": "https://a.example/"}]},
        _GOOD | {"removed": ["x"]},
        _GOOD | {"preferences": []},
        _GOOD | {"preferences": {"theme": "pink"}},
        _GOOD | {"preferences": {"nonsense": 1}},
    ],
)
def test_change_that_makes_no_sense_is_refused(document: Any) -> None:
    with pytest.raises(PingmonError):
        change_from_json(document, {})
