"""The outbox with a real store and real receivers: kept before sent, in order, once, through failures and kills."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pingmon_gui.alerts.outbox import ABSENT_MS, GIVE_UP_MS, REFUSALS, Outbox
from pingmon_gui.alerts.port import Sender
from pingmon_gui.alerts.webhook import WebhookSender
from pingmon_gui.domain.alert import Post
from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind, ChannelSecret
from pingmon_gui.domain.delivery import Delivery, DeliveryState
from pingmon_gui.domain.error import ChannelError, StorageFull
from pingmon_gui.store.store import Store
from tests.alerts.receiver import Answer, Receiver, receiving
from tests.conftest import ExpectLog
from tests.domain.alert_play import HOOK, NOON_MS, Play, hook, incident, rule
from tests.engine.fakes import FakeClock, until
from tests.store.helper import run

ROOT = Path(__file__).resolve().parents[2]
OTHER = ChannelId(8)


class Office:
    """An outbox between a store and a receiver; its waits are cut short, however long they would be."""

    def __init__(self, store: Store, receiver: Receiver) -> None:
        self.clock = FakeClock(NOON_MS)
        self.store = store
        self.receiver = receiver
        self.changes: list[Delivery] = []
        self.health: list[tuple[ChannelId, int | None, str]] = []
        self.senders: dict[ChannelId, Sender | None] = {}
        self.open()

    def open(self) -> None:
        self.outbox = Outbox(
            self.store,
            self._make_sender,
            self.clock.now_ms,
            on_health=lambda channel, since_ms, problem: self.health.append((channel.id, since_ms, problem)),
            on_delivery=self._changed,
        )

    def _changed(self, delivery: Delivery) -> None:
        self.changes.append(delivery)
        asyncio.get_running_loop().call_later(0.005, self.outbox.hurry)

    async def _make_sender(self, channel: Channel) -> Sender | None:
        if channel.id in self.senders:
            return self.senders[channel.id]
        return WebhookSender(channel, ChannelSecret(self.receiver.url))

    async def done(self, count: int) -> list[Delivery]:
        """Wait until so many deliveries are at their end; return all as the store has them, oldest first."""
        await until(lambda: sum(one.done_at_ms is not None for one in self.changes) >= count)
        await self.outbox.settle()
        return (await self.store.deliveries())[::-1]


def posts(count: int, channel: ChannelId = HOOK) -> list[Post]:
    play = Play(rule(channel), channels=[hook(gather_s=0), Channel(OTHER, ChannelKind.WEBHOOK, "other", gather_s=0)])
    for number in range(count):
        play.down(incident(1 + number, failure=f"f{number}"))
    return play.posts


def with_office(tmp_path: Path, check: Callable[[Office], Awaitable[None]], answers: Sequence[Answer] = ()) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            receiver.answers = list(answers) or receiver.answers
            store = Store.open(tmp_path / "pingmon.db", now_ms=lambda: NOON_MS)
            office = Office(store, receiver)
            await office.outbox.start([hook()], [])
            try:
                await asyncio.wait_for(check(office), 60)
            finally:
                await office.outbox.stop()
                await store.close()

    run(main())


def keys(receiver: Receiver) -> list[str]:
    return [request.headers["pingmon-delivery"] for request in receiver.requests]


def test_messages_arrive_in_order_and_the_log_says_so(tmp_path: Path) -> None:
    async def check(office: Office) -> None:
        some = posts(5)
        office.outbox.put(some)
        found = await office.done(5)
        assert keys(office.receiver) == [post.key for post in some] == [one.key for one in found]
        assert {(one.state, one.tries, one.error) for one in found} == {(DeliveryState.SENT, 1, "")}
        assert office.health == []

    with_office(tmp_path, check)


def test_receiver_that_fails_gets_the_same_message_again_before_any_other(
    tmp_path: Path, expect_log: ExpectLog
) -> None:
    expect_log("the channel hook does not deliver: localhost has an error of its own")

    async def check(office: Office) -> None:
        some = posts(2)
        office.outbox.put(some)
        first, second = await office.done(2)
        assert keys(office.receiver) == [some[0].key] * 3 + [some[1].key]
        assert (first.tries, second.tries) == (3, 1)
        assert first.error.startswith("localhost has an error of its own (503")
        assert office.health == [
            (HOOK, NOON_MS, "localhost has an error of its own (500 Internal Server Error)."),
            (HOOK, NOON_MS, "localhost has an error of its own (503 Service Unavailable)."),
            (HOOK, None, ""),
        ]

    with_office(tmp_path, check, [Answer(500), Answer(503), Answer(200)])


def test_message_that_is_refused_for_good_lets_the_next_go_on(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("the channel hook does not deliver")

    async def check(office: Office) -> None:
        office.outbox.put(posts(2))
        first, second = await office.done(2)
        assert (first.state, first.tries) == (DeliveryState.REFUSED, REFUSALS)
        assert second.state is DeliveryState.SENT

    with_office(tmp_path, check, [*([Answer(400)] * REFUSALS), Answer(200)])


def test_what_nobody_here_could_show_waits_a_little_and_is_dropped_without_a_complaint(tmp_path: Path) -> None:
    class Absent:
        has_come = False
        shown: list[Post] = []  # noqa: RUF012 - one test, one list

        async def send(self, post: Post, now_ms: int) -> None:
            if not self.has_come:
                raise ChannelError("This desktop shows nothing.", "Look elsewhere.", is_absent=True)
            self.shown.append(post)

    async def check(office: Office) -> None:
        office.senders[HOOK] = absent = Absent()
        office.outbox.put(posts(1))
        await until(lambda: len(office.changes) > 3)
        office.clock.advance(ABSENT_MS + 1)
        (dropped,) = await office.done(1)
        assert (dropped.state, dropped.error) == (DeliveryState.DROPPED, "This desktop shows nothing. Look elsewhere.")
        second = replace(posts(2)[1], at_ms=office.clock.now_ms())
        office.outbox.put([second])
        await until(lambda: office.changes[-1].tries > 3)
        absent.has_come = True
        office.outbox.renew(HOOK)
        found = await office.done(2)
        assert found[1].state is DeliveryState.SENT and absent.shown == [second]
        assert office.health == []

    with_office(tmp_path, check)


def test_what_could_not_be_sent_for_a_day_is_given_up(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("does not deliver")

    async def check(office: Office) -> None:
        office.outbox.put(posts(1))
        await until(lambda: len(office.changes) > 2)
        office.clock.advance(GIVE_UP_MS + 1)
        (only,) = await office.done(1)
        assert only.state is DeliveryState.EXPIRED
        assert only.error.startswith("localhost has an error of its own")

    with_office(tmp_path, check, [Answer(500)])


def test_outage_that_is_over_before_it_could_be_told_is_one_late_message(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("does not deliver")

    async def check(office: Office) -> None:
        play = Play(rule(HOOK), channels=[hook(gather_s=0)])
        play.down(incident(3))
        office.outbox.put(play.posts)
        await until(lambda: len(office.changes) > 1)
        play.at(360_000)
        office.clock.advance(360_000)
        office.outbox.put(play.up(incident(3)))
        await until(lambda: office.outbox.waiting[HOOK] == 2)
        office.receiver.answers = [Answer(200)]
        begun, ended = await office.done(2)
        assert (begun.state, ended.state) == (DeliveryState.FOLDED, DeliveryState.SENT)
        body = office.receiver.requests[-1].json
        assert (body["event"], body["is_late"], body["duration_ms"]) == ("resolved", True, 360_000)
        assert body["title"].startswith("site3 was offline")

    with_office(tmp_path, check, [Answer(500)])


def test_one_channel_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    class Hanging:
        async def send(self, post: Post, now_ms: int) -> None:
            await asyncio.Event().wait()

    async def check(office: Office) -> None:
        office.senders[OTHER] = Hanging()
        office.outbox.set_channels([hook(), Channel(OTHER, ChannelKind.WEBHOOK, "other")])
        office.outbox.put([*posts(1, OTHER), *posts(2)])
        await office.done(2)
        assert office.outbox.waiting == {HOOK: 0, OTHER: 1}

    with_office(tmp_path, check)


def test_what_waits_for_a_channel_that_is_removed_is_dropped(tmp_path: Path) -> None:
    async def check(office: Office) -> None:
        office.receiver.answers = [Answer(hangs=True)]
        office.outbox.put(posts(2))
        await until(lambda: bool(office.receiver.requests))
        office.outbox.set_channels([])
        office.outbox.put(posts(1))
        found = await office.done(3)
        assert {one.state for one in found} == {DeliveryState.DROPPED}

    with_office(tmp_path, check)


def test_without_a_desktop_notifications_are_dropped_with_the_reason(tmp_path: Path) -> None:
    async def check(office: Office) -> None:
        office.senders[DESKTOP] = None
        office.outbox.set_channels([Channel(DESKTOP, ChannelKind.DESKTOP, "This desktop")])
        office.outbox.put(posts(1, DESKTOP))
        await until(lambda: any(one.tries for one in office.changes))
        office.clock.advance(ABSENT_MS + 1)
        (only,) = await office.done(1)
        assert (only.state, only.error) == (DeliveryState.DROPPED, "There was no desktop to show it on.")

    with_office(tmp_path, check)


def test_another_life_goes_on_with_what_was_not_delivered(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("does not deliver")

    async def check(office: Office) -> None:
        some = posts(3)
        office.outbox.put(some)
        await until(lambda: len(office.changes) > 0)
        await office.outbox.stop()
        await office.store.save_deliveries([Delivery(post) for post in some[1:]])
        office.changes.clear()
        office.receiver.answers = [Answer(200)]
        office.receiver.requests.clear()
        office.open()
        await office.outbox.start([hook()], (await office.store.alert_memory()).waiting)
        found = await office.done(3)
        assert keys(office.receiver) == [post.key for post in some]
        assert found[0].tries > 1

    with_office(tmp_path, check, [Answer(500)])


def test_full_disk_holds_up_no_message_and_is_made_up_for(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("deliveries could not be kept: The disk is full.")

    class FullStore:
        is_full = True

        def __init__(self, store: Store) -> None:
            self._store = store

        async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
            if self.is_full:
                raise StorageFull("The disk is full.")
            await self._store.save_deliveries(deliveries)

    async def check(office: Office) -> None:
        await office.outbox.stop()
        store = office.store
        full = FullStore(store)
        office.store = full  # type: ignore[assignment]
        office.open()
        await office.outbox.start([hook()], [])
        some = posts(2)
        office.outbox.put(some)
        await until(lambda: len(office.receiver.requests) == 2)
        assert await store.deliveries() == []
        full.is_full = False
        await until(lambda: sum(one.done_at_ms is not None for one in office.changes) == 2)
        await office.outbox.settle()
        assert [one.key for one in await store.deliveries()] == [post.key for post in some[::-1]]
        assert not office.outbox.has_unsaved

    with_office(tmp_path, check)


def test_fault_of_ours_in_a_channel_is_logged_and_tried_again(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("the channel webhook failed by a fault of Pingmon's own")

    class Faulty:
        tries = 0

        async def send(self, post: Post, now_ms: int) -> None:
            self.tries += 1
            if self.tries == 1:
                raise KeyError("a bug")

    async def check(office: Office) -> None:
        office.senders[HOOK] = Faulty()
        office.outbox.put(posts(1))
        asyncio.get_running_loop().call_later(0.05, office.outbox.hurry)
        (only,) = await office.done(1)
        assert only.state is DeliveryState.SENT

    with_office(tmp_path, check)


def test_errors_of_channels_are_final_or_not() -> None:
    assert ChannelError("x", is_refusal=True).is_refusal and not ChannelError("x").is_refusal


#: Makes 60 outages, one after the other; keeps and sends each as the policy does. Ends when all is delivered.
_LIFE = """
import asyncio, sys, time
from pathlib import Path
from pingmon_gui.alerts.outbox import Outbox
from pingmon_gui.alerts.webhook import WebhookSender
from pingmon_gui.domain.alert_change import change_of
from pingmon_gui.domain.alert_channel import ChannelSecret
from pingmon_gui.domain.alert_decision import decide
from pingmon_gui.domain.alert_news import of_incident
from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.alert_state import Surroundings
from pingmon_gui.store.store import Store
from tests.domain.alert_play import HOOK, hook, incident, rule
from tests.engine.fakes import monitor

