"""What is exported is imported as it was, whatever the monitors are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind
from pingmon_gui.domain.alert_rule import AlertBook, AlertKind, AlertRule, RuleId, first_book
from pingmon_gui.domain.book_change import changed_book, way_back
from pingmon_gui.domain.cell import guarded, unguarded
from pingmon_gui.domain.maintenance import MaintenanceWindow, Weekly, WindowId
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.exchange import pingmon_file, table_file
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.intake import read_bytes
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.preview import Fate, preview
from pingmon_gui.exchange.reading import Reading
from pingmon_gui.exchange.step import Action, What
from tests.exchange.strategies import CONFIGURATIONS, MONITORS, stands, told, wished

#: Other defaults than ours: what a file says must not depend on who reads it.
DEFAULTS = MonitorSettings(interval_ms=77_000, timeout_ms=7_700, slow_ms=770)
ACCESS = ProbeAccess("vps", "root", "192.0.2.1", 22, "pingmon", 8650, "ssh-ed25519 AAAA", Supervisor.SYSTEMD)
PROBES = (
    Probe(ProbeId(1), "This computer", Region.LOCAL),
    Probe(ProbeId(7), "Frankfurt", Region.EU, Transport.TUNNEL, ACCESS),
)


def draft_of(monitor: Monitor, *, with_secrets: bool = True) -> MonitorDraft:
    s = monitor.settings if with_secrets else monitor.settings.without_secrets()
    return MonitorDraft(monitor.url, monitor.name, s, monitor.tags, monitor.regions, monitor.is_paused)


def drafts(reading: Reading) -> list[MonitorDraft]:
    assert [item.reason for item in reading.items if item.draft is None] == []
    return [item.draft for item in reading.items if item.draft is not None]


@settings(max_examples=60, deadline=None)
@given(MONITORS, st.booleans())
def test_export_as_json_comes_back(monitors: Sequence[Monitor], with_secrets: bool) -> None:
    text = pingmon_file.text_of(Configuration(monitors), with_secrets=with_secrets)
    reading = read_bytes(text.encode(), DEFAULTS)
    assert reading.kind is Kind.PINGMON
    assert drafts(reading) == [draft_of(monitor, with_secrets=with_secrets) for monitor in monitors]


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=60, deadline=None)
@given(CONFIGURATIONS)
def test_everything_comes_back_on_another_computer(there: Configuration) -> None:
    text = pingmon_file.text_of(there, with_secrets=True)
    fresh = Configuration((), book=first_book())
    seen = preview(read_bytes(text.encode(), DEFAULTS), fresh)
    change = seen.change
    assert list(change.added) == [draft_of(monitor) for monitor in there.monitors]
    assert fresh.preferences.with_values(change.preferences) == there.preferences
    book = changed_book(fresh.book, change.alerts, {monitor.url: monitor.id for monitor in there.monitors})
    assert told(book, there) == told(there.book, there)
    plain = [replace(one, id=ChannelId(0)) for one in book.channels.values()]
    # What opens a channel is in no export: until it is entered the channel is off.
    assert plain == [
        replace(one, id=ChannelId(0), is_enabled=one.is_enabled and one.kind is ChannelKind.DESKTOP)
        for one in there.book.channels.values()
    ]
    assert wished(change.windows_added) == stands(there)
    again = preview(read_bytes(text.encode(), DEFAULTS), replace(there, book=book))
    assert (again.change.is_empty, again.alerts, again.windows) == (True, (), ())


def test_export_of_everything_has_settings_and_names_probes() -> None:
    before = Configuration((), Preferences({"keep_raw_days": 14, "theme": "dark"}), PROBES)
    text = pingmon_file.text_of(before, with_secrets=True)
    assert "AAAA" not in text
    seen = preview(read_bytes(text.encode(), DEFAULTS), Configuration((), Preferences({"theme": "dark"})))
    assert dict(seen.change.preferences) == {"keep_raw_days": 14}
    assert len(seen.notes) == 1
    assert "pingmon probe bootstrap vps --region eu" in seen.notes[0]
    known = preview(read_bytes(text.encode(), DEFAULTS), Configuration((), probes=PROBES), with_settings=False)
    assert (known.notes, known.change.is_empty) == ((), True)


def test_settings_that_do_not_fit_are_noted_and_left_out() -> None:
    text = '{"format": "pingmon", "version": 1, "domains": [], "preferences": {"theme": "pink", "nonsense": 1}}'
    reading = read_bytes(text.encode(), DEFAULTS)
    assert (dict(reading.preferences), len(reading.notes)) == ({}, 2)


def test_part_of_a_later_version_is_named_and_left_out() -> None:
    text = '{"format": "pingmon", "version": 1, "domains": [], "status_pages": []}'
    assert read_bytes(text.encode(), DEFAULTS).notes == (
        "The part “status_pages” of the file is not known to this Pingmon, and was left out.",
    )


def exported(rules: str, channels: str = "[]") -> bytes:
    return f"""{{"format": "pingmon", "version": 1, "domains": [{{"url": "a.example"}}],
        "alerts": {{"rules": {rules}, "channels": {channels}}}}}""".encode()


@pytest.mark.parametrize(
    ("rules", "channels", "says"),
    [
        ("[5]", "[]", "The alert rule “?” is left out."),
        ('[{"id": 1, "name": "R", "kinds": ["moon"]}]', "[]", "The alert rule “R” is left out."),
        ('[{"id": 1e999, "name": "R", "kinds": ["slow"]}]', "[]", "The alert rule “R” is left out."),
        ('[{"id": 1, "name": "R", "kinds": ["slow"], "is_enabled": "no"}]', "[]", "The alert rule “R” is left out."),
        ('[{"id": 1, "name": "R", "kinds": ["slow"], "later": 1}]', "[]", "The alert rule “R” is left out."),
        ('[{"id": 1, "name": "R", "kinds": ["slow"], "scope": {"all": false}}]', "[]", "It is for no domain."),
        ('[{"id": 1, "name": "R", "kinds": ["slow"], "scope": {"domains": ["b.example"]}}]', "[]",
         "The alert rule “R” is left out: none of its domains is there."),
        ('[{"id": 1, "name": "R", "kinds": ["slow"], "scope": {"domains": ["b.example", "a.example"]}}]', "[]",
         "The alert rule “R” loses 1 of its domains: they are not there."),
        ('[{"id": 1, "name": "R", "kinds": ["slow"]}, {"id": 2, "name": "r", "kinds": ["slow"]}]', "[]",
         "The alert rule “r” stands in the file twice; the first is taken."),
        ("[]", '[{"id": 7, "name": "Chat", "kind": "pigeon"}]', "The channel “Chat” is left out."),
        ("[]", '[{"id": 7, "name": "Mail", "kind": "webhook"}]', "one of another kind has its name"),
        ("[]", '[{"id": 7, "name": "Chat", "kind": "webhook"}]', "is added, turned off: its address is in no file"),
    ],
)  # fmt: skip
def test_alerts_that_are_not_taken_as_they_are_are_named(rules: str, channels: str, says: str) -> None:
    mail = Channel(ChannelId(3), ChannelKind.APPRISE, "mail")
    there = Configuration((), book=AlertBook(channels={mail.id: mail}))
    seen = preview(read_bytes(exported(rules, channels), DEFAULTS), there)
    assert [draft.url for draft in seen.drafts] == ["https://a.example/"]
    [note] = seen.notes
    assert says in note


def test_export_has_nothing_that_opens_a_channel_and_domains_by_address() -> None:
    shop = Monitor(MonitorId(5), 1, "https://shop.example/", "", MonitorSettings(), 0)
    chat = Channel(ChannelId(7), ChannelKind.WEBHOOK, "Chat", "https://hooks.example")
    rule = replace(first_book().rules[0], channels=(chat.id,), scope=Scope(False, monitors=frozenset((shop.id,))))
    text = pingmon_file.text_of(Configuration([shop], book=AlertBook((rule,), {chat.id: chat})), with_secrets=True)
    alerts = json.loads(text)["alerts"]
    assert alerts["rules"][0]["scope"] == {"all": False, "tags": [], "domains": ["https://shop.example/"]}
    assert set(alerts["channels"][0]) == set(chat.to_json())


def test_import_of_alerts_keeps_what_a_person_made_here() -> None:
    own = AlertRule(RuleId(50), "Mine", frozenset((AlertKind.SLOW,)))
    book = replace(first_book(), rules=(*first_book().rules, own))
    file = exported('[{"id": 9, "name": "OUTAGES", "kinds": ["offline"], "channels": [4]}]',
                    '[{"id": 4, "name": "My laptop", "kind": "desktop"}]')  # fmt: skip
    seen = preview(read_bytes(file, DEFAULTS), Configuration((), book=book))
    assert [(step.action, step.what, step.subject) for step in seen.alerts] == [
        (Action.CHANGE, What.CHANNEL, "My laptop"), (Action.CHANGE, What.RULE, "OUTAGES"),
    ]  # fmt: skip
    after = changed_book(book, seen.change.alerts, {})
    assert [rule.name for rule in after.rules] == ["OUTAGES", *(rule.name for rule in book.rules[1:])]
    assert (after.rules[0].id, after.rules[0].channels, after.channels[DESKTOP].name) == (1, (DESKTOP,), "My laptop")
    assert changed_book(after, way_back(book, after), {}) == book
    without = preview(read_bytes(file, DEFAULTS), Configuration((), book=book), with_settings=False)
    assert (without.alerts, without.change.alerts.is_empty) == ((), True)


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
    there = Configuration([Monitor(MonitorId(5), 1, "https://a.example/", "", MonitorSettings(), 0)])
    seen = preview(reading, there)
    assert [row.fate for row in seen.rows] == [Fate.EXISTS, Fate.ADD, Fate.TWICE, Fate.WRONG]
    assert [draft.url for draft in seen.drafts] == ["https://b.example/"]
    assert "line 2" in seen.rows[2].notes[0]
    assert seen.counts()[Fate.ADD] == 1


HOUR_MS = 3_600_000
BACKUP = MaintenanceWindow(WindowId(3), "Backup", Weekly((6,), 180, HOUR_MS, "UTC"), EVERYTHING, 0)


@pytest.mark.parametrize(
    ("window", "says"),
    [
        ("5", "“?” is left out. It has no name."),
        ('{"name": 5}', "“5” is left out. It has no name."),
        ('{"name": " ", "scope": {"all": true}}', "Give the window a name."),
        ('{"name": "W"}', "“W” is left out. It is for no domain."),
        ('{"name": "W", "scope": {"all": true}}', "The times of a maintenance window cannot be read."),
        ('{"name": "W", "scope": {"all": true}, "schedule": {"kind": "moon", "length_ms": 1, "zone": ""}}',
         "of the kind “moon”"),
        ('{"name": "W", "scope": {"all": true}, "schedule": {"kind": "once", "start_at_ms": 1e3, "end_at_ms": 5}}',
         "in a way that cannot be read"),
        ('{"name": "W", "scope": {"all": true}, "schedule": {"kind": "once", "start_at_ms": 5, "end_at_ms": 9}}',
         "“W” is left out: it is over."),
        ('{"name": "W", "scope": {"all": true}, "schedule": {"kind": "weekly", "weekdays": ["mon"], "start": "3:00",'
         ' "length_ms": 999999999, "zone": "UTC"}}', "It would never be off."),
        ('{"name": "W", "scope": {"domains": ["b.example"]}, "schedule": {"kind": "cron", "expression": "0 3 * * *",'
         ' "length_ms": 60000, "zone": "UTC"}}', "“W” is left out: none of its domains is there."),
    ],
)  # fmt: skip
def test_window_that_is_not_taken_is_named(window: str, says: str) -> None:
    text = f'{{"format": "pingmon", "version": 1, "domains": [{{"url": "a.example"}}], "maintenance": [{window}]}}'
    seen = preview(read_bytes(text.encode(), DEFAULTS), Configuration((), at_ms=HOUR_MS))
    assert (seen.windows, seen.change.windows_added) == ((), ())
    [note] = seen.notes
    assert note.startswith("The maintenance window “")
    assert says in note


def test_import_of_windows_replaces_by_name_and_keeps_the_others() -> None:
    there = Configuration((), windows=(BACKUP, replace(BACKUP, id=WindowId(4), name="Mine")))
    file = replace(BACKUP, name="BACKUP", schedule=Weekly((5, 6), 180, HOUR_MS, "UTC"))
    text = pingmon_file.text_of(Configuration((), windows=[file, file]), with_secrets=False)
    seen = preview(read_bytes(text.encode(), DEFAULTS), there)
    [step] = seen.windows
    assert (step.action, step.what, step.subject) == (Action.CHANGE, What.WINDOW, "BACKUP")
    assert {(f.field, f.before, f.after) for f in step.fields} == {
        ("name", "Backup", "BACKUP"), ("days", '["sun"]', '["sat", "sun"]'),
    }  # fmt: skip
    assert seen.change.windows_ended == (BACKUP.id,)
    assert [wish.draft for wish in seen.change.windows_added] == [file.draft]
    assert seen.notes == ("The maintenance window “BACKUP” stands in the file twice; the first is taken.",)
    assert preview(read_bytes(text.encode(), DEFAULTS), there, with_settings=False).change.is_empty
