"""Failures as sentences for a person: what was seen, of whom, where to look. The app shows them as they are."""

from __future__ import annotations

import errno
import socket
from http import HTTPStatus
from typing import Optional, Sequence, Tuple

from .resolver import Address
from .target import Endpoint, Target
from .timeline import CONNECT, DNS, REQUEST, TLS

_NO_SUCH_NAME = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}
_UNREACHABLE = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, getattr(errno, "EHOSTDOWN", -1)))
# Windows has numbers of its own for some.
_FORBIDDEN = frozenset((errno.EACCES, errno.EPERM, getattr(errno, "WSAEACCES", -1)))
_OUT_OF_RESOURCES = frozenset(
    (
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        getattr(errno, "WSAEMFILE", -1),
    )
)

#: Where to look after a status, as the end of a sentence.
_STATUS_HINTS = {
    400: "the server did not understand the request",
    401: "the page wants a user name and password",
    403: "the server refuses this page to the probe",
    404: "there is no such page; look at the path",
    405: "the page does not allow a plain GET",
    410: "the page was removed for good",
    429: "the server limits how often it may be asked",
    500: "look at the application's error log",
    502: "the proxy gets no valid answer from the application behind it",
    503: "the service is overloaded or in maintenance",
    504: "the application behind the proxy takes too long",
}


def seconds(ms: float) -> str:
    """Return `5 seconds`, `1 second`, `0.5 seconds`."""
    text = f"{ms / 1000:.3f}".rstrip("0").rstrip(".")
    return "1 second" if text == "1" else f"{text} seconds"


def shown(text: str, limit: int = 60) -> str:
    """Return a text of the user or the target as it may stand in a sentence: printable and short."""
    if len(text) <= limit and text.isprintable():
        return text
    clean = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[: limit + 1])
    return clean if len(text) <= limit else clean[:limit] + "..."


def dns_timed_out(target: Endpoint, timeout_ms: float) -> str:
    time = seconds(timeout_ms)
    return f"The name {target.host} was not resolved within {time}; look at the domain's name servers."


def timed_out(target: Endpoint, phase: int, timeout_ms: float, body_bytes: int) -> str:
    """Say in which phase the time of the whole check ran out."""
    time = seconds(timeout_ms)
    if phase == DNS:
        return dns_timed_out(target, timeout_ms)
    if phase == CONNECT:
        return (
            f"{target.place} did not accept a connection within {time}; "
            "look whether the server runs and whether a firewall drops the packets."
        )
    if phase == TLS:
        return (
            f"The TLS handshake with {target.place} did not finish within {time}; "
            "the server took the connection and then said nothing more."
        )
    if phase == REQUEST:
        return (
            f"{target.place} took the request but sent no answer within {time}; "
            "look at the load of the application behind it."
        )
    return f"{target.place} began to answer but was not done within {time}; {body_bytes} bytes had come by then."


def resolver_busy(target: Endpoint, timeout_ms: float) -> str:
    return (
        f"The name {target.host} was not looked up: all of this probe's resolver threads were busy for "
        f"{seconds(timeout_ms)}; look at the name servers of the probe's host."
    )


def dns_failed(target: Endpoint, error: OSError, family: int) -> str:
    """Say why a name gave no address."""
    if error.errno in _NO_SUCH_NAME:
        if family:
            return f"The name {target.host} does not exist, or it has no IPv{family} address; look at its DNS records."
        return f"The name {target.host} does not exist, or it has no address; look at its spelling and DNS records."
    if error.errno == socket.EAI_AGAIN:
        return f"No name server answered for {target.host}; look at the domain's name servers and the probe's resolver."
    if error.errno == socket.EAI_FAIL:
        return f"The name servers of {target.host} answered with an error; look at the domain's DNS and DNSSEC."
    return f"The name {target.host} could not be resolved ({shown(error.strerror or str(error))})."


def wrong_family(target: Endpoint, family: int) -> str:
    return f"{target.host} is not an IPv{family} address, and this monitor asks for one of IPv{family}."


def no_way(family: int) -> str:
    return f"The probe's host has no way to IPv{family} addresses, so nothing is known of the target over IPv{family}."


