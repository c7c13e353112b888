"""`pingmon apply`: shows how a `pingmon.toml` differs from what is watched, then carries it out. Imported late."""

from __future__ import annotations

import argparse
import os
from typing import Any

from pingmon_gui.console import output, transfer_run
from pingmon_gui.console.confirm import confirmed
from pingmon_gui.console.step_output import counted, show, step_json
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.exchange import declaration
from pingmon_gui.exchange.declaration import DeclarationWrong
from pingmon_gui.exchange.difference import Difference, difference
from pingmon_gui.exchange.step import Action
from pingmon_gui.log import without_secrets

Json = dict[str, Any]
_ASKED = {Action.ADD: "add %s", Action.CHANGE: "change %s", Action.REMOVE: "remove %s", Action.SETTING: "set %s"}
_DONE = {
    Action.ADD: "%s added",
    Action.CHANGE: "%s changed",
    Action.REMOVE: "%s removed",
    Action.SETTING: "%s changed",
}


def run(args: argparse.Namespace) -> int:
    known = transfer_run.configured(args)
    try:
        declared = declaration.read(transfer_run.read_text(args.file), known, os.environ)
    except DeclarationWrong as exc:
        return _complain(args, exc)
    found = difference(declared, known, prune=args.prune)
    if args.json:
        done = None
        if found.steps and not args.dry_run and confirmed(args, _question(found)):
            done = transfer_run.carry_out(args, found.change)
        output.write_json({**_json(found), "applied": done})
        return 0
    for step in found.steps:
        show(step)
    for note in found.notes:
        output.say(note)
    _say_unlisted(len(found.unlisted), "domain")
    _say_unlisted(len(found.unlisted_rules), "alert rule")
    _say_unlisted(len(found.unlisted_windows), "repeated maintenance window")
    if not found.steps:
        output.say("Nothing to change.")
    elif not args.dry_run and confirmed(args, _question(found)):
        transfer_run.carry_out(args, found.change)
        output.say(f"Done: {counted(found.steps, _DONE)}.")
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


def _say_unlisted(count: int, noun: str) -> None:
    if count:
        listed = f"1 {noun} is" if count == 1 else f"{count} {noun}s are"
        output.say(f"{listed} not named in the file and stay{'s' if count == 1 else ''}; --prune removes them.")


def _question(found: Difference) -> str:
    asked = counted(found.steps, _ASKED)
    return f"{asked[0].upper()}{asked[1:]}?"


def _json(found: Difference) -> Json:
    return {
        "steps": [step_json(step) for step in found.steps],
        "unlisted": list(found.unlisted),
        "unlisted_rules": list(found.unlisted_rules),
        "unlisted_windows": list(found.unlisted_windows),
        "notes": list(found.notes),
    }
