"""Plans: which checks a probe gets, in which phase, and which monitors it cannot serve."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from pingmon_probe.protocol import DEFAULT_STATUS_SET, CheckSpec, Plan, phase_ms

from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS, Region

UPGRADE_THIS_PROBE = "The probe is too old for this check: upgrade this probe."


#: Checks made before, by monitor: what they were made of (the very monitor and its regions) and its checks.
KnownChecks = dict[MonitorId, tuple[Monitor, frozenset[Region], tuple[CheckSpec, ...]]]

_PLAIN = CheckSpec("")
_REQUEST = ("method", "body", "headers", "bearer", "no_redirects")
_CONDITIONS = ("keyword_is_pattern", "json_conditions", "header_conditions", "min_bytes", "max_bytes")


def checks_for(monitor: Monitor, probe: Probe, regions_with_probe: Collection[Region]) -> tuple[CheckSpec, ...]:
    """Return the monitor's checks in this probe's phase: the monitor's regions take turns within its interval.

    Of two checks the second one comes half a turn after the first.
    """
    watching = [region for region in REGIONS if region in regions_with_probe and monitor.watched_from(region)]
    interval_ms, place, count = monitor.settings.interval_ms, watching.index(probe.region), len(watching)
    first_ms = phase_ms(monitor.id, interval_ms, place, count)
    return tuple(
        replace(check, phase_ms=(first_ms + turn * interval_ms // (2 * count)) % interval_ms)
        for turn, check in enumerate(monitor.check_specs())
    )


def needed_features(check: CheckSpec) -> set[str]:
    """Return the features a probe has to list before this check may be sent to it."""
    return {
        name
        for name, is_needed in (
            (check.kind, True),
            ("keyword", check.keyword is not None),
            ("status_set", check.status_set != DEFAULT_STATUS_SET),
            ("ignore_certificate", check.ignore_certificate),
            ("basic_auth", check.basic_auth is not None),
            ("family", check.family != 0),
            ("http_request", any(getattr(check, name) != getattr(_PLAIN, name) for name in _REQUEST)),
            ("http_conditions", any(getattr(check, name) != getattr(_PLAIN, name) for name in _CONDITIONS)),
        )
        if is_needed
    }


def checks_of_probe(
    monitors: Iterable[Monitor],
    probe: Probe,
    regions_with_probe: Collection[Region],
    features: Collection[str],
    known: KnownChecks | None = None,
) -> tuple[list[CheckSpec], list[MonitorId]]:
    """Return (checks, monitors that this probe is too old for). Paused ones and other regions' are left out.

    `known`, this probe's own, is kept up to date: with it only monitors that changed cost more than a look.
    """
    checks: list[CheckSpec] = []
    left_out: list[MonitorId] = []
    regions, listed = frozenset(regions_with_probe), frozenset(features)
    before = {} if known is None else dict(known)
    if known is not None:
        known.clear()
    for monitor in monitors:
        if monitor.is_paused or not monitor.watched_from(probe.region):
            continue
        found = before.get(monitor.id)
        if found is None or found[0] is not monitor or found[1] != regions:
            found = (monitor, regions, checks_for(monitor, probe, regions))
        if known is not None:
            known[monitor.id] = found
        if all(needed_features(check) <= listed for check in found[2]):
            checks.extend(found[2])
        else:
            left_out.append(monitor.id)
    return checks, left_out


def make_plan(
    owner: str, revision: int, checks: Sequence[CheckSpec], anchors: tuple[str, ...], features: Collection[str]
) -> tuple[Plan, str]:
    """Return (plan, content hash); checks are ordered by their ids so that equal work gives an equal hash."""
    ordered = tuple(sorted(checks, key=lambda check: check.monitor))
    plan = Plan(owner, max(1, revision), ordered, anchors=anchors if "anchors" in features else ())
    return plan, plan.content_hash


def with_revision(plan: Plan, revision: int) -> Plan:
    return replace(plan, revision=revision)
