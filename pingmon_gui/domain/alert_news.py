"""From what the engine knows to what alerts are about: incidents, slowness, probes, certificates, names, channels."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pingmon_gui.domain.alert import AlertItem, Closing, MatterKey
from pingmon_gui.domain.alert_channel import Channel
from pingmon_gui.domain.alert_rule import DAY_MS, AlertKind, AlertRule
from pingmon_gui.domain.alert_state import MatterNews
from pingmon_gui.domain.cause import Cause, registrable_domain
from pingmon_gui.domain.incident import Incident, cause_of
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.target import display_url
from pingmon_gui.domain.verdict import Verdict

#: This computer's own network is one thing whoever notices it.
NETWORK = MatterKey("network")
_MAX_SUBJECT = 80
#: Parts of a certificate's key; no printable text holds it.
_SEPARATOR = "\x1f"


def incident_key(incident: Incident) -> MatterKey:
    return MatterKey(f"incident/{incident.id}")


def probe_key(probe: Probe) -> MatterKey:
    return MatterKey(f"probe/{probe.id}")


def slow_key(rule: AlertRule, monitor: MonitorId) -> MatterKey:
    return MatterKey(f"slow/{rule.id}/{monitor}")


def subject_of(title: str) -> str:
    """Return what something is called as one short, printable line."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in title).split())
    return line if len(line) <= _MAX_SUBJECT else f"{line[: _MAX_SUBJECT - 1]}…"


def of_incident(incident: Incident, monitor: Monitor | None, verdict: Verdict | None = None) -> MatterNews:
    """Return what an incident says. `monitor` None: it is watched no more; `verdict`: how it stands now, if known."""
    title = "a domain that was deleted" if monitor is None else subject_of(monitor.title)
    lasting = replace(incident, end_ms=None, is_withdrawn=False)
    over = replace(incident, end_ms=incident.start_ms, is_withdrawn=False)
    closing = None
    if not incident.is_open:
        if incident.is_withdrawn:
            closing = Closing.WITHDRAWN
        elif monitor is None:
            closing = Closing.REMOVED
        else:
            closing = Closing.PAUSED if incident.is_cut or verdict is Verdict.PAUSED else Closing.RESOLVED
    item = AlertItem(
        key=incident_key(incident),
        kind=AlertKind.OFFLINE if incident.kind is Verdict.OFFLINE else AlertKind.REGIONAL,
        subject=title,
        since_ms=incident.start_ms,
        text=lasting.sentence(title),
        past_text=over.sentence(title),
        end_ms=None if incident.is_open else (incident.start_ms if incident.end_ms is None else incident.end_ms),
        closing=closing,
        monitors=(incident.monitor,),
        url="" if monitor is None else display_url(monitor.url),
        incident=incident.id,
        regions=tuple(region.value for region in incident.regions),
        failure=incident.failure,
        acknowledged_at_ms=incident.acknowledged_at_ms,
    )
    cause = cause_of(incident, None if monitor is None else registrable_domain(monitor.url))
    settles_at_ms = 0
    if item.kind is AlertKind.REGIONAL and monitor is not None:
        # Regions take turns: an outage looks regional until each of them has had its own.
        settles_at_ms = incident.confirmed_at_ms + monitor.settings.interval_ms
    return MatterNews(item, cause, settles_at_ms=settles_at_ms)


def of_slowness(
    rule: AlertRule,
    monitor: Monitor,
    since_ms: int,
    words: str,
    regions: Sequence[str],
    end_ms: int | None = None,
    *,
    is_resting: bool = False,
) -> MatterNews:
    """Return that a monitor is slow by a rule; `words` say by how much, as `5 of the last 10 minutes`.

    `is_resting`: it ended because nothing counts any more, in a pause or a maintenance window.
    """
    title = subject_of(monitor.title)
    item = AlertItem(
        key=slow_key(rule, monitor.id),
        kind=AlertKind.SLOW,
        subject=title,
        since_ms=since_ms,
        text=f"{title} is slow: {words}",
        past_text=f"{title} was slow",
        end_ms=end_ms,
        closing=None if end_ms is None else Closing.PAUSED if is_resting else Closing.RESOLVED,
        monitors=(monitor.id,),
        url=display_url(monitor.url),
        regions=tuple(regions),
    )
    sets = frozenset((frozenset(regions),))
    return MatterNews(
        item, Cause("slow", since_ms, sets, domains=frozenset((registrable_domain(monitor.url),))), rule.id
    )


def of_probe(
    probe: Probe, since_ms: int, reason: str, end_ms: int | None = None, closing: Closing | None = None
) -> MatterNews:
    """Return that a probe is lost, for the reason that is known, or is there again."""
    name = subject_of(probe.name)
    item = AlertItem(
        key=probe_key(probe),
        kind=AlertKind.PROBE_LOST,
        subject=name,
        since_ms=since_ms,
        text=f"The probe “{name}” is lost: {reason.strip().rstrip('.')}" if reason else f"The probe “{name}” is lost",
        past_text=f"The probe “{name}” was lost",
        end_ms=end_ms,
        closing=closing or (None if end_ms is None else Closing.RESOLVED),
        probe=probe.id,
        regions=(probe.region.value,),
    )
    return MatterNews(item, Cause("probe", since_ms, region_sets=frozenset((frozenset(),))))


def of_network(since_ms: int, end_ms: int | None = None) -> MatterNews:
    """Return that this computer's own network is down, or up again."""
    item = AlertItem(
        key=NETWORK,
        kind=AlertKind.OWN_NETWORK,
        subject="This computer",
        since_ms=since_ms,
        text="This computer's own network is down: what it measures is unknown, not offline",
        past_text="This computer's own network was down",
        end_ms=end_ms,
        closing=None if end_ms is None else Closing.RESOLVED,
    )
    return MatterNews(item, Cause("network", since_ms))


@dataclass(frozen=True)
class CertificateFact:
    """A certificate that domains show: whose, by whom, until when (Unix ms), and on which monitors."""

    subject: str
    issuer: str
    until_ms: int
    monitors: tuple[MonitorId, ...]

    @property
    def key(self) -> MatterKey:
        return MatterKey(_SEPARATOR.join(("certificate", self.subject, self.issuer, str(self.until_ms))))

    @classmethod
    def of_key(cls, key: MatterKey, monitors: tuple[MonitorId, ...]) -> CertificateFact:
        """Return the fact that a key was made of."""
        _, subject, issuer, until_ms = key.split(_SEPARATOR)
        return cls(subject, issuer, int(until_ms), monitors)


def certificate_fact(certificate: Mapping[str, Any] | None, monitor: MonitorId) -> CertificateFact | None:
    """Return what a result's certificate says, None where its end cannot be read."""
    try:
        end = datetime.datetime.fromisoformat(str((certificate or {})["not_after"]).replace("Z", "+00:00"))
    except (KeyError, ValueError):
        return None
    if end.tzinfo is None:
        end = end.replace(tzinfo=datetime.UTC)
    whose, issuer = (subject_of(str((certificate or {}).get(name) or "")) for name in ("subject", "issuer"))
    return CertificateFact(whose, issuer, round(end.timestamp() * 1000), (monitor,))


def of_certificate(fact: CertificateFact, titles: Sequence[str], end_ms: int | None = None) -> MatterNews:
    """Return until when a certificate is valid, or that others have taken its place. `titles` are its domains."""
    # It begins to matter a month before its end, whenever it was first seen.
    since_ms = fact.until_ms - 30 * DAY_MS
    names = subject_of(", ".join(titles[:3])) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")
    item = AlertItem(
        key=fact.key,
        kind=AlertKind.CERTIFICATE,
        subject=names or fact.subject,
        since_ms=since_ms,
        text=f"The certificate of {names} ends soon" + (f" (issued by {fact.issuer})" if fact.issuer else ""),
        past_text=f"The certificate of {names} was near its end",
        end_ms=end_ms,
        closing=None if end_ms is None else Closing.RENEWED,
        monitors=fact.monitors,
        until_ms=fact.until_ms,
    )
    return MatterNews(item, Cause("certificate", since_ms, domains=frozenset((fact.key,))))


@dataclass(frozen=True)
class RegistrationFact:
    """Until when (Unix ms) a name is registered, and which monitors are below it; `has_ended`: that is past."""

    name: str
    until_ms: int
    monitors: tuple[MonitorId, ...]
    registrar: str = ""
    has_ended: bool = False

    @property
    def key(self) -> MatterKey:
        return MatterKey(_SEPARATOR.join(("registration", self.name, str(self.until_ms))))

    @classmethod
    def of_key(cls, key: MatterKey, monitors: tuple[MonitorId, ...]) -> RegistrationFact:
        """Return the fact that a key was made of, as far as the key has it."""
        _, name, until_ms = key.split(_SEPARATOR)
        return cls(name, int(until_ms), monitors)


def of_registration(
    fact: RegistrationFact, end_ms: int | None = None, closing: Closing = Closing.RENEWED
) -> MatterNews:
    """Return until when a name is registered, or that this holds no longer."""
    since_ms = fact.until_ms - 30 * DAY_MS
    what = "has ended" if fact.has_ended else "ends soon"
    item = AlertItem(
        key=fact.key,
        kind=AlertKind.REGISTRATION,
        subject=fact.name,
        since_ms=since_ms,
        text=f"The registration of {fact.name} {what}" + (f" (registrar: {fact.registrar})" if fact.registrar else ""),
        past_text=f"The registration of {fact.name} was near its end",
        end_ms=end_ms,
        closing=None if end_ms is None else closing,
        monitors=fact.monitors,
        until_ms=fact.until_ms,
    )
    return MatterNews(item, Cause("registration", since_ms, domains=frozenset((fact.key,))))


def of_channel(channel: Channel, since_ms: int, problem: str, end_ms: int | None = None) -> MatterNews:
    """Return that nothing has been delivered by a channel since a time, or that it works again."""
    name = subject_of(channel.name)
    item = AlertItem(
        key=MatterKey(f"channel/{channel.id}"),
        kind=AlertKind.CHANNEL,
        subject=name,
        since_ms=since_ms,
        text=f"Alerts by “{name}” are not delivered: {problem.strip().rstrip('.')}",
        past_text=f"Alerts by “{name}” were not delivered",
        end_ms=end_ms,
        closing=None if end_ms is None else Closing.RESOLVED,
        channel=channel.id,
    )
    return MatterNews(item, Cause("channel", since_ms, domains=frozenset((str(channel.id),))))
