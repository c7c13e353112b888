"""`pingmon probe ...`: probes on the user's own hosts, from setting one up to taking it away."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pingmon_gui.console import access, fleet_access, output
from pingmon_gui.console.option import WrongUsage, reader
from pingmon_gui.console.prompter import TerminalPrompter
from pingmon_gui.console.setup_report import SetupReport
from pingmon_gui.domain.error import InvalidInput, PingmonError, ProvisionError, SshUnreachable
from pingmon_gui.domain.probe import Probe, Transport, name_taken, parse_probe_name
from pingmon_gui.domain.region import REGION_NAMES, Region
from pingmon_gui.request import probe_json

if TYPE_CHECKING:
    from pingmon_gui.provision.enrolment import Enrolment
    from pingmon_gui.provisioning import Provisioning
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_Result = TypeVar("_Result")
REMOTE_REGIONS = tuple(region for region in Region if region is not Region.LOCAL)
DEFAULT_LOG_LINES = 50


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    probe = commands.add_parser(
        "probe", parents=[common], help="probes on your own hosts", description="Set up and look after probes."
    )
    group = probe.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = group.add_parser(
            name, parents=[common], help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
        )
        parser.set_defaults(run=run)
        return parser

    _add_bootstrap(command("bootstrap", run_bootstrap, "install a probe on a host over SSH, verified end to end"))
    command("list", run_list, "list the probes")
    status = command("status", run_status, "ask the probes how they are")
    status.add_argument("probes", nargs="*", metavar="NAME", help="all if none is named")
    one = "its name, host or id"
    command("doctor", run_doctor, "find out what is wrong with a probe, and the cure").add_argument(
        "probe", metavar="NAME", help=one
    )
    for name, run, text in (
        ("upgrade", run_upgrade, "bring probes to the version of this Pingmon"),
        ("restart", run_restart, "start probes anew"),
    ):
        command(name, run, text).add_argument("probes", nargs="+", metavar="NAME", help=one)
    logs = command("logs", run_logs, "show the end of a probe's log")
    logs.add_argument("probe", metavar="NAME", help=one)
    logs.add_argument("--lines", type=reader(_line_count), default=DEFAULT_LOG_LINES, metavar="N")
    rename = command("rename", run_rename, "give a probe another name")
    rename.add_argument("probe", metavar="NAME", help=one)
    rename.add_argument("new_name", metavar="NEW-NAME")
    take_over = command("take-over", run_take_over, "have a probe of another Pingmon work for this one")
    take_over.add_argument("probe", metavar="NAME", help=one)
    remove = command("remove", run_remove, "take a probe off its host, without a trace")
    remove.add_argument("probe", metavar="NAME", help=one)
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.add_argument("--forget", action="store_true", help="the host is gone: only forget the probe here")


def _add_bootstrap(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "hosts",
        nargs="+",
        metavar="HOST",
        help="[user@]host[:port] or an alias of your SSH configuration; several are set up at once",
    )
    regions = ", ".join(f"{region.value} ({REGION_NAMES[region]})" for region in REMOTE_REGIONS)
    parser.add_argument("--region", type=reader(_region), required=True, metavar="REGION", help=f"one of {regions}")
    parser.add_argument("--name", type=reader(parse_probe_name), help="its name in the window (default: the host's)")
    parser.add_argument("--user", help="whose login, in place of what the SSH configuration says")
    parser.add_argument("--port", type=reader(_port), metavar="PORT", help="of the SSH server")
    parser.add_argument("--identity", type=Path, metavar="FILE", help="private key to log in with")
    parser.add_argument("--ssh-config", type=Path, metavar="FILE", help="in place of ~/.ssh/config")
    parser.add_argument(
        "--transport", type=reader(_transport), default=Transport.TUNNEL, metavar="tunnel|direct",
        help="how it is reached later: through SSH (default), or by TLS on a port of its own",
    )  # fmt: skip
    parser.add_argument("--host-key", metavar="SHA256:...", help="the host key's fingerprint, instead of being asked")
    parser.add_argument("--allow-private", action="store_true", help="let it measure private addresses too")
    parser.add_argument("--install-python", action="store_true", help="install python3 there if it is missing")
    parser.add_argument("--take-over", action="store_true", help="take over a probe that works for another Pingmon")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


# Commands


def run_bootstrap(args: argparse.Namespace) -> int:
    from pingmon_gui.provision.enrolment import BootstrapRequest

    if args.name is not None and len(args.hosts) > 1:
        raise WrongUsage("--name goes with a single HOST.")
    if args.host_key is not None and len(args.hosts) > 1:
        raise WrongUsage("--host-key goes with a single HOST.")
    if len(set(args.hosts)) < len(args.hosts):
        raise WrongUsage("A HOST is named twice.")
    requests = [
        BootstrapRequest(
            host=host,
            region=args.region,
            name=args.name,
            user=args.user,
            port=args.port,
            identity=None if args.identity is None else args.identity.expanduser(),
            ssh_config=None if args.ssh_config is None else args.ssh_config.expanduser(),
            transport=args.transport,
            host_key=args.host_key,
            is_private_allowed=args.allow_private,
            is_dry_run=args.dry_run,
            may_install_python=args.install_python,
            may_take_over=args.take_over,
        )
        for host in args.hosts
    ]
    report = SetupReport(is_many=len(requests) > 1, is_debug=args.debug)
    prompter = TerminalPrompter()

    async def main() -> list[Enrolment | ProvisionError | None]:
        provisioning = fleet_access.provisioning(args.data_dir)

        async def one(request: BootstrapRequest) -> Enrolment | ProvisionError | None:
            try:
                return await provisioning.bootstrap(request, prompter, report)
            except ProvisionError as exc:
                exc.host = exc.host or request.host
                return exc

        return await asyncio.gather(*(one(request) for request in requests))

    outcomes = asyncio.run(main())
    failed = [outcome for outcome in outcomes if isinstance(outcome, ProvisionError)]
    for cause in failed:
        report.complain(cause)
    done = [outcome for outcome in outcomes if outcome is not None and not isinstance(outcome, ProvisionError)]
    if args.json:
        document = {"probes": [_enrolment_json(one) for one in done], "failed": [_failure_json(c) for c in failed]}
        if args.dry_run:
            document["planned"] = [{"host": host, "steps": steps} for host, steps in report.planned.items()]
        output.write_json(document)
    else:
        for enrolment in done:
            output.write(f"{enrolment.probe.name}: measuring from {REGION_NAMES[enrolment.probe.region]}.")
            output.write_lines(f"  {sentence}" for sentence in enrolment.summary)
    return 1 if failed else 0


def run_list(args: argparse.Namespace) -> int:
    probes = fleet_access.probes(args.data_dir)
    if args.json:
        output.write_json({"probes": [_public_json(probe) for probe in probes]})
    elif not probes:
        output.say("There is no probe on another host yet. Set one up: pingmon probe bootstrap HOST --region eu")
    else:
        rows = [
            (probe.name, REGION_NAMES[probe.region], fleet_access.host_of(probe), probe.transport.value, str(probe.id))
            for probe in probes
        ]
        output.write_table(("NAME", "REGION", "HOST", "TRANSPORT", "ID"), rows)
    return 0


def run_status(args: argparse.Namespace) -> int:
    probes = fleet_access.probes(args.data_dir)
    wanted = [fleet_access.find(probes, text) for text in args.probes] or probes
    answers = fleet_access.ask_all(args.data_dir, wanted)
    is_well = all("error" not in answer and answer["votes"] for answer in answers)
    if args.json:
        documents = [_public_json(probe) | answer for probe, answer in zip(wanted, answers, strict=True)]
        output.write_json({"at_ms": access.now_ms(), "probes": documents})
        return 0 if is_well else 1
    if not wanted:
        output.say("There is no probe on another host yet.")
        return 0
    rows = [_status_row(probe, answer) for probe, answer in zip(wanted, answers, strict=True)]
    output.write_table(("NAME", "REGION", "STATE", "VERSION", "CLOCK", "ROUND TRIP", "LEASE", "SPOOL"), rows)
    for probe, answer in zip(wanted, answers, strict=True):
        if text := answer.get("error") or answer.get("reason"):
            output.say(f"{probe.name}: {text}")
    return 0 if is_well else 1


def run_doctor(args: argparse.Namespace) -> int:
    probe = fleet_access.find(fleet_access.probes(args.data_dir), args.probe)
    findings = _with_provisioning(
        args, lambda provisioning, prompter, report: provisioning.diagnose(probe, prompter, report)
    )
    if args.json:
        output.write_json({"probe": probe.name, "findings": [asdict(finding) for finding in findings]})
    elif findings:
        output.write_lines(f"{finding.cause} {finding.cure}" for finding in findings)
    else:
        output.write(f"{probe.name} is well.")
    return 1 if findings else 0


def run_upgrade(args: argparse.Namespace) -> int:
    return _for_each(args, lambda provisioning, probe, prompter, report: provisioning.upgrade(probe, prompter, report))


def run_restart(args: argparse.Namespace) -> int:
    return _for_each(args, lambda provisioning, probe, prompter, report: provisioning.restart(probe, prompter, report))


def run_logs(args: argparse.Namespace) -> int:
    probe = fleet_access.find(fleet_access.probes(args.data_dir), args.probe)
    lines = _with_provisioning(
        args, lambda provisioning, prompter, report: provisioning.logs(probe, args.lines, prompter, report)
    )
    if args.json:
        output.write_json({"probe": probe.name, "lines": lines})
    else:
        output.write_lines(lines)
    return 0


def run_rename(args: argparse.Namespace) -> int:
    probe = fleet_access.find(fleet_access.probes(args.data_dir), args.probe)
    name = parse_probe_name(args.new_name)
    if taken := name_taken(name, (other for other in fleet_access.probes(args.data_dir) if other.id != probe.id)):
        raise InvalidInput(taken)

    async def alone(store: Store) -> Json:
        renamed = replace(probe, name=name)
        await store.save_probe(renamed)
        return {"probe": probe_json(renamed)}

    answer = access.carry_out(args.data_dir, {"command": "probe.rename", "id": probe.id, "name": name}, alone)
    if args.json:
        output.write_json({"probe": answer["probe"]["name"]})
    else:
        output.write(f"{probe.name} is named {name} now.")
    return 0


def run_take_over(args: argparse.Namespace) -> int:
    probe = fleet_access.find(fleet_access.probes(args.data_dir), args.probe)
    if probe.access is None:
        raise InvalidInput("There is no such probe on another host.")
    agreed = replace(probe, access=replace(probe.access, is_taken_over=True))

    async def alone(store: Store) -> Json:
        await store.save_probe(agreed)
        return {"is_later": True}

    answer = access.carry_out(args.data_dir, {"command": "probe.take_over", "id": probe.id}, alone)
    when = "from the next time Pingmon runs" if "is_later" in answer else "now"
    if args.json:
        output.write_json({"probe": probe.name, "is_later": "is_later" in answer})
    else:
        output.write(f"{probe.name} works for this Pingmon {when}.")
    return 0


def run_remove(args: argparse.Namespace) -> int:
    probe = fleet_access.find(fleet_access.probes(args.data_dir), args.probe)
    host = fleet_access.host_of(probe)
    if not args.yes:
        question = f"Forget the probe {probe.name}?" if args.forget else f"Remove the probe {probe.name} from {host}?"
        detail = "What it measured stays. " + ("Its host is not touched." if args.forget else "")
        if not asyncio.run(TerminalPrompter().confirm(host, question, detail.strip())):
            output.say("Nothing was changed.")
            return 1
    if args.forget:
        fleet_access.forget(args.data_dir, probe.id)
        sentences: Sequence[str] = (
            f"{probe.name} is forgotten. Where it still runs on {host}, it stops by itself when its lease is over, "
            "unless another Pingmon uses it.",
        )
    else:
        try:
            sentences = _with_provisioning(
                args, lambda provisioning, prompter, report: provisioning.remove(probe, prompter, report)
            )
        except SshUnreachable as exc:
            gone = f"If the host is gone for good: pingmon probe remove “{probe.name}” --forget"
            exc.hint = f"{exc.hint} {gone}" if exc.hint else gone
            raise
    if args.json:
        output.write_json({"removed": probe.name, "summary": list(sentences)})
    else:
        output.write_lines(sentences)
    return 0


# How they are done


def _for_each(
    args: argparse.Namespace,
    work: Callable[[Provisioning, Probe, TerminalPrompter, SetupReport], Awaitable[tuple[str, ...]]],
) -> int:
    known = fleet_access.probes(args.data_dir)
    probes = [fleet_access.find(known, text) for text in dict.fromkeys(args.probes)]
    report = SetupReport(is_many=len(probes) > 1, is_debug=args.debug)
    prompter = TerminalPrompter()

    async def main() -> list[tuple[str, ...] | PingmonError]:
        provisioning = fleet_access.provisioning(args.data_dir)

        async def one(probe: Probe) -> tuple[str, ...] | PingmonError:
            try:
                return await work(provisioning, probe, prompter, report)
            except PingmonError as exc:
                return exc

        return await asyncio.gather(*(one(probe) for probe in probes))

    outcomes = list(zip(probes, asyncio.run(main()), strict=True))
    failed = [(probe, outcome) for probe, outcome in outcomes if isinstance(outcome, PingmonError)]
    for _, cause in failed:
        report.complain(cause)
    done = [(probe, outcome) for probe, outcome in outcomes if not isinstance(outcome, PingmonError)]
    if args.json:
        documents = [{"probe": probe.name, "summary": list(sentences)} for probe, sentences in done]
        output.write_json({"done": documents, "failed": [_failure_json(cause) for _, cause in failed]})
    else:
        for probe, sentences in done:
            output.write_lines([f"{probe.name}: {sentence}" for sentence in sentences])
    return 1 if failed else 0


def _with_provisioning(
    args: argparse.Namespace, work: Callable[[Provisioning, TerminalPrompter, SetupReport], Awaitable[_Result]]
) -> _Result:
    report = SetupReport(is_many=False, is_debug=args.debug)

    async def main() -> _Result:
        return await work(fleet_access.provisioning(args.data_dir), TerminalPrompter(), report)

    try:
        return asyncio.run(main())
    except ProvisionError as exc:
        report.show_transcript(exc)
        raise


# What is printed


def _public_json(probe: Probe) -> Json:
    document = probe_json(probe)
    access_json = document.pop("access") or {}
    return document | {"host": access_json.get("host"), "address": access_json.get("address")}


def _enrolment_json(enrolment: Enrolment) -> Json:
    return _public_json(enrolment.probe) | {"summary": list(enrolment.summary)}


def _failure_json(cause: PingmonError) -> Json:
    document: Json = {"error": type(cause).__name__, "message": cause.message, "hint": cause.hint}
    if isinstance(cause, ProvisionError):
        document |= {"host": cause.host, "step": cause.step, "transcript": list(cause.transcript)}
    return document


def _status_row(probe: Probe, answer: Json) -> tuple[str, ...]:
    region = REGION_NAMES[probe.region]
    if "error" in answer:
        return (probe.name, region, "not reached", *[output.NO_DATA] * 5)
    state = "measuring" if answer["votes"] and answer["is_measuring"] else "no vote" if not answer["votes"] else "idle"
    lease = output.NO_DATA
    if answer["lease_until_ms"]:
        lease = str(timedelta(seconds=max(0, answer["lease_until_ms"] - answer["wall_ms"]) // 1000))
    results = answer["last_seq"] - answer["first_seq"] + 1
    return (
        probe.name,
        region,
        state,
        answer["version"],
        f"{answer['clock_offset_ms']:+.0f} ms",
        output.latency(answer["round_trip_ms"]),
        lease,
        f"{results} results, {answer['spool_bytes'] / 1_048_576:.1f} MiB",
    )


def _region(text: str) -> Region:
    known = {region.value: region for region in REMOTE_REGIONS}
    if text.lower() not in known:
        raise InvalidInput(f"There is no region “{text[:40]}”.", f"Regions are {', '.join(known)}.")
    return known[text.lower()]


def _transport(text: str) -> Transport:
    known = {transport.value: transport for transport in (Transport.TUNNEL, Transport.DIRECT)}
    if text.lower() not in known:
        raise InvalidInput(f"There is no transport “{text[:40]}”.", f"It is {' or '.join(known)}.")
    return known[text.lower()]


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise InvalidInput("The port must be 1 to 65535.")
    return int(text)


def _line_count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise InvalidInput("The number of lines must be 1 to 10,000.")
    return int(text)
