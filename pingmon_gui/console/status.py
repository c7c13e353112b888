"""`pingmon status`: how everything is just now, from the running owner or else from the store."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access, output
from pingmon_gui.domain.region import REGION_NAMES, Region
from pingmon_gui.domain.target import display_url
from pingmon_gui.log import one_line
from pingmon_gui.ownership import OwnerSilent

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_VERDICTS = {"regional": "regional problem"}
_TROUBLE = ("offline", "slow")


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "status",
        parents=[common],
        help="every domain: verdict, and status, latency and availability per region",
        description="Show every domain: its verdict, and per region status, latency, availability of the last hour. "
        "While neither the window nor “pingmon run” is running, this is what the store knows: what is older than 2.5 "
        "intervals is unknown.",
    )
    parser.add_argument("--problems", action="store_true", help="only what is neither online nor paused")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    is_live = True
    document = _ask(args)
    if document is None:
        is_live = False
        nothing: Json = {"at_ms": access.now_ms(), "monitors": [], "probes": []}
        document = access.read(args.data_dir, _stored, nothing)
    if args.problems:
        document["monitors"] = [
            monitor for monitor in document["monitors"] if monitor["verdict"] not in ("online", "paused")
        ]
    if args.json:
        output.write_json(document)
        return 0
    if not document["monitors"]:
        output.say(
            "No problems." if args.problems else "Nothing is watched yet. Add one: pingmon domain add example.com"
        )
        return 0
    _print_table(document["monitors"])
    _print_troubles(document["monitors"])
    if not is_live:
        regions = [region for monitor in document["monitors"] for region in monitor["regions"]]
        newest = max((region["at_ms"] or 0 for region in regions), default=0)
        since = f"newest result {output.local_time(newest)}" if newest else "no results yet"
        output.say(
            f"Pingmon is not running: this is from the store, {since}. Start it with “pingmon” or “pingmon run”."
        )
    for probe in document["probes"]:
        if is_live and probe["state"] != "connected":
            output.say(f"Probe “{probe['name']}” is {probe['state']}.")
    return 0


def _ask(args: argparse.Namespace) -> Json | None:
    try:
        answer = access.ask_owner(args.data_dir, {"command": "status"})
    except OwnerSilent as exc:
        output.say(f"{exc.message} What follows is from the store.")
        return None
    return None if answer is None else answer["status"]


async def _stored(store: Store) -> Json:
    from pingmon_gui.session import stored_status

    return await stored_status(store, access.now_ms())


def _print_table(monitors: list[Json]) -> None:
    regions = [region for region in Region if any(_of(monitor, region) for monitor in monitors)]
    head = ["DOMAIN", "VERDICT", *(REGION_NAMES[region].upper() for region in regions)]
    output.write_table(
        head,
        (
            [
                monitor["name"] or display_url(monitor["url"]),
                _verdict(monitor),
                *(_cell(_of(monitor, region)) for region in regions),
            ]
            for monitor in monitors
        ),
    )


def _verdict(monitor: Json) -> str:
    until_ms = monitor.get("maintenance_until_ms")
    if until_ms is not None and monitor["verdict"] == "paused":
        return f"maintenance until {output.local_time(until_ms)}"
    return _VERDICTS.get(monitor["verdict"]) or str(monitor["verdict"])


def _of(monitor: Json, region: Region) -> list[Json]:
    return [entry for entry in monitor["regions"] if entry["region"] == region]


def _cell(entries: list[Json]) -> str:
    """Return what stands in one region's cell; several probes of the region stand side by side."""
    texts = []
    for entry in entries:
        parts = [entry["status"] + _over(entry)]
        if entry["total_ms"] is not None and entry["status"] in ("online", "slow"):
            parts.append(output.latency(entry["total_ms"]))
        if entry["availability_1h"] is not None:
            parts.append(output.share(entry["availability_1h"]))
        if entry["status"] == "unknown" and entry["at_ms"]:
            parts.append(f"(last {output.local_time(entry['at_ms'])})")
        texts.append("  ".join(parts))
    return " | ".join(texts) if texts else output.NO_DATA


def _over(entry: Json) -> str:
    """Return over which family the status holds, where the two differ."""
    families = entry.get("families", ())
    alike = {one["status"] for one in families}
    mine = [one for one in families if one["status"] == entry["status"]]
    return f" over IPv{mine[0]['family']}" if len(alike) > 1 and mine else ""


def _print_troubles(monitors: list[Json]) -> None:
    for monitor in monitors:
        for entry in monitor["regions"]:
            title = monitor["name"] or display_url(monitor["url"])
            region = REGION_NAMES[Region(entry["region"])]
            for told in entry.get("families") or [entry]:
                over = f" over IPv{told['family']}" if "family" in told else ""
                if told["message"] and told["status"] in _TROUBLE:
                    output.write(one_line(f"{title}, {region}{over}: {told['message']}"))
