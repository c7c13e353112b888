"""Alert rules and channels in an export: they come back by name, with addresses for ids, and never what opens them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pingmon_gui.domain.alert_channel import DESKTOP, ChannelId
from pingmon_gui.domain.alert_rule import (
    AlertBook,
    AlertKind,
    AlertRule,
    Escalation,
    Flapping,
    QuietEnd,
    RuleId,
    Scope,
    SlowCondition,
    SlowUnit,
    first_book,
)
from pingmon_gui.domain.alert_wish import AlertWish, merged, wish_of
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.quiet_hours import QuietSpan
from pingmon_gui.exchange import declaration, outlet, pingmon_file
from pingmon_gui.exchange.declaration import DeclarationWrong
from pingmon_gui.exchange.difference import difference
from pingmon_gui.exchange.kind import Format
from pingmon_gui.exchange.pingmon_file import Configuration
from pingmon_gui.exchange.preview import preview
from pingmon_gui.exchange.reading import Reading
from tests.domain.alert_play import HOOK, hook
from tests.engine.fakes import monitor

RULE = AlertRule(
    RuleId(40),
    "Shops",
    frozenset((AlertKind.OFFLINE,)),
    (DESKTOP, HOOK),
    Scope(is_all=False, tags=frozenset(("shop",)), monitors=frozenset((MonitorId(2), MonitorId(3)))),
    escalation=Escalation(600_000, (HOOK,)),
)
BOOK = AlertBook(
    (*first_book().rules, RULE),
    {**first_book().channels, HOOK: hook(name="Ops", shown="https://hooks.example", template="{{title}}", gather_s=3)},
)
MONITORS = [monitor(2), monitor(3)]
NOBODY = Preferences({})


def kept(book: AlertBook) -> AlertWish:
    return wish_of(book, {one.id: one.url for one in MONITORS})


def exported() -> str:
    return pingmon_file.text_of(Configuration(MONITORS, book=BOOK), with_secrets=True)


def test_export_names_domains_by_address_and_nothing_that_opens_a_channel() -> None:
    alerts = json.loads(exported())["alerts"]
    (shops,) = [rule for rule in alerts["rules"] if rule["name"] == "Shops"]
    assert shops["urls"] == ["https://site2.example/", "https://site3.example/"]
    assert set(alerts["channels"][1]) == set(hook().to_json())


def test_book_comes_back_elsewhere_with_new_ids_and_channels_that_wait_for_their_address() -> None:
    wish = pingmon_file.read(exported()).alerts
    assert wish is not None
    found = merged(first_book(), wish, {"https://site2.example/": MonitorId(77)})
    (ops,) = [channel for channel in found.channels.values() if channel.name == "Ops"]
    assert (ops.is_enabled, ops.shown, ops.template, ops.gather_s) == (False, "", "{{title}}", 3)
    assert ops.id != HOOK
    (shops,) = [rule for rule in found.rules if rule.name == "Shops"]
    assert shops.id != RULE.id
    assert shops.scope == Scope(is_all=False, tags=frozenset(("shop",)), monitors=frozenset((MonitorId(77),)))
    assert shops.channels == (DESKTOP, ops.id) and shops.escalation == Escalation(600_000, (ops.id,))
    assert [rule.id for rule in found.rules[:3]] == [rule.id for rule in first_book().rules]


def test_import_into_the_same_book_changes_nothing() -> None:
    ids = {one.url: one.id for one in MONITORS}
    wish = wish_of(BOOK, {one.id: one.url for one in MONITORS})
    assert merged(BOOK, wish, ids) == BOOK
    reading = pingmon_file.read(exported())
    seen = preview(reading, [one.url for one in MONITORS], NOBODY, (), kept(BOOK))
    assert seen.alerts is None and seen.change.is_empty


def test_preview_says_what_would_come_and_what_it_lacks() -> None:
    reading = pingmon_file.read(exported())
    seen = preview(reading, (), NOBODY, (), None)
    assert seen.change.alerts is not None
    assert [note for note in seen.notes if "alert" in note.lower()] == [
        "The channel “Ops” is added, turned off: its address is in no export. Enter it under Alerts.",
        "The alert rule “Shops” is added.",
    ]
    louder = replace(BOOK.rules[0], after_ms=60_000)
    wish = AlertWish((louder,), tuple(BOOK.channels.values()))
    changed = preview(Reading(reading.kind, (), alerts=wish), (), NOBODY, (), kept(BOOK))
    assert changed.notes == ("The alert rule “Outages” is changed.",)
    assert preview(reading, (), NOBODY, (), None, with_settings=False).change.alerts is None


def test_rule_whose_domains_are_not_here_is_off_and_says_nothing_of_others() -> None:
    alone = replace(RULE, scope=Scope(is_all=False, monitors=frozenset((MonitorId(2),))))
    wish = AlertWish((alone,), tuple(BOOK.channels.values()), {alone.id: ("https://gone.example/",)})
    (_first, _second, _third, found) = merged(first_book(), wish, {}).rules
    assert not found.is_enabled


def test_alerts_that_cannot_be_read_are_left_out_with_a_sentence() -> None:
    document = json.loads(exported())
    document["alerts"] = {"rules": [{"id": 1}], "channels": [], "is_whole": True}
    reading = pingmon_file.read(json.dumps(document))
    assert reading.alerts is None and len(reading.items) == 2
    assert any(note.startswith("Alert rules and channels were left out.") for note in reading.notes)
    document["alerts"] = {**json.loads(exported())["alerts"], "is_whole": True}
    wish = pingmon_file.read(json.dumps(document)).alerts
    assert wish is not None and not wish.is_whole


def test_whole_wish_takes_the_place_of_everything() -> None:
    wish = AlertWish(first_book().rules, tuple(first_book().channels.values()), is_whole=True)
    back = merged(replace(BOOK, paused_until_ms=5), wish, {})
    assert back == replace(first_book(), paused_until_ms=5)
    assert AlertWish.from_json(wish.to_json()) == replace(wish, urls={rule.id: () for rule in wish.rules})
    assert ChannelId(1) == DESKTOP


FULL = replace(
    RULE,
    after_ms=90_000,
    slow=SlowCondition(SlowUnit.RESULTS, 3, 5),
    expiry_days=(21, 2),
    remind_ms=3_600_000,
    quiet=(QuietSpan(frozenset((0, 6)), 1320, 420),),
    quiet_end=QuietEnd.DROP,
    flapping=Flapping(5, 600_000, 300_000),
    cool_down_ms=60_000,
    is_enabled=False,
)


def test_declaration_of_what_is_there_changes_nothing() -> None:
    book = replace(BOOK, rules=(*first_book().rules, FULL))
    text = outlet.text_of(Configuration(MONITORS, book=book), Format.TOML, with_secrets=False)
    declared = declaration.read(text, NOBODY, {})
    found = difference(declared, MONITORS, NOBODY, kept(book), prune=True)
    assert found.steps == () and found.change.is_empty
    assert declared.alerts is not None
    assert merged(book, declared.alerts, {one.url: one.id for one in MONITORS}) == book


def test_declared_rules_are_steps_in_words() -> None:
    text = """
