"""Targets: reading what people type or paste as an address, and showing it again.

What is refused gets a sentence at once; nothing is guessed that could watch another site than meant.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import idna
from pingmon_probe.protocol import KIND_OF_SCHEME, MAX_URL_CHARACTERS, STARTTLS_PORTS

from pingmon_gui.domain import kind_target
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.host_name import ascii_host

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):(.*)$", re.DOTALL)
#: Schemes whose addresses look like `user:password@host`.
_NEVER_A_USER_NAME = ("mailto", "sip", "sips", "xmpp")
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Others' schemes whose servers can be watched all the same, with their usual ports.
_OTHER_PORTS = {
    "amqp": 5672, "mqtt": 1883, "mysql": 3306, "rdp": 3389, "redis": 6379, "sftp": 22, "ssh": 22, "telnet": 23,
    "vnc": 5900, "ws": 80, **STARTTLS_PORTS,
}  # fmt: skip
#: Those that begin with TLS.
_SECURE_PORTS = {"ftps": 990, "imaps": 993, "ldaps": 636, "pop3s": 995, "smtps": 465, "wss": 443}
MAX_PASTED_LINES = 10_000


@dataclass(frozen=True)
class Target:
    """A normalised address. `basic_auth` is `user:password` taken out of it, None if there was none."""

    url: str
    basic_auth: str | None = None

    def __repr__(self) -> str:
        return f"Target(url={self.url!r})"


def parse_target(text: str, like: kind_target.Like = kind_target.WEBSITE) -> Target:
    """Read an address of any kind, with or without scheme; raises InvalidInput with a sentence.

    `like` says what an address without a scheme is: a website by https, if nothing else is said. The result is ASCII:
    the host in IDNA form and lower case, no default port, no fragment; of a website a path of at least "/", with user
    name and password taken out.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("The address is empty.", "Type one like example.com or https://example.com/health.")
    if len(text) > MAX_URL_CHARACTERS:
        raise InvalidInput(f"The address is longer than {MAX_URL_CHARACTERS} characters.")
    for letter in text:
        if letter.isspace():
            raise InvalidInput("The address holds a space.", "Write spaces in a path as %20.")
        if unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Cn"):
            raise InvalidInput("The address holds control characters or invisible marks.", "Type it anew.")
    scheme, rest = _split_scheme(text)
    if scheme is None and like.kind != "http":
        return Target(kind_target.read_like(_bracketed(rest), like))
    if scheme in kind_target.SCHEMES:
        return Target(kind_target.read(scheme, rest))
    return _parse_website(scheme or "https", _bracketed(rest))


def kind_of_text(text: str) -> str | None:
    """Return the kind that what is typed names by its scheme, None where it names none that is known."""
    scheme = _split_scheme(text.strip())[0]
    return None if scheme is None else KIND_OF_SCHEME.get("icmp" if scheme == "ping" else scheme)


def _parse_website(scheme: str, rest: str) -> Target:
    if scheme not in _DEFAULT_PORTS:
        raise InvalidInput(f"{scheme}: addresses cannot be watched.", _how_else(scheme))
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError as exc:
        raise InvalidInput("The port or the host of the address cannot be read.", "A port is 1 to 65535.") from exc
    if port == 0:
        raise InvalidInput("Port 0 cannot be watched.", "A port is 1 to 65535.")
    if "\\" in parts.netloc or not parts.hostname:
        raise InvalidInput("The address has no host.", "Type one like example.com or https://example.com/health.")
    host = ascii_host(parts.hostname)
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        netloc += f":{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    url = f"{scheme}://{netloc}{path}" + (f"?{query}" if query else "")
    if len(url) > MAX_URL_CHARACTERS:
        raise InvalidInput(f"The address is longer than {MAX_URL_CHARACTERS} characters.")
    auth = None
    if parts.username is not None or parts.password is not None:
        auth = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        if len(auth) > 1_000 or not auth.isprintable():
            raise InvalidInput("The user name and password in the address cannot be used.")
    return Target(url, auth)


