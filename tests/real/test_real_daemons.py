"""The probe's checks against servers as Debian ships them: Knot, Unbound, Dovecot, PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pingmon_probe.protocol import CheckResult

from tests.probe.conftest import Rig
from tests.real import daemons
from tests.real.daemons import ZONE, Mail


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Not in pytest's own folder: servers that drop root's rights cannot go in there.
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        made.chmod(0o755)
        daemons.write_certificates(made)
        yield made


@pytest.fixture(scope="module")
def knot(folder: Path) -> Iterator[int]:
    with daemons.knot(folder) as port:
        yield port


@pytest.fixture(scope="module")
def unbound(folder: Path, knot: int) -> Iterator[int]:
    with daemons.unbound(folder, knot) as port:
        yield port


@pytest.fixture(scope="module")
def mail(folder: Path) -> Iterator[Mail]:
    with daemons.dovecot(folder) as ports:
        yield ports


@pytest.fixture
def rig(folder: Path) -> Iterator[Rig]:
    made = Rig("auto", "auto", str(folder / "ca.pem"))
    yield made
    made.close()


def ask(rig: Rig, port: int, name: str, record_type: str, **settings: Any) -> CheckResult:
    return rig.check(f"dns://{name}?type={record_type}&server=127.0.0.1:{port}", **settings)


@pytest.mark.parametrize(
    ("name", "record_type", "answers"),
    [
        (ZONE, "A", ["192.0.2.10"]),
        (f"six.{ZONE}", "AAAA", ["2001:db8::10"]),
        (ZONE, "CAA", ['0 issue "ca.example"']),
        (f"www.{ZONE}", "CNAME", [ZONE]),
        (ZONE, "MX", [f"10 mail.{ZONE}"]),
        (ZONE, "NS", [f"ns1.{ZONE}"]),
        ("192.0.2.10", "PTR", [f"www.{ZONE}"]),
        (f"_imap._tcp.{ZONE}", "SRV", [f"5 1 143 mail.{ZONE}"]),
        (ZONE, "TXT", ["v=spf1 -all"]),
    ],
)
def test_every_record_type_is_read_as_the_authority_has_it(
    rig: Rig, knot: int, name: str, record_type: str, answers: list[str]
) -> None:
    result = ask(rig, knot, name, record_type, dns_match="exact", dns_answers=tuple(answers))
    assert (result.failure, result.message) == (None, "")
    assert result.facts is not None
    assert (result.facts["answers"], result.facts["rcode"], result.facts["transport"]) == (answers, "NOERROR", "udp")
    assert result.facts["is_authoritative"] and not result.facts["is_authentic"]
    assert result.request_ms is not None and 0 < result.request_ms <= (result.total_ms or 0)


def test_start_of_authority_is_read(rig: Rig, knot: int) -> None:
    result = ask(rig, knot, ZONE, "SOA")
    assert result.failure is None and result.facts is not None
    assert result.facts["answers"][0].startswith(f"ns1.{ZONE} admin.{ZONE} ")


def test_answer_that_does_not_fit_is_asked_for_by_tcp(rig: Rig, knot: int) -> None:
    result = ask(rig, knot, f"long.{ZONE}", "TXT")
    assert result.failure is None and result.facts is not None
    assert (result.facts["transport"], result.facts["answer_count"]) == ("tcp", 1)
    assert len(result.facts["answers"][0]) > 100
    assert result.connect_ms is not None and result.transfer_ms is not None


@pytest.mark.parametrize(
    ("name", "record_type", "failure", "says"),
    [
        (f"no.{ZONE}", "A", "dns", "NXDOMAIN"),
        (f"six.{ZONE}", "A", "content", "has no record of the type A"),
        ("broken.test", "A", "dns", "SERVFAIL"),
        ("nobody.invalid", "A", "dns", "REFUSED"),
    ],
)
def test_what_the_authority_does_not_have_is_told(
    rig: Rig, knot: int, name: str, record_type: str, failure: str, says: str
) -> None:
    result = ask(rig, knot, name, record_type)
    assert result.failure == failure
    assert says in result.message


def test_resolver_follows_an_alias_and_says_that_it_is_signed(rig: Rig, unbound: int) -> None:
    result = ask(rig, unbound, f"www.{ZONE}", "A", dns_match="exact", dns_answers=("192.0.2.10",))
    assert (result.failure, result.message) == (None, "")
    assert result.facts is not None
    assert result.facts["is_authentic"] and not result.facts["is_authoritative"]
    assert ask(rig, unbound, f"no.{ZONE}", "A").message.endswith("(NXDOMAIN).")


def test_resolver_that_finds_a_forged_answer_says_so(rig: Rig, unbound: int) -> None:
    result = ask(rig, unbound, "192.0.2.10", "PTR")
    assert result.failure == "dns"
    assert "SERVFAIL" in result.message and "DNSSEC" in result.message


@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_mail_server_shows_its_certificate_after_starttls(rig: Rig, mail: Mail, protocol: str) -> None:
    port = getattr(mail, protocol)
    result = rig.check(f"tls://localhost:{port}?starttls={protocol}", family=4)
    assert (result.failure, result.message) == (None, "")
    assert result.facts is not None and result.certificate is not None
    assert result.facts["protocol"] == "TLSv1.3" and "localhost" in result.facts["names"]
    until = datetime.fromisoformat(result.certificate["not_after"].replace("Z", "+00:00"))
    assert (until - datetime.now(UTC)).days == 20
    expired = rig.check(f"tls://127.0.0.2:{port}?starttls={protocol}")
    assert (expired.failure, "expired" in expired.message) == ("tls_verify", True)
    elsewhere = rig.check(f"tls://127.0.0.3:{port}?starttls={protocol}")
    assert (elsewhere.failure, "elsewhere.example" in elsewhere.message) == ("tls_verify", True)


def test_mail_server_asked_in_the_wrong_language_is_told(rig: Rig, mail: Mail) -> None:
    result = rig.check(f"tls://127.0.0.1:{mail.smtp}?starttls=imap", timeout_ms=3_000)
    assert result.failure in ("protocol", "timeout")
    assert "greets with “220 " in result.message


def test_mail_server_greets_a_port_check(rig: Rig, mail: Mail) -> None:
    greeted = rig.check(f"tcp://127.0.0.1:{mail.imap}", expect="* OK")
    assert (greeted.failure, greeted.message) == (None, "")
    assert rig.check(f"tcp://127.0.0.1:{mail.smtp}", expect="* OK", timeout_ms=500).failure is not None


def test_database_shows_its_certificate_after_its_own_word(rig: Rig, folder: Path) -> None:
    def check(host: str) -> CheckResult:
        return rig.check(f"tls://{host}:{port}?starttls=postgres", family=4)

    show: Callable[[str], None]
    with daemons.postgres(folder) as (port, show):
        good = check("localhost")
        assert (good.failure, good.message) == (None, "")
        assert good.certificate is not None and good.certificate["verify_error"] is None
        show("expired")
        assert (check("localhost").failure, "expired" in check("localhost").message) == ("tls_verify", True)
        show("elsewhere")
        assert "elsewhere.example" in check("localhost").message
