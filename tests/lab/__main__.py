"""The lab by hand: `make lab`, `make lab-down`, and what one does in between (as root).

python -m tests.lab up [--hosts plain]          five regions, each with a host; prints how to get in
python -m tests.lab desk COMMAND ...            runs a command at the desk: ssh, a shell
python -m tests.lab pingmon [WORDS ...]         runs Pingmon at the desk, on the lab's data folder; alone: the window
python -m tests.lab show                        nodes, delays, cuts
python -m tests.lab set NODE rtt_ms=300 loss=0.1
python -m tests.lab cut A [B] | heal [A [B]]
python -m tests.lab page PATH STATUS            what the website answers for a path from now on
python -m tests.lab reboot HOST | crash HOST
python -m tests.lab down
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from tests.lab import roots
from tests.lab.host import HostKind
from tests.lab.lab import REGION_RTT_MS, Lab
from tests.lab.place import NAME_VARIABLE, REPOSITORY, LabError, lab_name
from tests.lab.target import ZONE, Page

#: What Pingmon at the desk keeps: the same for the window and the command line, so that one shows what the other did.
_DATA = REPOSITORY / "build" / "lab-data"
_HELP = """The lab is up: five hosts with Debian, and a website to watch.

  A window in it      {named}make lab-window
  A shell in it       {desk} bash
  A login             {desk} ssh -F {ssh_config} eu
  A first probe       {lab} pingmon probe bootstrap eu --region eu --ssh-config {ssh_config}
  What to watch       https://shop.{zone}/
  Steer it            {lab} show | set oc rtt_ms=400 loss=0.05 | cut eu | heal | page / 503 | reboot as
  Take it down        {named}make lab-down

  Host   Round trip   Users: root, ops (sudo), careful (sudo, password “{password}”), plain (no sudo)
{hosts}"""


def up(lab: Lab, init: str) -> None:
    """Start the lab with a host in every region, and tell how to use it."""
    if lab.is_up():
        print("The lab is up already.", file=sys.stderr)
    else:
        lab.up()
        hosts = [lab.region_host(region, HostKind(init=init)) for region in REGION_RTT_MS]
        for host in hosts:
            host.wait_until_up()
    named = f"{NAME_VARIABLE}={lab.name} " if os.environ.get(NAME_VARIABLE) else ""
    program = f"{named}{sys.executable} -m tests.lab"
    rows = [f"  {region}     {rtt_ms:4.0f} ms" for region, rtt_ms in REGION_RTT_MS.items()]
    print(
        _HELP.format(
            named=named, desk=f"{program} desk", lab=program, ssh_config=lab.ssh_config, zone=ZONE,
            password=roots.PASSWORD, hosts="\n".join(rows),
        )
    )  # fmt: skip


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A lab of real hosts on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the hosts' root file systems if they are not there")
    up_command = commands.add_parser("up", help="start it")
    up_command.add_argument("--hosts", choices=("systemd", "plain"), default="systemd", help="with systemd or without")
    commands.add_parser("down", help="stop it and throw the hosts' disks away")
    commands.add_parser("show", help="nodes, delays and cuts")
    desk = commands.add_parser("desk", help="run a command at the desk")
    desk.add_argument("words", nargs=argparse.REMAINDER)
    pingmon = commands.add_parser("pingmon", help="run Pingmon at the desk, on the lab's own data folder")
    pingmon.add_argument("words", nargs=argparse.REMAINDER)
    change = commands.add_parser("set", help="change a node's rtt_ms, jitter_ms or loss")
    change.add_argument("node")
    change.add_argument("properties", nargs="+", metavar="NAME=NUMBER")
    for name in ("cut", "heal"):
        way = commands.add_parser(name, help=f"{name} the way between two nodes, or one and all others")
        way.add_argument("nodes", nargs="*")
    page = commands.add_parser("page", help="set what the website answers")
    page.add_argument("path")
    page.add_argument("status", type=int)
    for name in ("reboot", "crash"):
        commands.add_parser(name, help=f"{name} a host").add_argument("host")
    options = parser.parse_args()
    try:
        _obey(Lab(lab_name()), options)
    except (LabError, OSError, ValueError) as exc:
        print(f"The lab cannot do that: {exc}", file=sys.stderr)
        return 1
    return 0


def _obey(lab: Lab, options: argparse.Namespace) -> None:
    match options.command:
        case "build":
            roots.build()
        case "up":
            up(lab, "systemd" if options.hosts == "systemd" else "none")
        case "down":
            lab.down()
        case "show":
            state = lab.network.show()
            for name, node in state["nodes"].items():
                print(name, *(f"{key}={value:g}" for key, value in node.items()))
            print("cut:", ", ".join(f"{a} to {b}" for a, b in state["cuts"]) or "nothing")
        case "desk":
            _become(lab.desk_command(*options.words))
        case "pingmon":
            _become(lab.desk_command(sys.executable, "-m", "pingmon_gui", "--data-dir", str(_DATA), *options.words))
        case "set":
            pairs = (word.split("=") for word in options.properties)
            lab.network.set(options.node, **{name: float(value) for name, value in pairs})
        case "cut":
            lab.network.cut(*options.nodes)
        case "heal":
            lab.network.heal(*options.nodes)
        case "page":
            lab.target.set_page(options.path, Page(status=options.status))
        case "reboot":
            lab.find_host(options.host).reboot()
        case "crash":
            host = lab.find_host(options.host)
            host.lose_power()
            host.start()


def _become(command: list[str]) -> NoReturn:
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
