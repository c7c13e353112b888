"""Which name server the probe's host itself asks: the first of /etc/resolv.conf, or of Windows' registry."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path
from time import monotonic
from typing import Iterable, Iterator, List, Optional

RESOLV_CONF = Path("/etc/resolv.conf")
#: How long an answer is believed: a laptop changes its network.
KEPT_S = 10.0
_TCPIP = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"


class HostResolver:
    """Looks it up when it is asked, and not more often than every few seconds."""

    def __init__(self, path: Path = RESOLV_CONF) -> None:
        self._path = path
        self._server: Optional[str] = None
        self._read_s: Optional[float] = None

    def server(self) -> Optional[str]:
        """Return the numeric address of the first name server, None where none is named."""
        now_s = monotonic()
        if self._read_s is None or now_s - self._read_s > KEPT_S:
            self._read_s = now_s
            self._server = next(iter(self._servers()), None)
        return self._server

    def _servers(self) -> List[str]:
        if sys.platform == "win32":
            return named_servers(_registry_values())
        try:
            with self._path.open("r", encoding="utf-8", errors="replace") as file:
                lines = file.read(64 * 1024).splitlines()
        except OSError:
            # What the C library assumes, too: one on this computer.
            return ["127.0.0.1"]
        words = (line.split() for line in lines)
        return named_servers(line[1] for line in words if len(line) > 1 and line[0] == "nameserver") or ["127.0.0.1"]


def named_servers(texts: Iterable[str]) -> List[str]:
    """Return the addresses in texts that hold several, separated by blanks or commas; a zone is kept."""
    found = []
    for text in texts:
        for word in text.replace(",", " ").split():
            try:
                ipaddress.ip_address(word.partition("%")[0])
            except ValueError:
                continue
            found.append(word)
    return found


def _registry_values() -> Iterator[str]:
    """Yield the lists of name servers: those that somebody typed first, then those that DHCP told."""
    if sys.platform != "win32":
        return
    import winreg

    def values(key: str) -> Iterator[str]:
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
                for name in ("NameServer", "DhcpNameServer"):
                    try:
                        yield str(winreg.QueryValueEx(opened, name)[0])
                    except OSError:
                        continue
        except OSError:
            return

    yield from values(_TCPIP)
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{_TCPIP}\Interfaces") as interfaces:
            names = [winreg.EnumKey(interfaces, place) for place in range(winreg.QueryInfoKey(interfaces)[0])]
    except OSError:
        return
    for name in names:
        yield from values(rf"{_TCPIP}\Interfaces\{name}")
