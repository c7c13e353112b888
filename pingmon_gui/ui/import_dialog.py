"""Importing: a file is dropped or chosen, everything that would come of it is shown, and then done as one.

The dialog knows neither store nor engine: it reads the file off the window's thread and emits the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.domain.preference import Preferences, new_monitor_settings
from pingmon_gui.exchange import intake
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.preview import Fate, Preview, preview
from pingmon_gui.exchange.reading import Reading
from pingmon_gui.ui import wording
from pingmon_gui.ui.drop import dropped_files
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.import_model import Column, ImportModel

Spawn = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
_MOST_NOTES = 5


class ImportDialog(FormDialog):
    """Emits `submitted` with a `ConfigurationChange` that is not empty.

    `watched` are the normalised addresses that are watched already, `known_probes` the names of probes. `spawn` runs
    a coroutine on the window's loop and keeps its task.
    """

    def __init__(
        self,
        watched: Collection[str],
        preferences: Preferences,
        known_probes: Collection[str],
        spawn: Spawn,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Import"))
        self.setAcceptDrops(True)
        self._watched = frozenset(watched)
        self._preferences = preferences
        self._known_probes = tuple(known_probes)
        self._spawn = spawn
        self._task: asyncio.Task[Any] | None = None
        self._source: Path | bytes | None = None
        self._reading: Reading | None = None
        self.seen: Preview | None = None

        self.hint = QLabel(
            self.tr(
                "Drop a file here, or choose one: an export of Pingmon, Uptime Kuma (backup or kuma.db), UptimeRobot "
                "(CSV), Gatus, Prometheus, any table with a column of addresses, or a list."
            ),
            self,
        )
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.hint.setWordWrap(True)
        self.choose_button = QPushButton(self.tr("&Choose file…"), self)
        self.choose_button.setAutoDefault(False)
        self.choose_button.clicked.connect(self.on_choose)
        self.kind = QComboBox(self)
        self.kind.setAccessibleName(self.tr("Whose file it is"))
        self.kind.addItem(self.tr("Told by its content"), None)
        for kind in Kind:
            self.kind.addItem(self._kind_name(kind), kind)
        self.kind.currentIndexChanged.connect(self.on_kind_changed)
        row = QHBoxLayout()
        row.addWidget(self.choose_button)
        row.addWidget(self.kind)
        row.addStretch(1)

        self.summary = _plain_label(self)
        self.only_notable = QCheckBox(self.tr("Show only what is not taken as it is"), self)
        self.only_notable.toggled.connect(self.on_only_notable)
        self.model = ImportModel(self)
        self.table = self._made_table()
        self.settings = QCheckBox(self)
        self.settings.setChecked(True)
        self.settings.toggled.connect(self._compare)
        self.notes = _plain_label(self)
        self.body.addWidget(self.hint)
        self.body.addLayout(row)
        self.body.addWidget(self.summary)
        self.body.addWidget(self.only_notable)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.settings)
        self.body.addWidget(self.notes)
        self._show_nothing()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 110, self.fontMetrics().lineSpacing() * 28)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))
        self.choose_button.setFocus()

    # ---- what comes in

    def read_file(self, path: Path) -> None:
        """Read a file and show what would come of it; a newer request takes the place of an older."""
        self._source = path
        self._read_again()

    def read_pasted(self, data: bytes) -> None:
        """Read what was dropped as text."""
        self._source = data
        self._read_again()

    @Slot()
    def on_choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Import"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.on_file_selected)
        dialog.open()

    @Slot(str)
    def on_file_selected(self, name: str) -> None:
        self.read_file(Path(name))

    @Slot()
    def on_kind_changed(self) -> None:
        if self._source is not None:
            self._read_again()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasText():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        if files := dropped_files(event.mimeData()):
            self.read_file(files[0])
        else:
            self.read_pasted(event.mimeData().text().encode("utf-8", "replace"))

    def _read_again(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._show_nothing()
        self.summary.setText(self.tr("Reading…"))
        self.summary.show()
        self._task = self._spawn(self._read())

    async def _read(self) -> None:
        defaults = new_monitor_settings(self._preferences)
        source, kind = self._source, self.kind.currentData()
        try:
            if isinstance(source, Path):
                reading = await asyncio.to_thread(intake.read_file, source, defaults, kind)
            else:
                reading = await asyncio.to_thread(intake.read_bytes, source or b"", defaults, kind)
        except PingmonError as exc:
            if not self._is_closed:
                self._show_nothing()
                self.show_problem(exc)
            return
        if not self._is_closed:
            self._reading = reading
            self._compare()

    # ---- what is shown

    def _show_nothing(self) -> None:
        self._reading = self.seen = None
        self.message.say("")
        self.model.show_preview(None)
        for widget in (self.summary, self.only_notable, self.table, self.settings, self.notes):
            widget.hide()
        self._name_button()

    @Slot()
    def _compare(self) -> None:
        reading = self._reading
        if reading is None:
            return
        self.seen = preview(
            reading,
            self._watched,
            self._preferences,
            self._known_probes,
            with_settings=self.settings.isChecked(),
        )
        changed = sum(self._preferences[key] != value for key, value in reading.preferences.items())
        text = self.tr("Take over %n setting(s) of the app that [differs|differ], too", None, changed)
        self.settings.setText(wording.counted(text, changed))
        self.settings.setVisible(changed > 0)
        self.model.show_preview(self.seen)
        self.table.show()
        self.only_notable.show()
        self.summary.setText(self._summary(self.seen))
        self.summary.show()
        self.notes.setText("\n".join(self._notes(self.seen)))
        self.notes.setVisible(bool(self.seen.notes))
        self._name_button()

    def _summary(self, seen: Preview) -> str:
        counts = seen.counts()
        parts = [self.tr("%1 will be added").replace("%1", wording.monitors_counted(counts[Fate.ADD]))]
        for fate, text in (
            (Fate.EXISTS, self.tr("%1 watched already")),
            (Fate.TWICE, self.tr("%1 twice in the file")),
            (Fate.LEFT_OUT, self.tr("%1 left out")),
            (Fate.WRONG, self.tr("%1 cannot be read")),
        ):
            if counts[fate]:
                parts.append(text.replace("%1", wording.number(counts[fate])))
        return f"{self._kind_name(seen.kind)}: {'; '.join(parts)}."

    def _notes(self, seen: Preview) -> list[str]:
        notes = [wording.problem(InvalidInput(note)) for note in seen.notes[:_MOST_NOTES]]
        if (more := len(seen.notes) - _MOST_NOTES) > 0:
            notes.append(self.tr("…and %1 more.").replace("%1", wording.number(more)))
        return notes

    def _name_button(self) -> None:
        seen = self.seen
        if seen is None:
            self.accept_button.setText(self.tr("&Import"))
            self.accept_button.setEnabled(False)
            return
        count = len(seen.drafts)
        text = self.tr("&Import %1").replace("%1", wording.monitors_counted(count)) if count else self.tr("&Import")
        if wrong := seen.counts()[Fate.WRONG]:
            errors = self.tr("(%n [entry has an error|entries have errors])", None, wrong)
            text = f"{text} {wording.counted(errors, wrong)}"
        self.accept_button.setText(text)
        self.accept_button.setEnabled(not seen.change.is_empty and not self.is_busy)

    @Slot(bool)
    def on_only_notable(self, is_checked: bool) -> None:
        self.model.set_only_notable(is_checked)

    @Slot()
    def submit(self) -> None:
        if self.is_busy or self.seen is None or self.seen.change.is_empty:
            return
        self.message.say("")
        self.submitted.emit(self.seen.change)

    def set_busy(self, is_busy: bool) -> None:
        super().set_busy(is_busy)
        self._name_button()

    def done(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
        super().done(code)

    def _made_table(self) -> QTableView:
        table = QTableView(self)
        table.setModel(self.model)
        table.setAccessibleName(self.tr("Preview of the import"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setAcceptDrops(False)
        table.verticalHeader().hide()
        height = table.fontMetrics().lineSpacing() + 8
        table.verticalHeader().setDefaultSectionSize(height)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        unit = table.fontMetrics().averageCharWidth()
        for column, characters in ((Column.LINE, 8), (Column.FATE, 25), (Column.ADDRESS, 30), (Column.NAME, 16)):
            table.setColumnWidth(column, unit * characters)
        header.setStretchLastSection(True)
        table.setMinimumHeight(height * 5)
        return table

    def _kind_name(self, kind: Kind) -> str:
        match kind:
            case Kind.PINGMON:
                return self.tr("Export of Pingmon")
            case Kind.CSV:
                return self.tr("Table (CSV)")
            case Kind.LIST:
                return self.tr("List of addresses")
            case Kind.UPTIME_KUMA:
                return self.tr("Uptime Kuma", "product")
            case Kind.UPTIME_ROBOT:
                return self.tr("UptimeRobot", "product")
            case Kind.GATUS:
                return self.tr("Gatus", "product")
            case Kind.PROMETHEUS:
                return self.tr("Prometheus", "product")


def _plain_label(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
