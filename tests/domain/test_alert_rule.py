"""Rules and channels: limits said in sentences, and JSON that is read back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pingmon_gui.domain.alert_channel import Channel, ChannelId, ChannelKind, ChannelSecret
from pingmon_gui.domain.alert_rule import (
    AlertKind,
    AlertRule,
    Escalation,
    Flapping,
    QuietEnd,
    RuleId,
    SlowCondition,
    SlowUnit,
    first_rules,
)
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.quiet_hours import QuietSpan
from pingmon_gui.domain.scope import Scope

FULL = AlertRule(
    RuleId(77),
    "Shops",
    frozenset((AlertKind.OFFLINE, AlertKind.SLOW, AlertKind.CERTIFICATE)),
    (ChannelId(1), ChannelId(9)),
    Scope(False, frozenset(("shop",)), frozenset((MonitorId(5),))),
    after_ms=90_000,
    slow=SlowCondition(SlowUnit.RESULTS, 3, 5),
    expiry_days=(21, 2),
    remind_ms=3_600_000,
    quiet=(QuietSpan(frozenset((0, 6)), 1320, 420),),
    quiet_end=QuietEnd.DROP,
    escalation=Escalation(600_000, (ChannelId(9),)),
    flapping=Flapping(5, 600_000, 300_000),
    cool_down_ms=60_000,
    is_enabled=False,
)


@pytest.mark.parametrize("rule", [FULL, *first_rules()], ids=lambda rule: rule.name)
def test_rule_is_read_back_as_it_was(rule: AlertRule) -> None:
    assert AlertRule.from_json(rule.to_json()) == rule


def test_what_an_older_file_does_not_say_is_at_its_default() -> None:
    found = AlertRule.from_json({"id": 77, "name": "x", "kinds": ["offline"]})
    assert found == AlertRule(RuleId(77), "x", frozenset((AlertKind.OFFLINE,)))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "a\x07b"}, "needs a name"),
        ({"kinds": frozenset()}, "something to tell of"),
        ({"after_ms": -1}, "from 0 to 7 days"),
        ({"after_ms": 1.5}, "must be a number"),
        ({"remind_ms": 1_000}, "from 1 minute"),
        ({"expiry_days": ()}, "how many days ahead"),
        ({"expiry_days": (0,)}, "1 to 365"),
    ],
)
def test_rule_that_cannot_be_is_refused_with_a_sentence(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        replace(FULL, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        lambda: SlowCondition(SlowUnit.RESULTS, 3, 13),
        lambda: SlowCondition(SlowUnit.MINUTES, 6, 5),
        lambda: Flapping(1),
        lambda: Escalation(600_000, ()),
        lambda: Scope(False),
        lambda: Channel(ChannelId(5), ChannelKind.WEBHOOK, ""),
        lambda: Channel(ChannelId(5), ChannelKind.WEBHOOK, "x", gather_s=121),
        lambda: Channel(ChannelId(5), ChannelKind.WEBHOOK, "x", template="x" * 20_001),
        lambda: Channel(ChannelId(5), ChannelKind.WEBHOOK, "x", content_type="a\nb"),
        lambda: AlertRule.from_json({"id": 1}),
        lambda: AlertRule.from_json({"id": 1, "name": "x", "kinds": ["nothing"]}),
        lambda: AlertRule.from_json({"id": 1, "name": "x", "kinds": ["offline"], "flapping": {"often": 1}}),
        lambda: Channel.from_json({"id": 1, "kind": "command", "name": "x"}),
        lambda: ChannelSecret.from_json({}),
    ],
)
def test_what_cannot_be_read_or_does_not_fit_is_refused(make: object) -> None:
    with pytest.raises(InvalidInput):
        make()  # type: ignore[operator]


def test_channel_is_read_back_and_its_secret_is_shown_nowhere() -> None:
    channel = Channel(
        ChannelId(5), ChannelKind.WEBHOOK, "ops", "https://hooks.example", gather_s=0, template="{{title}}"
    )
    assert Channel.from_json(channel.to_json()) == channel
    secret = ChannelSecret("https://hooks.example/token", "key", {"Authorization": "Bearer abc"})
    assert ChannelSecret.from_json(secret.to_json()) == secret
    assert "token" not in f"{secret!r} {secret}" and "key" not in repr(secret)


def test_rule_without_a_channel_that_is_gone_keeps_the_others() -> None:
    assert FULL.without_channel(ChannelId(1)).channels == (ChannelId(9),)
    assert FULL.without_channel(ChannelId(9)).escalation is None
