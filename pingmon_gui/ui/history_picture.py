"""A chart as a picture that stands alone: with the domain's name, the time, and what there is to say above it."""

from __future__ import annotations

import re

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from pingmon_gui.ui.theme import current, scaled_font

_MARGIN = 16


def picture(chart: QWidget, title: str, text: str) -> QPixmap:
    """Return the chart as it is shown, under its title and a text."""
    theme = current()
    ratio = chart.devicePixelRatioF()
    big, small = scaled_font(1.3, weight=QFont.Weight.DemiBold), scaled_font(1.0)
    width = chart.width() + 2 * _MARGIN
    inner = QRect(_MARGIN, _MARGIN, chart.width(), 10_000)
    wrapping = Qt.TextFlag.TextWordWrap
    heading = QFontMetrics(big).boundingRect(inner, wrapping, title)
    under = QRect(inner.left(), heading.bottom() + 6, inner.width(), 10_000)
    body = QFontMetrics(small).boundingRect(under, wrapping, text)
    top = body.bottom() + 12
    image = QPixmap(round(width * ratio), round((top + chart.height() + _MARGIN) * ratio))
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(theme.window))
    painter = QPainter(image)
    painter.setFont(big)
    painter.setPen(QColor(theme.text))
    painter.drawText(heading, wrapping, title)
    painter.setFont(small)
    painter.setPen(QColor(theme.muted))
    painter.drawText(body, wrapping, text)
    painter.drawPixmap(_MARGIN, top, chart.grab())
    painter.end()
    return image


def suggested_name(title: str) -> str:
    """Return a name for the file, of letters that every system takes."""
    plain = re.sub(r"[^\w.-]+", "-", title).strip("-.")[:60]
    return f"{plain or 'history'}.png"
