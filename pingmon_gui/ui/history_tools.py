"""The bar above the chart: which kind of chart, what is drawn into it, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QToolButton,
    QWidget,
)

from pingmon_gui.domain.family import AUTOMATIC, IPV4, IPV6
from pingmon_gui.ui import wording
from pingmon_gui.ui.history_curves import Kind


class HistoryTools(QWidget):
    """`look_chosen` says that kind or boxes changed, `family_chosen` another family; the others what was pressed."""

    look_chosen = Signal()
    family_chosen = Signal()
    zoom_in_asked = Signal()
    zoom_out_asked = Signal()
    reset_asked = Signal()
    copy_asked = Signal()
    save_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._kinds = QButtonGroup(self)
        for kind, text, name, key in (
            (Kind.LATENCY, self.tr("&Latency"), self.tr("Latency of all regions"), "Alt+1"),
            (Kind.PERCENTILES, self.tr("&Percentiles"), self.tr("How latencies of a region are spread"), "Alt+2"),
            (Kind.PHASES, self.tr("P&hases"), self.tr("What a region's checks spend their time on"), "Alt+3"),
        ):
            button = QPushButton(text, self)
            button.setCheckable(True)
            button.setChecked(kind is Kind.LATENCY)
            button.setAutoDefault(False)
            button.setProperty("pill", True)
            button.setAccessibleName(name)
            button.setToolTip(wording.tool_tip(f"{name} ({key})"))
            button.setShortcut(key)
            self._kinds.addButton(button, kind.value)
            row.addWidget(button)
        self._kinds.idClicked.connect(self.on_kind_clicked)
        self.normal = QCheckBox(self.tr("&Normal"), self)
        self.normal.setToolTip(wording.tool_tip(self._normal_text()))
        self.normal.setAccessibleDescription(self._normal_text())
        self.normal.setChecked(True)
        self.whole = QCheckBox(self.tr("&Whole scale"), self)
        self.whole.setToolTip(self.tr("Let the scale reach to the highest point; else single ones may lie above it"))
        for box in (self.normal, self.whole):
            box.toggled.connect(self.look_chosen)
            row.addSpacing(12)
            row.addWidget(box)
        self.families = QComboBox(self)
        self.families.setAccessibleName(self.tr("Address family"))
        self.families.setToolTip(wording.tool_tip(self.tr("Which of the two that are measured regions show")))
        for text, family in (
            (self.tr("IPv4 and IPv6"), AUTOMATIC),
            (self.tr("IPv4"), IPV4),
            (self.tr("IPv6"), IPV6),
        ):
            self.families.addItem(text, family)
        self.families.currentIndexChanged.connect(self.family_chosen)
        self.families.hide()
        row.addSpacing(12)
        row.addWidget(self.families)
        row.addStretch(1)
        for text, name, key, act in (
            ("−", self.tr("Zoom out"), "Ctrl+-", self.zoom_out_asked),
            ("+", self.tr("Zoom in"), "Ctrl++", self.zoom_in_asked),
            (self.tr("Reset"), self.tr("Back to the chosen range"), "Ctrl+0", self.reset_asked),
            (self.tr("Copy"), self.tr("Copy as a picture"), "Ctrl+Shift+C", self.copy_asked),
            (self.tr("Save…"), self.tr("Save as a picture"), "Ctrl+S", self.save_asked),
            ("?", self.tr("Keys and mouse in the chart"), "F1", self.on_help),
        ):
            tool = QToolButton(self)
            tool.setText(text)
            tool.setAccessibleName(name)
            tool.setToolTip(wording.tool_tip(f"{name} ({key})"))
            tool.setShortcut(key)
            tool.clicked.connect(act)
            row.addWidget(tool)

    @property
    def kind(self) -> Kind:
        return Kind(self._kinds.checkedId())

    @property
    def family(self) -> int:
        """Which family regions show; AUTOMATIC for both, and where they are not told apart."""
        return int(self.families.currentData())

    def show_families(self, has_families: bool) -> None:
        """Offer the families where there are two; where there are not, the choice falls back to all there is."""
        self.families.setVisible(has_families)
        if not has_families:
            self.families.setCurrentIndex(0)

    def choose(self, kind: Kind) -> None:
        """Choose a kind of chart, as a click does."""
        self._kinds.button(kind.value).click()

    def _normal_text(self) -> str:
        return self.tr(
            "Dashed: the median of the 14 days before. Drawn thick: slower than normal, that is half of the checks "
            "took longer than 95 % of those of the 14 days before, by 15 %, and at least 30 % and 5 ms longer than "
            "their median."
        )

    @Slot(int)
    def on_kind_clicked(self, _number: int) -> None:
        self.look_chosen.emit()

    @Slot()
    def on_help(self) -> None:
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(self.tr("Keys and mouse in the chart"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(
            self.tr(
                "Arrow keys move, with Ctrl by all that is shown; + and − zoom; Home and End go to the beginning and "
                "to now; 0 goes back to the chosen range. Shift and arrow keys step from value to value.\n\n"
                "The mouse drags, its wheel zooms; Shift and drag, or the right button, marks a time to look at; a "
                "double click goes back.\n\n"
                "On a strip arrow keys choose a bar, Enter looks at its time, Space explains its figure; so do a click "
                "and the menu. Every percentage explains itself: click it, or press Enter on it."
            )
        )
        box.open()
