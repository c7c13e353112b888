from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pingmon_probe.protocol import METHODS
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import StorageFull
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.ui.add_dialog import AddDialog
from pingmon_gui.ui.monitor_form import settings_values
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts


@pytest.fixture
def dialog(qtbot: QtBot) -> AddDialog:
    made = AddDialog(["https://there.example/"], Preferences({"default_interval_s": 30}), ["prod"])
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def submitted(dialog: AddDialog) -> list[tuple[MonitorDraft, ...]]:
    heard: list[tuple[MonitorDraft, ...]] = []
    dialog.submitted.connect(heard.append)
    dialog.submit()
    return heard


def test_add_dialog_grows_for_a_sentence_of_several_lines(dialog: AddDialog, qtbot: QtBot) -> None:
    dialog.set_text("tcp://mail.example:25")
    qtbot.waitUntil(lambda: dialog.address_field.note.height() >= dialog.fontMetrics().height())
    dialog.resize(dialog.minimumSize())
    dialog.set_text("tcp://mail.example:25?server=192.0.2.1&type=A")
    note = dialog.address_field.note
    assert note.heightForWidth(note.width()) > 1.5 * dialog.fontMetrics().height()
    qtbot.waitUntil(lambda: note.height() >= note.heightForWidth(note.width()))


def test_add_dialog_with_a_bare_name_makes_a_draft_with_the_preferences(dialog: AddDialog) -> None:
    dialog.set_text(" example.com ")
    [[draft]] = submitted(dialog)
    assert (draft.url, draft.settings.interval_ms) == ("https://example.com/", 30_000)


def test_add_dialog_offers_no_reset_of_what_is_at_its_default(dialog: AddDialog) -> None:
    buttons = {key: row.field.reset_button for key, row in dialog.form.rows.items()}
    assert {key for key, button in buttons.items() if button is not None and button.isEnabled()} == set()


def test_add_dialog_enter_submits_a_single_line(dialog: AddDialog, qtbot: QtBot) -> None:
    dialog.set_text("example.com")
    with qtbot.waitSignal(dialog.submitted):
        qtbot.keyClick(dialog.address, Qt.Key.Key_Return)


@pytest.mark.parametrize("text", ["", "a b", "javascript:alert(1)", "file:///etc/passwd", "http://a:0/", "a:65536"])
def test_add_dialog_with_a_wrong_address_says_so_at_the_field(dialog: AddDialog, text: str) -> None:
    dialog.set_text(text)
    assert submitted(dialog) == []
    assert dialog.address_field.has_error
    assert dialog.address_field.note.sentence.endswith(".")


def test_add_dialog_finds_what_is_watched_already(dialog: AddDialog) -> None:
    dialog.set_text("there.example")
    assert submitted(dialog) == []
    assert "watched already" in dialog.address_field.note.sentence


def test_add_dialog_takes_credentials_out_of_the_address(dialog: AddDialog) -> None:
    dialog.set_text("http://user:hunter2@site.example/")
    [[draft]] = submitted(dialog)
    assert (draft.url, draft.settings.basic_auth) == ("http://site.example/", "user:hunter2")
    assert not any("hunter2" in text for text in visible_texts(dialog))


def test_add_dialog_with_a_list_adds_the_good_lines_once(dialog: AddDialog, qtbot: QtBot) -> None:
    dialog.set_text("one.example first\ntwo.example\nthere.example\nhttp://bad:0/\none.example\n# remark\n")
    qtbot.waitUntil(lambda: not dialog.pasted.is_reading)
    assert (len(dialog.pasted.good), len(dialog.pasted.wrong), len(dialog.pasted.duplicates)) == (2, 1, 2)
    assert "2" in dialog.accept_button.text()
    [drafts] = submitted(dialog)
    assert [(draft.url, draft.name) for draft in drafts] == [
        ("https://one.example/", "first"),
        ("https://two.example/", ""),
    ]


def test_add_dialog_reads_ten_thousand_lines(dialog: AddDialog, qtbot: QtBot) -> None:
    dialog.set_text("\n".join(f"site{number}.example" for number in range(10_000)))
    qtbot.waitUntil(lambda: not dialog.pasted.is_reading, timeout=20_000)
    assert len(dialog.pasted.good) == 10_000


