"""The rows of a monitor's form that belong to ports, DNS records and pings: what a good answer is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pingmon_probe.protocol import DNS_MATCHES, EXAMPLES, MAX_ECHO_COUNT
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import parse_dns_answers, parse_exchange

if TYPE_CHECKING:
    from pingmon_gui.ui.monitor_form import MonitorForm

translate = QCoreApplication.translate

_LINES_SHOWN = 3


def add_exchange(form: MonitorForm) -> None:
    """Add what a TCP check says, and what it has to hear."""
    send = _add_line(form, "send", translate("MonitorForm", "&Message to send"), translate("MonitorForm", "Nothing"))
    send.set_help(translate("MonitorForm", r"Sent once the connection stands. \r \n \t \0 and \x1f stand for bytes."))
    expect = _add_line(
        form, "expect", translate("MonitorForm", "E&xpected answer"), translate("MonitorForm", "Any answer is fine")
    )
    expect.set_help(translate("MonitorForm", "Has to occur in what the server says, in its first 64 KB; case matters."))


def _add_line(form: MonitorForm, key: str, text: str, placeholder: str) -> Any:
    line = QLineEdit()
    line.setPlaceholderText(form.left_alone() or placeholder)
    line.textChanged.connect(form.on_edited)
    return form.add_row(
        key,
        text,
        line,
        lambda: {key: parse_exchange(line.text())},
        lambda values: line.setText(values[key] or ""),
        line.clear,
    )


def add_records(form: MonitorForm) -> None:
    """Add how the records of a name are judged, with those that are expected, one a line."""
    box = QWidget()
    match = QComboBox()
    for word in DNS_MATCHES:
        match.addItem(_match_words(word), word)
    match.setPlaceholderText(form.left_alone())
    answers = QPlainTextEdit()
    answers.setTabChangesFocus(True)
    answers.setFixedHeight(QFontMetrics(answers.font()).lineSpacing() * _LINES_SHOWN + 12)
    answers.setAccessibleName(translate("MonitorForm", "Expected records, one a line"))
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(match)
    column.addWidget(answers)
    box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def asks_for_answers() -> bool:
        return match.currentData() in ("exact", "contains")

    def show_example() -> None:
        answers.setVisible(asks_for_answers())
        answers.setPlaceholderText(EXAMPLES[form.record_type or "A"])

    def read() -> Mapping[str, Any]:
        show_example()
        if not asks_for_answers():
            return {"dns_match": str(match.currentData()), "dns_answers": ()}
        if form.record_type is None:
            raise InvalidInput(translate("MonitorForm", "Select domains of one record type to say which are expected."))
        found = parse_dns_answers(answers.toPlainText(), form.record_type)
        if not found:
            raise InvalidInput(translate("MonitorForm", "Type the records that are expected, one a line."))
        return {"dns_match": str(match.currentData()), "dns_answers": found}

    def write(values: Mapping[str, Any]) -> None:
        match.setCurrentIndex(match.findData(values["dns_match"]))
        answers.setPlainText("\n".join(values["dns_answers"]))
        show_example()

    def blank() -> None:
        match.setCurrentIndex(-1)
        answers.clear()
        show_example()

    match.currentIndexChanged.connect(form.on_edited)
    answers.textChanged.connect(form.on_edited)
    text = translate("MonitorForm", "E&xpected records")
    form.add_row("dns_match", text, box, read, write, blank, ("dns_match", "dns_answers"), focus=match)


def _match_words(match: str) -> str:
    return {
        "any": translate("MonitorForm", "Any record of the type"),
        "exact": translate("MonitorForm", "Exactly these"),
        "contains": translate("MonitorForm", "These, and maybe others"),
        "none": translate("MonitorForm", "No record of the type"),
    }[match]


def add_echoes(form: MonitorForm) -> None:
    """Add how many echoes a ping sends, and how many of them may be lost."""
    form.add_number("echo_count", translate("MonitorForm", "Ec&hoes"), 1, MAX_ECHO_COUNT, 1, "", step=1)
    text = translate("MonitorForm", "&Loss allowed")
    loss = form.add_number("max_loss_percent", text, 0, 99, 1, translate("MonitorForm", " %"), step=1)
    loss.set_help(
        translate("MonitorForm", "Offline if more of the echoes of one check are lost, and always if all are.")
    )
