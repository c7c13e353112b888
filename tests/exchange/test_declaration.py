"""`pingmon.toml`: read with every error named, compared field by field, written so that applying it changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind
from pingmon_gui.domain.alert_rule import (
    AlertBook,
    AlertKind,
    Escalation,
    RuleId,
    SlowCondition,
    SlowUnit,
    first_book,
)
from pingmon_gui.domain.book_change import changed_book
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.maintenance import Cron, MaintenanceDraft, MaintenanceWindow, Once, Weekly, WindowId
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.quiet_hours import QuietSpan
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.exchange import declaration
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.declaration import Declaration, DeclarationWrong
from pingmon_gui.exchange.difference import difference
from pingmon_gui.exchange.step import Action, FieldChange, What
from tests.exchange.strategies import CONFIGURATIONS, stands, told, wished

PREFERENCES = Preferences({"default_interval_s": 30})
THERE = Configuration((), PREFERENCES)
FILE = """\
version = 1

[defaults]
timeout = "4s"
tags = ["web"]

[settings]
keep_raw_days = 14

[[monitor]]
url = "shop.example"
name = "Shop"
interval = "1m"
slow = 0.5
status = [200, "301-302"]
keyword = "in stock"
keyword_absent = true
regions = ["eu", "na"]
family = 6
paused = true
basic_auth_env = "SHOP"

