"""What websites are asked and have to answer, written as other products write it, comes back as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.intake import read_file
from tests.exchange.helper import DEFAULTS, only, read
from tests.exchange.test_uptime_kuma import backup, kuma

_WORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=20)
_TEXTS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="$"), min_size=1, max_size=40)
_HEADERS = st.dictionaries(st.from_regex(r"X-[A-Za-z]{1,8}", fullmatch=True), _WORDS, max_size=4).map(
    lambda found: tuple({name.lower(): (name, value) for name, value in found.items()}.values())
)
_STATUSES = st.sampled_from([((200, 299),), ((200, 204), (404, 404)), ((418, 418),)])
_USERS = st.from_regex(r"[a-z]{1,8}:[!-9;-~]{1,8}", fullmatch=True)


@st.composite
def websites(draw: st.DrawFn) -> MonitorSettings:
    """Draw settings of a website that Uptime Kuma, Gatus and blackbox_exporter all have words for."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
    body = None if method in ("GET", "HEAD") else draw(st.none() | _TEXTS)
    return MonitorSettings(
        interval_ms=30_000,
        timeout_ms=5_000,
        method=method,
        body=body,
        headers=(("Content-Type", "text/plain"), *draw(_HEADERS)),
        status_set=draw(_STATUSES),
        no_redirects=draw(st.booleans()),
        ignore_certificate=draw(st.booleans()),
        basic_auth=draw(st.none() | _USERS),
    )


def _of_kuma(s: MonitorSettings) -> str:
    user, _, password = (s.basic_auth or "").partition(":")
    return backup(
        kuma(
            interval=30, timeout=5, method=s.method, body=s.body, headers=json.dumps(dict(s.headers)),
            accepted_statuscodes=[f"{low}-{high}" if low != high else str(low) for low, high in s.status_set],
            maxredirects=0 if s.no_redirects else 10, ignoreTls=s.ignore_certificate,
            authMethod="basic" if user else None, basic_auth_user=user or None, basic_auth_pass=password or None,
        )
    )  # fmt: skip


def _of_gatus(s: MonitorSettings) -> str:
    import base64

    headers = dict(s.headers)
    if s.basic_auth:
        headers["Authorization"] = f"Basic {base64.b64encode(s.basic_auth.encode()).decode()}"
    numbers = [str(status) for low, high in s.status_set for status in range(low, high + 1)]
    endpoint: dict[str, Any] = {
        "name": "Shop", "url": "https://shop.example/", "interval": "30s", "method": s.method, "headers": headers,
        "client": {"timeout": "5s", "insecure": s.ignore_certificate, "ignore-redirect": s.no_redirects},
        "conditions": [f"[STATUS] == any({', '.join(numbers)})"],
    }  # fmt: skip
    return yaml.safe_dump({"endpoints": [{**endpoint, **({"body": s.body} if s.body else {})}]}, sort_keys=False)


@given(websites())
def test_website_of_uptime_kuma_comes_back(website: MonitorSettings) -> None:
    item = only(read(_of_kuma(website)))
    assert item.draft is not None, item.reason
    assert (item.draft.settings, item.notes) == (website, ())


@given(websites())
def test_website_of_gatus_comes_back(website: MonitorSettings) -> None:
    item = only(read(_of_gatus(website)))
    assert item.draft is not None, item.reason
    assert (item.draft.settings, item.notes) == (website, ())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("prometheus")
    (made / "prometheus.yml").write_text(
        "scrape_configs: [{job_name: j, metrics_path: /probe, scrape_interval: 30s, params: {module: [m]},"
        " static_configs: [{targets: ['https://shop.example/']}]}]\n"
    )
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(website=websites())
def test_website_of_blackbox_exporter_comes_back(folder: Path, website: MonitorSettings) -> None:
    user, _, password = (website.basic_auth or "").partition(":")
    http: dict[str, Any] = {
        "method": website.method, "headers": dict(website.headers), "follow_redirects": not website.no_redirects,
        "valid_status_codes": [status for low, high in website.status_set for status in range(low, high + 1)],
        "tls_config": {"insecure_skip_verify": website.ignore_certificate},
        **({"body": website.body} if website.body else {}),
        **({"basic_auth": {"username": user, "password": password}} if user else {}),
    }  # fmt: skip
    (folder / "blackbox.yml").write_text(
        yaml.safe_dump({"modules": {"m": {"prober": "http", "timeout": "5s", "http": http}}}, sort_keys=False),
        encoding="utf-8",
    )
    item = only(read_file(folder / "prometheus.yml", DEFAULTS, modules=folder / "blackbox.yml"))
    assert item.draft is not None, item.reason
    assert (item.draft.settings, item.notes) == (website, ())
