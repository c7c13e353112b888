"""Looking for a keyword in a body, in slices that never hold the loop for more than about a millisecond."""

from __future__ import annotations

import re
import zlib
from typing import Any, Dict, List, Optional

from .protocol import BODY_CAP_BYTES

#: Decompressed bytes per slice: some 0.2 ms of work.
SLICE_BYTES = 64 * 1024
#: How much decompressed text is looked at. A bomb of a thousand times its size ends here.
DECODED_CAP_BYTES = 4 * BODY_CAP_BYTES

CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_READABLE_CODINGS = ("", "identity", "gzip", "x-gzip", "deflate")


class KeywordSearch:
    """Finds a keyword in a body by steps: call `step` until it returns True, then read `found` and `problem`.

    The keyword is looked for as it is spelled, upper and lower case apart, in the page's character set and in
    UTF-8. `problem` ends "The page could not be searched: ..." where the body could not be read.
    """

    def __init__(self, keyword: str, headers: Dict[str, str], body: List[bytes]) -> None:
        self.found = False
        self.problem: Optional[str] = None
        self._needles = _needles(keyword, headers.get("content-type", ""))
        self._overlap = max(len(needle) for needle in self._needles) - 1
        coding = headers.get("content-encoding", "").strip().lower()
        self._body = body
        self._pending = b""
        self._tail = b""
        self._decoded_bytes = 0
        self._decoder: Any = None
        if coding in ("gzip", "x-gzip"):
            self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
        elif coding == "deflate":
            first = b"".join(body[:2])[:2]
            # "deflate" means zlib; some servers send it without the zlib header.
            is_zlib = len(first) == 2 and first[0] & 0x0F == 8 and (first[0] * 256 + first[1]) % 31 == 0
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        elif coding not in _READABLE_CODINGS:
            self.problem = f"it is compressed with {coding[:20]}, which this probe does not read"
        if self._decoder is None:
            self._pending = b"".join(body)
            self._body = []

    def step(self) -> bool:
        """Do one slice of work; return whether the search is over."""
        if self.problem is not None or self.found:
            return True
        if self._decoder is None:
            piece, self._pending = self._pending[:SLICE_BYTES], self._pending[SLICE_BYTES:]
        else:
            piece = self._decode()
        window = self._tail + piece
        self.found = any(needle in window for needle in self._needles)
        self._tail = window[max(0, len(window) - self._overlap) :] if self._overlap else b""
        self._decoded_bytes += len(piece)
        # A full slice may leave output waiting inside the decoder, with no input left.
        is_over = not self._pending and not self._body and (self._decoder is None or len(piece) < SLICE_BYTES)
        is_over = is_over or (self._decoder is not None and self._decoder.eof)
        return self.found or is_over or self.problem is not None or self._decoded_bytes >= DECODED_CAP_BYTES

    def _decode(self) -> bytes:
        data = self._pending
        if not data and self._body:
            data = self._body.pop(0)
        try:
            piece: bytes = self._decoder.decompress(data, SLICE_BYTES)
        except zlib.error:
            self.problem = "its compressed form is damaged"
            return b""
        self._pending = self._decoder.unconsumed_tail
        return piece


def _needles(keyword: str, content_type: str) -> List[bytes]:
    needles = [keyword.encode("utf-8", "surrogatepass")]
    charset = CHARSET.search(content_type)
    if charset is not None:
        try:
            needle = keyword.encode(charset.group(1))
            # A byte order mark stands at the start of a page, not before each word of it.
            for mark in (b"\xff\xfe\x00\x00", b"\xff\xfe", b"\xfe\xff"):
                if charset.group(1).lower() in ("utf-16", "utf-32") and needle.startswith(mark):
                    needle = needle[len(mark) :]
                    break
            if needle and needle not in needles:
                needles.append(needle)
        except (LookupError, UnicodeError):
            pass
    return needles
