"""Everything the window says in words: numbers with units, states, sentences, in the user's language and locale.

Views show these texts and give them to screen readers. Callers pass numbers and codes; nothing here
knows a widget. Every text that comes from outside goes through `plain` before it is shown.
"""

from __future__ import annotations

import datetime
import html
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS, Region, probe_place
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict

#: Shown where nothing is known: never a zero that could be taken for a measurement.
NOTHING = "—"
#: Between a number and its unit, so that a line never breaks there.
_NARROW = "\u00a0"
#: First-strong isolate and its end: a foreign text cannot reorder the sentence around it.
_ISOLATE, _POP = "\u2068", "\u2069"
_HIDDEN_CATEGORIES = frozenset(("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"))
MAX_SHOWN_CHARACTERS = 2_000

translate = QCoreApplication.translate


def counted(text: str, count: int) -> str:
    """Finish a plural that no translation has taken over: "%n line(s) [has|have]" is the English source."""
    text = re.sub(r"\[([^|\]]*)\|([^\]]*)\]", r"\1" if count == 1 else r"\2", text)
    return text.replace("(s)", "" if count == 1 else "s")


def plain(text: object, limit: int = MAX_SHOWN_CHARACTERS) -> str:
    """Return a text from outside as one harmless line.

    Control characters, bidi marks and other invisible ones are shown as their code point, white
    space is folded to single spaces, and what is longer than `limit` ends in an ellipsis.
    """
    raw = str(text)
    folded = " ".join(raw[: limit * 2].split())
    if folded.isascii() and folded.isprintable():
        shown = folded
    else:
        shown = "".join(
            f"[U+{ord(letter):04X}]" if unicodedata.category(letter) in _HIDDEN_CATEGORIES else letter
            for letter in folded
        )
    return shown if len(shown) <= limit and len(raw) <= limit * 2 else shown[: limit - 1] + "…"


def isolated(text: object) -> str:
    """Return `plain(text)` wrapped so that its direction does not leak into the sentence around it."""
    return f"{_ISOLATE}{plain(text)}{_POP}"


def tool_tip(text: str) -> str:
    """Return plain text for a tool tip, which Qt would take for rich text where it looks like a tag."""
    return f"<p style='white-space:pre-wrap'>{html.escape(text)}</p>" if text else ""


def problem(error: PingmonError) -> str:
    """Return what is wrong and what to do, as one text for a message beside a field or in a bar."""
    sentence = plain(translate("Sentence", error.message))
    return f"{sentence} {plain(translate('Sentence', error.hint))}" if error.hint else sentence


def region_name(region: Region) -> str:
    match region:
        case Region.LOCAL:
            return translate("Wording", "This computer")
        case Region.NA:
            return translate("Wording", "North America")
        case Region.EU:
            return translate("Wording", "Europe")
        case Region.AS:
            return translate("Wording", "Asia")
        case Region.SA:
            return translate("Wording", "South America")
        case Region.OC:
            return translate("Wording", "Oceania")


def seen_from(region: Region, probe_name: str) -> str:
    """Return the region and the probe in it that saw something."""
    return probe_place(region_name(region), plain(probe_name, 60))


def status_word(status: int) -> str:
    """Return the word for a `Status` or its code."""
    match Status(status):
        case Status.ONLINE:
            return translate("Wording", "online")
        case Status.SLOW:
            return translate("Wording", "slow")
        case Status.OFFLINE:
            return translate("Wording", "offline")
        case Status.UNKNOWN:
            return translate("Wording", "unknown")
        case Status.PAUSED:
            return translate("Wording", "paused")


def verdict_word(verdict: int) -> str:
    """Return the word for a `Verdict` or its code."""
    if verdict == Verdict.REGIONAL:
        return translate("Wording", "regional problem")
    return status_word(Status(int(verdict)))


