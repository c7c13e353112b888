"""The pane beside the table: the selected monitor in full, with what each region measured and its latency chart.

It reads frozen details and asks the history it was given; everything it is asked to do goes out as a signal.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.family import IPV6
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.target import full_url
from pingmon_gui.ui import sheet, wording
from pingmon_gui.ui.latency_chart import LatencyChart
from pingmon_gui.ui.monitor_detail import MonitorDetail
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.region_section import RegionSection
from pingmon_gui.ui.registration_wording import registration_line
from pingmon_gui.ui.theme import current, scaled_font

_MARGIN = 16
_NARROWEST = 300
#: From this width on head, chart and regions stand side by side.
_WIDE = 860


class HistorySource(Protocol):
    """Where the chart's results come from."""

    async def results(self, monitor: MonitorId, from_ms: int, to_ms: int) -> list[SeriesHistory]: ...


class Task(Protocol):
    """What `spawn` returns."""

    def cancel(self) -> bool: ...


class DetailPane(QWidget):
    """Shows nothing, many, or one monitor; call `show_monitor` again whenever something changed."""

    add_requested = Signal()
    edit_requested = Signal()
    check_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    tags_requested = Signal()
    history_requested = Signal()
    explain_requested = Signal(object)

    def __init__(
        self,
        history: HistorySource,
        spawn: Callable[[Coroutine[Any, Any, Any]], Task],
        now_ms: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._spawn = spawn
        self._now_ms = now_ms
        self._detail: MonitorDetail | None = None
        self._loading: Task | None = None
        #: Start of the newest result in the chart, by probe.
        #: By probe and whether it is the second of two families: up to when its results are in the chart.
        self._charted: dict[tuple[ProbeId, bool], int] = {}
        self._sections: dict[tuple[ProbeId, int], RegionSection] = {}
        self._build()

    @property
    def monitor(self) -> MonitorId | None:
        """The monitor that is shown, None if it is not exactly one."""
        return self._detail.monitor.id if self._detail is not None else None

    def show_nothing(self, has_monitors: bool) -> None:
        """Say what to do to see something here."""
        self._leave()
        if has_monitors:
            self._invitation.setText(self.tr("Select a domain to see its phases, certificate and latency."))
        else:
            self._invitation.setText(self.tr("Add a domain, and this is where its details appear."))
        self._add.setVisible(not has_monitors)
        self._many_buttons.hide()
        self._pages.setCurrentWidget(self._note)

    def show_many(self, monitors: Sequence[Monitor]) -> None:
        """Offer what can be done with several at once."""
        self._leave()
        text = self.tr("%1 selected").replace("%1", wording.monitors_counted(len(monitors)))
        self._invitation.setText(text)
        self._add.hide()
        self._many_buttons.show()
        self._pages.setCurrentWidget(self._note)

    def show_monitor(self, detail: MonitorDetail) -> None:
        """Show one monitor; if it is the one shown already, only what changed is touched."""
        is_new = self.monitor != detail.monitor.id
        self._detail = detail
        self._pages.setCurrentWidget(self._one)
        self._show_head(detail)
        self._show_regions(detail)
        if is_new:
            self._scroll.verticalScrollBar().setValue(0)
            self._load()
        else:
            self._append(detail)

    # Building

    def _build(self) -> None:
        self._title = PlainLabel(self)
        self._address = PlainLabel(self)
        self._copy = QToolButton(self)
        self._copy.setText(self.tr("Copy"))
        self._copy.setAccessibleName(self.tr("Copy the address"))
        self._copy.setProperty("flat", True)
        self._copy.clicked.connect(self.on_copy_clicked)
        self._verdict = PlainLabel(self)
        self._settings = PlainLabel(self)
        self._registration = PlainLabel(self)
        self._toggle = QPushButton(self)
        self._toggle.clicked.connect(self.on_toggle_clicked)
        self.chart = LatencyChart(self)
        self.chart.setMinimumHeight(190)
        self.chart.span_chosen.connect(self.on_span_chosen)
        self.chart.history_asked.connect(self.history_requested)
        self._pages = QStackedWidget(self)
        self._one = self._build_one()
        self._note = self._build_note()
        self._pages.addWidget(self._note)
        self._pages.addWidget(self._one)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._pages)
        self.refresh()

    def refresh(self) -> None:
        """Take over the colours in use, and give the buttons the look of those in the top bar.

        Called once the application has its new palette: a sheet that is set while a palette is being handed down
        brings the old one back.
        """
        look = sheet.controls()
        if self.styleSheet() != look:
            self.setStyleSheet(look)
        if self._detail is not None:
            self._show_head(self._detail)
            self._show_regions(self._detail)

    def _build_one(self) -> QWidget:
        address = QHBoxLayout()
        address.addWidget(self._address, 1)
        address.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        self._buttons = buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for text, signal in ((self.tr("Check now"), self.check_requested), (self.tr("Edit…"), self.edit_requested)):
            buttons.addWidget(self._button(text, signal))
        buttons.addWidget(self._toggle)
        buttons.addStretch(1)
        head = QVBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addLayout(address)
        head.addWidget(self._verdict)
        head.addWidget(self._settings)
        head.addWidget(self._registration)
        head.addLayout(buttons)
        head.addStretch(1)
        self._regions = QVBoxLayout()
        self._regions.setSpacing(18)
        regions = QVBoxLayout()
        regions.addLayout(self._regions)
        regions.addStretch(1)
        content = QWidget(self)
        self._parts = QBoxLayout(QBoxLayout.Direction.TopToBottom, content)
        self._parts.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        self._parts.setSpacing(_MARGIN)
        self._parts.addLayout(head)
        chart = QVBoxLayout()
        chart.addWidget(self.chart, 1)
        chart.addStretch(0)
        self._parts.addLayout(chart)
        self._parts.addLayout(regions, 1)
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(content)
        return self._scroll

    def _build_note(self) -> QWidget:
        page = QWidget(self)
        self._invitation = QLabel(page)
        self._invitation.setTextFormat(Qt.TextFormat.PlainText)
        self._invitation.setWordWrap(True)
        self._invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._add = self._button(self.tr("Add domain…"), self.add_requested)
        self._many_buttons = QWidget(page)
        many = QVBoxLayout(self._many_buttons)
        many.setContentsMargins(0, 0, 0, 0)
        for text, signal in (
            (self.tr("Check now"), self.check_requested),
            (self.tr("Edit…"), self.edit_requested),
            (self.tr("Tags…"), self.tags_requested),
            (self.tr("Pause"), self.pause_requested),
            (self.tr("Resume"), self.resume_requested),
        ):
            many.addWidget(self._button(text, signal))
        column = QVBoxLayout(page)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        column.addStretch(1)
        column.addWidget(self._invitation)
        column.addWidget(self._add, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._many_buttons, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        return page

    def _button(self, text: str, signal: Any) -> QPushButton:
        button = QPushButton(text, self)
        button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        button.clicked.connect(signal)
        return button

    def minimumSizeHint(self) -> QSize:
        """Leave room for the buttons side by side, whatever the font: nothing here scrolls sideways."""
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        wide = max(_NARROWEST, self._buttons.minimumSize().width() + 2 * _MARGIN + bar)
        return QSize(wide, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = self.width() >= _WIDE
        direction = QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom
        self._parts.setDirection(direction)
        for place in range(2):
            self._parts.setStretch(place, 1 if is_wide else 0)
        # Beside many regions it would be higher than what can be seen of it at once.
        self.chart.setMaximumHeight(max(self.chart.minimumHeight(), self.height() - 2 * _MARGIN))

    # Showing

    def _leave(self) -> None:
        self._detail = None
        self._stop_loading()

    def _show_head(self, detail: MonitorDetail) -> None:
        monitor = detail.monitor
        self._title.setFont(scaled_font(1.3, weight=self._title.font().Weight.DemiBold))
        self._title.setText(wording.plain(monitor.title))
        self._address.setText(wording.plain(full_url(monitor.url)))
        self._verdict.setText(detail.sentence)
        parts = [wording.interval(monitor.settings.interval_ms)]
        limit = self.tr("timeout %1").replace("%1", wording.duration(monitor.settings.timeout_ms))
        parts += [limit, *(f"#{wording.plain(tag, 60)}" for tag in monitor.tags)]
        self._settings.setText(" · ".join(parts))
        self._toggle.setText(self.tr("Resume") if monitor.is_paused else self.tr("Pause"))
        known = detail.registration
        self._registration.setVisible(known is not None)
        self._registration.setText("" if known is None else registration_line(known, detail.now_ms))
        for label in (self._address, self._settings, self._registration):
            label.setStyleSheet(f"color: {current().muted}")

    def _show_regions(self, detail: MonitorDetail) -> None:
        shown = [(region, measured) for region in detail.regions for measured in region.measured]
        for gone in self._sections.keys() - {(measured.probe.id, measured.family) for _, measured in shown}:
            section = self._sections.pop(gone)
            self._regions.removeWidget(section)
            section.deleteLater()
        for place, (region, measured) in enumerate(shown):
            key = (measured.probe.id, measured.family)
            section = self._sections.get(key) or RegionSection(self)
            if key not in self._sections:
                section.explain_asked.connect(self.explain_requested)
                self._sections[key] = section
                self._regions.insertWidget(place, section)
            section.show_measured(region, measured, detail.now_ms)

    # The chart

    def _load(self) -> None:
        """Read the chart's results; what was being read for another choice is dropped."""
        self._stop_loading()
        if self._detail is None:
            return
        self._charted = {}
        self.chart.show_message(self.tr("Loading…"))
        self._loading = self._spawn(self._show_history(self._detail, self.chart.span_ms))

    def _stop_loading(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None

    async def _show_history(self, detail: MonitorDetail, span_ms: int) -> None:
        to_ms = self._now_ms()
        found = await self._history.results(detail.monitor.id, to_ms - span_ms, to_ms)
        self._loading = None
        series: list[tuple[Region, str, SeriesHistory]] = []
        for history in found:
            probe = detail.probes.get(history.series.probe)
            if probe is not None:
                series.append((probe.region, probe.name, history))
                if len(history.at_ms):
                    newest, voice = int(history.at_ms[-1]), history.series.voice
                    self._charted[voice] = max(newest, self._charted.get(voice, 0))
        self.chart.show_history(series, to_ms - span_ms, to_ms)
        if self._detail is not None:
            self._append(self._detail)

    def _append(self, detail: MonitorDetail) -> None:
        """Give the chart the results that came since it was filled."""
        if self._loading is not None:
            return
        for region in detail.regions:
            for measured in region.measured:
                result, voice = measured.result, (measured.probe.id, measured.family == IPV6)
                if result is None or result.started_at_ms <= self._charted.get(voice, 0):
                    continue
                self._charted[voice] = result.started_at_ms
                self.chart.append(
                    region.region,
                    measured.probe.name,
                    result.started_at_ms,
                    result.total_ms,
                    measured.status,
                    detail.monitor.settings.interval_ms,
                    is_second=voice[1],
                )

    # Slots

    @Slot()
    def on_copy_clicked(self) -> None:
        if self._detail is not None:
            QGuiApplication.clipboard().setText(self._detail.monitor.url)

    @Slot()
    def on_toggle_clicked(self) -> None:
        if self._detail is None:
            return
        signal = self.resume_requested if self._detail.monitor.is_paused else self.pause_requested
        signal.emit()

    @Slot(int)
    def on_span_chosen(self, _span_ms: int) -> None:
        self._load()
