"""`pingmon.toml`: read with every error named, compared field by field, written so that applying it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.region import Region
from pingmon_gui.exchange import declaration
from pingmon_gui.exchange.declaration import Declaration, DeclarationWrong
from pingmon_gui.exchange.difference import Action, FieldChange, difference
from tests.exchange.strategies import MONITORS

PREFERENCES = Preferences({"default_interval_s": 30})
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
    return declaration.read(text, PREFERENCES, {"SHOP": "anna:geheim", "WRONG": "nobody"})


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
        ("[[monitor]]\nurl = 'a'\nbasic_auth = 'x:y'\nbasic_auth_env = 'SHOP'\n", 3, "monitor[1]", "both"),
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
    found = difference(read(FILE), [before, monitor("https://gone.example/")], PREFERENCES, prune=False)
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
    found = difference(read(FILE), [there, gone, double], PREFERENCES, prune=True)
    assert found.change.removed == (6, 7)
    assert found.unlisted == ()


def test_pause_and_login_stay_where_the_file_says_nothing() -> None:
    there = monitor(is_paused=True, settings=MonitorSettings(30_000, 4_000, basic_auth="u:p"))
    found = difference(read('[defaults]\ntimeout="4s"\n[[monitor]]\nurl="api.example/health"'), [there], PREFERENCES,
                       prune=False)  # fmt: skip
    assert found.change.is_empty
    without = difference(
        read('[defaults]\ntimeout="4s"\n[[monitor]]\nurl="api.example/health"\nbasic_auth=""\npaused=false'),
        [there], PREFERENCES, prune=False,
    )  # fmt: skip
    assert [field.field for field in without.steps[0].fields] == ["paused", "basic_auth"]
    assert without.change.changed[0].settings.basic_auth is None


@settings(max_examples=100, deadline=None)
@given(MONITORS)
def test_written_declaration_changes_nothing_when_applied(monitors: Sequence[Monitor]) -> None:
    preferences = Preferences({"theme": "dark", "close_to_tray": False, "anchors": "192.0.2.1:53"})
    text = declaration.text_of(monitors, preferences, with_secrets=False)
    assert not any(m.settings.basic_auth and len(m.settings.basic_auth) > 6 and m.settings.basic_auth in text
                   for m in monitors)  # fmt: skip
    declared = declaration.read(text, preferences, {})
    assert difference(declared, monitors, preferences, prune=True).change.is_empty


@settings(max_examples=50, deadline=None)
@given(MONITORS)
def test_written_declaration_makes_the_same_monitors_elsewhere(monitors: Sequence[Monitor]) -> None:
    text = declaration.text_of(monitors, Preferences({}), with_secrets=True)
    found = difference(declaration.read(text, PREFERENCES, {}), [], PREFERENCES, prune=False)
    assert [(d.url, d.name, d.settings, d.tags, d.regions, d.is_paused) for d in found.change.added] == [
        (m.url, m.name, m.settings, m.tags, m.regions, m.is_paused) for m in monitors
    ]