[[monitor]]
url = "https://api.example/health"
tags = []
"""


def read(text: str) -> Declaration:
    return declaration.read(text, THERE, {"SHOP": "anna:geheim", "WRONG": "nobody"})


def monitor(url: str = "https://api.example/health", **values: object) -> Monitor:
    base = Monitor(MonitorId(5), 1, url, "", MonitorSettings(interval_ms=30_000, timeout_ms=4_000), 0)
    return replace(base, **values)  # type: ignore[arg-type]


def test_declaration_is_read_with_its_defaults() -> None:
    declared = read(FILE)
    shop, api = declared.monitors
    assert dict(declared.preferences) == {"keep_raw_days": 14}
    assert (shop.draft.url, shop.draft.name, shop.draft.tags) == ("https://shop.example/", "Shop", ("web",))
    assert (shop.draft.regions, shop.is_paused) == ((Region.EU, Region.NA), True)
    assert shop.draft.settings == MonitorSettings(
        interval_ms=60_000, timeout_ms=4_000, slow_ms=500, family=6, status_set=((200, 200), (301, 302)),
        keyword="in stock", keyword_absent=True, basic_auth="anna:geheim",
    )  # fmt: skip
    assert api.draft.settings == MonitorSettings(interval_ms=30_000, timeout_ms=4_000)
    assert (api.draft.tags, api.is_paused, api.says_login) == ((), None, False)


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("x = [", 1, "", "no valid TOML"),
        ("version = 1\nversion = 2\n", 2, "", "no valid TOML"),
        ("version = 2\n", 1, "version", "version 1"),
        ("a = 1\n[[monitors]]\nurl = 'a'\n", 1, "a", "not known"),
        ("[[monitors]]\nurl = 'a'\n", 1, "monitors", "Is “monitor” meant?"),
        ("monitor = 5\n", 1, "monitor", "[[monitor]]"),
        ("[monitor]\nurl = 'a'\n", 1, "monitor", "[[monitor]]"),
        ("\n[[monitor]]\nname = 'x'\n", 2, "monitor[1]", "has no url"),
        ("[[monitor]]\nurl = 'a'\n[[monitor]]\nurl='b'\nintervall = '5s'\n", 5, "monitor[2].intervall", "“interval”"),
        ("[[monitor]]\nurl = 'a'\ninterval = '1s'\n", 3, "monitor[1].interval", "5 seconds to 1 hour"),
        ("[[monitor]]\nurl = 'a'\ninterval = 'soon'\n", 3, "monitor[1].interval", "no length of time"),
        ("[[monitor]]\nurl = 'a'\ninterval = inf\n", 3, "monitor[1].interval", "no length of time"),
        ("[[monitor]]\nurl = 'a'\ninterval = true\n", 3, "monitor[1].interval", "length of time"),
        ("[[monitor]]\nurl = 'a b'\n", 2, "monitor[1].url", "a space"),
        ("[[monitor]]\nurl = 5\n", 2, "monitor[1].url", "text in quotes"),
        ("[[monitor]]\nurl = 'a'\nregions = ['moon']\n", 3, "monitor[1].regions", "no such region"),
        ("[[monitor]]\nurl = 'a'\nstatus = []\n", 3, "monitor[1].status", "200-299"),
        ("[[monitor]]\nurl = 'a'\nfamily = 5\n", 3, "monitor[1].family", "4, 6"),
        ("[[monitor]]\nurl = 'a'\nslow = '9s'\n", 1, "monitor[1]", "above the timeout"),
        ("[[monitor]]\nurl = 'a'\nbasic_auth = 'x'\n", 3, "monitor[1].basic_auth", "user:password"),
        ("[[monitor]]\nurl = 'a'\nbasic_auth_env = 'NO'\n", 3, "monitor[1].basic_auth_env", "no variable NO"),
        ("[[monitor]]\nurl = 'a'\nbasic_auth_env = 'WRONG'\n", 3, "monitor[1].basic_auth_env", "user:password"),
        ("[[monitor]]\nurl = 'a'\nbasic_auth = 'x:y'\nbasic_auth_env = 'SHOP'\n", 3, "monitor[1].basic_auth", "both"),
        ("[[monitor]]\nurl = 'a'\n[[monitor]]\nurl = 'https://A/'\n", 4, "monitor[2].url", "monitor[1]"),
        ("[defaults]\nurl = 'a'\n", 2, "defaults.url", "not known"),
        ("[settings]\ntheme = 'pink'\n", 2, "settings.theme", "must be one of"),
        ("[settings]\nthem = 'dark'\n", 2, "settings.them", "“theme”"),
        ("settings = 1\n", 1, "settings", "a table"),
        ("monitor = [{url = 'a b'}]\n", None, "monitor[1].url", "a space"),
    ],
)
def test_error_is_named_by_line_and_key(text: str, line: int | None, key: str, says: str) -> None:
    with pytest.raises(DeclarationWrong) as caught:
        read(text)
    first = caught.value.problems[0]
    assert (first.line, first.key) == (line, key)
    assert says in first.message
    assert "nobody" not in first.message


def test_all_errors_are_named_at_once() -> None:
    with pytest.raises(DeclarationWrong) as caught:
        read("[[monitor]]\nurl = 'a b'\ninterval = 1\n[[monitor]]\n")
    assert [problem.line for problem in caught.value.problems] == [2, 3, 4]
    assert "3 errors" in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 100_000, "x = " + "9" * 10_000, "a." * 1_000_000 + "b = 1", "x = {a = 1, " + "a . " * 100_000],
)
def test_hostile_toml_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text)


@pytest.mark.parametrize(
    "text", ["".join(f"a{n} = 1\n" for n in range(30_000)), "[[monitor]]\nurl = 1\n" * 1_000, "[[monitor]]\n" * 10_001]
)
def test_toml_with_errors_without_end_is_refused_soon(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    if isinstance(caught.value, DeclarationWrong):
        assert len(caught.value.problems) == 50


def test_huge_toml_is_refused() -> None:
    with pytest.raises(InvalidInput, match="larger than 4 MB"):
        read("#" * 5_000_000)


def test_difference_names_every_field_and_hides_the_login() -> None:
    before = monitor("https://shop.example/", settings=MonitorSettings(basic_auth="old:secret"), tags=("old",))
    found = difference(read(FILE), Configuration([before, monitor("https://gone.example/")], PREFERENCES), prune=False)
    assert [(step.action, step.subject) for step in found.steps] == [
        (Action.CHANGE, "https://shop.example/"),
        (Action.ADD, "https://api.example/health"),
        (Action.SETTING, "keep_raw_days"),
    ]
    fields = {field.field: (field.before, field.after) for field in found.steps[0].fields}
    assert fields["interval"] == ("10s", "1m")
    assert fields["regions"] == ("all", "eu, na")
    assert fields["basic_auth"] == ("***", "***")
    assert found.unlisted == ("https://gone.example/",)
    assert found.change.removed == ()
    assert found.steps[2].fields == (FieldChange("keep_raw_days", "7", "14"),)


def test_prune_removes_what_the_file_does_not_name_and_doubles() -> None:
    there = monitor(tags=())
    gone, double = monitor("https://gone.example/", id=MonitorId(6)), monitor(id=MonitorId(7))
    found = difference(read(FILE), Configuration([there, gone, double], PREFERENCES), prune=True)
    assert found.change.removed == (6, 7)
    assert found.unlisted == ()


def test_pause_and_login_stay_where_the_file_says_nothing() -> None:
    there = monitor(is_paused=True, settings=MonitorSettings(30_000, 4_000, basic_auth="u:p"))
    known = Configuration([there], PREFERENCES)
    found = difference(read('[defaults]\ntimeout="4s"\n[[monitor]]\nurl="api.example/health"'), known, prune=False)
    assert found.change.is_empty
    without = difference(
        read('[defaults]\ntimeout="4s"\n[[monitor]]\nurl="api.example/health"\nbasic_auth=""\npaused=false'),
        known, prune=False,
    )  # fmt: skip
    assert [field.field for field in without.steps[0].fields] == ["paused", "basic_auth"]
    assert without.change.changed[0].settings.basic_auth is None


@settings(max_examples=60, deadline=None)
@given(CONFIGURATIONS)
def test_written_declaration_changes_nothing_when_applied(there: Configuration) -> None:
    text = declaration.text_of(there, with_secrets=False)
    assert not any(m.settings.basic_auth and len(m.settings.basic_auth) > 6 and m.settings.basic_auth in text
                   for m in there.monitors)  # fmt: skip
    found = difference(declaration.read(text, there, {}), there, prune=True)
    assert (found.steps, found.change.is_empty) == ((), True)


@settings(max_examples=40, deadline=None)
@given(CONFIGURATIONS)
def test_written_declaration_makes_the_same_elsewhere(there: Configuration) -> None:
    text = declaration.text_of(there, with_secrets=True)
    elsewhere = Configuration((), PREFERENCES)
    change = difference(declaration.read(text, elsewhere, {}), elsewhere, prune=False).change
    assert [(d.url, d.name, d.settings, d.tags, d.regions, d.is_paused) for d in change.added] == [
        (m.url, m.name, m.settings, m.tags, m.regions, m.is_paused) for m in there.monitors
    ]
    ids = {monitor.url: monitor.id for monitor in there.monitors}
    assert told(changed_book(elsewhere.book, change.alerts, ids), there) == told(there.book, there)
    assert wished(change.windows_added) == stands(there)


RULE_FILE = """\
[[monitor]]
url = "shop.example"
[[rule]]
name = "Shop"
tell_of = ["offline", "slow"]
channels = ["chat", "This desktop"]
domains = ["https://shop.example"]
tags = ["prod"]
after = "5m"
slow = { count = 3, of = 5, unit = "results" }
quiet = [{ days = ["sat", "sun"], from = "22:00", to = "07:00" }]
quiet_end = "drop"
escalate = { after = "30m", channels = ["Chat"] }
flapping = { count = 0 }
remind = "1h"
silent = "10m"
"""
CHAT = Channel(ChannelId(7), ChannelKind.WEBHOOK, "Chat")
BOOK = AlertBook(first_book().rules, {**first_book().channels, CHAT.id: CHAT})
WITH_BOOK = replace(THERE, book=BOOK)


def test_rule_is_read_with_channels_by_name_and_domains_by_address() -> None:
    [declared] = declaration.read(RULE_FILE, WITH_BOOK, {}).rules
    rule = declared.wish.rule
    assert (rule.kinds, rule.channels) == ({AlertKind.OFFLINE, AlertKind.SLOW}, (CHAT.id, DESKTOP))
    assert declared.wish.urls == ("https://shop.example/",)
    assert (rule.scope.is_all, rule.scope.tags, rule.after_ms) == (False, {"prod"}, 300_000)
    assert rule.slow == SlowCondition(SlowUnit.RESULTS, 3, 5)
    assert rule.quiet == (QuietSpan(frozenset((5, 6)), 22 * 60, 7 * 60),)
    assert rule.escalation == Escalation(30 * 60_000, (CHAT.id,))
    assert (rule.flapping.count, rule.remind_ms, rule.cool_down_ms) == (0, 3_600_000, 600_000)


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[[rule]]\ntell_of = ['offline']\n", 1, "rule[1]", "no name"),
        ("[[rule]]\nname = 'a'\n", 1, "rule[1]", "no tell_of"),
        ("[[rule]]\nname = 'a'\ntell_of = ['ofline']\n", 3, "rule[1].tell_of", "offline, regional"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\nchannels = ['Pager']\n", 4, "rule[1].channels", "“Chat”"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\ndomains = ['b.example']\n", 4, "rule[1].domains", "not watched"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\ntags = []\n", 1, "rule[1].domains", "for no domain"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\nafter = '8d'\n", 4, "rule[1].after", "to 7 days"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\nremind = '1s'\n", 4, "rule[1].remind", "from 1 minute"),
        ("[[rule]]\nname = 'a'\ntell_of = ['slow']\nslow = 5\n", 4, "rule[1].slow", "a table"),
        ("[[rule]]\nname = 'a'\ntell_of = ['slow']\nslow = {cuont = 5}\n", 4, "rule[1].slow", "“count”"),
        ("[[rule]]\nname = 'a'\ntell_of = ['slow']\nslow = {count = 9, of = 3}\n", 4, "rule[1].slow", "1 of 1"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\nquiet = [{days = ['mo']}]\n", 4, "rule[1].quiet", "mon to sun"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\nescalate = {after = '5m'}\n", 4, "rule[1].escalate", "both"),
        ("[[rule]]\nname = 'a'\ntell_of = ['certificate']\ndays_before = [0]\n", 4, "rule[1].days_before", "1 to 365"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\nquiet_end = 'x'\n", 4, "rule[1].quiet_end", "late, drop"),
        ("[[rule]]\nname = 'a'\ntell_of = ['offline']\nquiet_end = []\n", 4, "rule[1].quiet_end", "late, drop"),
        ("[[rule]]\nname = 'a'\ntell_of = ['slow']\n[[rule]]\nname = 'A'\ntell_of = ['slow']\n", 5, "rule[2].name",
         "rule[1]"),
        ("[[channel]]\nname = 'x'\nkind = 'command'\n", 3, "channel[1].kind", "desktop, webhook, apprise"),
        ("[[channel]]\nname = 'x'\nkind = 'webhook'\nurl = 'https://h'\n", 4, "channel[1].url", "not known"),
        ("[[channel]]\nname = 'x'\nkind = 'webhook'\nwait = '500ms'\n", 4, "channel[1].wait", "whole seconds"),
        ("[[channel]]\nname = 'x'\nkind = 'webhook'\nwait = '5m'\n", 4, "channel[1].wait", "0 to 120"),
        ("[[channel]]\nname = 'x'\n[[channel]]\nname = 'X'\nkind = 'apprise'\n", 1, "channel[1]", "no kind"),
        ("[[channel]]\nname = 'x'\nkind = 'apprise'\n[[channel]]\nname = 'X'\nkind = 'apprise'\n", 5, "channel[2].name",
         "channel[1]"),
        ("rule = 5\n", 1, "rule", "[[rule]]"),
    ],
)  # fmt: skip
def test_error_in_a_rule_is_named_by_line_and_key(text: str, line: int, key: str, says: str) -> None:
    with pytest.raises(DeclarationWrong) as caught:
        declaration.read(text, WITH_BOOK, {})
    [problem] = caught.value.problems
    assert (problem.line, problem.key) == (line, key)
    assert says in problem.message


def test_rules_are_compared_by_name_and_stay_without_prune() -> None:
    text = "[[rule]]\nname = 'outages'\ntell_of = ['offline', 'regional']\nchannels = ['This desktop']\nafter = '2m'\n"
    found = difference(declaration.read(text, WITH_BOOK, {}), WITH_BOOK, prune=False)
    [step] = found.steps
    assert (step.action, step.what, step.subject) == (Action.CHANGE, What.RULE, "outages")
    assert {(f.field, f.before, f.after) for f in step.fields} == {("name", "Outages", "outages"), ("after", "", "2m")}
    assert found.change.alerts.rules[0].rule.id == BOOK.rules[0].id
    assert found.unlisted_rules == tuple(rule.name for rule in BOOK.rules[1:])
    pruned = difference(declaration.read(text, WITH_BOOK, {}), WITH_BOOK, prune=True)
    assert pruned.change.alerts.rules_removed == tuple(rule.id for rule in BOOK.rules[1:])
    silent = difference(declaration.read("", WITH_BOOK, {}), WITH_BOOK, prune=True)
    assert (silent.steps, silent.unlisted_rules) == ((), ())


def test_declared_channels_join_those_that_are_there() -> None:
    text = """
