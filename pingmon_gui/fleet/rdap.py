"""RDAP: asks the registry of a name until when it is registered (RFC 9082, 9083), found by IANA's list (RFC 9224).

Whoever asks decides how often (`engine.registration_watch`). Everything is bounded: bytes, time, redirects.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pingmon_gui
from pingmon_gui.domain.error import RegistryError
from pingmon_gui.domain.registration import MOST_PAUSE_MS, RegistryAnswer
from pingmon_gui.domain.retry_after import retry_after_s
from pingmon_gui.fleet.rdap_document import UnreadableDocument, answer_of, bases

if TYPE_CHECKING:
    import httpx

LIST_URL = "https://data.iana.org/rdap/dns.json"
#: The list changes a few times a month.
LIST_FOR_S = 24 * 3_600.0
CONNECT_S = 10.0
#: For all of a question, redirects included.
WHOLE_S = 20.0
_MOST_REDIRECTS = 3
_LIST_BYTES = 1 << 20
_ANSWER_BYTES = 1 << 18


class Rdap:
    """`list_url` is asked for once a day at most; where it is on loopback (in tests), http:// to loopback will do."""

    def __init__(
        self,
        list_url: str = LIST_URL,
        *,
        whole_s: float = WHOLE_S,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._list_url = list_url
        self._whole_s = whole_s
        self._steady_s = steady_s
        self._may_be_plain = _is_loopback(list_url)
        self._context: ssl.SSLContext | None = None
        self._list: object = None
        self._list_until_s = 0.0

    async def server_of(self, name: str) -> str:
        """Return the host that would be asked about a name, "" where it has none. Raises RegistryError."""
        return urlsplit(await self._base_of(name)).hostname or ""

    async def ask(self, name: str) -> RegistryAnswer:
        """Ask about a name in its ASCII form. Raises RegistryError where that has to be tried again another day."""
        base = await self._base_of(name)
        if not base:
            problem = f"The registry of .{name.rpartition('.')[2]} cannot be asked: it offers no RDAP."
            return RegistryAnswer(problem=problem)
        server = urlsplit(base).hostname or ""
        visit = self._visit(server, server)
        found = await visit.document(f"{base}domain/{name}", _ANSWER_BYTES)
        if found is None:
            return RegistryAnswer(server=server, problem="The registry knows no such name: it is not registered.")
        document, source = found
        try:
            return answer_of(document, name, source, server)
        except UnreadableDocument as exc:
            raise visit.error(f"The answer of {server} cannot be read: {exc}.") from exc

    async def _base_of(self, name: str) -> str:
        """Return the URL below which the registry of a name answers, "" where it does not."""
        if self._context is None:
            self._context = await asyncio.to_thread(_prepared)
        await self._renew_list()
        try:
            return next((url for url in bases(self._list, name) if self._is_allowed(url)), "")
        except UnreadableDocument as exc:
            self._list = None
            raise RegistryError(f"IANA's list of registries cannot be read: {exc}.", is_asked=False) from exc

    async def _renew_list(self) -> None:
        if self._list is not None and self._steady_s() < self._list_until_s:
            return
        visit = self._visit("", "IANA's list of registries")
        try:
            found = await visit.document(self._list_url, _LIST_BYTES)
            if found is None:
                raise visit.error("IANA's list of registries is not where it was.")
        except RegistryError as exc:
            if self._list is None:
                raise RegistryError(exc.message, is_asked=False, wait_ms=exc.wait_ms) from exc
            # The one of before will do.
            self._list_until_s = self._steady_s() + LIST_FOR_S / 24
        else:
            self._list, self._list_until_s = found[0], self._steady_s() + LIST_FOR_S

    def _visit(self, server: str, who: str) -> _Visit:
        assert self._context is not None
        return _Visit(self._context, self._whole_s, self._is_allowed, server, who)

    def _is_allowed(self, url: str) -> bool:
        """Whether a URL may be asked: nobody on the way may read or change what is asked and answered."""
        try:
            parts = urlsplit(url)
            is_whole = bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
        except ValueError:
            return False
        return is_whole and (parts.scheme == "https" or (self._may_be_plain and _is_loopback(url)))


class _Visit:
    """One question to one server. `who` is what it is called in sentences."""

    def __init__(
        self, context: ssl.SSLContext, whole_s: float, is_allowed: Callable[[str], bool], server: str, who: str
    ) -> None:
        self._context = context
        self._whole_s = whole_s
        self._is_allowed = is_allowed
        self._server = server
        self._who = who
        #: Whether the question may have reached it.
        self._is_asked = False

    def error(self, message: str, wait_ms: int = 0) -> RegistryError:
        return RegistryError(message, server=self._server, is_asked=self._is_asked, wait_ms=wait_ms)

    async def document(self, url: str, most_bytes: int) -> tuple[Any, str] | None:
        """Return the JSON that is at a URL and the URL that had it in the end; None where there is none (404)."""
        import httpx

        try:
            async with asyncio.timeout(self._whole_s):
                found = await self._fetch(url, most_bytes)
        except TimeoutError as exc:
            self._is_asked = True  # a connection has less time than all of it
            raise self.error(f"{self._who} did not answer within {self._whole_s:g} seconds.") from exc
        except httpx.HTTPError as exc:
            raise self._translated(exc) from exc
        except (httpx.InvalidURL, ValueError) as exc:
            raise self.error(f"{self._who} redirects to an address that cannot be used.") from exc
        if found is None:
            return None
        body, source = found
        try:
            return await asyncio.to_thread(json.loads, body), source
        except (ValueError, RecursionError) as exc:
            raise self.error(f"The answer of {self._who} cannot be read: it is no JSON.") from exc

    async def _fetch(self, url: str, most_bytes: int) -> tuple[bytes, str] | None:
        import httpx

        limits = httpx.Timeout(self._whole_s, connect=min(CONNECT_S, self._whole_s))
        headers = {
            "Accept": "application/rdap+json, application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"Pingmon/{pingmon_gui.__version__}",
        }
        async with httpx.AsyncClient(
            verify=self._context, timeout=limits, headers=headers, follow_redirects=False
        ) as client:
            for _ in range(_MOST_REDIRECTS + 1):
                async with client.stream("GET", url) as response:
                    self._is_asked = True
                    if response.has_redirect_location:
                        url = urljoin(url, response.headers["location"])
                        if not self._is_allowed(url):
                            raise self.error(f"{self._who} redirects to an address without https.")
                        continue
                    if response.status_code == 404:
                        return None
                    if response.status_code != 200:
                        raise self._refusal(response)
                    return await self._body(response, most_bytes), url
        raise self.error(f"{self._who} redirects more than {_MOST_REDIRECTS} times.")

    async def _body(self, response: httpx.Response, most_bytes: int) -> bytes:
        taken = bytearray()
        async for some in response.aiter_raw():
            taken += some
            if len(taken) > most_bytes:
                raise self.error(f"The answer of {self._who} is longer than {most_bytes >> 10} KB.")
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            return bytes(taken)
        # Some answer compressed whatever they are asked for.
        unpacking = zlib.decompressobj(31)
        try:
            if coding not in ("gzip", "x-gzip"):
                raise zlib.error
            body = unpacking.decompress(bytes(taken), most_bytes)
        except zlib.error as exc:
            raise self.error(f"The answer of {self._who} cannot be unpacked.") from exc
        if not unpacking.eof:
            raise self.error(f"The answer of {self._who} is longer than {most_bytes >> 10} KB, or cut off.")
        return body

    def _refusal(self, response: httpx.Response) -> RegistryError:
        status = response.status_code
        if status == 429:
            return self.error(f"{self._who} was asked too often and wants a pause (429).", _wait_ms(response))
        if status >= 500:
            return self.error(f"{self._who} has an error of its own ({status}).", _wait_ms(response))
        return self.error(f"{self._who} refuses to answer ({status}).", _wait_ms(response))

    def _translated(self, error: httpx.HTTPError) -> RegistryError:
        import httpx

        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return self.error(f"The certificate of {self._who} is not valid: {cause.verify_message}.")
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return self.error(f"{self._who} is not reached.")
        # It may have been asked, and said nothing.
        self._is_asked = True
        if isinstance(error, httpx.TimeoutException):
            return self.error(f"{self._who} does not answer in time.")
        return self.error(f"{self._who} ended the connection without an answer.")


def _prepared() -> ssl.SSLContext:
    """Return all authorities, with the network's library imported. Takes 0.1 s: not on the loop."""
    import httpx  # noqa: F401

    return ssl.create_default_context()


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _wait_ms(response: httpx.Response) -> int:
    return round(retry_after_s(response.headers, MOST_PAUSE_MS / 1000) * 1000)
