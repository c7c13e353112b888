"""The look: one set of colours for light and one for dark, and the switch between them.

Everything that paints asks `current()` at paint time. Text has a contrast of at least 4.5:1 to what it
stands on (a test counts it); nothing is told by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for, as #rrggbb. `base` is what lists and fields stand on, `window` all else."""

    is_dark: bool
    window: str
    base: str
    raised: str
    text: str
    muted: str
    line: str
    field_line: str
    outline: str
    accent: str
    on_accent: str
    accent_hover: str
    selection: str
    hover: str
    pill: str
    online: str
    slow: str
    offline: str
    regional: str
    unknown: str
    offline_tint: str
    slow_tint: str
    nothing: str
    sea: str
    sea_light: str
    land: str
    coast: str
    globe_line: str

    def of_verdict(self, verdict: int) -> str:
        """Return the colour of a `Verdict` code; `Status` codes are the first five of them."""
        return (self.online, self.slow, self.offline, self.unknown, self.unknown, self.regional)[verdict]


LIGHT = Theme(
    is_dark=False,
    window="#f5f6f8",
    base="#ffffff",
    raised="#ffffff",
    text="#1b2027",
    muted="#59626e",
    line="#e6e9ed",
    field_line="#c9cfd7",
    outline="#7d8692",
    accent="#1f5fd6",
    on_accent="#ffffff",
    accent_hover="#184eb4",
    selection="#dfe9fb",
    hover="#f3f6fa",
    pill="#e9ecf0",
    online="#176f31",
    slow="#8a5c00",
    offline="#c62828",
    regional="#a8410a",
    unknown="#5f6875",
    offline_tint="#fdf0ef",
    slow_tint="#fdf6e6",
    nothing="#dde1e6",
    sea="#e3eaf1",
    sea_light="#f1f5f9",
    land="#fdfdfc",
    coast="#c3cfda",
    globe_line="#dbe4ec",
)
DARK = Theme(
    is_dark=True,
    window="#15181c",
    base="#1b1f24",
    raised="#20252b",
    text="#e7eaee",
    muted="#9ea8b5",
    line="#2a2f36",
    field_line="#454d58",
    outline="#6a7482",
    accent="#6ea3ff",
    on_accent="#0b1526",
    accent_hover="#8bb6ff",
    selection="#223653",
    hover="#22272e",
    pill="#2a3038",
    online="#3fb950",
    slow="#e0ad2f",
    offline="#ff7b72",
    regional="#ff9d5c",
    unknown="#9aa4b2",
    offline_tint="#35201f",
    slow_tint="#2f2816",
    nothing="#353c45",
    sea="#0d1117",
    sea_light="#141b24",
    land="#242d38",
    coast="#3a4756",
    globe_line="#18202a",
)

#: What the style (Fusion) draws an outline around, and how much darker than `Window` that is.
_OUTLINED = (
    "QLineEdit", "QAbstractSpinBox", "QComboBox", "QCheckBox", "QRadioButton", "QListWidget", "QTableWidget",
    "QPlainTextEdit",
)  # fmt: skip
_STYLE_DARKENS_PERCENT = 140

_current = LIGHT


def current() -> Theme:
    """Return the colours in use."""
    return _current


def palette_of(theme: Theme) -> QPalette:
    """Return the palette that gives every ordinary widget these colours."""
    role = QPalette.ColorRole
    palette = QPalette()
    for which, colour in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.base),
        (role.AlternateBase, theme.window),
        (role.Text, theme.text),
        (role.PlaceholderText, theme.muted),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.offline),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Accent, theme.accent),
        (role.Link, theme.accent),
        (role.LinkVisited, theme.accent),
        (role.Light, theme.raised),
        (role.Midlight, theme.line),
        (role.Mid, theme.field_line),
        (role.Dark, theme.field_line),
        (role.Shadow, "#000000"),
    ):
        palette.setColor(which, QColor(colour))
    faded = QColor(theme.muted)
    faded.setAlphaF(0.75)
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, faded)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(theme.pill))
    palette.setColor(QPalette.ColorGroup.Disabled, role.HighlightedText, faded)
    return palette


def outlined_palette_of(theme: Theme) -> QPalette:
    """Return the palette of fields and boxes: the style draws their outline in a darker `Window` colour.

    Darker than a dark window it could not be seen. What is behind them is painted by the widgets they stand on.
    """
    palette = palette_of(theme)
    palette.setColor(QPalette.ColorRole.Window, QColor(theme.outline).lighter(_STYLE_DARKENS_PERCENT))
    return palette


class ThemeSwitch(QObject):
    """Keeps the application in the colours of the preference ("system", "light" or "dark")."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode = "system"
        application = _application()
        style = QStyleFactory.create("Fusion")
        if style is not None:
            application.setStyle(style)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.on_system_changed)

    def set_mode(self, mode: str) -> None:
        """Follow the preference "theme" from now on."""
        self._mode = mode
        hints = QGuiApplication.styleHints()
        # Title bars and native dialogs follow as well where the system can do that.
        if mode == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if mode == "dark" else Qt.ColorScheme.Light)
        self._apply()

    @Slot()
    def on_system_changed(self) -> None:
        self._apply()

    def _apply(self) -> None:
        global _current  # noqa: PLW0603 - the application's palette is global as well
        system_is_dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        is_dark = self._mode == "dark" or (self._mode == "system" and system_is_dark)
        _current = DARK if is_dark else LIGHT
        palette = palette_of(_current)
        if _application().palette() != palette:
            _application().setPalette(palette)
            for name in _OUTLINED:
                # PySide declares bytes and takes text only.
                _application().setPalette(outlined_palette_of(_current), name)  # type: ignore[arg-type]
        self.changed.emit()


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application


def scaled_font(scale: float, *, weight: QFont.Weight = QFont.Weight.Normal, is_tabular: bool = False) -> QFont:
    """Return the application's font in another size; `is_tabular` gives all digits one width."""
    font = QFont(QApplication.font())
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * scale)
    else:
        font.setPixelSize(max(1, round(font.pixelSize() * scale)))
    font.setWeight(weight)
    if is_tabular:
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mixed(colour: str, ground: str, share: float) -> QColor:
    """Return a colour laid upon another with a share of its strength: as if it were so much see-through."""
    over, under = QColor(colour), QColor(ground)
    parts = zip(over.getRgbF()[:3], under.getRgbF()[:3], strict=True)  # type: ignore[index]
    return QColor.fromRgbF(*(share * one + (1 - share) * other for one, other in parts))
