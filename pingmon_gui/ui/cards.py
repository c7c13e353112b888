"""The four figures above the table. Each explains itself on hover and focus, and is a sentence to screen readers."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QFocusEvent, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolTip, QWidget

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.cards import Cards
from pingmon_gui.ui import status_shape, wording
from pingmon_gui.ui.theme import current, scaled_font

_PADDING = 14
translate = QCoreApplication.translate


@dataclass(frozen=True)
class CardText:
    """What one card says. `sign` is the verdict whose sign stands beside the figure, None for none."""

    title: str
    figure: str
    note: str
    explanation: str
    sign: Verdict | None = None


def card_texts(cards: Cards) -> tuple[CardText, ...]:
    """Return the texts of the four cards, in order."""
    paused = wording.counted(translate("Cards", "%n paused", None, cards.paused), cards.paused)
    if cards.paused == 0:
        paused = translate("Cards", "none paused")
    if cards.in_maintenance:
        count = cards.in_maintenance
        resting = wording.counted(translate("Cards", "%n in maintenance", None, count), count)
        paused = wording.joined([*([paused] if cards.paused else []), resting])
    total = CardText(
        translate("Cards", "Total domains"),
        wording.number(cards.total),
        paused if cards.total else translate("Cards", "none yet"),
        translate(
            "Cards",
            "All domains in the list. Paused ones are kept but not measured; in a maintenance window they are "
            "measured, but nothing counts.",
        ),
    )
    regions = CardText(
        translate("Cards", "Active regions"),
        _of(cards.active_regions, cards.regions_with_probe),
        translate("Cards", "with a voting probe"),
        translate(
            "Cards",
            "Regions with at least one probe that is reached and fit to measure, of those that have a probe. "
            "A region without a probe is not counted: nothing is known from there.",
        ),
        None if cards.active_regions == cards.regions_with_probe else Verdict.UNKNOWN,
    )
    reachable = wording.counted(
        translate("Cards", "%n reachable from somewhere", None, cards.reachable_somewhere), cards.reachable_somewhere
    )
    if cards.reachable_somewhere == 0:
        reachable = translate("Cards", "none reachable from anywhere")
    if cards.unknown == cards.not_paused:
        reachable = translate("Cards", "no result to judge by")
    online = CardText(
        translate("Cards", "Online domains"),
        _of(cards.online, cards.not_paused),
        reachable if cards.not_paused else translate("Cards", "nothing counts just now"),
        translate(
            "Cards",
            "Domains whose verdict over all regions is online or slow, of those that are neither paused nor in "
            "maintenance. Reachable from at least one region: %1.",
        ).replace("%1", wording.number(cards.reachable_somewhere)),
        _online_sign(cards),
    )
    health = CardText(
        translate("Cards", "System health"),
        translate("Cards", "Good") if cards.healthy else translate("Cards", "Look here"),
        translate("Cards", "probes, clock and disk are fine")
        if cards.healthy
        else wording.plain(translate("Sentence", cards.health), 200),
        translate(
            "Cards",
            "How Pingmon itself does: good if every probe is reached, fit to measure and on time, and what was "
            "measured could be kept. It says nothing about your domains.",
        ),
        Verdict.ONLINE if cards.healthy else Verdict.SLOW,
    )
    return total, regions, online, health


def _online_sign(cards: Cards) -> Verdict | None:
    """Return the worst there is to say: a domain nobody can tell about is no outage."""
    if cards.not_paused == 0:
        return None
    if cards.online == cards.not_paused:
        return Verdict.ONLINE
    return Verdict.UNKNOWN if cards.online + cards.unknown == cards.not_paused else Verdict.OFFLINE


def _of(part: int, whole: int) -> str:
    return translate("Cards", "%1 of %2").replace("%2", wording.number(whole)).replace("%1", wording.number(part))


class Card(QWidget):
    """One figure with its title, a note below, and an explanation on hover or focus."""

    def __init__(self, parent: QWidget | None = None, zoom: float = 1.0) -> None:
        super().__init__(parent)
        self.said = CardText("", "", "", "")
        self._zoom = zoom
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def say(self, text: CardText) -> None:
        if text == self.said:
            return
        self.said = text
        self.setAccessibleName(f"{text.title}: {text.figure}, {text.note}")
        self.setAccessibleDescription(text.explanation)
        self.setToolTip(wording.tool_tip(f"{text.note}.\n{text.explanation}" if text.note else text.explanation))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.NameChanged))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        small, big = self.fontMetrics().height(), round(self.fontMetrics().height() * 1.5)
        return QSize(130, round((2 * small + big + 30) * self._zoom))

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 2))
            frame = frame.adjusted(0.5, 0.5, -0.5, -0.5)
        else:
            painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(QColor(theme.raised))
        painter.drawRoundedRect(frame, 8, 8)
        aside, above = round(_PADDING * self._zoom), round(11 * self._zoom)
        inner = self.rect().adjusted(aside, above, -aside, -above)
        small = scaled_font(0.92 * self._zoom)
        painter.setFont(small)
        painter.setPen(QColor(theme.muted))
        line = painter.fontMetrics().height()
        self._line(painter, QRect(inner.left(), inner.top(), inner.width(), line), self.said.title)
        self._line(painter, QRect(inner.left(), inner.bottom() - line + 1, inner.width(), line), self.said.note)
        left = inner.left()
        middle = QRect(left, inner.top() + line, inner.width(), inner.height() - 2 * line)
        if self.said.sign is not None:
            painter.save()
            painter.translate(left - 3 * self._zoom, middle.center().y() - status_shape.SIZE * self._zoom / 2 + 1)
            painter.scale(self._zoom, self._zoom)
            sign = self.said.sign
            status_shape.paint(painter, int(sign), theme.of_verdict(sign), theme.raised)
            painter.restore()
            middle.setLeft(left + round((status_shape.SIZE + 1) * self._zoom))
        painter.setFont(scaled_font(1.4 * self._zoom, weight=QFont.Weight.DemiBold, is_tabular=True))
        painter.setPen(QColor(theme.text))
        self._line(painter, middle, self.said.figure)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), self.toolTip(), self)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        QToolTip.hideText()
        self.update()

    @staticmethod
    def _line(painter: QPainter, rect: QRect, text: str) -> None:
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)


class CardRow(QWidget):
    """The cards side by side, the first `count` of the four; two by two where the window is narrow."""

    NARROW = 620

    def __init__(self, parent: QWidget | None = None, zoom: float = 1.0, count: int = 4) -> None:
        super().__init__(parent)
        self.cards = tuple(Card(self, zoom) for _ in range(count))
        self._narrow = round(self.NARROW * zoom)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(10)
        self._columns = 0
        self._place(count)

    def show_cards(self, cards: Cards) -> None:
        for card, text in zip(self.cards, card_texts(cards), strict=False):
            card.say(text)

    def resizeEvent(self, event: QEvent) -> None:
        self._place(2 if self.width() < self._narrow else len(self.cards))

    def _place(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for place, card in enumerate(self.cards):
            self._grid.addWidget(card, place // columns, place % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
