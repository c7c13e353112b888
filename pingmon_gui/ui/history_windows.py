"""The windows about the past: made when they are first asked for, one of each, reloaded when incidents change."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.explanation import Explanation
from pingmon_gui.domain.family import AUTOMATIC
from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.time_zone import local_zone
from pingmon_gui.engine.board import Board
from pingmon_gui.report.explain import explained_domain, explained_region
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.kept_window import bring_up
from pingmon_gui.ui.theme import ThemeSwitch

if TYPE_CHECKING:
    from pingmon_gui.engine.incident_tracker import IncidentTracker
    from pingmon_gui.ui.explanation_window import ExplanationWindow, Subject
    from pingmon_gui.ui.history_rows import Figure
    from pingmon_gui.ui.history_window import HistoryWindow
    from pingmon_gui.ui.incident_page import IncidentPage
    from pingmon_gui.ui.map_places import OwnPlaces
    from pingmon_gui.ui.report_dialog import ReportDialog
    from pingmon_gui.ui.time_window import TimeWindow


class HistorySession(Protocol):
    """What the windows about the past need of a session."""

    @property
    def store(self) -> Any: ...

    @property
    def incidents(self) -> IncidentTracker: ...


class HistoryWindows(QObject):
    def __init__(
        self,
        session: HistorySession,
        board: Board,
        spawner: Spawner,
        theme: ThemeSwitch,
        now_ms: Callable[[], int],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._board = board
        self._spawner = spawner
        self._theme = theme
        self._now_ms = now_ms
        self._window = window
        self.incidents: IncidentPage | None = None
        self.time_machine: TimeWindow | None = None
        self.history: HistoryWindow | None = None
        self._report: ReportDialog | None = None

    @Slot()
    def show_incidents(self, incident: IncidentId | None = None) -> None:
        """Show the incidents; one of them is brought up where it is given."""
        if self.incidents is None:
            from pingmon_gui.ui.history_frame import read_frame
            from pingmon_gui.ui.incident_page import IncidentPage

            self.incidents = IncidentPage(
                self._session.store,
                self._session.incidents,
                functools.partial(read_frame, self._session.store),
                self.title,
                self._spawner.spawn,
                self._now_ms,
                self._theme,
                self._window,
                keeps_evidence=self._keeps_evidence,
            )
            self.incidents.history_asked.connect(self.on_history_asked)
        bring_up(self.incidents)
        if incident:
            self.incidents.select(incident)

    def _keeps_evidence(self, probe: ProbeId) -> bool:
        """Return whether a probe keeps evidence; of one that never answered that is not denied."""
        health = self._board.probes.get(probe)
        return health is None or health.keeps_evidence is not False

    def show_time_machine(self, own: OwnPlaces) -> None:
        """Show the dashboard as it stood at a moment of the past; `own` is where the user put probes on the map."""
        if self.time_machine is None:
            from pingmon_gui.engine.time_machine import TimeMachine
            from pingmon_gui.ui.time_window import TimeWindow

            store = self._session.store
            self.time_machine = TimeWindow(
                TimeMachine(store), store, own, self._spawner.spawn, self._now_ms, self._theme, self._window
            )
        bring_up(self.time_machine)

    def show_history(self, monitor: MonitorId, incident: Incident | None = None) -> None:
        """Show a domain's history: what was around an incident where one is given, else the range chosen last."""
        # Imported when asked for: drawing charts takes a fifth of a second to import.
        from pingmon_gui.ui.history_window import Domain, HistoryWindow

        if self.history is None:
            self.history = HistoryWindow(
                self._session.store, self._spawner.spawn, self._now_ms, self._theme, self._window
            )
            self.history.explain_asked.connect(self.on_explain_asked)
        bring_up(self.history)
        domain = Domain(monitor, self.title(monitor))
        if incident is None:
            self.history.show_domain(domain)
        else:
            self.history.show_incident(domain, incident)

    def explain_hour(self, monitor: MonitorId, region: Region) -> None:
        """Show what made the last hour's availability of a region."""
        from_ms, now_ms = last_hour(self._now_ms())
        self.explain(monitor, region, from_ms, now_ms)

    def explain(
        self, monitor: MonitorId, region: Region | None, from_ms: int, to_ms: int, family: int = AUTOMATIC
    ) -> ExplanationWindow:
        """Show what made the availability of a region, be it over one family, or of the domain (None), in a span."""
        from pingmon_gui.ui.explanation_window import ExplanationWindow, Subject

        subject = Subject(self.title(monitor), region, from_ms, to_ms, family)
        window = ExplanationWindow(
            subject, lambda: self._read_explanation(monitor, subject), self._spawner.spawn, self._window
        )
        window.show()
        return window

    async def _read_explanation(self, monitor: MonitorId, subject: Subject) -> tuple[Explanation, dict[ProbeId, str]]:
        store, from_ms, to_ms = self._session.store, subject.from_ms, subject.to_ms
        probes = {id_: probe.name for id_, probe in (await store.all_probes()).items()}
        if subject.region is None:
            return await explained_domain(store, monitor, from_ms, to_ms), probes
        now_ms = self._now_ms()
        return await explained_region(store, monitor, subject.region, from_ms, to_ms, now_ms, subject.family), probes

    def show_report(self, selected: Collection[MonitorId]) -> None:
        """Show the making of a report; the one that is open already is brought up."""
        if self._report is None:
            from pingmon_gui.report.gather import gather
            from pingmon_gui.ui.report_dialog import ReportDialog

            self._report = ReportDialog(
                functools.partial(gather, self._session.store),
                list(self._board.monitors.values()),
                selected,
                local_zone(),
                self._now_ms,
                self._spawner.spawn,
                self._window,
            )
            self._report.finished.connect(self.on_report_closed)
            self._report.make()
        bring_up(self._report)

    @Slot()
    def on_report_closed(self) -> None:
        self._report = None

    @Slot()
    def on_incidents_changed(self) -> None:
        if self.incidents is not None and self.incidents.isVisible():
            self.incidents.reload()

    @Slot(object)
    def on_history_asked(self, incident: Incident) -> None:
        self.show_history(incident.monitor, incident)

    @Slot(object)
    def on_explain_asked(self, figure: Figure) -> None:
        if self.history is not None and self.history.domain is not None:
            family = self.history.tools.family
            self.explain(self.history.domain.id, figure.region, figure.from_ms, figure.to_ms, family)

    def title(self, monitor: MonitorId) -> str:
        """Return what people call a monitor, also one that was deleted."""
        known = self._board.monitors.get(monitor)
        return self.tr("(a domain that was deleted)") if known is None else known.title
