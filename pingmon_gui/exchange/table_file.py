"""CSV of monitors: ours, and that of others whose columns can be told by their names. Guarded against formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pingmon_gui.domain import family
from pingmon_gui.domain.cell import guarded, unguarded
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, MonitorSettings, format_status_set, parse_status_set
from pingmon_gui.domain.region import Region
from pingmon_gui.exchange import uptime_robot
from pingmon_gui.exchange.duration import duration_ms, duration_text, number_ms
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.kind_setting import KIND_SETTINGS, KindSetting
from pingmon_gui.exchange.reading import MAX_ITEMS, Item, Reading
from pingmon_gui.exchange.wish import Wish, item

#: Columns of ours, in their order. Secrets are written only if asked for.
COLUMNS = (
    "url", "name", "interval", "timeout", "slow", "status", "keyword", "keyword_absent", "ignore_certificate",
    "family", "regions", "tags", "paused", *(setting.key for setting in KIND_SETTINGS),
)  # fmt: skip
_SECRETS = ("basic_auth", "bearer")
#: What others call a column of ours.
_ALIASES = {
    "address": "url",
    "website": "url",
    "link": "url",
    "target": "url",
    "url/ip": "url",
    "url (or ip)": "url",
    "url or ip": "url",
    "friendly name": "name",
    "monitor name": "name",
    "title": "name",
    "label": "name",
    "tag": "tags",
}
_YES, _NO = ("yes", "true", "1", "on", "x"), ("no", "false", "0", "off", "")
_DELIMITERS = (",", ";", "\t")


def text_of(monitors: Sequence[Monitor], *, with_secrets: bool) -> str:
    """Return monitors as CSV with a line of heads; every text is guarded against formulas."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow((*COLUMNS, *_SECRETS) if with_secrets else COLUMNS)
    for monitor in monitors:
        s = monitor.settings if with_secrets else monitor.settings.without_secrets()
        cells = (
            monitor.url,
            monitor.name,
            duration_text(s.interval_ms),
            duration_text(s.timeout_ms),
            duration_text(s.slow_ms),
            format_status_set(s.status_set),
            s.keyword or "",
            "yes" if s.keyword_absent else "no",
            "yes" if s.ignore_certificate else "no",
            family.word(s.family),
            # No region at all is something else than every one.
            "all" if monitor.regions is None else ", ".join(monitor.regions) or "none",
            ", ".join(monitor.tags),
            "yes" if monitor.is_paused else "no",
            *("" if setting.is_default(s) else setting.text(s) for setting in KIND_SETTINGS),
            *((s.basic_auth or "", s.bearer or "") if with_secrets else ()),
        )
        writer.writerow([guarded(cell) for cell in cells])
    return stream.getvalue()


def kind_of(text: str) -> Kind | None:
    """Return whose CSV a text is, None if its first line has no column of addresses."""
    heads = _heads(text)[1]
    if uptime_robot.is_head(heads):
        return Kind.UPTIME_ROBOT
    return Kind.CSV if "url" in [_ALIASES.get(head, head) for head in heads] else None


def read(text: str, defaults: MonitorSettings, kind: Kind = Kind.CSV) -> Reading:
    """Read a table by the names in its first line. Raises InvalidInput if it has none, or too many lines."""
    delimiter, heads = _heads(text)
    columns = [_ALIASES.get(head, head) for head in heads]
    if "url" not in columns:
        raise InvalidInput("The table has no column of addresses.", "Its first line must name one: url.")
    if text.count("\n") > 20 * MAX_ITEMS:
        raise InvalidInput(
            f"The table has {text.count(chr(10)):,} lines; at most {MAX_ITEMS:,} monitors can be read at once.",
            "Import it in parts.",
        )
    unknown = [head for head, column in zip(heads, columns, strict=True) if column not in (*COLUMNS, *_SECRETS)]
    read_row = uptime_robot.read_row if kind is Kind.UPTIME_ROBOT else _read_row
    items = tuple(_items(text, delimiter, columns, lambda row: read_row(row, defaults)))
    if kind is Kind.UPTIME_ROBOT:
        return Reading(kind, items, notes=uptime_robot.table_notes(columns))
    notes = (f"Columns that are not known were passed over: {', '.join(unknown)[:200]}.",) if unknown else ()
    return Reading(kind, items, notes=notes)