[[channel]]
name = "Ops"
kind = "webhook"
[[rule]]
name = "Shops"
tell_of = ["offline"]
channels = ["This desktop", "ops"]
domains = ["shop.example"]
"""
    declared = declaration.read(text, NOBODY, {})
    found = difference(declared, (), NOBODY, prune=False)
    assert [(step.action.value, step.subject) for step in found.steps] == [
        ("alert", "The channel “Ops” is added, turned off: its address is in no export. Enter it under Alerts."),
        ("alert", "The alert rule “Shops” is added."),
    ]
    assert found.change.alerts is not None
    shops = merged(first_book(), found.change.alerts, {"https://shop.example/": MonitorId(5)}).rules[-1]
    assert DESKTOP in shops.channels and len(shops.channels) == 2 and shops.scope.monitors == {5}


@pytest.mark.parametrize(
    ("lines", "key", "sentence"),
    [
        ('[[rule]]\nname = "x"\ntell_of = ["fire"]', "rule[1]", "cannot be read"),
        ('[[rule]]\nname = "x"\ntell_of = ["offline"]\nchannels = ["Opps"]', "rule[1]", "no channel “Opps”"),
        ('[[rule]]\nname = "x"\ntell_of = ["offline"]\nafter = 5', "rule[1]", "a length of time"),
        ('[[rule]]\nname = "x"\ntell_of = ["offline"]\nafer = "5s"', "rule[1].afer", "is not known"),
        ('[[rule]]\nname = "x"\ntell_of = ["offline"]\ndomains = ["ftp://x"]', "rule[1]", ""),
        ('[[rule]]\nname = "x"\ntell_of = "offline"', "rule[1]", "must be a list"),
        ('[rule]\nname = "x"', "rule", "[[rule]]"),
        ('[[channel]]\nname = "x"\nkind = "command"', "channel[1]", "kind is desktop, webhook, apprise"),
        ('[[channel]]\nname = "x"\nkind = "webhook"\nurl = "https://secret"', "channel[1].url", "is not known"),
        ('[[rule]]\nname = "x"\ntell_of = ["offline"]\nquiet = [{ days = ["someday"] }]', "rule[1]", "Quiet hours"),
        ('[[rule]]\nname = "x"\ntell_of = ["offline"]\nescalate = 5', "rule[1]", "in braces"),
    ],
)
def test_wrong_rule_is_told_with_its_place_and_changes_nothing(lines: str, key: str, sentence: str) -> None:
    with pytest.raises(DeclarationWrong) as caught:
        declaration.read(lines, NOBODY, {})
    (problem,) = caught.value.problems
    assert problem.key == key and sentence in problem.message and problem.line == 1
