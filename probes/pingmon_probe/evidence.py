"""What a failed check leaves for whoever looks into it: names, addresses, certificates, answers, the body's start.

A kind of check puts what it has into a `Gathered`, by reference alone; `written` makes the document of it in steps of
well below a millisecond. What comes from the target is bounded here, and secrets in it are masked.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import zlib
from typing import Any, Dict, Generator, Iterator, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import quote

from .certificate import DerError, read_certificate
from .content import CHARSET
from .http1 import HEAD_KEPT_BYTES
from .protocol import (
    EVIDENCE_BODY_BYTES,
    MAX_CHAIN_TOLD,
    MAX_EVIDENCE_BYTES,
    CheckSpec,
    is_harmless,
)
from .sentence import shown

MASK = "[masked]"

_MAX_ADDRESSES = 20
_MAX_LINES, _MAX_LINE_CHARACTERS = 60, 400
_LINES_PER_STEP = 20
_MAX_NAMES = 10
_MAX_TEXT_CHARACTERS = 400
#: A secret of fewer characters would blank out half of a page.
_LEAST_SECRET_CHARACTERS = 4
_SECRET_NAME = re.compile(
    r"cookie|auth|token|secret|session|passw|credential|api-?key|csrf|xsrf|signature|jwt", re.IGNORECASE
)
#: Challenges say how to sign in, and nothing of who did.
_NO_SECRETS = frozenset(("www-authenticate", "proxy-authenticate"))
#: A parameter in an address. Names end where the next one begins, so that a hostile text is gone through but once.
_PARAMETER = re.compile(r"([?&;])([^=&#\s;?]{1,100})=([^&#\s;?]+)")
_SECRET_PARAMETER = re.compile(r"token|secret|passw|key|sig|auth|code|session|jwt", re.IGNORECASE)
#: Character sets that are looked up by a name of the target's choosing; all others are read as UTF-8.
_CHARSETS = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]|shift_jis|"
    r"euc-(?:jp|kr)|gb2312|gbk|gb18030|big5",
    re.IGNORECASE,
)


class NameAnswer(NamedTuple):
    """What became of a name: its addresses in the resolver's order, or an error. `server` is None where unknown."""

    host: str
    server: Optional[str]
    addresses: Sequence[str]
    error: Optional[str]
    took_ms: Optional[float]


class Tried(NamedTuple):
    """One place that was gone to. `address` is None where it did not come to that."""

    target: str
    address: Optional[str]
    #: None where there are no ports.
    port: Optional[int]
    outcome: str


class Gathered:
    """What a run has, raw. `heads` are (URL, head as it came) of each hop; `body` may be longer than what is kept."""

    __slots__ = ("body", "body_bytes", "chain", "content_coding", "content_type", "heads", "names", "tried")

    def __init__(self) -> None:
        self.names: List[NameAnswer] = []
        self.tried: List[Tried] = []
        self.chain: Sequence[bytes] = ()
        self.heads: List[Tuple[str, bytes]] = []
        self.body = b""
        #: How much of it came in all.
        self.body_bytes = 0
        self.content_type = ""
        self.content_coding = ""


def written(gathered: Gathered, spec: CheckSpec) -> Generator[None, None, Dict[str, Any]]:
    """Make the document step by step; it is what the generator returns, never above MAX_EVIDENCE_BYTES as JSON."""
    secrets = _secrets_of(spec)
    document: Dict[str, Any] = {}
    if gathered.names:
        document["names"] = [_name_json(name) for name in gathered.names]
    if gathered.tried:
        document["tried"] = [
            {
                "target": _masked_url(shown(one.target, _MAX_TEXT_CHARACTERS)),
                "address": one.address,
                "port": one.port,
                "outcome": shown(one.outcome, _MAX_TEXT_CHARACTERS),
            }
            for one in gathered.tried
        ]
    chain = []
    for der in gathered.chain[:MAX_CHAIN_TOLD]:
        chain.append(_certificate_json(der))
        yield
    if chain:
        document["chain"] = chain
    answers = []
    for url, head in gathered.heads:
        answers.append((yield from _head_json(url, head, secrets)))
        yield
    if answers:
        document["answers"] = answers
    if gathered.body:
        document["body"] = _body_json(gathered, secrets)
        yield
    yield from _fitted(document)
    return document


def as_json_bytes(document: Dict[str, Any]) -> int:
    """Return how long a document is on the wire."""
    return len(json.dumps(document, separators=(",", ":")))


def first_bytes(pieces: Sequence[bytes], limit: int) -> bytes:
    """Return the beginning of what lies in pieces, without putting all of them together."""
    found, size = [], 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size >= limit:
            break
    return b"".join(found)[:limit]


def _name_json(name: NameAnswer) -> Dict[str, Any]:
    return {
        "host": shown(name.host, 253),
        "server": name.server,
        "addresses": [shown(address, 100) for address in name.addresses[:_MAX_ADDRESSES]],
        "address_count": len(name.addresses),
        "error": None if name.error is None else shown(name.error, _MAX_TEXT_CHARACTERS),
        "took_ms": name.took_ms,
    }


def _certificate_json(der: bytes) -> Dict[str, Any]:
    told: Dict[str, Any] = {"sha256": hashlib.sha256(der).hexdigest()}
    try:
        facts = read_certificate(der)
    except DerError:
        return told
    told.update(
        subject=facts.subject,
        issuer=facts.issuer,
        not_before=facts.not_before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_after=facts.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
        names=list(facts.names[:_MAX_NAMES]),
        name_count=len(facts.names),
    )
    return told


