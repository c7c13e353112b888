"""What is known of one probe, in words: for the fleet page's table and for the list below it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from dataclasses import dataclass

from PySide6.QtCore import QLocale

from pingmon_gui.domain.probe import Probe, ProbeAccess, ProbeHealth, ProbeState, Supervisor, Transport
from pingmon_gui.engine.link import ProbeStatus
from pingmon_gui.ui import wording
from pingmon_gui.ui.wording import NOTHING, translate


@dataclass(frozen=True)
class ProbeFacts:
    """A probe as it is known just now; `status` is its own last answer, None before the first."""

    health: ProbeHealth
    status: ProbeStatus | None = None

    @property
    def probe(self) -> Probe:
        return self.health.probe


def place_text(probe: Probe) -> str:
    """Return the host as the person typed it; "this computer" for the embedded probe."""
    return translate("Fleet", "this computer") if probe.access is None else wording.plain(probe.access.host, 80)


def offset_text(facts: ProbeFacts) -> str:
    """Return how far the probe's clock is ahead of or behind this computer's, as it was measured last."""
    offset = facts.health.clock_offset_ms if facts.status is None else facts.status.clock_offset_ms
    if offset is None:
        return NOTHING
    if abs(offset) < 1:
        return translate("Fleet", "under 1 ms")
    text = translate("Fleet", "%1 ahead") if offset > 0 else translate("Fleet", "%1 behind")
    return text.replace("%1", wording.duration(abs(offset)))


def round_trip_text(facts: ProbeFacts) -> str:
    return NOTHING if facts.status is None else wording.latency(facts.status.round_trip_ms)


def contact_text(health: ProbeHealth, now_ms: int) -> str:
    if health.last_contact_at_ms is None:
        return NOTHING
    return wording.ago(health.last_contact_at_ms, now_ms)


def sentence(facts: ProbeFacts) -> str:
    """Return what is going on, and what to do about it where that is known."""
    health, status = facts.health, facts.status
    if health.reason:
        reason = wording.plain(translate("Sentence", health.reason), 600)
        if health.state is ProbeState.UNREACHED and facts.probe.access is not None and health.last_contact_at_ms:
            meanwhile = translate(
                "Fleet", "If it runs, it goes on measuring, and what it measures is fetched once it is reached again."
            )
            return f"{reason} {meanwhile}"
        return reason
    if status is not None and status.problem:
        return wording.plain(translate("Sentence", status.problem), 600)
    match health.state:
        case ProbeState.CONNECTED:
            return translate("Fleet", "It measures, and its results come in.")
        case ProbeState.CATCHING_UP:
            return translate("Fleet", "What it measured meanwhile is being collected; its region knows soon.")
        case ProbeState.STARTING:
            return translate("Fleet", "It is being reached.")
        case _:
            return translate("Fleet", "Nothing more is known. Doctor looks at its host.")


def fact_rows(facts: ProbeFacts, now_ms: int) -> list[tuple[str, str]]:
    """Return what else is known as (label, text), in the order to read it."""
    health, status, probe = facts.health, facts.status, facts.probe
    rows = [(translate("Fleet", "Version"), _version(health, status)), (translate("Fleet", "Way"), _way(probe))]
    access = probe.access
    if access is not None:
        rows.append((translate("Fleet", "Address"), _address(access)))
        rows.append((translate("Fleet", "Host key"), host_key_fingerprint(access)))
        if access.certificate:
            rows.append((translate("Fleet", "Certificate"), certificate_fingerprint(access.certificate)))
        rows.append((translate("Fleet", "Kept running by"), supervisor_text(access.supervisor)))
        if access.installed_at_ms:
            rows.append((translate("Fleet", "Set up"), wording.date_time(access.installed_at_ms)))
        yes_no = translate("Fleet", "allowed") if access.is_private_allowed else translate("Fleet", "refused")
        rows.append((translate("Fleet", "Private addresses"), yes_no))
    if status is not None:
        rows.append((translate("Fleet", "Lease"), _lease(status)))
        rows.append((translate("Fleet", "Spool"), _spool(status)))
        rows.append((translate("Fleet", "Checks in its plan"), wording.number(status.checks)))
    rows.append((translate("Fleet", "Own errors"), _own_errors(health)))
    rows.append((translate("Fleet", "Last contact"), contact_text(health, now_ms)))
    return rows


def host_key_fingerprint(access: ProbeAccess) -> str:
    """Return the pinned host key's fingerprint as ssh shows it, with the key's type in front."""
    kind, _blank, blob = access.host_key.partition(" ")
    try:
        raw = base64.b64decode(blob.split(" ")[0], validate=True)
    except (binascii.Error, ValueError):
        return NOTHING
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode("ascii").rstrip("=")
    return f"{wording.plain(kind, 40)} SHA256:{digest}"


def certificate_fingerprint(pem: str) -> str:
    """Return the pinned certificate's SHA-256 as browsers show it: pairs of hex digits."""
    try:
        raw = ssl.PEM_cert_to_DER_cert(pem.strip())
    except (ValueError, binascii.Error):
        return NOTHING
    return "SHA-256 " + ":".join(f"{byte:02X}" for byte in hashlib.sha256(raw).digest())


