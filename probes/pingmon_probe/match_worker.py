"""The small process that looks into answers: patterns and JSON that strangers write, so that none holds up the probe.

One job after the other comes on standard input, a line of JSON and so many bytes; each is answered by one line. A job
that takes more than its share of processor time ends the process, by the system's own timer.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
import zlib
from typing import Any, BinaryIO, Dict, Optional

from .answer_condition import read_json_condition
from .wire import MATCH_CAP_BYTES, MATCH_LIMIT_MS

#: Whether the system ends a process by the processor's time it took; elsewhere the probe looks at the clock.
HAS_OWN_LIMIT = hasattr(signal, "setitimer")


def main() -> int:
    """Answer jobs until standard input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        sink.write(b"ready\n")
        sink.flush()
        while (line := source.readline()) and (answer := _answered(line, source)) is not None:
            sink.write(json.dumps(answer).encode("ascii") + b"\n")
            sink.flush()
    return 0


def _answered(line: bytes, source: BinaryIO) -> Optional[Dict[str, Any]]:
    job = json.loads(line)
    body = source.read(job["size"])
    if len(body) < job["size"]:
        return None
    _limit(MATCH_LIMIT_MS / 1000)
    try:
        return answer(job, body)
    except RecursionError:
        return {"problem": "it is nested too deeply"}
    finally:
        _limit(0)


def answer(job: Dict[str, Any], body: bytes) -> Dict[str, Any]:
    """Return `{"found": bool}` for a pattern, `{"wrong": text or null}` for conditions; else `problem` or `refused`.

    A problem lies in the page, and what is refused in the pattern.
    """
    try:
        text = _decoded(body, job["coding"], job["charset"])
    except ValueError as exc:
        return {"problem": str(exc)}
    if "pattern" in job:
        try:
            return {"found": re.search(job["pattern"], text) is not None}
        except (re.error, OverflowError) as exc:
            return {"refused": str(exc)}
    try:
        document = json.loads(text)
    except ValueError:
        size = f"; only its first {MATCH_CAP_BYTES // 1024} KB are read" if len(body) >= MATCH_CAP_BYTES else ""
        return {"problem": f"it is no JSON{size}"}
    problems = (read_json_condition(condition).problem(document) for condition in job["conditions"])
    return {"wrong": next((problem for problem in problems if problem is not None), None)}


def _decoded(body: bytes, coding: str, charset: str) -> str:
    """Return a body as text, at most MATCH_CAP_BYTES of it. Raises ValueError with what is wrong with it."""
    if coding in ("gzip", "x-gzip", "deflate"):
        decoder = zlib.decompressobj(16 + zlib.MAX_WBITS if coding != "deflate" else zlib.MAX_WBITS)
        try:
            body = decoder.decompress(body, MATCH_CAP_BYTES)
        except zlib.error as exc:
            raise ValueError("its compressed form is damaged") from exc
    elif coding not in ("", "identity"):
        raise ValueError(f"it is compressed with {coding[:20]}, which this probe does not read")
    try:
        return body.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def _limit(seconds: float) -> None:
    if HAS_OWN_LIMIT:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
