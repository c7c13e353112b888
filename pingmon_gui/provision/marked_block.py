"""Our lines in files that belong to somebody else (authorized_keys, a crontab): between two marks, nothing around.

Pure text in, text out. A file without our block comes out byte for byte as it went in.
"""

from __future__ import annotations

BEGIN = "# >>> pingmon-probe: managed by Pingmon, do not edit >>>"
END = "# <<< pingmon-probe <<<"
KEY_TYPE = "ssh-ed25519"


def with_block(text: str, lines: str) -> str:
    """Return the text with `lines` between the marks, in the place of a block that is there, else at the end."""
    block = f"{BEGIN}\n{lines.rstrip()}\n{END}\n"
    before, found, after = _split(text)
    if found is not None:
        return f"{before}{block}{after}"
    glue = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{glue}{block}"


def without_block(text: str) -> str:
    """Return the text without the marks and what is between them."""
    before, _found, after = _split(text)
    return before + after


def block_in(text: str) -> str | None:
    """Return the lines between the marks, None where there are no marks."""
    return _split(text)[1]


def public_key_in(text: str, *, is_whole: bool) -> str | None:
    """Return the first public key (type, blank, base64) of our block, or of the whole file where it is all ours."""
    ours = text if is_whole else block_in(text) or ""
    for line in ours.splitlines():
        _, kind, rest = line.partition(f"{KEY_TYPE} ")
        if kind and rest and not line.lstrip().startswith("#"):
            return f"{KEY_TYPE} {rest.split()[0]}"
    return None


def _split(text: str) -> tuple[str, str | None, str]:
    """Return what is before the block, its lines (None without one), and what is after it."""
    lines = text.splitlines(keepends=True)
    marks = [line.strip() for line in lines]
    if BEGIN not in marks:
        return text, None, ""
    first = marks.index(BEGIN)
    try:
        last = marks.index(END, first)
    except ValueError:
        # The end was lost: only what is surely ours goes, the mark itself.
        last = first
    return "".join(lines[:first]), "".join(lines[first + 1 : last]), "".join(lines[last + 1 :])
