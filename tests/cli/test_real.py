"""Every kind of trouble that real web servers make, all watched at once: each gets its status, class and sentence.

nginx and Apache on loopback, an embedded probe, the engine, the store, and `pingmon status` as a script reads it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Processes, wait_until
from tests.real.servers import Case, WebServers


@pytest.fixture
def servers() -> Iterator[WebServers]:
    with tempfile.TemporaryDirectory(prefix="pingmon-servers-") as name:
        # Started by root, the servers read it as somebody else.
        Path(name).chmod(0o755)
        running = WebServers.start(Path(name))
        yield running
        running.close()


def _unlike(case: Case, region: dict[str, Any] | None) -> str | None:
    """Return in what a region's entry differs from what the case must get; None where it does not."""
    if region is None:
        return f"{case.name}: no result"
    found = (region["status"], region["failure"])
    if found != (case.status, case.failure) or case.says not in region["message"]:
        return f"{case.name}: {found} “{region['message']}”, wanted {(case.status, case.failure)} “{case.says}”"
    return None


def test_all_troubles_are_told_apart_side_by_side(
    processes: Processes, servers: WebServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(servers.authority))
    cases = list(servers.cases())
    domains = [
        {"url": case.url, "name": case.name, "settings": {"keyword": case.keyword} if case.keyword else {}}
        for case in cases
    ]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"format": "pingmon domains 1", "domains": domains}), encoding="utf-8")
    imported = processes.run("domain", "import", str(file), "--json")
    assert imported.code == 0, imported.err
    assert len(imported.json["added"]) == len(cases)
    processes.start_engine()
    last: list[str] = []

    def all_as_wanted() -> bool:
        document = processes.run("status", "--json").json
        regions = {monitor["name"]: (monitor["regions"] or [None])[0] for monitor in document["monitors"]}
        last[:] = [text for case in cases if (text := _unlike(case, regions[case.name]))]
        return not last

    try:
        wait_until(all_as_wanted, patience_s=60)
    except AssertionError:
        pytest.fail("\n".join(last))
