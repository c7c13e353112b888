"""What `pingmon import` and `export` do, and what `apply` and `domain` share with them. Imported when it is needed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access, output
from pingmon_gui.console.confirm import confirmed
from pingmon_gui.console.step_output import show, step_json
from pingmon_gui.domain.alert_rule import first_book
from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.preference import new_monitor_settings
from pingmon_gui.domain.target import display_url
from pingmon_gui.exchange import intake, outlet, prometheus_export
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.kind import Format, Kind
from pingmon_gui.exchange.preview import Fate, Preview, PreviewRow, preview
from pingmon_gui.exchange.text import decoded
from pingmon_gui.log import one_line, without_secrets
from pingmon_gui.request import applied_json, change_json

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_FATE_WORDS = {
    Fate.ADD: "add",
    Fate.EXISTS: "there already",
    Fate.TWICE: "twice",
    Fate.LEFT_OUT: "left out",
    Fate.WRONG: "WRONG",
}


#: What is written in place of a file if that is its name: a folder for Prometheus.
_PROMETHEUS = "prometheus"


def run_export(args: argparse.Namespace) -> int:
    if Path(args.file).name == _PROMETHEUS and args.format is None:
        return _write_prometheus(args, configured(args))
    return write(args, configured(args))


def _write_prometheus(args: argparse.Namespace, configuration: Configuration) -> int:
    """Write Prometheus' files to the folder of that name."""
    files = prometheus_export.files_of(configuration)
    outlet.write_folder(args.file, files)
    if args.json:
        output.write_json({"folder": args.file, "files": list(files), "domains": len(configuration.monitors)})
    else:
        output.say(f"Written to the folder {args.file}: {', '.join(files)}. The first lines say what is left to do.")
    return 0


def write(args: argparse.Namespace, configuration: Configuration) -> int:
    """Write a configuration to the file that was named, and say what is not in it."""
    monitors = configuration.monitors
    format_ = Format(args.format) if args.format else outlet.format_of(args.file)
    text = outlet.text_of(configuration, format_, with_secrets=args.with_secrets)
    if args.file == "-":
        output.write(text.rstrip("\r\n"))
    else:
        outlet.write_file(args.file, text)
        if args.json:
            output.write_json({"file": args.file, "domains": len(monitors)})
        else:
            output.say(f"{_domains(len(monitors))} written to {args.file}.")
    hidden = sum(monitor.settings.has_secrets for monitor in monitors)
    if hidden and args.with_secrets:
        output.say(f"The user names and passwords of {_domains(hidden)} are in it, readable: keep it to yourself.")
    elif hidden:
        output.say(f"User name and password of {_domains(hidden)} were left out; --with-secrets includes them.")
    return 0


def run_import(args: argparse.Namespace) -> int:
    found = seen(args, with_settings=not args.only_domains)
    counts = found.counts()
    is_refused = bool(counts[Fate.WRONG]) and not args.skip_wrong
    is_idle = found.change.is_empty or is_refused or args.dry_run
    if args.json:
        done = None if is_idle or not _is_wanted(args, found) else carry_out(args, found.change)
        output.write_json({**_preview_json(found), "applied": done})
        if is_refused:
            raise _refusal(counts[Fate.WRONG])
        return 0
    _show(found)
    if is_refused:
        raise _refusal(counts[Fate.WRONG])
    if found.change.is_empty:
        output.say("Nothing to import.")
    elif not args.dry_run and _is_wanted(args, found):
        done = carry_out(args, found.change)
        output.say(f"{_domains(len(done['added']))} imported.")
    return 0


def seen(args: argparse.Namespace, *, with_settings: bool) -> Preview:
    """Read the file that was named and compare it with what is there. Raises InvalidInput."""
    known = configured(args)
    defaults = new_monitor_settings(known.preferences)
    kind = Kind(args.kind) if args.kind else None
    modules = Path(args.modules) if args.modules else None
    if args.file == "-":
        known_modules = None if modules is None else intake.read_modules(modules)
        reading = intake.read_bytes(typed_bytes(), defaults, kind, modules=known_modules)
    else:
        reading = intake.read_file(Path(args.file), defaults, kind, modules=modules, may_wait=True)
    return preview(reading, known, with_settings=with_settings)


def configured(args: argparse.Namespace) -> Configuration:
    """Return everything that is configured; nothing if there is no store yet."""

    async def query(store: Store) -> Configuration:
        kept = store.configuration()
        book = await store.alert_book() or first_book()
        return Configuration(kept.monitors, kept.preferences, kept.probes, book, kept.windows, now_ms)

    now_ms = access.now_ms()
    return access.read(args.data_dir, query, Configuration((), book=first_book(), at_ms=now_ms))


