"""Uptime Kuma: the backup that version 1 writes as JSON, and the database of versions 1 and 2.

Both name the same things in two spellings; `_read_monitor` knows both. Written after the product's own
`server/model/monitor.js` and the migrations in `db/` (1.0 to 2.5, 2026).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pingmon_probe.protocol import MAX_ECHO_COUNT, RECORD_TYPES, in_brackets

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings, parse_status_set
from pingmon_gui.exchange import json_document, json_wish, kuma_database
from pingmon_gui.exchange.duration import number_ms
from pingmon_gui.exchange.kind import Kind
from pingmon_gui.exchange.reading import Item, LeftOut, Reading, cleaned_text, listed, mapped, require_room
from pingmon_gui.exchange.wish import Ranges, Wish, item

#: Types that are measured by fetching an address.
_FETCHED = ("http", "keyword", "json-query")
_MAX_PARENTS = 10
#: Returns what stands under the first of some names that is there.
Value = Callable[..., Any]


def read(text: str, defaults: MonitorSettings) -> Reading:
    """Read a backup. Raises InvalidInput if it is none."""
    document = json_document.parsed(text)
    monitors = document.get("monitorList") if isinstance(document, dict) else None
    if isinstance(monitors, dict):  # as the product's own socket sends it
        monitors = list(monitors.values())
    if not isinstance(monitors, list):
        raise InvalidInput("The file is no backup of Uptime Kuma.", "Its list of monitors is missing.")
    require_room(len(monitors))
    lines = json_document.element_lines(text, "monitorList", len(monitors))
    others = {"notification": len(listed(document.get("notificationList")))}
    return Reading(Kind.UPTIME_KUMA, tuple(_items(monitors, lines, defaults)), notes=_others_note(others))


def read_database(path: Path, defaults: MonitorSettings) -> Reading:
    """Read `kuma.db`, changing nothing there. Blocks; raises InvalidInput with a sentence."""
    tables = kuma_database.read_tables(path)
    items = _items(tables.monitors, [None] * len(tables.monitors), defaults)
    return Reading(Kind.UPTIME_KUMA, tuple(items), notes=_others_note(tables.others))


def _others_note(others: Mapping[str, int]) -> tuple[str, ...]:
    """Say what else the file holds, which is not taken over."""
    parts = [f"{count} {word}{'' if count == 1 else 's'}" for word, count in others.items() if count]
    return (f"Left out: {', '.join(parts)}. Only monitors are taken over.",) if parts else ()


def _items(monitors: Iterable[Any], lines: list[int | None], defaults: MonitorSettings) -> Iterator[Item]:
    known = [monitor for monitor in monitors if isinstance(monitor, dict)]
    groups = {
        monitor["id"]: monitor
        for monitor in known
        if monitor.get("type") == "group" and isinstance(monitor.get("id"), int | str)
    }
    for number, (monitor, line) in enumerate(zip(monitors, lines, strict=True), start=1):
        if not isinstance(monitor, dict):
            yield Item(number, line, "?", reason="The entry is no monitor.", is_wrong=True)
            continue
        if monitor.get("type") == "group":
            continue  # its name becomes a tag of what is in it
        text = cleaned_text(monitor.get("name")) or cleaned_text(monitor.get("url")) or "?"
        wish: Wish | InvalidInput
        try:
            wish = _read_monitor(monitor, groups, defaults)
        except InvalidInput as exc:
            wish = exc
        yield item(number, line, text, wish)


def _read_monitor(monitor: Mapping[str, Any], groups: Mapping[Any, Any], defaults: MonitorSettings) -> Wish:
    def value(*names: str) -> Any:
        """Return what stands under the first name that is there: the two forms spell some differently."""
        return next((monitor[name] for name in names if monitor.get(name) is not None), None)

    kind = value("type")
    if kind not in (*_FETCHED, *_PLACES):
        raise LeftOut(f"Pingmon cannot measure the type “{cleaned_text(kind)[:40]}”{_WHY.get(str(kind), ' yet')}.")
    if value("upside_down", "upsideDown"):
        raise LeftOut("It is upside down (up means down), which Pingmon does not do.")
    wish = _website(kind, value, monitor, defaults) if kind in _FETCHED else Wish(_PLACES[kind](value), defaults)
    wish.call(value("name"))
    interval = value("interval")
    if interval is not None:
        wish.every(number_ms(interval))
    if timeout := value("timeout"):
        wish.within(number_ms(timeout))
    elif interval is not None:
        # It waits for 80 % of the interval where nothing is set.
        wish.within(min(number_ms(interval, 800), 30_000))
    if family := {"ipv4": 4, "ipv6": 6}.get(str(value("ip_family", "ipFamily")).lower()):
        wish.set(family=family)
    wish.is_paused = value("active") in (0, False)
    for tag in listed(value("tags")):
        if isinstance(tag, dict):
            wish.tag(f"{tag.get('name')}: {tag['value']}" if tag.get("value") else tag.get("name"))
    for group in _groups_of(monitor, groups):
        wish.tag(cleaned_text(group.get("name")))
        wish.is_paused = wish.is_paused or group.get("active") in (0, False)
    if kind == "ping":
        # Any echo that comes back is enough.
        wish.set(echo_count=_echoes(value("ping_count")), max_loss_percent=99)
    if kind == "smtp" and wish.kind == "tcp":
        wish.set(expect="220")
    for has, sentence in (
        (value("description"), "Its description is left out."),
        (kind == "dns" and value("conditions") not in (None, "", "[]", []), "What is answered is not checked."),
        (kind == "ping" and value("packetSize", "packet_size") not in (None, 56), "Its echoes have their usual size."),
    ):
        if has:
            wish.notes.append(sentence)
    return wish


def _website(kind: str, value: Value, monitor: Mapping[str, Any], defaults: MonitorSettings) -> Wish:
    """Read what is fetched: address, log-in, and what a good answer is."""
    login = _login(monitor, value("auth_method", "authMethod"))
    wish = Wish(str(value("url") or ""), defaults)
    body = value("body")
    wish.ask(value("method"), None if body == "{}" else body)
    wish.accept(
        _status_set(value("accepted_statuscodes", "accepted_statuscodes_json")),
        follows_redirects=value("maxredirects") != 0,
    )
    if kind == "keyword":
        keyword = str(value("keyword") or "")
        if not keyword:
            raise InvalidInput("It is of the type keyword, but names none.")
        wish.look_for(keyword, is_absent=bool(value("invert_keyword", "invertKeyword")))
    if kind == "json-query":
        _look_into(wish, value)
    wish.set(ignore_certificate=bool(value("ignore_tls", "ignoreTls")))
    headers = _headers(value("headers"))
    if body and not any(str(name).lower() == "content-type" for name in headers):
        encoding = str(value("http_body_encoding", "httpBodyEncoding") or "json")
        headers = {"Content-Type": _CONTENT_TYPES.get(encoding, "application/json"), **headers}
    wish.send(headers)
    if login is not None:
        wish.sign_in(basic=login)
    for has, sentence in (
        (value("proxy_id", "proxyId") is not None, "Its proxy is not used."),
        (value("cache_bust", "cacheBust"), "Nothing is added to its address to get around caches."),
    ):
        if has:
            wish.notes.append(sentence)
    return wish


def _look_into(wish: Wish, value: Value) -> None:
    """Take over its query of the answer's JSON. Raises LeftOut for one that is more than a path."""
    path, wanted = str(value("json_path", "jsonPath") or "$"), value("expected_value", "expectedValue")
    operator = str(value("json_path_operator", "jsonPathOperator") or "==")
    text = json_wish.condition(path, operator, str(wanted if wanted is not None else ""))
    if text is None or not wish.expect_answer(json=text):
        raise LeftOut(f"Its query of the JSON is more than a path: {cleaned_text(path)[:60]}.")
    wish.notes.append(f"What the JSON has to say is: {cleaned_text(text)}.")


