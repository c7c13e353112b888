"""What probes kept of the failures of an incident: read in the background, a fold for each part, all of it as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication, QHideEvent, QShowEvent, QTextOption
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.evidence_text import VERBATIM, Part, Section, sections, text_of
from pingmon_gui.domain.failure_evidence import of_incident, time_of
from pingmon_gui.domain.incident import Evidence, Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import FailureEvidence, ProbeId
from pingmon_gui.ui import wording
from pingmon_gui.ui.fold import Fold
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.theme import current, scaled_font

#: Reads what was kept of a monitor's failures in a span.
ReadEvidence = Callable[[MonitorId, int, int], Awaitable[Sequence[FailureEvidence]]]
#: A route comes with a later result, and results are written a few seconds after they came.
AGAIN_MS = 3_000
_MOST_LINES, _AROUND_TEXT = 16, 22
_AT_FIRST = frozenset((Part.TRIED, Part.NAMES))


class EvidencePanel(QWidget):
    """`show_incident` fills it. `filled` says that something was read, and it looks different now."""

    filled = Signal()

    def __init__(
        self,
        read: ReadEvidence,
        spawn: Spawn,
        now_ms: Callable[[], int],
        is_able: Callable[[ProbeId], bool] = lambda _probe: True,
        parent: QWidget | None = None,
    ) -> None:
        """`is_able` says whether a probe is of a version that keeps evidence, as far as anybody knows."""
        super().__init__(parent)
        self._read = read
        self._is_able = is_able
        self._spawn = spawn
        self._now_ms = now_ms
        self._loading: asyncio.Task[Any] | None = None
        self._incident: Incident | None = None
        self.kept: tuple[FailureEvidence, ...] | None = None
        self._folds: dict[tuple[ProbeId, int, Part], Fold] = {}
        self._theme = current()
        self._body: QWidget | None = None
        self.heading = PlainLabel(self, can_wrap=False)
        self.heading.setFont(scaled_font(1.0, weight=self.heading.font().Weight.DemiBold))
        self.heading.setText(self.tr("Evidence"))
        self.copy = QPushButton(self.tr("&Copy as text"), self)
        self.copy.setToolTip(self.tr("Everything that probes kept, to paste it into a mail or a ticket"))
        self.copy.setAutoDefault(False)
        head = QHBoxLayout()
        head.addWidget(self.heading)
        head.addStretch(1)
        head.addWidget(self.copy)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 6, 0, 0)
        self._column.setSpacing(4)
        self._column.addLayout(head)
        self._again = QTimer(self)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self.on_again_due)
        self.copy.clicked.connect(self.on_copy)
        self.setVisible(False)
        self.copy.setVisible(False)

    def show_incident(self, incident: Incident | None) -> None:
        """Show what was kept of an incident's failures; None shows nothing."""
        before, self._incident = self._incident, incident
        self._drop_read()
        if before is None or incident is None or before.id != incident.id:
            self.kept = None
            self._folds.clear()
            self.copy.setVisible(False)
            self._put(_note(self.tr("Reading…"), self))
        self.setVisible(incident is not None)
        if self.isVisible() and self._loading is None:
            self._read_again()

    def _read_again(self) -> None:
        if self._incident is not None:
            self._loading = self._spawn(self._load(self._incident))

    def _drop_read(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None

    async def _load(self, incident: Incident) -> None:
        try:
            found = await self._read(incident.monitor, *time_of(incident, self._now_ms()))
        except PingmonError as exc:
            self._put(_note(wording.problem(exc), self))
            self.filled.emit()
            return
        kept = of_incident(incident, found)
        if kept != self.kept:
            self.kept = kept
            self._fill(incident, kept)
            self.filled.emit()

    def refresh(self) -> None:
        """Take over the colours in use; where they are the same, what somebody reads stays as it is."""
        if self._incident is not None and self.kept is not None and self._theme is not current():
            self._fill(self._incident, self.kept)

    def height_at(self, width: int) -> int:
        """Return how high it is at a width."""
        self._column.activate()
        return max(self._column.totalHeightForWidth(width), self._column.totalMinimumSize().height())

    # Building

    def _fill(self, incident: Incident, kept: Sequence[FailureEvidence]) -> None:
        is_open = {key: fold.head.isChecked() for key, fold in self._folds.items()}
        self._folds, self._theme = {}, current()
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for one in kept:
            seen = next((seen for seen in incident.evidence if seen.probe == one.probe), None)
            title = PlainLabel(body)
            title.setText(_who(seen, one.at_ms))
            column.addWidget(title)
            for section in sections(one.document):
                key = (one.probe, one.at_ms, section.part)
                fold = _fold(section, _who(seen, one.at_ms), body, is_open.get(key, section.part in _AT_FIRST))
                self._folds[key] = fold
                column.addWidget(fold)
        for text in self._silent(incident, kept):
            column.addWidget(_note(text, body))
        self.copy.setVisible(bool(kept))
        self._put(body)

    def _put(self, body: QWidget) -> None:
        if self._body is not None:
            self._body.hide()
            self._body.deleteLater()
        self._body = body
        self._column.addWidget(body)
        body.show()

    def _silent(self, incident: Incident, kept: Sequence[FailureEvidence]) -> list[str]:
        """Return what is to be said of the probes that saw it fail and kept nothing."""
        known = {one.probe for one in kept}
        silent = [one for one in incident.evidence if one.failure is not None and one.probe not in known]
        unable = self.tr("%1: this probe is of an older version that keeps no evidence. Upgrade it.")
        nothing = self.tr(
            "%1: nothing was kept. The probe was of an older version, had kept something just before, or too many"
            " checks failed at once."
        )
        found = []
        for text, is_able in ((unable, False), (nothing, True)):
            those = [one for one in silent if self._is_able(one.probe) == is_able]
            names = [wording.seen_from(one.region, one.probe_name) for one in those]
            found += [text.replace("%1", ", ".join(names))] if names else []
        return found

    # Slots

    @Slot()
    def on_copy(self) -> None:
        if self._incident is not None and self.kept:
            QGuiApplication.clipboard().setText(copied(self._incident, self.kept))

    @Slot()
    def on_again_due(self) -> None:
        """Read again while there may be more to come."""
        is_reading = self._loading is not None and not self._loading.done()
        if self._incident is not None and self._incident.is_open and not is_reading:
            self._read_again()

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._again.start()
        if self.kept is None and self._loading is None:
            self._read_again()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._again.stop()
        self._drop_read()


def part_title(part: Part) -> str:
    return {
        Part.TRIED: QCoreApplication.translate("EvidencePanel", "What was tried"),
        Part.NAMES: QCoreApplication.translate("EvidencePanel", "Name resolution"),
        Part.CHAIN: QCoreApplication.translate("EvidencePanel", "Certificates"),
        Part.ANSWERS: QCoreApplication.translate("EvidencePanel", "Answer"),
        Part.BODY: QCoreApplication.translate("EvidencePanel", "Body"),
        Part.ROUTE: QCoreApplication.translate("EvidencePanel", "Route"),
    }[part]


def copied(incident: Incident, kept: Sequence[FailureEvidence]) -> str:
    """Return everything as text, to paste somewhere else."""
    titles: Mapping[Part, str] = {part: part_title(part) for part in Part}
    lines: list[str] = []
    for one in kept:
        seen = next((seen for seen in incident.evidence if seen.probe == one.probe), None)
        lines += ["", _who(seen, one.at_ms)] if lines else [_who(seen, one.at_ms)]
        lines += [f"  {line}" if line else "" for line in text_of(one.document, titles)]
    return "\n".join(lines) + "\n"


def _who(seen: Evidence | None, at_ms: int) -> str:
    when = wording.date_time(at_ms)
    if seen is None:
        return QCoreApplication.translate("EvidencePanel", "Another probe, %1").replace("%1", when)
    return f"{wording.seen_from(seen.region, seen.probe_name)}, {when}"


def _fold(section: Section, whose: str, parent: QWidget, is_open: bool) -> Fold:
    title = part_title(section.part)
    head = f"{title}: {section.summary}" if section.summary else title
    return Fold(head, _reader(section, f"{title}, {whose}", parent), parent, is_open=is_open)


def _note(text: str, parent: QWidget) -> PlainLabel:
    label = PlainLabel(parent)
    label.setText(text)
    label.setStyleSheet(f"color: {current().muted}")
    return label


def _reader(section: Section, name: str, parent: QWidget) -> QWidget:
    """Return what shows the lines of a part: texts of others as they stand, in letters of one width."""
    if section.part not in VERBATIM:
        label = PlainLabel(parent)
        label.setText("\n".join(section.lines))
        label.setAccessibleName(name)
        return label
    reader = QPlainTextEdit(parent)
    reader.setReadOnly(True)
    reader.setTabChangesFocus(True)
    reader.setPlainText("\n".join(section.lines))
    reader.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    reader.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
    reader.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    reader.setAccessibleName(name)
    reader.setFrameShape(QFrame.Shape.NoFrame)
    theme = current()
    reader.setStyleSheet(
        f"QPlainTextEdit {{ background: {theme.base}; color: {theme.text}; border: 1px solid {theme.line};"
        f" border-radius: 7px; padding: 4px; }} QPlainTextEdit:focus {{ border-color: {theme.accent}; }}"
    )
    lines = min(_MOST_LINES, len(section.lines))
    reader.setFixedHeight(reader.fontMetrics().lineSpacing() * lines + _AROUND_TEXT)
    return reader
