"""Alerts in the store: everything a decision made comes back as it was, in one transaction, twice or not."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from pingmon_gui.domain.alert import Alert
from pingmon_gui.domain.alert_change import change_of
from pingmon_gui.domain.alert_channel import DESKTOP
from pingmon_gui.domain.alert_decision import decide
from pingmon_gui.domain.alert_rule import AlertBook, Escalation, Flapping, first_rules
from pingmon_gui.domain.alert_state import AlertState, Surroundings
from pingmon_gui.domain.delivery import Delivery, DeliveryState
from pingmon_gui.store.retention import ALERTS_MS
from pingmon_gui.store.store import Store
from tests.domain.alert_play import HOOK, MINUTE, NOON_MS, Play, hook, incident, rule
from tests.store.helper import Clock, run


class KeptPlay(Play):
    """Keeps each decision in a store."""

    def __init__(self, store: Store, *rules: object) -> None:
        super().__init__(*rules)  # type: ignore[arg-type]
        self.store = store
        self.changes = []  # type: ignore[var-annotated]

    def hear(self, *news: object) -> list:  # type: ignore[override, type-arg]
        decision = decide(self.state, news, self.now_ms, Surroundings(self.book, self.tags))  # type: ignore[arg-type]
        self.changes.append(change_of(self.state, decision))
        self.state = decision.state
        self.posts += decision.posts
        self.alerts |= {alert.id: alert for alert in decision.alerts}
        self.next_at_ms = decision.next_at_ms
        return list(decision.posts)

    async def keep(self, times: int = 1) -> None:
        for change in self.changes:
            for _ in range(times):
                await self.store.record_alerts(change)
        self.changes.clear()


def unsure(state: AlertState) -> AlertState:
    return replace(state, matters={key: replace(matter, is_certain=False) for key, matter in state.matters.items()})


@pytest.mark.parametrize("seed", range(5))
def test_state_alerts_and_messages_are_read_back_as_they_were(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    async def main() -> None:
        store = Store.open(tmp_path / "pingmon.db", now_ms=Clock())
        rules = rule(
            DESKTOP, HOOK, remind_ms=7 * MINUTE, flapping=Flapping(2), escalation=Escalation(3 * MINUTE, (HOOK,))
        )
        play = KeptPlay(store, rules, rule(id=rule().id + 1, after_ms=5 * MINUTE))
        down: dict[int, object] = {}
        for step in range(60):
            play.at(step * MINUTE // 2)
            number = chance.randrange(8)
            if number in down:
                play.up(down.pop(number))  # type: ignore[arg-type]
            else:
                down[number] = one = incident(
                    number, play.now_ms, failure=chance.choice(["dns", "timeout"]), id_=1 + step
                )
                play.down(one)
            if step % 7 == 0:
                await play.keep(times=chance.choice((1, 2)))
                memory = await store.alert_memory()
                assert memory.state.matters == unsure(play.state).matters
                assert memory.state.habits == play.state.habits
                assert memory.state.alerts == play.state.alerts
        await play.keep()
        assert [one.post for one in (await store.alert_memory()).waiting] == play.posts
        kept = {alert.id: alert for alert in await store.alerts(0, play.now_ms + 1)}
        assert kept == play.alerts
        assert len(play.posts) > 20
        await store.close()

    run(main())


def test_book_comes_back_in_its_order_and_is_none_before_it_was_written(tmp_path: Path) -> None:
    async def main() -> None:
        store = Store.open(tmp_path / "pingmon.db", now_ms=Clock())
        assert await store.alert_book() is None
        book = AlertBook(first_rules()[::-1], {HOOK: hook(template="{{title}}")}, 77)
        await store.save_alert_book(AlertBook(first_rules()))
        await store.save_alert_book(book)
        assert await store.alert_book() == book
        await store.close()

    run(main())


def test_deliveries_keep_how_far_they_are_and_are_listed_newest_first(tmp_path: Path) -> None:
    async def main() -> None:
        store = Store.open(tmp_path / "pingmon.db", now_ms=Clock())
        play = KeptPlay(store, rule(DESKTOP))
        play.down(*(incident(n, failure=f"f{n}") for n in range(1, 5)))
        await play.keep()
        first, second, third, fourth = (Delivery(post) for post in play.posts)
        sent = replace(first, state=DeliveryState.SENT, tries=2, done_at_ms=NOON_MS + 5)
        failing = replace(second, tries=3, error="The server answers 500.")
        await store.save_deliveries([sent, failing])
        assert (await store.alert_memory()).waiting == [failing, third, fourth]
        assert await store.deliveries(limit=4) == [fourth, third, failing, sent]
        assert await store.deliveries(alert_id=first.post.alert) == [sent]
        assert await store.deliveries(channel=HOOK) == []
        await store.close()

    run(main())


def test_alerts_of_long_ago_go_and_what_lasts_stays(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock(NOON_MS)
        store = Store.open(tmp_path / "pingmon.db", now_ms=clock)
        play = KeptPlay(store, rule(DESKTOP))
        play.down(incident(1), incident(2, failure="dns"))
        play.at(MINUTE)
        play.up(incident(1))
        await play.keep()
        clock.ms = NOON_MS + ALERTS_MS + 2 * MINUTE
        await store.save_deliveries([Delivery(post, DeliveryState.SENT, 1, "", post.at_ms) for post in play.posts])
        for _ in range(20):
            await store.maintain()
            clock.ms += 1
        (left,) = await store.alerts(0, clock.ms)
        assert isinstance(left, Alert) and left.is_open
        assert {one.post.alert for one in await store.deliveries()} == {left.id}
        await store.close()

    run(main())
