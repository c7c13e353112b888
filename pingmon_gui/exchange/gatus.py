"""Gatus: the `endpoints` of its YAML. What they leave open is as Gatus itself has it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pingmon_probe.protocol import RECORD_TYPES

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.gatus_condition import Conditions, read_conditions
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, LeftOut, Reading, cleaned_text, listed, mapped, require_room
from pingmon_gui.exchange.wish import Wish, escaped, item, server_place
from pingmon_gui.exchange.yaml_document import line_of, truth_of

_OTHER_KINDS = ("ssh",)
#: Schemes of ours by its own. Its STARTTLS is that of mail servers.
_SCHEMES = {"http": "http", "https": "https", "tcp": "tcp", "tls": "tls", "icmp": "icmp", "starttls": "tls"}
_INTERVAL, _TIMEOUT = "1m", "10s"
_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{|[A-Za-z_])")
#: What stands at the top of a file and is not taken over, with what it is called.
_OTHERS = (
    ("suites", "suites (Pingmon checks one address at a time)"),
    ("maintenance", "the maintenance window"),
    ("alerting", "alerting"),
)


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
        items.append(Item(number, line_of(entry), _name(entry), reason=reason))
    others = [words for key, words in _OTHERS if document.get(key)]
    return Reading(Kind.GATUS, tuple(items), notes=(f"Left out: {', '.join(others)}.",) if others else ())


def _read_entry(number: int, entry: Any, defaults: MonitorSettings) -> Item:
    wish: Wish | InvalidInput
    try:
        wish = _read_endpoint(entry, defaults)
    except InvalidInput as exc:
        wish = exc
    return item(number, line_of(entry), _name(entry), wish)


def _name(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "?"
    return cleaned_text(entry.get("name")) or cleaned_text(entry.get("url")) or "?"


def _read_endpoint(entry: Any, defaults: MonitorSettings) -> Wish:
    if not isinstance(entry, dict):
        raise InvalidInput("The entry is no endpoint.")
    for kind in _OTHER_KINDS:
        if entry.get(kind):
            raise LeftOut(f"Pingmon cannot measure {kind} yet.")
    wish = Wish(_address(entry), defaults)
    wish.call(entry.get("name"))
    wish.tag(entry.get("group"), *(f"{key}: {value}" for key, value in mapped(entry.get("extra-labels")).items()))
    wish.is_paused = truth_of(entry.get("enabled")) is False
    client = mapped(entry.get("client"))
    wish.every(duration_ms(str(entry.get("interval") or _INTERVAL)))
    wish.within(duration_ms(str(client.get("timeout") or _TIMEOUT)))
    wish.set(ignore_certificate=truth_of(client.get("insecure")) is True)
    for has, sentence in (
        (client.get("proxy-url") or client.get("tunnel"), "It is reached directly, by no proxy or tunnel."),
        (client.get("dns-resolver"), "Names are looked up as the probe's host does it."),
        (client.get("oauth2") or client.get("identity-aware-proxy"), "It is not logged in anywhere."),
        (client.get("tls"), "Its client certificate is not shown."),
        (entry.get("maintenance-windows"), "Its maintenance windows are left out."),
    ):
        if has:
            wish.notes.append(sentence)
    conditions = [_without_variables(condition, "A condition") for condition in listed(entry.get("conditions"))]
    found = read_conditions(conditions, wish.kind)
    _ask(wish, entry, client, found)
    if found.slow_ms is not None:
        wish.slow_from(found.slow_ms)
    wish.notes += found.notes
    return wish


def _address(entry: Mapping[Any, Any]) -> str:
    """Return the address of what is measured. Raises LeftOut for what cannot be."""
    url = _without_variables(entry.get("url"), "Its address")
    if dns := mapped(entry.get("dns")):
        record_type = str(dns.get("query-type") or "A").upper()
        if record_type not in RECORD_TYPES:
            raise LeftOut(f"Pingmon cannot ask for records of the type {cleaned_text(record_type)[:10]} yet.")
        name = _without_variables(dns.get("query-name"), "The name that it asks for")
        return f"dns://{name.rstrip('.') or '.'}?type={record_type}&server={server_place(url)}"
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    own = _SCHEMES.get(scheme.lower())
    if own is None:
        raise LeftOut(f"Pingmon cannot measure {cleaned_text(scheme)[:20]}:// yet.")
    return f"{own}://{rest}" + ("?starttls=smtp" if scheme.lower() == "starttls" else "")


def _ask(wish: Wish, entry: Mapping[Any, Any], client: Mapping[Any, Any], found: Conditions) -> None:
    """Take over what is sent, and what a good answer is."""
    body = _without_variables(entry.get("body"), "Its body")
    if wish.kind == "http":
        headers = mapped(entry.get("headers"))
        method = entry.get("method")
        if truth_of(entry.get("graphql")) is True:
            body, headers = json.dumps({"query": body}), {"Content-Type": "application/json", **headers}
        wish.ask(method, body)
        wish.send(headers)
        wish.accept(found.status_set, follows_redirects=truth_of(client.get("ignore-redirect")) is not True)
        if found.keyword is not None:
            wish.look_for(found.keyword, is_absent=found.keyword_absent)
        for text in found.json:
            if not wish.expect_answer(json=text):
                wish.notes.append(f"The condition “{text}” is not checked: there are too many.")
    elif wish.kind == "tcp":
        wish.set(send=escaped(body) if body else None, expect=escaped(found.expect) if found.expect else None)
    elif wish.kind == "dns" and found.dns_answer is not None:
        wish.set(dns_match="contains", dns_answers=(found.dns_answer,))
    elif wish.kind == "icmp":
        # Any echo that comes back is enough.
        wish.set(max_loss_percent=99)


def _without_variables(value: Any, what: str) -> str:
    """Return a text as Gatus reads it, which puts variables of its environment in. Raises LeftOut for those."""
    text = str(value or "")
    if _VARIABLE.search(text):
        raise LeftOut(f"{what} holds a variable of the environment.", "Put the value in its place.")
    return text.replace("$$", "$")
