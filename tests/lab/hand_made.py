"""A probe put on a host of the lab by hand, for tests of what comes after a setup. It does not outlive a reboot."""

from __future__ import annotations

import secrets
import time

from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.key_pair import new_key_pair, restricted_line
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from probes.build_probe import build
from tests.lab.host import Host

PORT = 46464
_USER = "pingmon-probe"
_HOME = f"/var/lib/{_USER}"
_PATIENCE_S = 30.0


def put_probe(host: Host, *options: str, region: Region = Region.EU) -> tuple[Probe, ProbeSecrets]:
    """Start a probe that listens on the host's loopback, and let a new key reach it and nothing else."""
    host.run("useradd", "--system", "--create-home", f"--home-dir={_HOME}", "--shell=/usr/sbin/nologin", _USER)
    private_key, public_line = new_key_pair()
    token = Token(secrets.token_urlsafe())
    (host.root / "opt/probe.pyz").write_bytes(build())
    host.write(f"{_HOME}/token", f"{token.reveal()}\n", 0o600)
    host.write(f"{_HOME}/.ssh/authorized_keys", restricted_line(public_line, PORT) + "\n", 0o644)
    host.run("chown", f"{_USER}:", _HOME, f"{_HOME}/token")
    start_probe(host, *options)
    access = ProbeAccess(
        host=host.name,
        login_user="ops",
        address=host.address,
        ssh_port=22,
        tunnel_user=_USER,
        service_port=PORT,
        host_key=host.host_key,
        supervisor=Supervisor.SYSTEMD,
    )
    return Probe(new_probe_id(), host.name, region, Transport.TUNNEL, access), ProbeSecrets(token, private_key)


def start_probe(host: Host, *options: str) -> None:
    """Start the probe's process and wait until it listens."""
    serve = f"python3 /opt/probe.pyz serve --spool {_HOME}/spool --token-file {_HOME}/token --listen 127.0.0.1:{PORT}"
    command = f"setsid {' '.join([serve, *options])} >{_HOME}/log 2>&1 </dev/null &"
    host.run("runuser", "-u", _USER, "--", "sh", "-c", command)
    until_s = time.monotonic() + _PATIENCE_S
    while f":{PORT} " not in host.run("ss", "-Hltn"):
        assert time.monotonic() < until_s, (host.root / f"{_HOME[1:]}/log").read_text()
        time.sleep(0.05)
