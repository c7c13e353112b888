"""What a resolver said of a name, as evidence."""

from __future__ import annotations

from typing import List, Optional

from .address_search import Resolved
from .evidence import NameAnswer
from .resolver import numeric_address
from .tools import Tools


def names_of(tools: Tools, host: str, answer: Optional[Resolved]) -> List[NameAnswer]:
    """Return the answer for a host as evidence, nothing for a numeric address: nobody was asked."""
    if numeric_address(host, 0) is not None:
        return []
    # A name of this computer is nobody else's to answer.
    is_local = host.rstrip(".").lower().rpartition(".")[2] == "localhost"
    server = None if is_local else tools.host_resolver.server()
    if answer is None:
        return [NameAnswer(host, server, (), "no answer came while it was waited for", None)]
    error = None if answer.error is None else (answer.error.strerror or str(answer.error))
    took_ms = None if answer.took_s is None else round(answer.took_s * 1000, 3)
    addresses = list(dict.fromkeys(str(address[1][0]) for address in answer.addresses))
    return [NameAnswer(host, server, addresses, error, took_ms)]
