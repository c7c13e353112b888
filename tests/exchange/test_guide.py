"""What the guide shows of a `pingmon.toml` is true: every example is read, and means what stands beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pingmon_gui.domain.alert_rule import first_book
from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.exchange import declaration
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.declaration import DeclarationWrong
from pingmon_gui.exchange.declared_channel import CHANNEL_FIELDS
from pingmon_gui.exchange.declared_monitor import SHARED_FIELDS, monitor_fields
from pingmon_gui.exchange.declared_rule import rule_fields
from pingmon_gui.exchange.difference import difference

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "import-export.md").read_text(encoding="utf-8")
EXAMPLE = "\n".join(re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL))
THERE = Configuration((), book=first_book())


def changed(text: str) -> ConfigurationChange:
    declared = declaration.read(text, THERE, {"SHOP_LOGIN": "anna:secret", "API_TOKEN": "t0ken"})
    return difference(declared, THERE, prune=False).change


def test_example_of_the_guide_can_be_applied() -> None:
    change = changed(EXAMPLE)
    assert [draft.url for draft in change.added] == [
        "https://shop.example/health", "https://api.shop.example/query", "tcp://mail.shop.example:25", "dns://shop.example?type=MX&server=9.9.9.9",
        "icmp://shop.example", "tls://mail.shop.example?starttls=smtp",
    ]  # fmt: skip
    assert [channel.name for channel in change.alerts.channels] == ["Ops"]
    assert [wish.rule.name for wish in change.alerts.rules] == ["Shops"]


def test_guide_names_every_key() -> None:
    for fields in (monitor_fields({}), CHANNEL_FIELDS, rule_fields({})):
        assert [key for key in fields if not re.search(rf"\b{key}\b", GUIDE)] == []
    shared = re.search(r"In `\[defaults\]` may\s+stand `([^`]*)`", GUIDE)
    assert shared is not None
    assert shared[1].split(", ") == list(SHARED_FIELDS)


def test_wrong_word_in_the_example_is_named_with_its_line() -> None:
    number = EXAMPLE.splitlines().index('remind = "1h"') + 1
    with pytest.raises(DeclarationWrong) as caught:
        changed(EXAMPLE.replace('remind = "1h"', 'remid = "1h"'))
    [problem] = caught.value.problems
    assert (problem.line, problem.key, "Is “remind” meant?" in problem.message) == (number, "rule[1].remid", True)
