"""Keeps two Pingmons from working on one host at the same time.

The lock names the process of the SSH server that serves the connection: when that is gone, the lock does not count.
Where no such process is seen, it counts for 20 minutes.
"""

from __future__ import annotations

import secrets

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.provision.host import Host
from pingmon_gui.provision.layout import Layout
from pingmon_gui.provision.step import Step

TAKEN = 17
APPEARED = 18
#: $1 the folder, $2 our mark, $3 a path that must not be there (or empty).
_TAKE = f"""\
umask 077
pid=$$
while [ "${{pid:-0}}" -gt 1 ]; do
  read -r name <"/proc/$pid/comm" || break
  case $name in sshd* | dropbear*) break ;; esac
  pid=$(sed -n "s/^PPid:[[:space:]]*//p" "/proc/$pid/status")
done
if read -r _ other 2>/dev/null <"$1/by" && [ "${{other:-0}}" -gt 1 ] && [ ! -d "/proc/$other" ]; then rm -rf "$1"; fi
if [ -n "$(find "$1" -maxdepth 0 -mmin +20 2>/dev/null)" ]; then rm -rf "$1"; fi
mkdir "$1" 2>/dev/null || {{ [ -d "$1" ] && exit {TAKEN}; exit 1; }}
echo "$2 ${{pid:-0}}" >"$1/by" || {{ rm -rf "$1"; exit 1; }}
if [ -n "$3" ] && [ -e "$3" ]; then rm -rf "$1"; exit {APPEARED}; fi
"""
_RELEASE = 'read -r by _ 2>/dev/null <"$1/by"; [ "$by" != "$2" ] || rm -rf "$1"'


class SetupLock(Step):
    """The first step of every plan that changes a host, undone at its end, whatever that is."""

    name = "lock"
    title = "Keep other set-ups away"

    def __init__(self, layout: Layout, *, is_fresh: bool) -> None:
        """`is_fresh`: the facts saw no probe on the host; one that appeared since then is not written over."""
        self._layout = layout
        self._mark = secrets.token_hex(8)
        self._is_fresh = is_fresh
        self._is_ours = False

    async def is_done(self, host: Host) -> bool:
        return self._is_ours

    async def apply(self, host: Host) -> None:
        absent = (self._layout.unit or self._layout.supervise) if self._is_fresh else ""
        argv = ["sh", "-c", _TAKE, "sh", self._layout.lock, self._mark, absent]
        code = (await host.run(argv, as_root=self._layout.is_system)).code
        if code == TAKEN:
            raise StepFailed(
                f"Another Pingmon is setting up a probe on {host.name} just now.",
                "Wait until it is done, then try again: this one then offers to take it over.",
            )
        if code == APPEARED:
            raise StepFailed(f"Another Pingmon has just set up a probe on {host.name}.", "Try again to take it over.")
        if code != 0:
            raise StepFailed(
                f"{self._layout.lock} cannot be made on {host.name}.", "Is the disk full, or mounted read-only?"
            )
        self._is_ours = True

    async def undo(self, host: Host) -> None:
        # Also after an attempt whose answer was lost; the mark tells whether it is ours.
        argv = ["sh", "-c", _RELEASE, "sh", self._layout.lock, self._mark]
        await host.run(argv, as_root=self._layout.is_system)
        self._is_ours = False
