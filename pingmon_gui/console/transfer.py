"""The words of `pingmon import`, `export` and `apply`; what they do is imported when one of them is carried out."""

from __future__ import annotations

import argparse
from typing import Any

from pingmon_gui.exchange.kind import Format, Kind


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    take = commands.add_parser(
        "import",
        parents=[common],
        help="take over domains and settings from a file: ours, or another product's",
        description="Read a file of Pingmon, Uptime Kuma (backup or kuma.db), UptimeRobot (CSV), Gatus, Prometheus, "
        "any CSV with a column of addresses, or a list; show what would come of it, and do it all at once after a yes.",
        allow_abbrev=False,
    )
    add_source_options(take)
    take.add_argument("--yes", action="store_true", help="do not ask")
    take.add_argument("--dry-run", action="store_true", help="only show what would come of it")
    take.add_argument("--skip-wrong", action="store_true", help="leave lines out that cannot be read, take the others")
    take.add_argument(
        "--only-domains", action="store_true", help="leave settings, alerts and maintenance windows as they are"
    )
    take.set_defaults(run=_run_import)
    give = commands.add_parser(
        "export",
        parents=[common],
        help="write everything that is configured to one file",
        description="Write domains, settings, alert rules, channels, maintenance windows and the names of probes to "
        "one file. Passwords are left out unless asked for, keys of probes and addresses of channels always. History "
        "is not part of it.",
        allow_abbrev=False,
    )
    add_target_options(give)
    give.set_defaults(run=_run_export)
    apply = commands.add_parser(
        "apply",
        parents=[common],
        help="make what is watched as a pingmon.toml declares it",
        description="Compare a pingmon.toml with what is watched, show the difference, and after a yes carry it out as "
        "a whole. Applying the same file again changes nothing. “pingmon export pingmon.toml” writes one.",
        allow_abbrev=False,
    )
    apply.add_argument("file", metavar="FILE", help="- reads standard input")
    apply.add_argument("--yes", action="store_true", help="do not ask")
    apply.add_argument("--dry-run", action="store_true", help="only show the difference")
    apply.add_argument(
        "--prune",
        action="store_true",
        help="also remove what the file does not name: domains, and alert rules and repeated maintenance windows if it "
        "declares any",
    )
    apply.set_defaults(run=_run_apply)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="- reads standard input")
    parser.add_argument(
        "--from",
        dest="kind",
        choices=[kind.value for kind in Kind],
        metavar="KIND",
        help=f"whose file it is, where its content does not tell: {', '.join(Kind)}",
    )
    parser.add_argument(
        "--modules", metavar="FILE", help="the modules of blackbox_exporter, for a configuration of Prometheus"
    )


def add_target_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        help="- writes to standard output; “prometheus” is a folder with Prometheus' configuration and rules",
    )
    parser.add_argument(
        "--format",
        choices=[word.value for word in Format],
        help="json holds everything, toml is for “pingmon apply”; else by the file's name",
    )
    parser.add_argument(
        "--with-secrets",
        action="store_true",
        help="include user names and passwords: whoever reads the file has them",
    )


def _run_import(args: argparse.Namespace) -> int:
    from pingmon_gui.console import transfer_run

    return transfer_run.run_import(args)


def _run_export(args: argparse.Namespace) -> int:
    from pingmon_gui.console import transfer_run

    return transfer_run.run_export(args)


def _run_apply(args: argparse.Namespace) -> int:
    from pingmon_gui.console import apply

    return apply.run(args)
