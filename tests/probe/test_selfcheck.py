"""The self-check on a real loop, with anchors on loopback that accept, refuse or stay silent."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from pingmon_probe.loop import Loop
from pingmon_probe.protocol import NETWORK_FAILURES, CheckResult
from pingmon_probe.selfcheck import ASK_EVERY_S, SelfCheck, has_route, is_local_target

PATIENCE_S = 20.0
PUBLIC = "198.51.100.7"


class MovedLoop(Loop):
    """A loop whose clock can be moved forward, so that nothing is waited for."""

    ahead_s = 0.0

    def now(self) -> float:  # type: ignore[override]
        return super().now() + self.ahead_s


class Anchor:
    """A listening socket that counts who comes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.name = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def visits(self) -> int:
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def close(self) -> None:
        self._listener.close()


class Bench:
    def __init__(self) -> None:
        self.loop = MovedLoop()
        self.has_route = True
        self.self_check = SelfCheck(self.loop, anchor_limit_s=0.05, route_exists=lambda address: self.has_route)
        self.delivered: list[CheckResult] = []

    def judge(
        self,
        failure: str | None,
        address: str | None = PUBLIC,
        url: str = "http://example.org/",
        family: int | None = None,
    ) -> CheckResult:
        """Hand in a result and run the loop until it is delivered; return it."""
        result = CheckResult(url, failure=failure, address=address, http_status=None if failure else 200, family=family)

        def on_delivered(judged: CheckResult) -> None:
            self.delivered.append(judged)
            self.loop.stop()

        guard = self.loop.call_at(self.loop.now() + PATIENCE_S, self.loop.stop)
        self.self_check.judge(result, on_delivered)
        if not self.delivered or self.delivered[-1] is not result:
            self.loop.run()
        guard.cancel()
        assert self.delivered[-1] is result, "the result was not delivered"
        return result


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.self_check.close()
    made.loop.close()


@pytest.fixture
def anchor() -> Iterator[Anchor]:
    made = Anchor()
    yield made
    made.close()


@pytest.fixture
def dead_anchor() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("failure", sorted(NETWORK_FAILURES))
def test_failure_counts_when_an_anchor_answers(bench: Bench, anchor: Anchor, dead_anchor: str, failure: str) -> None:
    bench.self_check.set_anchors([dead_anchor, anchor.name])
    assert bench.judge(failure).own_network is False
    assert bench.self_check.reason is None
    assert anchor.visits() == 1


@pytest.mark.parametrize("failure", sorted(NETWORK_FAILURES))
def test_failure_is_our_own_when_no_anchor_answers(bench: Bench, dead_anchor: str, failure: str) -> None:
    bench.self_check.set_anchors([dead_anchor, dead_anchor])
    assert bench.judge(failure).own_network is True
    assert "own network" in (bench.self_check.reason or "")


def test_anchors_that_stay_silent_are_given_up(bench: Bench) -> None:
    # A backlog that is full: the connect neither succeeds nor fails.
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        bench.self_check.set_anchors([f"127.0.0.1:{listener.getsockname()[1]}"])
        assert bench.judge("timeout").own_network is True


def test_other_failures_and_good_results_ask_nobody(bench: Bench, anchor: Anchor) -> None:
    bench.self_check.set_anchors([anchor.name])
    for failure in (None, "http_status", "content", "tls_verify", "tls_handshake", "protocol", "blocked", "internal"):
        assert bench.judge(failure).own_network is False
    assert anchor.visits() == 0


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://example.org/"),
        ("192.168.1.1", "http://example.org/"),
        ("10.1.2.3", "http://example.org/"),
        ("fe80::1%eth0", "http://example.org/"),
        ("fd00::1", "http://example.org/"),
        ("::ffff:10.0.0.1", "http://example.org/"),
        (None, "http://localhost:8000/"),
        (None, "http://printer/"),
        (None, "http://nas.local/"),
        (None, "http://[::1]:80/"),
        (None, "http://172.16.0.9/"),
    ],
)
def test_private_targets_ask_nobody(bench: Bench, dead_anchor: str, address: str | None, url: str) -> None:
    bench.self_check.set_anchors([dead_anchor])
    assert bench.judge("timeout", address, url).own_network is False
    assert bench.self_check.reason is None


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "172.32.0.1", None])
def test_public_targets_are_not_taken_for_private(address: str | None) -> None:
    assert not is_local_target(CheckResult(url="http://example.org/", address=address))


def test_without_anchors_failures_count(bench: Bench) -> None:
    assert bench.judge("dns", address=None).own_network is False


def test_anchors_are_asked_at_most_every_5_s(bench: Bench, anchor: Anchor) -> None:
    bench.self_check.set_anchors([anchor.name])
    for _ in range(20):
        assert bench.judge("timeout").own_network is False
    assert anchor.visits() == 1
    bench.loop.ahead_s += ASK_EVERY_S
    bench.judge("timeout")
    assert anchor.visits() == 1


def test_one_question_answers_all_that_wait(bench: Bench, dead_anchor: str) -> None:
    bench.self_check.set_anchors([dead_anchor])
    results = [CheckResult(url="http://example.org/", failure="dns", monitor=n) for n in range(50)]
    deliver: Callable[[CheckResult], None] = bench.delivered.append
    for result in results:
        bench.self_check.judge(result, deliver)
    bench.judge("dns", address=None)
    assert bench.delivered[:50] == results
    assert all(result.own_network for result in bench.delivered)


def test_vote_comes_back_with_the_first_answer_from_outside(bench: Bench, dead_anchor: str) -> None:
    bench.self_check.set_anchors([dead_anchor])
    bench.judge("timeout")
    assert bench.self_check.reason is not None
    bench.judge(None, address="127.0.0.1")
    assert bench.self_check.reason is not None, "a local target says nothing about the way out"
    bench.judge(None)
    assert bench.self_check.reason is None


def test_loop_that_runs_late_has_no_vote(bench: Bench) -> None:
    bench.loop._beats.extend([0.051] * 10)
    assert "late" in (bench.self_check.reason or "")


def test_family_that_the_host_has_none_of_is_named_and_a_network_that_is_off_is_not(bench: Bench) -> None:
    bench.self_check.set_anchors(["192.0.2.1:53"])
    bench.has_route = False
    bench.self_check._route_exists = lambda address: address != "2606:4700::1111"
    result = bench.judge("connect_refused", address="2606:4700::1111", family=6)
    assert result.own_network is True and "no way to IPv6" in result.message
    assert bench.self_check.reason is None
    bench.self_check._route_exists = lambda address: False
    result = bench.judge("connect_refused", address="2606:4700::1111", family=6)
    assert result.own_network is True and result.message == ""
    assert bench.self_check.reason is not None


def test_failure_without_a_route_to_the_target_is_our_own(bench: Bench, anchor: Anchor) -> None:
    bench.self_check.set_anchors([anchor.name])
    bench.has_route = False
    assert bench.judge("connect_refused", address="2606:4700::1111").own_network is True
    assert anchor.visits() == 0
    assert bench.judge("connect_refused", address="127.0.0.1").own_network is False


def test_route_to_this_computer_exists() -> None:
    assert has_route("127.0.0.1") and has_route(None)
