"""Sentences about what an answer should have held."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from .sentence import shown
from .target import Target


def too_small(target: Target, got_bytes: int, min_bytes: int) -> str:
    return f"The answer of {target.host} has {got_bytes:,} bytes; at least {min_bytes:,} were expected."


def too_large(target: Target, got_bytes: int, max_bytes: int) -> str:
    return f"The answer of {target.host} has {got_bytes:,} bytes or more; at most {max_bytes:,} were expected."


def condition_fails(target: Target, problem: str) -> str:
    """Say which condition does not hold; `problem` is as `answer_condition` words it."""
    return f"The answer of {target.host} {shown(problem, 300)}."


def pattern_missing(target: Target, pattern: str) -> str:
    return f'Nothing in the page of {target.host} fits the pattern "{shown(pattern)}".'


def pattern_present(target: Target, pattern: str) -> str:
    return f'The page of {target.host} holds something that fits the pattern "{shown(pattern)}", and should not.'


def not_searched(target: Target, pattern: str, answer: Dict[str, Any]) -> Tuple[str, str]:
    """Return (failure class, sentence) for a page in which a pattern was not searched to the end."""
    if answer.get("slow"):
        return "content", (
            f'The pattern "{shown(pattern)}" is too slow for the page of {target.host}: it was stopped after 100 ms; '
            "write it without repeats inside of repeats. It is tried again in a minute."
        )
    if "problem" in answer:
        return "content", f"The page of {target.host} could not be searched: {shown(str(answer['problem']), 200)}."
    if "refused" in answer:
        reason = shown(str(answer["refused"]), 100)
        return "internal", f'This probe cannot read the pattern "{shown(pattern)}" ({reason}).'
    return "internal", _no_worker(answer)


def not_read(target: Target, answer: Dict[str, Any]) -> Tuple[str, str]:
    """Return (failure class, sentence) for an answer whose JSON was not read."""
    if answer.get("slow"):
        return "content", f"The JSON of {target.host} takes too long to read: it was given up after 100 ms."
    if "problem" in answer:
        return "content", f"The answer of {target.host} could not be read: {shown(str(answer['problem']), 200)}."
    return "internal", _no_worker(answer)


def _no_worker(answer: Dict[str, Any]) -> str:
    return f"This probe could not look into the answer: {shown(str(answer.get('failed', 'no reason is known')), 200)}."
