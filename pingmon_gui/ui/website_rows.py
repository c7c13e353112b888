"""The rows of a monitor's form that only websites have: what counts as a good answer, and how to sign in."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pingmon_probe.protocol import MAX_KEYWORD_CHARACTERS
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import format_status_set, parse_status_set

if TYPE_CHECKING:
    from pingmon_gui.ui.monitor_form import MonitorForm


translate = QCoreApplication.translate


def parse_keyword(text: str) -> str | None:
    """Return the keyword as it was typed, None for an empty one. Raises InvalidInput with a sentence."""
    if not text:
        return None
    if len(text) > MAX_KEYWORD_CHARACTERS:
        raise InvalidInput(f"The keyword must have 1 to {MAX_KEYWORD_CHARACTERS} characters.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise InvalidInput("The keyword holds control characters.", "Type it instead of pasting it.")
    return text


def parse_sign_in(user: str, password: str) -> str | None:
    """Return `user:password`, None where both are empty. Raises InvalidInput with a sentence."""
    if not user and not password:
        return None
    both = f"{user}:{password}"
    if ":" in user:
        raise InvalidInput("A user name cannot hold a colon.")
    if len(both) > 1_000 or not both.isprintable():
        raise InvalidInput("The user name or the password is too long or holds control characters.")
    return both


def add_keyword(form: MonitorForm) -> None:
    box = QWidget()
    must = QComboBox()
    must.addItems([translate("MonitorForm", "must contain"), translate("MonitorForm", "must not contain")])
    must.setPlaceholderText(form.left_alone())
    must.setAccessibleName(translate("MonitorForm", "How the keyword is tested"))
    line = QLineEdit()
    line.setPlaceholderText(translate("MonitorForm", "Any content is fine"))
    must.currentIndexChanged.connect(form.on_edited)
    line.textChanged.connect(form.on_edited)
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(must)
    row.addWidget(line, 1)

    def write(values: Mapping[str, Any]) -> None:
        must.setCurrentIndex(1 if values["keyword_absent"] else 0)
        line.setText(values["keyword"] or "")

    def read() -> Mapping[str, Any]:
        keyword = parse_keyword(line.text())
        return {"keyword": keyword, "keyword_absent": keyword is not None and must.currentIndex() == 1}

    def blank() -> None:
        must.setCurrentIndex(-1)
        line.clear()

    field = form.add_row(
        "keyword",
        translate("MonitorForm", "&Keyword"),
        box,
        read,
        write,
        blank,
        ("keyword", "keyword_absent"),
        focus=line,
    )
    field.set_help(translate("MonitorForm", "Searched in the page's first megabyte; case matters."))


def add_statuses(form: MonitorForm) -> None:
    line = QLineEdit()
    line.textChanged.connect(form.on_edited)
    line.setPlaceholderText(form.left_alone() if form.is_in_bulk else "200-299")
    form.add_row(
        "status_set",
        translate("MonitorForm", "Accepted stat&uses"),
        line,
        lambda: {"status_set": parse_status_set(line.text())},
        lambda values: line.setText(format_status_set(values["status_set"])),
        line.clear,
    )


def add_sign_in(form: MonitorForm) -> None:
    box = QWidget()
    user, password = QLineEdit(), QLineEdit()
    user.setPlaceholderText(translate("MonitorForm", "User name"))
    password.setPlaceholderText(translate("MonitorForm", "Password"))
    password.setEchoMode(QLineEdit.EchoMode.Password)
    password.setAccessibleName(translate("MonitorForm", "Password"))
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    for line in (user, password):
        row.addWidget(line, 1)
        line.textChanged.connect(form.on_edited)

    def write(values: Mapping[str, Any]) -> None:
        name, _, secret = (values["basic_auth"] or "").partition(":")
        user.setText(name)
        password.setText(secret)

    def blank() -> None:
        user.clear()
        password.clear()

    form.add_row(
        "sign_in",
        translate("MonitorForm", "Sign-&in"),
        box,
        lambda: {"basic_auth": parse_sign_in(user.text(), password.text())},
        write,
        blank,
        ("basic_auth",),
        focus=user,
    )
    user.setAccessibleName(translate("MonitorForm", "User name to sign in with"))
