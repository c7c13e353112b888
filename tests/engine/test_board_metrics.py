"""What Prometheus reads of a board: the same as the table shows, in a form that its own checker accepts."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.board_metrics import LINES_A_PIECE, Ends, board_metrics
from tests.engine.fakes import START_MS, FakeClock, batch, monitor, voting


def board_of(*numbers: int, clock: FakeClock | None = None) -> Board:
    board = Board(clock or FakeClock())
    board.set_probes([voting(), voting(5, Region.EU)])
    board.put_monitors([monitor(number) for number in numbers])
    return board


def samples(board: Board) -> dict[str, float]:
    text = b"".join(board_metrics(board)).decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    found = {name: float(value) for name, _, value in lines}
    assert len(found) == len(lines), "a series stands there twice"
    return found


def test_board_metrics_say_what_the_board_shows() -> None:
    clock = FakeClock()
    board = board_of(2, 3, clock=clock)
    for number, place in ((1, 0), (5, 1)):
        board.apply(batch([(2, START_MS - 9_000, Status.ONLINE), (3, START_MS - 9_000, Status.ONLINE)], probe=number))
        if place:
            down = [(3, START_MS - 4_000, Status.OFFLINE), (3, START_MS - 1_000, Status.OFFLINE)]
            for at, row in enumerate(down):
                board.apply(batch([row], probe=number, first_seq=3 + at))
    board.tick(clock.now_ms())
    found = samples(board)
    two, three = (
        'url="https://site2.example/",name="site2.example"',
        'url="https://site3.example/",name="site3.example"',
    )
    assert found[f'pingmon_monitor_verdict{{{two},verdict="online"}}'] == 1
    assert found[f'pingmon_monitor_verdict{{{three},verdict="regional"}}'] == 1
    assert sum(value for name, value in found.items() if "_verdict" in name and "site3" in name) == 1
    assert found[f'pingmon_monitor_success{{{three},region="local"}}'] == 1
    assert found[f'pingmon_monitor_success{{{three},region="eu"}}'] == 0
    assert found[f'pingmon_monitor_failure_info{{{three},region="eu",failure="timeout"}}'] == 1
    assert found[f'pingmon_monitor_duration_seconds{{{two},region="eu"}}'] == 0.05
    assert found[f'pingmon_monitor_last_result_timestamp_seconds{{{two},region="local"}}'] == (START_MS - 9_000) / 1000
    for column, region in ((0, "local"), (2, "eu")):
        for name, array in (("availability", board.availability), ("coverage", board.coverage)):
            shown = found[f'pingmon_monitor_{name}_ratio{{{three},region="{region}"}}']
            assert shown == pytest.approx(array[1, column], abs=1e-6)
    assert found['pingmon_probe_state{probe="probe 5",region="eu",state="connected"}'] == 1
    assert found['pingmon_probe_counted{probe="probe 5",region="eu"}'] == 1


def test_what_nobody_can_say_is_absent() -> None:
    found = samples(board_of(2))
    assert not [name for name in found if "success" in name or "duration" in name or "timestamp" in name]
    assert found['pingmon_monitor_verdict{url="https://site2.example/",name="site2.example",verdict="unknown"}'] == 1


def test_empty_board_has_its_probes_only() -> None:
    assert all(name.startswith(("pingmon_probe_", "pingmon_results_")) for name in samples(board_of()))


def test_metrics_are_those_of_one_moment() -> None:
    clock = FakeClock()
    board = board_of(*range(2, 1_002), clock=clock)
    pieces = board_metrics(board)
    next(pieces)
    board.apply(batch([(n, START_MS - 1_000, Status.ONLINE) for n in range(2, 1_002)]))
    board.remove_monitors([MonitorId(n) for n in range(2, 900)])
    text = b"".join(pieces).decode()
    assert text.count('verdict="unknown"} 1') == 1_000
    assert "pingmon_monitor_success" not in text


def test_no_piece_is_longer_than_the_window_may_wait_for() -> None:
    board = board_of(*range(2, 2_002))
    board.apply(batch([(n, START_MS - 1_000, Status.OFFLINE) for n in range(2, 2_002)]))
    assert max(piece.count(b"\n") for piece in board_metrics(board)) <= LINES_A_PIECE


def test_domains_alike_in_address_and_name_are_told_apart() -> None:
    board = board_of()
    twins = [replace(monitor(number), url="https://a.example/", name="a") for number in (2, 3, 4)]
    board.put_monitors([*twins, replace(monitor(5), url="https://a.example/", name="a (2)")])
    held = [name for name, value in samples(board).items() if "_verdict" in name and value == 1]
    assert len(held) == 4


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_any_name_stays_one_label(names: list[str]) -> None:
    board = board_of()
    board.put_monitors([replace(monitor(2 + place), name=name) for place, name in enumerate(names)])
    text = b"".join(board_metrics(board)).decode()
    assert text.count("pingmon_monitor_verdict{") == len(Verdict) * len(names)
    # Only a line break ends a line there; the others stand in labels as they are.
    assert all(line.startswith(("#", "pingmon_")) for line in text.removesuffix("\n").split("\n"))


def test_times_of_some_domains_stand_beside_their_names() -> None:
    ends = (Ends("pingmon_x_timestamp_seconds", "words", lambda: {MonitorId(3): START_MS, MonitorId(9): 1}),)
    text = b"".join(board_metrics(board_of(2, 3), ends=ends)).decode()
    [line] = [line for line in text.splitlines() if line.startswith("pingmon_x")]
    assert line == f'pingmon_x_timestamp_seconds{{url="https://site3.example/",name="site3.example"}} {START_MS / 1000}'


def test_prometheus_finds_nothing_wrong_with_the_metrics() -> None:
    board = board_of(*range(2, 12))
    board.put_monitors([replace(monitor(20), name='a "b" \\ c\nd ü 日本')])
    board.apply(batch([(n, START_MS - 1_000, Status(n % 3)) for n in range(2, 12)]))
    board.tick(START_MS)
    text = b"".join(board_metrics(board))
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