def refused_target(target: Endpoint, address: str, why: str) -> str:
    name = target.host if address == target.host else f"{target.host} ({address})"
    return f"This probe does not connect to {name}: it is {why}, and private targets were not allowed at its install."


def connect_failed(target: Endpoint, address: Address, code: int, what: str) -> Tuple[str, str]:
    """Return (failure class, sentence) for the error a connection attempt ended with."""
    whom = target.place if address[1][0] == target.host else f"{target.place} ({address[1][0]})"
    if code == errno.ECONNREFUSED or code == getattr(errno, "WSAECONNREFUSED", -1):
        return (
            "connect_refused",
            f"{whom} refused the connection: nothing listens on this port; look whether the server program runs.",
        )
    if code in _UNREACHABLE:
        return (
            "connect_refused",
            f"{whom} cannot be reached: there is no route to it; look whether its host and network are up.",
        )
    if code in (errno.ETIMEDOUT, getattr(errno, "WSAETIMEDOUT", -1)):
        return "connect_timeout", f"{whom} did not answer the connection attempt; look whether the host is up."
    if code in _OUT_OF_RESOURCES:
        return "internal", f"This probe's host has no free sockets or ports to reach {whom} ({what})."
    if code in _FORBIDDEN:
        return "internal", f"The probe's own host does not allow it to connect to {whom} ({what})."
    return "connect_refused", f"{whom} broke off the connection attempt ({what})."


def closed_in_handshake(target: Endpoint) -> str:
    return (
        f"{target.place} closed the connection during the TLS handshake; "
        f"look whether this port is meant for {target.secure_protocol} and whether the server knows this name."
    )


def handshake_failed(target: Endpoint, reason: str) -> str:
    return f"The TLS handshake with {target.place} failed: {reason}."


def no_starttls(target: Endpoint, what: str) -> str:
    """Say what a server did in place of beginning TLS."""
    return f"{target.place} {what}."


def broken(target: Endpoint, phase: int, what: str) -> str:
    """Say that an open connection was reset."""
    moment = "before it answered" if phase == REQUEST else "in the middle of its answer"
    return f"{target.place} broke off the connection {moment} ({what}); look at the server's error log."


def bad_http(target: Target, problem: str) -> str:
    return f"{target.place} answered with {problem}."


def wrong_status(target: Target, status: int, status_set: Sequence[Tuple[int, int]]) -> str:
    """Say which status came and which were expected."""
    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = str(status)
    ranges = [str(low) if low == high else f"{low} to {high}" for low, high in status_set]
    expected = " or ".join(ranges[:5]) + (" and others" if len(ranges) > 5 else "")
    hint = _STATUS_HINTS.get(status)
    return f"{target.host} answered {words}; {expected} was expected" + (f" ({hint})." if hint else ".")


def redirect_without_location(target: Target, status: int) -> str:
    return f"{target.host} answered {status}, a redirect, but did not say where to."


def bad_redirect(target: Target, problem: str) -> str:
    return f"{target.host} redirects to an address that {problem}."


def redirect_loop(target: Target) -> str:
    return f"{target.host} redirects in a circle: {shown(target.url, 100)} was asked before; look at its rewrite rules."


def too_many_redirects(target: Target, limit: int) -> str:
    return f"{target.host} redirects once more after {limit} redirects; a browser would give up soon, too."


def keyword_missing(target: Target, keyword: str) -> str:
    return f'The page of {target.host} does not hold the keyword "{shown(keyword)}".'


def keyword_present(target: Target, keyword: str) -> str:
    return f'The page of {target.host} holds "{shown(keyword)}", which should not be there.'


def page_unreadable(target: Target, problem: str) -> str:
    return f"The page of {target.host} could not be searched for the keyword: {problem}."


def bot_wall(target: Target, wall: str, own_address: Optional[str]) -> str:
    """Say that a wall is in between; `own_address` is the one the probe comes from, None where a router hides it."""
    whom = f"the probe's address {own_address}" if own_address else "the address that the probe's network has outside"
    return (
        f"{wall} shows this probe a challenge for browsers instead of {target.host}; "
        f"allow {whom} there, or its user agent (Pingmon)."
    )


def internal(target_url: str) -> str:
    return f"This probe made a mistake while checking {shown(target_url, 100)}; its log says more."


RETRANSMITTED = "The first packet of the connection was lost and had to be sent again."
