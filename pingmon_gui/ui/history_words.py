"""What the history of a domain says in words: bars, moments, what stands out, and why an interval is what it is."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from pingmon_gui.domain.explanation import Held, Interval, Reason
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.strip import Bar
from pingmon_gui.report.history_view import HistoryView
from pingmon_gui.ui import time_grid, wording

translate = QCoreApplication.translate


def held_word(held: Held) -> str:
    match held:
        case Held.ONLINE:
            return translate("History", "online")
        case Held.SLOW:
            return translate("History", "slow")
        case Held.REGIONAL:
            return translate("History", "regional problem")
        case Held.OFFLINE:
            return translate("History", "offline")
        case Held.UNKNOWN:
            return translate("History", "unknown")
        case Held.PAUSED:
            return translate("History", "paused")
        case Held.NOT_ASKED:
            return translate("History", "not watched")


def span_text(from_ms: int, to_ms: int) -> str:
    """Return a span; of whole days the dates, of one day the date once."""
    first, last = wording.date(from_ms), wording.date(to_ms)
    if wording.clock_time(from_ms) == wording.clock_time(to_ms) == wording.clock_time(time_grid.midnight_ms(from_ms)):
        last_day = wording.date(to_ms - 1)
        return first if first == last_day else f"{first} – {last_day}"
    if first == last:
        return f"{first} {_clock(from_ms)} – {_clock(to_ms)}"
    return f"{first} {_clock(from_ms)} – {last} {_clock(to_ms)}"


def _clock(at_ms: int) -> str:
    """Return a time of day, with seconds only where there are any."""
    return wording.clock_time(at_ms) if at_ms // 1000 % 60 else wording.time_of_day(at_ms)


def bar_sentence(bar: Bar) -> str:
    """Return all that a bar says: when, the exact share, of how much, and the worst there was."""
    when = span_text(bar.start_ms, bar.end_ms)
    if bar.worst in (Held.NOT_ASKED, Held.PAUSED):
        return f"{when}: {held_word(bar.worst)}"
    if bar.time.ratio is None:
        return translate("History", "%1: nothing is known").replace("%1", when)
    text = translate("History", "%1: available %2 of %3 known; %4 of the time is known")
    text = text.replace("%4", wording.share(bar.time.coverage)).replace("%3", wording.duration(bar.time.known_ms))
    text = text.replace("%2", wording.exact_share(bar.time.ratio)).replace("%1", when)
    parts = [text]
    down_ms = bar.time.known_ms - bar.time.available_ms
    if down_ms:
        parts.append(translate("History", "offline for %1").replace("%1", wording.duration(down_ms)))
    elif bar.worst is Held.OFFLINE:
        parts.append(translate("History", "a check failed, and the next one was good at once"))
    if bar.regional_ms:
        parts.append(translate("History", "regional problem for %1").replace("%1", wording.duration(bar.regional_ms)))
    if bar.slow_share:
        parts.append(translate("History", "%1 slow").replace("%1", wording.share(bar.slow_share)))
    if bar.paused_ms:
        parts.append(translate("History", "paused for %1").replace("%1", wording.duration(bar.paused_ms)))
    return "; ".join(parts)


def summary(
    view: HistoryView, span: tuple[float, float], regions: frozenset[Region], whole: Bar | None, marked: str
) -> str:
    """Return what is to be seen of a span in sentences: share, incidents, what is slower than normal.

    `whole` is what all of it came to for the domain, `marked` what there is to say of the incident that is marked.
    """
    from_ms, to_ms = span
    sentences = []
    if whole is not None:
        text = translate("History", "Available %1, %2 of the time known")
        text = text.replace("%2", wording.share(whole.time.coverage)).replace("%1", wording.share(whole.time.ratio))
        sentences.append(text)
    count = sum(one.start_ms < to_ms and (one.end_ms is None or one.end_ms > from_ms) for one in view.incidents)
    text = wording.counted(translate("History", "%n incident(s)", None, count), count)
    sentences.append(text if count else translate("History", "No incident"))
    if marked:
        sentences.append(wording.plain(marked, 300))
    return ". ".join([*sentences, *slower_sentences(view, from_ms, to_ms, regions)]) + "."


def slower_sentences(view: HistoryView, from_ms: float, to_ms: float, regions: frozenset[Region]) -> list[str]:
    """Return when which regions were slower than their own normal in a span: the latest stretch of each."""
    by_time: dict[tuple[int, int], list[str]] = {}
    for one in view.regions:
        stretches = [s for s in one.slower if s.end_ms > from_ms and s.start_ms < to_ms]
        if not stretches or one.region not in regions:
            continue
        last = stretches[-1]
        text = translate("History", "%1 %2 (normally %3)").replace("%3", wording.latency(last.normal_ms))
        text = text.replace("%2", wording.latency(last.median_ms)).replace("%1", wording.region_name(one.region))
        if earlier := len(stretches) - 1:
            more = wording.counted(translate("History", "%n time(s) before", None, earlier), earlier)
            text = f"{text}, {more}"
        by_time.setdefault((last.start_ms, last.end_ms), []).append(text)
    found = []
    for (start_ms, end_ms), texts in sorted(by_time.items()):
        if end_ms >= view.now_ms:
            text = translate("History", "Slower than normal since %1: %2").replace("%1", _moment(start_ms))
        else:
            text = translate("History", "Slower than normal at %1: %2").replace("%1", span_text(start_ms, end_ms))
        found.append(text.replace("%2", "; ".join(texts)))
    return found


def _moment(at_ms: int) -> str:
    return f"{wording.date(at_ms)} {_clock(at_ms)}"


def rest_text(view: HistoryView, at_ms: float) -> str:
    """Return why the domain rested at a moment; nothing where it did not."""
    moment = int(at_ms)
    if view.maintenance.within(moment, moment + 1):
        return translate("History", "In a maintenance window: nothing counts.")
    return translate("History", "Paused: nothing counts.") if view.paused.within(moment, moment + 1) else ""


def reason_text(interval: Interval) -> str:
    """Return why an interval is what it is."""
    match interval.reason:
        case Reason.RESULTS if interval.held is Held.OFFLINE:
            word = wording.failure_word(interval.failure)
            return f"{word}: {wording.plain(interval.text, 300)}" if interval.text else word
        case Reason.RESULTS:
            return translate("History", "results")
        case Reason.SUMS if interval.length_ms < interval.end_ms - interval.start_ms:
            return translate("History", "this much of it, by its roll-up; not kept: when")
        case Reason.SUMS:
            return translate("History", "all of it, by its roll-ups")
        case Reason.NO_RESULT:
            return translate("History", "no result: the one before speaks for 2.5 intervals")
        case Reason.NO_VOTE:
            word = wording.failure_word(interval.failure)
            return translate("History", "says nothing about the site: %1").replace("%1", word)
        case Reason.OWN_NETWORK:
            return translate("History", "the probe's own network was down")
        case Reason.PAUSED if interval.held is Held.PAUSED:
            return translate("History", "paused")
        case Reason.PAUSED:
            return translate("History", "measured during a pause or maintenance: does not count")
        case Reason.MAINTENANCE:
            return translate("History", "in a maintenance window")
        case Reason.NOT_ASKED:
            return translate("History", "not watched then")
        case Reason.VERDICT:
            return wording.plain(interval.text, 300) if interval.text else translate("History", "what the regions say")
        case Reason.NOT_JUDGED:
            return translate("History", "no verdict: nothing was measured, or it is not judged yet")
    return ""
