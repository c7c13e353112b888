"""The rows of a monitor's form about a website's request, and about what its answer holds besides a keyword."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pingmon_probe.protocol import BODY_CAP_BYTES, METHODS, METHODS_WITHOUT_BODY
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPlainTextEdit,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.request_setting import (
    header_lines,
    parse_conditions,
    parse_headers,
    require_request,
    require_size,
)

if TYPE_CHECKING:
    from pingmon_gui.ui.form_dialog import Field
    from pingmon_gui.ui.monitor_form import MonitorForm

translate = QCoreApplication.translate

_LINES_SHOWN = 2
#: Two of them have room beside their label in a narrow dialog.
_LEAST_WIDTH = 120


def add_conditions(form: MonitorForm) -> None:
    """Add what values of the answer's JSON and headers have to be, and how large it may be."""
    json = _add_lines(
        form,
        "json_conditions",
        translate("MonitorForm", "&JSON values"),
        'status.db == "up"',
        lambda text: parse_conditions(text, is_json=True),
        "\n".join,
    )
    json.set_help(
        translate(
            "MonitorForm", "One condition a line: ==, !=, <, <=, >, >= or contains; the name alone has to be there."
        )
    )
    headers = _add_lines(
        form,
        "header_conditions",
        translate("MonitorForm", "Headers of the ans&wer"),
        "Cache-Control contains no-store",
        lambda text: parse_conditions(text, is_json=False),
        "\n".join,
    )
    headers.set_help(
        translate("MonitorForm", "One condition a line: ==, != or contains; the name alone has to be there.")
    )
    _add_size(form)


def add_request(form: MonitorForm) -> None:
    """Add what is asked, and how."""
    _add_redirects(form)
    _add_method(form)
    headers = _add_lines(
        form,
        "headers",
        translate("MonitorForm", "Headers to sen&d"),
        "Accept-Language: de",
        parse_headers,
        lambda pairs: "\n".join(header_lines(pairs)),
    )
    headers.set_help(
        translate(
            "MonitorForm", "One a line. After a redirect to another site only harmless ones are sent, like User-Agent."
        )
    )


def _text_edit(form: MonitorForm, placeholder: str) -> QPlainTextEdit:
    edit = QPlainTextEdit()
    edit.setTabChangesFocus(True)
    edit.setPlaceholderText(form.left_alone() or placeholder)
    edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    edit.setFixedHeight(QFontMetrics(edit.font()).lineSpacing() * _LINES_SHOWN + 12)
    edit.textChanged.connect(form.on_edited)
    return edit


def _add_lines(
    form: MonitorForm,
    key: str,
    text: str,
    example: str,
    read: Callable[[str], Any],
    write: Callable[[Any], str],
) -> Field:
    edit = _text_edit(form, example)
    return form.add_row(
        key,
        text,
        edit,
        lambda: {key: read(edit.toPlainText())},
        lambda values: edit.setPlainText(write(values[key])),
        edit.clear,
    )


def _add_size(form: MonitorForm) -> None:
    box = QWidget()
    least, most = QSpinBox(), QSpinBox()
    # Right below what can be set stands what says that there is no limit.
    least.setRange(-1, BODY_CAP_BYTES)
    most.setRange(-1, BODY_CAP_BYTES - 1)
    least.setAccessibleName(translate("MonitorForm", "Least size of the answer in bytes"))
    most.setAccessibleName(translate("MonitorForm", "Largest size of the answer in bytes"))
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    no_limit = (translate("MonitorForm", "No least size"), translate("MonitorForm", "No largest size"))
    before = (translate("MonitorForm", "at least "), translate("MonitorForm", "at most "))
    for spin, none, prefix in zip((least, most), no_limit, before, strict=True):
        spin.setSpecialValueText(form.left_alone() or none)
        spin.setPrefix(prefix)
        spin.setSuffix(translate("MonitorForm", " bytes"))
        spin.setGroupSeparatorShown(True)
        spin.setSingleStep(1_000)
        spin.setAccelerated(True)
        spin.setMinimumWidth(_LEAST_WIDTH)
        spin.valueChanged.connect(form.on_edited)
        row.addWidget(spin, 1)

    def read() -> Mapping[str, Any]:
        min_bytes, max_bytes = max(0, least.value()), None if most.value() < 0 else most.value()
        require_size(min_bytes, max_bytes)
        return {"min_bytes": min_bytes, "max_bytes": max_bytes}

    def write(values: Mapping[str, Any]) -> None:
        least.setValue(values["min_bytes"] or -1)
        most.setValue(-1 if values["max_bytes"] is None else values["max_bytes"])

    def blank() -> None:
        least.setValue(-1)
        most.setValue(-1)

    text = translate("MonitorForm", "Si&ze of the answer")
    form.add_row("size", text, box, read, write, blank, ("min_bytes", "max_bytes"), focus=least)


def _add_redirects(form: MonitorForm) -> None:
    box = QCheckBox(translate("MonitorForm", "&Follow up to five"))
    box.toggled.connect(form.on_edited)

    def write(values: Mapping[str, Any]) -> None:
        box.setTristate(False)
        box.setChecked(not values["no_redirects"])

    form.add_row(
        "no_redirects",
        translate("MonitorForm", "Redirects"),
        box,
        lambda: {"no_redirects": box.checkState() != Qt.CheckState.Checked},
        write,
        lambda: box.setCheckState(Qt.CheckState.PartiallyChecked),
    )
    box.setAccessibleName(translate("MonitorForm", "Follow up to five redirects"))


def _add_method(form: MonitorForm) -> None:
    """Add the method, and under it the body where it has one."""
    box = QWidget()
    method = QComboBox()
    method.addItems(METHODS)
    method.setPlaceholderText(form.left_alone())
    body = _text_edit(form, translate("MonitorForm", "Body of the request"))
    body.setAccessibleName(translate("MonitorForm", "Body of the request"))
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(method)
    column.addWidget(body)
    box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def has_body() -> bool:
        return method.currentIndex() >= 0 and method.currentText() not in METHODS_WITHOUT_BODY

    def read() -> Mapping[str, Any]:
        body.setVisible(has_body())
        text = (body.toPlainText() or None) if has_body() else None
        require_request(method.currentText(), text, ())
        return {"method": method.currentText(), "body": text}

    def write(values: Mapping[str, Any]) -> None:
        method.setCurrentText(values["method"])
        body.setPlainText(values["body"] or "")
        body.setVisible(has_body())

    def blank() -> None:
        method.setCurrentIndex(-1)
        body.clear()
        body.setVisible(False)

    method.currentIndexChanged.connect(form.on_edited)
    form.add_row(
        "method", translate("MonitorForm", "&Request"), box, read, write, blank, ("method", "body"), focus=method
    )
