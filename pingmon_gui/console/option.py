"""Options that several commands share, and readers of their values. What cannot be read is wrong usage."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from pingmon_probe.protocol import BODY_CAP_BYTES, KINDS_OF_FIELD, MAX_ECHO_COUNT, METHODS, kind_of

from pingmon_gui.domain import family
from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.domain.monitor import MonitorSettings, fitted, parse_exchange, parse_name, parse_status_set, parse_tags
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.request_setting import read_headers
from pingmon_gui.domain.target import display_url

_Value = TypeVar("_Value")
_UNITS_MS = {"ms": 1, "": 1_000, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(ms|s|min|m|h|d|)", re.ASCII)


class WrongUsage(PingmonError):
    """The command line cannot be carried out as it was typed: exit code 2."""


def reader(read: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Return `read` for argparse: a sentence of ours becomes wrong usage."""

    def wrapped(text: str) -> _Value:
        try:
            return read(text)
        except InvalidInput as exc:
            raise argparse.ArgumentTypeError(exc.message if exc.hint is None else f"{exc.message} {exc.hint}") from exc

    return wrapped


def duration_ms(text: str) -> int:
    """Read `10`, `1.5s`, `500ms`, `5m`, `2h` or `7d` (a bare number is seconds) as ms. Raises InvalidInput."""
    match = DURATION.fullmatch(text.strip().lower())
    if not match:
        raise InvalidInput(f"“{text[:40]}” is no length of time.", "Write 10, 1.5s, 500ms, 5m, 2h or 7d.")
    return round(float(match[1]) * _UNITS_MS[match[2]])


def seconds(text: str) -> float:
    """Read a length of time that is not nothing, as seconds. Raises InvalidInput."""
    ms = duration_ms(text)
    if ms == 0:
        raise InvalidInput("The length of time must be longer than nothing.")
    return ms / 1000


def _keyword(text: str) -> str:
    MonitorSettings(keyword=text)
    return text


def _timeout(text: str) -> int:
    timeout_ms = duration_ms(text)
    MonitorSettings(timeout_ms=timeout_ms, slow_ms=1)
    return timeout_ms


def _slow(text: str) -> int:
    slow_ms = duration_ms(text)
    MonitorSettings(slow_ms=slow_ms, timeout_ms=30_000)
    return slow_ms


def _interval(text: str) -> int:
    interval_ms = duration_ms(text)
    MonitorSettings(interval_ms=interval_ms)
    return interval_ms


def _exchange(text: str) -> str:
    parse_exchange(text)
    return text


