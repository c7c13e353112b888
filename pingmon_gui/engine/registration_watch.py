"""The registration watch: has registries asked until when names are registered, and notes what they say.

Nobody is asked but about names of domains that an enabled rule about registrations is for, about each at most once a
day, one at a time. What is due to be asked is told only after that: it may have been renewed while nobody looked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pingmon_gui.domain.alert import Closing, MatterKey
from pingmon_gui.domain.alert_news import RegistrationFact, of_registration
from pingmon_gui.domain.alert_rule import AlertKind, AlertRule
from pingmon_gui.domain.alert_state import MatterNews
from pingmon_gui.domain.error import RegistryError, StorageError
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.registration import DAY_MS, Registration, RegistryPause, registered_name
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.event import EventHub, RegistrationsChanged
from pingmon_gui.engine.port import RegistrationStorePort, RegistryPort

_log = logging.getLogger(__name__)

#: Between two questions, to whomever: a thousand names take an hour and a half.
PACE_S = 5.0
#: So many names are looked at in a second.
A_LOOK = 20
#: Further ahead than the earliest threshold that a rule can have, nobody has to know.
AHEAD_MS = 366 * DAY_MS
#: Where nothing could be kept, nobody is asked for so long: after a restart they would be asked again.
UNKEPT_S = 600.0
#: The pause that holds for all: the list of registries, without which nobody knows whom to ask.
_LIST = ""


class RegistrationWatch:
    """`look` is called about once a second and wakes `run`, which asks and never ends by itself."""

    def __init__(
        self, board: Board, hub: EventHub, clock: Clock, store: RegistrationStorePort, registry: RegistryPort
    ) -> None:
        self._board = board
        self._hub = hub
        self._clock = clock
        self._store = store
        self._registry = registry
        self._known: dict[str, Registration] = {}
        self._pauses: dict[str, RegistryPause] = {}
        self._told: dict[str, RegistrationFact] = {}
        self._monitors_of: dict[str, tuple[MonitorId, ...]] = {}
        self._wanted: frozenset[str] = frozenset()
        self._names: list[str] = []
        #: The rules that names were found by; None while they have to be found anew.
        self._rules: Sequence[AlertRule] | None = None
        self._answered: set[str] = set()
        self._asking = ""
        self._next = 0
        self._next_s = 0.0
        self._wake = asyncio.Event()

    async def start(self, rules: Sequence[AlertRule], told: Iterable[RegistrationFact]) -> None:
        """Take over what is kept, and what was told of. Raises StorageError."""
        memory = await self._store.registrations()
        self._known = dict(memory.registrations)
        self._pauses = dict(memory.pauses)
        self._told = {fact.name: fact for fact in told}
        self._find_names(rules)

    def monitors_changed(self) -> None:
        """Names may have come or gone."""
        self._rules = None

    def _find_names(self, rules: Sequence[AlertRule]) -> None:
        """Find out which names there are, and about which of them a rule wants to know."""
        self._rules = rules
        wanting = [rule for rule in rules if rule.is_enabled and AlertKind.REGISTRATION in rule.kinds]
        if not wanting and not self._known and not self._told:
            self._monitors_of, self._wanted, self._names = {}, frozenset(), []
            return
        found: dict[str, list[MonitorId]] = {}
        wanted = set()
        for id_, monitor in self._board.monitors.items():
            name = registered_name(monitor.url)
            if name is None:
                continue
            found.setdefault(name, []).append(id_)
            tags = frozenset(tag.casefold() for tag in monitor.tags)
            if any(rule.scope.holds(id_, tags) for rule in wanting):
                wanted.add(name)
        self._monitors_of = {name: tuple(ids) for name, ids in found.items()}
        self._wanted = frozenset(wanted)
        self._names = sorted(self._monitors_of.keys() | self._told.keys())

    def of(self, monitor: MonitorId) -> Registration | None:
        """Return what is known of a monitor's name; None where it has none, or nobody wants to know."""
        found = self._board.monitors.get(monitor)
        # Without a name that was ever of interest the list of suffixes need not be read.
        name = None if found is None or not self._monitors_of else registered_name(found.url)
        if name is None:
            return None
        return self._known.get(name) or (Registration(name) if name in self._wanted else None)

    @property
    def facts(self) -> tuple[RegistrationFact, ...]:
        """What is known of ends, however far ahead."""
        now_ms = self._clock.now_ms()
        return tuple(
            _fact(one, self._monitors_of[name], now_ms)
            for name, one in self._known.items()
            if one.expires_at_ms is not None and name in self._monitors_of
        )

    def is_settled(self, key: MatterKey, now_ms: int) -> bool:
        """Whether what is told of a name is what its registry said last, or it cannot be asked again just now."""
        name = RegistrationFact.of_key(key, ()).name
        return name not in self._answered and not self._is_due(name, now_ms)

    # News

    def look(self, rules: Sequence[AlertRule], now_ms: int, *, may_ask: bool) -> list[MatterNews]:
        """Look at the next few names, and at those that were answered about; return what is new, otherwise, or gone."""
        if self._rules != rules:
            self._find_names(rules)
        some = {*self._names[self._next : self._next + A_LOOK], *self._answered}
        self._next = self._next + A_LOOK if self._next + A_LOOK < len(self._names) else 0
        self._answered = set()
        if may_ask and self._clock.monotonic_s() >= self._next_s and not self._asking:
            self._next_s = self._clock.monotonic_s() + PACE_S
            if self._next_due(now_ms) is not None or self._gone(now_ms):
                self._wake.set()
        return [news for name in some for news in self._news(name, now_ms)]

    def _news(self, name: str, now_ms: int) -> list[MatterNews]:
        told, fact = self._told.get(name), self._fact(name, now_ms)
        if told == fact:
            return []
        news = []
        if told is not None and (fact is None or fact.key != told.key):
            news.append(of_registration(told, now_ms, self._closing(told)))
        if fact is None:
            self._told.pop(name, None)
        else:
            self._told[name] = fact
            news.append(of_registration(fact))
        return news

    def _fact(self, name: str, now_ms: int) -> RegistrationFact | None:
        """Return what is to be told of a name, None if there is nothing."""
        monitors = self._monitors_of.get(name, ())
        if not monitors or name not in self._wanted:
            return None
        known = self._known.get(name)
        if known is None or self._is_due(name, now_ms):
            told = self._told.get(name)
            return None if told is None else replace(told, monitors=monitors)
        is_near = known.expires_at_ms is not None and known.expires_at_ms < now_ms + AHEAD_MS
        return _fact(known, monitors, now_ms) if is_near else None

    def _closing(self, told: RegistrationFact) -> Closing:
        """Return why what was told of a name holds no longer."""
        if told.name not in self._monitors_of:
            return Closing.REMOVED
        if told.name not in self._wanted:
            return Closing.PAUSED
        known = self._known.get(told.name)
        is_later = known is not None and (known.expires_at_ms or 0) > told.until_ms
        return Closing.RENEWED if is_later else Closing.WITHDRAWN

    # Asking

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            now_ms = self._clock.now_ms()
            try:
                if gone := self._gone(now_ms):
                    await self._store.forget_registrations(gone)
                    self._known = {name: one for name, one in self._known.items() if name not in gone}
                if (name := self._next_due(now_ms)) is not None:
                    await self._ask(name)
            except StorageError as exc:
                _log.warning("registries are not asked, as that could not be noted: %s", exc)
                self._next_s = self._clock.monotonic_s() + UNKEPT_S
            finally:
                self._asking = ""

    async def _ask(self, name: str) -> None:
        self._asking = name
        now_ms = self._clock.now_ms()
        before = asked = self._known.get(name, Registration(name))
        try:
            before = replace(before, server=await self._registry.server_of(name))
            if self._is_paused(before.server, now_ms):
                waiting = replace(before, problem=f"{before.server} wants a pause; it is asked after that.")
                self._note(waiting)
                await self._store.save_registration(waiting)
                return
            # Noted before it is done: whatever happens, the next question is a day away.
            asked = replace(before, asked_at_ms=now_ms)
            await self._store.save_registration(asked)
            self._known[name] = asked
            answer = await self._registry.ask(name)
        except RegistryError as exc:
            _log.info("the registration of %s could not be asked for: %s", name, exc)
            pause = RegistryPause.after(self._pauses.get(exc.server), self._clock.now_ms(), exc.wait_ms)
            after = replace(asked if exc.is_asked else before, problem=exc.message)
            self._note(after)
            self._pauses[exc.server] = pause
            await self._store.save_registration(after, exc.server, pause)
        else:
            after = before.answered(answer, now_ms)
            self._note(after)
            for server in (after.server, _LIST):
                self._pauses.pop(server, None)
            await self._store.save_registration(after, after.server)

    def _note(self, known: Registration) -> None:
        self._known[known.name] = known
        self._answered.add(known.name)
        self._next_s = self._clock.monotonic_s() + PACE_S
        self._hub.publish(RegistrationsChanged(self._monitors_of.get(known.name, ())))

    def _is_due(self, name: str, now_ms: int) -> bool:
        if name not in self._wanted:
            return False
        if name == self._asking:
            return True
        known = self._known.get(name, Registration(name))
        return known.is_due(now_ms) and not any(self._is_paused(one, now_ms) for one in (_LIST, known.server))

    def _is_paused(self, server: str, now_ms: int) -> bool:
        pause = self._pauses.get(server)
        return pause is not None and pause.is_on(now_ms)

    def _next_due(self, now_ms: int) -> str | None:
        """Return whom to ask about next: the name that was asked about longest ago."""
        due = (name for name in self._wanted if self._is_due(name, now_ms))
        return min(due, key=lambda name: (self._known.get(name, Registration(name)).asked_at_ms, name), default=None)

    def _gone(self, now_ms: int) -> list[str]:
        """Return names that nobody watches any more; not before they may be asked about again: one may come back."""
        return [name for name, one in self._known.items() if name not in self._monitors_of and one.is_due(now_ms)]


def _fact(known: Registration, monitors: tuple[MonitorId, ...], now_ms: int) -> RegistrationFact:
    assert known.expires_at_ms is not None
    has_ended = known.expires_at_ms <= now_ms
    return RegistrationFact(known.name, known.expires_at_ms, monitors, known.registrar, has_ended)
