"""Challenge pages of bot walls: the site is up, the wall wants a browser, so the result has no vote.

Kept narrow on purpose: a plain 403 of the site itself must stay a failure. Each rule names a wall by
something that only its challenge has. Source: the walls' own documentation.
"""

from __future__ import annotations

from typing import Dict, Optional, Tuple

#: Statuses under which walls serve their challenge, and how much of such a body is looked at.
CHALLENGE_STATUSES = frozenset((403, 429, 503))
LOOKED_AT_BYTES = 16 * 1024

#: (header, its values, wall): such a header alone says that this answer is a challenge.
_CHALLENGE_HEADERS: Tuple[Tuple[str, Tuple[str, ...], str], ...] = (
    ("cf-mitigated", ("challenge",), "Cloudflare"),
    ("x-vercel-mitigated", ("challenge",), "Vercel"),
    ("x-amzn-waf-action", ("challenge", "captcha"), "AWS WAF"),
)
#: (header that must be there, text it must hold, marks of which one is in the body, wall)
_CHALLENGE_PAGES: Tuple[Tuple[str, str, Tuple[bytes, ...], str], ...] = (
    ("server", "cloudflare", (b"/cdn-cgi/challenge-platform/", b"cf-chl-", b"_cf_chl_opt"), "Cloudflare"),
    ("x-datadome", "", (b"captcha-delivery.com",), "DataDome"),
    ("server", "ddos-guard", (b"/.well-known/ddos-guard/",), "DDoS-Guard"),
    ("server", "sucuri", (b"sucuri_cloudproxy_js",), "Sucuri"),
    ("x-iinfo", "", (b"_Incapsula_Resource",), "Imperva"),
    ("server", "akamaighost", (b"/_sec/cp_challenge/", b"errors.edgesuite.net"), "Akamai"),
    ("x-kpsdk-ct", "", (b"/ips.js?",), "Kasada"),
    ("content-type", "", (b'id="px-captcha"', b"_pxAppId"), "HUMAN"),
)


def challenge_by_headers(headers: Dict[str, str]) -> Optional[str]:
    """Return the wall whose challenge these headers announce, or None."""
    for name, values, wall in _CHALLENGE_HEADERS:
        if headers.get(name, "").lower() in values:
            return wall
    return None


def challenge_by_page(status: int, headers: Dict[str, str], body: bytes) -> Optional[str]:
    """Return the wall whose challenge page this is, or None. `body` may be cut."""
    if status not in CHALLENGE_STATUSES:
        return None
    for name, text, marks, wall in _CHALLENGE_PAGES:
        if text in headers.get(name, "\0").lower() and any(mark in body for mark in marks):
            return wall
    return None
