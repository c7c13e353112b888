"""Modules of blackbox_exporter: what its jobs measure, and what a good answer is.

https://github.com/prometheus/blackbox_exporter/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pingmon_probe.protocol import RECORD_TYPES, in_brackets

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import parse_status_set
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.reading import LeftOut, cleaned_text, listed, mapped
from pingmon_gui.exchange.wish import Wish, escaped, ranges_of, server_place
from pingmon_gui.exchange.yaml_document import truth_of

Modules = Mapping[str, Any]
#: blackbox_exporter gives up this much before Prometheus does.
_OFFSET_MS = 500
#: Parts of the names that people give to modules which do not fetch an address.
_OTHER_PROBERS = ("icmp", "ping", "tcp", "dns", "grpc", "ssh", "irc", "pop3", "smtp", "imap", "unix", "websocket")
#: The module that comes with the exporter and asks for nothing special.
_PLAIN = ("", "http_2xx")
#: Others of its example, by what they make of a target, and what some of them wait for.
_EXAMPLES = {
    "http_post_2xx": "http://TARGET",
    "tcp_connect": "tcp://TARGET",
    "icmp": "icmp://TARGET",
    "ssh_banner": "tcp://TARGET",
    "pop3s_banner": "tcp://TARGET?tls=yes",
}
_BANNERS = {"ssh_banner": "SSH-2.0-", "pop3s_banner": "+OK"}
#: What is said before TLS begins, in which protocol; IMAP numbers its lines besides.
_STARTTLS = {"STLS": "pop3", "AUTH TLS": "ftp", "STARTTLS": "smtp"}


def is_modules(document: Any) -> bool:
    """Return whether a document is a configuration of blackbox_exporter."""
    return isinstance(document, dict) and isinstance(document.get("modules"), dict)


def address_of(target: str, name: str, modules: Modules | None) -> str:
    """Return the address of ours that a target is by its module. Raises LeftOut, InvalidInput.

    `modules` None: only the module's name is known; those of blackbox_exporter's own example mean what they mean there.
    """
    scheme, separator, _ = target.partition("://")
    if modules is None:
        return _guessed(target, name, scheme if separator else "")
    module = _module(name, modules)
    prober = str(module.get("prober"))
    if separator and prober in ("icmp", "tcp", "dns"):
        raise InvalidInput(f"It is an address, and the module “{cleaned_text(name)[:40]}” measures hosts.")
    match prober:
        case "http":
            return target if separator else f"http://{target}"
        case "icmp":
            return f"icmp://{in_brackets(target)}"
        case "tcp":
            return _tcp_address(target, mapped(module.get("tcp")))
        case "dns":
            return _dns_address(target, mapped(module.get("dns")))
    raise LeftOut(f"Pingmon cannot measure by the module “{cleaned_text(name)[:40]}” yet.")


def _module(name: str, modules: Modules) -> Mapping[Any, Any]:
    module = modules.get(name or "http_2xx")
    if not isinstance(module, dict):
        raise InvalidInput(f"The file of modules has none named “{cleaned_text(name)[:40]}”.")
    return module


def _guessed(target: str, name: str, scheme: str) -> str:
    lower = name.lower()
    if scheme:
        if scheme.lower() not in ("http", "https"):
            raise LeftOut(f"Pingmon cannot measure {cleaned_text(scheme)[:20]}:// yet.")
        return target
    if lower in _EXAMPLES:
        return _EXAMPLES[lower].replace("TARGET", in_brackets(target) if lower.startswith("icmp") else target)
    if any(word in lower for word in _OTHER_PROBERS):
        raise LeftOut(
            f"What the module “{cleaned_text(name)[:40]}” does is in another file.", "Name that file as the modules."
        )
    return f"http://{target}"


def _tcp_address(target: str, tcp: Mapping[Any, Any]) -> str:
    sent = [str(step.get("send") or "") for step in _steps(tcp)]
    if any(truth_of(step.get("starttls")) is True for step in _steps(tcp)):
        protocol = next((_STARTTLS[word] for text in sent for word in _STARTTLS if word in text.upper()), None)
        if protocol is None:
            raise LeftOut("Pingmon does not know the protocol in which its module begins TLS.")
        if protocol == "smtp" and any(text.startswith((". ", "a ")) for text in sent):
            protocol = "imap"
        return f"tls://{target}?starttls={protocol}"
    return f"tcp://{target}" + ("?tls=yes" if truth_of(tcp.get("tls")) is True else "")


def _dns_address(target: str, dns: Mapping[Any, Any]) -> str:
    """Return the address of a question; there the target is the name server that is asked."""
    record_type = str(dns.get("query_type") or "ANY").upper()
    if record_type not in RECORD_TYPES:
        raise LeftOut(f"Pingmon cannot ask for records of the type {cleaned_text(record_type)[:10]} yet.")
    name = str(dns.get("query_name") or "").rstrip(".") or "."
    return f"dns://{name}?type={record_type}&server={server_place(target)}"


def apply_module(wish: Wish, name: str, modules: Modules | None, scrape_timeout_ms: int) -> None:
    """Take over what a module says. `address_of` came before. Raises InvalidInput."""
    timeout_ms = max(1, scrape_timeout_ms - _OFFSET_MS)
    if modules is None:
        wish.within(timeout_ms)
        _apply_example(wish, name.lower())
        return
    module = _module(name, modules)
    if module.get("timeout") is not None:
        timeout_ms = min(timeout_ms, duration_ms(str(module["timeout"])))
    wish.within(timeout_ms)
    prober = str(module.get("prober"))
    options = mapped(module.get(prober))
    family = {"ip4": 4, "ip6": 6}.get(str(options.get("preferred_ip_protocol")), 0)
    if family and truth_of(options.get("ip_protocol_fallback")) is False:
        wish.set(family=family)
    {"http": _apply_http, "tcp": _apply_tcp, "dns": _apply_dns, "icmp": _apply_icmp}[prober](wish, options)


def _apply_example(wish: Wish, name: str) -> None:
    if name in _BANNERS:
        wish.set(expect=_BANNERS[name])
    elif name == "http_post_2xx":
        wish.ask("POST")
    elif name == "icmp":
        _apply_icmp(wish, {})
    elif name not in _PLAIN and name not in _EXAMPLES:
        wish.notes.append(
            f"What the module “{cleaned_text(name)[:40]}” asks for is in another file: "
            "any status from 200 to 299 is good here."
        )


def _apply_icmp(wish: Wish, _icmp: Mapping[Any, Any]) -> None:
    wish.set(echo_count=1)


def _apply_dns(wish: Wish, dns: Mapping[Any, Any]) -> None:
    for has, sentence in (
        (
            any(dns.get(f"validate_{part}_rrs") for part in ("answer", "authority", "additional")),
            "What is answered is not checked.",
        ),
        (listed(dns.get("valid_rcodes")) not in ((), [], ["NOERROR"]), "Only the code NOERROR is good here."),
        (str(dns.get("transport_protocol") or "udp") != "udp", "It is asked by UDP first."),
    ):
        if has:
            wish.notes.append(sentence)


def _apply_tcp(wish: Wish, tcp: Mapping[Any, Any]) -> None:
    """Take over what is sent and waited for: one of each, the greeting that comes first left aside."""
    wish.set(ignore_certificate=truth_of(mapped(tcp.get("tls_config")).get("insecure_skip_verify")) is True)
    steps = _steps(tcp)
    if wish.kind == "tls" or not steps:
        return
    sent = [str(step["send"]) for step in steps if step.get("send")]
    last = next((place for place in range(len(steps) - 1, -1, -1) if steps[place].get("send")), -1)
    wanted = [str(step["expect"]) for step in steps[last + 1 :] if step.get("expect")]
    if len(sent) > 1:
        wish.notes.append("What is said and answered in turns is not: only whether the port is open counts.")
        return
    literal = _literal(wanted[0].removeprefix("^")) if wanted else None
    wish.set(send=escaped(f"{sent[0]}\n") if sent else None, expect=escaped(literal) if literal else None)
    if wanted and literal is None:
        wish.notes.append(f"“{cleaned_text(wanted[0])[:60]}” is not waited for: it is more than a text.")


def _steps(tcp: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    return [step for step in listed(tcp.get("query_response")) if isinstance(step, dict)]


def _apply_http(wish: Wish, http: Mapping[Any, Any]) -> None:
    codes = listed(http.get("valid_status_codes"))
    follows = (
        truth_of(http.get("follow_redirects")) is not False and truth_of(http.get("no_follow_redirects")) is not True
    )
    wish.ask(http.get("method"), http.get("body"))
    if codes and all(re.fullmatch("[1-5][0-9]{2}", str(code)) for code in codes):
        statuses = ranges_of(int(str(code)) for code in codes)
    else:
        statuses = parse_status_set(",".join(map(str, codes)) or "200-299")
    wish.accept(statuses, follows_redirects=follows)
    tls = mapped(http.get("tls_config"))
    wish.set(ignore_certificate=truth_of(tls.get("insecure_skip_verify")) is True)
    wish.send({**mapped(http.get("headers")), **mapped(http.get("http_headers"))})
    login, authorization = mapped(http.get("basic_auth")), mapped(http.get("authorization"))
    token = http.get("bearer_token") or authorization.get("credentials")
    is_bearer = str(authorization.get("type") or "Bearer").lower() == "bearer"
    if login.get("username") and login.get("password"):
        wish.sign_in(basic=f"{login['username']}:{login['password']}")
    elif token and is_bearer:
        wish.sign_in(bearer=str(token))
    _apply_body(wish, http)
    _apply_answer_headers(wish, http)
    for has, sentence in (
        (http.get("body_file"), "Its request body is in another file, and not sent."),
        (http.get("proxy_url") or truth_of(http.get("proxy_from_environment")), "It is reached directly, by no proxy."),
        (
            http.get("oauth2")
            or http.get("bearer_token_file")
            or (authorization and not (token and is_bearer))
            or (login and not (login.get("username") and login.get("password"))),
            "It is not logged in anywhere.",
        ),
        (tls.get("cert_file") or tls.get("cert"), "Its client certificate is not shown."),
        (tls.get("ca_file") or tls.get("ca"), "Certificates are checked against the probe's own authorities."),
        (
            truth_of(http.get("fail_if_ssl")) or truth_of(http.get("fail_if_not_ssl")),
            "Whether the answer came by TLS is not checked.",
        ),
        (http.get("valid_http_versions"), "The version of HTTP is not checked."),
    ):
        if has:
            wish.notes.append(sentence)


def _apply_answer_headers(wish: Wish, http: Mapping[Any, Any]) -> None:
    for key in ("fail_if_header_matches", "fail_if_header_not_matches"):
        for rule in listed(http.get(key)):
            name, expression = str(mapped(rule).get("header") or ""), str(mapped(rule).get("regexp") or "")
            literal = _literal(expression)
            is_wanted = key == "fail_if_header_not_matches" and truth_of(mapped(rule).get("allow_missing")) is not True
            if not (is_wanted and literal and wish.expect_answer(header=f"{name} contains {literal}")):
                wish.notes.append(f"The header {cleaned_text(name)[:40]} of the answer is not checked.")


def _apply_body(wish: Wish, http: Mapping[Any, Any]) -> None:
    wanted = [str(text) for text in listed(http.get("fail_if_body_not_matches_regexp"))]
    refused = [str(text) for text in listed(http.get("fail_if_body_matches_regexp"))]
    expressions = [(text, False) for text in wanted] + [(text, True) for text in refused]
    for number, (text, is_absent) in enumerate(expressions):
        literal = _literal(text)
        if not number and literal:
            wish.look_for(literal, is_absent=is_absent)
        elif number or not wish.look_for_pattern(text, is_absent=is_absent):
            wish.notes.append(f"The body is not searched for “{cleaned_text(text)[:60]}”.")
    if http.get("fail_if_body_json_matches_cel") or http.get("fail_if_body_json_not_matches_cel"):
        wish.notes.append("The JSON of the answer is not checked.")


def _literal(expression: str) -> str | None:
    """Return the text that a regular expression looks for, None if it is more than one text."""
    plain = re.sub(r"\\([^A-Za-z0-9])", r"\1", expression)
    rest = re.sub(r"\\[^A-Za-z0-9]", "", expression)
    return plain if expression and not re.search(r"[\\.^$*+?()\[\]{}|]", rest) else None
