"""`pingmon maintenance`: windows of every kind on one data folder, with and without a running engine."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.cli.conftest import Command, Processes, wait_until
from tests.cli.site import Site

HOUR_MS = 3_600_000


def _listed(pingmon: Command) -> list[dict[str, Any]]:
    return pingmon("maintenance", "list", "--json").json["windows"]  # type: ignore[no-any-return]


def test_windows_are_added_listed_ended_and_removed(pingmon: Command) -> None:
    pingmon("domain", "add", "https://shop.example", "https://blog.example", "--tag", "web")
    before_ms = time.time_ns() // 1_000_000
    added = pingmon("maintenance", "add", "Deploy", "--for", "1h", "--domain", "shop.example")
    assert (added.code, added.err) == (0, "")
    assert added.out.startswith("added: Deploy, once, ")
    weekly = ("--weekly", "sun,wed", "--at", "3:00", "--for", "90m", "--zone", "Europe/Zurich", "--tag", "web")
    assert pingmon("maintenance", "add", "Backup", *weekly).out.startswith(
        "added: Backup, Wed, Sun at 03:00 for 90 min (Europe/Zurich)\n"
    )
    assert pingmon("maintenance", "add", "Monthly", "--cron", "0 3 1 * *", "--for", "2h").code == 0
    deploy, *others = _listed(pingmon)
    assert (deploy["name"], deploy["state"], deploy["scope"]["domains"]) == ("Deploy", "on", ["https://shop.example/"])
    assert before_ms + HOUR_MS <= deploy["until_at_ms"] <= time.time_ns() // 1_000_000 + HOUR_MS
    assert {(one["name"], one["state"]) for one in others} == {("Backup", "waiting"), ("Monthly", "waiting")}
    assert {one["scope"]["all"] for one in others} == {True, False}
    status = pingmon("status")
    assert "shop.example  maintenance until " in status.out
    assert "blog.example  maintenance" not in status.out
    assert pingmon("maintenance", "end", "deploy").out == "ended: Deploy\n"
    assert "maintenance until" not in pingmon("status").out
    assert pingmon("maintenance", "remove", "backup", "Monthly").code == 0
    assert _listed(pingmon) == []


def test_window_that_is_repeated_comes_again_after_its_early_end(pingmon: Command) -> None:
    began = time.gmtime(time.time() - 60)
    daily = f"{began.tm_min} {began.tm_hour} * * *"
    pingmon("maintenance", "add", "Daily", "--cron", daily, "--for", "20h", "--zone", "UTC")
    (window,) = _listed(pingmon)
    assert window["state"] == "on"
    assert pingmon("maintenance", "end", str(window["id"])).code == 0
    (again,) = _listed(pingmon)
    assert (again["name"], again["state"]) == ("Daily", "waiting")
    assert again["next_start_at_ms"] == window["until_at_ms"] + 4 * HOUR_MS
    done = pingmon("maintenance", "end", "Daily")
    assert (done.code, done.err) == (1, "“Daily” is not on just now.\n")


def test_dry_run_changes_nothing(pingmon: Command) -> None:
    tried = pingmon("maintenance", "add", "Backup", "--weekly", "sun", "--at", "3:00", "--for", "1h", "--dry-run")
    assert tried.out.startswith("would be added: Backup, Sun at 03:00 for 1 h (")
    assert len(tried.out.splitlines()) == 4
    assert pingmon("maintenance", "list").err.startswith("There are no maintenance windows.")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "How long it is to be is missing"),
        (("--for", "0s"), "The end must come after the start."),
        (("--weekly", "someday", "--at", "3:00", "--for", "1h"), "“someday” is no day of the week."),
        (("--weekly", "mon", "--for", "1h"), "--weekly needs --at"),
        (("--weekly", "mon", "--at", "3:00", "--for", "8d"), "It would never be off."),
        (("--weekly", "mon", "--at", "3:00", "--for", "1h", "--zone", "Mars/Base"), "no time zone “Mars/Base”"),
        (("--weekly", "mon", "--at", "3:00", "--cron", "0 3 * * 1", "--for", "1h"), "use one of them"),
        (("--weekly", "mon", "--at", "3:00", "--to", "tomorrow"), "use --for"),
        (("--cron", "often", "--for", "1h"), "A cron expression has five fields"),
        (("--for", "1h", "--to", "tomorrow"), "use one of them"),
        (("--for", "1h", "--zone", "UTC"), "--zone goes with --weekly or --cron"),
        (("--from", "2h", "--for", "1h"), "“2h” is no moment to come."),
        (("--from", "never", "--for", "1h"), "“never” is no time."),
        (("--from", "2020-01-01", "--to", "2020-01-02"), "It would be over already"),
    ],
)
def test_wrong_words_are_told_and_change_nothing(pingmon: Command, words: tuple[str, ...], told: str) -> None:
    done = pingmon("maintenance", "add", "Backup", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert _listed(pingmon) == []


def test_what_is_not_there_is_told(pingmon: Command) -> None:
    for words in (("remove", "nothing"), ("end", "7"), ("add", "Deploy", "--for", "1h", "--domain", "nowhere.example")):
        done = pingmon("maintenance", *words)
        assert (done.code, done.out) == (1, "")
    pingmon("maintenance", "add", "Twice", "--for", "1h")
    pingmon("maintenance", "add", "twice", "--for", "2h")
    done = pingmon("maintenance", "remove", "Twice")
    assert done.code == 1
    assert "is the name of 2 windows. Say which by its id: 1, 2." in done.err


def test_site_that_is_down_in_a_window_is_no_incident_until_it_is_over(processes: Processes, site: Site) -> None:
    engine = processes.start_engine()
    assert processes.run("domain", "add", site.url, "--name", "Shop", "--interval", "5").code == 0
    wait_until(lambda: site.user_agents)
    assert processes.run("maintenance", "add", "Deploy", "--for", "1h", "--domain", "shop").code == 0
    assert "Shop is in maintenance until" in processes.wait_for_line(engine, "maintenance")
    site.status, asked = 503, len(site.user_agents)
    wait_until(lambda: len(site.user_agents) >= asked + 3)
    (shop,) = processes.run("status", "--json").json["monitors"]
    assert shop["verdict"] == "paused"
    assert shop["maintenance_until_ms"] is not None
    assert processes.run("incident", "list", "--json").json["incidents"] == []
    ended_ms = time.time_ns() // 1_000_000
    assert processes.run("maintenance", "end", "Deploy").code == 0
    (incident,) = wait_until(lambda: processes.run("incident", "list", "--open", "--json").json["incidents"])
    assert incident["sentence"] == "Shop is offline: the server answers 503"
    assert incident["start_at_ms"] >= ended_ms
