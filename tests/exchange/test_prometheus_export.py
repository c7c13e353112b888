"""Prometheus' configuration as it is written: what is in it, and that Prometheus itself finds nothing wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from pingmon_probe.scrape import spec_of

from pingmon_gui.domain.family import EACH
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import METRICS_OPEN, METRICS_WITH_TOKEN, Preferences
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.prometheus_export import CONFIGURATION_FILE, RULES_FILE, files_of
from tests.exchange.strategies import MONITORS

_ACCESS = ProbeAccess("vps", "root", "192.0.2.1", 22, "pingmon", 8650, "ssh-ed25519 AAAA", Supervisor.SYSTEMD)
PROBES = (
    Probe(ProbeId(1), "This computer", Region.LOCAL),
    Probe(ProbeId(7), "Frankfurt / 1", Region.EU, Transport.TUNNEL, _ACCESS),
    Probe(ProbeId(8), "Ashburn", Region.NA, Transport.TUNNEL, _ACCESS),
    Probe(ProbeId(9), "Tokyo", Region.AS, Transport.DIRECT, _ACCESS),
)


def monitor(number: int, url: str, **values: object) -> Monitor:
    return Monitor(MonitorId(number), 1, url, "", MonitorSettings(**values), 0)  # type: ignore[arg-type]


WATCHED = (
    monitor(2, "https://a.example/", keyword="x+", keyword_is_pattern=True, bearer="geheim", interval_ms=30_000),
    monitor(3, "https://b.example/", slow_ms=500),
    monitor(4, "https://c.example/", slow_ms=500),
    monitor(5, "dns://d.example?type=MX", dns_match="contains", dns_answers=("10 mail.d.example",)),
)


def test_every_probe_and_domain_is_scraped_as_it_is_measured() -> None:
    files = files_of(Configuration(WATCHED, probes=PROBES))
    text = files[CONFIGURATION_FILE]
    assert "geheim" not in "".join(files.values())
    assert "# This computer is left out: it runs inside of Pingmon." in text
    assert "# Tokyo is left out: its certificate has no name." in text
    assert "#   ssh -N -L 18651:127.0.0.1:8650 vps" in text
    assert "#   ssh vps sudo cat /etc/pingmon-probe/token > tokens/" in text
    document = yaml.safe_load(text)
    jobs = {job["job_name"]: job for job in document["scrape_configs"]}
    assert [name for name in jobs if "Frankfurt" in name] == [
        "pingmon probe Frankfurt / 1 (7)", "pingmon Frankfurt / 1 1 (7)", "pingmon Frankfurt / 1 2 (7)",
        "pingmon Frankfurt / 1 3 (7)",
    ]  # fmt: skip
    first = jobs["pingmon Frankfurt / 1 1 (7)"]
    assert (first["scrape_interval"], first["scrape_timeout"]) == ("30000ms", "6000ms")
    assert first["authorization"] == {"credentials_file": "tokens/Frankfurt---1"}
    second = jobs["pingmon Frankfurt / 1 2 (7)"]
    assert [one["targets"] for one in second["static_configs"]] == [["https://b.example/"], ["https://c.example/"]]


def test_scrape_asks_for_the_check_of_the_domain() -> None:
    document = yaml.safe_load(files_of(Configuration(WATCHED, probes=PROBES))[CONFIGURATION_FILE])
    asked = {}
    for job in document["scrape_configs"]:
        for group in job["static_configs"] if "params" in job else ():
            query = {name: values[-1] for name, values in job["params"].items()}
            asked[group["targets"][0]] = spec_of({**query, "target": group["targets"][0]})
    for one in WATCHED:
        check, wanted = asked[one.url], one.check_specs()[0]
        for name in ("url", "timeout_ms", "keyword", "keyword_is_pattern", "dns_match", "dns_answers", "family"):
            assert getattr(check, name) == getattr(wanted, name)


@settings(
    max_examples=8, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(MONITORS)
def test_prometheus_finds_nothing_wrong(tmp_path: Path, monitors: list[Monitor]) -> None:
    for name, text in files_of(Configuration(monitors, probes=PROBES)).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "tokens").mkdir(exist_ok=True)
    for token in ("Frankfurt---1", "Ashburn"):
        (tmp_path / "tokens" / token).write_text("t")
    command = ["promtool", "check", "config", str(tmp_path / CONFIGURATION_FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout + done.stderr


_RULE_TEST = """
rule_files: [{rules}]
evaluation_interval: 10s
tests:
  - interval: 10s
    input_series:
{series}
    alert_rule_test:
{expected}
"""


@pytest.mark.parametrize(
    ("values", "alert"),
    [
        ((1, 1, 1), None),
        ((0, 1, 1), "PingmonRegionalProblem"),
        ((0, 0, 1), "PingmonOffline"),
        ((0, 0), "PingmonOffline"),
        ((0, 1), "PingmonRegionalProblem"),
        ((0,), "PingmonOffline"),
        ((0, 0, 1, 1), "PingmonRegionalProblem"),
        ((0, 0, 0, 1), "PingmonOffline"),
    ],
)
def test_rules_judge_by_our_quorum(tmp_path: Path, values: tuple[int, ...], alert: str | None) -> None:
    judge_by_rules(tmp_path, {f'region="r{place}"': value for place, value in enumerate(values)}, alert)


@pytest.mark.parametrize(
    ("values", "alert"),
    [
        ({("eu", 4, 1): 1, ("eu", 6, 1): 1}, None),
        ({("eu", 4, 1): 1, ("eu", 6, 1): 0}, "PingmonOffline"),
        ({("eu", 4, 1): 1, ("eu", 6, 1): 0, ("na", 4, 2): 1, ("na", 6, 2): 1}, "PingmonRegionalProblem"),
        ({("eu", 4, 1): 1, ("eu", 6, 1): 0, ("eu", 6, 2): 1, ("eu", 4, 2): 0}, None),  # one of two probes is enough
    ],
)
def test_rules_take_the_worse_of_two_families(
    tmp_path: Path, values: dict[tuple[str, int, int], int], alert: str | None
) -> None:
    named = {
        f'region="{region}", family="{family}", probe="{probe}"': value
        for (region, family, probe), value in values.items()
    }
    judge_by_rules(tmp_path, named, alert)


def test_each_family_is_a_scrape_with_its_label() -> None:
    both = monitor(9, "https://both.example/", family=EACH)
    document = yaml.safe_load(files_of(Configuration((both, WATCHED[1]), probes=PROBES[1:2]))[CONFIGURATION_FILE])
    scrapes = [
        (group["targets"][0], job["params"].get("family"), group["labels"].get("family"))
        for job in document["scrape_configs"]
        if "params" in job
        for group in job["static_configs"]
    ]
    assert scrapes == [
        ("https://both.example/", ["4"], "4"),
        ("https://both.example/", ["6"], "6"),
        ("https://b.example/", None, None),
    ]


def judge_by_rules(tmp_path: Path, values: Mapping[str, int], alert: str | None) -> None:
    """Have promtool judge scrapes, each by its labels: whether the two rules fire as they should."""
    (tmp_path / RULES_FILE).write_text(files_of(Configuration(WATCHED))[RULES_FILE], encoding="utf-8")
    series = ""
    for labels, value in values.items():
        name = f'probe_success{{instance="i", name="n", {labels}}}'
        series += f"      - {{series: '{name}', values: '{value}x30'}}\n"
    expected = ""
    for name in ("PingmonOffline", "PingmonRegionalProblem"):
        severity = "critical" if name == "PingmonOffline" else "warning"
        extent = "most" if name == "PingmonOffline" else "some"
        expected += f"      - {{eval_time: 2m, alertname: {name}, exp_alerts: ["
        if name == alert:
            summary = f"n (i) is offline for {extent} regions"
            labels = f"{{severity: {severity}, instance: i, name: n}}"
            expected += f"{{exp_labels: {labels}, exp_annotations: {{summary: '{summary}'}}}}"
        expected += "]}\n"
    test = tmp_path / "test.yml"
    test.write_text(_RULE_TEST.format(rules=RULES_FILE, series=series, expected=expected))
    done = subprocess.run(["promtool", "test", "rules", str(test)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_app_is_scraped_where_its_metrics_are_on(tmp_path: Path) -> None:
    off = files_of(Configuration(WATCHED, probes=PROBES))
    assert "PingmonAppLost" not in off[RULES_FILE]
    for choice in (METRICS_OPEN, METRICS_WITH_TOKEN):
        on = Preferences({"metrics_access": choice, "metrics_port": 9_999})
        files = files_of(Configuration(WATCHED, on))
        (job,) = yaml.safe_load(files[CONFIGURATION_FILE])["scrape_configs"]
        assert (job["job_name"], job["static_configs"]) == ("pingmon", [{"targets": ["127.0.0.1:9999"]}])
        has_token = choice == METRICS_WITH_TOKEN
        assert ("authorization" in job, "copy it to tokens/metrics-token" in files[CONFIGURATION_FILE]) == (
            has_token,
            has_token,
        )
        assert "PingmonAppLost" in files[RULES_FILE]
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        command = ["promtool", "check", "config", str(tmp_path / CONFIGURATION_FILE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # The token's file is the user's to put there: promtool misses it, and nothing else.
        assert done.returncode == int(has_token), done.stderr
        assert (done.returncode == 0) or "metrics-token" in done.stderr
