"""What the command line prints with: numbers people read, cells no spreadsheet executes, text no terminal obeys."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.console import output
from pingmon_gui.console.option import duration_ms
from pingmon_gui.console.span import time_ms
from pingmon_gui.domain.error import InvalidInput

_NOON_MS = 1_763_812_800_000  # 2025-11-22 12:00 UTC


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "—"),
        (0.04, "0.04 ms"),
        (0.97, "1.0 ms"),
        (9.94, "9.9 ms"),
        (123.4, "123 ms"),
        (999.7, "1.00 s"),
        (6_001.0, "6.00 s"),
    ],
)
def test_latency_reads_well(ms: float | None, text: str) -> None:
    assert output.latency(ms) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(None, "—"), (1.0, "100 %"), (0.99999, "99.99 %"), (0.5, "50 %"), (0.0, "0 %"), (0.125, "12.5 %")],
)
def test_share_is_never_rounded_up_to_all(ratio: float | None, text: str) -> None:
    assert output.share(ratio) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\\t=1"),
        ("\r\n=1", "\\r\\n=1"),
        ("plain, “text”", "plain, “text”"),
    ],
)
def test_csv_cell_is_no_formula(text: str, cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.write_csv(("a", "b"), [(text, -1.5)])
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [["a", "b"], [cell, "-1.5"]]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=1, max_size=3))
def test_csv_of_any_text_is_read_back_without_formulas(texts: list[str]) -> None:
    cells = [output._cell(text) for text in texts]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert not any(unicodedata.category(letter).startswith("C") for cell in cells for letter in cell)


def test_table_makes_control_characters_visible(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_table(("A",), [("\x1b[31mred\u202e\nforged",)])
    assert capsys.readouterr().out == "A\n\\x1b[31mred\\u202e\\nforged\n"


def test_sentence_holds_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("https://anna:geheim@example.com cannot be used")
    assert capsys.readouterr().err == "https://***@example.com cannot be used\n"


@pytest.mark.parametrize(
    ("text", "ms"),
    [("10", 10_000), ("1.5s", 1_500), ("500ms", 500), ("5m", 300_000), ("2h", 7_200_000), ("7 d", 604_800_000)],
)
def test_duration_is_read(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "-5", "1e9", "ten", "5 parsecs", "٣", "nan", "inf"])
def test_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        duration_ms(text)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("now", _NOON_MS),
        ("90m", _NOON_MS - 5_400_000),
        ("-1h", _NOON_MS - 3_600_000),
        ("2025-11-22T11:00Z", _NOON_MS - 3_600_000),
        ("2025-11-22T12:00+01:00", _NOON_MS - 3_600_000),
    ],
)
def test_time_is_read(text: str, ms: int) -> None:
    assert time_ms(text, _NOON_MS) == ms


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-13-01", "0001-01-01", "9999-12-31T23:59:59-23:59", "-", "1d1h"]
)
def test_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        time_ms(text, _NOON_MS)
