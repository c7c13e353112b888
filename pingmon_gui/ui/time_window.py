"""The time machine in a window: cards, table and map as they stood at any moment that is kept.

Nothing can be changed here: there is no command in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QDateTime, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDateTimeEdit,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.incident import Incident, open_at
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.past import PastSetup
from pingmon_gui.engine.past_board import PastBoard
from pingmon_gui.engine.past_frame import Frame
from pingmon_gui.ui import resource, sheet, wording
from pingmon_gui.ui.cards import CardRow
from pingmon_gui.ui.domain_picker import DomainPicker
from pingmon_gui.ui.incident_table import now_sentence
from pingmon_gui.ui.kept_window import KeptWindow
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.map_source import MapSource
from pingmon_gui.ui.map_view import MapView
from pingmon_gui.ui.monitor_table import MonitorTable
from pingmon_gui.ui.row_order import VERDICT_COLUMN
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.table_view import TableView
from pingmon_gui.ui.theme import ThemeSwitch, current
from pingmon_gui.ui.time_bar import UNIT_MS, TimeBar
from pingmon_gui.ui.time_walk import Frames, TimeWalk

#: When the moment has stood for so long, the incidents of it are read.
SETTLE_MS = 200
#: Past per second of the present.
SPEEDS_MS = (1_000, 60_000, 600_000, HOUR_MS, 6 * HOUR_MS)
_PICKER_WIDTH = 330
#: Number of the choice that shows the map.
MAP = 1
SPANS_MS = (6 * HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, None)


class Past(Frames, Protocol):
    """`engine.time_machine.TimeMachine`."""

    async def open(self) -> PastSetup | None: ...


class IncidentSource(Protocol):
    """Where incidents come from."""

    async def incidents(self, from_ms: int, to_ms: int) -> list[Incident]: ...


class TimeWindow(KeptWindow):
    """`begin` reads the past anew; it is called whenever the window is shown."""

    def __init__(
        self,
        past: Past,
        incidents: IncidentSource,
        own: OwnPlaces,
        spawn: Spawn,
        now_ms: Callable[[], int],
        theme: ThemeSwitch,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(self.tr("Time machine"))
        self._past = past
        self._source = incidents
        self._spawn = spawn
        self._now_ms = now_ms
        self._names: dict[MonitorId, str] = {}
        self._stops_ms: list[int] = []
        self._is_telling = False
        self.board = PastBoard()
        self.walk = TimeWalk(past, spawn, self)
        self._build(own)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self.on_settled)
        self._connect()
        theme.changed.connect(self.refresh)
        self.resize(QSize(1420, 840).boundedTo(self.screen().availableSize() * 0.95))
        self.refresh()
        self.bar.setFocus()

    # What is shown

    @Slot()
    def begin(self) -> None:
        """Read what there is, and show the moment again that was shown before."""
        self._spawn(self._begin())

    async def _begin(self) -> None:
        setup = await self._past.open()
        is_there = setup is not None
        self.pages.setCurrentWidget(self.dashboard if is_there else self.nothing)
        for part in (self.bar, *self._controls):
            part.setEnabled(is_there)
        if setup is None:
            self.banner.setText(self.tr("The past"))
            return
        last_ms = max(setup.first_ms + UNIT_MS, self._now_ms() - UNIT_MS)
        self._names = {one.monitor.id: one.monitor.title for one in setup.monitors}
        self._stops_ms = sorted({mark.seen_ms for mark in setup.incidents})
        at_ms = self.walk.at_ms or last_ms
        self.walk.set_range(setup.first_ms, last_ms)
        self._is_telling = True
        self.bar.set_past(setup, last_ms)
        self.when.setDateTimeRange(_date_time(setup.first_ms), _date_time(last_ms))
        self._is_telling = False
        self.go_to(at_ms)

    def go_to(self, at_ms: int) -> None:
        """Go to a moment of the past."""
        self.walk.seek(at_ms)
        self._say_wanted()

    @Slot(object)
    def on_arrived(self, frame: Frame) -> None:
        """Show a frame."""
        self.board.show(frame)
        changes = self.board.take_changes()
        self.model.apply(changes)
        if changes.probes_changed:
            self.model.probes_changed()
            self.table.fit_columns(with_empty_regions=False)
        if self.model.rules.is_live:
            self.model.reorder()
        self.cards.show_cards(self.board.cards())
        if self.views.currentIndex() == MAP:
            self.picker.apply(changes)
            self.source.refresh()
        exact = _exactness(frame.exact_ms)
        self.banner.setText(f"{self.tr('The past')} · {wording.long_moment(frame.at_ms)} · {exact}")
        self._say_wanted()
        self._settle.start()

    @Slot()
    def on_settled(self) -> None:
        self._spawn(self._say_incidents(self.board.frame.at_ms))

    async def _say_incidents(self, at_ms: int) -> None:
        found = open_at(await self._source.incidents(at_ms, at_ms + 1), at_ms)
        if at_ms == self.board.frame.at_ms:
            self.now.setText(now_sentence(found, self._title, at_ms))

    def _title(self, monitor: MonitorId) -> str:
        return self._names.get(monitor) or self.tr("(a domain that was deleted)")

    def _say_wanted(self) -> None:
        """Let slider and field say which moment is asked for."""
        self._is_telling = True
        self.bar.setValue(self.walk.at_ms // UNIT_MS)
        if not self.when.hasFocus() or self.walk.is_playing:
            self.when.setDateTime(_date_time(self.walk.at_ms))
        self._is_telling = False

    # What the user asks for

    @Slot(int)
    def on_bar_moved(self, value: int) -> None:
        if not self._is_telling:
            self.walk.seek(value * UNIT_MS)

    @Slot(QDateTime)
    def on_typed(self, when: QDateTime) -> None:
        if not self._is_telling:
            self.walk.pause()
            self.go_to(when.toMSecsSinceEpoch())

    @Slot()
    def on_play(self) -> None:
        """Play from here, or from the beginning of what is seen where it is at its end; or pause."""
        if self.walk.is_playing:
            self.walk.pause()
            return
        if self.bar.value() >= self.bar.maximum():
            self.go_to(self.bar.seen()[0])
        self.walk.play(int(self.speed.currentData()))

    @Slot()
    def on_speed(self) -> None:
        if self.walk.is_playing:
            self.walk.play(int(self.speed.currentData()))

    @Slot(bool)
    def on_playing(self, is_playing: bool) -> None:
        self.play.setIcon(resource.line_icon("pause" if is_playing else "play", current().text))
        name = self.tr("Pause (Space)") if is_playing else self.tr("Play (Space)")
        self.play.setAccessibleName(name)
        self.play.setToolTip(wording.tool_tip(name))

    @Slot()
    def on_earlier(self) -> None:
        place = bisect_left(self._stops_ms, self.walk.at_ms // UNIT_MS * UNIT_MS) - 1
        if place >= 0:
            self._stop_at(self._stops_ms[place])

    @Slot()
    def on_later(self) -> None:
        place = bisect_right(self._stops_ms, self.walk.at_ms + UNIT_MS - 1)
        if place < len(self._stops_ms):
            self._stop_at(self._stops_ms[place])

    def _stop_at(self, at_ms: int) -> None:
        self.walk.pause()
        self.go_to(at_ms)

    @Slot()
    def on_span(self) -> None:
        self.bar.show_span(self.span.currentData())

    @Slot(int)
    def on_view(self, place: int) -> None:
        self.views.setCurrentIndex(place)
        if place == MAP:
            self.picker.describe()
            self.source.refresh()

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self._top.setStyleSheet(
            f"QWidget#banner {{ background: {theme.selection}; }} QLabel {{ color: {theme.text}; font-weight: 600; }}"
            + sheet.controls()
        )
        for part in (self._bottom, self._choice):
            part.setStyleSheet(sheet.controls())
        self.table.fit_to_font()
        self.picker.refresh()
        self.map.refresh()
        self.cards.update()
        self.bar.update()
        self.earlier.setIcon(resource.line_icon("earlier", theme.text))
        self.later.setIcon(resource.line_icon("later", theme.text))
        self.on_playing(self.walk.is_playing)

    # Building

    def _build(self, own: OwnPlaces) -> None:
        self._top = self._make_banner()
        self.cards = CardRow(self, count=3)
        self.model = MonitorTable(self.board, self)
        self.table = TableView(self.board, self.model, self)
        self.table.setAccessibleName(self.tr("Domains as they were"))
        self.views = QStackedWidget(self)
        self.views.addWidget(self.table)
        self.views.addWidget(self._make_map(own))
        self.table.sortByColumn(VERDICT_COLUMN, Qt.SortOrder.AscendingOrder)
        self._choice = QWidget(self)
        self.choices = QButtonGroup(self)
        pills = QHBoxLayout(self._choice)
        pills.setContentsMargins(0, 0, 0, 0)
        pills.setSpacing(4)
        for place, name in enumerate((self.tr("&Table"), self.tr("&Map"))):
            pill = QPushButton(name, self._choice)
            pill.setCheckable(True)
            pill.setProperty("pill", True)
            pill.setChecked(place == 0)
            self.choices.addButton(pill, place)
            pills.addWidget(pill)
        pills.addStretch(1)
        self.now = QLabel(self)
        self.now.setTextFormat(Qt.TextFormat.PlainText)
        self.now.setWordWrap(True)
        self.now.setAccessibleName(self.tr("Incidents then"))
        self.dashboard = QWidget(self)
        upper, said = QVBoxLayout(), QHBoxLayout()
        upper.setContentsMargins(14, 12, 14, 4)
        upper.setSpacing(8)
        upper.addWidget(self.cards)
        upper.addWidget(self._choice)
        said.setContentsMargins(14, 8, 14, 8)
        said.addWidget(self.now)
        column = QVBoxLayout(self.dashboard)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(upper)
        column.addWidget(self.views, 1)
        column.addLayout(said)
        self.nothing = QLabel(self)
        self.nothing.setTextFormat(Qt.TextFormat.PlainText)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.nothing.setText(self.tr("There is no past yet.\nWhat is measured from now on can be looked at here."))
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.dashboard)
        self.pages.addWidget(self.nothing)
        self.bar = TimeBar(self)
        self._bottom = self._make_controls()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._top)
        whole.addWidget(self.pages, 1)
        whole.addWidget(self.bar)
        whole.addWidget(self._bottom)

    def _make_banner(self) -> QWidget:
        top = QWidget(self)
        top.setObjectName("banner")
        top.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.banner = QLabel(self.tr("The past"), top)
        self.banner.setTextFormat(Qt.TextFormat.PlainText)
        self.back = QPushButton(self.tr("&Back to now"), top)
        row = QHBoxLayout(top)
        row.setContentsMargins(14, 8, 14, 8)
        row.addWidget(self.banner, 1)
        row.addWidget(self.back)
        return top

    def _make_map(self, own: OwnPlaces) -> QWidget:
        both = QWidget(self)
        self.map = MapView(both)
        self.map.is_animated = False
        self.map.offers_probes = False
        self.source = MapSource(self.board, self.map, own, is_live=False)
        self.picker = DomainPicker(self.board, both)
        self.picker.setFixedWidth(_PICKER_WIDTH)
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(1)
        row.addWidget(self.map, 1)
        row.addWidget(self.picker)
        return both

    def _make_controls(self) -> QWidget:
        below = QWidget(self)
        self.earlier, self.play, self.later = (QToolButton(below) for _ in range(3))
        for button, name in (
            (self.earlier, self.tr("Earlier incident (Ctrl+Page Up)")),
            (self.play, self.tr("Play (Space)")),
            (self.later, self.tr("Later incident (Ctrl+Page Down)")),
        ):
            button.setIconSize(QSize(18, 18))
            button.setToolTip(wording.tool_tip(name))
            button.setAccessibleName(name)
        self.speed = QComboBox(below)
        self.speed.setAccessibleName(self.tr("Speed"))
        for ms in SPEEDS_MS:
            text = self.tr("%1 a second").replace("%1", wording.duration(ms)) if ms > 1_000 else self.tr("As it was")
            self.speed.addItem(text, ms)
        self.speed.setCurrentIndex(2)
        self.when = QDateTimeEdit(below)
        self.when.setCalendarPopup(True)
        self.when.setAccessibleName(self.tr("Date and time"))
        shown = self.when.displayFormat()
        self.when.setDisplayFormat(shown if "ss" in shown else shown.replace("mm", "mm:ss"))
        self.span = QComboBox(below)
        self.span.setAccessibleName(self.tr("Part of the line"))
        for span_ms in SPANS_MS:
            self.span.addItem(self.tr("Everything") if span_ms is None else wording.duration(span_ms), span_ms)
        self.span.setCurrentIndex(SPANS_MS.index(7 * DAY_MS))
        self._controls = (self.earlier, self.play, self.later, self.speed, self.when, self.span)
        row = QHBoxLayout(below)
        row.setContentsMargins(14, 2, 14, 12)
        row.setSpacing(8)
        for part in (self.earlier, self.play, self.later, self.speed):
            row.addWidget(part)
        row.addStretch(1)
        row.addWidget(self.when)
        row.addStretch(1)
        row.addWidget(self.span)
        return below

    def _connect(self) -> None:
        self.walk.arrived.connect(self.on_arrived)
        self.walk.playing.connect(self.on_playing)
        self.bar.valueChanged.connect(self.on_bar_moved)
        self.bar.sliderPressed.connect(self.walk.pause)
        self.when.dateTimeChanged.connect(self.on_typed)
        self.play.clicked.connect(self.on_play)
        self.earlier.clicked.connect(self.on_earlier)
        self.later.clicked.connect(self.on_later)
        self.speed.currentIndexChanged.connect(self.on_speed)
        self.span.currentIndexChanged.connect(self.on_span)
        self.choices.idClicked.connect(self.on_view)
        self.picker.chosen.connect(self.source.choose)
        self.map.stepped.connect(self.picker.step)
        self.back.clicked.connect(self.hide)
        QShortcut(QKeySequence("Ctrl+PgUp"), self, self.on_earlier)
        QShortcut(QKeySequence("Ctrl+PgDown"), self, self.on_later)
        QShortcut(QKeySequence("F5"), self, self.begin)
        space = QShortcut(QKeySequence(Qt.Key.Key_Space), self.bar, self.on_play)
        space.setContext(Qt.ShortcutContext.WidgetShortcut)
        self.on_span()

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.begin()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.walk.stop()
        self._settle.stop()


def _date_time(at_ms: int) -> QDateTime:
    return QDateTime.fromMSecsSinceEpoch(int(at_ms))


def _exactness(exact_ms: int) -> str:
    """Return how exact a moment is."""
    if exact_ms == 0:
        return wording.translate("TimeMachine", "every result")
    return wording.translate("TimeMachine", "exact to %1").replace("%1", wording.duration(exact_ms))
