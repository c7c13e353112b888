"""Prometheus: scrape jobs that go through blackbox_exporter, and lists of targets for file_sd (YAML or JSON).

https://prometheus.io/docs/prometheus/latest/configuration/configuration/. What they leave open is as Prometheus has
it. Files of targets that lie beside the configuration are read with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.blackbox_module import Modules, address_of, apply_module, is_modules
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, LeftOut, Reading, cleaned_text, listed, mapped, require_room
from pingmon_gui.exchange.wish import Wish, item
from pingmon_gui.exchange.yaml_document import line_of

#: Returns the documents of the target files that a pattern of file_sd means; none where they cannot be had.
TargetFiles = Callable[[str], Sequence[tuple[str, Any]]]
_DISCOVERIES = re.compile(r"\w+_sd_configs?")
_INTERVAL, _TIMEOUT = "1m", "10s"
#: Labels that name a target instead of sorting it.
_NAMES = ("name", "instance")


def is_targets(document: Any) -> bool:
    """Return whether a document is a list of target groups, as file_sd reads them."""
    return isinstance(document, list) and any(isinstance(group, dict) and "targets" in group for group in document)


def is_configuration(document: Any) -> bool:
    return isinstance(document, dict) and "scrape_configs" in document


def no_files(_pattern: str) -> Sequence[tuple[str, Any]]:
    """Find no target files: what was pasted lies in no folder."""
    return ()


def read(
    document: Any, defaults: MonitorSettings, modules: Modules | None = None, files: TargetFiles = no_files
) -> Reading:
    """Read either form. `modules` are those of blackbox_exporter, where they are known. Raises InvalidInput."""
    if is_modules(document) and not is_configuration(document):
        raise InvalidInput(
            "The file holds modules of blackbox_exporter, but no targets.",
            "Import the configuration of Prometheus, or its list of targets, and name this file as its modules.",
        )
    if is_configuration(document):
        return _Jobs(document, defaults, modules, files).reading()
    if is_targets(document):
        require_room(_targets_in(document))
        items: list[Item] = []
        for group in document:
            items += _read_group(group, _Job(defaults, modules=modules, says_more=False), len(items))
        return Reading(Kind.PROMETHEUS, tuple(items))
    raise InvalidInput(
        "The file is no configuration of Prometheus.", "It has neither scrape_configs nor groups of targets."
    )


@dataclass(frozen=True)
class _Job:
    """What a job says of all its targets; a bare list of targets says nothing more (`says_more`)."""

    defaults: MonitorSettings
    name: str = ""
    module: str = ""
    modules: Modules | None = None
    interval: Any = _INTERVAL
    timeout: Any = _TIMEOUT
    is_probed: bool = True
    says_more: bool = True


@dataclass
class _Jobs:
    """Reads all jobs of a configuration, one after the other."""

    document: Any
    defaults: MonitorSettings
    modules: Modules | None
    files: TargetFiles
    items: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reading(self) -> Reading:
        general = mapped(self.document.get("global"))
        for entry in listed(self.document.get("scrape_configs")):
            if isinstance(entry, dict):
                self._read_job(entry, general)
        return Reading(Kind.PROMETHEUS, tuple(self.items), notes=tuple(self.notes))

    def _read_job(self, entry: Any, general: Mapping[Any, Any]) -> None:
        modules = listed(mapped(entry.get("params")).get("module"))
        job = _Job(
            self.defaults,
            cleaned_text(entry.get("job_name"))[:80],
            str(modules[0]) if modules else "",
            self.modules,
            entry.get("scrape_interval", general.get("scrape_interval", _INTERVAL)),
            entry.get("scrape_timeout", general.get("scrape_timeout", _TIMEOUT)),
            entry.get("metrics_path") == "/probe" or _is_relabelled(entry),
        )
        self._add(listed(entry.get("static_configs")), job)
        for key, value in entry.items():
            if not isinstance(key, str) or not _DISCOVERIES.fullmatch(key):
                continue
            if not key.startswith("file_sd"):
                self.notes.append(f"The targets that the job “{job.name}” finds by {key} are known to the server only.")
                continue
            for discovery in listed(value):
                for pattern in listed(mapped(discovery).get("files")):
                    self._add_files(str(pattern), job)

    def _add_files(self, pattern: str, job: _Job) -> None:
        found = self.files(pattern)
        shown = cleaned_text(pattern)[:80]
        if not found:
            self.notes.append(f"The target file {shown} of the job “{job.name}” is not here. Import it by itself.")
        for name, document in found:
            if is_targets(document):
                self._add(document, job, name)
            else:
                self.notes.append(f"The file {name} of the job “{job.name}” is no list of targets.")

    def _add(self, groups: Sequence[Any], job: _Job, file: str = "") -> None:
        require_room(len(self.items) + _targets_in(groups))
        for group in groups:
            self.items += _read_group(group, job, len(self.items), file)


def _targets_in(groups: Sequence[Any]) -> int:
    return sum(len(listed(group.get("targets"))) for group in groups if isinstance(group, dict))


def _is_relabelled(entry: Any) -> bool:
    rules = listed(entry.get("relabel_configs"))
    return any(isinstance(rule, dict) and rule.get("target_label") == "__param_target" for rule in rules)


def _read_group(group: Any, job: _Job, before: int, file: str = "") -> Iterator[Item]:
    if not isinstance(group, dict):
        yield Item(before + 1, line_of(group), "?", reason="The entry is no group of targets.", is_wrong=True)
        return
    labels = mapped(group.get("labels"))
    for number, target in enumerate(listed(group.get("targets")), start=before + 1):
        wish: Wish | InvalidInput
        try:
            wish = _read_target(target, labels, job)
            if file:
                wish.notes.append(f"It stands in {file}.")
        except InvalidInput as exc:
            wish = exc
        # A line is one of the file that was named.
        line = None if file else line_of(target) or line_of(group)
        yield item(number, line, cleaned_text(target)[:300] or "?", wish)


def _read_target(target: Any, labels: Mapping[Any, Any], job: _Job) -> Wish:
    if not isinstance(target, str):
        raise InvalidInput("The entry is no target.")
    if not job.is_probed:
        raise LeftOut(f"The job “{job.name}” scrapes it itself, not through blackbox_exporter.")
    module = str(labels.get("__param_module") or labels.get("module") or job.module)
    has_scheme = "://" in target
    wish = Wish(address_of(target, module, job.modules), job.defaults)
    if not has_scheme and wish.kind == "http":
        wish.notes.append("It is taken for http://, as blackbox_exporter does.")
    wish.call(next((labels[key] for key in _NAMES if labels.get(key)), ""))
    wish.tag(job.name, *(f"{key}: {value}" for key, value in labels.items() if _sorts(key)))
    if job.says_more:
        wish.every(duration_ms(str(labels.get("__scrape_interval__") or job.interval)))
    if job.says_more or job.modules is not None:
        timeout_ms = duration_ms(str(labels.get("__scrape_timeout__") or job.timeout))
        apply_module(wish, module, job.modules, timeout_ms)
    return wish


def _sorts(label: Any) -> bool:
    """Return whether a label says what a target belongs to."""
    return label not in (*_NAMES, "module") and not str(label).startswith("__")
