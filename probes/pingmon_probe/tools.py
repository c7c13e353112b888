"""What every check of one probe shares."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Callable, Optional

from .echo import open_echo_socket
from .host_resolver import HostResolver
from .loop import Loop
from .matcher import Matcher
from .resolver import Resolver
from .stamp import Stamps
from .tls import Contexts
from .verdict_cache import VerdictCache


@dataclass
class Tools:
    """The instruments of a measurer; none of them belongs to a single check."""

    loop: Loop
    stamps: Stamps
    resolver: Resolver
    contexts: Contexts
    matcher: Matcher
    #: Says why an address is not connected to, None where it may be.
    refuse: Callable[[str], Optional[str]]
    verdicts: VerdictCache = field(default_factory=VerdictCache)
    host_resolver: HostResolver = field(default_factory=HostResolver)
    #: Makes a socket that carries echoes of a family; raises `echo.NotAllowed` or OSError.
    open_echo: Callable[[int], socket.socket] = open_echo_socket
