"""Sentences about what a name server answered."""

from __future__ import annotations

from typing import Sequence

from .sentence import seconds, shown

_MOST_SHOWN = 4
_RCODE_HINTS = {
    "SERVFAIL": "look at the domain's name servers and its DNSSEC",
    "REFUSED": "it does not answer this question for the probe",
    "FORMERR": "it did not understand the question",
    "NOTIMP": "it does not know this kind of question",
}


def no_host_resolver() -> str:
    return "This probe's host names no name server to ask; give one in the address, as server=9.9.9.9."


def no_answer(server: str, question: str, timeout_ms: float) -> str:
    return (
        f"The name server {server} did not answer the question for {question} within {seconds(timeout_ms)}; "
        "the datagram or its answer may have been lost, too."
    )


def not_listening(server: str) -> str:
    return f"The name server {server} refuses the question: nothing listens on this port; look whether it runs."


def unreachable(server: str, what: str) -> str:
    return f"The name server {server} cannot be reached ({what})."


def no_socket(what: str) -> str:
    return f"This probe's host has no free socket to ask a name server with ({what})."


def unreadable(server: str, problem: str) -> str:
    return f"The name server {server} answered with {problem}."


def no_such_name(server: str, name: str) -> str:
    return f"The name {shown(name)} does not exist, says the name server {server} (NXDOMAIN)."


def refused(server: str, question: str, rcode: str) -> str:
    hint = _RCODE_HINTS.get(rcode)
    return f"The name server {server} answered the question for {question} with {rcode}" + (
        f"; {hint}." if hint else "."
    )


def no_record(server: str, name: str, record_type: str) -> str:
    return f"The name {shown(name)} has no record of the type {record_type}, says the name server {server}."


def unwanted(name: str, record_type: str, answers: Sequence[str]) -> str:
    return f"The name {shown(name)} has records of the type {record_type}, which should not be there: {_some(answers)}."


def not_exactly(name: str, record_type: str, answers: Sequence[str], expected: Sequence[str]) -> str:
    return (
        f"The {record_type} records of {shown(name)} are not what was expected: "
        f"found {_some(answers)}; expected {_some(expected)}."
    )


def missing(name: str, record_type: str, answers: Sequence[str], absent: Sequence[str]) -> str:
    return f"The {record_type} records of {shown(name)} lack {_some(absent)}; found {_some(answers)}."


def _some(answers: Sequence[str]) -> str:
    if not answers:
        return "none"
    words = ", ".join(shown(answer, 80) for answer in answers[:_MOST_SHOWN])
    return f"{words} and {len(answers) - _MOST_SHOWN} more" if len(answers) > _MOST_SHOWN else words
