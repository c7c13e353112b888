"""One check as a plan or a request carries it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Callable, Dict, FrozenSet, Optional, Tuple
from urllib.parse import urlsplit

from .answer_condition import ConditionError, read_header_condition, read_json_condition
from .dns_record import AnswerError, normal_answer
from .escape import EscapeError, unescaped
from .kind import KINDS, KINDS_OF_FIELD, AddressError, kind_of, read_address
from .request_header import MAX_HEADERS, METHODS, METHODS_WITHOUT_BODY, HeaderError, header
from .wire import (
    BODY_CAP_BYTES,
    DEFAULT_ECHO_COUNT,
    DEFAULT_INTERVAL_MS,
    DEFAULT_MAX_LOSS_PERCENT,
    DEFAULT_SLOW_MS,
    DEFAULT_STATUS_SET,
    DEFAULT_TIMEOUT_MS,
    DNS_MATCHES,
    MAX_BEARER_CHARACTERS,
    MAX_CONDITION_CHARACTERS,
    MAX_CONDITIONS,
    MAX_DNS_ANSWERS,
    MAX_ECHO_COUNT,
    MAX_EXCHANGE_BYTES,
    MAX_EXCHANGE_CHARACTERS,
    MAX_ID,
    MAX_INTERVAL_MS,
    MAX_KEYWORD_CHARACTERS,
    MAX_REQUEST_BODY_CHARACTERS,
    MAX_TIMEOUT_MS,
    MAX_URL_CHARACTERS,
    MIN_INTERVAL_MS,
    MIN_TIMEOUT_MS,
    ProtocolError,
    boolean,
    integer,
)

_VISIBLE_ASCII = re.compile("[!-~]+")


@dataclass(frozen=True)
class CheckSpec:
    """One check of a plan, or one to be run on demand.

    The scheme of `url` says the kind (`kind.py`), and with it which of the fields may differ from their default.
    `monitor` is the app's id of the monitor (0 for a check that belongs to none) and `version` the
    number of the monitor's settings; both come back with every result. `family` is 4, 6, or 0 for
    what `resolver.ipv4_first` chooses. `status_set` lists inclusive ranges.
    `basic_auth` is `user:password` and is never written to a log or a result.
    `headers` are (name, value) and may hold secrets, as `bearer` and `body` do. With `no_redirects` a redirect is the
    answer. `keyword_is_pattern` makes the keyword a regular expression of Python. `json_conditions` and
    `header_conditions` are read by `answer_condition`. The body must have `min_bytes` to `max_bytes`.
    `send` and `expect` are texts with escapes (`escape.unescaped`); `dns_answers` are as `dns_record.normal_answer`
    writes them. More than `max_loss_percent` of `echo_count` echoes lost make a target offline.
    """

    url: str
    monitor: int = 0
    version: int = 0
    interval_ms: int = DEFAULT_INTERVAL_MS
    phase_ms: int = 0
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    slow_ms: int = DEFAULT_SLOW_MS
    family: int = 0
    status_set: Tuple[Tuple[int, int], ...] = DEFAULT_STATUS_SET
    keyword: Optional[str] = None
    keyword_absent: bool = False
    ignore_certificate: bool = False
    basic_auth: Optional[str] = None
    send: Optional[str] = None
    expect: Optional[str] = None
    dns_match: str = "any"
    dns_answers: Tuple[str, ...] = ()
    echo_count: int = DEFAULT_ECHO_COUNT
    max_loss_percent: int = DEFAULT_MAX_LOSS_PERCENT
    method: str = "GET"
    body: Optional[str] = None
    headers: Tuple[Tuple[str, str], ...] = ()
    bearer: Optional[str] = None
    no_redirects: bool = False
    keyword_is_pattern: bool = False
    json_conditions: Tuple[str, ...] = ()
    header_conditions: Tuple[str, ...] = ()
    min_bytes: int = 0
    max_bytes: Optional[int] = None

    @cached_property
    def kind(self) -> str:
        """One of `KINDS`."""
        return kind_of(self.url)

    def __repr__(self) -> str:
        return f"CheckSpec(url={self.url!r}, monitor={self.monitor}, version={self.version})"

    def to_json(self) -> Dict[str, Any]:
        """Return the fields that differ from their default, always with `url`, and the kind unless it is http."""
        document: Dict[str, Any] = {"url": self.url}
        if self.kind != "http":
            document["kind"] = self.kind
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "url" and value != field.default:
                document[field.name] = _as_lists(value)
        return document

    @cached_property
    def encoded(self) -> bytes:
        """`to_json` as bytes, made once: plans are compared far more often than their checks change."""
        return json.dumps(self.to_json(), sort_keys=True).encode("utf-8")

    @classmethod
    def from_json(cls, document: Any) -> CheckSpec:
        """Read one check. Raises ProtocolError naming the field that is unknown or out of range."""
        if not isinstance(document, dict):
            raise ProtocolError("a check must be an object")
        unknown = sorted(document.keys() - _CHECK_FIELDS)
        if unknown:
            raise ProtocolError(f"unknown field of a check: {', '.join(unknown)}")
        url = _read_url(document.get("url"))
        kind = document.get("kind", "http")
        if kind not in KINDS:
            raise ProtocolError(f"unknown kind of check: {kind!r:.40}")
        if kind != kind_of(url):
            raise ProtocolError(f"url is no address of the kind {kind}")
        for name in document:
            if kind not in KINDS_OF_FIELD.get(name, KINDS):
                raise ProtocolError(f"{name} does not go with the kind {kind}")
        values: Dict[str, Any] = {}
        # Most checks say little, and plans have thousands of them.
        for names, read in _READERS:
            if not names.isdisjoint(document):
                values.update(read(document))
        return cls(url, **values)


_CHECK_FIELDS = frozenset(field.name for field in fields(CheckSpec)) | {"kind"}


def _read_url(url: Any) -> str:
    if not isinstance(url, str) or not url or len(url) > MAX_URL_CHARACTERS:
        raise ProtocolError(f"url must be a text of 1 to {MAX_URL_CHARACTERS} characters")
    if not _VISIBLE_ASCII.fullmatch(url):
        raise ProtocolError("url must be plain ASCII without spaces or control characters")
    if kind_of(url) != "http":
        try:
            read_address(url)
        except AddressError as exc:
            raise ProtocolError(f"url {exc}") from exc
        return url
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or 1 <= parts.port <= 65535
    except ValueError as exc:
        raise ProtocolError("url cannot be read") from exc
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise ProtocolError("url must be http or https (or tcp, tls, dns, icmp) with a host and a port from 1 to 65535")
    if parts.username is not None or parts.password is not None:
        raise ProtocolError("url must not hold a user name or password; send basic_auth")
    return url


def _slot(document: Dict[str, Any]) -> Dict[str, Any]:
    """Return whose check it is, when it runs, and what counts as slow."""
    interval_ms = integer(document, "interval_ms", MIN_INTERVAL_MS, MAX_INTERVAL_MS, DEFAULT_INTERVAL_MS)
    family = integer(document, "family", 0, 6, 0)
    if family not in (0, 4, 6):
        raise ProtocolError("family must be 0, 4 or 6")
    return {
        "monitor": integer(document, "monitor", 0, MAX_ID, 0),
        "version": integer(document, "version", 0, 2**31 - 1, 0),
        "interval_ms": interval_ms,
        "phase_ms": integer(document, "phase_ms", 0, interval_ms - 1, 0),
        "timeout_ms": integer(document, "timeout_ms", MIN_TIMEOUT_MS, MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS),
        "slow_ms": integer(document, "slow_ms", 1, MAX_TIMEOUT_MS, DEFAULT_SLOW_MS),
        "family": family,
    }


def _request(document: Dict[str, Any]) -> Dict[str, Any]:
    """Return what is asked, and how: method, body, headers, and what signs in."""
    method, body, bearer = document.get("method", "GET"), document.get("body"), document.get("bearer")
    basic_auth = document.get("basic_auth")
    if method not in METHODS:
        raise ProtocolError(f"method must be one of {', '.join(METHODS)}")
    if body is not None and not (isinstance(body, str) and 0 < len(body) <= MAX_REQUEST_BODY_CHARACTERS):
        raise ProtocolError(f"body must be a text of 1 to {MAX_REQUEST_BODY_CHARACTERS} characters")
    if body is not None and method in METHODS_WITHOUT_BODY:
        raise ProtocolError(f"a {method} request has no body")
    if bearer is not None and not (
        isinstance(bearer, str) and _VISIBLE_ASCII.fullmatch(bearer) and len(bearer) <= MAX_BEARER_CHARACTERS
    ):
        raise ProtocolError("bearer must be a token without spaces")
    if basic_auth is not None and not (isinstance(basic_auth, str) and ":" in basic_auth and len(basic_auth) <= 1_000):
        raise ProtocolError("basic_auth must be user:password")
    if bearer is not None and basic_auth is not None:
        raise ProtocolError("basic_auth and bearer do not go together")
    headers = document.get("headers", [])
    try:
        read = tuple(header(name, value) for name, value in headers)
    except HeaderError as exc:
        raise ProtocolError(f"headers: {exc}") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise ProtocolError("headers must be a list of [name, value]") from exc
    if len(read) > MAX_HEADERS:
        raise ProtocolError(f"headers must be at most {MAX_HEADERS}")
    return {
        "method": method,
        "body": body,
        "headers": read,
        "bearer": bearer,
        "basic_auth": basic_auth,
        "ignore_certificate": boolean(document, "ignore_certificate"),
        "no_redirects": boolean(document, "no_redirects"),
    }


def _expected(document: Dict[str, Any]) -> Dict[str, Any]:
    """Return what the answer has to be like."""
    keyword = document.get("keyword")
    if keyword is not None and not (isinstance(keyword, str) and 0 < len(keyword) <= MAX_KEYWORD_CHARACTERS):
        raise ProtocolError(f"keyword must be a text of 1 to {MAX_KEYWORD_CHARACTERS} characters")
    return {
        "status_set": _status_set(document.get("status_set", DEFAULT_STATUS_SET)),
        "keyword": keyword,
        "keyword_absent": boolean(document, "keyword_absent"),
        "keyword_is_pattern": boolean(document, "keyword_is_pattern"),
        "json_conditions": _conditions(document, "json_conditions", read_json_condition),
        "header_conditions": _conditions(document, "header_conditions", read_header_condition),
    }


def _conditions(document: Dict[str, Any], name: str, read: Callable[[str], Any]) -> Tuple[str, ...]:
    texts = document.get(name, [])
    if not isinstance(texts, (list, tuple)) or len(texts) > MAX_CONDITIONS:
        raise ProtocolError(f"{name} must be a list of at most {MAX_CONDITIONS}")
    for text in texts:
        if not isinstance(text, str) or not 0 < len(text) <= MAX_CONDITION_CHARACTERS:
            raise ProtocolError(f"{name} must be texts of 1 to {MAX_CONDITION_CHARACTERS} characters")
        try:
            read(text)
        except ConditionError as exc:
            raise ProtocolError(f"{name}: {exc}") from exc
    return tuple(texts)


def _size(document: Dict[str, Any]) -> Dict[str, Any]:
    min_bytes = integer(document, "min_bytes", 0, BODY_CAP_BYTES, 0)
    max_bytes = document.get("max_bytes")
    if max_bytes is not None:
        max_bytes = integer(document, "max_bytes", min_bytes, BODY_CAP_BYTES - 1, 0)
    return {"min_bytes": min_bytes, "max_bytes": max_bytes}


def _talk(document: Dict[str, Any]) -> Dict[str, Any]:
    return {"send": _exchange(document, "send"), "expect": _exchange(document, "expect")}


def _exchange(document: Dict[str, Any], name: str) -> Optional[str]:
    """Return what is sent or expected, as it was typed."""
    text = document.get(name)
    if text is None:
        return None
    if not isinstance(text, str) or not 0 < len(text) <= MAX_EXCHANGE_CHARACTERS:
        raise ProtocolError(f"{name} must be a text of 1 to {MAX_EXCHANGE_CHARACTERS} characters")
    try:
        size = len(unescaped(text))
    except EscapeError as exc:
        raise ProtocolError(f"{name} {exc}") from exc
    if size > MAX_EXCHANGE_BYTES:
        raise ProtocolError(f"{name} must be at most {MAX_EXCHANGE_BYTES} bytes")
    return text


def _dns(document: Dict[str, Any]) -> Dict[str, Any]:
    return {"dns_match": _dns_match(document), "dns_answers": _dns_answers(document)}


def _dns_match(document: Dict[str, Any]) -> str:
    match = document.get("dns_match", "any")
    if match not in DNS_MATCHES:
        raise ProtocolError(f"dns_match must be one of {', '.join(DNS_MATCHES)}")
    if (match in ("exact", "contains")) != bool(document.get("dns_answers")):
        raise ProtocolError("dns_answers go with the dns_match exact or contains, and these with them")
    return str(match)


def _dns_answers(document: Dict[str, Any]) -> Tuple[str, ...]:
    """Return the expected answers in the form in which a name server's are written."""
    answers = document.get("dns_answers", [])
    if not isinstance(answers, (list, tuple)) or len(answers) > MAX_DNS_ANSWERS:
        raise ProtocolError(f"dns_answers must be a list of at most {MAX_DNS_ANSWERS}")
    if not all(isinstance(answer, str) for answer in answers):
        raise ProtocolError("dns_answers must be texts")
    if not answers:
        return ()
    record_type = read_address(document["url"]).record_type
    try:
        return tuple(normal_answer(record_type, answer) for answer in answers)
    except AnswerError as exc:
        raise ProtocolError(f"dns_answers: {exc}") from exc


