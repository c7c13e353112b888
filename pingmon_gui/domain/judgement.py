"""Judgement: what the results of one monitor come to from a moment on, ready to be kept."""

from __future__ import annotations

from dataclasses import dataclass

from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.timeline import VerdictSpan


@dataclass(frozen=True)
class Judgement:
    """`spans` replace the monitor's verdicts from the first one's start on; `incidents` are new or changed ones."""

    monitor: MonitorId
    spans: tuple[VerdictSpan, ...] = ()
    incidents: tuple[Incident, ...] = ()
