"""Settings that only some kinds of check have, as files of ours name, write and read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pingmon_probe.protocol import BODY_CAP_BYTES, DNS_MATCHES, MAX_DNS_ANSWERS, MAX_ECHO_COUNT, METHODS

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings, parse_exchange
from pingmon_gui.domain.request_setting import header_lines, read_headers, require_conditions, require_request

#: What stands in a file: a text, a number, a truth or a list of texts.
Value = str | int | list[str]
_YES, _NO = ("yes", "true", "1", "on", "x"), ("no", "false", "0", "off")


@dataclass(frozen=True)
class KindSetting:
    """`key` is its name in files, `field` that of `MonitorSettings`. `read` raises InvalidInput with a sentence."""

    key: str
    field: str
    read: Callable[[Any], Any]

    def value(self, settings: MonitorSettings) -> Value:
        value = getattr(settings, self.field)
        if self.field == "headers":
            return header_lines(value)
        return list(value) if isinstance(value, tuple) else "" if value is None else value

    def text(self, settings: MonitorSettings) -> str:
        """Return it as the cell of a table: a list has one entry a line."""
        value = self.value(settings)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "\n".join(value) if isinstance(value, list) else str(value)

    def is_default(self, settings: MonitorSettings) -> bool:
        return bool(getattr(settings, self.field) == getattr(MonitorSettings(), self.field))


def _exchange(value: Any) -> str | None:
    if not isinstance(value, str):
        raise InvalidInput("It must be a text.")
    return parse_exchange(value)


def _match(value: Any) -> str:
    if value not in DNS_MATCHES:
        raise InvalidInput(f"It must be one of {', '.join(DNS_MATCHES)}.")
    return str(value)


def _answers(value: Any) -> tuple[str, ...]:
    lines = _lines(value, "192.0.2.1")
    if len(lines) > MAX_DNS_ANSWERS:
        raise InvalidInput(f"At most {MAX_DNS_ANSWERS} answers can be expected.")
    return lines


def _lines(value: Any, example: str) -> tuple[str, ...]:
    """Return the texts of a list, or of a cell with one a line."""
    lines: Sequence[Any] = value.splitlines() if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise InvalidInput(f"It must be a list of texts, like [“{example}”].")
    return tuple(line.strip() for line in lines if line.strip())


def _method(value: Any) -> str:
    if not isinstance(value, str) or value.upper() not in METHODS:
        raise InvalidInput(f"It must be one of {', '.join(METHODS)}.")
    return value.upper()


def _body(value: Any) -> str | None:
    if not isinstance(value, str):
        raise InvalidInput("It must be a text.")
    require_request("POST", value or None, ())
    return value or None


def _flag(value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in (*_YES, *_NO):
        return value.strip().lower() in _YES
    if not isinstance(value, bool):
        raise InvalidInput("It must be true or false.")
    return value


def _conditions(is_json: bool) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        lines = _lines(value, "status.ok == true" if is_json else "Cache-Control contains no-store")
        require_conditions(lines if is_json else (), () if is_json else lines)
        return lines

    return read


def _number(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 12:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidInput(f"It must be a number from {low} to {high}.")
        return value

    return read


KIND_SETTINGS = (
    KindSetting("method", "method", _method),
    KindSetting("body", "body", _body),
    KindSetting("headers", "headers", lambda value: read_headers(_lines(value, "Accept-Language: de"))),
    KindSetting("no_redirects", "no_redirects", _flag),
    KindSetting("keyword_is_pattern", "keyword_is_pattern", _flag),
    KindSetting("json", "json_conditions", _conditions(is_json=True)),
    KindSetting("answer_headers", "header_conditions", _conditions(is_json=False)),
    KindSetting("min_bytes", "min_bytes", _number(0, BODY_CAP_BYTES)),
    KindSetting("max_bytes", "max_bytes", _number(0, BODY_CAP_BYTES - 1)),
    KindSetting("send", "send", _exchange),
    KindSetting("expect", "expect", _exchange),
    KindSetting("dns_match", "dns_match", _match),
    KindSetting("dns_answers", "dns_answers", _answers),
    KindSetting("echoes", "echo_count", _number(1, MAX_ECHO_COUNT)),
    KindSetting("max_loss", "max_loss_percent", _number(0, 99)),
)
