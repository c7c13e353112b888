"""Availability explained: the figure, the sums it is made of, the very intervals behind them, and the method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.explanation import AVAILABLE, Explanation, Held
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.ui import sheet, wording
from pingmon_gui.ui.explanation_table import Column, ExplanationTable
from pingmon_gui.ui.history_words import held_word, span_text
from pingmon_gui.ui.plain_label import PlainLabel, caption, quiet_label
from pingmon_gui.ui.plain_table import DENSE, make_plain
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.tab_order import follow_layout
from pingmon_gui.ui.theme import current, scaled_font

_WIDTHS = {Column.STATE: 24, Column.BEGAN: 29, Column.ENDED: 29, Column.LENGTH: 22, Column.PROBE: 20}


@dataclass(frozen=True)
class Subject:
    """What is explained: a domain's availability, or a region's (`region` is not None), in a span.

    Where each family is measured a region's may be that of one `family`.
    """

    title: str
    region: Region | None
    from_ms: int
    to_ms: int
    family: int = 0


class ExplanationWindow(QDialog):
    """Shows what `read` gives once it is there. Closed is gone."""

    def __init__(
        self,
        subject: Subject,
        read: Callable[[], Awaitable[tuple[Explanation, Mapping[ProbeId, str]]]],
        spawn: Spawn,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Availability explained"))
        self._subject = subject
        self._read = read
        self._is_closed = False
        self.model = ExplanationTable(self)
        self._lay_out()
        self.setStyleSheet(sheet.controls())
        self._figure.setText(self.tr("Reading…"))
        wanted = QSize(self.fontMetrics().averageCharWidth() * 150, self.fontMetrics().lineSpacing() * 42)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))
        self._task = spawn(self._load())

    async def _load(self) -> None:
        try:
            explanation, probes = await self._read()
        except PingmonError as exc:
            if not self._is_closed:
                self._figure.setText(wording.problem(exc))
            return
        if not self._is_closed:
            self.show_explanation(explanation, probes)

    def show_explanation(self, explanation: Explanation, probes: Mapping[ProbeId, str]) -> None:
        """Show the figure with all behind it."""
        time = explanation.time
        if time.ratio is None:
            self._figure.setText(self.tr("Nothing is known: no share can be told"))
        else:
            text = self.tr("%1 available, %2 of the time known")
            text = text.replace("%2", wording.exact_share(time.coverage))
            self._figure.setText(text.replace("%1", wording.exact_share(time.ratio)))
        self._show_sums(explanation)
        self.model.show_explanation(explanation, probes)
        is_of_probes = any(one.probe is not None for one in explanation.intervals)
        self.table.setColumnHidden(Column.PROBE, not is_of_probes)

    def _show_sums(self, explanation: Explanation) -> None:
        time = explanation.time
        good = [(held_word(held), explanation.total_ms(held)) for held in AVAILABLE]
        lines = [(name, ms, False) for name, ms in good if ms]
        lines.append((self.tr("available"), time.available_ms, True))
        lines.append((held_word(Held.OFFLINE), explanation.total_ms(Held.OFFLINE), False))
        lines.append((self.tr("known"), time.known_ms, True))
        lines.append((held_word(Held.UNKNOWN), explanation.total_ms(Held.UNKNOWN), False))
        if explanation.beyond_ms:
            lines.append((self.tr("known beyond what was asked"), -explanation.beyond_ms, False))
        lines.append((self.tr("asked for"), time.asked_ms, True))
        rest = [(held_word(held), explanation.total_ms(held)) for held in (Held.PAUSED, Held.NOT_ASKED)]
        lines += [(self.tr("%1: counts neither way").replace("%1", name), ms, False) for name, ms in rest if ms]
        while self._sums.count():
            item = self._sums.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.deleteLater()
        for row, (name, ms, is_sum) in enumerate(lines):
            sign, label, figure = (quiet_label(self) for _ in range(3))
            sign.setText("=" if is_sum else "−" if ms < 0 else "+")
            label.setText(name)
            figure.setText(wording.exact_duration(abs(ms)))
            figure.setAlignment(Qt.AlignmentFlag.AlignRight)
            weight = QFont.Weight.DemiBold if is_sum else QFont.Weight.Normal
            for column, widget in enumerate((sign, label, figure)):
                widget.setFont(scaled_font(1.0, weight=weight, is_tabular=True))
                self._sums.addWidget(widget, row, column)
        self._sums_box.setAccessibleName(
            "; ".join(f"{name} {wording.exact_duration(abs(ms))}" for name, ms, _is_sum in lines)
        )
        self._division.setText(
            self.tr("availability = available / known = %1\ncoverage = known / asked for = %2")
            .replace("%2", wording.exact_share(time.coverage))
            .replace("%1", wording.exact_share(time.ratio))
        )

    def _method(self) -> str:
        if self._subject.region is None:
            return self.tr(
                "A domain's state follows from what its regions report: offline when a quorum of the regions that "
                "watch it is (1 of 1, 2 of 2 or 3, more than half of 4 and more), a regional problem when fewer are. "
                "Online, slow and regional time is available. Time without a verdict is unknown: it counts neither "
                "way and lowers the coverage. Pauses and maintenance are not asked for."
            )
        return self.tr(
            "Each result speaks until the next one, or for 2.5 of its intervals, whichever is shorter; the rest is "
            "unknown, counts neither way and lowers the coverage. Online and slow time is available. Pauses, "
            "maintenance and time in which the region did not watch are not asked for. Of several probes each counts "
            "by itself. Where results are kept no longer, roll-ups still have these sums to the millisecond."
        )

    def _lay_out(self) -> None:
        self._figure = PlainLabel(self)
        self._figure.setFont(scaled_font(1.4, weight=QFont.Weight.DemiBold))
        where = self.tr("over all regions")
        if self._subject.region is not None:
            where = self.tr("seen from %1").replace("%1", wording.region_name(self._subject.region))
            if self._subject.family:
                where += f" · {wording.family_name(self._subject.family)}"
        about = PlainLabel(self)
        about.setText(
            f"{wording.plain(self._subject.title)} · {where} · {span_text(self._subject.from_ms, self._subject.to_ms)}"
        )
        self._sums_box = QWidget(self)
        self._sums = QGridLayout(self._sums_box)
        self._sums.setContentsMargins(0, 0, 0, 0)
        self._sums.setHorizontalSpacing(10)
        self._sums.setVerticalSpacing(2)
        self._division = PlainLabel(self, can_wrap=False)
        method = PlainLabel(self)
        method.setText(self._method())
        method.setStyleSheet(f"color: {current().muted}")
        method.setAlignment(Qt.AlignmentFlag.AlignTop)
        right = QVBoxLayout()
        right.setSpacing(10)
        right.addWidget(self._division)
        right.addWidget(method, 1)
        sums = QVBoxLayout()
        sums.addWidget(self._sums_box)
        sums.addStretch(1)
        upper = QHBoxLayout()
        upper.setSpacing(28)
        upper.addLayout(sums)
        upper.addLayout(right, 1)
        self.only_trouble = QCheckBox(self.tr("&Leave out online and slow time"), self)
        self.only_trouble.toggled.connect(self.model.set_only_trouble)
        heading = caption(self.tr("The intervals"), None, self)
        heading.setFont(scaled_font(1.0, weight=QFont.Weight.DemiBold))
        row = QHBoxLayout()
        row.addWidget(heading, 1)
        row.addWidget(self.only_trouble)
        self.table = self._table()
        buttons = QDialogButtonBox(self)
        self.copy_button = buttons.addButton(self.tr("&Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        close = buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        self.copy_button.setAutoDefault(False)
        self.copy_button.clicked.connect(self.on_copy)
        buttons.rejected.connect(self.reject)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 14, 16, 12)
        whole.setSpacing(10)
        whole.addWidget(self._figure)
        whole.addWidget(about)
        whole.addLayout(upper)
        whole.addLayout(row)
        whole.addWidget(self.table, 1)
        whole.addWidget(buttons)
        follow_layout(self)

    def _table(self) -> QTableView:
        table = QTableView(self)
        table.setModel(self.model)
        make_plain(table, self.tr("The intervals"), DENSE)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        header = table.horizontalHeader()
        header.setSectionResizeMode(Column.WHY, QHeaderView.ResizeMode.Stretch)
        unit = table.fontMetrics().averageCharWidth()
        for column, width in _WIDTHS.items():
            table.setColumnWidth(column, unit * width)
        return table

    @Slot()
    def on_copy(self) -> None:
        """Copy figure, sums and intervals as text."""
        parts = [self._figure.text(), self._sums_box.accessibleName(), self._division.text(), self.model.text()]
        QGuiApplication.clipboard().setText("\n\n".join(parts))

    def done(self, code: int) -> None:
        self._is_closed = True
        self._task.cancel()
        super().done(code)