def _heads(text: str) -> tuple[str, list[str]]:
    """Return the delimiter of the first line and the names in it, in lower case."""
    line = text[:10_000].lstrip("\r\n").partition("\n")[0].rstrip("\r")
    delimiter = max(_DELIMITERS, key=line.count)
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        cells = []
    return delimiter, [" ".join(cell.split()).lower() for cell in cells]


def _items(
    text: str, delimiter: str, columns: Sequence[str], read_row: Callable[[Mapping[str, str]], Wish]
) -> Iterator[Item]:
    rows = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter, strict=False)
    skipped = len(text) - len(text.lstrip("\r\n"))
    offset = text.count("\n", 0, skipped)
    number, before = 0, 0
    while True:
        try:
            row = next(rows, None)
        except csv.Error as exc:
            raise InvalidInput(f"Line {rows.line_num + offset} is no line of a table ({exc}).") from exc
        if row is None:
            return
        # A quoted cell may span lines: the row is named by its first.
        line, before = before + 1 + offset, rows.line_num
        if line == offset + 1 or not any(cell.strip() for cell in row):
            continue
        number += 1
        if number > MAX_ITEMS:
            raise InvalidInput(f"The table has more than {MAX_ITEMS:,} monitors.", "Import it in parts.")
        cells = {name: unguarded(cell) for name, cell in zip(columns, row, strict=False)}
        shown = cells.get("url", "").strip() or cells.get("name", "").strip() or "?"
        wish: Wish | InvalidInput
        try:
            if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
                raise InvalidInput(f"It has {len(row)} cells, the first line {len(columns)}.", "Is a quote missing?")
            wish = read_row(cells)
        except InvalidInput as exc:
            wish = exc
        yield item(number, line, shown[:300], wish)


def _read_row(row: Mapping[str, str], defaults: MonitorSettings) -> Wish:
    wish = Wish(row.get("url", ""), defaults)
    wish.call(row.get("name", ""))
    if text := row.get("interval", "").strip():
        wish.every(_length_ms(text))
    if text := row.get("timeout", "").strip():
        wish.within(_length_ms(text))
    if text := row.get("slow", "").strip():
        wish.slow_from(_length_ms(text))
    if text := row.get("status", "").strip():
        wish.set(status_set=parse_status_set(text))
    # Blanks at its ends are part of a keyword.
    is_absent = _flag(row, "keyword_absent")
    wish.set(keyword_absent=is_absent)
    if keyword := row.get("keyword", ""):
        wish.look_for(keyword, is_absent=is_absent)
    wish.set(ignore_certificate=_flag(row, "ignore_certificate"), family=_family(row.get("family", "")))
    wish.regions = _regions(row.get("regions", ""))
    wish.tag(*row.get("tags", "").split(","))
    wish.is_paused = _flag(row, "paused")
    for setting in KIND_SETTINGS:
        if text := row.get(setting.key, ""):
            wish.set(**{setting.field: _of_column(setting, text)})
    for name in _SECRETS:
        if secret := row.get(name, ""):
            wish.set(**{name: secret})
    return wish


def _of_column(setting: KindSetting, text: str) -> Any:
    try:
        return setting.read(text)
    except InvalidInput as exc:
        raise InvalidInput(f"The column {setting.key}: {exc.message}", exc.hint) from exc


def _length_ms(text: str) -> int:
    return number_ms(text) if text.replace(".", "", 1).isdigit() else duration_ms(text)


def _flag(row: Mapping[str, str], name: str) -> bool:
    text = row.get(name, "").strip().lower()
    if text not in (*_YES, *_NO):
        raise InvalidInput(f"“{text[:20]}” in the column {name} is neither yes nor no.")
    return text in _YES


def _family(text: str) -> int:
    return family.AUTOMATIC if text.strip() in ("", "0") else family.setting_of(text)


def _regions(text: str) -> tuple[Region, ...] | None:
    words = [word.strip().lower() for word in text.replace(";", ",").split(",") if word.strip()]
    if words in ([], ["all"]):
        return None
    try:
        return () if words == ["none"] else tuple(dict.fromkeys(Region(word) for word in words))
    except ValueError as exc:
        raise InvalidInput("There is no such region.", f"Regions are {', '.join(Region)}.") from exc
