"""`pingmon domain ...`: what is watched."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pingmon_probe.protocol import is_harmless, read_address

from pingmon_gui.console import access, output, transfer
from pingmon_gui.console.option import (
    WrongUsage,
    add_check_options,
    add_watch_options,
    fitted_from,
    name_option,
    settings_from,
)
from pingmon_gui.domain import family
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings, format_status_set, parse_tags
from pingmon_gui.domain.preference import Preferences, new_monitor_settings
from pingmon_gui.domain.registration import DAY_MS, Registration, registered_name
from pingmon_gui.domain.target import PastedLine, display_url, parse_pasted, parse_target
from pingmon_gui.log import one_line, without_secrets
from pingmon_gui.request import draft_json, monitor_json

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    domain = commands.add_parser(
        "domain", parents=[common], help="what is watched", description="Add, show and change what is watched."
    )
    group = domain.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = group.add_parser(
            name, parents=[common], help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
        )
        parser.set_defaults(run=run)
        return parser

    add = command("add", run_add, "watch one or several domains")
    add.add_argument(
        "urls",
        nargs="+",
        metavar="URL",
        help="with or without https://, or tcp://HOST:PORT, tls://HOST, dns://NAME?type=MX, icmp://HOST; "
        "- reads a list, one a line, name behind it",
    )
    name_option(add)
    add_watch_options(add)
    add_check_options(add)
    add.add_argument("--dry-run", action="store_true", help="only say what would be added")
    command("list", run_list, "list what is watched")
    one = "its address, name or id"
    command("show", run_show, "show one domain with all its settings").add_argument(
        "domain", metavar="DOMAIN", help=one
    )
    for name, run, text in (
        ("remove", run_remove, "stop watching domains and forget their history"),
        ("pause", run_pause, "stop measuring domains for now"),
        ("resume", run_resume, "measure paused domains again"),
    ):
        parser = command(name, run, text)
        parser.add_argument("domains", nargs="+", metavar="DOMAIN", help=one)
    file = command("import", run_import, "add the domains of a file at once (“pingmon import” shows first and asks)")
    transfer.add_source_options(file)
    file.add_argument("--dry-run", action="store_true", help="only say what would be added")
    transfer.add_target_options(command("export", run_export, "write all domains with their settings to a file"))


@dataclass
class _Intake:
    """What came in and what became of it; `errors` have a line number where the input had lines."""

    drafts: list[MonitorDraft] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)

    def refuse(self, text: str, cause: InvalidInput, line: int | None = None) -> None:
        message = cause.message if cause.hint is None else f"{cause.message} {cause.hint}"
        self.errors.append({"line": line, "text": without_secrets(text), "message": without_secrets(message)})


def run_add(args: argparse.Namespace) -> int:
    if args.name is not None and (len(args.urls) > 1 or args.urls == ["-"]):
        raise WrongUsage("--name goes with a single URL.")
    if args.urls.count("-") > 1:
        raise WrongUsage("Standard input can be read only once.")
    known, preferences = _configuration(args)
    base = settings_from(args, new_monitor_settings(preferences), None)
    tags = parse_tags(",".join(args.tag or ()))
    regions = tuple(dict.fromkeys(args.region)) if args.region else None
    intake = _Intake()
    seen = {monitor.url for monitor in known}

    def accept(url: str, name: str, basic_auth: str | None) -> None:
        if url in seen:
            intake.duplicates.append(url)
            return
        seen.add(url)
        settings = fitted_from(args, base if basic_auth is None else replace(base, basic_auth=basic_auth), url)
        intake.drafts.append(MonitorDraft(url, name, settings, tags, regions))

    for text in args.urls:
        if text == "-":
            for line in parse_pasted(_typed_text(), ()):
                _accept_line(line, accept, intake)
            continue
        try:
            target = parse_target(text)
        except InvalidInput as exc:
            intake.refuse(text, exc)
        else:
            accept(target.url, args.name or "", target.basic_auth)
    return _add(args, intake)


def _accept_line(line: PastedLine, accept: Callable[[str, str, str | None], None], intake: _Intake) -> None:
    if line.target is None:
        intake.refuse(line.text, InvalidInput(line.error or "The line cannot be read."), line.number)
    else:
        accept(line.target.url, line.name, line.target.basic_auth)


def run_import(args: argparse.Namespace) -> int:
    """Add the domains of a file at once; `pingmon import` shows first and asks."""
    from pingmon_gui.console import transfer_run
    from pingmon_gui.exchange.preview import Fate

    seen = transfer_run.seen(args, with_settings=False)
    intake = _Intake(
        list(seen.drafts),
        [row.item.draft.url for row in seen.rows if row.fate in (Fate.EXISTS, Fate.TWICE) and row.item.draft],
    )
    for row in seen.rows:
        if row.fate is Fate.WRONG:
            intake.refuse(row.item.text, InvalidInput(row.item.reason), row.item.line)
        elif row.fate is Fate.LEFT_OUT:
            output.say(f"{row.item.text}: left out. {row.item.reason}")
        elif row.fate is Fate.ADD:
            for note in row.notes:
                output.say(f"{row.item.text}: {note}")
    for note in seen.notes:
        output.say(note)
    return _add(args, intake)


def _add(args: argparse.Namespace, intake: _Intake) -> int:
    added: list[Json] = []
    if intake.drafts and not args.dry_run:

        async def alone(store: Store) -> Json:
            return {"monitors": [monitor_json(monitor) for monitor in await store.add_monitors(intake.drafts)]}

        request = {"command": "domain.add", "drafts": [draft_json(draft) for draft in intake.drafts]}
        added = access.carry_out(args.data_dir, request, alone)["monitors"]
    elif args.dry_run:
        added = [_preview(draft) for draft in intake.drafts]
    for error in intake.errors:
        place = f"line {error['line']}" if error["line"] else error["text"]
        output.say(f"{place}: {error['message']}")
    for url in intake.duplicates:
        output.say(f"{display_url(url)}: is there already, left out")
    if args.json:
        output.write_json({"added": added, "duplicates": intake.duplicates, "errors": intake.errors})
    else:
        verb = "would be added" if args.dry_run else "added"
        for monitor in added:
            name = f"  {monitor['name']}" if monitor["name"] else ""
            output.write(one_line(f"{verb}: {display_url(monitor['url'])}{name}"))
    return 1 if intake.errors else 0


def _preview(draft: MonitorDraft) -> Json:
    return draft_json(replace(draft, settings=draft.settings.without_secrets()))


def run_list(args: argparse.Namespace) -> int:
    monitors = access.monitors(args.data_dir)
    if args.json:
        output.write_json({"domains": [_shown(monitor) for monitor in monitors]})
    elif not monitors:
        output.say("Nothing is watched yet. Add your first domain: pingmon domain add example.com")
    else:
        output.write_table(
            ("DOMAIN", "NAME", "EVERY", "STATE", "TAGS"),
            (
                (
                    display_url(monitor.url),
                    monitor.name,
                    output.duration(monitor.settings.interval_ms),
                    "paused" if monitor.is_paused else "watched",
                    ", ".join(monitor.tags),
                )
                for monitor in monitors
            ),
        )
    return 0


def run_show(args: argparse.Namespace) -> int:
    monitor = access.find(access.monitors(args.data_dir), args.domain)
    name, known = _registration(args, monitor)
    if args.json:
        registration = None if known is None else {**known.to_json(), "registry": known.registry}
        output.write_json({**_shown(monitor), "registered_name": name, "registration": registration})
        return 0
    settings, kind = monitor.settings, monitor.kind
    rule = "must be absent" if settings.keyword_absent else "must be there"
    facts = {
        "address": monitor.url,
        "kind": kind,
        "name": monitor.name,
        "id": str(monitor.id),
        "state": "paused" if monitor.is_paused else "watched",
        "every": output.duration(settings.interval_ms),
        "timeout": output.duration(settings.timeout_ms),
        "slow from": output.duration(settings.slow_ms),
        "statuses": format_status_set(settings.status_set) if kind == "http" else "",
        "pattern": f"{rule}: {settings.keyword}" if settings.keyword_is_pattern else "",
        "keyword": f"{rule}: {settings.keyword}" if settings.keyword and not settings.keyword_is_pattern else "",
        "certificate": ("ignored" if settings.ignore_certificate else "must be valid") if _has_tls(monitor) else "",
        "send": settings.send or "",
        "expect": settings.expect or "",
        "records": _records(settings) if kind == "dns" else "",
        "echoes": f"{settings.echo_count}, up to {settings.max_loss_percent} % may be lost" if kind == "icmp" else "",
        "family": family.label(settings.family),
        "method": settings.method if kind == "http" else "",
        "headers": ", ".join(name for name, _ in settings.headers),
        "redirects": "not followed" if settings.no_redirects else "",
        "json": "; ".join(settings.json_conditions),
        "answer headers": "; ".join(settings.header_conditions),
        "size": _size(settings),
        "log-in": _log_in(settings),
        "regions": "every one that has a probe" if monitor.regions is None else ", ".join(monitor.regions),
        "tags": ", ".join(monitor.tags),
        "since": output.local_time(monitor.created_at_ms),
        "registered": _registration_line(name, known),
    }
    for name, value in facts.items():
        if value:
            output.write(f"{name:<12}{one_line(value)}")
    return 0


def _registration(args: argparse.Namespace, monitor: Monitor) -> tuple[str | None, Registration | None]:
    """Return the name that a monitor's host is below, and what its registry said of it."""
    name = registered_name(monitor.url)

    async def query(store: Store) -> Registration | None:
        return (await store.registrations()).registrations.get(name or "")

    return name, access.read(args.data_dir, query, None)


