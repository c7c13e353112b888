"""The steps of a difference on the terminal and in JSON: what an import or a `pingmon.toml` would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pingmon_gui.console import output
from pingmon_gui.domain.target import display_url
from pingmon_gui.exchange.step import Action, Step, What
from pingmon_gui.log import one_line, without_secrets

Json = dict[str, Any]
_SIGNS = {Action.ADD: "+", Action.CHANGE: "~", Action.REMOVE: "-", Action.SETTING: "~"}
#: A template of a webhook can be long.
_MOST_CHARACTERS = 200


def show(step: Step) -> None:
    """Write a step and its fields on lines of their own."""
    sign = _SIGNS[step.action]
    if step.action is Action.SETTING:
        [field] = step.fields
        output.write(one_line(f"{sign} setting {step.subject}: {field.before} becomes {field.after}"))
        return
    is_domain = step.what is What.DOMAIN
    name = f"  {step.name}" if step.name else ""
    output.write(one_line(f"{sign} {display_url(step.subject) if is_domain else f'{step.what} {step.subject}'}{name}"))
    for field in step.fields:
        before, after = (without_secrets(text or "(none)")[:_MOST_CHARACTERS] for text in (field.before, field.after))
        output.write(one_line(f"    {field.field}: {before} becomes {after}"))


def step_json(step: Step) -> Json:
    """Return a step for scripts."""
    return {
        "action": step.action.value,
        "what": step.what.value,
        "subject": step.subject,
        "name": step.name,
        "fields": [{"field": f.field, "before": f.before, "after": f.after} for f in step.fields],
    }


def counted(steps: Iterable[Step], words: Mapping[Action, str]) -> str:
    """Return how many steps there are of each action; a word is like `add %s` or `%s added`."""
    counts = Counter((step.action, step.what) for step in steps)
    parts = []
    for action, word in words.items():
        nouns = [f"{n} {what}{'' if n == 1 else 's'}" for what in What if (n := counts[action, what])]
        if nouns:
            parts.append(word.replace("%s", " and ".join(nouns)))
    return ", ".join(parts)
