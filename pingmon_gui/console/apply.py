"""`pingmon apply`: shows how a `pingmon.toml` differs from what is watched, then carries it out. Imported late."""

from __future__ import annotations

import argparse
import os
from typing import Any

from pingmon_gui.console import output, transfer_run
from pingmon_gui.console.confirm import confirmed
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.target import display_url
from pingmon_gui.exchange import declaration
from pingmon_gui.exchange.declaration import DeclarationWrong
from pingmon_gui.exchange.difference import Action, Difference, Step, difference
from pingmon_gui.log import one_line, without_secrets

Json = dict[str, Any]
_SIGNS = {Action.ADD: "+", Action.CHANGE: "~", Action.REMOVE: "-", Action.SETTING: "~", Action.ALERT: "~"}


def run(args: argparse.Namespace) -> int:
    known = transfer_run.configured(args)
    try:
        declared = declaration.read(transfer_run.read_text(args.file), known.preferences, os.environ)
    except DeclarationWrong as exc:
        return _complain(args, exc)
    found = difference(declared, known.monitors, known.preferences, known.wish, prune=args.prune)
    if args.json:
        done = None
        if found.steps and not args.dry_run and confirmed(args, _question(found)):
            done = transfer_run.carry_out(args, found.change)
        output.write_json({**_json(found), "applied": done})
        return 0
    for step in found.steps:
        _show(step)
    if found.unlisted:
        listed = "1 domain is" if len(found.unlisted) == 1 else f"{len(found.unlisted)} domains are"
        output.say(f"{listed} not named in the file and stay; --prune removes them.")
    if not found.steps:
        output.say("Nothing to change.")
    elif not args.dry_run and confirmed(args, _question(found)):
        transfer_run.carry_out(args, found.change)
        output.say(f"Done: {_summary(found)}.")
    return 0


def _complain(args: argparse.Namespace, wrong: DeclarationWrong) -> int:
    """Name every error with its place; raises InvalidInput with the summary."""
    if args.json:
        errors = [
            {"line": p.line, "key": without_secrets(p.key), "message": without_secrets(p.message)}
            for p in wrong.problems
        ]
        output.write_json({"errors": errors, "applied": None})
    for problem in wrong.problems:
        place = f"line {problem.line}" if problem.line else args.file
        output.say(": ".join(part for part in (place, problem.key, problem.message) if part))
    raise InvalidInput(wrong.message)


def _show(step: Step) -> None:
    sign = _SIGNS[step.action]
    if step.action is Action.SETTING:
        [field] = step.fields
        output.write(one_line(f"{sign} setting {step.subject}: {field.before} becomes {field.after}"))
        return
    if step.action is Action.ALERT:
        output.write(one_line(f"{sign} {step.subject}"))
        return
    name = f"  {step.name}" if step.name else ""
    output.write(one_line(f"{sign} {display_url(step.subject)}{name}"))
    for field in step.fields:
        output.write(one_line(f"    {field.field}: {field.before or '(none)'} becomes {field.after or '(none)'}"))


def _summary(found: Difference) -> str:
    counts = {action: sum(step.action is action for step in found.steps) for action in Action}
    words = {
        Action.ADD: "added",
        Action.CHANGE: "changed",
        Action.REMOVE: "removed",
        Action.SETTING: "settings changed",
        Action.ALERT: "about alerts",
    }
    return ", ".join(f"{counts[action]} {word}" for action, word in words.items() if counts[action])


def _question(found: Difference) -> str:
    counts = {action: sum(step.action is action for step in found.steps) for action in Action}
    words = {
        Action.ADD: "add",
        Action.CHANGE: "change",
        Action.REMOVE: "remove",
        Action.SETTING: "set",
        Action.ALERT: "about alerts",
    }
    asked = ", ".join(f"{word} {counts[action]}" for action, word in words.items() if counts[action])
    return f"{asked[0].upper()}{asked[1:]}?"


def _json(found: Difference) -> Json:
    return {
        "steps": [
            {
                "action": step.action.value,
                "subject": step.subject,
                "name": step.name,
                "fields": [{"field": f.field, "before": f.before, "after": f.after} for f in step.fields],
            }
            for step in found.steps
        ],
        "unlisted": list(found.unlisted),
    }
