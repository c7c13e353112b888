"""Sentences about echoes."""

from __future__ import annotations

import errno
import os
import sys
from typing import Optional

from .sentence import seconds
from .target import Endpoint

_REASONS = {
    errno.EHOSTUNREACH: "the host cannot be reached",
    errno.ENETUNREACH: "there is no route to it",
    errno.EACCES: "it is forbidden there",
    errno.EPERM: "it is forbidden there",
    errno.ECONNREFUSED: "it was refused",
    errno.ENETDOWN: "the network is down",
}


def not_allowed() -> str:
    if sys.platform != "linux":
        return "This probe's host lets nobody but an administrator send echoes (ICMP)."
    return (
        "This probe's host does not let it send echoes (ICMP). Its administrator can allow it: "
        "sysctl -w net.ipv4.ping_group_range='0 2147483647'."
    )


def no_socket(what: str) -> str:
    return f"This probe's host has no free socket to send echoes with ({what})."


def unreachable(target: Endpoint, code: int, offender: Optional[str]) -> str:
    why = _REASONS.get(code) or os.strerror(code)
    who = f", says {offender}" if offender and offender != target.host else ""
    return f"{target.host} did not answer any echo: {why}{who}."


def not_sent(target: Endpoint, code: int) -> str:
    return f"The probe's own host does not allow it to send echoes to {target.host} ({os.strerror(code)})."


def none_came_back(target: Endpoint, sent: int, timeout_ms: float) -> str:
    what = "The echo" if sent == 1 else f"None of {sent} echoes"
    verb = "did not come back" if sent == 1 else "came back"
    return (
        f"{what} sent to {target.host} {verb} within {seconds(timeout_ms)}; "
        "the host may be down, or a firewall may drop ICMP."
    )


def some_lost(target: Endpoint, sent: int, received: int) -> str:
    lost = sent - received
    return f"{lost} of {sent} echoes sent to {target.host} {'was' if lost == 1 else 'were'} lost."
