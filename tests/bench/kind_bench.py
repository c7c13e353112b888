"""Ports, certificates, DNS and pings, one at a time and a hundred at once, against blackbox_exporter's and ping.

What a port or an echo on loopback takes is a few hundredths of a millisecond, so all that is reported is taken for
error. A certificate's target times its part of the handshake itself, the name server its wait.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.error_rows import SHARES
from tests.bench.harness import LOAD_CORE, MEASURED_CORE, Row, on_core, percentile, pin, row
from tests.bench.instrument import BLACKBOX, Blackbox, OurProbe, Target, gauge_ms, make_authority
from tests.bench.name_rows import NameServer

#: One at a time, so many times in turns.
ALONE = 100
ECHOES_AT_ONCE = 100
DNS_WAIT_MS = 20
DNS_NAME = "one.bench.test"

#: Measures once and returns what it reports, in ms.
Measure = Callable[[], float]


def _one_at_a_time(name: str, ours: Measure, peers: dict[str, Measure], truth: Measure | None = None) -> list[Row]:
    """Return the errors of each in percentiles; `truth` tells what the target took of the last one."""
    errors: dict[str, list[float]] = {each: [] for each in ("ours", *peers)}
    for _ in range(ALONE):
        for each, measure in (("ours", ours), *peers.items()):
            reported_ms = measure()
            errors[each].append(abs(reported_ms - (truth() if truth is not None else 0.0)))
    rows = []
    for share in SHARES:
        mine = [percentile(errors["ours"], share)]
        for peer in peers:
            goal = 0.7 if (share, peer) == (0.5, BLACKBOX) else None
            title = f"{name}: error p{share * 100:.0f}"
            rows.append(row(title, "ms", mine, [percentile(errors[peer], share)], peer, goal))
    return rows


def _ping_ms(host: str) -> float:
    """Return what ping says of one echo."""
    command = [*pin(MEASURED_CORE), "ping", "-c", "1", "-n", host]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"time=([\d.]+) ms", said)
    assert found is not None
    return float(found[1])


def port_rows(ours: OurProbe, blackbox: Blackbox, target: Target) -> list[Row]:
    place = f"127.0.0.1:{target.port}"

    def total_of(module: str, address: str) -> Measure:
        return lambda: gauge_ms(blackbox.scrape(module, [address])[0][1], "probe_duration_seconds")

    rows = _one_at_a_time(
        "tcp, one at a time", lambda: _total(ours, f"tcp://{place}"), {BLACKBOX: total_of("tcp", place)}
    )
    named = f"localhost:{target.port}"
    return rows + _one_at_a_time(
        "tls, one at a time",
        lambda: _total(ours, f"tls://{named}"),
        {BLACKBOX: total_of("tls", named)},
        target.last_shake_ms,
    )


def dns_rows(ours: OurProbe, blackbox: Blackbox, server: NameServer) -> list[Row]:
    place = f"127.0.0.1:{server.port}"
    answer = 'probe_dns_duration_seconds{phase="request"}'
    return _one_at_a_time(
        "dns, one at a time",
        lambda: _total(ours, f"dns://{DNS_NAME}?type=A&server={place}"),
        {BLACKBOX: lambda: gauge_ms(blackbox.scrape("dns", [place])[0][1], answer)},
        lambda: max(server.taken()[DNS_NAME.partition(".")[0]]),
    )


def echo_rows(ours: OurProbe, blackbox: Blackbox) -> list[Row]:
    rtt = 'probe_icmp_duration_seconds{phase="rtt"}'
    rows = _one_at_a_time(
        "icmp, one at a time",
        lambda: _total(ours, "icmp://127.0.0.1"),
        {
            BLACKBOX: lambda: gauge_ms(blackbox.scrape("icmp", ["127.0.0.1"])[0][1], rtt),
            "ping": lambda: _ping_ms("127.0.0.1"),
        },
    )
    hosts = [f"127.0.1.{n + 1}" for n in range(ECHOES_AT_ONCE)]
    mine, theirs = [], []
    for _ in range(5):
        mine.append(percentile(_totals(ours, [f"icmp://{host}" for host in hosts], echo_count=1), 0.99))
        theirs.append(percentile([gauge_ms(text, rtt) for _, text in blackbox.scrape("icmp", hosts)], 0.99))
    return [*rows, row(f"icmp, {ECHOES_AT_ONCE} at once: error p99", "ms", mine, theirs, BLACKBOX, 0.2)]


def _total(ours: OurProbe, url: str, **settings: int) -> float:
    return _totals(ours, [url], **settings)[0]


def _totals(ours: OurProbe, urls: Sequence[str], **settings: int) -> list[float]:
    return [report.total_ms for report in ours.reports(urls, **settings)]


def rows() -> list[Row]:
    """Return every row of this file; takes about half a minute."""
    with tempfile.TemporaryDirectory() as name, on_core(LOAD_CORE):
        folder = Path(name)
        authority, certificate = make_authority(folder)
        target, server = Target(certificate), NameServer(DNS_WAIT_MS)
        ours, blackbox = OurProbe(folder / "spool", authority), Blackbox(folder, authority, dns_name=DNS_NAME)
        try:
            return port_rows(ours, blackbox, target) + dns_rows(ours, blackbox, server) + echo_rows(ours, blackbox)
        finally:
            blackbox.close()
            ours.close()
            server.close()
            target.close()
