"""What keeps a probe running: the sandboxed system unit, the login user's unit, the loop in the shell, its cron line.

Pure text. The system unit's exposure is tested with `systemd-analyze security` (goal: 2.0 or less, numbers.md 4).
"""

from __future__ import annotations

import re
import shlex

from pingmon_gui.provision.fact import ACCOUNT
from pingmon_gui.provision.layout import Layout

#: A probe with 1,000 hanging checks takes some 60 MB; far above that something is wrong with it.
MEMORY_MAX = "256M"
#: 64 resolver threads, the spool's, the worker's, and some room.
TASKS_MAX = 160

_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")

_HEAD = """\
{mark}
[Unit]
Description=Pingmon probe: measures web sites from here
{order}
# Whatever happens, it is tried again.
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart={command}
Restart=always
RestartSec=2
# It puts what it has measured on disk within this time.
TimeoutStopSec=20
UMask=0077
"""

#: What both kinds of unit may ask for: none of it needs a right that a user's systemd lacks.
_COMMON = f"""\
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
MemoryMax={MEMORY_MAX}
TasksMax={TASKS_MAX}
LimitNOFILE=16384
"""

_SYSTEM = """\
User={user}
Group={user}
{capabilities}
AmbientCapabilities={ambient}
ProtectSystem=strict
ReadWritePaths={spool}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
{private_users}
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
KeyringMode=private
DevicePolicy=closed
"""


def system_unit(layout: Layout, region: str) -> str:
    """Return the unit of a probe that serves the whole host, in a sandbox."""
    raw = "CAP_NET_RAW" if layout.is_raw_socket_needed else ""
    sandbox = _SYSTEM.format(
        user=ACCOUNT,
        spool=_unit_word(layout.spool),
        capabilities=f"CapabilityBoundingSet={raw}",
        ambient=raw,
        # In a user namespace of its own a capability would be worth nothing on the host's network.
        private_users="" if raw else "PrivateUsers=yes",
    )
    head = _HEAD.format(
        mark=layout.mark,
        order="After=network-online.target nss-lookup.target\nWants=network-online.target",
        command=_command(layout, region),
    )
    return _tidy(f"{head}{sandbox}{_COMMON}\n[Install]\nWantedBy=multi-user.target\n")


def user_unit(layout: Layout, region: str) -> str:
    """Return the unit of a probe of the login user: what of the sandbox a user's systemd can give."""
    head = _HEAD.format(mark=layout.mark, order="", command=_command(layout, region))
    return _tidy(f"{head}{_COMMON}\n[Install]\nWantedBy=default.target\n")


_SUPERVISE = """\
#!/bin/sh
{mark}
# Keeps the Pingmon probe running where no systemd does: starts it again when it ends. Run by cron at a reboot.
set -u
umask 077
cd {folder} || exit 1
mkdir -p log || exit 1

# One loop at a time. The file of a loop that is gone (after a reboot) does not count.
if read -r other 2>/dev/null <log/supervise.pid && [ -n "$other" ] && kill -0 "$other" 2>/dev/null; then
  case $(tr '\\000' ' ' 2>/dev/null <"/proc/$other/cmdline") in
  *{name}*) exit 0 ;;
  esac
fi
echo $$ >log/supervise.pid || exit 1

child=
stop() {{
  trap '' TERM INT HUP
  [ -n "$child" ] && kill "$child" 2>/dev/null && wait "$child"
  rm -f log/supervise.pid
  exit 0
}}
trap stop TERM INT HUP

pause=2
while :; do
  # The log of a long life stays small.
  if [ "$(wc -c 2>/dev/null <log/probe.log || echo 0)" -gt 1000000 ]; then mv -f log/probe.log log/probe.log.1; fi
  begun=$(date +%s)
  {command} </dev/null >>log/probe.log 2>&1 &
  child=$!
  wait "$child"
  # A probe that ends at once is given longer and longer pauses, up to a minute.
  if [ $(($(date +%s) - begun)) -gt 60 ]; then pause=2; elif [ $pause -lt 60 ]; then pause=$((pause * 2)); fi
  sleep $pause &
  child=$!
  wait "$child"
done
"""


def supervise_script(layout: Layout, region: str) -> str:
    """Return the loop in the shell that starts the probe again whenever it ends."""
    return _SUPERVISE.format(
        mark=layout.mark,
        folder=shlex.quote(layout.state_folder),
        name=shlex.quote(layout.supervise),
        command=" ".join(shlex.quote(word) for word in layout.serve(region)),
    )


def crontab_line(layout: Layout) -> str:
    """Return the line that starts the loop after a reboot. In a crontab a percent sign ends the command."""
    command = f"/bin/sh {shlex.quote(layout.supervise)} >/dev/null 2>&1"
    return "@reboot " + command.replace("%", "\\%")


def _command(layout: Layout, region: str) -> str:
    return " ".join(_unit_word(word) for word in layout.serve(region))


def _unit_word(word: str) -> str:
    """Quote a word for a unit file, see systemd.service(5) "COMMAND LINES" and systemd.unit(5) "SPECIFIERS"."""
    word = word.replace("%", "%%")
    if _SAFE.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def _tidy(text: str) -> str:
    """Drop the lines that stayed empty, but those before a section."""
    lines = text.split("\n")
    kept = [
        line
        for number, line in enumerate(lines)
        if line or number == len(lines) - 1 or lines[number + 1].startswith("[")
    ]
    return "\n".join(kept)
