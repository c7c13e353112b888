"""YAML that others wrote, as plain values with their lines. Built from libyaml's events under a budget.

PyYAML's own composers are not used: the one in C ends the process on deep nesting, and none bounds what aliases
multiply to. No tag makes an object here. Whoever wrote these files reads them into typed fields, where `name: off` and
`name: 007` are texts: so everything but true, false and nothing stays text as it is spelled.
"""

from __future__ import annotations

from typing import Any

from pingmon_gui.domain.error import InvalidInput

MAX_YAML_CHARACTERS = 4 * 1024 * 1024
_MAX_DEPTH = 64
#: Values after aliases are resolved; a file of 10,000 endpoints has some 150,000.
_MAX_VALUES = 400_000
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}


class Mapping(dict[Any, Any]):
    """A mapping that knows the line it begins on (`line`) and that of each key (`lines`)."""

    line: int
    lines: dict[Any, int]


class Text(str):
    """A text that knows its line: a target in a list of texts is reported by it."""

    line: int

    __slots__ = ("line",)


def parsed(text: str) -> Any:
    """Return the document: mappings, lists, texts, truths, None. Raises InvalidInput with line and cause."""
    import yaml

    if len(text) > MAX_YAML_CHARACTERS:
        raise InvalidInput(f"The file is larger than {MAX_YAML_CHARACTERS // 1024 // 1024} MB.", "Import it in parts.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"Line {mark.line + 1}" if mark is not None else "The file"
        raise InvalidInput(f"{where} is no valid YAML ({exc.problem or exc.context}).") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise InvalidInput("The file is no YAML that can be read.") from exc
    return builder.document


class _Builder:
    """Puts a tree together from events, without recursion."""

    def __init__(self) -> None:
        import yaml

        self._yaml = yaml
        self.document: Any = None
        self._documents = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, Any] = {}
        self._sizes: dict[int, int] = {}
        self._values = 0

    def take(self, event: Any) -> None:
        yaml = self._yaml
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise InvalidInput(f"A second document begins in line {line}.", "Import each as a file of its own.")
        elif isinstance(event, yaml.ScalarEvent):
            self._count(1, line)
            self._add(self._scalar(event, line), 1, line, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise InvalidInput(f"Line {line} refers to “{event.anchor[:40]}”, which is not there.")
            value = self._anchors[event.anchor]
            size = self._sizes.get(id(value), 1)
            self._count(size, line)
            self._add(value, size, line, None)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._count(1, line)
            if len(self._open) >= _MAX_DEPTH:
                raise InvalidInput(f"Line {line} is nested deeper than any list of monitors.")
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            self._open.append(_Open(is_mapping, line, event.anchor))
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            done = self._open.pop()
            value = done.value()
            self._sizes[id(value)] = done.size
            self._add(value, done.size, done.line, done.anchor)

    def _add(self, value: Any, size: int, line: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = value
        if self._open:
            self._open[-1].add(value, size, line)
        else:
            self.document = value

    def _count(self, values: int, line: int) -> None:
        self._values += values
        if self._values > _MAX_VALUES:
            raise InvalidInput(
                f"The file grows beyond every measure in line {line}.",
                "Its aliases multiply, or it holds too much at once.",
            )

    def _scalar(self, event: Any, line: int) -> Any:
        is_plain = event.implicit[0] and event.tag is None
        if is_plain and event.value in _WORDS:
            return _WORDS[event.value]
        text = Text(event.value)
        text.line = line
        return text


class _Open:
    """A list or mapping that is being put together."""

    def __init__(self, is_mapping: bool, line: int, anchor: str | None) -> None:
        self.is_mapping = is_mapping
        self.line = line
        self.anchor = anchor
        self.size = 1
        self._parts: list[tuple[Any, int]] = []

    def add(self, value: Any, size: int, line: int) -> None:
        self.size += size
        self._parts.append((value, line))

    def value(self) -> Any:
        if not self.is_mapping:
            return [value for value, _ in self._parts]
        mapping = Mapping()
        mapping.line, mapping.lines = self.line, {}
        merged: dict[Any, Any] = {}
        for (key, line), (value, _) in zip(self._parts[::2], self._parts[1::2], strict=False):
            if isinstance(key, dict | list):
                raise InvalidInput(f"Line {line} has a list or a mapping for a key.")
            if key == "<<":
                for source in value if isinstance(value, list) else [value]:
                    merged = {**source, **merged} if isinstance(source, dict) else merged
                continue
            mapping[key] = value
            mapping.lines[key] = line
        for key, value in merged.items():
            mapping.setdefault(key, value)
        return mapping


def line_of(value: Any) -> int | None:
    """Return the line on which a mapping or a text stands, None for values that do not know."""
    return getattr(value, "line", None)


def truth_of(value: Any) -> bool | None:
    """Return what a field of truth says, in all the words for it; None for anything else."""
    if isinstance(value, str):
        word = value.lower()
        return True if word in ("y", "yes", "on") else False if word in ("n", "no", "off") else None
    return value if isinstance(value, bool) else None
