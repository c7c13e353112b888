"""A server's certificate in words: a tiny DER reader for the few facts that are shown, and verify errors.

Python hands out a certificate's content only after it was verified, so the DER is read here. What is read
comes from the target: every length is checked, every text bounded.
Source: X.690 (DER), RFC 5280 section 4.1 (Certificate), RFC 4514 (names as text).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Dict, Iterator, List, Optional, Tuple

MAX_TEXT_CHARACTERS = 200
MAX_NAMES = 50

_SEQUENCE, _SET, _OID, _OCTETS, _BOOLEAN = 0x30, 0x31, 0x06, 0x04, 0x01
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_TEXT_CODECS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
_ATTRIBUTES = {
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
}
_SUBJECT_ALT_NAME = bytes.fromhex("551d11")


class DerError(ValueError):
    """The bytes are not a certificate that this reader understands."""


@dataclass(frozen=True)
class CertificateFacts:
    """What is shown of a certificate. `names` are the host names and addresses it is for, at most 50."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    names: Tuple[str, ...]

    def to_json(self, verify_error: Optional[str]) -> Dict[str, Any]:
        """Return the certificate as results carry it."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "not_after": self.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "verify_error": verify_error,
        }


@lru_cache(maxsize=512)
def read_certificate(der: bytes) -> CertificateFacts:
    """Read the facts of one DER certificate. Raises DerError on anything else."""
    try:
        return _read_certificate(der)
    except DerError:
        raise
    except (IndexError, ValueError, OverflowError) as exc:
        raise DerError(f"the certificate cannot be read: {exc}") from exc


def _read_certificate(der: bytes) -> CertificateFacts:
    certificate = _expect(der, 0, len(der), _SEQUENCE)
    to_be_signed = _expect(der, certificate[0], certificate[1], _SEQUENCE)
    fields = list(_elements(der, *to_be_signed))
    if fields and fields[0][0] == 0xA0:
        del fields[0]  # the version, absent in version 1
    # serial, signature, issuer, validity, subject, key, then optional parts
    if len(fields) < 6 or any(fields[place][0] != _SEQUENCE for place in (1, 2, 3, 4, 5)):
        raise DerError("the certificate lacks its fields")
    validity = list(_elements(der, fields[3][1], fields[3][2]))
    if len(validity) != 2:
        raise DerError("the certificate has no validity")
    names: List[str] = []
    for tag, start, end in fields[6:]:
        if tag == 0xA3:
            names = _alt_names(der, start, end)
    subject = _name(der, fields[4][1], fields[4][2])
    if not subject and names:
        subject = names[0]
    return CertificateFacts(
        subject=subject,
        issuer=_name(der, fields[2][1], fields[2][2]),
        not_before=_time(der, *validity[0]),
        not_after=_time(der, *validity[1]),
        names=tuple(names),
    )


def _elements(der: bytes, start: int, end: int) -> Iterator[Tuple[int, int, int]]:
    """Yield (tag, start of content, end of content) of each element in a range."""
    while start < end:
        tag = der[start]
        if tag & 0x1F == 0x1F:
            raise DerError("long tags are not used in certificates")
        length = der[start + 1]
        content = start + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise DerError("a length is not DER")
            length = int.from_bytes(der[content : content + count], "big")
            content += count
        if content + length > end:
            raise DerError("an element is longer than what holds it")
        yield tag, content, content + length
        start = content + length


def _expect(der: bytes, start: int, end: int, tag: int) -> Tuple[int, int]:
    for found, content, content_end in _elements(der, start, end):
        if found != tag:
            break
        return content, content_end
    raise DerError("an element is missing or of another type")


def _name(der: bytes, start: int, end: int) -> str:
    """Return a name as `CN=example.com, O=Example`, the most specific part first."""
    parts: List[str] = []
    for _, set_start, set_end in _elements(der, start, end):
        for _, pair_start, pair_end in _elements(der, set_start, set_end):
            pair = list(_elements(der, pair_start, pair_end))
            if len(pair) != 2 or pair[0][0] != _OID:
                raise DerError("a name is not made of type and value")
            label = _ATTRIBUTES.get(der[pair[0][1] : pair[0][2]])
            if label and len(parts) < 20:
                parts.append(f"{label}={_text(der, *pair[1])}")
    return ", ".join(reversed(parts))


def _text(der: bytes, tag: int, start: int, end: int) -> str:
    text = der[start:end].decode(_TEXT_CODECS.get(tag, "latin-1"), "replace")
    shown = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:MAX_TEXT_CHARACTERS]
    )
    return shown


def _time(der: bytes, tag: int, start: int, end: int) -> datetime:
    text = der[start:end].decode("ascii")
    if tag == _UTC_TIME:
        # RFC 5280: 50 to 99 are of the last century.
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise DerError("a time of validity is of another type")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _alt_names(der: bytes, start: int, end: int) -> List[str]:
    import ipaddress

    names: List[str] = []
    extensions = _expect(der, start, end, _SEQUENCE)
    for _, extension_start, extension_end in _elements(der, *extensions):
        parts = list(_elements(der, extension_start, extension_end))
        if len(parts) < 2 or der[parts[0][1] : parts[0][2]] != _SUBJECT_ALT_NAME or parts[-1][0] != _OCTETS:
            continue
        sequence = _expect(der, parts[-1][1], parts[-1][2], _SEQUENCE)
        for tag, name_start, name_end in _elements(der, *sequence):
            if len(names) >= MAX_NAMES:
                break
            if tag == 0x82:
                names.append(_text(der, 0x16, name_start, name_end))
            elif tag == 0x87 and name_end - name_start in (4, 16):
                names.append(str(ipaddress.ip_address(der[name_start:name_end])))
    return names


# Codes of X509_verify_cert (openssl/x509_vfy.h): stable since OpenSSL 1.0.2.
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 18, 19
_NO_ISSUER = (2, 20, 21, 27)
_REVOKED = 23
_WRONG_NAME = (62, 64)
_WEAK = (66, 67, 68)


def verify_sentence(host: str, code: int, openssl_words: str, facts: Optional[CertificateFacts]) -> str:
    """Return why a certificate failed verification, as a sentence for a person.

    `code` and `openssl_words` are of `ssl.SSLCertVerificationError`; `facts` is None where the certificate
    could not be read.
    """
    whose = f"The certificate of {host}"
    if code == _EXPIRED:
        if facts is None or facts.not_after > datetime.now(timezone.utc):
            return f"{whose} rests on another one that has expired; the server has to send a renewed chain."
        return f"{whose} expired on {facts.not_after:%Y-%m-%d}; it has to be renewed."
    if code == _NOT_YET_VALID:
        since = f" until {facts.not_before:%Y-%m-%d %H:%M} UTC" if facts else ""
        return f"{whose} is not yet valid{since}; look at its dates and at this probe's clock."
    if code == _SELF_SIGNED:
        return f"{whose} is self-signed: nobody that this probe trusts vouches for it."
    if code in _WRONG_NAME:
        names = _some_names(facts)
        return f"{whose} is for another name: {names}." if names else f"{whose} does not name {host}."
    if code == _SELF_SIGNED_IN_CHAIN or code in _NO_ISSUER:
        issuer = f" ({facts.issuer})" if facts and facts.issuer else ""
        hint = "the server may not send its whole chain, or the authority is a private one"
        return f"{whose} was issued by an authority that this probe does not know{issuer}; {hint}."
    if code == _REVOKED:
        return f"{whose} was revoked by its issuer; it has to be replaced."
    if code in _WEAK:
        return f"{whose} uses a key or signature that is too weak to be trusted."
    return f"{whose} could not be verified: {openssl_words}."


def _some_names(facts: Optional[CertificateFacts]) -> str:
    if facts is None:
        return ""
    names = facts.names or ((facts.subject,) if facts.subject else ())
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
