"""`pingmon probe ...` on real hosts with systemd, as people use it: by one from nothing to nothing, and by two."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pingmon_probe import __version__

from pingmon_gui.console.fleet_access import probes
from pingmon_gui.domain.error import StepFailed
from pingmon_gui.fleet.secret_store import SecretStore
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.upgrade import upgrade
from pingmon_gui.provision.visit import request_of
from pingmon_gui.provision.way import real_ways
from tests.lab.conftest import NewHost
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.setting_up import Person
from tests.lab.target import ZONE
from tests.lab.trace import differences, trace
from tests.lab.waiting import wait_until
from tests.provision.test_bootstrap import probe_of_version

# Some twenty commands each, each a process of its own.
pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
_PROGRAM = "opt/pingmon-probe/pingmon-probe.pyz"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Terminal:
    """A person at the desk with a data folder; nobody is there to answer questions."""

    data_dir: Path

    def __call__(self, *words: str) -> Done:
        command = [sys.executable, "-m", "pingmon_gui", "--data-dir", str(self.data_dir), *words]
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110, check=False
        )
        assert "Traceback" not in ended.stderr
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def well(self, *words: str) -> Done:
        """Run a command that must succeed."""
        done = self(*words)
        assert done.code == 0, done
        return done


def _set_up(lab: Lab, host: Host) -> tuple[str, ...]:
    words = ("probe", "bootstrap", f"ops@{host.name}", "--region", "eu", "--json")
    return (*words, "--ssh-config", str(lab.ssh_config))


def test_probe_is_set_up_upgraded_seen_to_and_removed(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host()
    host.wait_until_up()
    before = trace(host)
    one, set_up = Terminal(tmp_path), _set_up(lab, host)

    (planned,) = one.well(*set_up, "--dry-run").json["planned"]
    assert {step["state"] for step in planned["steps"]} == {"planned"}
    assert differences(before, trace(host)) == []
    (probe,) = one.well(*set_up, "--name", "Frankfurt").json["probes"]
    assert probe["name"] == "Frankfurt" and any("First result" in sentence for sentence in probe["summary"])

    _is_upgraded(one, host)
    _is_seen_to(one, host)

    one.well("probe", "remove", "Main hall", "--yes")
    assert one.well("probe", "list", "--json").json == {"probes": []}
    assert differences(before, trace(host)) == []


def test_probe_is_set_up_again_and_taken_over_by_another_pingmon(lab: Lab, new_host: NewHost, tmp_path: Path) -> None:
    host = new_host()
    host.wait_until_up()
    before = trace(host)
    one, other, set_up = Terminal(tmp_path / "one"), Terminal(tmp_path / "other"), _set_up(lab, host)
    for person in (one, other):
        person.well("domain", "add", f"http://shop4.{ZONE}/")
    (probe,) = one.well(*set_up).json["probes"]

    # A key that was lost on the host: set up again, it is the same probe.
    (host.root / "var/lib/pingmon-probe/.ssh/authorized_keys").unlink()
    lost = one("probe", "doctor", host.name)
    assert lost.code == 1 and "The app's key is not, or no longer," in lost.out
    (again,) = one.well(*set_up).json["probes"]
    assert (again["id"], again["name"]) == (probe["id"], host.name)
    owner = _runs_until_owned(one, None)

    # Another Pingmon takes it over, with a word of its person; the first one leaves it alone from then on.
    asked = other(*set_up)
    assert asked.code == 1 and "works for another Pingmon" in asked.json["failed"][0]["message"]
    other.well(*set_up, "--take-over")
    _runs_until_owned(other, owner)
    (status,) = other.well("probe", "status", "--json").json["probes"]
    assert status["is_measuring"] and status["checks"] == 1
    for words in (("remove", host.name, "--yes"), ("restart", host.name), ("upgrade", host.name)):
        kept = one("probe", *words)
        assert kept.code == 1 and "works for another Pingmon by now" in kept.err
    one.well("probe", "remove", host.name, "--yes", "--forget")
    assert one.well("probe", "list", "--json").json == {"probes": []}

    other.well("probe", "remove", host.name, "--yes")
    assert differences(before, trace(host)) == []


def _runs_until_owned(person: Terminal, owner_before: str | None) -> str:
    """Run Pingmon again and again until its only probe has its plan; return for whom the probe works then."""
    owners = [owner_before]

    def is_owned() -> bool:
        assert "took no plan" not in person.well("run", "--for", "3").err
        (status,) = person.well("probe", "status", "--json").json["probes"]
        owners.append(status["owner"])
        return owners[-1] not in (None, owner_before)

    wait_until(is_owned, "the probe gets no plan")
    return str(owners[-1])


def _is_upgraded(one: Terminal, host: Host) -> None:
    """An older version is told of and upgraded; one that is not healthy is rolled back; a newer one is left alone."""
    (host.root / _PROGRAM).write_bytes(probe_of_version("0.0.1"))
    host.run("systemctl", "restart", "pingmon-probe")
    old = one("probe", "doctor", "Frankfurt")
    assert old.code == 1 and "It is version 0.0.1" in old.out
    assert f"upgraded from version 0.0.1 to {__version__}" in one.well("probe", "upgrade", "Frankfurt").out
    assert one.well("probe", "status", "--json").json["probes"][0]["version"] == __version__
    assert f"is version {__version__} already" in one.well("probe", "upgrade", "Frankfurt").out

    (probe,) = probes(one.data_dir)
    known_hosts, person = KnownHosts(one.data_dir), Person()
    failing = upgrade(
        probe,
        owner=str(one.well("probe", "status", "--json").json["probes"][0]["owner"]),
        secrets=SecretStore(one.data_dir).load(probe.id),
        bundle=b"#!/usr/bin/env python3\nraise SystemExit('no probe')\n",
        known_hosts=known_hosts,
        prompter=person,
        listener=lambda _event: None,
        ways=replace(real_ways(request_of(probe), known_hosts, person), start_s=1.0),
    )
    with pytest.raises(StepFailed, match="does not run") as caught:
        asyncio.run(failing)
    assert "no probe" in (caught.value.hint or "")
    assert one.well("probe", "status", "--json").json["probes"][0]["version"] == __version__

    (host.root / _PROGRAM).write_bytes(probe_of_version("99.0.0"))
    host.run("systemctl", "restart", "pingmon-probe")
    newer = one("probe", "upgrade", "Frankfurt")
    assert newer.code == 1 and "Upgrade Pingmon" in newer.err
    (host.root / _PROGRAM).write_bytes(probe_of_version(__version__))


def _is_seen_to(one: Terminal, host: Host) -> None:
    """What is broken is named with its cure, and the cure works."""
    host.run("systemctl", "stop", "pingmon-probe")
    stopped = one("probe", "doctor", "Frankfurt", "--json")
    assert stopped.code == 1 and "does not run" in stopped.json["findings"][0]["cause"]
    assert one("probe", "status").code == 1
    one.well("probe", "restart", "Frankfurt")
    assert one.well("probe", "doctor", "Frankfurt").out == "Frankfurt is well.\n"
    assert "Started pingmon-probe.service" in one.well("probe", "logs", "Frankfurt", "--lines", "20").out
    one.well("probe", "rename", "Frankfurt", "Main hall")
    assert [probe["name"] for probe in one.well("probe", "list", "--json").json["probes"]] == ["Main hall"]
