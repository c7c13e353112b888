"""Importing: a file is dropped or chosen, everything that would come of it is shown, and then done as one.

The dialog knows neither store nor engine: it reads the file off the window's thread and emits the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QSize, Qt, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QWidget,
)

from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.domain.preference import new_monitor_settings, preference
from pingmon_gui.exchange import intake
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.preview import Fate, Preview, preview
from pingmon_gui.exchange.reading import Reading
from pingmon_gui.ui import wording
from pingmon_gui.ui.drop import DropZone, dropped_files
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.import_model import Column, ImportModel
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.plain_table import DENSE, make_plain

Spawn = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
_MOST_NOTES = 5
_MOST_NAMED = 20


class ImportDialog(FormDialog):
    """Emits `submitted` with a `ConfigurationChange` that is not empty.

    `there` is what is configured; `spawn` runs a coroutine on the window's loop and keeps its task.
    """

    def __init__(self, there: Configuration, spawn: Spawn, parent: QWidget | None = None) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Import"))
        self.setAcceptDrops(True)
        self._there = there
        self._spawn = spawn
        self._task: asyncio.Task[Any] | None = None
        self._source: Path | bytes | None = None
        self._modules: Path | None = None
        self._reading: Reading | None = None
        self.seen: Preview | None = None

        self.zone = DropZone(
            self.tr("Drop a file here, choose or paste it"),
            self.tr(
                "An export of Pingmon, Uptime Kuma (backup or kuma.db), UptimeRobot (CSV), Gatus, Prometheus, any "
                "table with a column of addresses, or a list. Nothing is changed before you have seen what comes of it."
            ),
            self,
        )
        QShortcut(QKeySequence.StandardKey.Paste, self, self.on_paste)
        self.choose_button = QPushButton(self.tr("&Choose file…"), self)
        self.choose_button.setAutoDefault(False)
        self.choose_button.clicked.connect(self.on_choose)
        self.kind = QComboBox(self)
        self.kind.setAccessibleName(self.tr("Whose file it is"))
        self.kind.addItem(self.tr("Told by its content"), None)
        for kind in Kind:
            self.kind.addItem(self._kind_name(kind), kind)
        self.kind.currentIndexChanged.connect(self.on_kind_changed)
        self.modules_button = QPushButton(self.tr("&Modules of blackbox_exporter…"), self)
        self.modules_button.setAutoDefault(False)
        self.modules_button.setToolTip(
            self.tr("What a good answer is stands in a file of its own there, often blackbox.yml.")
        )
        self.modules_button.clicked.connect(self.on_choose_modules)
        row = QHBoxLayout()
        row.addWidget(self.choose_button)
        row.addWidget(self.kind)
        row.addWidget(self.modules_button)
        row.addStretch(1)

        self.summary = _passage(self)
        self.only_notable = QCheckBox(self.tr("Show only what is not taken as it is"), self)
        self.only_notable.toggled.connect(self.on_only_notable)
        self.model = ImportModel(self)
        self.table = self._made_table()
        self.row_note = _passage(self)
        self.row_note.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.row_note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.table.selectionModel().currentRowChanged.connect(self.on_row_chosen)
        self.model.modelReset.connect(self.on_row_chosen)
        self.settings = QCheckBox(self)
        self.settings.setChecked(True)
        self.settings.toggled.connect(self._compare)
        self.notes = _passage(self)
        self.body.addLayout(row)
        self.body.addWidget(self.zone, 1)
        self.body.addWidget(self.summary)
        self.body.addWidget(self.only_notable)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.row_note)
        self.body.addWidget(self.settings)
        self.body.addWidget(self.notes)
        self._show_nothing()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 140, self.fontMetrics().lineSpacing() * 32)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))
        self.choose_button.setFocus()

    # ---- what comes in

    def read_file(self, path: Path) -> None:
        """Read a file and show what would come of it; a newer request takes the place of an older."""
        self._take(path)

    def read_pasted(self, data: bytes) -> None:
        """Read what was dropped as text."""
        self._take(data)

    def _take(self, source: Path | bytes) -> None:
        self._source, self._modules = source, None
        self._read_again()

    @Slot()
    def on_choose(self) -> None:
        self._ask_for_file(self.tr("Import")).fileSelected.connect(self.on_file_selected)

    @Slot(str)
    def on_file_selected(self, name: str) -> None:
        self.read_file(Path(name))

    @Slot()
    def on_choose_modules(self) -> None:
        self._ask_for_file(self.tr("Modules of blackbox_exporter")).fileSelected.connect(self.on_modules_selected)

    @Slot(str)
    def on_modules_selected(self, name: str) -> None:
        self._modules = Path(name)
        self._read_again()

    def _ask_for_file(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.open()
        return dialog

    @Slot()
    def on_kind_changed(self) -> None:
        if self._source is not None:
            self._read_again()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasText():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self._take_data(event.mimeData())

    @Slot()
    def on_paste(self) -> None:
        self._take_data(QGuiApplication.clipboard().mimeData())

    def _take_data(self, data: QMimeData) -> None:
        if files := dropped_files(data):
            self.read_file(files[0])
        elif data.hasText():
            self.read_pasted(data.text().encode("utf-8", "replace"))

    def _read_again(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._show_nothing()
        self.summary.setText(self.tr("Reading…"))
        self.summary.show()
        self._task = self._spawn(self._read())

    async def _read(self) -> None:
        defaults = new_monitor_settings(self._there.preferences)
        source, kind, modules = self._source, self.kind.currentData(), self._modules
        try:
            if isinstance(source, Path):
                reading = await asyncio.to_thread(intake.read_file, source, defaults, kind, modules=modules)
            else:
                known = None if modules is None else await asyncio.to_thread(intake.read_modules, modules)
                reading = await asyncio.to_thread(intake.read_bytes, source or b"", defaults, kind, modules=known)
        except PingmonError as exc:
            if not self._is_closed:
                self._show_nothing()
                self.show_problem(exc)
                # Modules that cannot be read can be chosen anew.
                self.modules_button.setVisible(modules is not None)
            return
        if not self._is_closed:
            self._reading = reading
            self._compare()

    # ---- what is shown

    def _show_nothing(self) -> None:
        self._reading = self.seen = None
        self.message.say("")
        self.model.show_preview(None)
        for widget in (
            self.modules_button, self.summary, self.only_notable, self.table, self.row_note, self.settings, self.notes,
        ):  # fmt: skip
            widget.hide()
        self.zone.show()
        self._name_button()

    @Slot()
    def _compare(self) -> None:
        reading = self._reading
        if reading is None:
            return
        everything = preview(reading, self._there)
        is_wanted = self.settings.isChecked()
        self.seen = everything if is_wanted else preview(reading, self._there, with_settings=False)
        self._name_settings(everything)
        self.model.show_preview(self.seen)
        self.modules_button.setVisible(reading.kind is Kind.PROMETHEUS)
        self.zone.hide()
        self.table.show()
        self.row_note.show()
        self.only_notable.show()
        self.summary.setText(self._summary(self.seen))
        self.summary.show()
        self.notes.setText("\n".join(self._notes(self.seen)))
        self.notes.setVisible(bool(self.seen.notes))
        self._name_button()

    def _name_settings(self, seen: Preview) -> None:
        """Say what else differs than domains; the tip names each."""
        parts = []
        if seen.settings:
            count = len(seen.settings)
            parts.append(wording.counted(self.tr("%n setting(s) of the app", None, count), count))
        if seen.alerts:
            count = len(seen.alerts)
            parts.append(wording.counted(self.tr("%n [change|changes] of alerts", None, count), count))
        if seen.windows:
            count = len(seen.windows)
            parts.append(wording.counted(self.tr("%n [change|changes] of maintenance windows", None, count), count))
        text = self.tr("Take over what differs, too: %1").replace("%1", wording.joined(parts))
        self.settings.setText(text)
        names = [wording.translate("Preference", preference(row.key).label) for row in seen.settings]
        names += [step.subject for step in (*seen.alerts, *seen.windows)]
        self.settings.setToolTip(wording.tool_tip("\n".join(wording.plain(name, 80) for name in names[:_MOST_NAMED])))
        self.settings.setVisible(bool(parts))

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
        name = f"{wording.isolated(self._source.name)} · " if isinstance(self._source, Path) else ""
        return f"{name}{self._kind_name(seen.kind)}: {'; '.join(parts)}."

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

    @Slot()
    def on_row_chosen(self) -> None:
        """Show the whole note of the entry that is chosen: in its row there is room for the start of it."""
        index = self.table.currentIndex()
        text = index.siblingAtColumn(Column.NOTE).data() if index.isValid() else ""
        self.row_note.setText(str(text or ""))

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
        make_plain(table, self.tr("Preview of the import"), DENSE)
        table.setAlternatingRowColors(True)
        table.setAcceptDrops(False)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = table.horizontalHeader()
        unit = table.fontMetrics().averageCharWidth()
        for column, characters in ((Column.LINE, 11), (Column.FATE, 23), (Column.ADDRESS, 32), (Column.NAME, 20)):
            table.setColumnWidth(column, unit * characters)
        header.setStretchLastSection(True)
        table.setMinimumHeight(table.verticalHeader().defaultSectionSize() * 5)
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


def _passage(parent: QWidget) -> PlainLabel:
    label = PlainLabel(parent)
    label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return label
