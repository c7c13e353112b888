"""Values of a `pingmon.toml`: how keys are read, all raising InvalidInput with a sentence, and how they are written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import parse_tags
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange.duration import duration_ms, number_ms

Word = TypeVar("Word", bound=StrEnum)
#: Our name of a key, and what reads its value.
Field = tuple[str, Callable[[Any], Any]]


class KeyWrong(InvalidInput):
    """Keys of a table do not fit each other, or what is there; `key` is the one at fault, as the file calls it."""

    def __init__(self, key: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.key = key


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput("It must be a text in quotes.")
    return value


def read_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("It must be true or false.")
    return value


def read_number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput("It must be a whole number.")
    return value


def read_length(value: Any) -> int:
    if isinstance(value, str):
        return duration_ms(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("It must be a length of time like “10s”.")
    return number_ms(value)


def read_texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise InvalidInput("It must be a list of texts, like [“a”, “b”].")
    return [read_text(part) for part in value]


def read_word(value: Any, words: type[Word]) -> Word:
    if not isinstance(value, str) or value not in set(words):
        raise InvalidInput(f"It must be one of: {', '.join(words)}.")
    return words(value)


def read_tags(value: Any) -> tuple[str, ...]:
    return parse_tags(",".join(read_texts(value)))


def read_url(value: Any) -> str:
    return parse_target(read_text(value)).url


def read_urls(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(read_url(part) for part in read_texts(value)))


def read_table(value: Any, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return what a table within a table says, by our names."""
    if not isinstance(value, dict):
        raise InvalidInput(f"It must be a table: {{ {', '.join(f'{key} = …' for key in fields)} }}.")
    values: dict[str, Any] = {}
    for key, part in value.items():
        if key not in fields:
            raise InvalidInput(unknown(key, list(fields)))
        ours, read = fields[key]
        values[ours] = read(part)
    return values


def unknown(key: str, known: Sequence[str]) -> str:
    """Return the sentence about a key that means nothing."""
    if len(key) > 40:
        return f"“{key[:40]}…” is not known."
    close = difflib.get_close_matches(key, known, 1)
    return f"“{key[:40]}” is not known." + (f" Is “{close[0]}” meant?" if close else "")


def toml_text(value: object) -> str:
    """Return a value as TOML has it, on one line."""
    if isinstance(value, str):
        # JSON's escapes are TOML's; only DEL must be escaped here and not there.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(toml_text(part) for part in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml_text(part)}' for key, part in value.items())} }}"
    return json.dumps(value)
