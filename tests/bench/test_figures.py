"""What is said of exactness rests on this reckoning: who is charged with what, and how it is told."""

from __future__ import annotations

import pytest

from tests.bench.figures import figures
from tests.bench.harness import row
from tests.bench.instrument import BLACKBOX, CURL, Report, matched


def test_targets_own_wait_and_handshake_are_nobodys_error() -> None:
    phases = {"dns": 0.1, "connect": 0.2, "tls": 0.9, "request": 50.3, "transfer": 0.0}
    (one,) = matched([Report("https://localhost/wait/50?id=7", 51.5, phases, 1.1)], {"7": [[50.0, 0.6]]})
    assert one.error_ms == pytest.approx(0.9)
    assert one.wall_error_ms == pytest.approx(2.0)
    errors = {phase: round(one.phase_error_ms(phase), 6) for phase in phases}
    assert errors == {"dns": 0.1, "connect": 0.2, "tls": 0.3, "request": 0.3, "transfer": 0.0}


def test_what_is_reported_too_short_is_an_error_too() -> None:
    (one,) = matched([Report("http://localhost/wait/50?id=a", 49.0, {"request": 49.0})], {"a": [[50.0, 0.0]]})
    assert (one.error_ms, one.phase_error_ms("request")) == (1.0, 1.0)


def test_reports_of_one_name_meet_its_waits_in_order() -> None:
    reports = [Report("http://localhost/?id=a", total, {}) for total in (10.0, 20.0)]
    measured = matched(reports, {"a": [[9.0, 0.0], [18.0, 0.0]]})
    assert [one.error_ms for one in measured] == [1.0, 2.0]


def test_figures_have_a_column_per_instrument_and_the_goals_that_were_missed() -> None:
    rows = [
        row(f"one plain at a time: error of {what} p{share}", "ms", [0.1], [peer], name)
        for what in ("total", "dns")
        for share in (50, 95, 99)
        for peer, name in ((0.7, BLACKBOX), (1.25, CURL))
    ]
    rows += [row("probe: start to accepting", "ms", [340.0], [22.0], BLACKBOX, 300, is_ratio=False)]
    rows += [row("board: a frame", "ms", [3.0]), row("calibration, slower of before and after", "ms", [84.0], [70.0])]
    text = figures(rows)
    assert text.startswith("\nA fixed piece of work took 1.20 times as long as on a quiet machine.\n")
    assert "|  | Pingmon | blackbox_exporter | curl |" in text
    assert "| dns | 0.1 / 0.1 / 0.1 | 0.7 / 0.7 / 0.7 | 1.25 / 1.25 / 1.25 |" in text
    assert "| probe: start to accepting | ms | 340 | 22 | blackbox_exporter | 300 (missed) |" in text
    assert "board" not in text