def _head_json(url: str, head: bytes, secrets: Sequence[str]) -> Generator[None, None, Dict[str, Any]]:
    text = head[:HEAD_KEPT_BYTES].decode("latin-1")
    secrets = [secret for secret in secrets if secret in text]
    lines = text.split("\n")
    is_cut = len(head) >= HEAD_KEPT_BYTES
    # Of a line that is cut off nobody knows what it would have been.
    status_line, fields = lines[0], lines[1 : -1 if is_cut else None]
    headers = []
    for place, line in enumerate(fields[:_MAX_LINES], start=1):
        if place % _LINES_PER_STEP == 0:
            yield
        name, colon, value = line.partition(":")
        if colon and name[:1] not in (" ", "\t"):
            headers.append([shown(name.strip(), 100), _header_value(name.strip().lower(), value.strip(), secrets)])
        elif headers:  # a line that goes on; what it belongs to may be a secret
            goes_on = "" if headers[-1][1].endswith(MASK) else " " + _clean(line.strip(), secrets)
            headers[-1][1] = (headers[-1][1] + goes_on)[:_MAX_LINE_CHARACTERS]
    return {
        "url": _masked_url(shown(url, _MAX_TEXT_CHARACTERS)),
        "status_line": shown(status_line.strip(), _MAX_TEXT_CHARACTERS),
        "headers": headers,
        "is_cut": is_cut or len(fields) > _MAX_LINES,
    }


def _header_value(name: str, value: str, secrets: Sequence[str]) -> str:
    if name.startswith("set-cookie"):
        cookie = value.partition("=")[0]
        return f"{shown(cookie, 60)}={MASK}" if "=" in value else MASK
    if _SECRET_NAME.search(name) and name not in _NO_SECRETS:
        return MASK
    return _clean(value, secrets)


def _clean(value: str, secrets: Sequence[str]) -> str:
    return shown(_masked_url(_without(value, secrets)), _MAX_LINE_CHARACTERS)


def _masked_url(text: str) -> str:
    return _PARAMETER.sub(_masked_parameter, text) if "=" in text else text


def _masked_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={MASK}" if _SECRET_PARAMETER.search(found[2]) else found[0]


def _without(text: str, secrets: Sequence[str]) -> str:
    """Return a text without what this monitor signs in with: some servers send back what they were sent."""
    for secret in secrets:
        text = text.replace(secret, MASK)
        # The text may end in the middle of one.
        start, place = secret[:_LEAST_SECRET_CHARACTERS], max(0, len(text) - len(secret))
        while (place := text.find(start, place)) >= 0:
            if secret.startswith(text[place:]):
                return text[:place] + MASK
            place += 1
    return text


def _secrets_of(spec: CheckSpec) -> List[str]:
    found = [value for name, value in spec.headers if not is_harmless(name)]
    if spec.bearer:
        found.append(spec.bearer)
    if spec.basic_auth:
        found += [spec.basic_auth, spec.basic_auth.partition(":")[2]]
        found.append(_base64(spec.basic_auth))
    found += [form(secret) for secret in found for form in (quote, _json_inside)]
    # The longest first: a part of one may be another.
    return sorted({secret for secret in found if len(secret) >= _LEAST_SECRET_CHARACTERS}, key=len, reverse=True)


def _json_inside(text: str) -> str:
    return json.dumps(text)[1:-1]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")


def _body_json(gathered: Gathered, secrets: Sequence[str]) -> Dict[str, Any]:
    data, coding = gathered.body[:EVIDENCE_BODY_BYTES], ""
    if gathered.content_coding in ("gzip", "x-gzip", "deflate"):
        # A decoder that finds out by itself which of the two it is; a bomb ends at what is kept.
        decoder = zlib.decompressobj(32 + zlib.MAX_WBITS)
        with contextlib.suppress(zlib.error):
            data, coding = decoder.decompress(data, EVIDENCE_BODY_BYTES), gathered.content_coding
    found = CHARSET.search(gathered.content_type)
    charset = found.group(1) if found is not None and _CHARSETS.fullmatch(found.group(1)) else "utf-8"
    try:
        text = data.decode(charset, "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    text = "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for letter in text.replace("\r\n", "\n")
    )
    return {
        "text": _without(text, secrets),
        "body_bytes": gathered.body_bytes,
        "is_cut": gathered.body_bytes > EVIDENCE_BODY_BYTES or bool(coding and len(data) >= EVIDENCE_BODY_BYTES),
        "coding": coding,
    }


def _fitted(document: Dict[str, Any]) -> Iterator[None]:
    """Cut a document down to its largest size: first its body, then what else is long."""
    body = document.get("body")
    while as_json_bytes(document) > MAX_EVIDENCE_BYTES:
        yield
        if body is not None and body["text"]:
            body["text"], body["is_cut"] = body["text"][: len(body["text"]) // 2], True
        elif any(one["headers"] for one in document.get("answers", ())):
            longest = max(document["answers"], key=lambda one: len(one["headers"]))
            longest["headers"], longest["is_cut"] = longest["headers"][: len(longest["headers"]) // 2], True
        elif "chain" in document:
            del document["chain"]
        else:
            document.clear()
