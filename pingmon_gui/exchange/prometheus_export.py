"""Prometheus' configuration: scrapes of the same checks by the same probes, and of the app; rules that judge as we do.

Written as the YAML that needs no library: two files of plain maps and lists, every text in JSON's quotes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pingmon_probe.protocol import KINDS_OF_FIELD, CheckSpec

from pingmon_gui.domain.metrics_access import LOOPBACK, MetricsAccess, preferred_access
from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.probe import Probe, ProbeAccess, Transport
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.exchange.configuration import Configuration

CONFIGURATION_FILE = "prometheus.yml"
RULES_FILE = "pingmon.rules.yml"
#: The scrape of the app itself, and the file of its token.
APP_JOB, APP_TOKEN_FILE = "pingmon", "tokens/metrics-token"
#: Where the way to the first probe begins on the computer of Prometheus; the others follow.
FIRST_PORT = 18_650
#: How much longer than its check a scrape may take: the probe ends a check half a second before.
SCRAPE_EXTRA_MS = 1_000
EXPIRY_DAYS = (30, 14, 7, 3, 1)
#: Settings that a scrape does not ask for: what signs in does not belong in an address.
_SECRET_FIELDS = frozenset(("basic_auth", "bearer"))
_PLAIN = CheckSpec("")


def files_of(configuration: Configuration) -> dict[str, str]:
    """Return the texts of the files, by name."""
    return {CONFIGURATION_FILE: _configuration(configuration), RULES_FILE: _rules(configuration)}


def _configuration(configuration: Configuration) -> str:
    ways = {
        probe.id: f"{LOOPBACK}:{FIRST_PORT + place}" for place, probe in enumerate(_reachable(configuration.probes))
    }
    app = preferred_access(configuration.preferences)
    lines = [
        "# Written by “pingmon export prometheus”. The probes are the same, and measure the same;",
        "# their metrics have the names of blackbox_exporter's.",
        *_notes(configuration, ways),
        "global:",
        "  scrape_interval: 60s",
        "rule_files:",
        f"  - {RULES_FILE}",
        "scrape_configs:" if ways or app else "scrape_configs: []",
    ]
    if app is not None:
        lines += _lines_of_job(_app_job(app))
    for probe in _reachable(configuration.probes):
        lines += _lines_of_job(_own_job(probe, ways[probe.id]))
        for number, (settings, monitors) in enumerate(_groups(configuration.monitors, probe), start=1):
            lines += _lines_of_job(_check_job(probe, ways[probe.id], number, settings, monitors))
    return "\n".join(lines) + "\n"


def _reachable(probes: Sequence[Probe]) -> list[Probe]:
    """Return the probes that Prometheus can be led to: those that listen on their host's loopback."""
    return [probe for probe in probes if probe.transport is Transport.TUNNEL and probe.access is not None]


def _notes(configuration: Configuration, ways: Mapping[ProbeId, str]) -> Iterator[str]:
    """Say how to get to each probe, and what is not in the file."""
    for probe in _reachable(configuration.probes):
        access = probe.access
        assert access is not None
        port = ways[probe.id].rpartition(":")[2]
        yield "#"
        yield _comment(f"{probe.name}: keep this way open to it, and put its token into {_token_file(probe)}:")
        yield _comment(f"  ssh -N -L {port}:127.0.0.1:{access.service_port} {access.host}")
        yield _comment(f"  {_token_command(access)} > {_token_file(probe)}")
    if (app := preferred_access(configuration.preferences)) is not None:
        yield "#"
        yield _comment("Pingmon itself tells what its table shows, while it runs; on another computer: its address.")
        if app.needs_token:
            yield _comment(f"Its token is the file metrics-token of its data folder: copy it to {APP_TOKEN_FILE}.")
    left_out = [probe for probe in configuration.probes if not _reachable([probe])]
    for probe in left_out:
        why = "it runs inside of Pingmon" if probe.transport is Transport.EMBEDDED else "its certificate has no name"
        yield "#"
        yield _comment(f"{probe.name} is left out: {why}.")
    if hidden := [monitor.title for monitor in configuration.monitors if monitor.settings.has_secrets]:
        yield "#"
        yield _comment(f"Without what signs in, which belongs in no address: {', '.join(hidden[:20])}")
    yield ""


