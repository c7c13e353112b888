"""`pingmon incident`: what was offline, for whom and why; acknowledging it and writing a line about it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access, output
from pingmon_gui.console.span import add_span_options, span_ms
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.evidence_text import NOTHING_KEPT, text_of
from pingmon_gui.domain.failure_evidence import of_incident, time_of
from pingmon_gui.domain.family import label
from pingmon_gui.domain.incident import Incident, IncidentId, noted
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGION_NAMES, probe_place
from pingmon_gui.domain.status import Status

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_LAST = "last"
_GONE = "(a domain that was deleted)"


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "incident",
        parents=[common],
        help="what was offline, for whom and why",
        description="Show incidents: spans in which a domain was offline or had a regional problem. They begin with "
        "the first failing result and end with the first good one.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=type(parser))
    listing = actions.add_parser("list", parents=[common], help="incidents of a span of time, newest first")
    listing.add_argument("domain", nargs="?", metavar="URL", help="only of this domain: its address, name or id")
    add_span_options(listing, "7d")
    listing.add_argument("--open", action="store_true", help="only what lasts still")
    listing.set_defaults(run=run_list)
    show = actions.add_parser("show", parents=[common], help="everything about one incident")
    acknowledge = actions.add_parser("acknowledge", parents=[common], help="say that somebody looks after it")
    acknowledge.add_argument("--undo", action="store_true", help="take it back")
    note = actions.add_parser("note", parents=[common], help="write a line about it")
    for action, run in ((show, run_show), (acknowledge, run_acknowledge), (note, run_note)):
        action.add_argument("incident", metavar="ID", help=f"its number in the list, or “{_LAST}” for the newest")
        action.set_defaults(run=run)
    note.add_argument("text", metavar="TEXT")


def run_list(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    from_ms, to_ms = span_ms(args, now_ms)
    chosen = None
    if args.domain is not None:
        chosen = [access.find(access.monitors(args.data_dir), args.domain).id]

    async def query(store: Store) -> list[Json]:
        found = await store.incidents(from_ms, to_ms, chosen)
        return _documents(store, [one for one in found if one.is_open or not args.open])

    nothing: list[Json] = []
    documents = access.read(args.data_dir, query, nothing)
    if args.json:
        output.write_json({"from_ms": from_ms, "to_ms": to_ms, "incidents": documents})
    elif not documents:
        output.say("No incidents in that time.")
    else:
        output.write_table(
            ("ID", "BEGAN", "LASTED", "WHAT"),
            (
                (
                    str(one["id"]),
                    output.local_time(one["start_at_ms"]),
                    _lasted(one, now_ms),
                    ("withdrawn: " if one["is_withdrawn"] else "") + one["sentence"],
                )
                for one in documents
            ),
        )
    return 0


def run_show(args: argparse.Namespace) -> int:
    async def query(store: Store) -> Json:
        incident = await _find(store, args.incident)
        found = await store.failure_evidence(incident.monitor, *time_of(incident, access.now_ms()))
        probes = await store.all_probes()
        kept = [
            {"probe_name": probes[one.probe].name, "region": probes[one.probe].region.value, **one.to_json()}
            for one in of_incident(incident, found)
            if one.probe in probes
        ]
        return {**_documents(store, [incident])[0], "failure_evidence": kept}

    nothing: Json = {}
    document = access.read(args.data_dir, query, nothing)
    if not document:
        raise InvalidInput("There are no incidents yet.")
    if args.json:
        output.write_json(document)
        return 0
    output.write_lines([document["sentence"] + "."])
    if document["is_withdrawn"]:
        output.write_lines(["Withdrawn: results that arrived later show no problem."])
    output.write_lines(
        [
            f"Began      {output.local_time(document['start_at_ms'])}",
            f"Confirmed  {output.local_time(document['confirmed_at_ms'])}",
            f"Ended      {output.local_time(document['end_at_ms']) if document['end_at_ms'] else 'it lasts still'}",
            f"Lasted     {_lasted(document, access.now_ms())}",
        ]
    )
    if document["acknowledged_at_ms"]:
        output.write_lines([f"Looked after since {output.local_time(document['acknowledged_at_ms'])}"])
    for one in document["evidence"]:
        status = Status[one["status"].upper()].word
        what = one["message"] or output.latency(one["total_ms"])
        over = f" over {label(one['family'])}" if one["family"] else ""
        output.write_lines([f"  {_place(one)}: {status}{over}. {what}"])
    for note in document["notes"]:
        output.write_lines([f"  {output.local_time(note['at_ms'])}  {note['text']}"])
    _write_failure_evidence(document)
    return 0


def _write_failure_evidence(document: Json) -> None:
    """Print what probes kept of the first failure, and of which that failed there is nothing."""
    for one in document["failure_evidence"]:
        output.write_lines(["", f"Evidence of {_place(one)}, {output.local_time(one['at_ms'])}"])
        output.write_lines(f"  {line}" for line in text_of(one))
    kept = {one["probe"] for one in document["failure_evidence"]}
    for one in document["evidence"]:
        if one["failure"] is not None and one["probe"] not in kept:
            output.write_lines(["", f"Evidence of {_place(one)}: {NOTHING_KEPT}"])


def _place(one: Json) -> str:
    return probe_place(REGION_NAMES[one["region"]], one["probe_name"])


def run_acknowledge(args: argparse.Namespace) -> int:
    def change(incident: Incident) -> Incident:
        return replace(incident, acknowledged_at_ms=None if args.undo else access.now_ms())

    return _change(args, {"command": "incident.acknowledge", "is_acknowledged": not args.undo}, change)


def run_note(args: argparse.Namespace) -> int:
    def change(incident: Incident) -> Incident:
        return noted(incident, access.now_ms(), args.text)

    return _change(args, {"command": "incident.note", "text": args.text}, change)


def _change(args: argparse.Namespace, request: Json, change: Callable[[Incident], Incident]) -> int:
    nothing: Incident | None = None
    incident = access.read(args.data_dir, lambda store: _find(store, args.incident), nothing)
    if incident is None:
        raise InvalidInput("There are no incidents yet.")
    id_ = incident.id

    async def alone(store: Store) -> Json:
        changed = change(await _find(store, str(id_)))
        judged_until_ms = await store.judged_until_ms()
        await store.record([Judgement(changed.monitor, (), (changed,))], judged_until_ms or changed.confirmed_at_ms)
        return {}

    access.carry_out(args.data_dir, {**request, "id": id_}, alone)
    if args.json:
        output.write_json({"id": id_})
    return 0


async def _find(store: Store, text: str) -> Incident:
    if text == _LAST:
        found = await store.incidents(0, access.now_ms() + 1)
        if not found:
            raise InvalidInput("There are no incidents yet.")
        return found[0]
    incident = await store.incident(IncidentId(int(text))) if text.isascii() and text.isdigit() else None
    if incident is None:
        raise InvalidInput(f"There is no incident {text[:40]}.", "“pingmon incident list” shows what there is.")
    return incident


def _documents(store: Store, incidents: list[Incident]) -> list[Json]:
    known = {monitor.id: monitor for monitor in store.configuration().monitors}

    def named(id_: MonitorId) -> tuple[str, str]:
        monitor = known.get(id_)
        return ("", _GONE) if monitor is None else (monitor.url, monitor.title)

    return [incident.to_json(*named(incident.monitor)) for incident in incidents]


def _lasted(document: Json, now_ms: int) -> str:
    end_ms = document["end_at_ms"] or now_ms
    minutes, seconds = divmod(max(0, end_ms - document["start_at_ms"]) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return text if document["end_at_ms"] else f"{text} so far"
