"""Writes the figures of the last `make bench` into docs/measuring.md: `python -m tests.bench.figures`.

Takes `build/bench.json` as it is: what was missed stands there as missed, what was not run keeps no old figure.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence

from tests.bench.harness import ROOT, Row
from tests.bench.instrument import BLACKBOX, CURL, CURL_MANY

SOURCE = ROOT / "build" / "bench.json"
PAGE = ROOT / "docs" / "measuring.md"
BEGIN, END = "<!-- figures of make bench -->", "<!-- end of figures -->"
_ERROR = re.compile(r"(.+): error of (\w+) p(50|95|99)")
_PEERS = {BLACKBOX: "blackbox_exporter", CURL: "curl", CURL_MANY: "curl -Z"}
#: Situations of which every phase was compared, with their titles.
_SITUATIONS = {
    "one plain at a time": "http, one at a time",
    "plain 100/s": "http, 100 a second",
    "plain, 100 at once": "http, as many as one core can do",
    "one TLS at a time": "https, one at a time",
    "TLS 100/s": "https, 100 a second",
    "TLS 600/s": "https, 600 a second",
    "TLS, 100 at once": "https, as many as one core can do",
}
#: How the names of the other rows of these benchmarks begin.
_OTHERS = ("burst of", "200 ", "50 hanging", "tcp,", "tls,", "dns,", "icmp,")
_OTHERS += ("plain", "TLS", "CPU per", "1,000 hanging", "1,000 monitors at", "20,000 ", "probe:", "measuring core:")


def figures(rows: Sequence[Row]) -> str:
    """Return the tables, in Markdown."""
    text: list[str] = []
    for name, title in _SITUATIONS.items():
        if table := _situation(name, rows):
            text += ["", f"**{title}**", "", *table]
    quiet = [_quiet(row) for row in rows if row["name"].startswith("calibration")]
    others = [row for row in rows if row["name"].startswith(_OTHERS) and not _is_of_situation(row["name"])]
    head = ["", "unit", "Pingmon", "beside it", "", "goal"]
    return "\n".join([*quiet, *text, "", "**Under load, other kinds, cost**", "", *_table(head, map(_other, others))])


def _quiet(calibration: Row) -> str:
    """Say how busy the machine was with other things: a fixed piece of work, beside what it takes on a quiet one."""
    return f"\nA fixed piece of work took {calibration['ratio']:.2f} times as long as on a quiet machine."


def _is_of_situation(name: str) -> bool:
    found = _ERROR.fullmatch(name)
    return found is not None and found[1] in _SITUATIONS


def _situation(name: str, rows: Sequence[Row]) -> list[str]:
    """Return a table of p50 / p95 / p99: a line for the total and for each phase, a column for each instrument."""
    values: dict[str, dict[str, dict[str, float]]] = {}
    who: dict[str, None] = {"Pingmon": None}
    for row in rows:
        found = _ERROR.fullmatch(row["name"])
        if found is not None and found[1] == name:
            peer = _PEERS[row["peer_name"]]
            who[peer] = None
            line = values.setdefault(found[2], {})
            line.setdefault("Pingmon", {})[found[3]] = row["ours"]
            line.setdefault(peer, {})[found[3]] = row["peer"]
    triples = (
        [what, *(" / ".join(_number(line[each][share]) for share in ("50", "95", "99")) for each in who)]
        for what, line in values.items()
    )
    return _table(["", *who], triples) if values else []


def _other(row: Row) -> list[str]:
    met = {True: "met", False: "missed", None: "machine busy"}[row["met"]] if row["goal"] is not None else ""
    goal = f"{_number(row['goal'])} ({met})" if met else ""
    peer = "" if row["peer"] is None else _number(row["peer"])
    return [
        row["name"],
        row["unit"],
        _number(row["ours"]),
        peer,
        _PEERS.get(row["peer_name"], row["peer_name"] or ""),
        goal,
    ]


def _number(value: float) -> str:
    """Return a number with as many digits as say something: three of them, and at most three after the point."""
    return f"{value:,.0f}" if value >= 100 else f"{round(value, 3):.3g}"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines)]


def main() -> int:
    if not SOURCE.exists():
        print("There are no figures yet: run make bench first.", file=sys.stderr)
        return 1
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{PAGE} has no place for figures any more: {BEGIN} ... {END}", file=sys.stderr)
        return 1
    tables = figures(json.loads(SOURCE.read_text(encoding="utf-8")))
    PAGE.write_text(f"{before}{BEGIN}\n{tables}\n\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
