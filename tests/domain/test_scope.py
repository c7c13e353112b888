"""Which domains something is for."""

from __future__ import annotations

import pytest

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.scope import Scope
from tests.engine.fakes import monitor


def test_all_some_by_their_tags_and_chosen_ones() -> None:
    shop, blog = monitor(2, tags=("Shop", "eu")), monitor(3)
    assert Scope().covers(shop) and Scope().covers(blog)
    tagged = Scope(False, frozenset(("shop",)))
    assert tagged.covers(shop) and not tagged.covers(blog)
    chosen = Scope(False, monitors=frozenset((MonitorId(3),)))
    assert chosen.covers(blog) and not chosen.covers(shop)
    both = Scope(False, tagged.tags, chosen.monitors)
    assert both.covers(shop) and both.covers(blog)
    assert Scope.from_json(both.to_json()) == both


def test_none_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="It needs domains"):
        Scope(False)
