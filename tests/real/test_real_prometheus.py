"""A real Prometheus and a real blackbox_exporter beside a real probe: the same names, the same meanings."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import METRICS_WITH_TOKEN
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.exchange import prometheus_export
from pingmon_gui.exchange.configuration import Configuration
from tests.cli.conftest import Processes
from tests.ports import free_port
from tests.probe.probe_process import TOKEN, ProbeProcess
from tests.probe.targets import Targets

pytestmark = [pytest.mark.timeout(240), pytest.mark.lengthy]

PATIENCE_S = 120.0
#: Of each kind what can be the same to the last digit; times and sizes of what only one of them sends cannot.
_SAME = (
    "probe_success", "probe_http_status_code", "probe_http_redirects", "probe_http_ssl", "probe_ip_protocol",
    "probe_ip_addr_hash", "probe_failed_due_to_regex", "probe_ssl_earliest_cert_expiry",
    "probe_http_uncompressed_body_length",
)  # fmt: skip


def _until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if found := holds():
                return found
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    servers = Targets(tmp_path_factory.mktemp("targets"))
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def probe(targets: Targets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeProcess]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", targets.ca_file)
        with ProbeProcess(tmp_path_factory.mktemp("spool")) as started:
            yield started


@pytest.fixture(scope="module")
def blackbox(targets: Targets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a blackbox_exporter with the modules of its own example that the tests ask for."""
    folder, port = tmp_path_factory.mktemp("blackbox"), free_port()
    http = {"preferred_ip_protocol": "ip4", "tls_config": {"ca_file": targets.ca_file}}
    modules = {
        "http_2xx": {"prober": "http", "http": http},
        "tcp_connect": {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}},
    }
    (folder / "blackbox.yml").write_text(json.dumps({"modules": modules}))
    command = [
        "prometheus-blackbox-exporter", f"--config.file={folder / 'blackbox.yml'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        _until(lambda: httpx.get(f"{address}/-/healthy").is_success)
        yield address
        process.terminate()


@contextmanager
def _prometheus(folder: Path) -> Iterator[Callable[[str], list[dict[str, str]]]]:
    """Run Prometheus on the configuration in a folder; what is asked gives labels, and the value as one of them."""
    port = free_port()
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip

    def asked(query: str) -> list[dict[str, str]]:
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}).raise_for_status().json()
        return [{**one["metric"], "value": one["value"][1]} for one in answer["data"]["result"]]

    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            # Until its store is open it answers every question with 503.
            _until(lambda: httpx.get(f"http://127.0.0.1:{port}/-/ready").is_success)
            yield asked
        finally:
            process.terminate()


def _metrics(text: str) -> tuple[dict[str, float], dict[str, str]]:
    """Return (value by name with labels, kind by name)."""
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            values[name] = float(value)
    return values, dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("http_2xx", lambda targets: targets.url("/fast")),
        ("http_2xx", lambda targets: targets.url("/fast", "good")),
        ("http_2xx", lambda targets: targets.url("/chain/2")),
        ("http_2xx", lambda targets: targets.url("/status/503")),
        ("http_2xx", lambda targets: f"http://127.0.0.1:{targets.refused_port()}/"),
        ("tcp_connect", lambda targets: f"127.0.0.1:{targets.silent()}"),
    ],
)
def test_probe_says_what_blackbox_exporter_says(
    probe: ProbeProcess, blackbox: str, targets: Targets, module: str, target: Callable[[Targets], str]
) -> None:
    query = {"target": target(targets), "module": module, "family": "4"}
    ours, our_kinds = _metrics(probe.client.get("/probe", params=query).raise_for_status().text)
    del query["family"]
    theirs, their_kinds = _metrics(httpx.get(f"{blackbox}/probe", params=query, timeout=30).raise_for_status().text)
    # Everything of ours but what we add is known there, and of the same kind.
    added = [name for name in our_kinds if name.startswith("pingmon_")]
    assert {name: kind for name, kind in our_kinds.items() if name not in added}.items() <= their_kinds.items()
    assert set(ours) - set(theirs) - {name for name in ours if name.startswith("pingmon_")} == set()
    for name in _SAME:
        if name in ours:
            assert ours[name] == theirs[name], name


