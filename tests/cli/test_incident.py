"""`pingmon incident`: a real outage of a real server, told while it lasts, kept with its true times."""

from __future__ import annotations

import time
from typing import Any

from tests.cli.conftest import Command, Processes, wait_until
from tests.cli.site import Site


def _incidents(processes: Processes, *words: str) -> list[dict[str, Any]]:
    return processes.run("incident", "list", "--json", *words).json["incidents"]  # type: ignore[no-any-return]


def test_outage_is_listed_shown_acknowledged_and_resolved(processes: Processes, site: Site) -> None:
    processes.start_engine()
    assert processes.run("domain", "add", site.url, "--name", "Shop", "--interval", "5").code == 0
    wait_until(lambda: site.user_agents)
    site.status = 503
    failed_ms = time.time_ns() // 1_000_000
    (incident,) = wait_until(lambda: _incidents(processes, "--open"))
    assert incident["sentence"] == "Shop is offline: the server answers 503"
    assert (incident["kind"], incident["failure"], incident["regions"]) == ("offline", "http_status", ["local"])
    assert incident["start_at_ms"] >= failed_ms
    assert incident["confirmed_at_ms"] > incident["start_at_ms"]
    assert incident["evidence"][0]["http_status"] == 503
    shown = processes.run("incident", "show", "last")
    assert shown.out.startswith("Shop is offline: the server answers 503.\n")
    assert "it lasts still" in shown.out
    assert processes.run("incident", "acknowledge", "last").code == 0
    assert processes.run("incident", "note", str(incident["id"]), "I restart the shop").code == 0
    # What the probe kept is committed with its result, a few seconds after the board knows of it.
    (kept,) = wait_until(lambda: processes.run("incident", "show", "last", "--json").json["failure_evidence"])
    assert (kept["probe_name"], kept["region"]) == ("This computer", "local")
    assert kept["at_ms"] == incident["start_at_ms"]
    assert kept["body"]["text"] == "all is well" and kept["answers"][0]["status_line"].startswith("HTTP/1.1 503")
    shown = processes.run("incident", "show", "last")
    assert "Evidence of This computer, " in shown.out
    assert "\n    HTTP/1.1 503 Service Unavailable\n" in shown.out and "\n    all is well\n" in shown.out
    site.status = 200
    healed_ms = time.time_ns() // 1_000_000
    wait_until(lambda: not _incidents(processes, "--open"))
    (resolved,) = _incidents(processes, "Shop")
    assert resolved["id"] == incident["id"]
    assert resolved["end_at_ms"] >= healed_ms
    assert resolved["acknowledged_at_ms"] is not None
    assert [note["text"] for note in resolved["notes"]] == ["I restart the shop"]
    table = processes.run("incident", "list")
    assert "Shop was offline: the server answered 503" in table.out


def test_bad_input_is_a_sentence(pingmon: Command) -> None:
    assert pingmon("incident", "list").err == "No incidents in that time.\n"
    for words in (("show", "last"), ("show", "7"), ("acknowledge", "x"), ("note", "last", "text")):
        done = pingmon("incident", *words)
        assert (done.code, done.out) == (1, "")
        assert "no incident" in done.err
    assert pingmon("incident", "list", "--from", "1h", "--to", "2h").code == 2
    assert pingmon("incident", "list", "nowhere.example").code == 1
    assert pingmon("incident").code == 2
