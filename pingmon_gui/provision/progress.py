"""What a run over a host's steps tells while it goes on. Frozen; shown by terminal and window alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class StepState(StrEnum):
    """How far a step is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"  # it changed the host, and looked again whether that holds
    UNCHANGED = "unchanged"  # there was nothing to do
    PLANNED = "planned"  # a dry run: it would change the host
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True)
class StepProgress:
    """A step of one host took up a new state. `title` is a sentence's worth for people, `detail` may be empty."""

    host: str
    step: str
    title: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True)
class TranscriptLine:
    """A line of what was done on a host and what it answered; secrets never get here."""

    host: str
    text: str


Listener = Callable[[StepProgress | TranscriptLine], None]

#: A transcript is for reading: longer lines are cut.
MOST_LETTERS = 300


def harmless(text: str) -> str:
    """Return a line that no terminal takes for a command, cut short."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: MOST_LETTERS + 1])
    return shown if len(shown) <= MOST_LETTERS else shown[:MOST_LETTERS] + "…"


def last_line(text: str) -> str:
    """Return the last line that says anything: where programs tell why they gave up."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return harmless(lines[-1]) if lines else ""