def failure_word(failure: str | None) -> str:
    """Return a few words for a failure class of the protocol; an unknown class is named as it came."""
    words = {
        "dns": translate("Wording", "name not found"),
        "connect_refused": translate("Wording", "connection refused"),
        "connect_timeout": translate("Wording", "no connection in time"),
        "tls_verify": translate("Wording", "certificate not trusted"),
        "tls_handshake": translate("Wording", "TLS handshake failed"),
        "timeout": translate("Wording", "timed out"),
        "http_status": translate("Wording", "HTTP status not accepted"),
        "content": translate("Wording", "content not as expected"),
        "too_many_redirects": translate("Wording", "too many redirects"),
        "protocol": translate("Wording", "not a valid answer"),
        "refused_target": translate("Wording", "address not allowed for this probe"),
        "blocked": translate("Wording", "blocked by a bot wall"),
        "internal": translate("Wording", "fault of the probe"),
        "loss": translate("Wording", "too many echoes lost"),
        "other": translate("Wording", "failure of a newer probe"),
    }
    return "" if failure is None else words.get(failure, plain(failure, 60))


def probe_state_word(state: ProbeState) -> str:
    match state:
        case ProbeState.STARTING:
            return translate("Wording", "starting")
        case ProbeState.CONNECTED:
            return translate("Wording", "connected")
        case ProbeState.CATCHING_UP:
            return translate("Wording", "catching up")
        case ProbeState.UNREACHED:
            return translate("Wording", "not reached")
        case ProbeState.REFUSED:
            return translate("Wording", "refused")
        case ProbeState.STOPPED:
            return translate("Wording", "stopped")


def probe_state(health: ProbeHealth) -> str:
    """Return the state of a probe in a few words, with what a state alone does not tell."""
    if health.state is ProbeState.CONNECTED and not health.votes:
        return translate("Wording", "connected, no vote")
    if health.state is ProbeState.CATCHING_UP and health.caught_up is not None:
        done = share(math.floor(health.caught_up * 100) / 100)
        return translate("Wording", "catching up, %1").replace("%1", done)
    return probe_state_word(health.state)


def kind_name(kind: str) -> str:
    """Return what people call a kind of check."""
    return {
        "http": translate("Wording", "Website (HTTP)"),
        "tcp": translate("Wording", "TCP port"),
        "tls": translate("Wording", "TLS certificate"),
        "dns": translate("Wording", "DNS record"),
        "icmp": translate("Wording", "Ping (ICMP)"),
    }[kind]


def record_meaning(record_type: str) -> str:
    """Return in a word or two what DNS records of a type hold."""
    return {
        "A": translate("Wording", "IPv4 address"),
        "AAAA": translate("Wording", "IPv6 address"),
        "CAA": translate("Wording", "who may issue certificates"),
        "CNAME": translate("Wording", "alias"),
        "MX": translate("Wording", "mail servers"),
        "NS": translate("Wording", "name servers"),
        "PTR": translate("Wording", "name of an address"),
        "SOA": translate("Wording", "zone"),
        "SRV": translate("Wording", "service"),
        "TXT": translate("Wording", "text"),
    }[record_type]


def protocol_name(protocol: str) -> str:
    """Return how a protocol that knows STARTTLS is written; names are the same in every language."""
    return {"postgres": "PostgreSQL"}.get(protocol, protocol.upper())


def phase_name(phase: str, kind: str = "http") -> str:
    """Return the name of one of `protocol.PHASES`, as it is meant by a kind of check."""
    of_kind = {
        ("tls", "request_ms"): translate("Wording", "Up to STARTTLS"),
        ("dns", "dns_ms"): translate("Wording", "Lookup of the name server"),
        ("dns", "request_ms"): translate("Wording", "Answer"),
        ("icmp", "request_ms"): translate("Wording", "Round trip (mean)"),
    }.get((kind, phase))
    if of_kind is not None:
        return of_kind
    return {
        "dns_ms": translate("Wording", "Name lookup"),
        "connect_ms": translate("Wording", "Connect"),
        "tls_ms": translate("Wording", "TLS"),
        "request_ms": translate("Wording", "Waiting for the answer"),
        "transfer_ms": translate("Wording", "Transfer"),
    }[phase]


# ---- numbers with units


def latency(ms: float | None) -> str:
    """Return a latency at the precision people compare by: 0.42 ms, 8.4 ms, 123 ms, 1.52 s."""
    if ms is None or math.isnan(ms):
        return NOTHING
    if ms >= 999.5:
        return (
            translate("Wording", "%1 s").replace("%1", number(ms / 1000, 2 if ms < 99_995 else 0)).replace(" ", _NARROW)
        )
    digits = 2 if ms < 0.995 else 1 if ms < 9.95 else 0
    return translate("Wording", "%1 ms").replace("%1", number(ms, digits)).replace(" ", _NARROW)