def _comment(text: str) -> str:
    return "# " + "".join(letter if letter.isprintable() else "?" for letter in text)


def _token_command(access: ProbeAccess) -> str:
    """Return what prints the token of a probe, which its host lets only the probe's user and root read."""
    if access.tunnel_user == access.login_user:  # a probe without root, in its user's home
        return f"ssh {access.host} cat .local/share/pingmon-probe/token"
    return f"ssh {access.host} sudo cat /etc/pingmon-probe/token"


def _token_file(probe: Probe) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in probe.name)
    return f"tokens/{safe or probe.id}"


def _groups(monitors: Sequence[Monitor], probe: Probe) -> list[tuple[dict[str, Any], list[Monitor]]]:
    """Return the probe's monitors by what is asked of all of them: each becomes one job."""
    groups: dict[str, tuple[dict[str, Any], list[Monitor]]] = {}
    for monitor in monitors:
        if monitor.is_paused or not monitor.watched_from(probe.region):
            continue
        for check in monitor.check_specs():
            settings = _settings(monitor, check)
            groups.setdefault(json.dumps(settings, sort_keys=True), (settings, []))[1].append(monitor)
    return list(groups.values())


def _settings(monitor: Monitor, check: CheckSpec) -> dict[str, Any]:
    """Return interval and limits of a monitor, and the parameters of the scrape that is one of its checks.

    Where each family is measured there are two, told apart by a label.
    """
    parameters = {"timeout_ms": str(check.timeout_ms)}
    if check.family:
        parameters["family"] = str(check.family)
    settings = monitor.settings.without_secrets()
    for name in KINDS_OF_FIELD:
        value = getattr(settings, name)
        if name not in _SECRET_FIELDS and value != getattr(_PLAIN, name):
            parameters[name] = _parameter(name, value)
    s = monitor.settings
    labels = {"slow": f"{s.slow_ms}ms"} | ({"family": str(check.family)} if monitor.has_each_family else {})
    return {"interval_ms": s.interval_ms, "timeout_ms": s.timeout_ms, "labels": labels, "parameters": parameters}


def _parameter(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if name == "status_set":
        return ",".join(f"{low}-{high}" for low, high in value)
    if name == "headers":
        return "\n".join(f"{header}: {text}" for header, text in value)
    return "\n".join(value) if isinstance(value, tuple) else str(value)


def _app_job(access: MetricsAccess) -> dict[str, Any]:
    token = {"authorization": {"credentials_file": APP_TOKEN_FILE}} if access.needs_token else {}
    target = f"{LOOPBACK}:{access.port}"
    return {"job_name": APP_JOB, "scrape_interval": "15s", **token, "static_configs": [{"targets": [target]}]}


def _own_job(probe: Probe, way: str) -> dict[str, Any]:
    return {
        "job_name": f"pingmon probe {probe.name} ({probe.id})",
        "authorization": {"credentials_file": _token_file(probe)},
        "static_configs": [{"targets": [way], "labels": {"probe": probe.name, "region": probe.region.value}}],
    }


def _check_job(
    probe: Probe, way: str, number: int, settings: dict[str, Any], monitors: Sequence[Monitor]
) -> dict[str, Any]:
    interval_ms = settings["interval_ms"]
    labels = {"probe": probe.name, "region": probe.region.value, **settings["labels"]}
    return {
        "job_name": f"pingmon {probe.name} {number} ({probe.id})",
        "scrape_interval": f"{interval_ms}ms",
        # Prometheus wants it to fit in the interval.
        "scrape_timeout": f"{min(settings['timeout_ms'] + SCRAPE_EXTRA_MS, interval_ms)}ms",
        "metrics_path": "/probe",
        "params": {name: [text] for name, text in settings["parameters"].items()},
        "authorization": {"credentials_file": _token_file(probe)},
        "static_configs": [
            {"targets": [monitor.url], "labels": {**labels, "name": monitor.title}} for monitor in monitors
        ],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": way},
        ],
    }


