"""The window itself, on the screen while what it shows is still being read.

`open_frame` comes first of all: nothing here may import numpy, the network or the database, because they take longer
to import than Qt takes to paint.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from PySide6.QtCore import (
    QByteArray,
    QEvent,
    QEventLoop,
    QLibraryInfo,
    QLocale,
    QRect,
    QRectF,
    QSettings,
    QSize,
    Qt,
    QTimer,
    QTranslator,
    Signal,
)
from PySide6.QtGui import QCloseEvent, QColor, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QVBoxLayout, QWidget

import pingmon_gui
from pingmon_gui.ui import resource, tray_host
from pingmon_gui.ui.theme import ThemeSwitch, current, scaled_font

_log = logging.getLogger(__name__)

#: What the log says then: how long a start takes is measured by it.
FIRST_FRAME = "the first frame is painted"
#: A first frame that takes longer is not waited for.
FIRST_FRAME_MS = 300
#: Between leaving the window and what a click on a panel does.
_CLICK_S = 0.5
_MARGIN, _CARDS_TOP, _CARD_HEIGHT, _GAP = 14, 76, 84, 10


def make_application() -> QApplication:
    """Return the application, made if need be, with Qt's own texts in the user's language."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(sys.argv[:1])
    application.setApplicationName("pingmon")
    application.setApplicationDisplayName("Pingmon")
    application.setApplicationVersion(pingmon_gui.__version__)
    application.setDesktopFileName("pingmon")
    application.setQuitOnLastWindowClosed(False)
    application.setWindowIcon(resource.app_icon())
    translator = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(QLocale(), "qtbase", "_", folder):
        application.installTranslator(translator)
    return application


def open_frame(data_dir: Path, *, minimized: bool) -> WindowFrame:
    """Make the application and put its window on the screen; in a tray it stays hidden if it is to start there."""
    make_application()
    frame = WindowFrame(data_dir, ThemeSwitch())
    if not minimized:
        frame.show_at_once()
    elif not tray_host.is_there():
        frame.showMinimized()
    return frame


class WindowFrame(QWidget):
    """Holds the main window from `hold` on; until then it says "Opening…" where cards and table will be.

    `uncovered` says that it can be seen again.
    """

    painted = Signal()
    close_asked = Signal()
    uncovered = Signal()

    def __init__(self, data_dir: Path, theme: ThemeSwitch) -> None:
        super().__init__()
        self.theme = theme
        self._content: QMainWindow | None = None
        self._left_at_s = 0.0
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.setWindowTitle(self.tr("Pingmon"))
        self.setWindowIcon(resource.app_icon())
        self.setMinimumSize(640, 420)
        # Wide enough for all regions, a readable name and the details; what the screen lacks is scrolled.
        self.resize(QSize(1680, 900).boundedTo(self.screen().availableSize() * 0.95))
        settings = layout_settings(data_dir)
        # The preference itself is in the database; a light window must not flash up before a dark one.
        theme.set_mode(str(settings.value("theme", "system")))
        geometry = settings.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)

    def show_at_once(self) -> None:
        """Show it and return when its first frame is painted."""
        loop = QEventLoop()
        # Queued, so that what was painted is on the screen by then.
        self.painted.connect(loop.quit, Qt.ConnectionType.QueuedConnection)
        QTimer.singleShot(FIRST_FRAME_MS, loop, loop.quit)
        self.show()
        loop.exec()
        _log.debug(FIRST_FRAME)

    def hold(self, content: QMainWindow) -> None:
        """Show the main window in here from now on, with the focus it has."""
        focus = content.focusWidget()
        self._content = content
        self._column.addWidget(content)
        content.show()
        if focus is not None:
            focus.setFocus()

    def release(self) -> None:
        """Show what stands here until the next main window comes: this one is about to go."""
        if self._content is not None:
            self._column.removeWidget(self._content)
            self._content = None
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._content is None:
            self._paint_opening()
        self.painted.emit()

    @property
    def is_in_front(self) -> bool:
        """Whether it is the active window, or was until it was left for a click on a panel."""
        is_active = self.isActiveWindow() or time.monotonic() - self._left_at_s < _CLICK_S
        return self.isVisible() and not self.isMinimized() and is_active

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self.isMinimized():
            self.uncovered.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._left_at_s = time.monotonic()
        elif event.type() == QEvent.Type.WindowStateChange and not self.isMinimized():
            self.uncovered.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave it to the app what closing means."""
        event.ignore()
        self.close_asked.emit()

    def _paint_opening(self) -> None:
        """Paint where the cards and the table will be."""
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(QColor(theme.raised))
        width = (self.width() - 2 * _MARGIN - 3 * _GAP) / 4
        for place in range(4):
            left = _MARGIN + place * (width + _GAP)
            painter.drawRoundedRect(QRectF(left + 0.5, _CARDS_TOP + 0.5, width - 1, _CARD_HEIGHT - 1), 8, 8)
        table = QRect(0, _CARDS_TOP + _CARD_HEIGHT + _GAP, self.width(), self.height())
        painter.fillRect(table, QColor(theme.base))
        painter.setPen(QColor(theme.muted))
        painter.setFont(scaled_font(1.2))
        painter.drawText(table.intersected(self.rect()), Qt.AlignmentFlag.AlignCenter, self.tr("Opening…"))


def layout_settings(data_dir: Path) -> QSettings:
    """Return where the window keeps its geometry and choices."""
    return QSettings(str(data_dir / "window.ini"), QSettings.Format.IniFormat)
