"""What sudo's complaints mean (sudo 1.8 and 1.9, in English as `LC_ALL=C` makes it, and the Rust sudo-rs)."""

from __future__ import annotations

from enum import StrEnum

from pingmon_gui.provision.progress import last_line
from pingmon_gui.provision.ssh_login import TRIES


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


def explain(problem: SudoProblem, user: str, name: str, complaint: str) -> tuple[str, str]:
    """Return what is wrong as a sentence, and a hint. `name` is the host's, `complaint` what sudo wrote."""
    match problem:
        case SudoProblem.MISSING:
            return f"There is no sudo on {name}.", "Log in as root, or go on without."
        case SudoProblem.NOT_ALLOWED:
            return (
                f"The user {user} may not use sudo on {name}.",
                f"Let an administrator allow it (usermod -aG sudo {user}), or log in as another user.",
            )
        case SudoProblem.NEEDS_TERMINAL:
            return (
                f"sudo on {name} runs on a terminal only (requiretty).",
                f"Let an administrator set: Defaults:{user} !requiretty",
            )
        case SudoProblem.LOCKED:
            return (
                f"The account or password of {user} on {name} has expired.",
                "Log in there by ssh and set a new password.",
            )
        case SudoProblem.NEEDS_PASSWORD:
            return (
                f"sudo on {name} asks for a password, and none was given.",
                "Type the password of your login there, or log in as root.",
            )
        case SudoProblem.WRONG_PASSWORD:
            return (
                f"sudo on {name} refused the password {TRIES} times.",
                "It is the password of your login there, not root's. Nothing was changed.",
            )
    said = last_line(complaint) or "nothing"
    return f'sudo on {name} does not work: it says "{said}".', "Try there: sudo -v"
