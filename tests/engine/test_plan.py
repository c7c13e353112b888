"""What a probe is asked to do: phases, regions, features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pingmon_probe.protocol import FEATURES, Plan, phase_ms

from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.engine.plan import checks_for, checks_of_probe, make_plan, needed_features
from pingmon_gui.engine.version_table import VersionTable
from tests.engine.fakes import FakeVersion, monitor, probe


def test_regions_of_a_monitor_take_turns_within_its_interval() -> None:
    some = monitor(2)
    base = phase_ms(2, 10_000, 0, 6)
    phases = [check.phase_ms for region in REGIONS for check in checks_for(some, probe(1, region), set(REGIONS))]
    assert phases == [(base + turn * 10_000 // 6) % 10_000 for turn in range(6)]


def test_only_regions_that_watch_take_a_turn() -> None:
    some = monitor(2, regions=(Region.LOCAL, Region.EU, Region.OC))
    base = phase_ms(2, 10_000, 0, 2)
    with_probe = {Region.LOCAL, Region.EU, Region.AS}
    phases = [check.phase_ms for r in ("local", "eu") for check in checks_for(some, probe(1, r), with_probe)]
    assert phases == [base, (base + 5_000) % 10_000]


def test_plan_leaves_out_paused_and_other_regions_monitors() -> None:
    monitors = [monitor(2), monitor(3, is_paused=True), monitor(4, regions=(Region.EU,)), monitor(5, regions=())]
    checks, left_out = checks_of_probe(monitors, probe(), {Region.LOCAL, Region.EU}, FEATURES)
    assert ([check.monitor for check in checks], left_out) == ([2], [])


@pytest.mark.parametrize(
    ("values", "feature"),
    [
        ({"keyword": "shop"}, "keyword"),
        ({"status_set": ((200, 404),)}, "status_set"),
        ({"ignore_certificate": True}, "ignore_certificate"),
        ({"basic_auth": "me:secret"}, "basic_auth"),
        ({"family": 6}, "family"),
    ],
)
def test_setting_that_a_probe_lacks_leaves_the_monitor_out(values: dict[str, object], feature: str) -> None:
    some = replace(monitor(2), settings=MonitorSettings(**values))  # type: ignore[arg-type]
    assert needed_features(some.check_specs()[0]) == {"http", feature}
    lacking = tuple(name for name in FEATURES if name != feature)
    assert checks_of_probe([some], probe(), {Region.LOCAL}, lacking) == ([], [2])
    assert len(checks_of_probe([some], probe(), {Region.LOCAL}, FEATURES)[0]) == 1


def test_equal_work_has_an_equal_hash_in_any_order_and_passes_the_wire() -> None:
    checks, _ = checks_of_probe([monitor(n) for n in range(2, 20)], probe(), {Region.LOCAL}, FEATURES)
    plan, content_hash = make_plan("me", 0, checks, ("192.0.2.1:53",), FEATURES)
    assert make_plan("me", 9, checks[::-1], ("192.0.2.1:53",), FEATURES)[1] == content_hash
    assert make_plan("me", 9, checks[1:], ("192.0.2.1:53",), FEATURES)[1] != content_hash
    assert make_plan("me", 9, checks, (), FEATURES)[1] != content_hash
    assert Plan.from_json(plan.to_json()) == plan


def test_versions_are_looked_up_by_monitor_and_version() -> None:
    largest = 2**53 - 1
    table = VersionTable({(2, 1): FakeVersion(10_000, 5_000, 1_000), (2, 7): FakeVersion(5_000, 10_000, 50)})  # type: ignore[dict-item]
    ids = np.array([2, 2, 2, 3, largest, 0])
    versions = np.array([7, 1, 2, 1, 2**31 - 1, 0], dtype=np.int32)
    is_known, interval_ms, slow_ms = table.look_up(ids, versions)
    assert is_known.tolist() == [True, True, False, False, False, False]
    assert (interval_ms.tolist(), slow_ms.tolist()) == ([10_800, 10_000, 0, 0, 0, 0], [50, 1_000, 0, 0, 0, 0])
    table.add([monitor(largest, version=2**31 - 1, interval_ms=60_000)])
    is_known, interval_ms, _ = table.look_up(ids, versions)
    assert is_known.tolist() == [True, True, False, False, True, False]
    assert interval_ms[4] == 60_000


def test_empty_table_of_versions_knows_nothing() -> None:
    is_known, _, _ = VersionTable({}).look_up(np.array([1, 2]), np.array([1, 1], dtype=np.int32))
    assert is_known.tolist() == [False, False]
