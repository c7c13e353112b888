"""The way in: a file or pasted bytes become a reading, whoever wrote them. Blocks; call it off the window's thread."""

from __future__ import annotations

import fnmatch
import stat
from pathlib import Path
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange import (
    gatus,
    json_document,
    pingmon_file,
    plain_list,
    prometheus,
    table_file,
    uptime_kuma,
    uptime_robot,
    yaml_document,
)
from pingmon_gui.exchange.blackbox_module import Modules, is_modules
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.kuma_database import SIGNATURE
from pingmon_gui.exchange.reading import MAX_ITEMS, Reading
from pingmon_gui.exchange.text import decoded

MAX_FILE_BYTES = 32 * 1024 * 1024
_KINDS_OF_FILE = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_file(
    path: Path,
    defaults: MonitorSettings,
    kind: Kind | None = None,
    *,
    modules: Path | None = None,
    may_wait: bool = False,
) -> Reading:
    """Read a file; `kind` None lets its content tell. Settings it does not speak of are those of `defaults`.

    `modules` is a configuration of blackbox_exporter, for what Prometheus scrapes. A pipe or a terminal is read only
    if it `may_wait` for somebody to write. Raises InvalidInput with a sentence if the file as a whole cannot be read.
    """
    data = content(path, may_wait=may_wait)
    if data.startswith(SIGNATURE):
        _require_kind(kind, Kind.UPTIME_KUMA, "a database")
        return uptime_kuma.read_database(path, defaults)
    known = None if modules is None else read_modules(modules)
    return read_bytes(data, defaults, kind, modules=known, target_files=TargetFolder(path.parent))


def read_bytes(
    data: bytes,
    defaults: MonitorSettings,
    kind: Kind | None = None,
    *,
    modules: Modules | None = None,
    target_files: prometheus.TargetFiles = prometheus.no_files,
) -> Reading:
    """Read what was in a file, or was pasted. Raises InvalidInput."""
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(f"The file is larger than {MAX_FILE_BYTES // 1024 // 1024} MB.", "Import it in parts.")
    if data.startswith(SIGNATURE):
        raise InvalidInput("A database has to be a file of its own.", "Name it instead of sending it.")
    text = decoded(data)
    if not text.strip():
        raise InvalidInput("The file is empty.")
    kind = kind or kind_of(text)
    if modules is not None and kind is not Kind.PROMETHEUS:
        raise InvalidInput(f"Modules belong to a file of Prometheus, and this one is of the kind {kind}.")
    match kind:
        case Kind.PINGMON:
            return pingmon_file.read(text)
        case Kind.UPTIME_KUMA:
            return uptime_kuma.read(text, defaults)
        case Kind.UPTIME_ROBOT if _is_json(text):
            return uptime_robot.read_answer(text, defaults)
        case Kind.CSV | Kind.UPTIME_ROBOT:
            return table_file.read(text, defaults, kind)
        case Kind.GATUS:
            return gatus.read(_document(text), defaults)
        case Kind.PROMETHEUS:
            return prometheus.read(_document(text), defaults, modules, target_files)
        case Kind.LIST:
            return plain_list.read(text, defaults)


def read_modules(path: Path) -> Modules:
    """Return the modules in a configuration of blackbox_exporter. Raises InvalidInput."""
    document = _document(decoded(content(path)))
    if not is_modules(document):
        raise InvalidInput(f"{path.name} is no configuration of blackbox_exporter.", "Its modules are missing.")
    modules: Modules = document["modules"]
    return modules