def test_add_dialog_with_a_wrong_option_opens_it(dialog: AddDialog) -> None:
    dialog.set_text("example.com")
    dialog.form.rows["status_set"].write({"status_set": ((200, 299),)})
    dialog.form.rows["slow_ms"].write({"slow_ms": 9_000})
    assert submitted(dialog) == []
    assert dialog.options_button.isChecked()
    assert "slow" in dialog.form.rows["slow_ms"].field.note.sentence


def test_add_dialog_keeps_what_was_typed_when_the_command_fails(dialog: AddDialog, run_async: RunAsync) -> None:
    async def fail() -> None:
        raise StorageFull("The disk is full.", "Make room.")

    async def carry_out() -> None:
        assert not await dialog.carry_out(fail())

    dialog.set_text("example.com")
    run_async(carry_out())
    assert dialog.isVisible()
    assert dialog.message.sentence == "The disk is full. Make room."
    assert dialog.address.toPlainText() == "example.com"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80).filter(lambda text: len(f"{text}.".splitlines()) < 2))
def test_add_dialog_with_any_address_gives_a_draft_or_a_sentence(dialog: AddDialog, text: str) -> None:
    dialog.address.clear()
    dialog.set_text(text)
    heard = submitted(dialog)
    dialog.submitted.disconnect()
    assert bool(heard) != bool(dialog.address_field.has_error or dialog.address.is_list)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.tuples(*[st.text(max_size=60)] * 4))
def test_form_with_any_text_gives_values_or_a_sentence(dialog: AddDialog, values: tuple[str, str, str, str]) -> None:
    from PySide6.QtWidgets import QLineEdit

    names = ("name", "tags", "keyword", "status_set")
    for name, value in zip(names, values, strict=True):
        editor = dialog.form.rows[name].field.editor
        line = editor if isinstance(editor, QLineEdit) else editor.findChild(QLineEdit)
        assert isinstance(line, QLineEdit)
        line.setText(value)
    read = dialog.form.check()
    wrong = dialog.form.first_wrong()
    assert (read is None) == (wrong is not None)
    if read is not None:
        MonitorSettings(**{key: value for key, value in read.items() if key not in ("name", "tags")})
    elif wrong is not None:
        assert wrong.note.sentence.endswith((".", "404."))


def test_add_dialog_is_translated(made_up_language: None, qtbot: QtBot, qapp: QApplication) -> None:
    made = AddDialog([], Preferences({}))
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.set_text("x.example\n")
    qtbot.waitUntil(lambda: not made.pasted.is_reading)
    ignored = ("200-299", "example.com", *METHODS)
    assert [text for text in visible_texts(made) if "⟦" not in text and text not in ignored] == []


def choose(dialog: AddDialog, kind: str) -> None:
    dialog.kinds.kind.setCurrentIndex(dialog.kinds.kind.findData(kind))


def shown_rows(dialog: AddDialog) -> set[str]:
    return {key for key, row in dialog.form.rows.items() if row.is_shown}


_OF_WEBSITES = {
    "keyword", "status_set", "json_conditions", "header_conditions", "size", "no_redirects", "method", "headers",
    "ignore_certificate", "sign_in",
}  # fmt: skip
_OF_ALL = {"name", "tags", "interval_ms", "timeout_ms", "slow_ms", "family"}


@pytest.mark.parametrize(
    ("kind", "text", "url", "rows"),
    [
        ("http", "a.example", "https://a.example/", _OF_WEBSITES),
        ("tcp", "a.example:22", "tcp://a.example:22", {"send", "expect"}),
        ("tls", "a.example", "tls://a.example", {"ignore_certificate"}),
        ("dns", "a.example", "dns://a.example?type=A", {"dns_match"}),
        ("icmp", "a.example", "icmp://a.example", {"echo_count", "max_loss_percent"}),
    ],
)
def test_add_dialog_has_the_fields_of_the_kind_that_is_chosen(
    dialog: AddDialog, kind: str, text: str, url: str, rows: set[str]
) -> None:
    choose(dialog, kind)
    dialog.set_text(text)
    assert shown_rows(dialog) == _OF_ALL | rows
    [[draft]] = submitted(dialog)
    assert (draft.url, draft.settings) == (url, MonitorSettings(interval_ms=30_000))


