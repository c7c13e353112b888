"""What is read of a history: the span around an incident, and what a chart of a span needs. Needs no chart itself."""

from __future__ import annotations

from pingmon_gui.domain.family import AUTOMATIC
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.strip import bar_length_ms
from pingmon_gui.report.explain import HistoryStore
from pingmon_gui.report.history_view import HistoryView, read_history
from pingmon_gui.ui import time_grid

#: While the newest is looked at it is read again so often.
FOLLOW_MS = 10_000
#: Around an incident as much again is shown, and at least so much.
AROUND_MS = 20 * 60_000


def around(incident: Incident, now_ms: int) -> tuple[int, int]:
    """Return the span that shows an incident with what was before and after it, as far as that is over."""
    end_ms = now_ms if incident.end_ms is None else incident.end_ms
    around_ms = max(AROUND_MS, end_ms - incident.start_ms)
    return incident.start_ms - around_ms, min(now_ms, end_ms + around_ms)


async def read_frame(
    store: HistoryStore,
    monitor: MonitorId,
    from_ms: int,
    to_ms: int,
    now_ms: int,
    margin_ms: int = 0,
    family: int = AUTOMATIC,
) -> HistoryView:
    """Read [from_ms, to_ms) as it is looked at, with a margin on both sides, in whole bars. Raises StorageError.

    Where each family is measured regions show that of `family`, or both.
    """
    span_ms = to_ms - from_ms
    step = time_grid.step_of(bar_length_ms(span_ms))
    edges = time_grid.edges(from_ms - margin_ms, min(to_ms, now_ms) + margin_ms, step)
    return await read_history(store, monitor, edges[0], edges[-1], span_ms, now_ms, family)
