"""Plain lists and tables of nobody we know."""

from __future__ import annotations

from pingmon_gui.exchange.kind import Kind
from tests.exchange.helper import read


def test_plain_list_has_errors_by_line() -> None:
    reading = read("# ours\na.example  A\n\nhttps://u:geheim@b.example/\njavascript:x\n[::1]:81/x\n")
    assert reading.kind is Kind.LIST
    assert [(item.line, item.draft is not None) for item in reading.items] == [
        (2, True), (4, True), (5, False), (6, True),
    ]  # fmt: skip
    second = reading.items[1].draft
    assert second is not None
    assert second.settings.basic_auth == "u:geheim"


def test_table_of_nobody_we_know_is_read_by_its_columns() -> None:
    reading = read('Name;Website;Owner\n\n\'=SUM(A1);a.example;Ann\n"two\nlines";b.example;Bob\nc;no..host;\nd;e;f;g\n')
    assert reading.kind is Kind.CSV
    first, second, third, fourth = reading.items
    assert first.draft is not None
    assert (first.draft.name, first.line) == ("=SUM(A1)", 3)
    assert (second.draft is not None, second.line) == (True, 4)
    assert (third.is_wrong, third.line) == (True, 6)
    assert "4 cells" in fourth.reason
    assert "owner" in reading.notes[0]