def supervisor_text(supervisor: Supervisor) -> str:
    match supervisor:
        case Supervisor.SYSTEMD:
            return translate("Fleet", "systemd, with a user of its own")
        case Supervisor.SYSTEMD_USER:
            return translate("Fleet", "systemd, as the login user")
        case Supervisor.CRON:
            return translate("Fleet", "a loop that cron starts at boot")


def _version(health: ProbeHealth, status: ProbeStatus | None) -> str:
    version = (status.version if status is not None else None) or health.version
    return wording.plain(version, 40) if version else NOTHING


def _way(probe: Probe) -> str:
    match probe.transport:
        case Transport.EMBEDDED:
            return translate("Fleet", "a process of this app")
        case Transport.TUNNEL:
            return translate("Fleet", "SSH tunnel with a key that opens this one port")
        case Transport.DIRECT:
            return translate("Fleet", "TLS with a pinned certificate")


def _address(access: ProbeAccess) -> str:
    text = f"{access.login_user}@{access.address}:{access.ssh_port}"
    if access.proxy_jump:
        through = translate("Fleet", "%1 through %2").replace("%2", wording.plain(access.proxy_jump, 120))
        return through.replace("%1", wording.plain(text, 120))
    return wording.plain(text, 120)


def _lease(status: ProbeStatus) -> str:
    if status.lease_until_ms is None:
        return translate("Fleet", "no plan yet")
    left_ms = status.lease_until_ms - status.wall_ms
    if left_ms <= 0 or not status.is_measuring:
        return translate("Fleet", "over: it stopped measuring until Pingmon comes back")
    return translate("Fleet", "goes on for %1 without Pingmon").replace("%1", wording.duration(left_ms))


def _spool(status: ProbeStatus) -> str:
    count = max(0, status.last_seq - status.first_seq + 1)
    size = QLocale().formattedDataSize(status.spool_bytes, 1, QLocale.DataSizeFormat.DataSizeTraditionalFormat)
    return wording.counted(translate("Fleet", "%n result(s), %1", None, count), count).replace("%1", size)


def _own_errors(health: ProbeHealth) -> str:
    if not health.version:
        return NOTHING  # it has not answered since Pingmon started
    parts = []
    if health.late_p99_ms is not None:
        parts.append(translate("Fleet", "late by %1 at most (p99)").replace("%1", wording.latency(health.late_p99_ms)))
    skipped = health.skipped
    parts.append(wording.counted(translate("Fleet", "%n check(s) skipped", None, skipped), skipped))
    if health.restarts:
        parts.append(wording.counted(translate("Fleet", "%n restart(s)", None, health.restarts), health.restarts))
    return " · ".join(parts)
