"""Wizard and fleet page of a main window: made when they are first asked for, one of each, kept true by the board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.region import Region
from pingmon_gui.engine.board import Board
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.kept_window import bring_up
from pingmon_gui.ui.provision_port import ProbeSession
from pingmon_gui.ui.theme import ThemeSwitch

if TYPE_CHECKING:
    from pingmon_gui.ui.fleet_page import FleetPage
    from pingmon_gui.ui.probe_wizard import ProbeWizard
    from pingmon_gui.ui.provision_desk import ProvisionDesk


class ProbeWindows(QObject):
    def __init__(
        self,
        session: ProbeSession,
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
        self.wizard: ProbeWizard | None = None
        self.page: FleetPage | None = None

    @Slot()
    def show_wizard(self, region: Region | None = None) -> None:
        """Show the form for one more probe, in a region where that is known."""
        if self.wizard is None:
            from pingmon_gui.ui.probe_wizard import ProbeWizard

            self.wizard = ProbeWizard(self._desk(), self._spawner.spawn, self._counts, self._theme, self._window)
            self.wizard.finished.connect(self._on_wizard_finished)
        bring_up(self.wizard)
        self.wizard.ask_for(region)

    @Slot()
    def show_page(self) -> None:
        """Show all probes."""
        if self.page is None:
            from pingmon_gui.ui.fleet_page import FleetPage

            self.page = FleetPage(
                self._desk(), self._session, self._spawner.spawn, self._now_ms, self._theme, self._window
            )
            self.page.add_asked.connect(self.show_wizard)
            self.refresh()
        bring_up(self.page)

    def refresh(self) -> None:
        """Take over what the board knows of the probes."""
        if self.page is not None:
            self.page.show_probes(self._board.probes.values())

    @Slot()
    def _on_wizard_finished(self) -> None:
        if self.wizard is not None:
            self.wizard.deleteLater()
            self.wizard = None

    def _counts(self) -> Mapping[Region, int]:
        return Counter(health.probe.region for health in self._board.probes.values())

    def _desk(self) -> ProvisionDesk:
        from pingmon_gui.ui.provision_desk import ProvisionDesk

        return ProvisionDesk(self._session.provisioning)
