"""`pingmon domain ...` on a real store, with nobody else around."""

from __future__ import annotations

import asyncio
import io
import json
import time
from pathlib import Path

import pytest

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.registration import DAY_MS, HOUR_MS, Registration
from pingmon_gui.store.store import Store
from tests.cli.conftest import Command

_LIST = b"""\xef\xbb\xbf# our sites
a.example  Name of A
https://b.example/, B
no..host
https://anna:geheim@no..host
a.example
javascript:alert(1)
"""


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a function that puts bytes on standard input."""

    def put(data: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


def _urls(pingmon: Command) -> list[str]:
    return [domain["url"] for domain in pingmon("domain", "list", "--json").json["domains"]]


def test_nothing_is_watched_at_first_and_nothing_is_made(pingmon: Command, data_dir: Path) -> None:
    done = pingmon("domain", "list")
    assert (done.code, done.out) == (0, "")
    assert "Add your first domain" in done.err
    assert pingmon("domain", "list", "--json").json == {"domains": []}
    assert not data_dir.exists()


def test_added_domain_is_kept_with_its_settings(pingmon: Command) -> None:
    done = pingmon(
        "domain", "add", "A.Example:443/x#y", "--name", " My  shop ", "--interval", "30", "--timeout", "500ms",
        "--keyword", "open", "--keyword-absent", "--status-set", "200-299,404", "--family", "6", "--tag", "shop,eu",
        "--tag", "Shop", "--region", "eu", "--ignore-certificate", "--json",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    (added,) = done.json["added"]
    shown = pingmon("domain", "show", "my shop", "--json").json
    assert (shown["id"], shown["url"], shown["name"]) == (added["id"], "https://a.example/x", "My shop")
    assert shown["tags"] == ["shop", "eu"]
    assert shown["regions"] == ["eu"]
    assert shown["settings"] == {
        "interval_ms": 30_000,
        "timeout_ms": 500,
        # The usual limit for slow would lie above the timeout.
        "slow_ms": 500,
        "family": 6,
        "status_set": [[200, 299], [404, 404]],
        "keyword": "open",
        "keyword_absent": True,
        "ignore_certificate": True,
        "basic_auth": None,
        "send": None,
        "expect": None,
        "dns_match": "any",
        "dns_answers": [],
        "echo_count": 3,
        "max_loss_percent": 99,
        "method": "GET",
        "body": None,
        "headers": [],
        "bearer": None,
        "no_redirects": False,
        "keyword_is_pattern": False,
        "json_conditions": [],
        "header_conditions": [],
        "min_bytes": 0,
        "max_bytes": None,
    }


def test_pasted_list_adds_good_lines_and_names_the_others(pingmon: Command, typed: object) -> None:
    assert callable(typed)
    typed(_LIST)
    done = pingmon("domain", "add", "-", "--json")
    assert done.code == 1
    document = done.json
    assert [(domain["url"], domain["name"]) for domain in document["added"]] == [
        ("https://a.example/", "Name of A"),
        ("https://b.example/", "B"),
    ]
    assert document["duplicates"] == ["https://a.example/"]
    assert [error["line"] for error in document["errors"]] == [4, 5, 7]
    assert "line 7: javascript: addresses cannot be watched." in done.err
    assert "geheim" not in done.err + done.out
    assert _urls(pingmon) == ["https://a.example/", "https://b.example/"]


def test_dry_run_changes_nothing(pingmon: Command, data_dir: Path) -> None:
    done = pingmon("domain", "add", "a.example", "https://u:geheim@b.example", "--dry-run")
    assert (done.code, done.out) == (0, "would be added: a.example\nwould be added: b.example\n")
    assert not data_dir.exists()


def test_duplicate_is_named_and_no_error(pingmon: Command) -> None:
    pingmon("domain", "add", "a.example")
    done = pingmon("domain", "add", "https://A.EXAMPLE/", "c.example")
    assert (done.code, done.out) == (0, "added: c.example\n")
    assert done.err == "a.example: is there already, left out\n"


def test_password_is_kept_but_never_shown(pingmon: Command) -> None:
    pingmon("domain", "add", "https://anna:geheim@a.example/")
    for words in (
        ("list",),
        ("list", "--json"),
        ("show", "a.example"),
        ("show", "a.example", "--json"),
        ("export", "-"),
    ):
        done = pingmon("domain", *words)
        assert done.code == 0
        assert "geheim" not in done.out + done.err
    assert pingmon("domain", "show", "a.example", "--json").json["settings"]["basic_auth"] == "***"
    assert "anna:geheim" in pingmon("domain", "export", "-", "--with-secrets").out


def test_pause_resume_and_remove_take_addresses_names_and_ids(pingmon: Command) -> None:
    pingmon("domain", "add", "a.example", "--name", "Shop")
    pingmon("domain", "add", "http://b.example:81/x", "c.example")
    number = str(pingmon("domain", "show", "c.example", "--json").json["id"])
    assert pingmon("domain", "pause", "shop", "b.example:81/x", number, "Shop").code == 0
    states = [domain["is_paused"] for domain in pingmon("domain", "list", "--json").json["domains"]]
    assert states == [True, True, True]
    assert pingmon("domain", "resume", "a.example", "--json").json == {"resumed": ["https://a.example/"]}
    assert (
        pingmon("domain", "remove", "b.example:81/x", number).out
        == "removed: http://b.example:81/x\nremoved: c.example\n"
    )
    assert _urls(pingmon) == ["https://a.example/"]


def test_one_unknown_name_changes_nothing(pingmon: Command) -> None:
    pingmon("domain", "add", "a.example")
    assert pingmon("domain", "remove", "a.example", "nobody.example").code == 1
    assert _urls(pingmon) == ["https://a.example/"]


def test_name_of_two_domains_is_asked_back(pingmon: Command) -> None:
    for url in ("a.example", "b.example"):
        pingmon("domain", "add", url, "--name", "Twin")
    done = pingmon("domain", "pause", "twin")
    assert done.code == 1
    assert "is the name of 2 domains" in done.err


def test_export_is_imported_as_it_was(pingmon: Command, tmp_path: Path) -> None:
    pingmon("domain", "add", "https://u:geheim@a.example/", "--name", "A", "--keyword", "=open", "--tag", "x")
    pingmon("domain", "add", "b.example", "--status-set", "404")
    pingmon("domain", "pause", "b.example")
    file = tmp_path / "all.json"
    assert pingmon("domain", "export", str(file), "--with-secrets").code == 0
    assert file.stat().st_mode & 0o077 == 0
    before = json.loads(file.read_text(encoding="utf-8"))
    pingmon("domain", "remove", "a.example", "b.example")
    assert _urls(pingmon) == []
    done = pingmon("domain", "import", str(file))
    assert (done.code, done.out) == (0, "added: a.example  A\nadded: b.example\n")
    assert json.loads(pingmon("domain", "export", "-", "--with-secrets").out) == before


def test_import_reads_plain_lists_too(pingmon: Command, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes(_LIST)
    done = pingmon("domain", "import", str(file))
    assert done.code == 1
    assert done.out == "added: a.example  Name of A\nadded: b.example  B\n"


@pytest.mark.parametrize(
    "text", ['{"format": "pingmon domains 2", "domains": []}', '{"domains": []}', "{", "[" * 100_000, '{"format": 1}']
)
def test_import_of_another_file_is_refused(pingmon: Command, tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")
    done = pingmon("domain", "import", str(file))
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"interval_ms": 1}, "5 seconds to 1 hour"),
        ({"interval_ms": "often"}, "cannot be read"),
        ({"nonsense": 1}, "cannot be read"),
        ({"basic_auth": 5}, "basic_auth"),
        ({"status_set": [[1, 2]]}, "status_set"),
        ({"interval_ms": 10_000.5}, "interval_ms"),
    ],
)
def test_import_checks_every_setting(pingmon: Command, tmp_path: Path, settings: object, says: str) -> None:
    file = tmp_path / "all.json"
    domains = [{"url": "a.example", "settings": settings}, {"url": "b.example"}]
    file.write_text(json.dumps({"format": "pingmon domains 1", "domains": domains}), encoding="utf-8")
    done = pingmon("domain", "import", str(file), "--json")
    assert done.code == 1
    assert says in done.json["errors"][0]["message"]
    assert [domain["url"] for domain in done.json["added"]] == ["https://b.example/"]


def test_every_kind_is_added_and_shown_with_its_own_settings(pingmon: Command) -> None:
    for words in (
        ("tcp://a.example:25", "--expect", "220 "),
        ("tls://a.example?starttls=imap", "--ignore-certificate"),
        ("dns://a.example?type=MX", "--answer", "10  MAIL.example.", "--exact"),
        ("ping://a.example", "--echoes", "5", "--max-loss", "20%"),
    ):
        done = pingmon("domain", "add", *words)
        assert (done.code, done.err) == (0, ""), words
    assert _urls(pingmon) == [
        "tcp://a.example:25", "tls://a.example?starttls=imap", "dns://a.example?type=MX", "icmp://a.example",
    ]  # fmt: skip
    shown = pingmon("domain", "show", "icmp://a.example").out
    assert "5, up to 20 % may be lost" in shown
    assert "statuses" not in shown
    assert "exactly these: 10 mail.example" in pingmon("domain", "show", "dns://a.example?type=MX").out
    settings = pingmon("domain", "show", "tcp://a.example:25", "--json").json["settings"]
    assert settings["expect"] == "220 "


def test_options_that_fit_one_address_of_several_are_refused(pingmon: Command) -> None:
    done = pingmon("domain", "add", "tcp://a.example:25", "icmp://a.example", "--expect", "220")
    assert done.code == 2
    assert "--expect goes with tcp addresses, not with icmp://a.example." in done.err
    assert _urls(pingmon) == []


def test_registration_is_shown_as_its_registry_said_or_why_it_is_not_known(pingmon: Command, data_dir: Path) -> None:
    pingmon("domain", "add", "https://www.example.com/", "https://example.org", "http://10.0.0.1/")
    assert "registered" not in pingmon("domain", "show", "10.0.0.1").out
    assert (
        "example.com: not asked for yet; its registry is asked once a day while"
        in pingmon("domain", "show", "www.example.com").out
    )
    shown = pingmon("domain", "show", "www.example.com", "--json").json
    assert (shown["registered_name"], shown["registration"]) == ("example.com", None)
    now_ms = time.time_ns() // 1_000_000
    end_ms = now_ms + 93 * DAY_MS + HOUR_MS
    known = Registration("example.com", now_ms, now_ms, end_ms, "R", "https://rdap.example/x", "rdap.example")
    store = Store.open(database_path(data_dir), now_ms=lambda: now_ms)

    async def keep() -> None:
        await store.save_registration(known)
        await store.save_registration(Registration("example.org", now_ms, problem="It offers no RDAP."))
        await store.close()

    asyncio.run(keep())
    out = pingmon("domain", "show", "www.example.com").out
    assert "(in 93 days), according to rdap.example; registrar: R" in out
    shown = pingmon("domain", "show", "www.example.com", "--json").json["registration"]
    assert (shown["expires_at_ms"], shown["registry"], shown["problem"]) == (end_ms, "rdap.example", "")
    assert "example.org: end not known. It offers no RDAP." in pingmon("domain", "show", "example.org").out


def test_both_families_are_added_shown_and_passed_on(pingmon: Command, tmp_path: Path) -> None:
    assert pingmon("domain", "add", "a.example", "--family", "both").code == 0
    assert pingmon("domain", "show", "a.example", "--json").json["settings"]["family"] == 46
    assert "IPv4 and IPv6, each measured" in pingmon("domain", "show", "a.example").out
    for name, told in (("all.csv", ",both,"), ("all.toml", 'family = "both"')):
        file = tmp_path / name
        assert pingmon("export", str(file)).code == 0
        assert told in file.read_text(encoding="utf-8")
        pingmon("domain", "remove", "a.example", "--yes")
        assert (
            pingmon("domain", "import", str(file)).code == 0
            if name.endswith("csv")
            else pingmon("apply", str(file)).code == 0
        )
        assert pingmon("domain", "show", "a.example", "--json").json["settings"]["family"] == 46
