"""Gatus: the `endpoints` of its YAML. Conditions become statuses, a keyword and the limit for slow where they can."""

from __future__ import annotations

import re
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange import yaml_document
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, LeftOut, Reading, Wish, cleaned_text, item, listed, mapped, require_room

_CONDITION = re.compile(r"\s*\[([A-Z_]+)\]\s*(==|!=|<=|>=|<|>)\s*(.*?)\s*", re.DOTALL)
_ALL = (100, 599)
_OTHER_KINDS = ("dns", "ssh", "graphql")


def is_gatus(document: Any) -> bool:
    """Return whether a YAML document is a configuration of Gatus."""
    return isinstance(document, dict) and any(
        name in document for name in ("endpoints", "external-endpoints", "services")
    )


def read(document: Any, defaults: MonitorSettings) -> Reading:
    """Read a configuration. Raises InvalidInput if it is none."""
    if not is_gatus(document):
        raise InvalidInput("The file is no configuration of Gatus.", "Its list of endpoints is missing.")
    # Named so before version 4.
    endpoints = [*listed(document.get("endpoints")), *listed(document.get("services"))]
    external = listed(document.get("external-endpoints"))
    require_room(len(endpoints) + len(external))
    items = [_read_entry(number, entry, defaults) for number, entry in enumerate(endpoints, start=1)]
    for number, entry in enumerate(external, start=len(endpoints) + 1):
        reason = "It is told from outside, not measured."
        items.append(Item(number, yaml_document.line_of(entry), _name(entry), reason=reason))
    notes = ("Suites are left out: Pingmon checks one address at a time.",) if document.get("suites") else ()
    return Reading(Kind.GATUS, tuple(items), notes=notes)


def _read_entry(number: int, entry: Any, defaults: MonitorSettings) -> Item:
    wish: Wish | InvalidInput
    try:
        wish = _read_endpoint(entry, defaults)
    except InvalidInput as exc:
        wish = exc
    return item(number, yaml_document.line_of(entry), _name(entry), wish)


def _name(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "?"
    return cleaned_text(entry.get("name")) or cleaned_text(entry.get("url")) or "?"


def _read_endpoint(entry: Any, defaults: MonitorSettings) -> Wish:
    if not isinstance(entry, dict):
        raise InvalidInput("The entry is no endpoint.")
    url = str(entry.get("url") or "")
    for kind in _OTHER_KINDS:
        if entry.get(kind):
            raise LeftOut(f"Pingmon cannot measure {kind} yet.")
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme not in ("", "http", "https"):
        raise LeftOut(f"Pingmon cannot measure {cleaned_text(scheme)[:20]}:// yet.")
    if re.search(r"\$\{?\w", url):
        raise LeftOut("Its address holds a variable of the environment.", "Put the value in its place.")
    method = str(entry.get("method") or "GET").upper()
    if method not in ("GET", "HEAD"):
        raise LeftOut(f"It sends {cleaned_text(method)[:20]} requests; Pingmon sends GET.")
    wish = Wish(url, defaults)
    wish.call(entry.get("name"))
    wish.tag(entry.get("group"))
    wish.is_paused = entry.get("enabled") is False
    if entry.get("interval") is not None:
        wish.every(duration_ms(str(entry["interval"])))
    client = mapped(entry.get("client"))
    if client.get("timeout") is not None:
        wish.within(duration_ms(str(client["timeout"])))
    wish.set(ignore_certificate=client.get("insecure") is True)
    for has, sentence in (
        (method == "HEAD", "GET is sent instead of HEAD."),
        (entry.get("body"), "Its request body is not sent."),
        (entry.get("headers"), "Its own request headers are not sent."),
        (client.get("ignore-redirect"), "Redirects are followed, up to five."),
        (client.get("proxy-url"), "Its proxy is not used."),
        (client.get("oauth2") or client.get("identity-aware-proxy"), "It is not logged in anywhere."),
    ):
        if has:
            wish.notes.append(sentence)
    _read_conditions(wish, [str(condition) for condition in listed(entry.get("conditions"))])
    return wish


def _read_conditions(wish: Wish, conditions: list[str]) -> None:
    statuses = set(range(_ALL[0], _ALL[1] + 1))
    has_status, has_keyword = False, False
    for condition in conditions:
        match = _CONDITION.fullmatch(condition)
        subject, sign, wanted = match.groups() if match else ("", "", "")
        if subject == "STATUS" and (accepted := _statuses(sign, wanted)) is not None:
            statuses &= accepted
            has_status = True
        elif subject == "RESPONSE_TIME" and sign in ("<", "<=") and wanted.isdigit():
            wish.slow_from(int(wanted[:6]))
            wish.notes.append(f"An answer that takes {wanted[:6]} ms is slow here, not offline.")
        elif subject == "BODY" and not has_keyword and (keyword := _keyword(sign, wanted)):
            wish.look_for(keyword, is_absent=sign == "!=")
            has_keyword = True
        elif subject == "CONNECTED" and sign == "==" and wanted == "true":
            continue
        else:
            wish.notes.append(f"The condition “{cleaned_text(condition)[:80]}” is not checked.")
    if not statuses:
        raise InvalidInput("Its conditions accept no status at all.")
    if not has_status:
        wish.notes.append("Every status is accepted, since no condition speaks of it.")
    wish.set(status_set=_ranges(statuses))


def _statuses(sign: str, wanted: str) -> set[int] | None:
    """Return what a condition on the status accepts, None if it cannot be read."""
    everything = set(range(_ALL[0], _ALL[1] + 1))
    either = re.fullmatch(r"any\(([\d,\s]+)\)", wanted)
    numbers = [int(part) for part in re.findall(r"\d{1,6}", either[1] if either else wanted)]
    if not either and not re.fullmatch(r"\d{1,6}", wanted):
        return None
    match sign:
        case "==":
            return everything & set(numbers)
        case "!=":
            return everything - set(numbers)
    if either:
        return None
    limit = numbers[0]
    return {
        status
        for status in everything
        if (sign == "<" and status < limit)
        or (sign == "<=" and status <= limit)
        or (sign == ">" and status > limit)
        or (sign == ">=" and status >= limit)
    }


def _keyword(sign: str, wanted: str) -> str | None:
    """Return the text of `pat(*text*)`, None for any other pattern."""
    match = re.fullmatch(r"pat\(\*([^*?\[\]\\]+)\*\)", wanted)
    return match[1] if match and sign in ("==", "!=") else None


def _ranges(statuses: set[int]) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for status in sorted(statuses):
        if ranges and ranges[-1][1] == status - 1:
            ranges[-1] = (ranges[-1][0], status)
        else:
            ranges.append((status, status))
    return tuple(ranges)