def exact_latency(ms: float | None) -> str:
    """Return a latency with hundredths of a millisecond, for hover and copying."""
    if ms is None or math.isnan(ms):
        return NOTHING
    return translate("Wording", "%1 ms").replace("%1", number(ms, 2)).replace(" ", _NARROW)


def number(value: float, digits: int = 0) -> str:
    return QLocale().toString(float(value), "f", digits)


def share(ratio: float | None) -> str:
    """Return a share of time as per cent with at most two decimals; only what is whole reads 100 %."""
    if ratio is None or math.isnan(ratio):
        return NOTHING
    hundredths = math.floor(max(0.0, min(1.0, float(ratio))) * 10_000 + 1e-6)
    if hundredths == 10_000 and ratio < 1.0:
        hundredths = 9_999
    digits = 0 if hundredths % 100 == 0 else 1 if hundredths % 10 == 0 else 2
    text = translate("Wording", "%1 %", "per cent").replace("%1", number(hundredths / 100, digits))
    return text.replace(" ", _NARROW)


def exact_share(ratio: float | None) -> str:
    """Return a share as per cent with four decimals, never rounded up: for where a figure is explained."""
    if ratio is None or math.isnan(ratio):
        return NOTHING
    digits = 0 if ratio in (0.0, 1.0) else 4
    shown = number(math.floor(ratio * 1_000_000) / 10_000, digits)
    text = translate("Wording", "%1 %", "per cent").replace("%1", shown)
    return text.replace(" ", _NARROW)


