"""A plain list: one address a line, a name behind it if you like."""

from __future__ import annotations

from dataclasses import replace

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.target import MAX_PASTED_LINES, parse_pasted
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, Reading
from pingmon_gui.exchange.wish import checked


def read(text: str, defaults: MonitorSettings) -> Reading:
    """Read a list; a line that cannot be read becomes a wrong item. Raises InvalidInput for too many lines."""
    # Counted before anything is split: a million lines cost no more than their bytes.
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > MAX_PASTED_LINES:
        raise InvalidInput(
            f"The list has {lines:,} lines; at most {MAX_PASTED_LINES:,} can be read at once.", "Import it in parts."
        )
    items = []
    for number, line in enumerate(parse_pasted(text, ()), start=1):
        if line.target is None:
            items.append(Item(number, line.number, line.text[:300], reason=line.error or "", is_wrong=True))
            continue
        try:
            settings = replace(defaults, basic_auth=line.target.basic_auth)
            draft = checked(MonitorDraft(line.target.url, line.name, settings))
        except InvalidInput as exc:
            items.append(Item(number, line.number, line.text[:300], reason=exc.message, is_wrong=True))
        else:
            items.append(Item(number, line.number, line.target.url, draft))
    return Reading(Kind.LIST, tuple(items))
