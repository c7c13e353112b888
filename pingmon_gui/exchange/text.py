"""Bytes of a file as text: byte order marks and UTF-16 are understood, everything else must be UTF-8."""

from __future__ import annotations

import codecs

from pingmon_gui.domain.error import InvalidInput

_MARKS = (
    # UTF-32's begins with UTF-16's: it has to be looked for first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: How many bytes are looked at for the pattern of UTF-16 without a mark.
_LOOKED_AT = 2_000
_SIGNATURES = (
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)


def decoded(data: bytes) -> str:
    """Return the text of a file. Raises InvalidInput with a sentence for binary files and other encodings."""
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise InvalidInput(f"The file is {what}, not a text file.", "Save or unpack it as text first.")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _without_mark(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as exc:
        if b"\0" in data[:_LOOKED_AT] and encoding == "utf-8":
            raise InvalidInput("The file is binary, not a text file.") from exc
        line = data.count(b"\n", 0, exc.start) + 1
        raise InvalidInput(
            f"Line {line} of the file is not {encoding.upper().removesuffix('-SIG')}.", "Save it as UTF-8."
        ) from exc
    if "\0" in text:
        raise InvalidInput("The file is binary, not a text file.")
    return text


def _without_mark(data: bytes) -> str:
    """Return `utf-16-le` or `utf-16-be` where nearly every other byte is zero, as in text of Western letters."""
    start = data[:_LOOKED_AT]
    half = len(start) // 2
    if half >= 4:
        if start[1::2].count(0) > half * 0.9 and start[0::2].count(0) < half * 0.1:
            return "utf-16-le"
        if start[0::2].count(0) > half * 0.9 and start[1::2].count(0) < half * 0.1:
            return "utf-16-be"
    return "utf-8"
