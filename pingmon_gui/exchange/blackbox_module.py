"""Modules of blackbox_exporter: how its jobs fetch an address and what a good answer is.

https://github.com/prometheus/blackbox_exporter/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import parse_status_set
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.reading import LeftOut, cleaned_text, listed, mapped
from pingmon_gui.exchange.wish import Wish
from pingmon_gui.exchange.yaml_document import truth_of

Modules = Mapping[str, Any]
#: blackbox_exporter gives up this much before Prometheus does.
_OFFSET_MS = 500
#: Parts of the names that people give to modules which do not fetch an address.
_OTHER_PROBERS = ("icmp", "ping", "tcp", "dns", "grpc", "ssh", "irc", "pop3", "smtp", "imap", "unix", "websocket")
#: The module that comes with the exporter and asks for nothing special.
_PLAIN = ("", "http_2xx")


def is_modules(document: Any) -> bool:
    """Return whether a document is a configuration of blackbox_exporter."""
    return isinstance(document, dict) and isinstance(document.get("modules"), dict)


def require_fetching(name: str, modules: Modules | None, *, has_scheme: bool) -> None:
    """Raise LeftOut for a module that does something else than fetching an address by GET.

    `modules` None: only its name is known.
    """
    shown = cleaned_text(name)[:40]
    if modules is None:
        lower = name.lower()
        if any(word in lower for word in _OTHER_PROBERS) and not has_scheme:
            raise LeftOut(f"Pingmon cannot measure by the module “{shown}” yet.")
        if "post" in lower:
            raise LeftOut(f"The module “{shown}” sends POST requests; Pingmon sends GET.")
        return
    module = modules.get(name or "http_2xx")
    if not isinstance(module, dict):
        raise InvalidInput(f"The file of modules has none named “{shown}”.")
    if module.get("prober") != "http":
        raise LeftOut(f"Pingmon cannot measure by the module “{shown}” yet.")
    method = str(mapped(module.get("http")).get("method") or "GET").upper()
    if method not in ("GET", "HEAD"):
        raise LeftOut(f"The module “{shown}” sends {cleaned_text(method)[:20]} requests; Pingmon sends GET.")


def apply_module(wish: Wish, name: str, modules: Modules | None, scrape_timeout_ms: int) -> None:
    """Take over what a module says. `require_fetching` came before. Raises InvalidInput."""
    timeout_ms = max(1, scrape_timeout_ms - _OFFSET_MS)
    if modules is None:
        wish.within(timeout_ms)
        if name not in _PLAIN:
            wish.notes.append(
                f"What the module “{cleaned_text(name)[:40]}” asks for is in another file: "
                "any status from 200 to 299 is good here."
            )
        return
    module = mapped(modules.get(name or "http_2xx"))
    if module.get("timeout") is not None:
        timeout_ms = min(timeout_ms, duration_ms(str(module["timeout"])))
    wish.within(timeout_ms)
    _apply_http(wish, mapped(module.get("http")))


def _apply_http(wish: Wish, http: Mapping[Any, Any]) -> None:
    statuses = ",".join(str(status) for status in listed(http.get("valid_status_codes"))) or "200-299"
    follows = (
        truth_of(http.get("follow_redirects")) is not False and truth_of(http.get("no_follow_redirects")) is not True
    )
    wish.accept(parse_status_set(statuses), follows_redirects=follows)
    tls = mapped(http.get("tls_config"))
    wish.set(ignore_certificate=truth_of(tls.get("insecure_skip_verify")) is True)
    family = {"ip4": 4, "ip6": 6}.get(str(http.get("preferred_ip_protocol")), 0)
    if family and truth_of(http.get("ip_protocol_fallback")) is False:
        wish.set(family=family)
    login = mapped(http.get("basic_auth"))
    if login.get("username") and login.get("password"):
        wish.set(basic_auth=f"{login['username']}:{login['password']}")
    wish.send({**mapped(http.get("headers")), **mapped(http.get("http_headers"))})
    _apply_body(wish, http)
    for has, sentence in (
        (str(http.get("method")).upper() == "HEAD", "GET is sent instead of HEAD."),
        (http.get("body") or http.get("body_file"), "Its request body is not sent."),
        (http.get("proxy_url") or truth_of(http.get("proxy_from_environment")), "It is reached directly, by no proxy."),
        (
            http.get("oauth2")
            or http.get("bearer_token")
            or http.get("bearer_token_file")
            or http.get("authorization")
            or (login and not (login.get("username") and login.get("password"))),
            "It is not logged in anywhere.",
        ),
        (tls.get("cert_file") or tls.get("cert"), "Its client certificate is not shown."),
        (tls.get("ca_file") or tls.get("ca"), "Certificates are checked against the probe's own authorities."),
        (
            http.get("fail_if_header_matches") or http.get("fail_if_header_not_matches"),
            "The headers of the answer are not checked.",
        ),
        (
            truth_of(http.get("fail_if_ssl")) or truth_of(http.get("fail_if_not_ssl")),
            "Whether the answer came by TLS is not checked.",
        ),
        (http.get("valid_http_versions"), "The version of HTTP is not checked."),
    ):
        if has:
            wish.notes.append(sentence)


def _apply_body(wish: Wish, http: Mapping[Any, Any]) -> None:
    wanted = [str(text) for text in listed(http.get("fail_if_body_not_matches_regexp"))]
    refused = [str(text) for text in listed(http.get("fail_if_body_matches_regexp"))]
    expressions = [(text, False) for text in wanted] + [(text, True) for text in refused]
    is_taken = False
    for text, is_absent in expressions:
        if not is_taken and (literal := _literal(text)):
            wish.look_for(literal, is_absent=is_absent)
            is_taken = True
        else:
            wish.notes.append(f"The body is not searched for “{cleaned_text(text)[:60]}”.")
    if http.get("fail_if_body_json_matches_cel") or http.get("fail_if_body_json_not_matches_cel"):
        wish.notes.append("The JSON of the answer is not checked.")


def _literal(expression: str) -> str | None:
    """Return the text that a regular expression looks for, None if it is more than one text."""
    plain = re.sub(r"\\([^A-Za-z0-9])", r"\1", expression)
    rest = re.sub(r"\\[^A-Za-z0-9]", "", expression)
    return plain if expression and not re.search(r"[\\.^$*+?()\[\]{}|]", rest) else None