[[channel]]
name = "chat"
kind = "webhook"
wait = "30s"
enabled = false
[[channel]]
name = "Ops"
kind = "apprise"
[[rule]]
name = "Own network"
tell_of = ["own_network"]
channels = ["Ops", "chat", "This desktop"]
"""
    found = difference(declaration.read(text, WITH_BOOK, {}), WITH_BOOK, prune=False)
    assert [(step.action, step.what, step.subject) for step in found.steps] == [
        (Action.CHANGE, What.CHANNEL, "chat"), (Action.ADD, What.CHANNEL, "Ops"),
        (Action.ADD, What.RULE, "Own network"),
    ]  # fmt: skip
    assert {field.field for field in found.steps[0].fields} == {"name", "enabled", "wait"}
    [note] = found.notes
    assert "The channel “Ops” is added, turned off" in note
    after = changed_book(BOOK, found.change.alerts, {})
    assert [(one.name, one.is_enabled, one.gather_s) for one in after.channels.values()] == [
        ("This desktop", True, 10), ("chat", False, 30), ("Ops", False, 10),
    ]  # fmt: skip
    ops = list(after.channels)[-1]
    assert after.rules[-1].channels == (ops, CHAT.id, DESKTOP)
    assert ops > 0
    again = replace(WITH_BOOK, book=after)
    assert difference(declaration.read(text, again, {}), again, prune=False).change.is_empty


def test_rule_that_is_turned_off_stays_so_where_the_file_says_nothing() -> None:
    off = replace(BOOK, rules=(replace(BOOK.rules[0], is_enabled=False),))
    text = declaration.text_of(replace(WITH_BOOK, book=BOOK), with_secrets=False).partition('[[rule]]\nname = "Probes')[
        0
    ]
    there = replace(WITH_BOOK, book=off)
    assert difference(declaration.read(text, there, {}), there, prune=True).change.is_empty
    on = difference(declaration.read(f"{text}enabled = true\n", there, {}), there, prune=True)
    assert on.change.alerts.rules[0].rule.is_enabled


def test_rules_that_cannot_be_declared_are_named_in_a_comment() -> None:
    lost = replace(BOOK.rules[0], id=RuleId(70), name="Lost", scope=Scope(False, monitors=frozenset((MonitorId(9),))))
    twice = replace(BOOK.rules[0], id=RuleId(71))
    there = replace(WITH_BOOK, book=replace(BOOK, rules=(*BOOK.rules, lost, twice)))
    text = declaration.text_of(there, with_secrets=False)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        '# The rule "Lost" is left out: it is for no domain any more.',
        '# Another rule "Outages" is left out: they are told apart by name.',
    ]
    assert difference(declaration.read(text, there, {}), there, prune=False).steps == ()


WINDOW_FILE = """\
[[monitor]]
url = "shop.example"
[[maintenance]]
name = "Backup"
days = ["sun", "wed"]
at = "03:00"
for = "1h30m"
zone = "Europe/Zurich"
tags = ["prod"]
domains = ["https://shop.example"]
[[maintenance]]
name = "First of the month"
cron = "0 3 1 * *"
for = "2h"
zone = "UTC"
[[maintenance]]
name = "Move"
from = 2030-12-01T22:00:00+01:00
to = "2030-12-02T02:00"
zone = "Europe/Zurich"
"""
AT_MS = 1_800_000_000_000


def test_windows_are_read_in_each_of_their_ways() -> None:
    backup, monthly, move = declaration.read(WINDOW_FILE, THERE, {}).windows
    assert backup.draft.schedule == Weekly((2, 6), 180, 5_400_000, "Europe/Zurich")
    assert (backup.draft.scope.is_all, backup.draft.scope.tags) == (False, {"prod"})
    assert backup.urls == ("https://shop.example/",)
    assert monthly.draft == MaintenanceDraft("First of the month", Cron("0 3 1 * *", 7_200_000, "UTC"))
    assert move.draft.schedule == Once(1_922_389_200_000, 1_922_389_200_000 + 4 * 3_600_000)


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("for = '1h'\ncron = '0 3 * * *'\n", 1, "maintenance[1]", "no name"),
        ("name = 'a'\nfor = '1h'\n", 1, "maintenance[1]", "one of days, cron and from"),
        ("name = 'a'\nfor = '1h'\ncron = '0 3 * * *'\ndays = ['mon']\n", 1, "maintenance[1]", "one of days"),
        ("name = 'a'\ncron = '0 3 * *'\nfor = '1h'\n", 3, "maintenance[1].cron", "five fields"),
        ("name = 'a'\ncron = '0 3 * * *'\n", 1, "maintenance[1]", "no for"),
        ("name = 'a'\ncron = '0 3 * * *'\nfor = '1h'\nat = '3:00'\n", 5, "maintenance[1].at", "not go with cron"),
        ("name = 'a'\ncron = '0 3 * * *'\nfor = '25h'\n", 1, "maintenance[1]", "never be off"),
        ("name = 'a'\ndays = ['mo']\nat = '3:00'\nfor = '1h'\n", 3, "maintenance[1].days", "no day of the week"),
        ("name = 'a'\ndays = ['mon']\nat = 3\nfor = '1h'\n", 4, "maintenance[1].at", "in quotes"),
        ("name = 'a'\ndays = ['mon']\nat = '3:00'\nfor = '10s'\n", 1, "maintenance[1]", "1 minute to 31 days"),
        ("name = 'a'\ndays = ['mon']\nat = '3:00'\nfor = '1h'\nzone = 'Mars'\n", 6, "maintenance[1].zone", "“Mars”"),
        ("name = 'a'\nfrom = 'soon'\nto = 'later'\n", 3, "maintenance[1].from", "a date and time"),
        ("name = 'a'\nfrom = 2030-01-02T00:00:00Z\nto = 2030-01-01T00:00:00Z\n", 1, "maintenance[1]",
         "after the start"),
        ("name = 'a'\ncron = '0 3 * * *'\nfor = '1h'\ntags = []\n", 1, "maintenance[1].domains", "for no domain"),
        ("name = 'a'\ncron = '0 3 * * *'\nfor = '1h'\ndomains = ['b.example']\n", 5, "maintenance[1].domains",
         "not watched"),
    ],
)  # fmt: skip
def test_error_in_a_window_is_named_by_line_and_key(text: str, line: int, key: str, says: str) -> None:
    with pytest.raises(DeclarationWrong) as caught:
        declaration.read(f"[[maintenance]]\n{text}", WITH_BOOK, {})
    [problem, *_others] = caught.value.problems
    assert says in problem.message
    assert (problem.line, problem.key) == (line, key)


def test_windows_are_compared_by_name_and_what_is_not_repeated_is_left_alone() -> None:
    backup = MaintenanceWindow(WindowId(3), "backup", Weekly((6,), 180, 5_400_000, "Europe/Zurich"), EVERYTHING, 0)
    weekly = replace(backup, id=WindowId(4), name="Weekly")
    tonight = replace(backup, id=WindowId(5), name="Tonight", schedule=Once(AT_MS, AT_MS + 1))
    there = replace(THERE, windows=(backup, weekly, tonight), at_ms=AT_MS)
    declared = declaration.read(WINDOW_FILE, there, {})
    found = difference(declared, there, prune=False)
    steps = [(step.action, step.subject) for step in found.steps if step.what is What.WINDOW]
    assert steps == [(Action.CHANGE, "Backup"), (Action.ADD, "First of the month"), (Action.ADD, "Move")]
    assert (found.change.windows_ended, found.unlisted_windows) == ((backup.id,), ("Weekly",))
    pruned = difference(declared, there, prune=True)
    assert (pruned.change.windows_ended, pruned.unlisted_windows) == ((backup.id, weekly.id), ())
    later = replace(there, at_ms=AT_MS + 10**12)
    assert [note for note in difference(declared, later, prune=False).notes if "over" in note] == [
        "The maintenance window “Move” is left out: it is over."
    ]
    silent = difference(declaration.read("", there, {}), there, prune=True)
    assert (silent.change.windows_ended, silent.unlisted_windows) == ((), ())


def test_kinds_are_declared_with_their_own_settings() -> None:
    text = """
