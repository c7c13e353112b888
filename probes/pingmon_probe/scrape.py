"""What a scrape asks for: a target and a module as blackbox_exporter takes them, and any setting of a check besides."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Dict, Mapping, Optional

from .protocol import (
    DEFAULT_TIMEOUT_MS,
    KIND_OF_SCHEME,
    KINDS_OF_FIELD,
    MAX_TIMEOUT_MS,
    MIN_TIMEOUT_MS,
    CheckSpec,
    ProtocolError,
    kind_of,
)

#: Modules that blackbox_exporter's own example has, as far as there is a kind for them. "scheme" completes a target.
MODULES: Dict[str, Dict[str, Any]] = {
    "http_2xx": {"scheme": "http"},
    "http_post_2xx": {"scheme": "http", "method": "POST"},
    "tcp_connect": {"scheme": "tcp"},
    "tls_connect": {"scheme": "tls"},
    "pop3s_banner": {"scheme": "tcp", "tls": "yes", "expect": "+OK"},
    "ssh_banner": {"scheme": "tcp", "expect": "SSH-2.0-"},
    "icmp": {"scheme": "icmp"},
    "dns": {"scheme": "dns"},
}
#: Who scrapes waits this much longer than the check may take, as blackbox_exporter's timeout offset.
OFFSET_S = 0.5

_DEFAULTS = {field.name: field.default for field in fields(CheckSpec)}
#: Settings that may be asked for. What signs in is not among them: addresses are logged.
SETTINGS = frozenset(("timeout_ms", "family", *KINDS_OF_FIELD)) - {"basic_auth", "bearer"}


def spec_of(query: Mapping[str, str], scrape_timeout: Optional[str] = None) -> CheckSpec:
    """Return the check that a scrape asks for. Raises ProtocolError with a sentence.

    A list has one entry a line. `scrape_timeout` is Prometheus' header: how many seconds it waits.
    """
    target = query.get("target", "").strip()
    if not target:
        raise ProtocolError("the parameter target is missing")
    scheme = target.partition("://")[0].lower() if "://" in target else ""
    name = query.get("module", "http_2xx" if not scheme else "")
    if name and name not in MODULES:
        raise ProtocolError(f"there is no module {name[:60]!r}; there are {', '.join(MODULES)}")
    module = dict(MODULES.get(name, {}))
    wanted, tls = module.pop("scheme", ""), module.pop("tls", None)
    if not scheme:
        target = f"{wanted}://{target}" + ("/" if wanted == "http" and "/" not in target else "")
    elif scheme not in KIND_OF_SCHEME or (wanted and KIND_OF_SCHEME[scheme] != KIND_OF_SCHEME[wanted]):
        raise ProtocolError(f"the module {name or 'http_2xx'} does not measure {scheme[:20]}: addresses")
    if scheme in ("http", "https") and "/" not in target.partition("://")[2]:
        target += "/"
    if tls and "?" not in target:
        target += f"?tls={tls}"
    document: Dict[str, Any] = {"url": target, "kind": kind_of(target), **module}
    for key, value in query.items():
        if key in ("target", "module"):
            continue
        if key not in SETTINGS:
            raise ProtocolError(f"there is no parameter {key[:60]!r}")
        document[key] = _value(key, value)
    document.setdefault("timeout_ms", _timeout_ms(scrape_timeout))
    return CheckSpec.from_json(document)


def _value(key: str, text: str) -> Any:
    default = _DEFAULTS[key]
    if isinstance(default, bool):
        if text not in ("true", "false", "1", "0"):
            raise ProtocolError(f"{key} must be true or false")
        return text in ("true", "1")
    if isinstance(default, int) or key == "max_bytes":
        try:
            return int(text)
        except ValueError as exc:
            raise ProtocolError(f"{key} must be a whole number") from exc
    if key == "status_set":
        return [_range(part) for part in text.split(",")]
    if key == "headers":
        return [[part.strip() for part in line.partition(":")[::2]] for line in text.splitlines()]
    return text.splitlines() if isinstance(default, tuple) else text


def _range(text: str) -> Any:
    low, _, high = text.strip().partition("-")
    try:
        return int(low), int(high or low)
    except ValueError as exc:
        raise ProtocolError("status_set must be numbers and ranges, like 200-299,404") from exc


def _timeout_ms(scrape_timeout: Optional[str]) -> int:
    try:
        ms = int((float(scrape_timeout or "") - OFFSET_S) * 1000)
    except (ValueError, OverflowError):
        return DEFAULT_TIMEOUT_MS
    return min(max(ms, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS)