def test_add_dialog_follows_the_scheme_that_is_typed(dialog: AddDialog) -> None:
    dialog.set_text("dns://a.example?type=MX&server=9.9.9.9")
    assert dialog.kinds.chosen == "dns"
    assert (dialog.kinds.record_type.currentData(), dialog.kinds.server.text()) == ("MX", "9.9.9.9")
    assert not dialog.kinds.server_field.isEnabled()
    dialog.set_text("a.example")
    assert dialog.kinds.server_field.isEnabled()
    dialog.set_text("https://a.example")
    assert dialog.kinds.chosen == "http"


def test_add_dialog_says_what_is_wrong_with_a_name_server_at_its_field(dialog: AddDialog) -> None:
    choose(dialog, "dns")
    dialog.set_text("a.example")
    dialog.kinds.server.setText("no server")
    assert submitted(dialog) == []
    assert dialog.kinds.server_field.has_error
    assert not dialog.address_field.has_error


def test_add_dialog_reads_expected_records_by_the_type(dialog: AddDialog) -> None:
    choose(dialog, "dns")
    dialog.kinds.record_type.setCurrentIndex(dialog.kinds.record_type.findData("MX"))
    dialog.set_text("a.example")
    row = dialog.form.rows["dns_match"]
    row.write({"dns_match": "exact", "dns_answers": ("mail.example",)})
    assert submitted(dialog) == []
    assert "written like 10 mail.example.com" in row.field.note.sentence
    row.write({"dns_match": "exact", "dns_answers": ("10 Mail.example.",)})
    [[draft]] = submitted(dialog)
    assert draft.settings.dns_answers == ("10 mail.example",)


def test_add_dialog_list_may_hold_every_kind(dialog: AddDialog, qtbot: QtBot) -> None:
    dialog.set_text("one.example\ntcp://two.example:22 Door\nicmp://three.example\ntcp://four.example\n")
    qtbot.waitUntil(lambda: not dialog.pasted.is_reading)
    [drafts] = submitted(dialog)
    assert [(draft.url, draft.name) for draft in drafts] == [
        ("https://one.example/", ""),
        ("tcp://two.example:22", "Door"),
        ("icmp://three.example", ""),
    ]
    assert "needs a port" in (dialog.pasted.wrong[0].error or "")


def test_add_dialog_takes_a_request_and_what_its_answer_has_to_hold(dialog: AddDialog) -> None:
    wanted = {
        "method": "POST", "body": "{}", "headers": (("X-Key", "geheim"), ("Accept", "*/*")), "no_redirects": True,
        "keyword": "up|ok", "keyword_is_pattern": True, "keyword_absent": True, "json_conditions": ("a == 1", "b"),
        "header_conditions": ("X-Version == 3",), "min_bytes": 10, "max_bytes": 5_000, "bearer": "t0ken",
    }  # fmt: skip
    settings = MonitorSettings(interval_ms=30_000, **wanted)  # type: ignore[arg-type]
    dialog.form.set_values(settings_values(settings))
    dialog.set_text("a.example")
    [[draft]] = submitted(dialog)
    assert draft.settings == settings
    assert not any("t0ken" in text for text in visible_texts(dialog))


@pytest.mark.parametrize(
    ("row", "values", "words"),
    [
        ("keyword", {"keyword": "(x", "keyword_absent": False, "keyword_is_pattern": True}, "pattern cannot be read"),
        ("headers", {"headers": (("X y", "1"),)}, "no name of a header"),
        ("json_conditions", {"json_conditions": ("a = 1",)}, "no comparison"),
        ("header_conditions", {"header_conditions": ("a b",)}, "no condition on a header"),
        ("size", {"min_bytes": 9, "max_bytes": 8}, "largest size"),
        ("sign_in", {"basic_auth": "u:p", "bearer": "t"}, "do not go together"),
        ("sign_in", {"basic_auth": None, "bearer": "a b"}, "The token is empty"),
    ],
)
def test_add_dialog_says_what_is_wrong_with_a_request_at_its_field(
    dialog: AddDialog, row: str, values: dict[str, object], words: str
) -> None:
    dialog.set_text("a.example")
    dialog.form.rows[row].write(values)
    assert submitted(dialog) == []
    assert words in dialog.form.rows[row].field.note.sentence