[defaults]
status = 404
[[monitor]]
url = "tcp://a.example:25"
expect = "220 "
[[monitor]]
url = "dns://a.example?type=MX"
dns_match = "contains"
dns_answers = ["10 MAIL.example."]
[[monitor]]
url = "icmp://a.example"
echoes = 5
max_loss = 20
"""
    tcp, dns, icmp = (one.draft.settings for one in declaration.read(text, THERE, {}).monitors)
    assert (tcp.expect, tcp.status_set) == ("220 ", MonitorSettings().status_set)
    assert (dns.dns_match, dns.dns_answers) == ("contains", ("10 mail.example",))
    assert (icmp.echo_count, icmp.max_loss_percent) == (5, 20)


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ('url = "icmp://a.example"\nkeyword = "x"', "keyword", "the kind icmp has no such setting."),
        ('url = "tcp://a.example:1"\nechoes = 3', "echoes", "the kind tcp has no such setting."),
        ('url = "icmp://a.example"\nechoes = 30', "echoes", "It must be a number from 1 to 10."),
        ('url = "tcp://a.example"', "url", "needs a port"),
    ],
)
def test_setting_of_another_kind_is_named(line: str, key: str, says: str) -> None:
    with pytest.raises(DeclarationWrong) as caught:
        declaration.read(f"[[monitor]]\n{line}\n", THERE, {})
    (problem,) = caught.value.problems
    assert (problem.key, says in problem.message) == (f"monitor[1].{key}", True)
