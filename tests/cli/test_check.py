"""`pingmon check` through a real probe, against a server on loopback."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Command
from tests.cli.site import Site

#: Scripts rely on these, in this order, and on no others.
_FIELDS = [
    "url", "kind", "status", "failure", "message", "http_status", "total_ms", "phases", "late_ms", "queue_ms", "clock",
    "low_confidence", "address", "family", "hops", "body_bytes", "certificate", "facts", "started_at_ms",
]  # fmt: skip


def test_good_site_is_online_with_every_documented_field(pingmon: Command, site: Site) -> None:
    done = pingmon("check", site.url, "--json")
    assert (done.code, done.err) == (0, "")
    document = done.json
    assert list(document) == _FIELDS
    assert (document["status"], document["failure"], document["http_status"]) == ("online", None, 200)
    assert set(document["phases"]) == {"dns_ms", "connect_ms", "tls_ms", "request_ms", "transfer_ms"}
    assert document["phases"]["tls_ms"] is None
    measured = [ms for ms in document["phases"].values() if ms is not None]
    assert abs(sum(measured) - document["total_ms"]) < 0.01
    assert (document["address"], document["family"]) == ("127.0.0.1", 4)


def test_person_reads_status_phases_and_redirects(pingmon: Command, site: Site) -> None:
    done = pingmon("check", f"{site.url}moved")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"{site.url}moved"
    assert lines[1].startswith("online   ")
    assert "HTTP 200" in lines[1]
    assert [line.split()[0] for line in lines if line.startswith("  ")][:6] == [
        "dns", "connect", "tls", "request", "transfer", "total",
    ]  # fmt: skip
    assert "redirects" in lines
    assert any(line.startswith("  301  ") for line in lines)


def test_offline_is_done_and_with_fail_a_failure(pingmon: Command, site: Site) -> None:
    site.status = 503
    done = pingmon("check", site.url)
    assert (done.code, done.out.splitlines()[1].split()[0]) == (0, "offline")
    assert "503" in done.out
    assert pingmon("check", site.url, "--fail", "--json").code == 1
    assert pingmon("check", site.url, "--fail", "--json", "--status-set", "503").code == 0


def test_keyword_is_looked_for_in_the_whole_body(pingmon: Command, site: Site) -> None:
    absent = pingmon("check", site.url, "--keyword", "nowhere", "--json").json
    assert (absent["status"], absent["failure"]) == ("offline", "content")
    assert pingmon("check", site.url, "--keyword", "nowhere", "--keyword-absent", "--json").json["status"] == "online"
    site.body = b"x" * 1_000_000
    assert pingmon("check", site.url, "--keyword", "x", "--json").json["body_bytes"] == 1_000_000


def test_log_in_of_the_address_is_sent_and_not_shown(pingmon: Command, site: Site) -> None:
    address = site.url.replace("http://", "http://anna:geheim@")
    done = pingmon("check", address, "--json", "--debug")
    assert done.json["url"] == site.url
    assert site.authorizations[-1].startswith("Basic ")
    assert "geheim" not in done.out + done.err
    assert site.authorizations[-1].split()[1] not in done.out + done.err


def test_port_is_checked_and_what_it_says(pingmon: Command, site: Site) -> None:
    address = f"tcp://127.0.0.1:{urlsplit(site.url).port}"
    done = pingmon("check", address, "--send", r"GET / HTTP/1.0\r\n\r\n", "--expect", "HTTP/1.1 200")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[1].startswith("online   ")
    assert "127.0.0.1 (IPv4)" in lines[1]
    # Of the phases only those that happened.
    assert [line.split()[0] for line in lines if line.startswith("  ")] == ["connect", "request", "transfer", "total"]
    assert any(line.startswith("said       HTTP/1.1 200") for line in lines)


def test_option_of_another_kind_is_wrong_usage(pingmon: Command) -> None:
    done = pingmon("check", "icmp://a.example", "--keyword", "x")
    assert done.code == 2
    assert "--keyword goes with http addresses, not with icmp://a.example." in done.err
    assert pingmon("check", "dns://a.example", "--exact").code == 2
    assert pingmon("check", "dns://a.example?type=MX", "--answer", "mail").code == 2


def test_request_and_conditions_are_given_on_the_command_line(
    pingmon: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    words = ("--pattern", "(?i)[a-z]", "--min-bytes", "1", "--header", "X-A: b", "--bearer-env", "TOKEN")
    assert pingmon("check", site.url, *words, "--json").json["failure"] is None
    failed = pingmon("check", site.url, "--answer-header", "X-Nowhere", "--json").json
    assert (failed["failure"], "X-Nowhere" in failed["message"]) == ("content", True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--pattern", "("), "The pattern cannot be read"),
        (("--keyword", "x", "--pattern", "y"), "do not go together"),
        (("--body", "x"), "A GET request has no body"),
        (("--header", "nothing"), "is no header"),
        (("--json-value", "a = 1"), "is no comparison"),
        (("--bearer-env", "NOWHERE_TO_BE_FOUND"), "has no variable NOWHERE_TO_BE_FOUND"),
        (("--max-bytes", "2000000"), "must be a number"),
    ],
)
def test_wrong_request_is_wrong_usage(pingmon: Command, words: tuple[str, ...], says: str) -> None:
    done = pingmon("check", "a.example", *words)
    assert done.code == 2
    assert says in done.err


def test_both_families_are_one_document_with_the_worse_one_outside(pingmon: Command, site: Site) -> None:
    """The server listens on 127.0.0.1 alone: over IPv6 it is refused, or the name has no such address here."""
    address = site.url.replace("127.0.0.1", "localhost")
    done = pingmon("check", address, "--family", "both", "--json")
    document = done.json
    assert (done.code, done.err, list(document)) == (0, "", [*_FIELDS, "families"])
    over_4, over_6 = document["families"]
    assert (over_4["family"], over_4["status"], over_6["family"], over_6["status"]) == (4, "online", 6, "offline")
    assert {name: document[name] for name in _FIELDS} == over_6
    assert pingmon("check", address, "--family", "both", "--fail").code == 1
    lines = pingmon("check", address, "--family", "both").out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("online", "offline"))] == ["online", "offline"]
    assert any(line.startswith("offline") and "IPv6" in line for line in lines)
    refused = pingmon("check", site.url, "--family", "both")
    assert (refused.code, refused.out) == (2, "") and "one family only" in refused.err
