"""The store as the engine and the command line use it: configuration, results, history, size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pingmon_gui.domain.error import SettingsError, StorageError, StorageReadOnly
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe, ProbeAccess, Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.store.configuration import Cursor
from pingmon_gui.store.store import Store
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, add, batch, compact, open_store, run

ACCESS = ProbeAccess(
    host="vps",
    login_user="ops",
    address="vps.example",
    ssh_port=22,
    tunnel_user="pingmon-probe",
    service_port=46464,
    host_key="ssh-ed25519 AAAA",
    supervisor=Supervisor.SYSTEMD,
)


def test_monitors_added_are_there_after_reopening_with_everything(tmp_path: Path) -> None:
    settings = MonitorSettings(interval_ms=60_000, keyword="ok", basic_auth="me:secret", status_set=((200, 204),))
    draft = MonitorDraft("https://a.example/", "A", settings, ("shop", "eu"), (Region.EU, Region.LOCAL))

    async def first() -> tuple[str, list[Monitor]]:
        store = open_store(tmp_path)
        added = await store.add_monitors([draft, MonitorDraft("https://a.example/")])
        await store.close()
        return store.owner, added

    async def second() -> tuple[str, tuple[Monitor, ...]]:
        store = open_store(tmp_path)
        found = store.configuration()
        await store.close()
        return store.owner, found.monitors

    owner, added = run(first())
    assert run(second()) == (owner, tuple(added))
    assert added[0].settings == settings and added[0].tags == ("shop", "eu")
    assert [monitor.created_at_ms for monitor in added] == [START_MS, START_MS]


def test_change_makes_a_version_only_for_url_and_settings(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        one, two = await add(store, 2)
        given = renamed, moved, stranger = (
            replace(one, name="One", tags=("x",), is_paused=True),
            replace(two, url="https://b.example/", settings=MonitorSettings(slow_ms=500)),
            replace(one, id=12345),
        )
        changed = await store.change_monitors(given)
        assert changed == [renamed, replace(moved, version=2)]
        assert stranger.id not in [monitor.id for monitor in store.configuration().monitors]
        versions = store.configuration().versions
        assert sorted(key for key in versions if key[0] == two.id) == [(two.id, 1), (two.id, 2)]
        assert versions[(two.id, 2)].slow_ms == 500 and versions[(two.id, 1)].slow_ms == 1000
        assert versions[(two.id, 2)].url == "https://b.example/"
        await store.close()

    run(main())


def test_delete_hides_and_restore_brings_back_history_and_all(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        store.append(batch([Measured(one.id, START_MS)]))
        await store.delete_monitors([one.id])
        assert store.configuration().monitors == ()
        assert await store.change_monitors([one]) == []
        assert await store.restore_monitors([one.id]) == [one]
        assert store.configuration().monitors == (one,)
        await store.flush()
        assert len(await store.results(one.id, START_MS, START_MS + 1)) == 1
        await store.close()

    run(main())


def test_preferences_keep_only_what_differs_and_a_bad_value_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        await store.change_preferences({"keep_raw_days": 3, "theme": "dark"})
        preferences = await store.change_preferences({"theme": "system"})
        assert dict(preferences.changed) == {"keep_raw_days": 3}
        with pytest.raises(SettingsError):
            await store.change_preferences({"theme": "light", "keep_raw_days": 0})
        assert dict(store.configuration().preferences.changed) == {"keep_raw_days": 3}
        await store.close()

    run(main())


def test_probes_are_saved_replaced_and_forgotten_with_their_cursor(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        local, remote = (
            Probe(EMBEDDED_PROBE, "here", Region.LOCAL),
            Probe(ProbeId(99), "there", Region.EU, Transport.TUNNEL, ACCESS),
        )
        await store.save_probe(local)
        await store.save_probe(remote)
        await store.save_probe(replace(remote, name="over there"))
        store.append(batch([Measured(one.id, START_MS)], probe=99))
        await store.flush()
        assert store.configuration().probes == (local, replace(remote, name="over there"))
        assert store.configuration().cursors == {99: Cursor("spool", 1)}
        await store.forget_probe(remote.id)
        assert (store.configuration().probes, store.configuration().cursors) == ((local,), {})
        await store.close()

    run(main())


def test_results_come_back_as_they_were_measured(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        (one,) = await add(store, 1)
        rows = [
            Measured(one.id, START_MS + 10, Status.ONLINE, 12_345),
            Measured(one.id, START_MS + 10_020, Status.SLOW, 1_500_001),
            Measured(one.id, START_MS + 20_030, Status.OFFLINE, 5_000_000),
        ]
        sent = batch(rows)
        store.append(sent)
        await store.flush()
        for _ in ("journal", "chunk"):
            (history,) = await store.results(one.id, START_MS, START_MS + HOUR_MS)
            assert history.series.url == one.url and history.series.probe == 1 and history.series.family == 0
            assert history.at_ms.tolist() == [row.at_ms for row in rows]
            assert history.status.tolist() == [0, 1, 2]
            assert history.failure.tolist() == sent.failure.tolist()
            assert history.total_ms.tolist() == sent.total_ms.tolist()
            assert np.array_equal(history.phases_ms, sent.phases_ms, equal_nan=True)
            assert history.detail[1] == {
                "message": "",
                "address": "192.0.2.1",
                "hops": [{"url": "https://a.example/", "http_status": 301}],
                "certificate": {"subject": "site", "not_after": "2030-01-01"},
                "facts": {"sent": 3, "received": 2},
            }
            ((probe, result, status),) = await store.latest(one.id)
            expected = replace(sent.result(2), url=one.url, seq=0)
            assert (probe, result, status) == (1, expected, Status.OFFLINE)
            size = await store.size()
            assert (size.raw_results, size.oldest_at_ms) == (3, START_MS)
            assert size.file_bytes > 10_000
            await compact(store, clock)
        await store.close()

    run(main())


def test_results_begin_with_the_last_one_before_the_span(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        store.append(batch([Measured(one.id, START_MS + place * 10_000) for place in range(6)]))
        await store.flush()
        (history,) = await store.results(one.id, START_MS + 25_000, START_MS + 45_000)
        assert (history.at_ms - START_MS).tolist() == [20_000, 30_000, 40_000]
        assert await store.results(one.id, START_MS + HOUR_MS * 4, START_MS + HOUR_MS * 5) == []
        assert await store.results(one.id, START_MS, START_MS + 1, probes=[7]) == []
        await store.close()

    run(main())


def test_what_the_cursor_has_passed_is_not_written_again(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        rows = [Measured(one.id, START_MS + place * 10_000) for place in range(8)]
        store.append(batch(rows[:5]))
        store.append(batch(rows[:5]))
        store.append(batch(rows[3:8], first_seq=4))
        await store.flush()
        store.append(batch(rows[2:6], first_seq=3))
        await store.flush()
        (history,) = await store.results(one.id, START_MS, START_MS + HOUR_MS)
        assert history.at_ms.tolist() == [row.at_ms for row in rows]
        assert store.configuration().cursors == {1: Cursor("spool", 8)}
        store.append(batch(rows[:1], spool="wiped"))
        await store.flush()
        assert store.configuration().cursors == {1: Cursor("wiped", 1)}
        await store.close()

    run(main())


def test_changed_url_starts_a_new_series_and_other_settings_do_not(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        await store.change_monitors([replace(one, settings=MonitorSettings(slow_ms=10))])
        await store.change_monitors([replace(one, url="https://b.example/", settings=MonitorSettings(slow_ms=10))])
        rows = [Measured(one.id, START_MS + version, version=version) for version in (1, 2, 3)]
        store.append(batch([*rows, Measured(one.id, START_MS, version=9)]))
        await store.flush()
        histories = await store.results(one.id, START_MS, START_MS + HOUR_MS)
        assert [(h.series.url, h.at_ms.tolist()) for h in histories] == [
            (one.url, [START_MS + 1, START_MS + 2]),
            ("https://b.example/", [START_MS + 3]),
        ]
        await store.close()

    run(main())


def test_recent_gives_all_series_by_time_from_chunks_and_journal(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        monitors = await add(store, 3)
        rows = [Measured(monitors[place % 3].id, START_MS + place * 60_000, Status(place % 3)) for place in range(150)]
        store.append(batch(rows[:90]))
        await store.flush()
        await compact(store, clock)
        store.append(batch(rows[90:], first_seq=91))
        await store.flush()
        since_ms = START_MS + 30 * 60_000
        found = list(store.recent(since_ms))
        expected = [row for row in rows if row.at_ms >= since_ms]
        assert np.concatenate([part.at_ms for part in found]).tolist() == [row.at_ms for row in expected]
        assert np.concatenate([part.monitor for part in found]).tolist() == [row.monitor for row in expected]
        assert np.concatenate([part.status for part in found]).tolist() == [row.status for row in expected]
        assert {int(probe) for part in found for probe in part.probe} == {1}
        await store.close()

    run(main())


def test_read_only_store_reads_while_another_writes(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        reader = Store.open(tmp_path / "pingmon.db", read_only=True, now_ms=Clock())
        assert reader.configuration().monitors == (one,) and reader.owner == store.owner
        store.append(batch([Measured(one.id, START_MS)]))
        await store.flush()
        assert len(await reader.results(one.id, START_MS, START_MS + 1)) == 1
        with pytest.raises(StorageReadOnly):
            await reader.add_monitors([])
        await reader.flush()
        await reader.maintain()
        await store.close()
        await reader.close()

    run(main())


def test_two_writers_on_one_file_do_not_hurt_each_other(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        first, second = open_store(tmp_path, clock), open_store(tmp_path, clock)
        (one,) = await add(first, 1)
        for place in range(20):
            first.append(batch([Measured(one.id, START_MS + place * 20_000)], probe=1, first_seq=place + 1))
            second.append(batch([Measured(one.id, START_MS + place * 20_000)], probe=2, first_seq=place + 1))
            await first.flush()
            await second.flush()
        clock.ms += 2 * HOUR_MS
        await first.maintain()
        while first.has_work or second.has_work:
            await second.maintain()
            await first.maintain()
        histories = await first.results(one.id, START_MS, START_MS + HOUR_MS)
        assert [len(history.at_ms) for history in histories] == [20, 20]
        await first.close()
        await second.close()

    run(main())


def test_closed_store_refuses_and_close_while_appending_keeps_a_prefix(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        for seq in range(1, 200):
            store.append(batch([Measured(one.id, START_MS + seq * 1000)], first_seq=seq))
        await store.close()
        store.append(batch([Measured(one.id, START_MS)], first_seq=200))
        await store.close()
        with pytest.raises(StorageError):
            await store.add_monitors([])
        with pytest.raises(StorageError):
            await store.results(one.id, 0, 1)
        again = open_store(tmp_path)
        assert again.configuration().cursors == {1: Cursor("spool", 199)}
        (history,) = await again.results(one.id, START_MS, START_MS + HOUR_MS)
        assert len(history.at_ms) == 199
        await again.close()

    run(main())


def test_close_leaves_everything_in_one_file(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        store.append(batch([Measured(one.id, START_MS)]))
        await store.flush()
        assert len(await store.results(one.id, START_MS, START_MS + 1)) == 1
        await store.close()

    run(main())
    assert [path.name for path in tmp_path.iterdir()] == ["pingmon.db"]
