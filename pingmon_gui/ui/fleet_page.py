"""All probes: how each does, and what can be done with it. A window of its own beside the list of domains.

What is done with a probe goes on in a card below the table, one for each probe; the rest of the window stays usable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QHideEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QSplitter,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.probe import Probe, ProbeHealth, ProbeState
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.ui import resource, sheet, wording
from pingmon_gui.ui.form_dialog import scrolling
from pingmon_gui.ui.kept_window import KeptWindow
from pingmon_gui.ui.plain_label import PlainLabel, quiet_label
from pingmon_gui.ui.plain_table import dress, model_table
from pingmon_gui.ui.probe_facts import ProbeFacts, fact_rows, sentence
from pingmon_gui.ui.probe_table import Column, ProbeTable
from pingmon_gui.ui.provision_port import FleetPort, ProvisionPort, Work, as_work
from pingmon_gui.ui.rename_dialog import RenameDialog
from pingmon_gui.ui.run_card import QUESTION_SHEET, RunCard, Spawn
from pingmon_gui.ui.sentence_label import SentenceLabel
from pingmon_gui.ui.theme import ThemeSwitch, current, scaled_font

#: How often the probes are asked for lease, spool and round trip while somebody looks.
ASK_MS = 5_000
#: In average letters; the last column has the rest.
_WIDTHS = {
    Column.NAME: 20,
    Column.REGION: 21,
    Column.HOST: 25,
    Column.STATE: 27,
    Column.VERSION: 11,
    Column.LATENCY: 11,
    Column.OFFSET: 17,
    Column.CONTACT: 14,
}
#: The table shows so many probes before it scrolls, as long as nobody pulls the handle below it.
_MOST_ROWS_SHOWN = 9


@dataclass(frozen=True)
class _Confirmation:
    """What is asked before something is done: a question, what happens, and the word on the button."""

    question: str
    detail: str
    word: str


class FleetPage(KeptWindow):
    """`show_probes` keeps it true. `add_asked` is for whoever has the wizard."""

    add_asked = Signal()

    def __init__(
        self,
        port: ProvisionPort,
        fleet: FleetPort,
        spawn: Spawn,
        now_ms: Callable[[], int],
        theme: ThemeSwitch | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Probes"))
        self._port = port
        self._fleet = fleet
        self._spawn = spawn
        self._now_ms = now_ms
        self._asking: dict[ProbeId, asyncio.Task[Any]] = {}
        self._works: dict[ProbeId, tuple[str, Work]] = {}
        self.cards: dict[ProbeId, RunCard] = {}
        self.question: QMessageBox | None = None
        self._is_pulled = False
        self._rows_fitted = 0
        self.model = ProbeTable(now_ms, self)
        self.table = self._table()
        self._make_actions()
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setInterval(ASK_MS)
        self._timer.timeout.connect(self.ask_all)
        self.table.selectionModel().selectionChanged.connect(self.on_selection_changed)
        if theme is not None:
            theme.changed.connect(self.refresh)
        self.refresh()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 160, self.fontMetrics().lineSpacing() * 48)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))

    # What is shown

    def show_probes(self, known: Iterable[ProbeHealth]) -> None:
        """Take over what is known of all probes."""
        self.model.show_probes(known)
        self._fit_table()
        self._drop_gone()
        if self.model.rowCount() and self.selected() is None:
            self.table.selectRow(0)
        self._show_selected()

    def _fit_table(self) -> None:
        """Give the table the height of its rows, until a person has pulled the handle below it."""
        rows = min(max(self.model.rowCount(), 3), _MOST_ROWS_SHOWN)
        if self._is_pulled or rows == self._rows_fitted:
            return
        self._rows_fitted = rows
        height = self.table.verticalHeader().defaultSectionSize() * rows
        height += self.table.horizontalHeader().sizeHint().height() + 2 * self.table.frameWidth()
        self.splitter.setSizes([height, max(height, self.height() - height)])

    @Slot()
    def _on_pulled(self) -> None:
        self._is_pulled = True

    def selected(self) -> ProbeFacts | None:
        """Return what is known of the selected probe."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.facts_at(rows[0].row()) if rows else None

    def select(self, probe: ProbeId) -> None:
        """Bring a probe up."""
        row = self.model.row_of(probe)
        if row >= 0:
            self.table.selectRow(row)

    @property
    def running(self) -> list[RunCard]:
        """What is under way."""
        return [card for card in self.cards.values() if not card.is_over]

    @Slot()
    def ask_all(self) -> None:
        """Ask every probe that is reached how it is just now."""
        for row in range(self.model.rowCount()):
            facts = self.model.facts_at(row)
            if facts.health.state in (ProbeState.CONNECTED, ProbeState.CATCHING_UP):
                if facts.probe.id not in self._asking:
                    self._asking[facts.probe.id] = self._spawn(self._ask(facts.probe.id))
            elif facts.status is not None:
                self.model.show_status(facts.probe.id, None)

    async def _ask(self, probe: ProbeId) -> None:
        try:
            status = await self._fleet.ask_probe(probe)
        except PingmonError:
            # Its health says why in a moment, with a sentence that is meant for people.
            self.model.show_status(probe, None)
        else:
            self.model.show_status(probe, status)
        finally:
            self._asking.pop(probe, None)
        self._show_selected()

    @Slot()
    def on_selection_changed(self) -> None:
        self._show_selected()

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self._bar.setStyleSheet(sheet.controls())
        self.add_button.setIcon(resource.line_icon("plus", theme.on_accent))
        dress(self.table)
        self._show_selected()
        self.table.viewport().update()

    def _show_selected(self) -> None:
        facts = self.selected()
        self._detail.setVisible(facts is not None)
        chosen = facts.probe.id if facts is not None else None
        for probe, shown in self.cards.items():
            shown.setVisible(probe == chosen)
        card = self.cards.get(chosen) if chosen is not None else None
        is_free = facts is not None and facts.probe.access is not None and (card is None or card.is_over)
        for action in self._on_probe:
            action.setEnabled(is_free and (action is not self.take_over or self._is_refused(facts)))
        if facts is None:
            return
        names = (wording.plain(facts.probe.name, 80), wording.region_name(facts.probe.region))
        self._title.setText(" · ".join(dict.fromkeys(names)))  # this computer is a region of its own
        self._sentence.setText(sentence(facts))
        theme = current()
        self._sentence.setStyleSheet(f"color: {theme.muted if facts.health.votes else theme.offline}")
        self._show_rows(fact_rows(facts, self._now_ms()))

    @staticmethod
    def _is_refused(facts: ProbeFacts | None) -> bool:
        return facts is not None and facts.health.state is ProbeState.REFUSED

    def _show_rows(self, rows: list[tuple[str, str]]) -> None:
        for place, (label, text) in enumerate(rows):
            if place == len(self._facts):
                pair = (quiet_label(self), PlainLabel(self))
                pair[0].setProperty("quiet", True)
                self._facts.append(pair)
                self._form.addRow(*pair)
            name, value = self._facts[place]
            if (name.text(), value.text()) != (label, text):
                name.setText(label)
                value.setText(text)
                value.setAccessibleName(f"{label}: {text}")
        for place, _pair in enumerate(self._facts):
            self._form.setRowVisible(place, place < len(rows))

    # What can be done

    @Slot()
    def on_doctor(self) -> None:
        self._begin(self.tr("Examining %1"), lambda probe: lambda *way: self._port.diagnose(probe, *way))

    @Slot()
    def on_logs(self) -> None:
        self._begin(self.tr("Log of %1"), lambda probe: lambda *way: self._port.logs(probe, *way))

    @Slot()
    def on_upgrade(self) -> None:
        asked = _Confirmation(
            self.tr("Upgrade the probe %1?"),
            self.tr(
                "This app's own version of the probe is put on %2 and started. If it does not prove healthy, the "
                "previous one is put back. It measures nothing for a few seconds; what it measured before is kept."
            ),
            self.tr("&Upgrade"),
        )
        self._ask_first(asked, self.tr("Upgrading %1"), lambda probe: lambda *way: self._port.upgrade(probe, *way))

    @Slot()
    def on_restart(self) -> None:
        asked = _Confirmation(
            self.tr("Restart the probe %1?"),
            self.tr("Its service on %2 is stopped and started. It measures nothing for a few seconds."),
            self.tr("&Restart"),
        )
        self._ask_first(asked, self.tr("Restarting %1"), lambda probe: lambda *way: self._port.restart(probe, *way))

    @Slot()
    def on_take_over(self) -> None:
        asked = _Confirmation(
            self.tr("Take over the probe %1?"),
            self.tr(
                "It works for another Pingmon. From now on it measures what this one watches, and the other is told "
                "so. What it measured and still keeps can be collected from here."
            ),
            self.tr("&Take over"),
        )

        def work(probe: Probe) -> Work:
            async def take_over() -> None:
                self._fleet.take_over(probe.id)

            return as_work(take_over, [self.tr("It gets this app's plan with the next contact.")])

        self._ask_first(asked, self.tr("Taking over %1"), work)

    @Slot()
    def on_remove(self) -> None:
        asked = _Confirmation(
            self.tr("Remove the probe %1?"),
            self.tr(
                "Everything of it is taken off %2: service, user, files, key and crontab line; also what it measured "
                "and was not collected yet. What was collected stays in the history."
            ),
            self.tr("Re&move"),
        )
        self._ask_first(asked, self.tr("Removing %1"), lambda probe: lambda *way: self._port.remove(probe, *way))

    @Slot()
    def on_forget(self) -> None:
        asked = _Confirmation(
            self.tr("Forget the probe %1?"),
            self.tr(
                "Meant for a host that is gone: %2 is not touched. Where the probe still runs there, it stops by "
                "itself when its lease is over, unless another Pingmon uses it, and its files stay. What was "
                "collected stays in the history."
            ),
            self.tr("&Forget"),
        )
        done = self.tr("It is forgotten here; its host was not touched.")
        self._ask_first(
            asked, self.tr("Forgetting %1"), lambda probe: as_work(lambda: self._fleet.forget(probe.id), [done])
        )

    @Slot()
    def on_rename(self) -> None:
        facts = self.selected()
        if facts is None or facts.probe.access is None:
            return
        probe = facts.probe
        dialog = RenameDialog(probe, self)
        dialog.submitted.connect(lambda name: self._spawn(dialog.carry_out(self._fleet.rename(probe.id, name))))
        dialog.open()

    def _ask_first(self, asked: _Confirmation, title: str, work: Callable[[Probe], Work]) -> None:
        facts = self.selected()
        if facts is None or facts.probe.access is None or self.question is not None:
            return
        probe, host = facts.probe, facts.probe.access.host
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setStyleSheet(QUESTION_SHEET)
        box.setWindowTitle(self.tr("Probes"))
        box.setText(asked.question.replace("%1", wording.isolated(probe.name)))
        box.setInformativeText(asked.detail.replace("%2", wording.isolated(host)))
        yes = box.addButton(asked.word, QMessageBox.ButtonRole.AcceptRole)
        no = box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        yes.clicked.connect(lambda: self._start(probe, title, work(probe)))
        box.finished.connect(self._on_answered)
        self.question = box
        box.open()

    @Slot()
    def _on_answered(self) -> None:
        self.question = None

    def _begin(self, title: str, work: Callable[[Probe], Work]) -> None:
        facts = self.selected()
        if facts is not None and facts.probe.access is not None:
            self._start(facts.probe, title, work(facts.probe))

    def _start(self, probe: Probe, title: str, work: Work) -> None:
        before = self.cards.get(probe.id)
        if before is not None:
            if not before.is_over:
                return
            before.hide()
            before.deleteLater()
        self.notice.say("")
        card = RunCard(title.replace("%1", wording.isolated(probe.name)), self._spawn, self)
        self.cards[probe.id] = card
        self._works[probe.id] = (title, work)
        self._cards_column.insertWidget(0, card)
        card.ended.connect(self.on_ended)
        card.again_asked.connect(self.on_again_asked)
        card.start(work)
        self._show_selected()
        if card.isVisible():
            card.cancel_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _drop_gone(self) -> None:
        """Keep what a run said of a probe that went with it: its card has no row any more."""
        for probe, card in list(self.cards.items()):
            if card.is_over and self.model.row_of(probe) < 0:
                self.notice.say(f"{card.accessibleName()} {card.summary.text()}".strip())
                del self.cards[probe]
                self._works.pop(probe, None)
                card.hide()
                card.deleteLater()

    @Slot()
    def on_ended(self) -> None:
        self._drop_gone()
        self._show_selected()
        self.ask_all()

    @Slot()
    def on_again_asked(self) -> None:
        facts = self.selected()
        if facts is not None and facts.probe.id in self._works:
            self._start(facts.probe, *self._works[facts.probe.id])

    # Building

    def _make_actions(self) -> None:
        self.add = self._action(self.tr("&Add a probe"), "Ctrl+N", self.add_asked.emit)
        self.doctor = self._action(self.tr("&Doctor"), "Ctrl+D", self.on_doctor)
        self.logs = self._action(self.tr("&Logs"), "Ctrl+L", self.on_logs)
        self.upgrade = self._action(self.tr("&Upgrade…"), "Ctrl+U", self.on_upgrade)
        self.restart = self._action(self.tr("R&estart…"), "Ctrl+R", self.on_restart)
        self.rename = self._action(self.tr("Re&name…"), "F2", self.on_rename)
        self.take_over = self._action(self.tr("&Take over…"), "Ctrl+T", self.on_take_over)
        self.remove = self._action(self.tr("Re&move…"), "Del", self.on_remove)
        self.forget = self._action(self.tr("&Forget…"), "Shift+Del", self.on_forget)
        self._explain(self.add, self.tr("Sets a probe up on a host of yours"))
        self._explain(self.doctor, self.tr("Looks for what is wrong with probe and host, and says what helps"))
        self._explain(self.logs, self.tr("Shows what the probe wrote last"))
        self._explain(self.upgrade, self.tr("Puts this app's version of the probe on the host"))
        self._explain(self.restart, self.tr("Stops and starts the probe's service"))
        self._explain(self.take_over, self.tr("For a probe that works for another Pingmon"))
        self._explain(self.remove, self.tr("Takes everything of the probe off its host"))
        self._explain(self.forget, self.tr("For a host that is gone: only forgets the probe here"))
        self._on_probe = (
            self.doctor,
            self.logs,
            self.upgrade,
            self.restart,
            self.rename,
            self.take_over,
            self.remove,
            self.forget,
        )

    def _action(self, text: str, keys: str, act: Callable[[], None]) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(act)
        self.addAction(action)
        return action

    @staticmethod
    def _explain(action: QAction, text: str) -> None:
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(wording.tool_tip(f"{text} ({keys})"))

    def _table(self) -> QTableView:
        table = model_table(self.model, self.tr("Probes"), _WIDTHS, self)
        table.horizontalHeader().setStretchLastSection(True)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._on_menu_asked)
        return table

    def _lay_out(self) -> None:
        self._bar = QWidget(self)
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.add_button = QPushButton(self.tr("&Add a probe"), self._bar)
        self.add_button.setProperty("primary", True)
        self.add_button.setAutoDefault(False)
        self.add_button.setToolTip(self.add.toolTip())
        self.add_button.clicked.connect(self.add.trigger)
        for action in self._on_probe:
            button = QToolButton(self._bar)
            button.setDefaultAction(action)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.add_button)
        self._detail = QWidget(self)
        self._title = PlainLabel(self._detail)
        self._title.setFont(scaled_font(1.15, weight=self._title.font().Weight.DemiBold))
        self._sentence = PlainLabel(self._detail)
        self._facts: list[tuple[QLabel, QLabel]] = []
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(18)
        self._form.setVerticalSpacing(4)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._cards_column = QVBoxLayout()
        below = QVBoxLayout(self._detail)
        below.setContentsMargins(2, 10, 10, 4)
        below.setSpacing(8)
        below.addLayout(self._cards_column)
        below.addWidget(self._title)
        below.addWidget(self._sentence)
        below.addLayout(self._form)
        below.addStretch(1)
        self.notice = SentenceLabel(self)
        self.splitter = QSplitter(Qt.Orientation.Vertical, self)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(scrolling(self._detail, self))
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.splitterMoved.connect(self._on_pulled)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(10)
        column.addWidget(self._bar)
        column.addWidget(self.splitter, 1)
        column.addWidget(self.notice)
        self.table.setFocus()

    @Slot(QPoint)
    def _on_menu_asked(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(list(self._on_probe))
        menu.popup(self.table.viewport().mapToGlobal(at))

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self.ask_all()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
