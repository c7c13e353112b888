"""Asking on the terminal before something is done that is not undone at once."""

from __future__ import annotations

import argparse
import sys

from pingmon_gui.console.option import WrongUsage
from pingmon_gui.domain.error import UserCancelled


def confirmed(
    args: argparse.Namespace, question: str, hint: str = "--yes does it without asking, --dry-run only shows it."
) -> bool:
    """Ask on the terminal. Raises UserCancelled for anything but a yes, WrongUsage without terminal and `--yes`."""
    if args.yes:
        return True
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUsage("There is no terminal to ask on.", hint)
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UserCancelled
    return True