def _echoes(count: Any) -> int:
    return min(count, MAX_ECHO_COUNT) if isinstance(count, int) and count > 0 else 1


def _smtp(value: Value) -> str:
    security = str(value("smtp_security", "smtpSecurity") or "")
    port = value("port") or {"secure": 465}.get(security, 25)
    if security == "starttls":
        return f"tls://{_host(value)}:{port}?starttls=smtp"
    return f"tcp://{_host(value)}:{port}" + ("?tls=yes" if security == "secure" else "")


def _ping(value: Value) -> str:
    return f"icmp://{_host(value)}"


def _port(value: Value) -> str:
    if not value("port"):
        raise InvalidInput("It is of the type port, but names none.")
    return f"tcp://{_host(value)}:{value('port')}"


def _dns(value: Value) -> str:
    record_type = str(value("dns_resolve_type") or "A").upper()
    if record_type not in RECORD_TYPES:
        raise LeftOut(f"Pingmon cannot ask for records of the type {cleaned_text(record_type)[:10]} yet.")
    # It asks the first that answers of several servers.
    server = str(value("dns_resolve_server") or "").split(",")[0].strip()
    port = f":{value('port')}" if value("port") not in (None, "", 53, "53") else ""
    return f"dns://{_host(value)}?type={record_type}" + (f"&server={in_brackets(server)}{port}" if server else "")


def _host(value: Value) -> str:
    """Return the host of what is no website, as it stands in an address. Raises InvalidInput where there is none."""
    host = str(value("hostname") or "").strip()
    if not host:
        raise InvalidInput("It names no host.")
    return in_brackets(host)


#: What is not fetched, and how its address is made of its fields.
_PLACES = {"ping": _ping, "port": _port, "dns": _dns, "smtp": _smtp}
#: Why the others are not taken.
_WHY = {
    "push": ": it is told from outside, not measured",
    "docker": ": a container has no address",
    "real-browser": ": it is drawn by a browser",
}
_CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "xml": "text/xml; charset=utf-8"}


def _login(monitor: Mapping[str, Any], method: Any) -> str | None:
    """Return its `user:password`. Raises LeftOut for what cannot be logged in to."""
    if method not in (None, "", "basic"):
        raise LeftOut(f"Pingmon cannot log in by “{cleaned_text(method)[:40]}”.")
    # Before version 1.18 there was no method: a user alone meant one.
    knows_methods = "auth_method" in monitor or "authMethod" in monitor
    user = monitor.get("basic_auth_user")
    if not user or (knows_methods and method != "basic"):
        return None
    return f"{user}:{monitor.get('basic_auth_pass') or ''}"


def _headers(value: Any) -> Mapping[Any, Any]:
    """Return the request headers, which lie there as a text of JSON."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    return mapped(value)


def _groups_of(monitor: Mapping[str, Any], groups: Mapping[Any, Any]) -> list[Mapping[str, Any]]:
    """Return the group it is in, and those around that one."""
    found: list[Mapping[str, Any]] = []
    parent = monitor.get("parent")
    while isinstance(parent, int | str) and parent in groups and len(found) < _MAX_PARENTS:
        found.append(groups[parent])
        parent = groups[parent].get("parent")
    return found


def _status_set(value: Any) -> Ranges:
    if isinstance(value, str):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    ranges = [str(part) for part in listed(value)]
    return parse_status_set(",".join(ranges) if ranges else "200-299")
