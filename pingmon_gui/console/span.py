"""`--from` and `--to`: a span of time as several commands read it."""

from __future__ import annotations

import argparse
from datetime import datetime, tzinfo

from pingmon_gui.console.option import DURATION, WrongUsage, duration_ms
from pingmon_gui.domain.error import InvalidInput

#: 1970 to 9999, what a date can say.
_LAST_MS = 253_402_300_799_000


def add_span_options(parser: argparse.ArgumentParser, start: str) -> None:
    """Add both; `start` is where the span begins by default."""
    parser.add_argument("--from", dest="start", default=start, metavar="TIME", help=f"default: {start} (ago)")
    parser.add_argument("--to", dest="end", default="now", metavar="TIME", help="default: now")


def span_ms(args: argparse.Namespace, now_ms: int) -> tuple[int, int]:
    """Return the span that was asked for. Raises WrongUsage."""
    try:
        from_ms, to_ms = time_ms(args.start, now_ms), time_ms(args.end, now_ms)
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc
    if from_ms >= to_ms:
        raise WrongUsage("--from must lie before --to.")
    return from_ms, to_ms


def time_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Read a time: `now`, `2h` (so long ago), a date, or a date and time; of `zone` (else local) unless it names one.

    Raises InvalidInput.
    """
    text = text.strip()
    if text.lower() == "now":
        return now_ms
    if DURATION.fullmatch(text.lstrip("-").lower()):
        return max(0, now_ms - duration_ms(text.lstrip("-")))
    try:
        at = datetime.fromisoformat(text)
        at_ms = int((at.replace(tzinfo=zone) if at.tzinfo is None else at).timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as exc:
        raise InvalidInput(
            f"“{text[:40]}” is no time.", "Write 2026-11-22, 2026-11-22T18:00, 2026-11-22T18:00Z, 90m, 24h or now."
        ) from exc
    if not 0 <= at_ms <= _LAST_MS:
        raise InvalidInput(f"“{text[:40]}” lies before 1970.")
    return at_ms