def now_ms():
    return time.time_ns() // 1_000_000

async def sender(channel):
    return WebhookSender(channel, ChannelSecret(sys.argv[2]))

async def main():
    store = Store.open(Path(sys.argv[1]), now_ms=now_ms)
    channel = hook(gather_s=0)
    outbox = Outbox(store, sender, now_ms, on_health=lambda *_: None, on_delivery=lambda _: None)
    memory = await store.alert_memory()
    await outbox.start([channel], memory.waiting)
    state, around = memory.state, Surroundings(AlertBook((rule(HOOK),), {HOOK: channel}))
    for number in range(len(state.matters), 60):
        news = of_incident(incident(1 + number, failure=f"f{number}"), monitor(1 + number))
        decision = decide(state, [news], now_ms(), around)
        await store.record_alerts(change_of(state, decision))
        print(*(post.key for post in decision.posts), flush=True)
        state = decision.state
        outbox.put(decision.posts)
        await asyncio.sleep(0.003)
    while outbox.waiting[HOOK]:
        await asyncio.sleep(0.01)
    await outbox.stop()
    await store.close()

asyncio.run(main())
"""


@pytest.mark.lengthy
def test_kills_at_random_moments_lose_nothing_and_double_only_under_the_same_key(tmp_path: Path) -> None:
    chance = random.Random(20261128)
    path = tmp_path / "pingmon.db"

    async def main() -> tuple[list[str], list[str], int]:
        said: list[str] = []
        kills = 0
        async with receiving() as receiver:
            while True:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-c",
                    _LIFE,
                    str(path),
                    receiver.url,
                    stdout=subprocess.PIPE,
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'probes'}"},
                )
                assert process.stdout is not None
                before = len(receiver.requests)
                if kills < 5:
                    # So many messages after its start, and a moment more.
                    wanted = before + chance.randrange(1, 8)
                    while len(receiver.requests) < wanted and process.returncode is None:  # noqa: ASYNC110
                        await asyncio.sleep(0.002)
                    await asyncio.sleep(chance.random() * 0.02)
                    if process.returncode is None:
                        os.kill(process.pid, signal.SIGKILL)
                        kills += 1
                output, _ = await process.communicate()
                said += output.decode().split()
                if process.returncode == 0:
                    return said, keys(receiver), kills

    said, received, kills = asyncio.run(main())
    first = list(dict.fromkeys(received))
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT key, state FROM delivery ORDER BY place").fetchall()
    connection.close()
    assert kills == 5
    assert {state for _key, state in rows} == {int(DeliveryState.SENT)}
    # Whatever was decided and kept arrived, in that order; a kill doubled at most the one message under way.
    assert first == [key for key, _state in rows]
    assert set(said) <= set(first) and len(first) == 60
    assert len(received) - len(first) <= kills
    assert json.dumps(first)
