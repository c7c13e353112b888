"""Which answers are a bot wall's, and which only look like it: every mark with where it is told of or was recorded.

Sources are public documentation of the walls, their own open source, and repositories that keep recorded answers;
all read in November 2026. Not recognised, because they come with status 200 and so are no failure by status: Fastly's
"Client Challenge" (`/_fs-ch-…`) and F5's `window["bobcmn"]` and "The requested URL was rejected" (200 unless it is
configured otherwise). A keyword tells those apart.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional

import pytest
from pingmon_probe.botwall import challenge_by_headers, challenge_by_page


class Case(NamedTuple):
    name: str
    source: str
    wall: Optional[str]
    status: int
    headers: Dict[str, str]
    body: str = ""


HTML = {"content-type": "text/html; charset=utf-8"}
_AKAMAI_DENIED = """<HTML><HEAD>
<TITLE>Access Denied</TITLE>
</HEAD><BODY>
<H1>Access Denied</H1>
You don't have permission to access "http&#58;&#47;&#47;shop&#46;example&#47;" on this server.<P>
Reference&#32;&#35;18&#46;8e2d3e17&#46;1783887052&#46;3a003f93
<P>https&#58;&#47;&#47;errors&#46;edgesuite&#46;net&#47;18&#46;8e2d3e17&#46;1783887052&#46;3a003f93</P>
</BODY></HTML>"""

WALLS = [
    Case(
        "Cloudflare's header",
        "https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response",
        "Cloudflare", 403, {"cf-mitigated": "challenge"},
    ),
    Case(
        "Cloudflare's header with 429", "https://github.com/Good-Native/hover/pull/382",
        "Cloudflare", 429, {"cf-mitigated": "challenge"},
    ),
    Case(
        "Cloudflare's page without the header", "https://github.com/scaredos/cfresearch (the path); "
        "https://docs.rs/parse-book-source/0.5.0/parse_book_source/fetch/fn.is_challenge.html (403, 503)",
        "Cloudflare", 503, {"server": "cloudflare"},
        "<script>cpo.src='/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1?ray=0'</script>",
    ),
    Case(
        "Vercel's checkpoint", "recorded answers in public repositories, with 403 and 429",
        "Vercel", 429, {"x-vercel-mitigated": "challenge"},
    ),
    Case(
        "AWS WAF's challenge",
        "https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-how-it-works.html",
        "AWS WAF", 202, {"x-amzn-waf-action": "challenge"},
    ),
    Case(
        "AWS WAF's captcha",
        "https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-how-it-works.html",
        "AWS WAF", 405, {"x-amzn-waf-action": "captcha"},
    ),
    Case(
        "DataDome's interstitial",
        "https://docs.datadome.co/reference/validate-request (401 and 403, X-DataDome); "
        "https://docs.disasm.dev/datadome/interstitial (the page)",
        "DataDome", 403, {"x-datadome": "protected"},
        '<script data-cfasync="false" src="https://ct.captcha-delivery.com/i.js"></script>',
    ),
    Case(
        "DataDome's answer in JSON", "https://docs.disasm.dev/datadome/interstitial",
        "DataDome", 403, {"x-datadome": "protected", "content-type": "application/json"},
        '{"url":"https://geo.captcha-delivery.com/interstitial/?initialCid=x"}',
    ),
    Case(
        "DDoS-Guard's captcha", "recorded answers in public repositories (ddg-captcha-page)",
        "DDoS-Guard", 403, {"server": "ddos-guard"},
        '<title>DDOS-GUARD</title><script src="/.well-known/ddos-guard/ddg-captcha-page/view.js"></script>',
    ),
    Case(
        "DDoS-Guard's script", "recorded answers in public repositories (js-challenge)",
        "DDoS-Guard", 403, {"server": "ddos-guard"},
        '<script src="/.well-known/ddos-guard/js-challenge/index.js"></script>',
    ),
    Case(
        "Sucuri's script", "recorded answers in public repositories, and solvers that look for that name",
        "Sucuri", 503, {"server": "Sucuri/Cloudproxy"},
        "<title>You are being redirected...</title><script>var s={},sucuri_cloudproxy_js='',S='YT0n'</script>",
    ),
    Case(
        "Sucuri's refusal", "a recorded answer in a public repository, with these headers and this title",
        "Sucuri", 403, {"server": "Sucuri/Cloudproxy", "x-sucuri-block": "FBP007"},
        "<title>Sucuri WebSite Firewall - Access Denied</title>",
    ),
    Case(
        "Imperva's refusal", "recorded answers in public repositories; "
        "https://scrappey.com/qa/web-automation/how-imperva-detects-bots (403 with an incident ID)",
        "Imperva", 403, {"x-iinfo": "9-332984787-0 0NNN RT(1533438628522 0) q(0 -1 -1 -1) r(0 -1)"},
        '<iframe id="main-iframe" src="/_Incapsula_Resource?SWUDNSAI=31&xinfo=9">'
        "Request unsuccessful. Incapsula incident ID: 0-1199990858670542825</iframe>",
    ),
    Case(
        "Akamai's refusal", "recorded answers in public repositories; number 18 is the one of “access denied”",
        "Akamai", 403, {"server": "AkamaiGHost"}, _AKAMAI_DENIED,
    ),
    Case(
        "Akamai's proof of work", "https://docs.hypersolutions.co/akamai-web/handling-428-status-code-sec-cpt",
        "Akamai", 428, HTML, '<div id="sec-if-cpt-container"><iframe data-duration="5"></iframe></div>',
    ),
    Case(
        "Akamai's proof of work in JSON", "https://docs.hypersolutions.co/akamai-web/handling-428-status-code-sec-cpt",
        "Akamai", 428, {"content-type": "application/json"}, '{"sec-cp-challenge":"true","provider":"crypto"}',
    ),
    Case(
        "Kasada's page", "https://scrappey.com/qa/web-automation/how-kasada-detects-bots (429, x-kpsdk-*, ips.js); "
        "the page recorded alike in several public repositories",
        "Kasada", 429, {**HTML, "x-kpsdk-ct": "0redacted", "x-kpsdk-r": "1-AA"},
        "<!DOCTYPE html><html><head></head><body><script>window.KPSDK={};KPSDK.now=typeof performance!=='undefined'"
        '</script><script src="/149e9513/2d206a39/ips.js?KP_UIDz=x"></script></body></html>',
    ),
    Case(
        "HUMAN's own template",
        "https://github.com/PerimeterX/perimeterx-node-core lib/templates/block_template.mustache, sent with 403",
        "HUMAN", 403, HTML,
        '<meta name="description" content="px-captcha"><title>Access to this page has been denied</title>'
        "<script>window._pxAppId = 'PX1';</script>",
    ),
    Case(
        "HUMAN's widget in a page of the site's", "recorded answers in public repositories (press and hold)",
        "HUMAN", 403, HTML, '<h1>Robot or human?</h1><div id="px-captcha"></div>',
    ),
]  # fmt: skip

NOT_WALLS = [
    Case("a plain 403", "RFC 9110, 15.5.4", None, 403, HTML, "<h1>Forbidden</h1>"),
    Case("a plain 503", "RFC 9110, 15.6.4", None, 503, HTML, "<h1>Service Unavailable</h1>"),
    Case("a plain 429", "RFC 6585, 4", None, 429, HTML, "slow down"),
    Case(
        "a 403 of a site behind Cloudflare, with Cloudflare's own script for pages that it lets through",
        "recorded ordinary pages in public repositories (scripts/jsd/main.js)",
        None, 403, {"server": "cloudflare", "cf-ray": "1"},
        '<h1>Members only</h1><script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>',
    ),
    Case(
        "Cloudflare says that the site is down", "Cloudflare's own status, not a challenge's",
        None, 521, {"server": "cloudflare"}, "<title>shop.example | 521: Web server is down</title>",
    ),
    Case("a 503 of a site behind Cloudflare", "-", None, 503, {"server": "cloudflare", "cf-ray": "1"}, "down"),
    Case("a 403 of a site behind DataDome", "docs.datadome.co", None, 403, {"x-datadome": "protected"}, "Forbidden"),
    Case(
        "a 403 of a site behind Imperva, with the script that it puts into ordinary pages",
        "recorded ordinary pages in public repositories (SWJIYLWA=…&ns=2)",
        None, 403, {"x-iinfo": "1-2-3", "x-cdn": "Imperva"},
        "<h1>Members only</h1><script src='/_Incapsula_Resource?SWJIYLWA=719d34d31c8e3a6e&ns=2'></script>",
    ),
    Case(
        "Imperva says that it does not reach the site", "a 503 is no refusal, so none of its pages is taken for a wall",
        None, 503, {"x-iinfo": "1-2-3"}, "The proxy failed to connect. Incapsula incident ID: 1-2",
    ),
    Case(
        "Akamai says that the site sent nothing", "recorded answers in public repositories (number 15)",
        None, 503, {"server": "AkamaiGHost"},
        "<H1>Service Unavailable - Zero size object</H1>Reference&#32;&#35;15&#46;6c83017&#46;1789141109 "
        "<P>https&#58;&#47;&#47;errors&#46;edgesuite&#46;net&#47;15&#46;6c83017</P>",
    ),
    Case("a 403 of a site behind Akamai", "-", None, 403, {"server": "AkamaiGHost", **HTML}, "<h1>Forbidden</h1>"),
    Case(
        "a 403 of a site with HUMAN's sensor",
        "recorded ordinary pages in public repositories (the snippet sets _pxAppId)",
        None, 403, HTML, "<h1>Members only</h1><script>window._pxAppId='PX1';</script>",
    ),
    Case(
        "a 403 of a site behind Kasada", "the header is on answers that it lets through as well",
        None, 403, {**HTML, "x-kpsdk-ct": "0"}, "<h1>Forbidden</h1>",
    ),
    Case("a 403 of a site behind Sucuri", "-", None, 403, {"server": "Sucuri/Cloudproxy", "x-sucuri-id": "1"}, "no"),
    Case(
        "a 403 whose page tells of all of them", "-",
        None, 403, {"server": "nginx", **HTML},
        "<p>We were blocked by Cloudflare (cf-chl-, _cf_chl_opt), Akamai (errors.edgesuite.net, Reference #18.), "
        "Kasada (window.KPSDK=), HUMAN (px-captcha, _pxAppId), Imperva (Incapsula incident ID), DataDome "
        "(captcha-delivery.com), Sucuri (sucuri_cloudproxy_js), DDoS-Guard, Vercel, AWS WAF, F5 and Fastly.</p>",
    ),
    Case(
        "an ordinary page that tells of all of them", "-", None, 200, HTML,
        '<div id="px-captcha"></div> Reference #18. window.KPSDK= /orchestrate/chl_page/ captcha-delivery.com',
    ),
    Case("headers of CDNs that challenge nobody", "-", None, 403, {"cf-ray": "1", "x-vercel-id": "1", "x-cache": "1"}),
    Case("a refusal that is no challenge", "public repositories", None, 403, {"x-vercel-mitigated": "deny"}, "no"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*WALLS, *NOT_WALLS], ids=lambda case: case.name)
def test_wall_is_named_only_where_its_challenge_is(case: Case) -> None:
    found = challenge_by_headers(case.headers) or challenge_by_page(case.status, case.headers, case.body.encode())
    assert found == case.wall, case.source


def test_every_wall_has_a_case_and_every_case_its_source() -> None:
    walls = {
        "Cloudflare",
        "Vercel",
        "AWS WAF",
        "DataDome",
        "DDoS-Guard",
        "Sucuri",
        "Imperva",
        "Akamai",
        "Kasada",
        "HUMAN",
    }
    assert {case.wall for case in WALLS} == walls
    assert all(case.source for case in (*WALLS, *NOT_WALLS))
