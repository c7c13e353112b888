"""Style sheets of the few widgets that differ from the system's: buttons, search fields, choices, plain tables, tabs.

Set on those widgets alone: a sheet on the window would slow down the painting of the table.
"""

from __future__ import annotations

from pingmon_gui.ui.theme import current


def controls() -> str:
    """Return the sheet for bars and empty states. Dynamic properties: primary, pill, quiet."""
    t = current()
    return f"""
    QLineEdit {{ border: 1px solid {t.field_line}; border-radius: 7px; padding: 5px 9px;
        background: {t.base}; color: {t.text}; selection-background-color: {t.accent};
        selection-color: {t.on_accent}; }}
    QLineEdit:focus {{ border-color: {t.accent}; }}
    QPushButton, QToolButton {{ border: 1px solid {t.field_line}; border-radius: 7px; padding: 6px 13px;
        background: {t.raised}; color: {t.text}; }}
    QPushButton:hover, QToolButton:hover {{ background: {t.hover}; }}
    QPushButton:focus, QToolButton:focus {{ border-color: {t.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {t.muted}; background: transparent; border-color: {t.line}; }}
    QPushButton[primary="true"] {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent};
        font-weight: 600; }}
    QPushButton[primary="true"]:disabled {{ background: {t.pill}; color: {t.muted}; border-color: {t.pill}; }}
    QPushButton[primary="true"]:hover:enabled {{ background: {t.accent_hover}; }}
    QPushButton[primary="true"]:focus {{ border: 2px solid {t.text}; padding: 5px 12px; }}
    QPushButton[pill="true"] {{ border: 1px solid transparent; background: transparent; color: {t.muted};
        padding: 6px 11px; }}
    QPushButton[pill="true"]:hover {{ background: {t.hover}; color: {t.text}; }}
    QPushButton[pill="true"]:checked {{ background: {t.pill}; color: {t.text}; }}
    QPushButton[pill="true"]:focus {{ border-color: {t.accent}; }}
    QToolButton[pill="true"] {{ border-color: transparent; background: transparent; color: {t.muted}; }}
    QToolButton[pill="true"]:hover {{ background: {t.hover}; color: {t.text}; }}
    QToolButton::menu-indicator {{ image: none; }}
    QToolButton[flat="true"] {{ border: 1px solid transparent; background: transparent; padding: 4px; }}
    QToolButton[pill="true"]:focus, QToolButton[flat="true"]:focus {{ border-color: {t.accent}; }}
    QPushButton, QToolButton {{ outline: none; }}
    QLabel[quiet="true"] {{ color: {t.muted}; }}
    """


def table() -> str:
    """Return the sheet of plain tables: the head is quiet, the chosen row is whole, the focus has a frame."""
    t = current()
    return f"""
    QTableView {{ border: 1px solid {t.field_line}; border-radius: 7px; background: {t.base}; color: {t.text};
        alternate-background-color: {t.window}; outline: 0;
        selection-background-color: {t.selection}; selection-color: {t.text}; }}
    QTableView:focus {{ border-color: {t.accent}; }}
    QTableView::item {{ padding: 0 6px; }}
    QTableView::item:focus {{ background: {t.selection}; color: {t.text}; }}
    QHeaderView {{ background: {t.base}; border: none; border-top-left-radius: 7px; border-top-right-radius: 7px; }}
    QHeaderView::section {{ background: transparent; color: {t.muted}; border: none;
        border-bottom: 1px solid {t.line}; padding: 6px 7px; }}
    """


def tabs() -> str:
    """Return the sheet of tabs: a line under the one that is shown."""
    t = current()
    return f"""
    QTabWidget::pane {{ border: none; border-top: 1px solid {t.line}; }}
    QTabBar::tab {{ background: transparent; color: {t.muted}; border: none; border-bottom: 2px solid transparent;
        padding: 7px 12px; }}
    QTabBar::tab:hover {{ color: {t.text}; background: {t.hover}; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
    QTabBar::tab:focus {{ background: {t.pill}; }}
    """
