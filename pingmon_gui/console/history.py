"""`pingmon history URL`: results of one domain, or roll-ups where there would be too many."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from pingmon_probe.protocol import PHASES

from pingmon_gui.console import access, output
from pingmon_gui.console.option import WrongUsage
from pingmon_gui.console.span import add_span_options, span_ms
from pingmon_gui.domain.family import IPV4, IPV6
from pingmon_gui.domain.history import (
    DAY_MS,
    FIVE_MINUTES_MS,
    HOUR_MS,
    SeriesHistory,
    SeriesRollup,
    percentile,
)
from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.status import Status, failure_name

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_BUCKETS_MS = {"raw": 0, "5min": FIVE_MINUTES_MS, "1h": HOUR_MS, "1d": DAY_MS}
#: Spans up to this long are shown with these buckets; longer ones by the day.
_SPANS_MS = ((26 * HOUR_MS, 0), (14 * DAY_MS, FIVE_MINUTES_MS), (400 * DAY_MS, HOUR_MS))

_RESULT_COLUMNS = (
    "at", "at_ms", "probe", "url", "status", "failure", "http_status", "total_ms", *PHASES, "queue_ms", "family",
    "address", "low_confidence", "recheck", "message",
)  # fmt: skip
_ROLLUP_COLUMNS = (
    "start", "start_ms", "probe", "url", "family", "count", "online", "slow", "offline", "known_ms", "available_ms",
    "availability", "mean_ms", "p50_ms", "p95_ms", "p99_ms",
)  # fmt: skip


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "history",
        parents=[common],
        help="results of a domain, or roll-ups when the span is long",
        description="Show what was measured of a domain. Times are 2026-11-22, 2026-11-22T18:00 (local), "
        "2026-11-22T18:00Z, a length of time ago (90m, 24h, 7d), or now.",
    )
    parser.add_argument("domain", metavar="URL", help="its address, name or id")
    add_span_options(parser, "1h")
    parser.add_argument(
        "--bucket",
        choices=("auto", *_BUCKETS_MS),
        default="auto",
        help="every result, or roll-ups of this length; auto: results up to 26 hours",
    )
    parser.add_argument("--csv", action="store_true", help="comma-separated values on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.csv and args.json:
        raise WrongUsage("--csv and --json exclude each other.")
    now_ms = access.now_ms()
    from_ms, to_ms = span_ms(args, now_ms)
    if args.bucket == "auto":
        bucket_ms = next((bucket for span, bucket in _SPANS_MS if to_ms - from_ms <= span), DAY_MS)
    else:
        bucket_ms = _BUCKETS_MS[args.bucket]
    monitor = access.find(access.monitors(args.data_dir), args.domain)
    nothing: tuple[tuple[str, ...], list[Json]] = ((), [])
    names, rows = access.read(args.data_dir, _query(monitor, from_ms, to_ms, bucket_ms), nothing)
    if args.json:
        document = {"url": monitor.url, "name": monitor.name, "from_ms": from_ms, "to_ms": to_ms}
        output.write_json({**document, "bucket_ms": bucket_ms or None, "results": rows})
    elif args.csv:
        output.write_csv(names, ([row[name] for name in names] for row in rows))
    elif not rows:
        output.say("Nothing was measured in that time.")
    else:
        _print_table(rows, bool(bucket_ms))
    return 0


def _query(monitor: Monitor, from_ms: int, to_ms: int, bucket_ms: int) -> Any:
    async def query(store: Store) -> tuple[tuple[str, ...], list[Json]]:
        names = {probe.id: probe.name for probe in store.configuration().probes}
        if bucket_ms:
            rollups = await store.rollups(monitor.id, from_ms, to_ms, bucket_ms)
            rows = [row for rollup in rollups for row in _rollup_rows(rollup, names)]
            return _ROLLUP_COLUMNS, sorted(rows, key=lambda row: (row["start_ms"], row["probe"]))
        histories = await store.results(monitor.id, from_ms, to_ms)
        rows = [row for history in histories for row in _result_rows(history, names) if row["at_ms"] >= from_ms]
        return _RESULT_COLUMNS, sorted(rows, key=lambda row: (row["at_ms"], row["probe"]))

    return query


def _result_rows(history: SeriesHistory, names: dict[Any, str]) -> list[Json]:
    series = history.series
    rows = []
    for place in range(len(history.at_ms)):
        at_ms = int(history.at_ms[place])
        detail = history.detail[place] or {}
        phases = dict(zip(PHASES, (_number(ms) for ms in history.phases_ms[place]), strict=True))
        rows.append(
            {
                "at": output.utc_time(at_ms),
                "at_ms": at_ms,
                "probe": names.get(series.probe, str(series.probe)),
                "url": series.url,
                "status": Status(int(history.status[place])).word,
                "failure": failure_name(int(history.failure[place])),
                "http_status": int(history.http_status[place]) or None,
                "total_ms": _number(history.total_ms[place]),
                **phases,
                "queue_ms": _number(history.queue_ms[place]),
                "family": series.family or None,
                "address": detail.get("address"),
                "low_confidence": bool(history.low_confidence[place]),
                "recheck": bool(history.recheck[place]),
                "message": detail.get("message") or "",
            }
        )
    return rows


def _rollup_rows(rollup: SeriesRollup, names: dict[Any, str]) -> list[Json]:
    series = rollup.series
    shares = [percentile(rollup.histogram, share) for share in (0.5, 0.95, 0.99)]
    rows = []
    for place in range(len(rollup.start_ms)):
        start_ms, known_ms = int(rollup.start_ms[place]), int(rollup.known_ms[place])
        good = int(rollup.online[place] + rollup.slow[place])
        p50, p95, p99 = (_number(share[place]) for share in shares)
        rows.append(
            {
                "start": output.utc_time(start_ms),
                "start_ms": start_ms,
                "probe": names.get(series.probe, str(series.probe)),
                "url": series.url,
                "family": series.family or None,
                "count": int(rollup.count[place]),
                "online": int(rollup.online[place]),
                "slow": int(rollup.slow[place]),
                "offline": int(rollup.offline[place]),
                "known_ms": known_ms,
                "available_ms": int(rollup.available_ms[place]),
                "availability": int(rollup.available_ms[place]) / known_ms if known_ms else None,
                "mean_ms": round(float(rollup.total_sum_ms[place]) / good, 3) if good else None,
                "p50_ms": p50,
                "p95_ms": p95,
                "p99_ms": p99,
            }
        )
    return rows


def _number(value: Any) -> float | None:
    number = float(value)
    return None if math.isnan(number) else round(number, 3)


def _print_table(rows: list[Json], is_rollup: bool) -> None:
    has_two = {IPV4, IPV6} <= {row["family"] for row in rows}

    def probe(row: Json) -> str:
        return f"{row['probe']} IPv{row['family']}" if has_two and row["family"] else str(row["probe"])

    if is_rollup:
        output.write_table(
            ("START", "PROBE", "RESULTS", "AVAILABLE", "MEDIAN", "95 %", "99 %"),
            (
                (
                    output.local_time(row["start_ms"]),
                    probe(row),
                    str(row["count"]),
                    output.share(row["availability"]),
                    output.latency(row["p50_ms"]),
                    output.latency(row["p95_ms"]),
                    output.latency(row["p99_ms"]),
                )
                for row in rows
            ),
        )
        return
    output.write_table(
        ("TIME", "PROBE", "STATUS", "TOTAL", "HTTP", "MESSAGE"),
        (
            (
                output.local_time(row["at_ms"]),
                probe(row),
                row["status"],
                output.latency(row["total_ms"]),
                str(row["http_status"] or ""),
                row["message"] if row["failure"] else "",
            )
            for row in rows
        ),
    )
