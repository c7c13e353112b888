"""Cells of CSV files: a spreadsheet takes some beginnings for a formula, so they get an apostrophe in front.

https://owasp.org/www-community/attacks/CSV_Injection. What is guarded here is read back as it was.
"""

from __future__ import annotations

#: Full-width forms are folded by some spreadsheets.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guarded(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given; any other text as it is."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS) else text
