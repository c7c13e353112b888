"""What lies where on a host: the whole system's probe with a user of its own, or the login user's probe."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from pingmon_probe.protocol import FEATURES

from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.provision.fact import ACCOUNT, ExistingProbe, HostFacts

DEFAULT_PORT = 46464
#: Ports that are tried, from DEFAULT_PORT on.
PORTS = 20
SERVICE = "pingmon-probe.service"
#: The spool's own limit, and what a small disk leaves of it.
SPOOL_LIMIT_MB = 256
MIN_SPOOL_MB = 16


@dataclass(frozen=True)
class Layout:
    """Paths, user, service and port of one probe on one host. All paths are absolute."""

    is_system: bool
    supervisor: Supervisor
    transport: Transport
    python: str
    port: int
    tunnel_user: str
    group: str
    uid: int
    home: str
    folder: str
    secret_folder: str
    state_folder: str
    authorized_keys: str
    unit: str | None
    lock: str
    shell: str = "/usr/sbin/nologin"
    spool_limit_mb: int = SPOOL_LIMIT_MB
    is_private_allowed: bool = False
    is_raw_socket_needed: bool = False
    is_ipv6: bool = False
    #: Whether the set-up let the user's services run after logout, and a removal has to take that back.
    is_linger_ours: bool = False
    installed_at_ms: int = 0

    @property
    def bundle(self) -> str:
        return f"{self.folder}/pingmon-probe.pyz"

    @property
    def previous(self) -> str:
        """The bundle that was in use before the last upgrade."""
        return f"{self.bundle}.previous"

    @property
    def token(self) -> str:
        return f"{self.secret_folder}/token"

    @property
    def tls_key(self) -> str:
        return f"{self.secret_folder}/tls.key"

    @property
    def tls_certificate(self) -> str:
        return f"{self.secret_folder}/tls.crt"

    @property
    def spool(self) -> str:
        return f"{self.state_folder}/spool"

    @property
    def supervise(self) -> str:
        """The loop in the shell that keeps the probe running where no systemd does."""
        return f"{self.folder}/supervise.sh"

    @property
    def log_folder(self) -> str:
        return f"{self.state_folder}/log"

    @property
    def log(self) -> str:
        return f"{self.log_folder}/probe.log"

    @property
    def listen(self) -> str:
        """Where the probe listens: on loopback, for "direct" on all addresses of the families that the host has."""
        if self.transport is Transport.TUNNEL:
            return f"127.0.0.1:{self.port}"
        return f"{'[::]' if self.is_ipv6 else '0.0.0.0'}:{self.port}"

    @property
    def systemctl(self) -> tuple[str, ...]:
        """How systemd is spoken to about this probe."""
        if self.supervisor is Supervisor.SYSTEMD_USER:
            return ("env", f"XDG_RUNTIME_DIR=/run/user/{self.uid}", "systemctl", "--user")
        return ("systemctl",)

    @property
    def mark(self) -> str:
        """The comment that tells a later run what was set up; read by facts.sh."""
        words = {
            "port": str(self.port),
            "supervisor": self.supervisor.value,
            "transport": self.transport.value,
            "private": "yes" if self.is_private_allowed else "no",
            "installed_at_ms": str(self.installed_at_ms),
        }
        if self.is_linger_ours:
            words["linger"] = "ours"
        return "# pingmon: " + " ".join(f"{key}={value}" for key, value in words.items())

    def serve(self, region: str) -> tuple[str, ...]:
        """Return the command that serves."""
        words = [self.python, "-I", "-S", self.bundle, "serve", "--spool", self.spool, "--listen", self.listen]
        words += ["--token-file", self.token, "--spool-limit-mb", str(self.spool_limit_mb), "--region", region]
        if self.transport is Transport.DIRECT:
            words += ["--tls-cert", self.tls_certificate, "--tls-key", self.tls_key]
        if self.is_private_allowed:
            words.append("--allow-private")
        return tuple(words)


def supervisor_for(facts: HostFacts) -> Supervisor:
    """Return what is to keep the probe running: the best that host and login allow."""
    if facts.is_admin:
        return Supervisor.SYSTEMD if facts.init == "systemd" else Supervisor.CRON
    is_user_unit = facts.init == "systemd" and facts.has_user_systemd and facts.linger_allowed
    return Supervisor.SYSTEMD_USER if is_user_unit else Supervisor.CRON


def new_layout(
    facts: HostFacts,
    transport: Transport,
    *,
    is_private_allowed: bool = False,
    installed_at_ms: int = 0,
    first_port: int = DEFAULT_PORT,
) -> Layout:
    """Return where a probe goes on a host; one that is there keeps its place and, where it can, its port.

    Call it only with facts without fatal problems (see preflight).
    """
    existing = facts.existing
    is_system = existing.is_system if existing is not None else facts.is_admin
    supervisor = supervisor_for(facts)
    if existing is not None and not existing.is_system and facts.is_admin:
        supervisor = existing.supervisor
    return _layout(
        facts,
        is_system=is_system,
        supervisor=supervisor,
        transport=transport,
        port=_port_for(facts, first_port),
        is_private_allowed=is_private_allowed,
        installed_at_ms=existing.installed_at_ms if existing is not None else installed_at_ms,
    )


def _port_for(facts: HostFacts, first_port: int) -> int:
    """Return the port of the probe that is there, unless another program took it while the probe did not run."""
    existing = facts.existing
    if existing is not None:
        is_silent = existing.health is not None and existing.health.code == 0
        if not (is_silent and existing.port in facts.listening_ports):
            return existing.port
    return free_port(facts.listening_ports, first_port) or first_port


def existing_layout(facts: HostFacts, existing: ExistingProbe) -> Layout:
    """Return where the probe that is there has its files."""
    return _layout(
        facts,
        is_system=existing.is_system,
        supervisor=existing.supervisor,
        transport=existing.transport,
        port=existing.port,
        is_private_allowed=existing.is_private_allowed,
        installed_at_ms=existing.installed_at_ms,
    )


def free_port(taken: frozenset[int], first: int = DEFAULT_PORT) -> int | None:
    """Return the first port that nothing listens on, None if all that are tried are taken."""
    return next((port for port in range(first, first + PORTS) if port not in taken), None)


def _layout(
    facts: HostFacts,
    *,
    is_system: bool,
    supervisor: Supervisor,
    transport: Transport,
    port: int,
    is_private_allowed: bool,
    installed_at_ms: int,
) -> Layout:
    python = facts.python or "/usr/bin/python3"
    free_bytes = facts.free_system_bytes if is_system else facts.free_home_bytes
    limit_mb = SPOOL_LIMIT_MB if free_bytes is None else free_bytes // 2 // (1024 * 1024)
    spool_limit_mb = max(MIN_SPOOL_MB, min(SPOOL_LIMIT_MB, limit_mb))
    if is_system:
        home = "/var/lib/pingmon-probe"
        return Layout(
            is_system=True,
            supervisor=supervisor,
            transport=transport,
            python=python,
            port=port,
            tunnel_user=ACCOUNT,
            group=ACCOUNT,
            uid=0,
            home=home,
            folder="/opt/pingmon-probe",
            secret_folder="/etc/pingmon-probe",
            state_folder=home,
            authorized_keys=_authorized_keys(facts.sshd, ACCOUNT, home),
            unit=f"/etc/systemd/system/{SERVICE}" if supervisor is Supervisor.SYSTEMD else None,
            lock="/run/pingmon-probe.setup" if facts.init == "systemd" else "/var/tmp/pingmon-probe.setup",
            # Dropbear lets nobody in whose shell is not in /etc/shells; what it runs is forced all the same.
            shell="/bin/sh" if facts.is_dropbear else facts.nologin,
            spool_limit_mb=spool_limit_mb,
            is_private_allowed=is_private_allowed,
            is_ipv6=facts.has_ipv6,
            # Where the kernel lets no group ping without it; see icmp(7).
            is_raw_socket_needed="icmp" in FEATURES and facts.ping_groups[0] > facts.ping_groups[1],
            installed_at_ms=installed_at_ms,
        )
    folder = f"{facts.home}/.local/share/pingmon-probe"
    return Layout(
        is_system=False,
        supervisor=supervisor,
        transport=transport,
        python=python,
        port=port,
        tunnel_user=facts.user,
        group="",
        uid=facts.uid,
        home=facts.home,
        folder=folder,
        secret_folder=folder,
        state_folder=folder,
        authorized_keys=f"{facts.home}/.ssh/authorized_keys",
        unit=f"{facts.home}/.config/systemd/user/{SERVICE}" if supervisor is Supervisor.SYSTEMD_USER else None,
        lock=f"{facts.home}/.pingmon-probe.setup",
        spool_limit_mb=spool_limit_mb,
        is_private_allowed=is_private_allowed,
        is_ipv6=facts.has_ipv6,
        installed_at_ms=installed_at_ms,
        is_linger_ours=supervisor is Supervisor.SYSTEMD_USER
        and (facts.existing.is_linger_ours if facts.existing is not None else not facts.is_lingering),
    )


def _authorized_keys(sshd: object, user: str, home: str) -> str:
    """Return the file in which sshd looks for the keys of a user: the usual one where it is among several."""
    patterns: Sequence[str] = ()
    if isinstance(sshd, dict):
        patterns = sshd.get("authorizedkeysfile", ())
    paths = []
    for pattern in patterns:
        path = pattern.replace("%%", "\0").replace("%u", user).replace("%h", home).replace("\0", "%")
        if path != "none":
            paths.append(path if path.startswith("/") else posixpath.join(home, path))
    usual = f"{home}/.ssh/authorized_keys"
    return usual if usual in paths or not paths else paths[0]