def carry_out(args: argparse.Namespace, change: ConfigurationChange) -> Json:
    """Have a change carried out by the owner of the data folder, or alone; all of it or nothing."""

    async def alone(store: Store) -> Json:
        return applied_json(await store.apply(change), change)

    request = {"command": "configuration.apply", "change": change_json(change)}
    answer = access.carry_out(args.data_dir, request, alone)
    return {name: value for name, value in answer.items() if name != "ok"}


def typed_bytes() -> bytes:
    """Return standard input. Raises InvalidInput if it is too much."""
    if sys.stdin is None:
        return b""
    limit = intake.MAX_FILE_BYTES
    data: bytes = sys.stdin.buffer.read(limit + 1) if hasattr(sys.stdin, "buffer") else sys.stdin.read().encode()
    if len(data) > limit:
        raise InvalidInput(f"More than {limit // 1024 // 1024} MB were sent.")
    return data


def typed_text() -> str:
    """Return standard input as text. Raises InvalidInput."""
    return decoded(typed_bytes())


def read_text(name: str) -> str:
    """Return the text of a file, `-` for standard input. Raises InvalidInput."""
    if name == "-":
        return typed_text()
    data = intake.content(Path(name), may_wait=True)
    if len(data) > intake.MAX_FILE_BYTES:
        raise InvalidInput(f"{name} is larger than {intake.MAX_FILE_BYTES // 1024 // 1024} MB.")
    return decoded(data)


def _is_wanted(args: argparse.Namespace, found: Preview) -> bool:
    parts = [_domains(len(found.drafts))] if found.drafts else []
    if found.settings:
        parts.append(f"{len(found.settings)} setting{'s' if len(found.settings) > 1 else ''}")
    for steps, of in ((found.alerts, "alerts"), (found.windows, "maintenance windows")):
        if steps:
            parts.append(f"{len(steps)} change{'s' if len(steps) > 1 else ''} of {of}")
    return confirmed(args, f"Import {' and '.join(parts)}?")


def _refusal(wrong: int) -> InvalidInput:
    lines = "1 entry" if wrong == 1 else f"{wrong} entries"
    return InvalidInput(f"{lines} cannot be read; nothing was imported.", "--skip-wrong leaves them out.")


def _show(found: Preview) -> None:
    if found.rows:
        output.write_table(
            ("LINE", "WHAT", "DOMAIN", "NAME", "NOTE"),
            (
                (
                    str(row.item.line or f"#{row.item.number}"),
                    _what(row),
                    _address(row.item.draft.url if row.item.draft else row.item.text),
                    row.item.draft.name if row.item.draft else "",
                    without_secrets(" ".join(row.notes)),
                )
                for row in found.rows
            ),
        )
    for setting in found.settings:
        output.write(one_line(f"~ setting {setting.key}: {setting.before} becomes {setting.after}"))
    for step in (*found.alerts, *found.windows):
        show(step)
    for note in found.notes:
        output.say(note)
    counts = found.counts()
    words = [f"{counts[fate]} {_FATE_WORDS[fate].lower()}" for fate in Fate if counts[fate]]
    output.say(f"{found.kind}: {', '.join(words) or 'no domains'}.")


def _what(row: PreviewRow) -> str:
    is_paused = row.fate is Fate.ADD and row.item.draft is not None and row.item.draft.is_paused
    return f"{_FATE_WORDS[row.fate]}{', paused' if is_paused else ''}"


def _preview_json(found: Preview) -> Json:
    return {
        "from": found.kind.value,
        "domains": [
            {
                "number": row.item.number,
                "line": row.item.line,
                "what": row.fate.value,
                "text": without_secrets(row.item.text),
                "url": row.item.draft.url if row.item.draft else None,
                "name": row.item.draft.name if row.item.draft else None,
                "is_paused": row.item.draft.is_paused if row.item.draft else None,
                "notes": [without_secrets(note) for note in row.notes],
            }
            for row in found.rows
        ],
        "settings": [{"key": s.key, "before": s.before, "after": s.after} for s in found.settings],
        "alerts": [step_json(step) for step in found.alerts],
        "windows": [step_json(step) for step in found.windows],
        "notes": list(found.notes),
    }


def _address(text: str) -> str:
    shown = display_url(text) if text.startswith(("http://", "https://")) and text.isascii() else text
    return without_secrets(shown)


def _domains(count: int) -> str:
    return f"{count} domain{'' if count == 1 else 's'}"
