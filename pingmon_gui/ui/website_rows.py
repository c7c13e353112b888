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
from pingmon_gui.domain.request_setting import require_pattern, require_sign_in

if TYPE_CHECKING:
    from pingmon_gui.ui.monitor_form import MonitorForm


translate = QCoreApplication.translate

#: From this choice on the keyword is a pattern; the odd ones want it absent.
_PATTERN = 2


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
    for text in (
        translate("MonitorForm", "must contain"),
        translate("MonitorForm", "must not contain"),
        translate("MonitorForm", "must fit the pattern"),
        translate("MonitorForm", "must not fit the pattern"),
    ):
        must.addItem(text)
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
        must.setCurrentIndex(2 * values["keyword_is_pattern"] + values["keyword_absent"])
        line.setText(values["keyword"] or "")

    def read() -> Mapping[str, Any]:
        keyword, choice = parse_keyword(line.text()), max(0, must.currentIndex())
        is_pattern = keyword is not None and choice >= _PATTERN
        if is_pattern:
            require_pattern(keyword)
        return {
            "keyword": keyword,
            "keyword_absent": keyword is not None and choice % 2 == 1,
            "keyword_is_pattern": is_pattern,
        }

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
        ("keyword", "keyword_absent", "keyword_is_pattern"),
        focus=line,
    )
    field.set_help(
        translate(
            "MonitorForm",
            "Searched in the page's first megabyte; case matters. A pattern is a regular expression, searched in the "
            "first 256 KB.",
        )
    )


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
    user, password, token = QLineEdit(), QLineEdit(), QLineEdit()
    user.setPlaceholderText(translate("MonitorForm", "User name"))
    password.setPlaceholderText(translate("MonitorForm", "Password"))
    token.setPlaceholderText(translate("MonitorForm", "or a token"))
    password.setAccessibleName(translate("MonitorForm", "Password"))
    token.setAccessibleName(translate("MonitorForm", "Token to sign in with, in place of user name and password"))
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    for line in (password, token):
        line.setEchoMode(QLineEdit.EchoMode.Password)
    for line in (user, password, token):
        row.addWidget(line, 1)
        line.textChanged.connect(form.on_edited)

    def write(values: Mapping[str, Any]) -> None:
        name, _, secret = (values["basic_auth"] or "").partition(":")
        user.setText(name)
        password.setText(secret)
        token.setText(values["bearer"] or "")

    def blank() -> None:
        for line in (user, password, token):
            line.clear()

    def read() -> Mapping[str, Any]:
        basic_auth, bearer = parse_sign_in(user.text(), password.text()), token.text().strip() or None
        require_sign_in(basic_auth, bearer)
        return {"basic_auth": basic_auth, "bearer": bearer}

    form.add_row(
        "sign_in",
        translate("MonitorForm", "Sign-&in"),
        box,
        read,
        write,
        blank,
        ("basic_auth", "bearer"),
        focus=user,
    )
    user.setAccessibleName(translate("MonitorForm", "User name to sign in with"))
