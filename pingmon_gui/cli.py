"""The command line: its parser's top, the exit codes, and what happens to errors.

Exit codes: 0 = done, 1 = failed with a sentence on stderr, 2 = wrong usage. Nothing here imports Qt
unless the window is asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pingmon_gui import log
from pingmon_gui.console import output
from pingmon_gui.console.option import WrongUsage, reader, seconds
from pingmon_gui.data_folder import VARIABLE, default_data_dir
from pingmon_gui.display import require_display
from pingmon_gui.domain.error import DataFolderBusy, PingmonError, UserCancelled
from pingmon_gui.domain.metrics_access import parse_access

_log = logging.getLogger(__name__)

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--embedded-probe"]:
        # A packaged app is one executable: started so, it is the probe and nothing else.
        from pingmon_probe.command_line import main as probe_main

        return probe_main(words[1:])
    _make_streams_forgiving()
    try:
        code = _carry_out(words)
        # What cannot be written any more is found out here, not at the interpreter's end.
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return DONE
    except (KeyboardInterrupt, UserCancelled):
        output.say("Stopped.")
        return FAILED
    except Exception as exc:
        # The edge: a bug of ours ends in a sentence and, with --debug, in its traceback.
        return _unexpected(exc, "--debug" in words)
    finally:
        log.take_down()
    return code


def _carry_out(words: Sequence[str]) -> int:
    try:
        args = make_parser().parse_args(words)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else WRONG_USAGE
    if args.data_dir == "":
        # Most likely a variable of a script that is not set: what it means must not be guessed.
        output.say("--data-dir is empty: name a folder.")
        return WRONG_USAGE
    try:
        args.data_dir = Path(args.data_dir).expanduser().absolute() if args.data_dir else default_data_dir()
    except RuntimeError:  # ~somebody who is not there
        output.say("The data folder begins with the home of a user who is not known here.")
        return WRONG_USAGE
    if args.debug and args.run is not _run_window:
        log.set_up(None, debug=True, on_stderr=True)
    try:
        code: int = args.run(args)
    except WrongUsage as exc:
        output.complain(exc)
        return WRONG_USAGE
    except PingmonError as exc:
        if args.debug:
            _log.debug("failed", exc_info=True)
        output.complain(exc)
        return FAILED
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong without echoing secrets or control characters that were typed."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        output.say(f"{self.prog}: {message}")
        raise SystemExit(WRONG_USAGE)


class _ShowVersion(argparse.Action):
    """Looks the versions up when it is asked for them: no other command has to wait for that."""

    def __init__(self, option_strings: Sequence[str], dest: str, **rest: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **rest)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from pingmon_gui.version import version_line

        print(version_line())
        parser.exit(DONE)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; the man page and the guide are made from it too."""
    from pingmon_gui.console import (
        alert,
        backup,
        check,
        domain,
        history,
        incident,
        maintenance,
        probe,
        report,
        status,
        transfer,
    )

    shared: dict[str, object] = {"data_dir": argparse.SUPPRESS, "json": argparse.SUPPRESS, "debug": argparse.SUPPRESS}
    common = argparse.ArgumentParser(add_help=False)
    _add_common(common, shared)
    parser = _Parser(
        prog="pingmon",
        allow_abbrev=False,
        description="Watch websites from the places that matter to you. Without a command the window is opened.",
        epilog="Exit codes: 0 = done, 1 = failed with a sentence on stderr, 2 = wrong usage. "
        "“pingmon COMMAND --help” tells more about a command.",
    )
    _add_common(parser, {"data_dir": None, "json": False, "debug": False})
    parser.add_argument("--version", action=_ShowVersion, help="say which Pingmon this is and stop")
    parser.add_argument("--minimized", action="store_true", help="start the window in the system tray")
    parser.add_argument("--kiosk", action="store_true", help="show the world map on the whole screen, for a wall")
    parser.set_defaults(run=_run_window)
    commands: Any = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    run = commands.add_parser(
        "run",
        parents=[common],
        help="the whole engine without a window, until Ctrl-C",
        description="Watch everything without a window, until Ctrl-C or SIGTERM. The store is the window's: it shows "
        "the history later. Changes are told on stderr.",
    )
    run.add_argument(
        "--for", dest="duration_s", type=reader(seconds), metavar="TIME", help="stop by itself after so long: 60, 5m"
    )
    run.add_argument(
        "--metrics",
        type=reader(parse_access),
        metavar="[ADDR:]PORT",
        help="answer Prometheus at /metrics whatever the preferences say: 18649; on an address that is not this "
        "computer's own, only who shows the token in the file metrics-token of the data folder",
    )
    run.set_defaults(run=_run_engine)
    for module in (
        check,
        domain,
        status,
        history,
        incident,
        maintenance,
        alert,
        report,
        probe,
        transfer,
        backup,
    ):
        module.add_parser(commands, common)
    return parser


def _add_common(parser: argparse.ArgumentParser, defaults: dict[str, object]) -> None:
    group = parser.add_argument_group("everywhere")
    group.add_argument(
        "--data-dir",
        default=defaults["data_dir"],
        metavar="DIR",
        help=f"where everything is kept (or {VARIABLE}; default: the system's folder for your data)",
    )
    group.add_argument(
        "--json", action="store_true", default=defaults["json"], help="one JSON document on stdout, nothing else there"
    )
    group.add_argument(
        "--debug", action="store_true", default=defaults["debug"], help="log everything, show tracebacks"
    )


def _run_engine(args: argparse.Namespace) -> int:
    # Imported late: the other commands need neither engine nor probes.
    from pingmon_gui.console import engine_run

    return engine_run.run(args)


def _run_window(args: argparse.Namespace) -> int:
    from pingmon_gui.console import access
    from pingmon_gui.ownership import Ownership, read_owner
    from pingmon_gui.qt_library import require_libraries

    if args.json:
        raise WrongUsage("--json needs a command: the window prints nothing.")
    try:
        ownership = Ownership.take(args.data_dir, "window")
    except DataFolderBusy:
        owner = read_owner(args.data_dir)
        if owner is None or owner.role != "window":
            raise
        if args.minimized:
            output.say(f"Pingmon is running already (process {owner.pid}).")
            return DONE
        access.ask_patiently(args.data_dir, {"command": "raise", "is_kiosk": args.kiosk})
        output.say(f"Pingmon is running already (process {owner.pid}): its window was raised.")
        return DONE
    with ownership:
        require_display()
        require_libraries(is_shown=True)
        log.set_up(args.data_dir, debug=args.debug, on_stderr=args.debug)
        try:
            from pingmon_gui.ui.window_frame import open_frame

            # On the screen before the rest is imported.
            frame = open_frame(args.data_dir, minimized=args.minimized)
            from pingmon_gui.app import run_window
        except ImportError as exc:
            hint = "Install Pingmon anew, or “make env” where it runs from its sources."
            raise PingmonError(f"The window cannot be opened: {exc}.", hint) from exc
        return run_window(ownership, frame, minimized=args.minimized, kiosk=args.kiosk, debug=args.debug)


def _unexpected(exc: Exception, is_debug: bool) -> int:
    if is_debug:
        logging.getLogger().exception("unexpected error")
    name = type(exc).__name__
    output.say(f"Something went wrong that should not have ({name}: {exc}). Run it again with --debug to see more.")
    return FAILED


def _make_streams_forgiving() -> None:
    """Print what the terminal's encoding lacks as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Keep the interpreter from complaining about the broken pipe once more when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
