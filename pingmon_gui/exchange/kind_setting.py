"""The settings of the kinds besides websites, as files of ours name, write and read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pingmon_probe.protocol import DNS_MATCHES, MAX_DNS_ANSWERS, MAX_ECHO_COUNT

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings, parse_exchange

#: What stands in a file: a text, a number or a list of texts.
Value = str | int | list[str]


@dataclass(frozen=True)
class KindSetting:
    """`key` is its name in files, `field` that of `MonitorSettings`. `read` raises InvalidInput with a sentence."""

    key: str
    field: str
    read: Callable[[Any], Any]

    def value(self, settings: MonitorSettings) -> Value:
        value = getattr(settings, self.field)
        return list(value) if isinstance(value, tuple) else "" if value is None else value

    def text(self, settings: MonitorSettings) -> str:
        """Return it as the cell of a table: a list has one entry a line."""
        value = self.value(settings)
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
    lines: Sequence[Any] = value.splitlines() if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise InvalidInput("It must be a list of texts, like [“192.0.2.1”].")
    if len(lines) > MAX_DNS_ANSWERS:
        raise InvalidInput(f"At most {MAX_DNS_ANSWERS} answers can be expected.")
    return tuple(line.strip() for line in lines if line.strip())


def _number(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value.strip()[:6])
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidInput(f"It must be a number from {low} to {high}.")
        return value

    return read


KIND_SETTINGS = (
    KindSetting("send", "send", _exchange),
    KindSetting("expect", "expect", _exchange),
    KindSetting("dns_match", "dns_match", _match),
    KindSetting("dns_answers", "dns_answers", _answers),
    KindSetting("echoes", "echo_count", _number(1, MAX_ECHO_COUNT)),
    KindSetting("max_loss", "max_loss_percent", _number(0, 99)),
)