def display_url(url: str) -> str:
    """Return a normalised address as people read it: no https://, no bare "/" at the end, IDNA names decoded.

    A name whose decoded form could be mistaken for another stays in its ASCII form.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if "xn--" in host:
        try:
            decoded = idna.decode(host)
        except idna.IDNAError:
            decoded = host
        host = decoded if _is_one_script(decoded) else host
    if ":" in host:
        host = f"[{host}]"
    shown = host + (f":{parts.port}" if parts.port else "") + parts.path + (f"?{parts.query}" if parts.query else "")
    if parts.path in ("", "/") and not parts.query:
        shown = shown.rstrip("/")
    return shown if parts.scheme == "https" else f"{parts.scheme}://{shown}"


def full_url(url: str) -> str:
    """Return a normalised address as people read it, with its scheme always: for where there is room for it."""
    shown = display_url(url)
    return f"https://{shown}" if urlsplit(url).scheme == "https" else shown


@dataclass(frozen=True)
class PastedLine:
    """One line of a pasted list: a target, or the sentence that says why not.

    `number` counts from 1. `error` is None for a usable line; `is_duplicate` marks targets that are
    there already or stood further up: they are left out without being an error.
    """

    number: int
    text: str
    target: Target | None = None
    name: str = ""
    error: str | None = None
    is_duplicate: bool = False


def parse_pasted(
    text: str, existing: Collection[str], like: kind_target.Like = kind_target.WEBSITE
) -> list[PastedLine]:
    """Read a pasted list: one address a line, optionally followed by white space or a comma and a name.

    Empty lines and lines that start with # are passed over. `existing` holds the normalised addresses that are
    watched already; `like` says what an address without a scheme is. Raises InvalidInput only for more than
    MAX_PASTED_LINES.
    """
    lines = text.splitlines()
    if len(lines) > MAX_PASTED_LINES:
        raise InvalidInput(f"The list has {len(lines):,} lines; at most {MAX_PASTED_LINES:,} can be read at once.")
    seen = set(existing)
    read: list[PastedLine] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        address, name = _split_name(line)
        try:
            target = parse_target(address, like)
        except InvalidInput as exc:
            read.append(PastedLine(number, line, error=exc.message))
            continue
        read.append(PastedLine(number, line, target, name, is_duplicate=target.url in seen))
        seen.add(target.url)
    return read


def _split_name(line: str) -> tuple[str, str]:
    match = re.match(r"^([^\s,;]+)(?:[\s,;]+(.*))?$", line)
    if not match:
        return line, ""
    name = "".join(letter for letter in " ".join((match[2] or "").split()) if letter.isprintable())
    return match[1], name[:200]


def _split_scheme(text: str) -> tuple[str | None, str]:
    """Tell `host:8080/x` (no scheme) from `mailto:x` and `javascript:x` (a scheme we do not watch)."""
    if text.startswith("//"):
        return None, text[2:]
    match = _SCHEME.match(text)
    if not match or _is_ipv6(text):
        return None, text
    scheme, rest = match[1].lower(), match[2]
    if rest.startswith("//"):
        return scheme, rest[2:]
    if scheme not in _NEVER_A_USER_NAME and (re.match(r"^\d*(?:[/?#].*)?$", rest) or "@" in rest.split("/", 1)[0]):
        return None, text
    return scheme, rest


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _bracketed(rest: str) -> str:
    """Return an address with the brackets that IPv6 needs, where it is nothing but that."""
    return f"[{rest}]" if _is_ipv6(rest) else rest


def _how_else(scheme: str) -> str:
    if scheme in _SECURE_PORTS:
        return f"Watch its certificate instead: tls://HOST:{_SECURE_PORTS[scheme]}."
    if scheme in STARTTLS_PORTS:
        return f"Watch its port or its certificate: tcp://HOST:{_OTHER_PORTS[scheme]}, tls://HOST?starttls={scheme}."
    if scheme in _OTHER_PORTS:
        return f"Watch its port instead: tcp://HOST:{_OTHER_PORTS[scheme]}."
    return "Use http:// or https://, tcp://HOST:PORT, tls://HOST, dns://NAME?type=MX or icmp://HOST."


def _is_one_script(text: str) -> bool:
    scripts = {unicodedata.name(letter, "?").split(" ")[0] for letter in text if letter.isalpha()}
    return len(scripts) <= 1
