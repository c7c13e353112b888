"""Files of domains: our own export as JSON, and plain lists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pingmon_probe.protocol import CheckSpec, ProtocolError

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.request import draft_from_json, monitor_json

#: What an export calls itself, so that a later version knows what it reads.
FORMAT = "pingmon domains 1"


@dataclass(frozen=True)
class Imported:
    draft: MonitorDraft
    is_paused: bool


def export_text(monitors: Sequence[Monitor], *, with_secrets: bool) -> str:
    """Return the export of the monitors; user names and passwords only if asked for."""
    domains = []
    for monitor in monitors:
        document = monitor_json(monitor)
        if with_secrets:
            document["settings"] = monitor.settings.to_json()
        domains.append({name: document[name] for name in ("url", "name", "tags", "regions", "is_paused", "settings")})
    return json.dumps({"format": FORMAT, "domains": domains}, indent=1, ensure_ascii=False) + "\n"


def is_export(text: str) -> bool:
    """Return whether the text means to be JSON; everything else is a list."""
    return text.lstrip().startswith(("{", '["'))


def read_export(text: str) -> Iterator[Imported | InvalidInput]:
    """Yield each domain of an export, or what is wrong with it. Raises InvalidInput if it is no export at all."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput("The file is neither an export of Pingmon nor a list with one address a line.") from exc
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidInput("The file is no export of this version of Pingmon.", f"Its “format” must be “{FORMAT}”.")
    domains = document.get("domains")
    if not isinstance(domains, list):
        raise InvalidInput("The export holds no list of domains.")
    for domain in domains:
        try:
            yield _read_domain(domain)
        except InvalidInput as exc:
            yield exc


def _read_domain(domain: Any) -> Imported:
    draft = draft_from_json(domain)
    try:
        # The wire is the strictest reader of settings: what passes here can be measured.
        sample = Monitor(MonitorId(2), 1, draft.url, "", draft.settings, 0)
        CheckSpec.from_json(sample.check_spec().to_json())
    except (ProtocolError, TypeError) as exc:
        raise InvalidInput(f"The settings of {draft.url} cannot be used: {exc}.") from exc
    return Imported(draft, domain.get("is_paused") is True)


def plain_settings(settings: MonitorSettings) -> dict[str, Any]:
    """Return every setting as JSON can hold it, defaults and secrets included."""
    return {**asdict(settings), "status_set": [list(pair) for pair in settings.status_set]}


def read_text(name: str, limit_bytes: int) -> str:
    """Return a file's text; raises InvalidInput with a sentence if it cannot be read."""
    try:
        with Path(name).open("rb") as stream:
            data = stream.read(limit_bytes + 1)
    except (OSError, ValueError) as exc:
        raise InvalidInput(f"{name} cannot be read: {getattr(exc, 'strerror', None) or exc}.") from exc
    if len(data) > limit_bytes:
        raise InvalidInput(f"{name} is larger than {limit_bytes // 1024 // 1024} MB.")
    return data.decode("utf-8-sig", "replace")


def write_text(name: str, text: str) -> None:
    """Write a file that others cannot read; raises InvalidInput with a sentence if that fails."""
    try:
        path = Path(name)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise InvalidInput(f"{name} cannot be written: {getattr(exc, 'strerror', None) or exc}.") from exc