def _count(low: int, high: int, what: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = text.strip().removesuffix("%").strip()
        if not (number.isascii() and number.isdigit() and len(number) <= 9 and low <= int(number) <= high):
            raise InvalidInput(f"{what} must be a number from {low} to {high}.")
        return int(number)

    return read


def _region(text: str) -> Region:
    try:
        return Region(text.lower())
    except ValueError as exc:
        raise InvalidInput(f"There is no region “{text[:20]}”.", f"Regions are {', '.join(Region)}.") from exc


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a target is measured and judged. What is not given stays None."""
    group = parser.add_argument_group("how it is measured and judged")
    group.add_argument(
        "--timeout", type=reader(_timeout), metavar="TIME", help="for the whole check, redirects included: 5s, 500ms"
    )
    group.add_argument("--slow", type=reader(_slow), metavar="TIME", help="a good answer that takes this long is slow")
    group.add_argument("--keyword", type=reader(_keyword), metavar="TEXT", help="must stand in the body")
    group.add_argument("--keyword-absent", action="store_true", help="turn --keyword round: it must not stand there")
    group.add_argument(
        "--status-set", type=reader(parse_status_set), metavar="SET", help="accepted HTTP statuses: 200-299,404"
    )
    group.add_argument(
        "--ignore-certificate", action="store_true", help="judge by the answer alone; a bad certificate is only shown"
    )
    _add_request_options(group)
    group.add_argument("--send", type=reader(_exchange), metavar="TEXT", help="tcp: say this (\\r \\n \\t \\0 \\x1f)")
    group.add_argument(
        "--expect", type=reader(_exchange), metavar="TEXT", help="tcp: this has to be said, same escapes"
    )
    group.add_argument(
        "--answer",
        action="append",
        metavar="RECORD",
        help="dns: this record has to be among the answers; may be repeated",
    )
    group.add_argument("--exact", action="store_true", help="dns: there may be no records but those of --answer")
    group.add_argument("--no-record", action="store_true", help="dns: there has to be no record of the type")
    group.add_argument(
        "--echoes",
        type=reader(_count(1, MAX_ECHO_COUNT, "The number of echoes")),
        metavar="N",
        help="icmp: send so many",
    )
    group.add_argument(
        "--max-loss",
        type=reader(_count(0, 99, "The share of lost echoes")),
        metavar="PERCENT",
        help="icmp: offline if more are lost",
    )
    group.add_argument(
        "--family",
        type=reader(family.setting_of),
        metavar="4|6|both|auto",
        help="the kind of address to connect to; both: each by itself",
    )


def add_watch_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a domain that is watched, besides those of one check."""
    group = parser.add_argument_group("how it is watched")
    group.add_argument("--interval", type=reader(_interval), metavar="TIME", help="from 5s to 1h")
    group.add_argument("--tag", type=reader(parse_tags), action="extend", metavar="TAG", help="may be repeated")
    group.add_argument(
        "--region",
        type=reader(_region),
        action="append",
        metavar="|".join(Region),
        help="watch from there only; may be repeated (without it: from every region that has a probe)",
    )


def _add_request_options(group: argparse._ArgumentGroup) -> None:
    """Add what a website is asked, and what its answer has to hold."""
    group.add_argument("--pattern", metavar="REGEX", help="as --keyword, but a regular expression")
    group.add_argument(
        "--json-value", action="append", metavar="CONDITION", help="like 'status.db == \"up\"'; may be repeated"
    )
    group.add_argument(
        "--answer-header",
        action="append",
        metavar="CONDITION",
        help="like 'Cache-Control contains no-store'; may be repeated",
    )
    size = _count(0, BODY_CAP_BYTES, "The size of an answer in bytes")
    group.add_argument("--min-bytes", type=reader(size), metavar="N", help="the answer has at least so many")
    group.add_argument("--max-bytes", type=reader(size), metavar="N", help="the answer has at most so many")
    group.add_argument("--method", type=str.upper, choices=METHODS, help="GET is usual")
    group.add_argument("--body", metavar="TEXT", help="what is sent with --method POST, PUT, PATCH and the like")
    group.add_argument("--header", action="append", metavar="'NAME: VALUE'", help="send it too; may be repeated")
    group.add_argument("--bearer-env", metavar="VARIABLE", help="sign in with the token in this environment variable")
    group.add_argument("--no-redirects", action="store_true", help="a redirect is the answer and is not followed")


def _bearer(variable: str | None) -> str | None:
    if variable is None:
        return None
    token = os.environ.get(variable, "").strip()
    if not token:
        raise WrongUsage(f"The environment has no variable {variable[:60]}.", "It holds the token to sign in with.")
    return token


def name_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", type=reader(parse_name), help="what to call it")


def _match(args: argparse.Namespace) -> str | None:
    return ("exact" if args.exact else "contains") if args.answer else None


def fitted_from(args: argparse.Namespace, settings: MonitorSettings, url: str) -> MonitorSettings:
    """Return the settings as they can hold for an address. Raises WrongUsage for an option of another kind."""
    kind = kind_of(url)
    for name, option in _OPTIONS_OF_FIELDS.items():
        if getattr(args, option) not in (None, False) and kind not in KINDS_OF_FIELD[name]:
            shown = option.replace("_", "-")
            kinds = " and ".join(sorted(KINDS_OF_FIELD[name]))
            raise WrongUsage(f"--{shown} goes with {kinds} addresses, not with {display_url(url)}.")
    try:
        return fitted(settings, url)
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc


_OPTIONS_OF_FIELDS = {
    "keyword": "keyword",
    "keyword_is_pattern": "pattern",
    "json_conditions": "json_value",
    "header_conditions": "answer_header",
    "min_bytes": "min_bytes",
    "max_bytes": "max_bytes",
    "method": "method",
    "body": "body",
    "headers": "header",
    "bearer": "bearer_env",
    "no_redirects": "no_redirects",
    "status_set": "status_set",
    "ignore_certificate": "ignore_certificate",
    "send": "send",
    "expect": "expect",
    "dns_answers": "answer",
    "dns_match": "no_record",
    "echo_count": "echoes",
    "max_loss_percent": "max_loss",
}


def settings_from(args: argparse.Namespace, base: MonitorSettings, basic_auth: str | None) -> MonitorSettings:
    """Return `base` with what was given on the command line. Raises WrongUsage if the values do not go together."""
    if args.keyword is not None and args.pattern is not None:
        raise WrongUsage("--keyword and --pattern do not go together.")
    if args.keyword_absent and args.keyword is None and args.pattern is None:
        raise WrongUsage("--keyword-absent says what to do with --keyword, which is not there.")
    if args.exact and not args.answer:
        raise WrongUsage("--exact says what to do with --answer, which is not there.")
    if args.no_record and args.answer:
        raise WrongUsage("--no-record and --answer do not go together.")
    given: dict[str, Any] = {
        "timeout_ms": args.timeout,
        "slow_ms": args.slow,
        "keyword": args.keyword if args.pattern is None else args.pattern,
        "keyword_is_pattern": args.pattern is not None or None,
        "json_conditions": tuple(args.json_value) if args.json_value else None,
        "header_conditions": tuple(args.answer_header) if args.answer_header else None,
        "min_bytes": args.min_bytes,
        "max_bytes": args.max_bytes,
        "method": args.method,
        "body": args.body,
        "bearer": _bearer(args.bearer_env),
        "no_redirects": args.no_redirects or None,
        "status_set": args.status_set,
        "family": args.family,
        "interval_ms": getattr(args, "interval", None),
        "keyword_absent": args.keyword_absent or None,
        "ignore_certificate": args.ignore_certificate or None,
        "basic_auth": basic_auth,
        "send": args.send,
        "expect": args.expect,
        "dns_answers": tuple(args.answer) if args.answer else None,
        "dns_match": "none" if args.no_record else _match(args),
        "echo_count": args.echoes,
        "max_loss_percent": args.max_loss,
    }
    values = {name: value for name, value in given.items() if value is not None}
    timeout_ms = values.get("timeout_ms", base.timeout_ms)
    if args.slow is None:
        # A short timeout was asked for: then the usual limit for slow cannot lie above it.
        values["slow_ms"] = min(base.slow_ms, timeout_ms)
    elif args.timeout is None:
        values["timeout_ms"] = max(timeout_ms, args.slow)
    try:
        if args.header:
            values["headers"] = read_headers(args.header)
        return replace(base, **values)
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc
