"""The line at the bottom of the window: how many domains are shown, and how the probes are."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.ui import wording


class StatusLine(QStatusBar):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.count_label = QLabel(self)
        self.probe_label = QLabel(self)
        for label in (self.count_label, self.probe_label):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setContentsMargins(8, 2, 14, 3)
        self.addWidget(self.count_label, 1)
        self.addPermanentWidget(self.probe_label)
        self.setSizeGripEnabled(False)

    def show_counts(self, shown: int, total: int) -> None:
        """Say how many domains there are, and how many of them search and filter leave."""
        text = wording.monitors_counted(total)
        if shown != total:
            text = self.tr("%1 of %2 shown").replace("%2", text).replace("%1", wording.number(shown))
        self.count_label.setText(text)

    def show_probes(self, known: Collection[ProbeHealth]) -> None:
        """Say how the only probe is, or how many of several are connected."""
        if len(known) == 1:
            (health,) = known
            state = health.reason or wording.probe_state_word(health.state)
            self.probe_label.setText(f"{wording.region_name(health.probe.region)}: {wording.plain(state, 120)}")
        else:
            connected = [health for health in known if health.state is ProbeState.CONNECTED]
            text = self.tr("%1 of %2 probes connected")
            if silent := sum(not health.votes for health in connected):
                text = self.tr("%1 of %2 probes connected, %3 without a vote").replace("%3", wording.number(silent))
            self.probe_label.setText(
                text.replace("%2", wording.number(len(known))).replace("%1", wording.number(len(connected)))
            )