def exact_duration(ms: int) -> str:
    """Return a span to the millisecond, so that it can be added up by hand: 1 d 02:03:04.005."""
    days, rest = divmod(int(ms), 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    text = f"{hours:02}:{minutes:02}:{rest // 1000:02}{QLocale().decimalPoint()}{rest % 1000:03}"
    if not days:
        return text
    return translate("Wording", "%1 d %2").replace("%2", text).replace("%1", number(days)).replace(" ", _NARROW)


def duration(ms: float) -> str:
    """Return a span in its two largest units: 59 min 50 s, 2 h 5 min, 3 days 4 h; below a second in ms."""
    if ms < 1000:
        return latency(ms) if ms > 0 else translate("Wording", "%1 s").replace("%1", number(0)).replace(" ", _NARROW)
    seconds = round(ms / 1000)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [
        (days, counted(translate("Wording", "%n day(s)", None, days), days)),
        (hours, translate("Wording", "%1 h").replace("%1", number(hours))),
        (minutes, translate("Wording", "%1 min").replace("%1", number(minutes))),
        (seconds, translate("Wording", "%1 s").replace("%1", number(seconds))),
    ]
    first = next(place for place, (value, _) in enumerate(parts) if value)
    return " ".join(text.replace(" ", _NARROW) for value, text in parts[first : first + 2] if value)


def interval(ms: int) -> str:
    return translate("Wording", "every %1").replace("%1", duration(ms))


def _clock_pattern() -> str:
    """Return the locale's pattern of a time of day, with seconds."""
    pattern = QLocale().timeFormat(QLocale.FormatType.ShortFormat)
    if "s" not in pattern:
        pattern = pattern.replace("mm", "mm:ss") if ":mm" in pattern else pattern.replace("mm", "mm.ss")
    return pattern


def clock_time(at_ms: int) -> str:
    """Return the time of day with seconds, in the user's locale and time zone."""
    return QLocale().toString(QDateTime.fromMSecsSinceEpoch(int(at_ms)).time(), _clock_pattern())


def time_of_day(at_ms: int) -> str:
    """Return hours and minutes, in the user's locale and time zone."""
    when = QDateTime.fromMSecsSinceEpoch(int(at_ms)).time()
    return QLocale().toString(when, QLocale.FormatType.ShortFormat)


def exact_time(at_ms: int) -> str:
    """Return date and time to the millisecond: what a length was counted from."""
    pattern = _clock_pattern().replace("ss", f"ss{QLocale().decimalPoint()}zzz")
    return f"{date(at_ms)} {QLocale().toString(QDateTime.fromMSecsSinceEpoch(int(at_ms)).time(), pattern)}"


def date_time(at_ms: int) -> str:
    when = QDateTime.fromMSecsSinceEpoch(int(at_ms))
    return f"{date(at_ms)} {clock_time(when.toMSecsSinceEpoch())}"


def date(at_ms: int) -> str:
    return QLocale().toString(QDateTime.fromMSecsSinceEpoch(int(at_ms)).date(), QLocale.FormatType.ShortFormat)


def day_and_time(at_ms: int) -> str:
    """Return weekday, hours and minutes: for a line of a few days."""
    when = QDateTime.fromMSecsSinceEpoch(int(at_ms))
    return f"{QLocale().dayName(when.date().dayOfWeek(), QLocale.FormatType.ShortFormat)} {time_of_day(at_ms)}"


def moment_soon(at_ms: int) -> str:
    """Return weekday, date, hours and minutes: for what is planned."""
    day = QDateTime.fromMSecsSinceEpoch(int(at_ms)).date().dayOfWeek()
    return f"{QLocale().dayName(day, QLocale.FormatType.ShortFormat)} {date(at_ms)} {time_of_day(at_ms)}"


def long_moment(at_ms: int) -> str:
    """Return a moment in full: weekday, date and time with seconds."""
    when = QDateTime.fromMSecsSinceEpoch(int(at_ms)).date()
    return f"{QLocale().toString(when, QLocale.FormatType.LongFormat)}, {clock_time(at_ms)}"


def zone_offset_ms(at_ms: int) -> int:
    """Return how far the user's time of day is ahead of UTC at a moment."""
    return QDateTime.fromMSecsSinceEpoch(int(at_ms)).offsetFromUtc() * 1_000


def ago(at_ms: int, now_ms: int) -> str:
    """Return how long ago something was; the last second and the future are "just now"."""
    if now_ms - at_ms < 1000:
        return translate("Wording", "just now")
    return translate("Wording", "%1 ago").replace("%1", duration(now_ms - at_ms))


def days_until(iso_time: str, now_ms: int) -> int | None:
    """Return the whole days from now to an ISO 8601 time, negative in the past; None where it cannot be read."""
    try:
        end = datetime.datetime.fromisoformat(iso_time.replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        return None
    if end.tzinfo is None:
        end = end.replace(tzinfo=datetime.UTC)
    return math.floor((end.timestamp() * 1000 - now_ms) / 86_400_000)


def expiry(iso_time: str, now_ms: int) -> str:
    """Return when a certificate ends, in days from now and as a date."""
    days = days_until(iso_time, now_ms)
    if days is None:
        return translate("Wording", "end of validity unknown")
    try:
        on = date(now_ms + days * 86_400_000)
    except OverflowError:
        on = plain(iso_time, 30)
    if days < 0:
        text = counted(translate("Wording", "expired %n day(s) ago", None, -days), -days)
    elif days == 0:
        text = translate("Wording", "expires within a day")
    else:
        text = counted(translate("Wording", "expires in %n day(s)", None, days), days)
    return f"{text} ({on})"


def monitors_counted(count: int) -> str:
    return counted(translate("Wording", "%n domain(s)", None, count), count)


def lines_counted(count: int) -> str:
    return counted(translate("Wording", "%n line(s)", None, count), count)


# ---- sentences


def joined(words: Iterable[str]) -> str:
    """Return "a", "a and b" or "a, b and c" in the user's locale."""
    return QLocale().createSeparatedList(list(words))


def described(name: str, what: str, is_checking: bool) -> str:
    """Return what is known of something with a name: "Frankfurt: offline, being checked again"."""
    again = [translate("Wording", "being checked again")] if is_checking else []
    return f"{name}: {', '.join([what, *again])}"


#: A domain that was added a moment ago lacks no results yet.
_TOLD_FROM_MS = 1_000


def availability_sentence(availability: Availability) -> str:
    """Return how a share was computed: what was known of the time asked for, and what of it was available."""
    if availability.asked_ms <= 0 or (availability.known_ms <= 0 and availability.asked_ms < _TOLD_FROM_MS):
        return translate("Wording", "Not watched long enough to say.")
    if availability.known_ms <= 0:
        return translate("Wording", "Nothing is known of the last %1.").replace("%1", duration(availability.asked_ms))
    text = translate("Wording", "%1 of %2 known; available %3.")
    for place, value in (
        ("%1", availability.known_ms),
        ("%2", availability.asked_ms),
        ("%3", availability.available_ms),
    ):
        text = text.replace(place, duration(value))
    return text


def status_sentence(
    region: Region, status: int, total_ms: float | None, failure: str | None = None, is_checking: bool = False
) -> str:
    """Return the state of one region in words, such as "Europe: offline, connection refused, being checked again"."""
    parts = [status_word(status)]
    if status in (Status.OFFLINE, Status.UNKNOWN) and failure:
        parts.append(failure_word(failure))
    elif status in (Status.ONLINE, Status.SLOW) and total_ms is not None and not math.isnan(total_ms):
        parts.append(latency(total_ms))
    return described(region_name(region), ", ".join(parts), is_checking)


def cell_sentence(
    region: Region,
    *,
    has_probe: bool,
    is_assigned: bool,
    status: int,
    is_checking: bool = False,
    total_ms: float | None = None,
    failure: str | None = None,
    availability_ratio: float | None = None,
    coverage: float | None = None,
) -> str:
    """Return all that one cell of the table shows, for screen readers and its tool tip."""
    if not has_probe:
        return translate("Wording", "%1: no probe yet").replace("%1", region_name(region))
    if not is_assigned:
        return translate("Wording", "%1: not watched from here").replace("%1", region_name(region))
    text = status_sentence(region, status, total_ms, failure, is_checking)
    if status == Status.PAUSED:
        return text
    if availability_ratio is None or math.isnan(availability_ratio):
        return translate("Wording", "%1; nothing known of the last hour").replace("%1", text)
    sentence = translate("Wording", "%1; available %2 of the last hour, %3 of it known")
    return sentence.replace("%3", share(coverage)).replace("%2", share(availability_ratio)).replace("%1", text)


def family_name(family: int) -> str:
    """Return `IPv4` or `IPv6`; nothing for 0, where no family is told apart."""
    return f"IPv{family}" if family else ""


def maintenance_word() -> str:
    """Return the word that stands in the place of a verdict while a maintenance window is on."""
    return translate("Wording", "maintenance")


def maintenance_sentence(title: str, until_ms: int | None) -> str:
    """Return that a domain rests because of a maintenance window, and until when, where that is known."""
    if until_ms is None:
        text = translate("Wording", "%1 is in maintenance: it is measured, and nothing counts.")
    else:
        text = translate("Wording", "%1 is in maintenance until %2: it is measured, and nothing counts.")
        text = text.replace("%2", moment_soon(until_ms))
    return text.replace("%1", isolated(title))


def verdict_sentence(title: str, verdict: int, states: Mapping[Region, int]) -> str:
    """Return the verdict over all regions as one sentence.

    `states` holds the region states of the regions that watch the monitor, in any order.
    """
    shown = isolated(title)
    by_status: dict[int, list[str]] = {}
    for region in REGIONS:
        if region in states:
            by_status.setdefault(int(states[region]), []).append(region_name(region))
    offline = joined(by_status.get(Status.OFFLINE, []))
    good = joined(by_status.get(Status.ONLINE, []) + by_status.get(Status.SLOW, []))
    match Verdict(int(verdict)):
        case Verdict.PAUSED:
            text = translate("Wording", "%1 is paused: it is not measured.")
        case Verdict.UNKNOWN if not states:
            text = translate("Wording", "%1 is not watched from anywhere yet.")
        case Verdict.UNKNOWN:
            text = translate("Wording", "%1 is unknown: no region can tell just now.")
        case Verdict.REGIONAL if good:
            text = translate("Wording", "%1 is offline for %2 only; %3 can reach it.")
        case Verdict.REGIONAL:
            text = translate("Wording", "%1 is offline for %2; the other regions cannot tell.")
        case Verdict.OFFLINE if good:
            text = translate("Wording", "%1 is offline for %2; %3 can still reach it.")
        case Verdict.OFFLINE:
            text = translate("Wording", "%1 is offline.")
        case Verdict.SLOW:
            text = translate("Wording", "%1 answers slowly.")
        case _:
            text = translate("Wording", "%1 is online.")
    return text.replace("%3", good).replace("%2", offline).replace("%1", shown)
