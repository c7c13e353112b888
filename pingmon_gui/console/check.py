"""`pingmon check URL`: one check from this computer, as a person or a script reads it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pingmon_probe.protocol import PHASES, CheckResult, CheckSpec

from pingmon_gui.console import output
from pingmon_gui.console.fact_lines import days_left, fact_lines
from pingmon_gui.console.option import add_check_options, fitted_from, settings_from
from pingmon_gui.domain.error import ProbeError
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.target import parse_target
from pingmon_gui.log import one_line

_BAR_CHARACTERS = 40
#: What the JSON of a check tells those who planned it; here nobody did.
_OF_A_PLAN = ("monitor", "version", "own_network")
#: The JSON of two checks is that of the worse one, with both beside.
_BADNESS = ("unknown", "online", "slow", "offline")


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "check",
        parents=[common],
        help="one check from this computer",
        description="Run one check from this computer and show every phase of it. Nothing is stored.",
        epilog="Exit code: 0 when the check was done, whatever it found; with --fail 1 unless the target is online "
        "or slow.",
    )
    parser.add_argument("url", metavar="URL", help="with or without https://; or tcp://, tls://, dns://, icmp://")
    add_check_options(parser)
    parser.add_argument("--fail", action="store_true", help="exit with 1 unless the target is online or slow")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    target = parse_target(args.url)
    settings = fitted_from(args, settings_from(args, MonitorSettings(), target.basic_auth), target.url)
    specs = Monitor(MonitorId(0), 0, target.url, "", settings, 0).check_specs()
    documents = [
        {key: value for key, value in result.to_check_json(settings.slow_ms).items() if key not in _OF_A_PLAN}
        for result in asyncio.run(_check(specs))
    ]
    worst = max(documents, key=lambda one: _BADNESS.index(one["status"]))
    if args.json:
        output.write_json(worst | ({"families": documents} if len(documents) > 1 else {}))
    else:
        output.write("\n\n".join(describe(document) for document in documents))
    return 1 if args.fail and worst["status"] not in ("online", "slow") else 0


async def _check(specs: Sequence[CheckSpec]) -> list[CheckResult]:
    """Return the result of each check; where there are two, IPv4's first, and each with the family of its check."""
    from pingmon_gui.fleet.oneshot import check_once

    results = {result.monitor: result async for result in check_once(specs)}
    if len(results) < len(specs):
        raise ProbeError("The check ended without a result.")
    if len(specs) == 1:
        return list(results.values())
    return [replace(results[spec.monitor], family=spec.family) for spec in specs]


def describe(document: dict[str, Any]) -> str:
    """Return a check's JSON as lines for a person."""
    plain = one_line
    address = document["address"] or ""
    facts = [
        document["status"],
        output.latency(document["total_ms"]),
        f"HTTP {document['http_status']}" if document["http_status"] else "",
        f"from {address} (IPv{document['family']})" if address and document["family"] else address,
        f"over IPv{document['family']}" if document["family"] and not address else "",
    ]
    lines = [plain(document["url"]), "   ".join(plain(fact) for fact in facts if fact)]
    if document["message"]:
        lines.append(plain(document["message"]))
    lines += ["", *_phase_lines(document["phases"], document["total_ms"], document["kind"])]
    if document["low_confidence"]:
        lines.append(f"The probe itself was not ready for {output.latency(document['queue_ms'])}: measure again.")
    if document["hops"]:
        lines += ["", "redirects"]
        lines += [f"  {hop.get('http_status')}  {plain(str(hop.get('url')))}" for hop in document["hops"]]
    if certificate := document["certificate"]:
        lines += ["", f"certificate  {plain(str(certificate.get('subject')))}"]
        lines.append(f"  issued by  {plain(str(certificate.get('issuer')))}")
        left = days_left(certificate.get("not_after"), document["started_at_ms"])
        lines.append(f"  valid to   {plain(str(certificate.get('not_after')))}{left}")
        if certificate.get("verify_error"):
            lines.append(f"  not valid: {plain(str(certificate['verify_error']))}")
    elif urlsplit(document["url"]).scheme == "http":
        lines += ["", "not encrypted: no certificate"]
    if found := fact_lines(document["kind"], document["facts"]):
        lines += ["", *found]
    return "\n".join(lines)


def _phase_lines(phases: dict[str, float | None], total_ms: float | None, kind: str) -> list[str]:
    lines = []
    for name in PHASES:
        ms = phases[name]
        if ms is None and kind != "http":
            continue  # most kinds have a few of the phases only
        bar = "▇" * round(_BAR_CHARACTERS * ms / total_ms) if ms and total_ms else ""
        lines.append(f"  {name.removesuffix('_ms'):<9}{output.latency(ms):>9}  {bar}".rstrip())
    return [*lines, f"  {'total':<9}{output.latency(total_ms):>9}"]