def _lines_of_job(job: dict[str, Any]) -> list[str]:
    """Return a job as YAML: its keys one a line, what is inside of them as JSON, which is YAML too."""
    lines = []
    for place, (key, value) in enumerate(job.items()):
        start = "  - " if not place else "    "
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{start}{key}:")
            lines += [f"      - {_text(item)}" for item in value]
        else:
            lines.append(f"{start}{key}: {_text(value)}")
    return lines


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# ---- rules


def _rules(configuration: Configuration) -> str:
    """Return rules by our own: votes per region, a quorum, limits for slow, thresholds of certificates."""
    # Of several probes of a region one is enough, of two families neither is.
    states = "min by (instance, name, region) (max by (instance, name, region, family) (probe_success))"
    down, all_ = f"count by (instance, name) ({states} == 0)", f"count by (instance, name) ({states})"
    name, instance = "{{ $labels.name }}", "{{ $labels.instance }}"
    alerts = [
        _rule(
            "PingmonOffline",
            f"{down} > floor({all_} / 2)",
            "critical",
            f"{name} ({instance}) is offline for most regions",
            "20s",
        ),
        _rule(
            "PingmonRegionalProblem",
            f"({down} > 0) unless ({down} > floor({all_} / 2))",
            "warning",
            f"{name} ({instance}) is offline for some regions",
            "20s",
        ),
        _rule(
            "PingmonProbeLost",
            'up{job=~"pingmon probe .*"} == 0',
            "warning",
            "The probe {{ $labels.probe }} is not reached: what only it watches is unknown",
            "1m",
        ),
    ]
    if preferred_access(configuration.preferences) is not None:
        words = "Pingmon is not reached: it does not run, or its /metrics are off"
        alerts.append(_rule("PingmonAppLost", f'up{{job="{APP_JOB}"}} == 0', "warning", words, "5m"))
    for slow_ms in sorted({monitor.settings.slow_ms for monitor in configuration.monitors}):
        rule = _rule(
            "PingmonSlow",
            f'probe_duration_seconds{{slow="{slow_ms}ms"}} >= {slow_ms / 1000:g} and probe_success == 1',
            "warning",
            f"{name} ({instance}) takes {slow_ms} ms or more from {{{{ $labels.region }}}}",
            "1m",
        )
        rule["labels"]["slow"] = f"{slow_ms}ms"
        alerts.append(rule)
    end = "min by (instance, name) (probe_ssl_earliest_cert_expiry) - time()"
    for days in EXPIRY_DAYS:
        words = f"The certificate of {name} ({instance}) ends within {days} day{'s' if days > 1 else ''}"
        severity = "critical" if days <= 3 else "warning"
        rule = _rule("PingmonCertificateExpiry", f"{end} < {days * 86_400}", severity, words, "0s")
        rule["labels"]["days"] = str(days)
        alerts.append(rule)
    lines = ["# Written by “pingmon export prometheus”.", "groups:", '  - name: "pingmon"', "    rules:"]
    for alert in alerts:
        for place, (key, value) in enumerate(alert.items()):
            lines.append(f"{'      - ' if not place else '        '}{key}: {_text(value)}")
    return "\n".join(lines) + "\n"


def _rule(alert: str, expression: str, severity: str, summary: str, wait: str) -> dict[str, Any]:
    return {
        "alert": alert,
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity},
        "annotations": {"summary": summary},
    }
