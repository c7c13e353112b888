"""The measuring core at its limit: `python -m tests.bench.core_at_work`, with a JSON document on stdin.

{"urls": [...], "count": C, "at_once": N}: measures them over and over, C checks in all and always N at once, and prints
one JSON line: the CPU seconds that took, the most memory that was resident, and the JSON of the last checks, as many as
there are addresses. Without the service, whose plans ask for no more than 4,000 checks a second.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from pingmon_probe.loop import Loop
from pingmon_probe.measure import Measurer
from pingmon_probe.protocol import CheckResult, CheckSpec


def main() -> None:
    asked: dict[str, Any] = json.load(sys.stdin)
    specs = [CheckSpec(url, monitor=place + 1) for place, url in enumerate(asked["urls"])]
    waiting = itertools.islice(itertools.cycle(specs), asked["count"])
    results: deque[CheckResult] = deque(maxlen=len(specs))
    left = asked["count"]
    loop = Loop()
    measurer = Measurer(loop, allow_private=True)

    def start_next() -> None:
        spec = next(waiting, None)
        if spec is not None:
            measurer.start(spec, None, done)

    def done(result: CheckResult) -> None:
        nonlocal left
        results.append(result)
        left -= 1
        if not left:
            loop.stop()
        start_next()

    began_s = time.process_time()
    for _ in range(asked["at_once"]):
        start_next()
    loop.run()
    cpu_s = time.process_time() - began_s
    peak_mb = _peak_mb()
    measurer.close()
    loop.close()
    checks = [result.to_check_json(1000) for result in results]
    json.dump({"cpu_s": cpu_s, "peak_mb": peak_mb, "checks": checks}, sys.stdout)


def _peak_mb() -> float:
    # Of this program alone: getrusage also counts what the process was before it became this program.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell how much memory a process had")


if __name__ == "__main__":
    main()