def _registration_line(name: str | None, known: Registration | None) -> str:
    if name is None:
        return ""
    if known is None:
        return f"{name}: not asked for yet; its registry is asked once a day while an alert rule tells of registrations"
    if known.expires_at_ms is None:
        return f"{name}: " + (f"end not known. {known.problem}" if known.problem else "not asked for yet")
    days = (known.expires_at_ms - time.time_ns() // 1_000_000) // DAY_MS
    when = f"ends {output.local_time(known.expires_at_ms)} (in {days} days)"
    if days < 0:
        when = f"ended {output.local_time(known.expires_at_ms)} ({-days} days ago)"
    text = f"{name}: {when}, according to {known.registry}"
    text += f"; registrar: {known.registrar}" if known.registrar else ""
    return f"{text}. Since {output.local_time(known.answered_at_ms)}: {known.problem}" if known.problem else text


def _size(settings: MonitorSettings) -> str:
    bounds = [f"at least {settings.min_bytes:,} bytes"] if settings.min_bytes else []
    bounds += [] if settings.max_bytes is None else [f"at most {settings.max_bytes:,} bytes"]
    return ", ".join(bounds)


def _log_in(settings: MonitorSettings) -> str:
    if settings.basic_auth is not None:
        return "user name and password (not shown)"
    return "" if settings.bearer is None else "a token (not shown)"


def _has_tls(monitor: Monitor) -> bool:
    return monitor.url.startswith("https:") or (monitor.kind != "http" and read_address(monitor.url).is_tls)


def _records(settings: MonitorSettings) -> str:
    rule = {
        "any": "any of the type",
        "exact": "exactly these: ",
        "contains": "at least these: ",
        "none": "none of the type",
    }[settings.dns_match]
    return rule + ", ".join(settings.dns_answers)


def run_remove(args: argparse.Namespace) -> int:
    found = _found(args)
    ids = [monitor.id for monitor in found]

    async def alone(store: Store) -> Json:
        await store.delete_monitors(ids)
        return {"ids": ids}

    access.carry_out(args.data_dir, {"command": "domain.remove", "ids": ids}, alone)
    return _report(args, "removed", found)


def run_pause(args: argparse.Namespace) -> int:
    found = _found(args)
    _pause(args, [monitor.id for monitor in found], True)
    return _report(args, "paused", found)


def run_resume(args: argparse.Namespace) -> int:
    found = _found(args)
    _pause(args, [monitor.id for monitor in found], False)
    return _report(args, "resumed", found)


def _pause(args: argparse.Namespace, ids: Sequence[int], is_paused: bool) -> None:
    async def alone(store: Store) -> Json:
        chosen = [monitor for monitor in store.configuration().monitors if monitor.id in ids]
        await store.change_monitors([replace(monitor, is_paused=is_paused) for monitor in chosen])
        return {"ids": [monitor.id for monitor in chosen]}

    command = "domain.pause" if is_paused else "domain.resume"
    access.carry_out(args.data_dir, {"command": command, "ids": list(ids)}, alone)


def run_export(args: argparse.Namespace) -> int:
    from pingmon_gui.console import transfer_run
    from pingmon_gui.exchange.configuration import Configuration

    return transfer_run.write(args, Configuration(access.monitors(args.data_dir)))


def _found(args: argparse.Namespace) -> list[Monitor]:
    known = access.monitors(args.data_dir)
    return list({monitor.id: monitor for monitor in (access.find(known, text) for text in args.domains)}.values())


def _report(args: argparse.Namespace, verb: str, monitors: Sequence[Monitor]) -> int:
    if args.json:
        output.write_json({verb: [monitor.url for monitor in monitors]})
    else:
        for monitor in monitors:
            output.write(one_line(f"{verb}: {monitor.title}"))
    return 0


def _shown(monitor: Monitor) -> Json:
    """Return a monitor's JSON with every setting; of a log-in only whether there is one."""
    document = monitor_json(monitor)
    from pingmon_gui.exchange.pingmon_file import plain_settings

    settings = plain_settings(monitor.settings.without_secrets())
    for name in ("basic_auth", "bearer"):
        settings[name] = "***" if getattr(monitor.settings, name) is not None else None
    settings["headers"] = [[name, value if is_harmless(name) else "***"] for name, value in monitor.settings.headers]
    return {**document, "settings": settings}


def _configuration(args: argparse.Namespace) -> tuple[list[Monitor], Preferences]:
    async def query(store: Store) -> tuple[list[Monitor], Preferences]:
        configuration = store.configuration()
        return list(configuration.monitors), configuration.preferences

    nothing: tuple[list[Monitor], Preferences] = ([], Preferences({}))
    return access.read(args.data_dir, query, nothing)


def _typed_text() -> str:
    from pingmon_gui.console import transfer_run

    return transfer_run.typed_text()
