"""What is exported is imported as it was, whatever the monitors are."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.cell import guarded, unguarded
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.exchange import pingmon_file, table_file
from pingmon_gui.exchange.intake import read_bytes
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.pingmon_file import Configuration
from pingmon_gui.exchange.preview import Fate, preview
from pingmon_gui.exchange.reading import Reading
from tests.exchange.strategies import MONITORS

#: Other defaults than ours: what a file says must not depend on who reads it.
DEFAULTS = MonitorSettings(interval_ms=77_000, timeout_ms=7_700, slow_ms=770)
ACCESS = ProbeAccess("vps", "root", "192.0.2.1", 22, "pingmon", 8650, "ssh-ed25519 AAAA", Supervisor.SYSTEMD)
PROBES = (
    Probe(ProbeId(1), "This computer", Region.LOCAL),
    Probe(ProbeId(7), "Frankfurt", Region.EU, Transport.TUNNEL, ACCESS),
)


def draft_of(monitor: Monitor, *, with_secrets: bool = True) -> MonitorDraft:
    s = monitor.settings if with_secrets else replace(monitor.settings, basic_auth=None)
    return MonitorDraft(monitor.url, monitor.name, s, monitor.tags, monitor.regions, monitor.is_paused)


def drafts(reading: Reading) -> list[MonitorDraft]:
    assert [item.reason for item in reading.items if item.draft is None] == []
    return [item.draft for item in reading.items if item.draft is not None]


@settings(max_examples=150, deadline=None)
@given(MONITORS, st.booleans())
def test_export_as_json_comes_back(monitors: Sequence[Monitor], with_secrets: bool) -> None:
    text = pingmon_file.text_of(Configuration(monitors), with_secrets=with_secrets)
    reading = read_bytes(text.encode(), DEFAULTS)
    assert reading.kind is Kind.PINGMON
    assert drafts(reading) == [draft_of(monitor, with_secrets=with_secrets) for monitor in monitors]


@settings(max_examples=150, deadline=None)
@given(MONITORS, st.booleans())
def test_export_as_csv_comes_back(monitors: Sequence[Monitor], with_secrets: bool) -> None:
    text = table_file.text_of(monitors, with_secrets=with_secrets)
    reading = read_bytes(text.encode(), DEFAULTS)
    assert reading.kind is Kind.CSV
    assert drafts(reading) == [draft_of(monitor, with_secrets=with_secrets) for monitor in monitors]
    for row in csv.reader(io.StringIO(text, newline="")):
        assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "＝", "\t", "\r", "\n")]


@given(st.text(st.sampled_from("'=+-@ a\t＝\n"), max_size=6))
def test_guard_of_a_cell_is_undone(text: str) -> None:
    assert unguarded(guarded(text)) == text


def test_export_of_everything_has_settings_and_names_probes() -> None:
    before = Configuration((), Preferences({"keep_raw_days": 14, "theme": "dark"}), PROBES)
    text = pingmon_file.text_of(before, with_secrets=True)
    assert "AAAA" not in text
    seen = preview(read_bytes(text.encode(), DEFAULTS), (), Preferences({"theme": "dark"}))
    assert dict(seen.change.preferences) == {"keep_raw_days": 14}
    assert len(seen.notes) == 1
    assert "pingmon probe bootstrap vps --region eu" in seen.notes[0]
    known = preview(read_bytes(text.encode(), DEFAULTS), (), Preferences({}), ["Frankfurt"], with_settings=False)
    assert (known.notes, known.change.is_empty) == ((), True)


def test_settings_that_do_not_fit_are_noted_and_left_out() -> None:
    text = '{"format": "pingmon", "version": 1, "domains": [], "preferences": {"theme": "pink", "nonsense": 1}}'
    reading = read_bytes(text.encode(), DEFAULTS)
    assert (dict(reading.preferences), len(reading.notes)) == ({}, 2)


@pytest.mark.parametrize("domain", ["5", "{}", '{"url": 3}', '{"url": "a.example", "regions": ["moon"]}',
                                    '{"url": "a.example", "settings": {"interval_ms": 1e999}}',
                                    '{"url": "a.example", "settings": {"interval_ms": 10000.5}}'])  # fmt: skip
def test_export_with_a_wrong_domain_names_its_line(domain: str) -> None:
    text = f'{{"format": "pingmon", "version": 1, "domains": [\n{{"url": "b.example"}},\n{domain}\n]}}'
    good, wrong = read_bytes(text.encode(), DEFAULTS).items
    assert good.draft is not None
    assert (wrong.line, wrong.is_wrong) == (3, True)


def test_preview_tells_new_known_and_doubled_apart() -> None:
    reading = read_bytes(b"a.example\nb.example\nhttps://B.example/\nno..host\n", DEFAULTS)
    seen = preview(reading, {"https://a.example/"}, Preferences({}))
    assert [row.fate for row in seen.rows] == [Fate.EXISTS, Fate.ADD, Fate.TWICE, Fate.WRONG]
    assert [draft.url for draft in seen.drafts] == ["https://b.example/"]
    assert "line 2" in seen.rows[2].notes[0]
    assert seen.counts()[Fate.ADD] == 1
