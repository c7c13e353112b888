"""`pingmon maintenance`: windows in which domains are measured but nothing counts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access, output
from pingmon_gui.console.option import DURATION, WrongUsage, duration_ms, reader
from pingmon_gui.console.span import time_ms
from pingmon_gui.domain import time_zone
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.maintenance import (
    Cron,
    MaintenanceChange,
    MaintenanceDraft,
    MaintenanceWindow,
    Once,
    Schedule,
    Weekly,
    checked,
    next_spans,
    outlook,
    parse_expression,
    parse_weekdays,
    parse_window_name,
    without_what_is_on,
)
from pingmon_gui.domain.monitor import Monitor, MonitorId, parse_tags
from pingmon_gui.domain.quiet_hours import WEEKDAYS, clock_minute, next_morning_ms
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.request import window_change_json, window_from_json, window_json

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_Configured = tuple[Sequence[MaintenanceWindow], Mapping[MonitorId, Monitor]]
_SHOWN = 3
_TOMORROW = "tomorrow"


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "maintenance",
        parents=[common],
        help="windows in which nothing counts",
        description="Show, add and remove maintenance windows: domains in one are measured, but what is measured "
        "counts neither as available nor as offline, and no incident opens.",
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=type(parser))
    listing = actions.add_parser("list", parents=[common], help="all windows, what is on first")
    listing.set_defaults(run=run_list)
    add = actions.add_parser(
        "add",
        parents=[common],
        help="add a window",
        description="Add a window for all domains, or for some. It is on at once with --for alone, once with --from, "
        "every week with --weekly and --at, or by a cron expression. It says nothing of the past.",
        allow_abbrev=False,
    )
    _add_options(add)
    remove = actions.add_parser("remove", parents=[common], help="remove windows; what is on ends now")
    end = actions.add_parser("end", parents=[common], help="end what is on now; a window that is repeated comes again")
    for action, run in ((remove, run_remove), (end, run_end)):
        action.add_argument("windows", nargs="+", metavar="WINDOW", help="its name, or its number in the list")
        action.set_defaults(run=run)


def _add_options(add: argparse.ArgumentParser) -> None:
    add.add_argument("name", metavar="NAME", type=reader(parse_window_name), help="what to call it")
    add.add_argument("--domain", action="append", metavar="URL", help="only this domain; may be repeated")
    add.add_argument("--tag", type=reader(parse_tags), action="extend", metavar="TAG", help="domains with this tag")
    when = add.add_argument_group("when")
    when.add_argument("--for", dest="length_ms", type=reader(duration_ms), metavar="TIME", help="how long: 90m, 2h, 1d")
    when.add_argument("--from", dest="start", metavar="TIME", help="once: now, 2026-12-01T22:00, or with a zone")
    when.add_argument("--to", dest="end", metavar="TIME", help=f"its end instead of --for, or “{_TOMORROW}”")
    when.add_argument("--weekly", metavar="DAYS", help=f"days of every week: {','.join(WEEKDAYS[:3])}")
    when.add_argument("--at", type=reader(clock_minute), metavar="TIME", help="when it begins on these days: 22:00")
    when.add_argument("--cron", type=reader(parse_expression), metavar="EXPRESSION", help="when it begins: '0 3 * * 1'")
    when.add_argument("--zone", metavar="NAME", help="time zone of --weekly and --cron (default: this computer's)")
    add.add_argument("--dry-run", action="store_true", help="only say when it would be on")
    add.set_defaults(run=run_add)


def run_list(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    windows, monitors = _configured(args)
    windows = sorted(windows, key=lambda window: outlook(window, now_ms).place)
    documents = [_document(window, monitors, now_ms) for window in windows]
    if args.json:
        output.write_json({"windows": documents})
    elif not documents:
        output.say(
            "There are no maintenance windows. Add one: pingmon maintenance add Backup --weekly sun --at 3:00 --for 1h"
        )
    else:
        output.write_table(
            ("ID", "NAME", "WHEN", "DOMAINS", "STATE"),
            (
                (str(one["id"]), one["name"], one["words"], _scope_words(one["scope"]), _state_words(one))
                for one in documents
            ),
        )
    return 0


def run_add(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    known = access.monitors(args.data_dir)
    chosen = frozenset(access.find(known, text).id for text in args.domain or ())
    tags = frozenset(args.tag or ())
    scope = Scope(False, tags, chosen) if tags or chosen else EVERYTHING
    try:
        schedule = _schedule(args, now_ms)
        draft = checked(MaintenanceDraft(args.name, schedule, scope), now_ms)
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc
    added: Json | None = None
    if not args.dry_run:
        before = {window.id for window in _configured(args)[0]}
        windows = _change(args, MaintenanceChange(added=(draft,)))
        window = next(window for window in windows if window.id not in before)
        added = _document(window, {monitor.id: monitor for monitor in known}, now_ms)
    spans = next_spans(schedule, now_ms - schedule.length_ms + 1, _SHOWN)
    if args.json:
        coming = [{"start_at_ms": span.start_ms, "end_at_ms": span.end_ms} for span in spans]
        output.write_json({"added": added, "next": coming})
        return 0
    output.write_lines([f"{'would be added' if args.dry_run else 'added'}: {draft.name}, {schedule_words(schedule)}"])
    if not isinstance(schedule, Once):
        output.write_lines(
            f"  {output.local_time(span.start_ms)} to {output.local_time(span.end_ms)}" for span in spans
        )
    return 0


def run_remove(args: argparse.Namespace) -> int:
    found = _found(args)
    _change(args, MaintenanceChange(ended=tuple(window.id for window in found)))
    return _report(args, "removed", found)


def run_end(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    found = _found(args)
    for window in found:
        change = without_what_is_on(window, now_ms)
        if change is None:
            raise InvalidInput(f"“{window.name}” is not on just now.")
        _change(args, change)
    return _report(args, "ended", found)


def _schedule(args: argparse.Namespace, now_ms: int) -> Schedule:
    """Return when it is on, as the options say. Raises InvalidInput, WrongUsage."""
    is_repeated = args.weekly is not None or args.cron is not None
    if args.weekly is not None and args.cron is not None:
        raise WrongUsage("--weekly and --cron are two ways to say when: use one of them.")
    if is_repeated and (args.start is not None or args.end is not None):
        raise WrongUsage("--from and --to say when it is once: with --weekly or --cron use --for.")
    if (args.weekly is None) != (args.at is None):
        raise WrongUsage("--weekly needs --at, the time of day at which it begins, and the other way round.")
    if args.zone is not None and not is_repeated:
        raise WrongUsage("--zone goes with --weekly or --cron; a time of --from may name its own.")
    if args.length_ms is None and (is_repeated or args.end is None):
        raise WrongUsage("How long it is to be is missing: --for 2h.")
    if args.length_ms is not None and args.end is not None:
        raise WrongUsage("--for and --to both say when it ends: use one of them.")
    if not is_repeated:
        start_ms = now_ms if args.start is None else _moment(args.start, now_ms)
        return Once(start_ms, start_ms + args.length_ms if args.end is None else _moment(args.end, now_ms))
    zone = args.zone or time_zone.local_zone_name()
    if args.cron is not None:
        return Cron(args.cron, args.length_ms, zone)
    return Weekly(parse_weekdays(args.weekly.split(",")), args.at, args.length_ms, zone)


def _moment(text: str, now_ms: int) -> int:
    if text.strip().lower() == _TOMORROW:
        return next_morning_ms(now_ms)
    if DURATION.fullmatch(text.strip().lstrip("-").lower()):
        raise InvalidInput(f"“{text[:40]}” is no moment to come.", "Write a date and time, or how long by --for.")
    return time_ms(text, now_ms)


def _configured(args: argparse.Namespace) -> _Configured:
    """Return the windows that hold or are to come, and the domains by their ids."""

    async def query(store: Store) -> _Configured:
        kept = store.configuration()
        return kept.windows, {monitor.id: monitor for monitor in kept.monitors}

    nothing: _Configured = ((), {})
    return access.read(args.data_dir, query, nothing)


def _change(args: argparse.Namespace, change: MaintenanceChange) -> list[MaintenanceWindow]:
    """Have a change carried out by the owner of the data folder, or alone; return all windows that hold then."""

    async def alone(store: Store) -> Json:
        return {"windows": [window_json(window) for window in await store.change_windows(change, access.now_ms())]}

    request = {"command": "maintenance.change", "change": window_change_json(change)}
    answer = access.carry_out(args.data_dir, request, alone)
    return [window_from_json(window) for window in answer["windows"]]


def _found(args: argparse.Namespace) -> list[MaintenanceWindow]:
    windows, _monitors = _configured(args)
    return list({window.id: window for text in args.windows for window in [_find(windows, text)]}.values())


def _find(windows: Sequence[MaintenanceWindow], text: str) -> MaintenanceWindow:
    wanted = " ".join(text.split()).casefold()
    for matches in (
        [window for window in windows if window.name.casefold() == wanted],
        [window for window in windows if str(window.id) == wanted],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(str(window.id) for window in matches)
            raise InvalidInput(f"“{text[:80]}” is the name of {len(matches)} windows.", f"Say which by its id: {ids}.")
    raise InvalidInput(
        f"There is no maintenance window “{text[:80]}”.", "“pingmon maintenance list” shows what there is."
    )


def _report(args: argparse.Namespace, verb: str, windows: Sequence[MaintenanceWindow]) -> int:
    if args.json:
        output.write_json({verb: [{"id": window.id, "name": window.name} for window in windows]})
    else:
        output.write_lines(f"{verb}: {window.name}" for window in windows)
    return 0


def _document(window: MaintenanceWindow, monitors: Mapping[MonitorId, Monitor], now_ms: int) -> Json:
    """Return a window for people and scripts: its domains by their addresses, and when it is on next."""
    stands = outlook(window, now_ms)
    scope = window.scope
    return {
        "id": window.id,
        "name": window.name,
        "schedule": window_json(window)["schedule"],
        "words": schedule_words(window.schedule),
        "scope": {
            "all": scope.is_all,
            "tags": sorted(scope.tags),
            "domains": sorted(monitors[id_].url for id_ in scope.monitors if id_ in monitors),
        },
        "state": "over" if stands.is_over else "waiting" if stands.until_ms is None else "on",
        "until_at_ms": stands.until_ms,
        "next_start_at_ms": None if stands.coming is None else stands.coming.start_ms,
        "next_end_at_ms": None if stands.coming is None else stands.coming.end_ms,
    }


def schedule_words(schedule: Schedule) -> str:
    """Return when it is on, in words."""
    if isinstance(schedule, Once):
        return f"once, {output.local_time(schedule.start_ms)} to {output.local_time(schedule.end_ms)}"
    length = output.duration(schedule.length_ms)
    if isinstance(schedule, Cron):
        return f"cron {schedule.expression} for {length} ({schedule.zone})"
    days = "every day" if len(schedule.weekdays) == 7 else ", ".join(WEEKDAYS[day].title() for day in schedule.weekdays)
    return f"{days} at {schedule.clock} for {length} ({schedule.zone})"


def _scope_words(scope: Json) -> str:
    if scope["all"]:
        return "all"
    parts = [f"#{tag}" for tag in scope["tags"]]
    count = len(scope["domains"])
    if count or not parts:
        parts.append(f"{count} domain{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _state_words(document: Json) -> str:
    if document["state"] == "on":
        return f"on until {output.local_time(document['until_at_ms'])}"
    if document["state"] == "over":
        return "over"
    return f"next {output.local_time(document['next_start_at_ms'])}"
