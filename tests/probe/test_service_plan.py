"""Whose plan it is, how long it holds, and what of it survives on disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pingmon_probe.allowance import Allowance
from pingmon_probe.disk import Disk
from pingmon_probe.plan_keeper import SEEN_EVERY_S, Kept, PlanKeeper, PlanRefused
from pingmon_probe.protocol import CheckSpec, Plan

from tests.conftest import ExpectLog

LEASE_S = 7_000


class Bench:
    """A keeper on a clock that the test moves; `restart` makes another one on the same file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "plan.ndjson"
        self.time_s = 500.0
        self.wall_ms = 1_700_000_000_000
        self.keeper = self.restart()

    def restart(self) -> PlanKeeper:
        self.keeper = PlanKeeper(self.path, Disk(), lambda: self.time_s, lambda: self.wall_ms)
        return self.keeper

    def take(self, plan: Plan) -> bool:
        kept = Kept(plan, plan.content_hash)
        is_changed = self.keeper.check(plan, kept.content_hash)
        self.keeper.save(kept)
        self.keeper.take(kept)
        return is_changed

    def pass_time(self, seconds: float) -> None:
        self.time_s += seconds
        self.wall_ms += int(seconds * 1000)


def plan(revision: int = 1, owner: str = "me", take_over: bool = False, *monitors: int) -> Plan:
    checks = tuple(CheckSpec(f"http://{n}.example/", monitor=n, basic_auth=f"u:é{n}") for n in monitors or (1, 2))
    return Plan(owner, revision, checks, LEASE_S, ("192.0.2.1:53",), take_over)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_plan_comes_back_after_a_restart_with_the_rest_of_its_lease(bench: Bench) -> None:
    bench.take(plan(3))
    assert bench.keeper.lease_until_ms == bench.wall_ms + LEASE_S * 1000
    bench.wall_ms += 1_000_000
    bench.time_s = 7.0
    keeper = bench.restart()
    keeper.load()
    assert keeper.current is not None and keeper.current.plan == plan(3)
    assert keeper.lease_until_s == pytest.approx(7.0 + LEASE_S - 1_000)


def test_lease_that_ran_out_while_away_is_over(bench: Bench) -> None:
    bench.take(plan())
    bench.wall_ms += (LEASE_S + 60) * 1000
    keeper = bench.restart()
    keeper.load()
    assert keeper.lease_until_s is not None and keeper.lease_until_s < bench.time_s


def test_wall_clock_set_back_gives_no_longer_lease(bench: Bench) -> None:
    bench.take(plan())
    bench.wall_ms -= 86_400_000
    keeper = bench.restart()
    keeper.load()
    assert keeper.lease_until_s == pytest.approx(bench.time_s + LEASE_S)


def test_owner_that_is_seen_renews_the_lease_and_goes_to_disk_now_and_then(bench: Bench) -> None:
    assert not bench.keeper.renew()
    bench.take(plan())
    saves = 0
    for _ in range(100):
        bench.pass_time(60)
        saves += bench.keeper.renew()
        assert bench.keeper.lease_until_s == bench.time_s + LEASE_S
    assert saves == 6_000 / SEEN_EVERY_S


def test_plan_with_take_over_replaces_any_owner(bench: Bench) -> None:
    bench.take(plan(9))
    with pytest.raises(PlanRefused) as refused:
        bench.take(plan(10, "you"))
    assert (refused.value.owner, refused.value.revision) == ("me", None)
    assert bench.take(plan(1, "you", True))


def test_revision_may_not_go_back_nor_name_two_contents(bench: Bench) -> None:
    bench.take(plan(5))
    assert not bench.take(plan(5))
    assert not bench.take(plan(6))
    for refused_plan in (plan(5), plan(6, "me", False, 1, 2, 3)):
        with pytest.raises(PlanRefused) as refused:
            bench.take(refused_plan)
        assert (refused.value.owner, refused.value.revision) == (None, 6)
    assert bench.take(plan(7, "me", False, 1, 2, 3))


def test_damaged_file_counts_as_no_plan(bench: Bench, expect_log: ExpectLog) -> None:
    expect_log("stored plan cannot be read")
    bench.take(plan())
    whole = bench.path.read_bytes()
    assert stat.S_IMODE(bench.path.stat().st_mode) == 0o600
    for damaged in (b"", whole[:-4], whole[: len(whole) // 2], b"\xff" + whole, whole.replace(b'"owner"', b'"owned"')):
        bench.path.write_bytes(damaged)
        keeper = bench.restart()
        keeper.load()
        assert keeper.current is None and keeper.lease_until_ms is None


def test_allowance_refills_with_time_up_to_its_burst() -> None:
    time_s = [0.0]
    allowance = Allowance(200.0, 1_000, lambda: time_s[0])
    assert allowance.take(1_000) and not allowance.take(1)
    time_s[0] = 1.0
    assert not allowance.take(201) and allowance.take(200) and not allowance.take(1)
    time_s[0] = 3_600.0
    assert not allowance.take(1_001) and allowance.take(1_000)
