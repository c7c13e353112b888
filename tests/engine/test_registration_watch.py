"""The watch of registrations: who is asked when, how often over restarts, and what is told of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.alert import Post
from pingmon_gui.domain.alert_channel import DESKTOP
from pingmon_gui.domain.alert_news import of_network
from pingmon_gui.domain.alert_rule import DAY_MS, HOUR_MS, AlertKind, AlertRule, RuleId, first_book
from pingmon_gui.domain.alert_words import alert_text
from pingmon_gui.domain.error import RegistryError, StorageFull
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.registration import Registration, RegistryAnswer, RegistryPause
from pingmon_gui.domain.scope import Scope
from pingmon_gui.engine.alert_policy import AlertPolicy
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import EventHub, MonitorsChanged, RegistrationsChanged, TimePassed
from pingmon_gui.engine.registration_watch import RegistrationWatch
from tests.conftest import ExpectLog
from tests.engine.fakes import START_MS, FakeClock, FakeStore, monitor, voting

RULE = AlertRule(RuleId(20), "Names", frozenset((AlertKind.REGISTRATION,)), (DESKTOP,))
FAR_MS = START_MS + 300 * DAY_MS


def site(number: int, name: str = "example.com") -> Monitor:
    return monitor(number, url=f"https://site{number}.{name}/")


@dataclass
class Registry:
    """`ends` are the answers: a time, a sentence, or an error. `asked` has who was asked about, and when."""

    clock: FakeClock
    ends: dict[str, int | str | RegistryError] = field(default_factory=dict)
    asked: list[tuple[int, str]] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def server_of(self, name: str) -> str:
        end = self.ends.get(name)
        if isinstance(end, RegistryError) and not end.server:
            raise end
        return f"rdap.{name.rpartition('.')[2]}"

    async def ask(self, name: str) -> RegistryAnswer:
        self.asked.append((self.clock.now_ms(), name))
        await self.may_answer.wait()
        end = self.ends.get(name, FAR_MS)
        if isinstance(end, RegistryError):
            raise end
        server = await self.server_of(name)
        if isinstance(end, str):
            return RegistryAnswer(server=server, problem=end)
        return RegistryAnswer(end, "R", f"https://{server}/domain/{name}", server)

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.asked]


class World:
    """An app that can be ended and started again; `store` is what it keeps."""

    def __init__(self, *monitors: Monitor, rule: AlertRule = RULE) -> None:
        self.clock = FakeClock()
        self.registry = Registry(self.clock)
        self.store = FakeStore(*monitors)
        book = first_book()
        self.store.book = replace(book, rules=(rule,))
        self.posts: list[Post] = []
        self.heard: list[RegistrationsChanged] = []

    async def start(self) -> None:
        self.hub, self.board = EventHub(), Board(self.clock)
        self.board.set_probes([voting()])
        self.board.put_monitors(self.store.kept.monitors)
        self.watch = RegistrationWatch(self.board, self.hub, self.clock, self.store, self.registry)
        outlet = self.posts.extend
        self.policy = AlertPolicy(self.store, self.board, self.hub, self.clock, outlet, registrations=self.watch)
        await self.policy.start()
        self.hub.subscribe(lambda event: self.heard.append(event) if isinstance(event, RegistrationsChanged) else None)
        self._run = asyncio.create_task(self.watch.run())

    async def stop(self) -> None:
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)
        await self.policy.stop()

    async def pass_ms(self, ms: int, step_ms: int = 6_000) -> None:
        until_ms = self.clock.now_ms() + ms
        while self.clock.now_ms() < until_ms:
            self.clock.advance(min(step_ms, until_ms - self.clock.now_ms()))
            self.hub.publish(TimePassed())
            for _ in range(10):
                await asyncio.sleep(0)
            await self.policy.step()

    async def set_rules(self, *rules: AlertRule) -> None:
        await self.policy.change_book(replace(self.policy.book, rules=rules))

    def titles(self) -> list[str]:
        return [alert_text(post, post.at_ms).title for post in self.posts]


def live(world: Callable[[], World], check: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        made = world()
        await made.start()
        await check(made)
        await made.stop()

    asyncio.run(main())


def test_each_name_is_asked_about_once_a_day_one_after_the_other() -> None:
    async def check(world: World) -> None:
        await world.pass_ms(60_000, 1_000)
        assert sorted(world.registry.names) == ["example.com", "example.org"]
        times = [at_ms for at_ms, _ in world.registry.asked]
        assert times[1] - times[0] >= 5_000
        await world.pass_ms(DAY_MS - 120_000, HOUR_MS)
        assert len(world.registry.asked) == 2
        await world.pass_ms(HOUR_MS, 60_000)
        assert len(world.registry.asked) == 4
        assert {one.monitors for one in world.heard} == {(MonitorId(2), MonitorId(3)), (MonitorId(4),)}

    live(lambda: World(site(2), site(3), site(4, "example.org"), monitor(5), monitor(6, url="http://10.0.0.1/")), check)


def test_nobody_is_asked_before_a_rule_wants_it_nor_about_domains_that_it_is_not_for() -> None:
    async def check(world: World) -> None:
        await world.pass_ms(60_000)
        assert world.registry.asked == [] and world.watch.of(MonitorId(2)) is None
        alone = replace(RULE, scope=Scope(False, monitors=frozenset((MonitorId(3),))))
        await world.set_rules(alone)
        await world.pass_ms(60_000)
        assert world.registry.names == ["example.org"]
        assert world.watch.of(MonitorId(2)) is None
        known = world.watch.of(MonitorId(3))
        assert known is not None and (known.expires_at_ms, known.registry) == (FAR_MS, "rdap.org")
        await world.set_rules(replace(alone, is_enabled=False))
        await world.pass_ms(3 * DAY_MS, HOUR_MS)
        assert world.registry.names == ["example.org"]

    live(lambda: World(site(2), site(3, "example.org"), rule=replace(RULE, is_enabled=False)), check)


def test_nobody_is_asked_while_this_computer_is_offline() -> None:
    async def check(world: World) -> None:
        since_ms = world.clock.now_ms()
        world.policy._put(of_network(since_ms))
        await world.policy.step()
        await world.pass_ms(HOUR_MS, 60_000)
        assert world.registry.asked == []
        world.policy._put(of_network(since_ms, world.clock.now_ms()))
        await world.pass_ms(60_000)
        assert world.registry.names == ["example.com"]

    live(lambda: World(site(2)), check)


def test_registry_that_wants_a_pause_has_it_also_over_a_restart_while_others_are_asked() -> None:
    async def check(world: World) -> None:
        error = RegistryError("Too often.", server="rdap.com", wait_ms=3 * DAY_MS)
        world.registry.ends["example.com"] = error
        await world.pass_ms(60_000)
        assert sorted(world.registry.names) == ["example.com", "example.org"]
        known = world.watch.of(MonitorId(2))
        assert known is not None and (known.problem, known.expires_at_ms) == ("Too often.", None)
        await world.stop()
        await world.start()
        await world.pass_ms(2 * DAY_MS + HOUR_MS, HOUR_MS // 2)
        assert world.registry.names.count("example.com") == 1 and world.registry.names.count("example.org") == 3
        world.registry.ends["example.com"] = FAR_MS
        await world.pass_ms(DAY_MS, HOUR_MS // 2)
        assert world.registry.names.count("example.com") == 2 and world.store.pauses == {}

    live(lambda: World(site(2), site(3, "example.org")), check)


def test_names_that_were_never_asked_about_wait_for_the_pause_of_their_registry_too() -> None:
    async def check(world: World) -> None:
        wait = RegistryError("Too often.", server="rdap.com", wait_ms=5 * HOUR_MS)
        world.registry.ends = {"a.com": wait}
        await world.pass_ms(4 * HOUR_MS, 60_000)
        assert world.registry.names == ["a.com", "z.org"]
        known = world.watch.of(MonitorId(3))
        assert known is not None and known.problem == "rdap.com wants a pause; it is asked after that."
        await world.pass_ms(2 * HOUR_MS, 60_000)
        assert world.registry.names == ["a.com", "z.org", "b.com", "c.com"]

    live(lambda: World(site(2, "a.com"), site(3, "b.com"), site(4, "c.com"), site(5, "z.org")), check)


def test_without_the_list_of_registries_nobody_is_asked_about_anything() -> None:
    async def check(world: World) -> None:
        world.registry.ends = {"a.com": RegistryError("No list.", is_asked=False)}
        await world.pass_ms(HOUR_MS - 60_000, 60_000)
        known = world.watch.of(MonitorId(2))
        assert world.registry.asked == [] and known is not None and known.problem == "No list."
        world.registry.ends = {}
        await world.pass_ms(HOUR_MS, 60_000)
        assert sorted(world.registry.names) == ["a.com", "b.org"] and world.store.pauses == {}

    live(lambda: World(site(2, "a.com"), site(3, "b.org")), check)


def test_registry_that_is_not_reached_was_not_asked_and_is_tried_again_with_growing_pauses() -> None:
    async def check(world: World) -> None:
        world.registry.ends["example.com"] = RegistryError("Not reached.", server="rdap.com", is_asked=False)
        await world.pass_ms(8 * HOUR_MS, 60_000)
        hours = [round((at_ms - START_MS) / HOUR_MS) for at_ms, _ in world.registry.asked]
        assert hours == [0, 1, 3, 7]
        world.registry.ends["example.com"] = FAR_MS
        await world.pass_ms(16 * HOUR_MS, 60_000)
        assert len(world.registry.asked) == 5 and world.store.names["example.com"].problem == ""

    live(lambda: World(site(2)), check)


def test_alert_comes_once_at_each_threshold_over_restarts_and_ends_with_the_renewal() -> None:
    async def check(world: World) -> None:
        until_ms = world.clock.now_ms() + 33 * DAY_MS
        world.registry.ends["example.com"] = until_ms
        for _ in range(33):
            await world.pass_ms(DAY_MS, HOUR_MS)
            await world.stop()
            await world.start()
        assert world.titles() == ["Registration ends soon: example.com"] * 5
        assert [post.items[0].level for post in world.posts] == [30, 14, 7, 3, 1]
        assert world.posts[0].items[0].monitors == (MonitorId(2), MonitorId(3))
        world.registry.ends["example.com"] = until_ms + 365 * DAY_MS
        await world.pass_ms(DAY_MS + HOUR_MS, HOUR_MS)
        assert world.titles()[5:] == ["Registration renewed: example.com"]
        await world.pass_ms(2 * DAY_MS, HOUR_MS)
        assert len(world.posts) == 6

    live(lambda: World(site(2), site(3)), check)


def test_what_was_renewed_while_the_app_was_closed_is_not_told_as_ending() -> None:
    async def check(world: World) -> None:
        until_ms = world.clock.now_ms() + 20 * DAY_MS
        world.registry.ends["example.com"] = until_ms
        await world.pass_ms(60_000)
        assert len(world.posts) == 1
        await world.stop()
        world.clock.advance(18 * DAY_MS)
        world.registry.ends["example.com"] = until_ms + 365 * DAY_MS
        await world.start()
        await world.pass_ms(60_000)
        assert world.titles()[1:] == ["Registration renewed: example.com"]

    live(lambda: World(site(2)), check)


def test_what_is_due_is_told_when_its_registry_cannot_be_asked_either() -> None:
    async def check(world: World) -> None:
        world.registry.ends["example.com"] = world.clock.now_ms() + 20 * DAY_MS
        await world.pass_ms(60_000)
        world.registry.ends["example.com"] = RegistryError("Broken.", server="rdap.com")
        await world.pass_ms(10 * DAY_MS, HOUR_MS)
        assert [post.items[0].level for post in world.posts] == [30, 14]

    live(lambda: World(site(2)), check)


def test_name_goes_with_its_last_monitor_and_comes_back_with_it_without_being_asked_again() -> None:
    async def check(world: World) -> None:
        one = site(2)
        world.registry.ends["example.com"] = world.clock.now_ms() + 10 * DAY_MS
        await world.pass_ms(60_000)
        world.board.remove_monitors([one.id])
        world.hub.publish(MonitorsChanged(removed=(one.id,)))
        await world.pass_ms(60_000)
        assert world.titles()[1:] == ["No longer watched: example.com"]
        world.board.put_monitors([one])
        world.hub.publish(MonitorsChanged(added=(one.id,)))
        await world.pass_ms(60_000)
        assert len(world.registry.asked) == 1 and world.titles()[2:] == ["Registration ends soon: example.com"]
        world.board.remove_monitors([one.id])
        world.hub.publish(MonitorsChanged(removed=(one.id,)))
        await world.pass_ms(DAY_MS, HOUR_MS)
        assert world.store.names == {} and len(world.registry.asked) == 1

    live(lambda: World(site(2)), check)


def test_domain_that_gets_another_address_or_tag_is_asked_about_by_that() -> None:
    async def check(world: World) -> None:
        await world.pass_ms(60_000)
        assert world.registry.names == []
        tagged = replace(site(2), tags=("Shop",))
        world.board.put_monitors([tagged])
        world.hub.publish(MonitorsChanged(changed=(tagged.id,)))
        await world.pass_ms(60_000)
        assert world.registry.names == ["example.com"]
        moved = replace(tagged, url="https://example.org/")
        world.board.put_monitors([moved])
        world.hub.publish(MonitorsChanged(changed=(moved.id,)))
        await world.pass_ms(60_000)
        assert world.registry.names == ["example.com", "example.org"]

    live(lambda: World(site(2), rule=replace(RULE, scope=Scope(False, frozenset(("shop",))))), check)


def test_rule_that_is_switched_off_ends_what_it_told() -> None:
    async def check(world: World) -> None:
        world.registry.ends["example.com"] = world.clock.now_ms() + 10 * DAY_MS
        await world.pass_ms(60_000)
        await world.set_rules(replace(RULE, is_enabled=False), replace(RULE, id=RuleId(21), kinds=frozenset(("slow",))))
        await world.pass_ms(60_000)
        assert world.policy._state.matters == {}
        assert world.watch.of(MonitorId(2)) is not None

    live(lambda: World(site(2)), check)


def test_question_that_could_not_be_noted_is_not_asked(expect_log: ExpectLog) -> None:
    expect_log("registries are not asked, as that could not be noted: The disk is full.")

    class FullStore(FakeStore):
        is_full = True

        async def save_registration(
            self, one: Registration, server: str | None = None, pause: RegistryPause | None = None
        ) -> None:
            if self.is_full:
                raise StorageFull("The disk is full.")
            await super().save_registration(one, server, pause)

    def world() -> World:
        made = World(site(2))
        store = FullStore(site(2))
        store.book, made.store = made.store.book, store
        return made

    async def check(world: World) -> None:
        await world.pass_ms(60_000)
        assert world.registry.asked == []
        world.store.is_full = False  # type: ignore[attr-defined]
        await world.pass_ms(700_000)
        assert world.registry.names == ["example.com"]

    live(world, check)


def test_end_in_the_middle_of_a_question_costs_no_second_one() -> None:
    async def check(world: World) -> None:
        world.registry.may_answer.clear()
        await world.pass_ms(60_000)
        assert world.registry.names == ["example.com"]
        await world.stop()
        world.registry.may_answer.set()
        await world.start()
        await world.pass_ms(DAY_MS - HOUR_MS, HOUR_MS)
        assert world.registry.names == ["example.com"]
        await world.pass_ms(2 * HOUR_MS, HOUR_MS)
        assert world.registry.names == ["example.com"] * 2

    live(lambda: World(site(2)), check)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("pass", "restart", "fail", "unreached", "well", "wait", "off", "on")), st.integers(1, 40)
    ),
    max_size=12,
)


@given(STEPS)
def test_no_name_is_ever_asked_about_twice_in_a_day(steps: list[tuple[str, int]]) -> None:
    errors = {
        "fail": RegistryError("Broken.", server="rdap.com"),
        "wait": RegistryError("Wait.", server="rdap.com", wait_ms=50 * HOUR_MS),
        "unreached": RegistryError("Not reached.", server="rdap.com", is_asked=False),
    }

    async def check(world: World) -> None:
        reached: list[tuple[int, str]] = []
        for step, hours in steps:
            before = len(world.registry.asked)
            if step in errors or step == "well":
                world.registry.ends = dict.fromkeys(("a.com", "b.com"), errors.get(step, FAR_MS))
            elif step == "restart":
                await world.stop()
                world.clock.advance(hours * HOUR_MS)
                await world.start()
            elif step in ("off", "on"):
                await world.set_rules(replace(RULE, is_enabled=step == "on"))
            await world.pass_ms(hours * HOUR_MS, HOUR_MS)
            if world.registry.ends.get("a.com") is not errors["unreached"]:
                reached += world.registry.asked[before:]
        for name in ("a.com", "b.com"):
            times = [at_ms for at_ms, asked in reached if asked == name]
            assert all(later - earlier >= DAY_MS for earlier, later in itertools.pairwise(times))

    live(lambda: World(site(2, "a.com"), site(3, "b.com")), check)
