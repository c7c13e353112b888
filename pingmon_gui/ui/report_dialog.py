"""Making a report: what is asked for on the left, its sheets on the right, then it is saved and can be opened.

The figures are gathered off the window's thread, on a loop of their own; sheets are laid out between two frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QSize, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QHBoxLayout, QWidget

from pingmon_gui.domain.error import InvalidInput, PingmonError, UserCancelled
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.report.content import PAPER_WIDTH, document
from pingmon_gui.report.gather import Progress, Report
from pingmon_gui.report.outlet import Format, replacing, text_of
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.report_form import ReportForm, ReportWish
from pingmon_gui.ui.report_pages import Layout
from pingmon_gui.ui.report_pdf import pdf_steps
from pingmon_gui.ui.report_preview import ReportPreview

Spawn = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
#: So long after the last change the report is made anew.
_PAUSE_MS = 250
#: So long figures up to the present serve for another form of the same report.
_FRESH_MS = 15 * 60_000


class Gather(Protocol):
    """Gathers the figures, on whatever loop it is awaited. May raise StorageError, and what `progress` raises."""

    def __call__(
        self, monitors: Sequence[Monitor], from_ms: int, to_ms: int, now_ms: int, zone: tzinfo, progress: Progress
    ) -> Coroutine[Any, Any, Report]: ...


class _Work:
    """One making of a report; it is over when another begins, or nobody wants it any more."""

    def __init__(self) -> None:
        self.is_over = False


class ReportDialog(FormDialog):
    """`selected` are the domains that are selected in the window; `spawn` runs a coroutine and keeps its task."""

    def __init__(
        self,
        gather: Gather,
        monitors: Sequence[Monitor],
        selected: Collection[MonitorId],
        zone: tzinfo,
        now_ms: Callable[[], int],
        spawn: Spawn,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Report"))
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.accept_button.setText(self.tr("&Save…"))
        self.cancel_button.setText(self.tr("Close"))
        self._gather = gather
        self._zone = zone
        self._now_ms = now_ms
        self._spawn = spawn
        self._work = _Work()
        self._made: tuple[ReportWish, Report] | None = None
        self._saved: Path | None = None
        self.form = ReportForm(monitors, selected, zone, self)
        self.preview = ReportPreview(self)
        self.open_button = self.buttons.addButton(self.tr("&Open"), QDialogButtonBox.ButtonRole.ActionRole)
        self.open_button.setAutoDefault(False)
        self.open_button.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addWidget(self.form, 2)
        row.addWidget(self.preview, 3)
        self.body.addLayout(row, 1)
        self.form.changed.connect(self.on_changed)
        self.preview.stop_button.clicked.connect(self.on_stop)
        self.open_button.clicked.connect(self.on_open)
        self._timer.timeout.connect(self.make)
        unit = self.fontMetrics()
        wanted = QSize(unit.averageCharWidth() * 150, unit.lineSpacing() * 46)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.92))
        self._name_buttons()

    # Making it

    @Slot()
    def on_changed(self) -> None:
        self._timer.start()

    @Slot()
    def make(self) -> None:
        """Make the report that the form asks for; one that is being made is given up."""
        self._timer.stop()
        self._end_work()
        self.message.say("")
        try:
            wish = self._read_wish()
        except InvalidInput:  # told under its field
            self._made = None
            self.preview.show_nothing()
            self._name_buttons()
            return
        self._work = work = _Work()
        self._spawn(self._make(wish, work))

    def _read_wish(self) -> ReportWish:
        """Return what the form asks for; of a moment ago, if figures of then serve. Raises InvalidInput."""
        wish = self.form.wish(self._now_ms())
        if self._made is not None:
            made = self._made[0]
            if wish.asked_at_ms - made.asked_at_ms < _FRESH_MS:
                before = self.form.wish(made.asked_at_ms)
                return before if _same_figures(made, before) else wish
        return wish

    @Slot()
    def on_stop(self) -> None:
        self._end_work()
        self.preview.end_progress()
        self.message.say(self.tr("Stopped. Change something, or choose fewer domains, to make it anew."))

    async def _make(self, wish: ReportWish, work: _Work) -> None:
        try:
            report = await self._gathered(wish, work)
            if report is not None:
                await self._show(wish, report, work)
        except PingmonError as exc:
            if not work.is_over:
                self._made = None
                self.preview.show_nothing()
                self.show_problem(exc)
        finally:
            if not work.is_over:
                self._name_buttons()
            work.is_over = True

    async def _gathered(self, wish: ReportWish, work: _Work) -> Report | None:
        """Return the figures, None if they are not wanted any more; those that are there are not gathered twice."""
        if self._made is not None and _same_figures(self._made[0], wish):
            return self._made[1]
        self._made = None
        self._name_buttons()
        loop = asyncio.get_running_loop()

        def progress(done: int, of: int) -> None:
            if work.is_over:
                raise UserCancelled
            loop.call_soon_threadsafe(self._say_progress, work, done, of)

        def gathered() -> Report:
            # Not on the window's loop, and not on one of its kind.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                return runner.run(
                    self._gather(wish.monitors, wish.from_ms, wish.to_ms, wish.asked_at_ms, self._zone, progress)
                )

        try:
            return await asyncio.to_thread(gathered)
        except UserCancelled:
            return None
        except asyncio.CancelledError:
            work.is_over = True
            raise

    def _say_progress(self, work: _Work, done: int, of: int) -> None:
        if not work.is_over:
            self.preview.show_progress(done, of)

    async def _show(self, wish: ReportWish, report: Report, work: _Work) -> None:
        if wish.format is Format.CSV:
            text = await asyncio.to_thread(text_of, report, wish.format, wish.title, with_domains=wish.with_domains)
            if not work.is_over:
                self.preview.show_text(text)
        else:
            made = await asyncio.to_thread(
                document, report, wish.title, width=PAPER_WIDTH, with_domains=wish.with_domains
            )
            layout = Layout(made)
            for _ in layout.steps():
                await asyncio.sleep(0)
                if work.is_over:
                    return
            self.preview.show_sheets(layout.sheets)
        if not work.is_over:
            self._made = (wish, report)

    def _end_work(self) -> None:
        self._work.is_over = True

    # Saving it

    @Slot()
    def submit(self) -> None:
        """Ask for the file's name, and save what is shown."""
        if self.is_busy or self._made is None:
            return
        self.message.say("")
        format_ = self._made[0].format
        dialog = QFileDialog(self, self.tr("Save report"), str(Path.home() / f"report.{format_}"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(format_.value)
        dialog.fileSelected.connect(self.on_file_selected)
        dialog.open()

    @Slot(str)
    def on_file_selected(self, name: str) -> None:
        if self._made is not None:
            self._spawn(self._save(*self._made, Path(name)))

    async def _save(self, wish: ReportWish, report: Report, path: Path) -> None:
        self.set_busy(True)
        try:
            with replacing(path) as partial:
                if wish.format is Format.PDF:
                    made = document(report, wish.title, width=PAPER_WIDTH, with_domains=wish.with_domains)
                    for _ in pdf_steps(made, partial):
                        await asyncio.sleep(0)
                else:
                    await asyncio.to_thread(_write_text, wish, report, partial)
        except PingmonError as exc:
            if not self._is_closed:
                self.show_problem(exc)
            return
        finally:
            if not self._is_closed:
                self.set_busy(False)
        if not self._is_closed:
            self._saved = path
            self.message.say(self.tr("Saved as %1.").replace("%1", wording.isolated(str(path))))
            self._name_buttons()

    @Slot()
    def on_open(self) -> None:
        """Open the file that was saved with the program that is meant for it."""
        if self._saved is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._saved))):
            self.message.say(self.tr("No program was found that opens %1.").replace("%1", str(self._saved)))

    def _name_buttons(self) -> None:
        self.accept_button.setEnabled(self._made is not None and not self.is_busy)
        self.open_button.setVisible(self._saved is not None)

    def set_busy(self, is_busy: bool) -> None:
        super().set_busy(is_busy)
        self._name_buttons()

    def done(self, code: int) -> None:
        self._end_work()
        self._timer.stop()
        super().done(code)


def _same_figures(one: ReportWish, other: ReportWish) -> bool:
    """Return whether two wishes differ in words and form only, so that what was gathered serves both."""
    return (one.from_ms, one.to_ms, one.monitors) == (other.from_ms, other.to_ms, other.monitors)


def _write_text(wish: ReportWish, report: Report, path: Path) -> None:
    text = text_of(report, wish.format, wish.title, with_domains=wish.with_domains)
    path.write_text(text, encoding="utf-8", newline="")