def _echoes(document: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "echo_count": integer(document, "echo_count", 1, MAX_ECHO_COUNT, DEFAULT_ECHO_COUNT),
        "max_loss_percent": integer(document, "max_loss_percent", 0, 99, DEFAULT_MAX_LOSS_PERCENT),
    }


def _status_set(value: Any) -> Tuple[Tuple[int, int], ...]:
    try:
        ranges = tuple((low, high) for low, high in value)
    except (TypeError, ValueError) as exc:
        raise ProtocolError("status_set must be a list of [low, high]") from exc
    for low, high in ranges:
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in (low, high))
        if not whole or not 100 <= low <= high <= 599:
            raise ProtocolError("status_set must hold ranges within 100 to 599")
    if not 1 <= len(ranges) <= 50:
        raise ProtocolError("status_set must hold 1 to 50 ranges")
    return ranges


def _as_lists(value: Any) -> Any:
    return [_as_lists(part) for part in value] if isinstance(value, tuple) else value


#: Fields that are read together, and what reads them out of a document that has any of them.
_READERS: Tuple[Tuple[FrozenSet[str], Callable[[Dict[str, Any]], Dict[str, Any]]], ...] = tuple(
    (frozenset(names.split()), read)
    for names, read in (
        ("monitor version interval_ms phase_ms timeout_ms slow_ms family", _slot),
        ("method body headers bearer basic_auth ignore_certificate no_redirects", _request),
        ("status_set keyword keyword_absent keyword_is_pattern json_conditions header_conditions", _expected),
        ("min_bytes max_bytes", _size),
        ("send expect", _talk),
        ("dns_match dns_answers", _dns),
        ("echo_count max_loss_percent", _echoes),
    )
)
