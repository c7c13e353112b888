"""Several changes of the configuration in one transaction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pingmon_gui.domain.alert_channel import DESKTOP, ChannelId
from pingmon_gui.domain.alert_rule import AlertKind, AlertRule, RuleId, first_book
from pingmon_gui.domain.book_change import BookChange, RuleWish, way_back
from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.error import InvalidInput, SettingsError
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.scope import Scope
from tests.store.helper import add, open_store, run


def test_change_is_kept_as_a_whole(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        one, two = await add(store, 2)
        applied = await store.apply(
            ConfigurationChange(
                added=(MonitorDraft("https://new.example/", is_paused=True),),
                changed=(replace(one, settings=MonitorSettings(interval_ms=5_000), is_paused=True),),
                removed=(two.id,),
                preferences={"keep_raw_days": 14},
            )
        )
        kept = store.configuration()
        assert kept.monitors == (*applied.changed, *applied.added)
        assert [(monitor.version, monitor.is_paused) for monitor in kept.monitors] == [(2, True), (1, True)]
        assert kept.preferences == applied.preferences
        assert kept.preferences["keep_raw_days"] == 14
        assert [monitor.id for monitor in await store.restore_monitors([two.id])] == [two.id]
        await store.close()

    run(main())


def test_change_carried_out_twice_adds_once(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        change = ConfigurationChange(added=(MonitorDraft("https://new.example/"),))
        first, second = await store.apply(change), await store.apply(change)
        assert (len(first.added), second.added) == (1, ())
        again = await store.apply(ConfigurationChange(added=change.added, removed=(first.added[0].id,)))
        assert [monitor.id for monitor in store.configuration().monitors] == [again.added[0].id]
        await store.close()

    run(main())


def test_rules_that_come_with_their_domains_are_kept_with_their_ids(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (there,) = await add(store, 1)
        rule = AlertRule(RuleId(50), "Two", frozenset((AlertKind.OFFLINE,)), (DESKTOP, ChannelId(99)))
        wish = RuleWish(rule, ("https://new.example/", there.url, "https://gone.example/"))
        added = (MonitorDraft("https://new.example/"),)
        applied = await store.apply(ConfigurationChange(added=added, alerts=BookChange((wish,))))
        book = await store.alert_book()
        assert book == applied.book
        assert book is not None
        assert book.rules[:-1] == first_book().rules
        assert book.rules[-1].scope == Scope(False, monitors=frozenset((there.id, applied.added[0].id)))
        assert book.rules[-1].channels == (DESKTOP,)
        back = await store.apply(ConfigurationChange(alerts=way_back(first_book(), book)))
        assert back.book == first_book()
        assert (await store.apply(ConfigurationChange(removed=(there.id,)))).book is None
        await store.close()

    run(main())


def test_rule_for_domains_that_are_gone_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        rule = AlertRule(RuleId(50), "Lost", frozenset((AlertKind.OFFLINE,)))
        change = BookChange((RuleWish(rule, ("https://gone.example/",)),))
        with pytest.raises(InvalidInput, match="not watched any more"):
            await store.apply(ConfigurationChange(added=(MonitorDraft("https://new.example/"),), alerts=change))
        assert (store.configuration().monitors, await store.alert_book()) == ((), None)
        await store.close()

    run(main())


@pytest.mark.parametrize("bad", [{"theme": "pink"}, {"nonsense": 1}])
def test_change_with_a_setting_that_does_not_fit_leaves_everything(tmp_path: Path, bad: dict[str, object]) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        await add(store, 2)
        before = store.configuration()
        change = ConfigurationChange(
            added=(MonitorDraft("https://new.example/"),),
            removed=tuple(monitor.id for monitor in before.monitors),
            preferences={"keep_raw_days": 14, **bad},  # type: ignore[dict-item]
        )
        with pytest.raises(SettingsError):
            await store.apply(change)
        assert store.configuration() == before
        await store.close()

    run(main())
