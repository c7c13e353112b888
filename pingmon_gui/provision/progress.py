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
