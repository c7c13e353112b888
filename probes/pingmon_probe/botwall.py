"""Challenge pages of bot walls: the site is up, the wall wants a browser, so the result has no vote.

Kept narrow on purpose: a plain 403 of the site itself must stay a failure, and so must a wall's word that the site
behind it is down. Each rule names a wall by something that only its challenge or refusal has, never by what it puts
into ordinary pages. tests/probe/test_botwall.py has the source of each.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, NamedTuple, Optional, Tuple

#: How much of a body is looked at.
LOOKED_AT_BYTES = 16 * 1024

#: (header, its values, wall): such a header alone says that this answer is a challenge.
_CHALLENGE_HEADERS: Tuple[Tuple[str, Tuple[str, ...], str], ...] = (
    ("cf-mitigated", ("challenge",), "Cloudflare"),
    ("x-vercel-mitigated", ("challenge",), "Vercel"),
    ("x-amzn-waf-action", ("challenge", "captcha"), "AWS WAF"),
)


class _Page(NamedTuple):
    """A challenge: under which statuses, with what in which header, and marks of which one is in the body."""

    wall: str
    statuses: Tuple[int, ...]
    header: str
    text: str
    marks: Tuple[bytes, ...]


_CHALLENGE_PAGES = (
    # Pages that it lets through may load /cdn-cgi/challenge-platform/scripts/jsd/: that is no mark.
    _Page(
        "Cloudflare", (403, 429, 503), "server", "cloudflare", (b"/orchestrate/chl_page/", b"cf-chl-", b"_cf_chl_opt")
    ),
    _Page("DataDome", (401, 403), "x-datadome", "", (b"captcha-delivery.com",)),
    _Page(
        "DDoS-Guard",
        (403, 429, 503),
        "server",
        "ddos-guard",
        (b"/.well-known/ddos-guard/js-challenge/", b"/.well-known/ddos-guard/ddg-captcha-page/"),
    ),
    _Page(
        "Sucuri",
        (403, 429, 503),
        "server",
        "sucuri",
        (b"sucuri_cloudproxy_js", b"Sucuri WebSite Firewall - Access Denied"),
    ),
    # Not 503: with that it says that it does not reach the site. Its script alone is in ordinary pages, too.
    _Page(
        "Imperva",
        (403, 429),
        "x-iinfo",
        "",
        (b"Incapsula incident ID", b"/_Incapsula_Resource?SWUDNSAI=", b"/_Incapsula_Resource?CWUDNSAI="),
    ),
    # Number 18 is "access denied"; other numbers are errors of the site, like 15, "zero size object".
    _Page("Akamai", (403, 429), "server", "akamaighost", (b"Reference&#32;&#35;18&#46;", b"Reference #18.")),
    _Page("Akamai", (403, 428, 429), "content-type", "", (b'id="sec-if-cpt-container"', b'"sec-cp-challenge"')),
    _Page("Kasada", (403, 429), "x-kpsdk-ct", "", (b"window.KPSDK=", b"/ips.js?")),
    # _pxAppId is no mark: the sensor of an ordinary page sets it as well.
    _Page("HUMAN", (403, 429), "content-type", "html", (b'content="px-captcha"', b'id="px-captcha"')),
)
#: Statuses under which walls serve their challenge.
CHALLENGE_STATUSES: FrozenSet[int] = frozenset(status for page in _CHALLENGE_PAGES for status in page.statuses)


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
    for page in _CHALLENGE_PAGES:
        value = headers.get(page.header)
        is_its_head = status in page.statuses and value is not None and page.text in value.lower()
        if is_its_head and any(mark in body for mark in page.marks):
            return page.wall
    return None
