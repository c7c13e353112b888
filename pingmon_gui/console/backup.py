"""The words of `pingmon backup`, `restore` and `repair`; what they do is imported when one of them is carried out."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    give = commands.add_parser(
        "backup",
        parents=[common],
        help="copy the whole database to a file, also while Pingmon runs",
        description="Copy domains, settings, history and incidents to one file, also while Pingmon runs, and check "
        "what was written. User names and passwords of domains are in it; tokens and keys of probes are not. A backup "
        "that is there already is replaced; a file that is none is left alone.",
        allow_abbrev=False,
    )
    give.add_argument("target", nargs="?", metavar="FILE", help="a file, or a folder for one with the date in its name")
    give.add_argument(
        "--list", action="store_true", help="list the databases that were set aside beside the present one"
    )
    give.set_defaults(run=_run_backup)
    take = commands.add_parser(
        "restore",
        parents=[common],
        help="put a backup in place of the present database",
        description="Check a backup to its last row, say what is in it, and after a yes put it in place of the present "
        "database, which is kept beside it. A Pingmon that runs does it itself and goes on with the backup.",
        allow_abbrev=False,
    )
    take.add_argument("file", metavar="FILE")
    take.add_argument("--yes", action="store_true", help="do not ask")
    take.set_defaults(run=_run_restore)
    mend = commands.add_parser(
        "repair",
        parents=[common],
        help="save what can be read of a damaged database",
        description="Read the database to its last row. If it is damaged, save what can be read into a new one, say "
        "what was saved and what was lost, and keep the damaged file. One that is whole is left as it is.",
        allow_abbrev=False,
    )
    mend.set_defaults(run=_run_repair)


def _run_backup(args: argparse.Namespace) -> int:
    from pingmon_gui.console import backup_run

    return backup_run.run_backup(args)


def _run_restore(args: argparse.Namespace) -> int:
    from pingmon_gui.console import backup_run

    return backup_run.run_restore(args)


def _run_repair(args: argparse.Namespace) -> int:
    from pingmon_gui.console import backup_run

    return backup_run.run_repair(args)
