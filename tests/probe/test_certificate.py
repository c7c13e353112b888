"""The DER reader against real certificates and noise, and the words of verify errors."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone

import pytest
import trustme
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from pingmon_probe.certificate import CertificateFacts, DerError, read_certificate, verify_sentence

NOW = datetime.now(timezone.utc).replace(microsecond=0)
AUTHORITY = trustme.CA(organization_name="Grüße & Söhne")


def make_der(*names: str, **options: datetime) -> bytes:
    pem = AUTHORITY.issue_cert(*names, common_name="shop.example", **options).cert_chain_pems[0].bytes()
    return ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))


DER = make_der("shop.example", "*.shop.example", "192.0.2.7", "2001:db8::7")


def test_certificate_facts_are_those_of_the_certificate() -> None:
    facts = read_certificate(DER)
    judged = x509.load_der_x509_certificate(DER)
    not_after = judged.not_valid_after_utc if hasattr(judged, "not_valid_after_utc") else judged.not_valid_after
    assert facts.not_after.replace(tzinfo=None) == not_after.replace(tzinfo=None)
    assert facts.names == ("shop.example", "*.shop.example", "192.0.2.7", "2001:db8::7")
    assert facts.subject.startswith("CN=shop.example") and "O=trustme" in facts.subject
    assert "Grüße & Söhne" in facts.issuer
    document = facts.to_json("a sentence")
    assert (
        datetime.strptime(document["not_after"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc) == facts.not_after
    )
    assert set(document) == {"subject", "issuer", "not_after", "verify_error"}


@pytest.mark.parametrize("year", [1995, 2049, 2050, 2120])
def test_certificate_dates_of_both_forms_are_read(year: int) -> None:
    end = datetime(year, 6, 1, 12, 30, 15, tzinfo=timezone.utc)
    facts = read_certificate(make_der("a.example", not_before=end - timedelta(days=90), not_after=end))
    assert facts.not_after == end


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_certificate_noise_is_refused_with_der_error(noise: bytes) -> None:
    with pytest.raises(DerError):
        read_certificate(noise)


@settings(max_examples=500, deadline=None)
@given(place=st.integers(0, len(DER) - 1), value=st.integers(0, 255), cut=st.integers(0, len(DER)))
def test_certificate_damaged_is_read_or_refused_but_never_crashes(place: int, value: int, cut: int) -> None:
    damaged = DER[:place] + bytes((value,)) + DER[place + 1 :]
    for der in (damaged, damaged[:cut], damaged + damaged[:cut]):
        try:
            facts = read_certificate(der)
        except DerError:
            continue
        assert len(facts.subject) < 5000 and facts.subject.isprintable()


FACTS = CertificateFacts("CN=a.example", "CN=R11, O=Let's Encrypt", NOW, NOW - timedelta(days=2), ("a.example",))


@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        (10, FACTS, f"expired on {NOW - timedelta(days=2):%Y-%m-%d}"),
        (10, None, "rests on another one that has expired"),
        (9, FACTS, "not yet valid until"),
        (9, None, "not yet valid;"),
        (18, FACTS, "self-signed"),
        (19, FACTS, "does not know (CN=R11, O=Let's Encrypt)"),
        (20, None, "does not know; the server may not send its whole chain"),
        (62, FACTS, "is for another name: a.example."),
        (64, None, "does not name shop.example."),
        (23, FACTS, "revoked"),
        (66, FACTS, "too weak"),
        (79, FACTS, "could not be verified: invalid CA certificate."),
    ],
)
def test_verify_sentence_says_it_in_words(code: int, facts: CertificateFacts, words: str) -> None:
    sentence = verify_sentence("shop.example", code, "invalid CA certificate", facts)
    assert words in sentence and "shop.example" in sentence and sentence.endswith(".")


def test_verify_sentence_of_a_good_leaf_blames_the_chain() -> None:
    facts = CertificateFacts("CN=a", "CN=b", NOW, NOW + timedelta(days=9), ())
    assert "another one" in verify_sentence("a", 10, "", facts)


def test_verify_sentence_does_not_list_a_hundred_names() -> None:
    facts = CertificateFacts("CN=a", "CN=b", NOW, NOW, tuple(f"n{n}.example" for n in range(30)))
    sentence = verify_sentence("shop.example", 62, "", facts)
    assert "n4.example and 25 more" in sentence and "n5.example" not in sentence
