"""What `pingmon backup`, `restore` and `repair` do: alone, or by the Pingmon that runs on the folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pingmon_gui.console import access, output
from pingmon_gui.console.confirm import confirmed
from pingmon_gui.console.option import WrongUsage
from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.backup import BackupFacts, Progress
from pingmon_gui.domain.error import DataFolderBusy, StorageError
from pingmon_gui.domain.rescue import Count, Remark, Rescued
from pingmon_gui.ownership import Ownership, is_owned
from pingmon_gui.request import (
    facts_from_json,
    facts_json,
    rescued_from_json,
    rescued_json,
    restored_json,
)
from pingmon_gui.store import replacement
from pingmon_gui.store.aside import AsideFile, Reason, aside_files
from pingmon_gui.store.backup import back_up
from pingmon_gui.store.rescue import rescue
from pingmon_gui.store.restore import prepare_restore, restore
from pingmon_gui.store.trouble import translated
from pingmon_gui.store.wholeness import damage_of

Json = dict[str, Any]
#: Checking and saving a database of a year takes some minutes.
_PATIENCE_S = 3_600.0

_REASONS = {
    Reason.UPGRADED: "before an upgrade",
    Reason.REPLACED: "replaced by a backup",
    Reason.DAMAGED: "damaged",
}


def run_backup(args: argparse.Namespace) -> int:
    path = database_path(args.data_dir)
    if args.list:
        return _list_aside(args, path)
    if args.target is None:
        raise WrongUsage("Say where the backup is to be written: a file, or a folder.", "Best of all on another disk.")
    if not access.has_store(args.data_dir):
        raise StorageError(f"There is no database at {path} yet, so there is nothing to back up.")
    with _progress("Backing up") as progress:
        facts = back_up(path, Path(args.target).expanduser().absolute(), access.now_ms(), progress)
    if args.json:
        output.write_json(facts_json(facts))
        return 0
    output.say(f"Backed up {_contents(facts)} to {facts.path} ({_size(facts.file_bytes)}).")
    if facts.with_passwords:
        output.say(
            f"User name and password of {_counted(facts.with_passwords, 'domain')} are in it: keep it to yourself."
        )
    if facts.remote_probes:
        output.say(f"Tokens and keys of {_counted(facts.remote_probes, 'probe')} on other hosts are not in it.")
    return 0


def run_restore(args: argparse.Namespace) -> int:
    source = Path(args.file).expanduser().absolute()
    answer = access.ask_owner(args.data_dir, {"command": "restore.prepare", "file": str(source)}, _PATIENCE_S)
    if answer is not None:
        facts = facts_from_json(answer["backup"])
        try:
            _confirm_restore(args, facts)
        except BaseException:
            access.ask_owner(args.data_dir, {"command": "restore.drop"})
            raise
        done = access.ask_owner(args.data_dir, {"command": "restore"}, _PATIENCE_S)
        if done is None:
            raise DataFolderBusy("Pingmon ended before it was done.", "Try again.")
    else:
        path = database_path(args.data_dir)
        with Ownership.take(args.data_dir, "command"):
            with _progress("Checking") as progress:
                facts = prepare_restore(path, source, progress)
            try:
                _confirm_restore(args, facts)
            except BaseException:
                replacement.discard(path)
                raise
            done = restored_json(restore(path, facts))
    if args.json:
        output.write_json({name: done[name] for name in ("backup", "kept_as")})
        return 0
    output.say(f"Restored {_contents(facts)}.")
    if Path(done["kept_as"]).exists():
        output.say(f"What was there before is kept as {done['kept_as']}.")
    if facts.remote_probes:
        output.say(
            "On another computer, set its probes on other hosts up again: “pingmon probe bootstrap” finds them there."
        )
    return 0


def run_repair(args: argparse.Namespace) -> int:
    path = database_path(args.data_dir)
    if not access.has_store(args.data_dir):
        raise StorageError(f"There is no database at {path}.")
    with _progress("Looking through the database") as progress:
        damage = damage_of(path, progress, with_log=not is_owned(args.data_dir))
    if damage is None:
        if args.json:
            output.write_json({"is_damaged": False})
        else:
            output.say("The database is whole; nothing was changed.")
        return 0
    output.say(damage.message)
    answer = access.ask_owner(args.data_dir, {"command": "repair"}, _PATIENCE_S)
    if answer is not None:
        rescued = rescued_from_json(answer)
    else:
        with Ownership.take(args.data_dir, "command"), _progress("Saving what can be read") as progress:
            rescued = rescue(path, access.now_ms(), progress)
    if args.json:
        output.write_json({"is_damaged": True, **rescued_json(rescued)})
        return 0
    for line in sentences(rescued):
        output.say(line)
    return 0


def sentences(rescued: Rescued) -> list[str]:
    """Return what was saved and lost, and what to do, a sentence each."""
    saved = [_counted(count.saved, count.kind.value) for count in rescued.counts if count.saved]
    lost = [_lost(count) for count in rescued.counts if not count.is_whole]
    lines = [f"Saved: {', '.join(saved) or 'nothing; nothing in the file could be read'}."]
    lines.append(f"Lost: {', '.join(lost)}." if lost else "Nothing is known to be lost.")
    for remark, count in rescued.remarks:
        lines.append(
            _REMARKS[remark].format(domains=_counted(count, "domain"), probes=_counted(count, "probe"), n=count)
        )
    lines.append(f"The damaged database is kept as {rescued.aside}.")
    return lines


_REMARKS = {
    Remark.REBUILT_DOMAINS: "{domains} came back from the history, without name, keyword and password: look at them, "
    "then resume them. Until then they are paused.",
    Remark.REBUILT_PROBES: "{probes} came back as the history knows them; set them up again to measure with them.",
    Remark.UNKNOWN_PROBES: "Of {probes} neither name nor region is known any more; what they measured is not shown.",
    Remark.NEW_OWNER: "Probes on other hosts will not know this Pingmon: take them over (“pingmon probe take-over”).",
    Remark.LOST_CHANGES: "{n} changed pages of the last moments could not be read.",
    Remark.CURSORS: "Probes give again what they still keep of the last days; nothing is counted twice.",
}


def _lost(count: Count) -> str:
    if not count.lost:
        return f"maybe some {count.kind.value}"
    how = "at least " if count.is_least else "about " if count.is_about else ""
    return how + _counted(count.lost, count.kind.value)


def _list_aside(args: argparse.Namespace, path: Path) -> int:
    with translated(path):
        files = aside_files(path)
    if args.json:
        output.write_json({"files": [_aside_json(file) for file in files]})
    elif not files:
        output.say(f"Nothing was set aside beside {path}.")
    else:
        rows = [
            (_REASONS[file.reason], output.local_time(file.changed_at_ms), _size(file.file_bytes), str(file.path))
            for file in files
        ]
        output.write_table(("WHY", "LAST CHANGED", "SIZE", "FILE"), rows)
    return 0


def _aside_json(file: AsideFile) -> Json:
    return {
        "path": str(file.path),
        "reason": file.reason.name.lower(),
        "file_bytes": file.file_bytes,
        "changed_at_ms": file.changed_at_ms,
    }


def _confirm_restore(args: argparse.Namespace, facts: BackupFacts) -> None:
    made = "" if facts.made_at_ms is None else f", made {output.local_time(facts.made_at_ms)}"
    until = "" if facts.until_ms is None else f", with results up to {output.local_time(facts.until_ms)}"
    if not args.json:
        output.say(f"{facts.path}: {_contents(facts)}{until}{made}.")
    confirmed(args, "Put it in place of the present database? That one is kept.", "--yes does it without asking.")


def _contents(facts: BackupFacts) -> str:
    return f"{_counted(facts.domains, 'domain')} and {_counted(facts.results, 'result')}"


def _counted(count: int, word: str) -> str:
    """Return `1 domain`, `2,000 results`; the word may come as a plural."""
    single = word.removesuffix("entries") + "entry" if word.endswith("entries") else word.removesuffix("s")
    many = single.removesuffix("y") + "ies" if single.endswith("entry") else f"{single}s"
    return f"{count:,} {single if count == 1 else many}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.2f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    """Show on a terminal how much is done; elsewhere show nothing."""
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        if int(share * 100) > told:
            told = int(share * 100)
            print(f"\r{what}… {told} %", end="", file=sys.stderr, flush=True)

    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _share: None
        return
    try:
        yield tell
    finally:
        print("\r" + " " * (len(what) + 10) + "\r", end="", file=sys.stderr, flush=True)
