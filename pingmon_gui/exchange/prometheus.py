"""Prometheus: scrape jobs that go through blackbox_exporter, and lists of targets for file_sd (YAML or JSON).

https://prometheus.io/docs/prometheus/latest/configuration/configuration/,
https://github.com/prometheus/blackbox_exporter/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, LeftOut, Reading, Wish, cleaned_text, item, listed, mapped, require_room
from pingmon_gui.exchange.yaml_document import line_of

_DISCOVERIES = re.compile(r"\w+_sd_configs?")
#: Parts of the names that people give to modules which do not fetch an address.
_OTHER_PROBERS = ("icmp", "ping", "tcp", "dns", "grpc", "ssh", "irc", "pop3", "smtp", "imap", "unix", "websocket")


def is_targets(document: Any) -> bool:
    """Return whether a document is a list of target groups, as file_sd reads them."""
    return isinstance(document, list) and any(isinstance(group, dict) and "targets" in group for group in document)


def is_configuration(document: Any) -> bool:
    return isinstance(document, dict) and "scrape_configs" in document


def read(document: Any, defaults: MonitorSettings) -> Reading:
    """Read either form. Raises InvalidInput if it is neither."""
    if isinstance(document, dict) and "modules" in document and not is_configuration(document):
        raise InvalidInput(
            "The file holds modules of blackbox_exporter, but no targets.",
            "Import the configuration of Prometheus, or its list of targets.",
        )
    if is_configuration(document):
        return _read_jobs(document, defaults)
    if is_targets(document):
        require_room(sum(len(listed(group.get("targets"))) for group in document if isinstance(group, dict)))
        items: list[Item] = []
        for group in document:
            items += _read_group(group, _Job(defaults), len(items))
        return Reading(Kind.PROMETHEUS, tuple(items))
    raise InvalidInput(
        "The file is no configuration of Prometheus.", "It has neither scrape_configs nor groups of targets."
    )


class _Job:
    """What a job says of all its targets."""

    def __init__(
        self,
        defaults: MonitorSettings,
        name: str = "",
        module: str = "",
        interval: Any = None,
        timeout: Any = None,
        is_probed: bool = True,
    ) -> None:
        self.defaults = defaults
        self.name = name
        self.module = module
        self.interval = interval
        self.timeout = timeout
        self.is_probed = is_probed


def _read_jobs(document: Any, defaults: MonitorSettings) -> Reading:
    general = mapped(document.get("global"))
    jobs = [job for job in listed(document.get("scrape_configs")) if isinstance(job, dict)]
    require_room(
        sum(
            len(listed(group.get("targets")))
            for job in jobs
            for group in listed(job.get("static_configs"))
            if isinstance(group, dict)
        )
    )
    items: list[Item] = []
    notes: list[str] = []
    for entry in jobs:
        name = cleaned_text(entry.get("job_name"))[:80]
        params = mapped(entry.get("params"))
        modules = listed(params.get("module"))
        job = _Job(
            defaults,
            name,
            str(modules[0]) if modules else "",
            entry.get("scrape_interval", general.get("scrape_interval")),
            entry.get("scrape_timeout"),
            entry.get("metrics_path") == "/probe" or _is_relabelled(entry),
        )
        for group in listed(entry.get("static_configs")):
            items += _read_group(group, job, len(items))
        for key in entry:
            if isinstance(key, str) and _DISCOVERIES.fullmatch(key):
                what = (
                    "Import its target file by itself." if key.startswith("file_sd") else "Only the server knows them."
                )
                notes.append(f"The targets that the job “{name}” finds by {key} are left out. {what}")
    return Reading(Kind.PROMETHEUS, tuple(items), notes=tuple(notes))


def _is_relabelled(entry: Any) -> bool:
    rules = listed(entry.get("relabel_configs"))
    return any(isinstance(rule, dict) and rule.get("target_label") == "__param_target" for rule in rules)


def _read_group(group: Any, job: _Job, before: int) -> Iterator[Item]:
    if not isinstance(group, dict):
        yield Item(before + 1, line_of(group), "?", reason="The entry is no group of targets.", is_wrong=True)
        return
    labels = mapped(group.get("labels"))
    for number, target in enumerate(listed(group.get("targets")), start=before + 1):
        wish: Wish | InvalidInput
        try:
            wish = _read_target(target, labels, job)
        except InvalidInput as exc:
            wish = exc
        yield item(number, line_of(target) or line_of(group), cleaned_text(target)[:300] or "?", wish)


def _read_target(target: Any, labels: Mapping[Any, Any], job: _Job) -> Wish:
    if not isinstance(target, str):
        raise InvalidInput("The entry is no target.")
    if not job.is_probed:
        raise LeftOut(f"The job “{job.name}” scrapes it itself, not through blackbox_exporter.")
    module = str(labels.get("__param_module") or labels.get("module") or job.module)
    has_scheme = "://" in target
    if any(word in module.lower() for word in _OTHER_PROBERS) and not has_scheme:
        raise LeftOut(f"Pingmon cannot measure by the module “{cleaned_text(module)[:40]}” yet.")
    if "post" in module.lower():
        raise LeftOut(f"The module “{cleaned_text(module)[:40]}” sends POST requests; Pingmon sends GET.")
    if has_scheme and target.partition("://")[0].lower() not in ("http", "https"):
        raise LeftOut(f"Pingmon cannot measure {cleaned_text(target.partition('://')[0])[:20]}:// yet.")
    wish = Wish(target if has_scheme else f"http://{target}", job.defaults)
    if not has_scheme:
        wish.notes.append("It is taken for http://, as blackbox_exporter does.")
    name = next((labels[key] for key in ("name", "instance", "__name") if labels.get(key)), "")
    wish.call(name)
    wish.tag(job.name, *(value for key, value in labels.items() if key not in ("name", "instance") and key[:2] != "__"))
    if job.interval is not None:
        wish.every(duration_ms(str(job.interval)))
    if job.timeout is not None:
        wish.within(duration_ms(str(job.timeout)))
    return wish