def test_wrong_scrape_is_refused_with_a_sentence(probe: ProbeProcess) -> None:
    answer = probe.client.get("/probe", params={"target": "a.example", "module": "gopher"})
    assert answer.status_code == 400
    assert "there is no module 'gopher'" in answer.json()["message"]
    with probe.new_client("wrong") as stranger:
        assert stranger.get("/metrics").status_code == 401


def test_prometheus_finds_nothing_wrong_with_the_metrics(probe: ProbeProcess, targets: Targets) -> None:
    for text in (
        probe.client.get("/metrics").raise_for_status().text,
        probe.client.get("/probe", params={"target": targets.url("/fast", "good")}).raise_for_status().text,
    ):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_scrapes_the_probe_by_what_is_exported(
    probe: ProbeProcess, targets: Targets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus_export, "FIRST_PORT", probe.port)
    access = ProbeAccess("vps", "root", "192.0.2.1", 22, "pingmon", 8650, "ssh-ed25519 A", Supervisor.SYSTEMD)
    there = Probe(ProbeId(7), "Frankfurt", Region.EU, Transport.TUNNEL, access)
    up, down = targets.url("/fast"), targets.url("/status/503")
    watched = [
        Monitor(MonitorId(number), 1, url, "", MonitorSettings(interval_ms=5_000, timeout_ms=2_000), 0)
        for number, url in ((2, up), (3, down))
    ]
    for name, text in prometheus_export.files_of(Configuration(watched, probes=[there])).items():
        # What is scraped once a minute is waited for below.
        (tmp_path / name).write_text(text.replace("scrape_interval: 60s", "scrape_interval: 1s"))
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "Frankfurt").write_text(TOKEN)
    with _prometheus(tmp_path) as asked:

        def values(query: str) -> dict[str, float]:
            return {one.get("instance", ""): float(one["value"]) for one in asked(query)}

        assert _until(lambda: values('probe_success{region="eu"}') == {up: 1.0, down: 0.0})
        assert values("probe_http_status_code") == {up: 200.0, down: 503.0}
        assert _until(lambda: set(values("pingmon_probe_votes").values()) == {1.0})


def test_prometheus_scrapes_the_app_by_what_is_exported(targets: Targets, tmp_path: Path) -> None:
    processes, port = Processes(tmp_path / "data"), free_port()
    declared = tmp_path / "pingmon.toml"
    up, down = targets.url("/fast"), targets.url("/status/503")
    declared.write_text(
        f'[settings]\nmetrics_access = "{METRICS_WITH_TOKEN}"\nmetrics_port = {port}\n'
        f'[[monitor]]\nurl = "{up}"\n[[monitor]]\nurl = "{down}"\n'
    )
    try:
        assert processes.run("apply", str(declared), "--yes").code == 0
        processes.start_engine()
        export = processes.start("export", "prometheus", cwd=tmp_path)
        assert export.wait() == 0
        folder = tmp_path / "prometheus"
        (folder / "tokens").mkdir()
        (folder / "tokens" / "metrics-token").write_bytes((tmp_path / "data" / "metrics-token").read_bytes())
        with _prometheus(folder) as asked:
            verdicts = "pingmon_monitor_verdict == 1"
            wanted = {(up, "online"), (down, "offline")}
            _until(lambda: {(one["url"], one["verdict"]) for one in asked(verdicts)} == wanted)
            assert len(asked("pingmon_monitor_availability_ratio")) == 2
            assert [one["instance"] for one in asked("up == 1")] == [f"127.0.0.1:{port}"]
    finally:
        processes.close()
