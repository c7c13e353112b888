"""Adding probes: a short form, then every host with its steps as they happen, several at once.

Nothing waits for the wizard: the window behind it goes on. What is asked on the way is asked in the host's card.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.region import Region
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.ui import sheet, wording
from pingmon_gui.ui.form_dialog import scrolling
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.probe_form import ProbeForm
from pingmon_gui.ui.provision_port import ProvisionPort
from pingmon_gui.ui.run_card import QUESTION_SHEET, RunCard, RunState, Spawn
from pingmon_gui.ui.sentence_label import SentenceLabel
from pingmon_gui.ui.theme import ThemeSwitch, scaled_font

CountProbes = Callable[[], Mapping[Region, int]]


class ProbeWizard(QDialog):
    """Closing it while hosts are being set up asks first; then it stops them, and what they did is undone."""

    def __init__(
        self,
        port: ProvisionPort,
        spawn: Spawn,
        counts: CountProbes,
        theme: ThemeSwitch | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Add a probe"))
        self._port = port
        self._spawn = spawn
        self._counts = counts
        self._look_up: asyncio.Task[Any] | None = None
        self._is_leaving = False
        self.question: QMessageBox | None = None
        self.cards: list[RunCard] = []
        self._requests: dict[RunCard, BootstrapRequest] = {}
        self.heading = PlainLabel(self)
        self.heading.setFont(scaled_font(1.3, weight=self.heading.font().Weight.DemiBold))
        self.explanation = SentenceLabel(self)
        self.form = ProbeForm(self)
        self._content = QWidget(self)
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(0, 0, 10, 0)
        self._column.setSpacing(10)
        self._column.addWidget(self.form)
        self._column.addStretch(1)
        self.area = scrolling(self._content, self)
        self.another_button = QPushButton(self.tr("Add &another"), self)
        self.close_button = QPushButton(self.tr("&Close"), self)
        self.start_button = QPushButton(self.tr("Set &up"), self)
        self.start_button.setProperty("primary", True)
        self.start_button.setDefault(True)
        for button in (self.another_button, self.close_button):
            button.setAutoDefault(False)
        self._buttons = QWidget(self)
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 4, 0, 0)
        row.addWidget(self.another_button)
        row.addStretch(1)
        row.addWidget(self.close_button)
        row.addWidget(self.start_button)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(18, 16, 18, 14)
        outer.setSpacing(10)
        outer.addWidget(self.heading)
        outer.addWidget(self.explanation)
        outer.addWidget(self.area, 1)
        outer.addWidget(self._buttons)
        self.start_button.clicked.connect(self.submit)
        self.another_button.clicked.connect(self.on_another)
        self.close_button.clicked.connect(self.reject)
        self.form.submitted.connect(self.submit)
        if theme is not None:
            theme.changed.connect(self.refresh)
        self.refresh()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 104, self.fontMetrics().lineSpacing() * 42)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))
        self.show_form()

    @property
    def running(self) -> list[RunCard]:
        """The hosts that are being worked on."""
        return [card for card in self.cards if not card.is_over]

    def ask_for(self, region: Region | None = None) -> None:
        """Show the form for one more host, in a region where the caller knows it."""
        self.show_form()
        if region is not None:
            self.form.choose_region(region)

    @Slot()
    def submit(self) -> None:
        """Look at what was typed; begin, or say at the field what is wrong."""
        if self._look_up is not None or self.form.isHidden():
            return
        request = self.form.read()
        if request is not None:
            self.start_button.setEnabled(False)
            self._look_up = self._spawn(self._begin(request))

    @Slot()
    def on_another(self) -> None:
        self.show_form()
        self.form.clear()

    def show_form(self) -> None:
        """Show the form above the hosts that are there."""
        self.form.set_counts(self._counts())
        if self.form.isHidden() or not self.cards:
            self.form.choose_region(self.form.first_empty())
        self.form.show()
        self._say()
        self.area.verticalScrollBar().setValue(0)
        self.form.host.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        self._buttons.setStyleSheet(sheet.controls())

    # One host

    async def _begin(self, request: BootstrapRequest) -> None:
        """Runs as `_look_up`, which ends with the dialog."""
        problem: PingmonError | None = None
        place = ""
        try:
            place = await self._port.look_up(request)
        except PingmonError as exc:
            problem = exc
        self._look_up = None
        self.start_button.setEnabled(True)
        if problem is not None:
            self.form.show_problem(problem)
            return
        self.form.hide()
        self.form.clear()
        self._run(request, place)

    def _run(self, request: BootstrapRequest, place: str) -> None:
        title = self.tr("%1 in %2").replace("%2", wording.region_name(request.region))
        card = RunCard(title.replace("%1", wording.isolated(place)), self._spawn, self._content)
        self.cards.append(card)
        self._requests[card] = request
        for earlier in self.cards[:-1]:
            earlier.steps_button.setChecked(False)
        self._column.insertWidget(self._column.count() - 1, card)
        card.ended.connect(self.on_ended)
        card.again_asked.connect(self.on_again_asked)
        card.asked.connect(self.on_asked)
        card.show()
        card.start(lambda prompter, listener: self._port.bootstrap(request, prompter, listener))
        self._say()
        card.cancel_button.setFocus(Qt.FocusReason.OtherFocusReason)
        # Its height is known when it was laid out.
        QTimer.singleShot(0, card, lambda: self.area.ensureWidgetVisible(card, 0, 0))

    @Slot()
    def on_ended(self) -> None:
        self._say()
        if self.running:
            return
        if self._is_leaving:
            super().reject()
        elif self.form.isHidden() and not isinstance(QApplication.focusWidget(), QLineEdit):
            is_good = self.cards[-1].state is RunState.DONE
            (self.close_button if is_good else self.cards[-1].again_button).setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def on_asked(self) -> None:
        card = self.sender()
        if isinstance(card, RunCard) and not isinstance(QApplication.focusWidget(), QLineEdit):
            QTimer.singleShot(0, card, lambda: self.area.ensureWidgetVisible(card.prompter))

    @Slot()
    def on_again_asked(self) -> None:
        """Put the request back into the form: what failed can mostly be put right there, or on the host."""
        card = self.sender()
        if not isinstance(card, RunCard):
            return
        request = self._requests.pop(card)
        self.cards.remove(card)
        card.hide()
        card.deleteLater()
        self.show_form()
        self.form.fill(request)

    # The whole

    def _say(self) -> None:
        is_form = not self.form.isHidden()
        self.start_button.setVisible(is_form)
        self.another_button.setVisible(not is_form)
        running = len(self.running)
        done = sum(card.state is RunState.DONE for card in self.cards)
        if is_form:
            heading = self.tr("Add a probe on a host of yours")
            text = self.tr(
                "Pingmon logs in by SSH once, sets the probe up and measures from there every few seconds, "
                "also while this computer sleeps."
            )
        elif running:
            heading = wording.counted(self.tr("Setting up %n host(s)", None, running), running)
            text = self.tr("You can go on working meanwhile, or add another host.")
        elif done == len(self.cards):
            heading = self.tr("The probe measures") if done == 1 else self.tr("The probes measure")
            text = self.tr("Its column is in the window from now on. Probes → All probes shows how it does.")
        else:
            heading = self.tr("Not everything could be set up")
            text = self.tr("What was done on the hosts that failed was undone.")
        self.heading.setText(heading)
        self.explanation.say(text)
        self.close_button.setText(self.tr("&Close") if self.cards else self.tr("Cancel"))
        self.close_button.setDefault(not is_form and not running)
        self.start_button.setDefault(is_form)

    def reject(self) -> None:
        """Close, after a question where hosts are being worked on."""
        if not self.running:
            super().reject()
            return
        if self.question is not None:
            return
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setStyleSheet(QUESTION_SHEET)
        box.setWindowTitle(self.tr("Add a probe"))
        count = len(self.running)
        text = wording.counted(self.tr("Stop setting up %n host(s)?", None, count), count)
        box.setText(text)
        box.setInformativeText(self.tr("What was done there is undone first; that can take a moment."))
        stop = box.addButton(self.tr("&Stop and undo"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(self.tr("&Go on"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        stop.clicked.connect(self.on_leave)
        box.finished.connect(self._on_answered)
        self.question = box
        box.open()

    @Slot()
    def _on_answered(self) -> None:
        self.question = None

    @Slot()
    def on_leave(self) -> None:
        """Stop all hosts and close when the last is as it was."""
        self._is_leaving = True
        if not self.running:
            super().reject()
        for card in self.running:
            card.cancel()

    def done(self, code: int) -> None:
        if self._look_up is not None:
            self._look_up.cancel()
        super().done(code)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.running:
            event.ignore()
            self.reject()
        else:
            super().closeEvent(event)
