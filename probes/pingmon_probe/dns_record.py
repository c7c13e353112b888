"""DNS records as text: what a name server's data reads like, and the same form for what a person expects.

Source: RFC 1035 sections 3.3 and 5.1 (text form), RFC 3596 (AAAA), RFC 2782 (SRV), RFC 8659 (CAA).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Callable, Dict, Tuple

MAX_NAME = 253
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
#: How an answer of each type is written, for whoever wrote it differently.
EXAMPLES = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CAA": '0 issue "letsencrypt.org"',
    "CNAME": "www.example.com",
    "MX": "10 mail.example.com",
    "NS": "ns1.example.com",
    "PTR": "host.example.com",
    "SOA": "ns1.example.com admin.example.com 1 7200 3600 1209600 3600",
    "SRV": "10 60 5060 sip.example.com",
    "TXT": "v=spf1 -all",
}


class AnswerError(ValueError):
    """A text that no answer of this type can be. The message is a sentence."""


def normal_answer(record_type: str, text: str) -> str:
    """Return an expected answer in the form that `record_text` gives. Raises AnswerError, KeyError for a type."""
    example = EXAMPLES[record_type]
    try:
        return _NORMAL[record_type](text.strip())
    except (ValueError, IndexError) as exc:
        raise AnswerError(f"An answer of the type {record_type} is written like {example}.") from exc


def name_text(labels: Tuple[bytes, ...]) -> str:
    """Return a name in lower case without a final dot, "." for the root; odd letters as \\DDD."""
    return ".".join("".join(map(_letter, label)) for label in labels) or "."


def _letter(code: int) -> str:
    letter = chr(code).lower()
    if letter in '.\\"' or not "!" <= letter <= "~":
        return f"\\{code:03d}"
    return letter


def text_of_bytes(data: bytes) -> str:
    """Return the text of a TXT or CAA value: UTF-8 where it is that, control characters as \\DDD."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else f"\\{ord(letter):03d}" for letter in text)


def _name(text: str) -> str:
    name = text.lower().rstrip(".") or "."
    if len(name) > MAX_NAME or not name.isascii() or any(not "!" <= letter <= "~" for letter in name):
        raise ValueError(name)
    if name != "." and any(not 0 < len(label) <= 63 for label in name.split(".")):
        raise ValueError(name)
    return name


def _numbers_and_name(count: int) -> Callable[[str], str]:
    def normal(text: str) -> str:
        words = text.split()
        if len(words) != count + 1:
            raise ValueError(text)
        return " ".join([*(_number(word) for word in words[:-1]), _name(words[-1])])

    return normal


def _number(text: str, most: int = 2**16 - 1) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise ValueError(text)
    return str(int(text))


def _soa(text: str) -> str:
    words = text.split()
    if len(words) != 7:
        raise ValueError(text)
    return " ".join([_name(words[0]), _name(words[1]), *(_number(word, 2**32 - 1) for word in words[2:])])


def _txt(text: str) -> str:
    """Return the whole text: quotes around its parts are left out, and the parts joined."""
    if text.startswith('"') and not _QUOTED.sub("", text).strip():
        return "".join(re.sub(r"\\(.)", r"\1", part) for part in _QUOTED.findall(text))
    if not text:
        raise ValueError(text)
    return text


def _caa(text: str) -> str:
    flags, tag, value = text.split(None, 2)
    if not (tag.isascii() and tag.isalnum()):
        raise ValueError(text)
    return f'{_number(flags, 255)} {tag.lower()} "{_txt(value)}"'


_NORMAL: Dict[str, Callable[[str], str]] = {
    "A": lambda text: str(ipaddress.IPv4Address(text)),
    "AAAA": lambda text: ipv6_text(ipaddress.IPv6Address(text)),
    "CAA": _caa,
    "CNAME": _name,
    "MX": _numbers_and_name(1),
    "NS": _name,
    "PTR": _name,
    "SOA": _soa,
    "SRV": _numbers_and_name(3),
    "TXT": _txt,
}


def ipv6_text(address: ipaddress.IPv6Address) -> str:
    """Return an IPv6 address; Python 3.13 writes mapped ones in another form than the releases before."""
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped is not None else str(address)
