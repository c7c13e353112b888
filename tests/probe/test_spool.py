"""The spool on a real disk that is made slow, full, torn or unplugged."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from pingmon_probe import spool as spool_module
from pingmon_probe.disk import Disk, FolderLock
from pingmon_probe.loop import Loop
from pingmon_probe.protocol import MAX_BATCH_BYTES, MAX_BATCH_RESULTS, CheckResult, decode_batch
from pingmon_probe.spool import QUEUE_LIMIT, RESERVED_SEQS, Spool, SpoolReader

from tests.conftest import ExpectLog

PATIENCE_S = 20.0
BOOT = "this boot"


class Bench:
    """A spool with what a test needs around it; `written` is set whenever the spool has written or dropped."""

    def __init__(
        self, folder: Path, disk: Disk | None = None, boot: str = BOOT, limit_bytes: int = 2**28, **options: Any
    ) -> None:
        self.folder = folder
        self.written = threading.Event()
        self.spool = Spool(folder, limit_bytes, disk=disk, machine_boot_id=boot, on_written=self.written.set, **options)
        self.spool.add_reader()

    def add(self, count: int, message: str = "") -> None:
        """Append results and wait until each is written or dropped."""
        for number in range(count):
            self.spool.append(CheckResult(url="http://a/", monitor=number + 1, message=message))
        self.settle()

    def settle(self) -> None:
        self.wait_until(lambda: self.spool.settled >= self.spool.accepted)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            assert self.written.wait(PATIENCE_S), "the spool has stopped"
            self.written.clear()

    def monitors(self) -> list[int | None]:
        """Return the monitor of every result, in the order of their seqs."""
        data, _last = SpoolReader(self.spool).read(0, 10**7)
        return [result.monitor for line in data.splitlines() for result in decode_batch(json.loads(line))]

    def read(self, after: int = 0) -> list[int]:
        """Return all seqs above `after`, read from disk as a reader does that comes back again and again."""
        reader, found = SpoolReader(self.spool), []
        while True:
            data, last = reader.read(after, 10_000)
            if not data:
                return found
            for line in data.splitlines():
                found += [result.seq for result in decode_batch(json.loads(line)) if result.seq > after]
            assert found[-1] == last
            after = last

    def kill(self) -> None:
        """Leave everything as it is on disk, as kill -9 does: nothing is flushed, nothing is said."""
        self.spool._finish = self.spool._close_file  # type: ignore[method-assign]
        self.spool.close()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("results-*"))


def test_results_get_numbers_from_1_without_holes(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add(1000)
    extent = bench.spool.extent()
    assert (extent.first, extent.last, extent.dropped, extent.problem) == (1, 1000, (), None)
    assert bench.read() == list(range(1, 1001))
    assert bench.read(997) == [998, 999, 1000]
    assert bench.read(1000) == []
    assert extent.bytes == sum(path.stat().st_size for path in files(tmp_path))
    bench.spool.close()


def test_lines_in_memory_are_the_lines_on_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add(600)
    for after in (0, 1, 255, 256, 599):
        lines = bench.spool.lines_after(after, 10**6)
        assert lines == SpoolReader(bench.spool).read(after, 10**6)
    assert bench.spool.lines_after(600, 10**6) == (b"", 600)
    assert bench.spool.lines_after(7_000, 10**6) == (b"", 7_000)
    bench.spool.close()


def test_reader_that_is_far_behind_is_sent_to_the_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add(2_000, message="x" * 1000 + os.urandom(4).hex())
    assert bench.spool.lines_after(0, 10**6) is not None, "one message repeated is small"
    for number in range(2_000):
        bench.spool.append(CheckResult(url="http://a/", message=f"{number}" * 300))
    bench.settle()
    assert bench.spool.lines_after(0, 10**6) is None
    assert bench.read() == list(range(1, 4_001))
    bench.spool.close()


def test_lines_keep_to_the_protocols_limits(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for number in range(700):
        bench.spool.append(CheckResult(url=f"http://{number}/" + "u" * 1_500, message=f"{number}" * 100))
    bench.settle()
    lines = b"".join(path.read_bytes() for path in files(tmp_path)).splitlines(keepends=True)
    assert sum(json.loads(line)["count"] for line in lines) == 700
    assert all(len(line) <= MAX_BATCH_BYTES and json.loads(line)["count"] <= MAX_BATCH_RESULTS for line in lines)
    bench.spool.close()


def test_without_a_reader_lines_are_full(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.spool.remove_reader()
    for _ in range(MAX_BATCH_RESULTS * 3):
        bench.spool.append(CheckResult(url="http://a/"))
    bench.settle()
    [file] = files(tmp_path)
    assert [json.loads(line)["count"] for line in file.read_bytes().splitlines()] == [MAX_BATCH_RESULTS] * 3
    bench.spool.close()


def test_ring_drops_the_oldest_and_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limit_bytes=200_000)
    for number in range(3_000):
        bench.spool.append(CheckResult(url="http://a/", message=f"{number}" * 50))
        if number % 250 == 0:
            bench.settle()
    bench.settle()
    extent = bench.spool.extent()
    assert extent.last == 3_000 and extent.first > 1
    assert extent.dropped == ((1, extent.first - 1),)
    assert extent.bytes <= 200_000
    assert sum(path.stat().st_size for path in files(tmp_path)) == extent.bytes
    assert bench.read() == list(range(extent.first, 3_001))
    bench.spool.close()
    again = Bench(tmp_path, limit_bytes=200_000)
    assert again.spool.extent() == extent
    again.spool.close()


def test_results_older_than_8_days_go(tmp_path: Path) -> None:
    wall_ms = [1_000_000_000_000]
    bench = Bench(tmp_path, limit_bytes=2**22, wall_ms=lambda: wall_ms[0])
    for day in range(12):
        wall_ms[0] = 1_000_000_000_000 + day * 86_400_000
        for number in range(MAX_BATCH_RESULTS * 2):
            bench.spool.append(CheckResult(url="http://a/", message=f"{number}" * 60))
        bench.settle()
    extent = bench.spool.extent()
    # Files are dropped whole, so a little more than 8 days may stay.
    assert 1 < extent.first <= 3 * 512 + 1 and extent.last == 12 * 512
    bench.spool.close()


def test_restart_goes_on_where_it_ended(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.add(300)
    spool_id = first.spool.extent().id
    first.spool.close()
    second = Bench(tmp_path, boot="another boot, after a clean end")
    assert second.spool.extent() == first.spool.extent()
    second.add(5)
    assert second.spool.extent().id == spool_id
    assert second.read() == list(range(1, 306))
    second.spool.close()


def test_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.add(10)
    first.kill()
    [file] = files(tmp_path)
    whole = file.read_bytes()
    first_line = len(whole.splitlines(keepends=True)[0])
    for cut in range(len(whole) + 1):
        file.write_bytes(whole[:cut])
        segments, next_seq = spool_module.find_segments(tmp_path, False)
        lines = whole[:cut].count(b"\n")
        assert file.exists() == (cut >= first_line) == bool(segments)
        expected = sum(json.loads(line)["count"] for line in whole.splitlines()[:lines])
        assert next_seq == expected + 1
    file.write_bytes(whole + b'{"first":11,"count":1,"colu')
    second = Bench(tmp_path)
    second.add(3)
    assert second.read() == list(range(1, 14))
    assert second.spool.extent().dropped == ()
    second.spool.close()


def test_damaged_line_is_left_out_and_reading_goes_on(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("damaged at byte")
    bench = Bench(tmp_path)
    for _ in range(4):
        bench.add(5)
    [file] = files(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    damaged = json.loads(lines[1])
    lines[1] = b"#" * (len(lines[1]) - 1) + b"\n"
    file.write_bytes(b"".join(lines))
    gone = set(range(damaged["first"], damaged["first"] + damaged["count"]))
    assert bench.read() == [seq for seq in range(1, 21) if seq not in gone]
    lines[-1] = b"#" * (len(lines[-1]) - 1) + b"\n"
    file.write_bytes(b"".join(lines))
    assert SpoolReader(bench.spool).read(bench.read()[-1], 1_000) == (b"", 20)
    bench.spool.close()


def test_kill_before_the_first_line_leaves_no_hole(tmp_path: Path) -> None:
    class FirstWriteFails(Disk):
        def append(self, file: BinaryIO, data: bytes) -> None:
            raise KeyboardInterrupt  # nothing after this moment happens, as with kill -9

    first = Spool(tmp_path, disk=FirstWriteFails(), machine_boot_id=BOOT)
    first.close()
    first._is_closing = False
    with pytest.raises(KeyboardInterrupt):
        first._keep([CheckResult(url="http://a/")])
    assert json.loads((tmp_path / "spool.json").read_text())["reserved"] > 0
    first._close_file()
    second = Bench(tmp_path)
    second.add(2)
    assert second.read() == [1, 2]
    assert second.spool.extent().dropped == ()
    second.spool.close()


@pytest.mark.parametrize("kept_lines", [0, 1, 3])
def test_power_loss_never_reuses_a_number(tmp_path: Path, kept_lines: int) -> None:
    first = Bench(tmp_path)
    for _ in range(4):
        first.add(10)
    spool_id = first.spool.extent().id
    first.kill()
    [file] = files(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[:kept_lines])
    # What was not synced comes back as nothing, or as zeros.
    file.write_bytes(kept + bytes(500))
    last = sum(json.loads(line)["count"] for line in lines[:kept_lines])
    second = Bench(tmp_path, boot="the next boot")
    extent = second.spool.extent()
    resumed = extent.last + 1
    assert extent.id == spool_id
    assert resumed > 40 and resumed <= 40 + 2 * RESERVED_SEQS
    assert extent.dropped == ((last + 1, resumed - 1),)
    second.add(5)
    fresh = list(range(resumed, resumed + 5))
    assert second.read() == [*range(1, last + 1), *fresh]
    assert second.read(after=40) == fresh
    second.kill()
    third = Bench(tmp_path, boot="the next boot")
    assert third.spool.extent().dropped == extent.dropped
    third.add(1)
    assert third.read(after=last) == [*fresh, fresh[-1] + 1]
    third.spool.close()


def test_files_removed_by_hand_never_reuse_a_number(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.add(10)
    first.kill()
    for file in files(tmp_path):
        file.unlink()
    second = Bench(tmp_path)
    assert second.spool.extent().first > 10
    second.spool.close()


def test_damaged_state_begins_a_new_spool(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("spool.json cannot be read")
    for number, damage in enumerate((b"", b"[]", b'{"id": 1}', b"\xff", b'{"id":"a","reserved":"x","lost":[]}')):
        first = Bench(tmp_path / str(number))
        first.add(10)
        first.spool.close()
        (first.folder / "spool.json").write_bytes(damage)
        second = Bench(first.folder)
        assert second.spool.extent().id != first.spool.extent().id
        assert (second.spool.extent().last, second.read()) == (0, [])
        second.add(1)
        assert second.read() == [1]
        second.spool.close()


class FullDisk(Disk):
    is_full = False

    def append(self, file: BinaryIO, data: bytes) -> None:
        if self.is_full:
            file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(file, data)


def test_full_disk_loses_nothing_and_goes_on_without_a_hole(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("cannot be kept on disk: No space left")
    disk = FullDisk()
    bench = Bench(tmp_path, disk, retry_s=0.01)
    bench.add(10)
    disk.is_full = True
    for number in range(11, 411):
        bench.spool.append(CheckResult(url="http://a/", monitor=number))
    bench.wait_until(lambda: bench.spool.extent().problem is not None)
    extent = bench.spool.extent()
    assert (extent.last, extent.queue_dropped, bench.spool.settled) == (10, 0, 10)
    assert extent.problem is not None and "No space left" in extent.problem
    disk.is_full = False
    bench.add(5)
    extent = bench.spool.extent()
    assert (extent.last, extent.queue_dropped, extent.problem) == (415, 0, None)
    assert bench.read() == list(range(1, 416))
    assert bench.monitors() == [*range(1, 11), *range(11, 411), *range(1, 6)]
    bench.spool.close()


def test_disk_that_stays_full_drops_what_there_is_no_room_for_and_ends_all_the_same(
    tmp_path: Path, expect_log: ExpectLog
) -> None:
    expect_log("cannot be kept on disk: No space left")
    disk = FullDisk()
    bench = Bench(tmp_path, disk, retry_s=0.01)
    disk.is_full = True
    bench.spool.append(CheckResult(url="http://a/"))
    bench.wait_until(lambda: bench.spool.extent().problem is not None)
    for _ in range(QUEUE_LIMIT + 300):
        bench.spool.append(CheckResult(url="http://a/"))
    bench.wait_until(lambda: bench.spool.extent().queue_dropped > 0)
    bench.spool.close()
    extent = bench.spool.extent()
    assert (extent.last, extent.queue_dropped) == (0, QUEUE_LIMIT + 301)
    assert bench.spool.settled == bench.spool.accepted


def test_folder_that_cannot_be_used_is_a_problem_not_an_error(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("cannot be kept on disk")
    (tmp_path / "file").write_text("in the way")
    bench = Bench(tmp_path / "file" / "spool", retry_s=0.01)
    for _ in range(300):
        bench.spool.append(CheckResult(url="http://a/"))
    extent = bench.spool.extent()
    assert (extent.last, extent.queue_dropped) == (0, 0)
    assert extent.problem is not None
    (tmp_path / "file").unlink()
    bench.add(4)
    assert bench.spool.extent().problem is None
    assert bench.read() == list(range(1, 305))
    bench.spool.close()


class StuckDisk(Disk):
    """Every write waits until the test lets it go: slower than any disk."""

    def __init__(self) -> None:
        self.may_write = threading.Event()
        self.is_writing = threading.Event()

    def append(self, file: BinaryIO, data: bytes) -> None:
        self.is_writing.set()
        assert self.may_write.wait(PATIENCE_S)
        super().append(file, data)


def test_loop_never_waits_for_the_disk(tmp_path: Path) -> None:
    """While one write is under way and does not end, the loop makes all its turns and appends all its results."""
    disk = StuckDisk()
    bench = Bench(tmp_path, disk)
    loop = Loop()
    turns: list[int] = []

    def turn() -> None:
        turns.append(loop.turn)
        for _ in range(10):
            bench.spool.append(CheckResult(url="http://a/"))
        bench.spool.lines_after(0, 10**6)
        bench.spool.extent()
        if len(turns) == 200:
            loop.stop()
        else:
            loop.call_soon(turn)

    bench.spool.append(CheckResult(url="http://a/"))
    assert disk.is_writing.wait(PATIENCE_S)
    loop.call_soon(turn)
    loop.run()
    loop.close()
    assert not disk.may_write.is_set()
    assert turns == list(range(turns[0], turns[0] + 200)), "every turn of the loop was ours: none was lost waiting"
    assert (bench.spool.accepted, bench.spool.settled) == (2_001, 0)
    disk.may_write.set()
    bench.settle()
    assert bench.read() == list(range(1, 2_002))
    bench.spool.close()


def test_queue_that_is_full_drops_the_newest_and_counts(tmp_path: Path) -> None:
    disk = StuckDisk()
    bench = Bench(tmp_path, disk)
    bench.spool.append(CheckResult(url="http://a/"))
    assert disk.is_writing.wait(PATIENCE_S)
    for _ in range(QUEUE_LIMIT + 25):
        bench.spool.append(CheckResult(url="http://a/"))
    assert bench.spool.extent().queue_dropped == 25
    disk.may_write.set()
    bench.settle()
    extent = bench.spool.extent()
    assert (extent.last, extent.queue_dropped, extent.dropped) == (QUEUE_LIMIT + 1, 25, ())
    bench.spool.close()


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool")
    bench.add(1)
    bench.spool.close()
    assert {stat.S_IMODE(path.stat().st_mode) for path in bench.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(bench.folder.stat().st_mode) == 0o700


def test_lock_keeps_a_second_probe_out(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(OSError):
        FolderLock(tmp_path)
    lock.close()
    FolderLock(tmp_path).close()


def test_evidence_goes_in_lines_of_its_size_and_a_kill_keeps_it_with_its_result(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    evidence = {"body": {"text": "\N{REPLACEMENT CHARACTER}" * 2_600, "body_bytes": 4_096}}
    for number in range(1, 1_001):
        result = CheckResult(url="http://a/", monitor=number, failure="timeout")
        result.evidence = evidence if number % 10 == 0 else None
        bench.spool.append(result)
    bench.settle()
    bench.kill()
    after = Bench(tmp_path)
    data, _last = SpoolReader(after.spool).read(0, 10**8)
    results = [result for line in data.splitlines() for result in decode_batch(json.loads(line))]
    assert [result.monitor for result in results] == list(range(1, 1_001))
    assert all((result.evidence == evidence) == (result.monitor % 10 == 0) for result in results)
    assert max(map(len, data.splitlines())) <= MAX_BATCH_BYTES
    after.spool.close()
