"""Reads a history at a moment, or over what is to be seen of it: the exact values behind the chart, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pingmon_probe.protocol import PHASES

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.family import IPV4, IPV6
from pingmon_gui.domain.history import SeriesHistory, percentile
from pingmon_gui.domain.status import Status, failure_name
from pingmon_gui.report.gather import SHARES
from pingmon_gui.report.history_view import HistoryView, RegionHistory
from pingmon_gui.ui import wording
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_words import span_text
from pingmon_gui.ui.wording import translate


@dataclass(frozen=True)
class Value:
    """A figure beside its name; `place` is the place of its colour among those of its kind, -1 for none."""

    name: str
    figure: str
    place: int = -1


def moment_text(view: HistoryView, at_ms: float, kind: Kind) -> str:
    """Return what the values at a moment are of: that moment, or the stretch around it."""
    if view.is_raw and kind is Kind.LATENCY:
        return wording.date_time(int(at_ms))
    start_ms = int(at_ms) // view.shown_ms * view.shown_ms
    return span_text(start_ms, min(start_ms + view.shown_ms, view.now_ms))


def latency_text(view: HistoryView, region: RegionHistory, at_ms: float, *, with_reason: bool = False) -> str:
    """Return a region's latency at a moment: of the result that spoke then, or the median of the stretch.

    Where there is none it is the state in a word, with its reason if that is wanted.
    """
    if not view.is_raw:
        place = place_of(view, region, at_ms)
        return wording.status_word(Status.UNKNOWN) if place is None else _stretch_text(region, place)
    texts = []
    for one in region.results:
        if text := _spoken_text(one, at_ms, with_reason):
            family = wording.family_name(IPV6 if one.series.is_second else IPV4) if region.has_two_families else ""
            texts.append(f"{family} {text}".strip())
    return " / ".join(dict.fromkeys(texts)) or wording.status_word(Status.UNKNOWN)


def short_text(view: HistoryView, region: RegionHistory, at_ms: float) -> str:
    """Return what `latency_text` does; of two families in so few letters that it fits beside the bars, IPv4 first."""
    if view.is_raw and region.has_two_families:
        texts = [_spoken_text(one, at_ms, False, wording.latency) for one in region.results]
        if all(texts):
            return " / ".join(dict.fromkeys(texts))
    return latency_text(view, region, at_ms)


def _spoken_text(
    one: SeriesHistory, at_ms: float, with_reason: bool, figure: Callable[[float], str] = wording.exact_latency
) -> str:
    place = int(np.searchsorted(one.at_ms, at_ms, side="right")) - 1
    if place < 0 or at_ms > one.at_ms[place] + hold_ms(one.interval_ms)[place]:
        return ""
    status = Status(int(one.status[place]))
    if status in (Status.ONLINE, Status.SLOW):
        return figure(float(one.total_ms[place]))
    failure = wording.failure_word(failure_name(int(one.failure[place])))
    return f"{wording.status_word(status)}, {failure}" if failure and with_reason else wording.status_word(status)


def _stretch_text(region: RegionHistory, place: int) -> str:
    if not region.buckets.good[place]:
        is_out = region.buckets.offline[place] or region.buckets.known_ms[place]
        return wording.status_word(Status.OFFLINE if is_out else Status.UNKNOWN)
    return wording.latency(float(region.buckets.median_ms[place]))


def reading(view: HistoryView, at_ms: float) -> str:
    """Return the latencies of every region at a moment as one sentence."""
    parts = [
        f"{wording.region_name(one.region)} {latency_text(view, one, at_ms, with_reason=True)}" for one in view.regions
    ]
    return ", ".join(parts)


def place_of(view: HistoryView, region: RegionHistory, at_ms: float) -> int | None:
    """Return the place of the stretch that a moment lies in, None where nothing was measured in it."""
    start_ms = int(at_ms) // view.shown_ms * view.shown_ms
    place = int(np.searchsorted(region.buckets.start_ms, start_ms))
    is_there = place < len(region.buckets.start_ms) and int(region.buckets.start_ms[place]) == start_ms
    return place if is_there else None


def median_text(view: HistoryView, region: RegionHistory, from_ms: float, to_ms: float) -> str:
    """Return the median of the good results in a span; of whole stretches where single results are not there."""
    if view.is_raw:
        good = [
            one.total_ms[(one.at_ms >= from_ms) & (one.at_ms < to_ms) & (one.status <= Status.SLOW)]
            for one in region.results
        ]
        took = np.concatenate(good) if good else np.zeros(0)
        return wording.latency(float(np.median(took))) if len(took) else wording.NOTHING
    return wording.latency(_shares_ms(view, region, from_ms, to_ms)[0])


def values(
    view: HistoryView, region: RegionHistory, kind: Kind, span: tuple[float, float], at_ms: float | None
) -> list[Value]:
    """Return the percentiles or phases of a region at a moment, or over a span where there is none."""
    if kind is Kind.PERCENTILES:
        return _percentiles(view, region, span, at_ms)
    return _phases(view, region, span, at_ms)


def _stretches(view: HistoryView, region: RegionHistory, span: tuple[float, float], at_ms: float | None) -> np.ndarray:
    """Return the places of the stretch of a moment, or of those that begin in a span."""
    if at_ms is not None:
        place = place_of(view, region, at_ms)
        return np.zeros(0, dtype=np.intp) if place is None else np.array([place])
    start = region.buckets.start_ms
    return np.flatnonzero((start + view.shown_ms > span[0]) & (start < span[1]))


def _shares_ms(view: HistoryView, region: RegionHistory, from_ms: float, to_ms: float) -> list[float]:
    counts = region.buckets.histogram[_stretches(view, region, (from_ms, to_ms), None)].sum(axis=0)
    return [float(percentile(counts, share)[0]) for share in SHARES]


def _percentiles(
    view: HistoryView, region: RegionHistory, span: tuple[float, float], at_ms: float | None
) -> list[Value]:
    places = _stretches(view, region, span, at_ms)
    counts = region.buckets.histogram[places].sum(axis=0)
    shares = [float(percentile(counts, share)[0]) for share in SHARES]
    names = (
        translate("History", "Median"),
        translate("History", "95 % below"),
        translate("History", "99 % below"),
    )
    found = [
        Value(name, wording.latency(ms), place) for place, (name, ms) in enumerate(zip(names, shares, strict=True))
    ]
    good, count = int(region.buckets.good[places].sum()), int(region.buckets.count[places].sum())
    text = wording.number(good)
    if good < count:
        text = translate("History", "%1 of %2").replace("%2", wording.number(count)).replace("%1", text)
    return [*reversed(found), Value(translate("History", "Good results"), text)]


def _phases(view: HistoryView, region: RegionHistory, span: tuple[float, float], at_ms: float | None) -> list[Value]:
    places = _stretches(view, region, span, at_ms)
    phases, weight = region.buckets.phases_ms[places], region.buckets.good[places].astype(np.float64)
    weight[np.isnan(phases).any(axis=1)] = 0
    whole = float(weight.sum())
    means = (np.nan_to_num(phases) * weight[:, None]).sum(axis=0) / whole if whole else np.full(len(PHASES), np.nan)
    found = [
        Value(wording.phase_name(phase), wording.exact_latency(float(ms)), place)
        for place, (phase, ms) in enumerate(zip(PHASES, means.tolist(), strict=True))
    ]
    return [*reversed(found), Value(translate("History", "Mean of all"), wording.exact_latency(float(means.sum())))]