def content(path: Path, *, may_wait: bool = False) -> bytes:
    """Return the content of a file, one byte more than MAX_FILE_BYTES at most, and of a database only its start.

    Raises InvalidInput for what is no file, or cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not (may_wait and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode))):
            what = next((words for is_one, words in _KINDS_OF_FILE if is_one(mode)), "something else")
            raise InvalidInput(f"{_shown(path)} cannot be read: it is {what}, not a file.")
        with path.open("rb") as stream:
            start = stream.read(len(SIGNATURE))
            # A database may be of any size: only its monitors are read, by those who know it.
            return start if start == SIGNATURE else start + stream.read(MAX_FILE_BYTES + 1 - len(start))
    except (OSError, ValueError) as exc:
        raise InvalidInput(f"{_shown(path)} cannot be read: {getattr(exc, 'strerror', None) or exc}.") from exc


def _shown(path: Path) -> str:
    """Return a path for a message: an address with a password, given in place of a file, is not said again."""
    before, at, name = str(path).rpartition("@")
    return f"…{at}{name}" if ":" in before else str(path)


class TargetFolder:
    """Finds the target files that a configuration of Prometheus names, as far as they lie in its folder or below."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, pattern: str) -> list[tuple[str, Any]]:
        """Return (name, document) of each file that a pattern means. Raises InvalidInput for one that is damaged."""
        try:
            wanted = self._folder.resolve() / pattern
            folder = wanted.parent.resolve()
            if not folder.is_relative_to(self._folder.resolve()) or not folder.is_dir():
                return []
            paths = sorted(path for path in folder.iterdir() if fnmatch.fnmatchcase(path.name, wanted.name))
        except (OSError, ValueError):
            return []
        found = []
        for path in paths[:MAX_ITEMS]:
            try:
                found.append((path.name, _document(decoded(content(path)))))
            except InvalidInput as exc:
                raise InvalidInput(f"In the target file {path.name}: {exc.message}", exc.hint) from exc
        return found


def kind_of(text: str) -> Kind:
    """Return whose file a text is, by its content alone. Raises InvalidInput for JSON and YAML of nobody we know."""
    if _is_json(text):
        return _kind_of_document(json_document.parsed(text), "JSON")
    if (kind := table_file.kind_of(text)) is not None:
        return kind
    if _looks_like_yaml(text):
        return _kind_of_document(yaml_document.parsed(text), "YAML")
    if _looks_like_toml(text):
        raise InvalidInput("The file is a pingmon.toml.", "“pingmon apply FILE” compares and applies it.")
    if text.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<?xml", "<opml")):
        raise InvalidInput("The file is a page of HTML or XML, not a list of monitors.")
    return Kind.LIST


def _kind_of_document(document: Any, language: str) -> Kind:
    if pingmon_file.is_export(document):
        return Kind.PINGMON
    if isinstance(document, dict) and "monitorList" in document:
        return Kind.UPTIME_KUMA
    if uptime_robot.is_answer(document):
        return Kind.UPTIME_ROBOT
    if prometheus.is_configuration(document) or prometheus.is_targets(document):
        return Kind.PROMETHEUS
    if gatus.is_gatus(document):
        return Kind.GATUS
    if is_modules(document):
        return Kind.PROMETHEUS  # whose reader says what is missing
    raise InvalidInput(
        f"The file is {language}, but of no product whose files Pingmon reads.",
        f"It reads those of {', '.join(kind for kind in Kind if kind is not Kind.LIST)}, and plain lists.",
    )


def _is_json(text: str) -> bool:
    """Return whether a text means to be JSON; `[::1]:8080` begins a list."""
    start = "".join(text[:2_000].split())[:2]
    return start[:1] == "{" or (start[:1] == "[" and (len(start) == 1 or start[1] in '"{[]'))


def _document(text: str) -> Any:
    """Return the document of a text in YAML or JSON; read as YAML, JSON knows its lines, too."""
    if not _is_json(text):
        return yaml_document.parsed(text)
    plain = json_document.parsed(text)
    try:
        return yaml_document.parsed(text)
    except InvalidInput:  # not all JSON is YAML: tabs
        return plain


def _looks_like_yaml(text: str) -> bool:
    """Return whether a first line that says something is a key of a mapping, an entry of a list, or a marker."""
    for line in text[:20_000].splitlines():
        words = line.split("#", 1)[0].rstrip()
        if words:
            key, colon, rest = words.partition(":")
            is_key = bool(colon) and key.replace("-", "").replace("_", "").isalnum() and (not rest or rest[0] == " ")
            return is_key or words in ("---", "-") or words.startswith(("- ", "%YAML"))
    return False


def _looks_like_toml(text: str) -> bool:
    for line in text[:20_000].splitlines():
        words = line.split("#", 1)[0].strip()
        if words:
            key, equals, _ = words.partition("=")
            return (words.startswith("[") and words.endswith("]")) or (bool(equals) and key.strip().isidentifier())
    return False


def _require_kind(asked: Kind | None, found: Kind, what: str) -> None:
    if asked not in (None, found):
        raise InvalidInput(f"The file is {what}, not what --from says.", f"Try --from {found}, or leave it out.")
