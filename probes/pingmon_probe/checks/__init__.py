"""The kinds of check. A kind is one file: add it, and add a line to `CHECKS`."""

from __future__ import annotations

from typing import Callable, Dict

from pingmon_probe.check import Run, Running

from .dns import DnsCheck
from .http import HttpCheck
from .icmp import IcmpCheck
from .tcp import TcpCheck
from .tls import TlsCheck

#: The kind's name in a plan -> what makes the work of one run.
CHECKS: Dict[str, Callable[[Run], Running]] = {
    "http": HttpCheck,
    "tcp": TcpCheck,
    "tls": TlsCheck,
    "dns": DnsCheck,
    "icmp": IcmpCheck,
}
