"""What stands in the way of a probe on a host, in plain words; decided from facts alone, before anything is changed."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.provision.fact import ACCOUNT, MIN_PYTHON, HostFacts
from pingmon_gui.provision.layout import DEFAULT_PORT, PORTS, free_port, supervisor_for
from pingmon_gui.provision.package import PACKAGE_MANAGERS

#: Less than this is no disk to keep results on; below the second figure the spool is made smaller.
MIN_FREE_BYTES = 64 * 1024 * 1024
SMALL_FREE_BYTES = 600 * 1024 * 1024
#: A clock that is off by more makes the probe lose its vote (architecture 5); from the first on it is corrected.
CLOCK_NOTED_MS = 2_000
CLOCK_FATAL_MS = 60_000


@dataclass(frozen=True)
class Problem:
    """One thing that is in the way (`is_fatal`) or makes the result weaker. Both texts are sentences."""

    message: str
    hint: str
    is_fatal: bool = True


def problems(facts: HostFacts, request: BootstrapRequest) -> list[Problem]:
    """Return all that is in the way, the fatal ones first; empty for a host that is ready."""
    if facts.os_name != "Linux":
        name = facts.os_name or "no system that it tells"
        return [Problem(f"This host runs {name}.", "Pingmon sets up probes on Linux hosts.")]
    found = [
        *_reach(facts),
        *_python(facts),
        *_disk(facts),
        *_supervision(facts),
        *_port(facts),
        *(_forwarding(facts) if request.transport is Transport.TUNNEL else ()),
        *_clock(facts),
    ]
    return sorted(found, key=lambda problem: not problem.is_fatal)


def _reach(facts: HostFacts) -> Iterator[Problem]:
    if facts.is_existing_out_of_reach:
        yield Problem(
            f"An administrator has set a probe up on this host already. {facts.sudo_problem}".strip(),
            "Log in as root or as a user with sudo to take it over.",
        )
    elif not facts.is_admin:
        cause = facts.sudo_problem or f"The user {facts.user} has no sudo."
        yield Problem(
            f"{cause} The probe will run as {facts.user}, with less of a sandbox.",
            "With sudo or as root it gets a user of its own.",
            is_fatal=False,
        )


def _python(facts: HostFacts) -> Iterator[Problem]:
    if facts.python is not None:
        return
    manager = PACKAGE_MANAGERS.get(facts.package_manager or "")
    wanted = f"{MIN_PYTHON[0]}.{MIN_PYTHON[1]}"
    crippled = next((found for found in facts.pythons if found.version >= MIN_PYTHON), None)
    if crippled is not None:
        missing = ", ".join(crippled.missing)
        message = f"The Python of this host ({crippled.path}) lacks what a probe needs: {missing}."
    elif facts.python_version is not None:
        version = ".".join(str(number) for number in facts.python_version)
        message = f"The newest Python of this host is {version}; the probe needs {wanted} or newer."
    else:
        message = "This host has no Python 3."
    if manager is None or (facts.python_version is not None and crippled is None):
        # What the package manager calls python3 is the one that is too old.
        yield Problem(message, f"Install Python {wanted} or newer there (python3.11, say), then try again.")
    elif facts.is_admin and facts.python_version is None:
        # Not in the way: it is offered as the first step.
        yield Problem(message, f"Pingmon can install it: {manager.command}.", is_fatal=False)
    elif facts.is_admin and crippled is not None:
        yield Problem(message, f"Pingmon can install what is missing: {manager.command}.", is_fatal=False)
    else:
        yield Problem(message, f"Install Python {wanted} or newer there, as root: {manager.command}.")


def _disk(facts: HostFacts) -> Iterator[Problem]:
    if facts.is_admin and facts.read_only_folders:
        folders = " and ".join(facts.read_only_folders)
        yield Problem(f"{folders} on this host cannot be written.", "Mount it writable, then try again.")
    if not facts.is_admin and not facts.is_home_writable:
        yield Problem(
            f"The home folder of {facts.user} ({facts.home}) cannot be written.",
            "Make it writable, or log in as a user with sudo.",
        )
    free = facts.free_system_bytes if facts.is_admin else facts.free_home_bytes
    if free is None:
        return
    free_mb = free // (1024 * 1024)
    if free < MIN_FREE_BYTES:
        yield Problem(
            f"The disk of this host has {free_mb} MB left; a probe needs {MIN_FREE_BYTES // (1024 * 1024)} MB.",
            "Free some space there, then try again.",
        )
    elif free < SMALL_FREE_BYTES:
        yield Problem(
            f"The disk of this host has {free_mb} MB left: the probe keeps fewer hours of results meanwhile.",
            "Free some space and set it up again to keep more.",
            is_fatal=False,
        )


def _supervision(facts: HostFacts) -> Iterator[Problem]:
    if facts.existing is not None and facts.existing.is_system == facts.is_admin:
        supervisor = facts.existing.supervisor
    else:
        supervisor = supervisor_for(facts)
    if supervisor is not Supervisor.CRON:
        return
    is_killed = not facts.is_admin and facts.init == "systemd" and facts.kills_user_processes
    if is_killed:
        yield Problem(
            f"This host ends all processes of {facts.user} at logout, and does not let the user stay (linger).",
            f"Ask its administrator for: loginctl enable-linger {facts.user}.",
        )
    elif not facts.is_admin and facts.init == "systemd" and facts.has_user_systemd:
        yield Problem(
            f"This host does not let services of {facts.user} run after logout (linger): "
            "the probe runs without systemd and without a sandbox.",
            f"Ask its administrator for: loginctl enable-linger {facts.user}.",
            is_fatal=False,
        )
    if "crontab" not in facts.programs:
        yield Problem(
            "This host has neither systemd for the probe nor cron: after a reboot the probe does not start by itself.",
            "Install cron there and set the probe up again.",
            is_fatal=False,
        )
    elif not facts.has_cron:
        yield Problem(
            "Cron does not run on this host: after a reboot the probe may not start by itself.",
            "Start the cron service there.",
            is_fatal=False,
        )
    if facts.is_admin and not {"useradd", "adduser"} & facts.programs and not facts.has_account:
        yield Problem("This host has no program that makes users.", "Install useradd (shadow) there, then try again.")


def _port(facts: HostFacts) -> Iterator[Problem]:
    if facts.existing is None and free_port(facts.listening_ports) is None:
        yield Problem(
            f"All ports from {DEFAULT_PORT} to {DEFAULT_PORT + PORTS - 1} are taken on this host.",
            "End what listens there, then try again.",
        )


def _clock(facts: HostFacts) -> Iterator[Problem]:
    off_ms = abs(facts.clock_offset_ms)
    if off_ms < CLOCK_NOTED_MS:
        return
    direction = "ahead of" if facts.clock_offset_ms > 0 else "behind"
    message = f"The clock of this host is {_span(off_ms)} {direction} this computer's."
    if off_ms >= CLOCK_FATAL_MS:
        yield Problem(
            message, "Set both clocks (timedatectl set-ntp true), then try again: its results would not count."
        )
    else:
        yield Problem(message, "Times are corrected; better turn on NTP: timedatectl set-ntp true.", is_fatal=False)


def _span(ms: float) -> str:
    if ms >= 2 * 3_600_000:
        return f"{ms / 3_600_000:.0f} hours"
    if ms >= 2 * 60_000:
        return f"{ms / 60_000:.0f} minutes"
    return f"{ms / 1000:.0f} seconds"


# What sshd itself says (`sshd -T -C user=...`): the line that is in the way is named, and never edited.


def _forwarding(facts: HostFacts) -> Iterator[Problem]:
    sshd = facts.sshd
    if sshd is None:
        return
    user, groups = (ACCOUNT, (ACCOUNT,)) if facts.is_admin else (facts.user, facts.groups)
    direct = "or choose the direct transport"
    if _value(sshd, "disableforwarding") == "yes":
        yield _sshd("DisableForwarding yes", "it forbids the tunnel to the probe", f"Take it away, {direct}.")
    elif _value(sshd, "allowtcpforwarding") not in ("yes", "local", "all", ""):
        line = f"AllowTcpForwarding {_value(sshd, 'allowtcpforwarding')}"
        yield _sshd(line, "it forbids the tunnel to the probe", f"Allow it with “local” for {user}, {direct}.")
    permitted = [word for word in sshd.get("permitopen", ()) if word != "any"]
    if permitted and not any(_is_open(word) for word in permitted):
        line = f"PermitOpen {' '.join(permitted)}"
        yield _sshd(line, "it forbids the probe's port", f"Add 127.0.0.1:{DEFAULT_PORT} for {user}, {direct}.")
    if _value(sshd, "pubkeyauthentication") == "no":
        yield _sshd("PubkeyAuthentication no", "it forbids the app's own key", f"Allow it for {user}, {direct}.")
    if "none" in sshd.get("authorizedkeysfile", ()):
        yield _sshd("AuthorizedKeysFile none", "it forbids the app's own key", f"Set a file for {user}, {direct}.")
    methods = [word for word in sshd.get("authenticationmethods", ()) if word != "any"]
    if methods and "publickey" not in methods:
        line = f"AuthenticationMethods {' '.join(methods)}"
        yield _sshd(line, "a key alone does not get in", f"Allow “publickey” for {user}, {direct}.")
    yield from _allowed(sshd, user, groups, direct)


def _allowed(sshd: Mapping[str, Sequence[str]], user: str, groups: Sequence[str], direct: str) -> Iterator[Problem]:
    users, denied = sshd.get("allowusers", ()), sshd.get("denyusers", ())
    if users and not any(_matches_user(user, pattern) for pattern in users):
        yield _sshd(f"AllowUsers {' '.join(users)}", f"the user {user} is not among them", f"Add {user}, {direct}.")
    if any(_matches_user(user, pattern) for pattern in denied):
        yield _sshd(f"DenyUsers {' '.join(denied)}", f"it shuts {user} out", f"Leave {user} out of it, {direct}.")
    allowed, shut = sshd.get("allowgroups", ()), sshd.get("denygroups", ())
    if allowed and not any(fnmatch.fnmatchcase(group, pattern) for group in groups for pattern in allowed):
        line = f"AllowGroups {' '.join(allowed)}"
        yield _sshd(line, f"no group of {user} is among them", f"Add {groups[0] if groups else user}, {direct}.")
    if any(fnmatch.fnmatchcase(group, pattern) for group in groups for pattern in shut):
        yield _sshd(f"DenyGroups {' '.join(shut)}", f"it shuts {user} out", f"Leave it out, {direct}.")


def _sshd(line: str, why: str, hint: str) -> Problem:
    return Problem(
        f"The SSH server of this host says “{line}”: {why}.", f"{hint} (sshd_config; Pingmon never edits it.)"
    )


def _value(sshd: Mapping[str, Sequence[str]], key: str) -> str:
    values = sshd.get(key, ())
    return values[0] if values else ""


def _is_open(word: str) -> bool:
    host, _, port = word.rpartition(":")
    return host in ("127.0.0.1", "*") and port in (str(DEFAULT_PORT), "*")


def _matches_user(user: str, pattern: str) -> bool:
    # `name@host` patterns tie a user to addresses; by name they may fit, the proof at the end tells.
    return fnmatch.fnmatchcase(user, pattern.partition("@")[0])
