"""What sudo's complaints mean (sudo 1.8 and 1.9, in English as `LC_ALL=C` makes it, and the Rust sudo-rs)."""

from __future__ import annotations

from enum import StrEnum


class SudoProblem(StrEnum):
    """Why sudo did not run a command."""

    MISSING = "missing"  # there is no sudo
    NEEDS_PASSWORD = "needs password"
    WRONG_PASSWORD = "wrong password"
    NOT_ALLOWED = "not allowed"  # this user may not, whatever the password
    NEEDS_TERMINAL = "needs terminal"  # `requiretty`
    LOCKED = "locked"  # the account or its password has expired
    OTHER = "other"


_SIGNS: tuple[tuple[SudoProblem, tuple[str, ...]], ...] = (
    (
        SudoProblem.NOT_ALLOWED,
        (
            "is not in the sudoers file",
            "is not allowed to run sudo",
            "is not allowed to execute",
            "may not run sudo",
            "i'm sorry",
            "a command is not allowed",
        ),
    ),
    (SudoProblem.NEEDS_TERMINAL, ("you must have a tty", "a terminal is required to run")),
    (
        SudoProblem.LOCKED,
        ("account validation failure", "account or password is expired", "password has expired", "account is locked"),
    ),
    (
        SudoProblem.WRONG_PASSWORD,
        ("incorrect password attempt", "sorry, try again", "incorrect authentication attempt", "maximum 3 incorrect"),
    ),
    (
        SudoProblem.NEEDS_PASSWORD,
        (
            "a password is required",
            "no password was provided",
            "interactive authentication is required",
            "a terminal is required to read the password",
        ),
    ),
    (SudoProblem.MISSING, ("sudo: not found", "sudo: command not found", "sudo: no such file", "sudo: inaccessible")),
)


def problem_of(complaint: str) -> SudoProblem:
    """Return what sudo, or the shell in its place, complains of; `complaint` is all it wrote."""
    text = complaint.lower()
    for problem, signs in _SIGNS:
        if any(sign in text for sign in signs):
            return problem
    return SudoProblem.OTHER
