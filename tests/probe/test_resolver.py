"""The resolver's pool: threads on demand, times taken inside them, nothing unbounded."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Iterator, List

import pytest
from pingmon_probe import resolver as resolver_module
from pingmon_probe.loop import Loop
from pingmon_probe.resolver import Lookup, Resolver, numeric_address

ANSWER = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def resolve_all(loop: Loop, resolver: Resolver, names: List[str], family: int = 0) -> List[Lookup]:
    done: List[Lookup] = []

    def take(lookup: Lookup) -> None:
        done.append(lookup)
        if len(done) == len(names):
            loop.stop()

    for name in names:
        assert resolver.resolve(name, 80, family, take) is not None
    loop.run()
    resolver.close()
    return done


def test_resolver_times_inside_the_thread(loop: Loop) -> None:
    def slow(*arguments: Any) -> Any:
        time.sleep(0.02)
        return ANSWER

    for lookup in resolve_all(loop, Resolver(loop, 2, slow), ["a", "b", "c", "d"]):
        assert lookup.started_s is not None and lookup.finished_s is not None
        # With two threads, two names wait for 20 ms: that wait is not in their own time.
        assert lookup.finished_s - lookup.started_s >= 0.0199
        assert lookup.addresses == [(socket.AF_INET, ("192.0.2.1", 80))]


def test_resolver_uses_no_more_threads_than_it_may(loop: Loop) -> None:
    seen = set()

    def note(*arguments: Any) -> Any:
        seen.add(threading.get_ident())
        time.sleep(0.002)
        return ANSWER

    resolve_all(loop, Resolver(loop, 3, note), ["a"] * 30)
    assert 1 <= len(seen) <= 3


def test_resolver_that_is_asked_one_by_one_keeps_one_thread(loop: Loop) -> None:
    resolver = Resolver(loop, 8, lambda *arguments: ANSWER)
    for _ in range(5):
        resolver.resolve("a", 80, 0, lambda lookup: loop.stop())
        loop.run()
        until_s = time.monotonic() + 10
        while resolver._idle != resolver._threads and time.monotonic() < until_s:
            time.sleep(0.001)
    assert resolver._threads == 1
    resolver.close()


@pytest.mark.parametrize("name", ["a..b", "x" * 300, "", "a\0b"])
def test_resolver_impossible_names_are_errors_of_the_name(loop: Loop, name: str) -> None:
    lookup = resolve_all(loop, Resolver(loop, 1), [name])[0]
    assert lookup.error is not None or name == ""


def test_resolver_passes_the_family_on(loop: Loop) -> None:
    families: List[int] = []

    def note(host: bytes, port: int, family: int, *rest: Any) -> Any:
        families.append(family)
        return [(family, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))]

    resolve_all(loop, Resolver(loop, 1, note), ["a"], family=6)
    assert families == [socket.AF_INET6]


def test_resolver_cancelled_lookup_is_not_delivered(loop: Loop) -> None:
    release = threading.Event()

    def wait(host: bytes, *rest: Any) -> Any:
        release.wait(10)
        return ANSWER

    resolver = Resolver(loop, 1, wait)
    first = resolver.resolve("a", 80, 0, lambda lookup: pytest.fail("delivered"))
    second = resolver.resolve("b", 80, 0, lambda lookup: pytest.fail("delivered"))
    assert first is not None and second is not None
    resolver.cancel(second)
    resolver.cancel(first)
    release.set()
    resolver.resolve("c", 80, 0, lambda lookup: loop.stop())
    loop.run()
    assert second.started_s is None
    resolver.close()


def test_resolver_thread_that_hangs_is_replaced_while_it_hangs(loop: Loop) -> None:
    """A dead domain's name servers must not keep its neighbours from being measured."""
    release, hanging = threading.Event(), threading.Event()

    def hang_for_dead(host: bytes, *rest: Any) -> Any:
        if host == b"dead":
            hanging.set()
            release.wait(20)
        return ANSWER

    resolver = Resolver(loop, 1, hang_for_dead)
    for _ in range(5):
        hanging.clear()
        dead = resolver.resolve("dead", 80, 0, lambda lookup: pytest.fail("delivered"))
        assert dead is not None and hanging.wait(10)
        resolver.cancel(dead)
        resolver.resolve("alive", 80, 0, lambda lookup: loop.stop())
        loop.run()
    assert resolver._threads == 6
    release.set()
    until_s = time.monotonic() + 10
    while resolver._threads > 1 and time.monotonic() < until_s:
        time.sleep(0.001)
    assert (resolver._threads, resolver._stuck) == (1, 0)
    resolver.close()


def test_resolver_refuses_when_too_many_wait(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(resolver_module, "MAX_WAITING", 2)
    resolver = Resolver(loop, 1, lambda *arguments: release.wait(10) and ANSWER)
    given = [resolver.resolve("a", 80, 0, lambda lookup: None) for _ in range(5)]
    assert given[0] is not None and given[-1] is None
    release.set()
    resolver.close()


def test_numeric_address_takes_only_plain_numbers() -> None:
    assert numeric_address("192.0.2.1", 80) == (socket.AF_INET, ("192.0.2.1", 80))
    assert numeric_address("2001:db8::1", 80) == (socket.AF_INET6, ("2001:db8::1", 80, 0, 0))
    for host in ("localhost", "127.1", "0x7f.1", "1.2.3.4.5", "fe80::1%lo", "", "b\u00fc"):
        assert numeric_address(host, 80) is None
