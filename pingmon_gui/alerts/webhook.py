"""Webhooks: a signed POST of JSON to an address of the user's; what went wrong is told without the address."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import socket
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import pingmon_gui
from pingmon_gui.alerts.payload import payload
from pingmon_gui.alerts.template import rendered
from pingmon_gui.domain.alert import Post
from pingmon_gui.domain.alert_channel import Channel, ChannelSecret
from pingmon_gui.domain.error import ChannelError, InvalidInput
from pingmon_gui.domain.retry_after import retry_after_s

if TYPE_CHECKING:
    import httpx

CONNECT_S = 10.0
#: For all of it: a receiver that sends its answer byte by byte ends here, too.
WHOLE_S = 20.0
_MOST_REDIRECTS = 3
_ANSWER_BYTES = 2_000
_MOST_WAIT_S = 600.0
_HEADERS_OF_OURS = ("content-type", "content-length", "host", "transfer-encoding", "connection")
_AGAIN = (408, 425, 429)


class WebhookSender:
    def __init__(self, channel: Channel, secret: ChannelSecret, *, whole_s: float = WHOLE_S) -> None:
        self._channel = channel
        self._secret = secret
        self._whole_s = whole_s
        self._context: ssl.SSLContext | None = None

    async def send(self, post: Post, now_ms: int) -> None:
        values = payload(post, now_ms)
        try:
            text = rendered(self._channel, values) if self._channel.template else json.dumps(values, ensure_ascii=False)
        except InvalidInput as exc:
            raise ChannelError(exc.message, exc.hint, is_refusal=True) from exc
        body = text.encode()
        headers = {
            **self._secret.headers,
            "Content-Type": self._channel.content_type,
            "User-Agent": f"Pingmon/{pingmon_gui.__version__}",
            "Idempotency-Key": post.key,
            "Pingmon-Delivery": post.key,
            "Pingmon-Event": post.event.value,
        }
        if self._secret.hmac_key:
            headers["Pingmon-Signature"] = signature(self._secret.hmac_key, now_ms // 1000, body)
        if self._context is None:
            self._context = await asyncio.to_thread(_prepared)
        try:
            async with asyncio.timeout(self._whole_s):
                await self._post(self._secret.url, body, headers)
        except TimeoutError as exc:
            raise ChannelError(f"{self._host} did not answer within {self._whole_s:.0f} seconds.") from exc

    @property
    def _host(self) -> str:
        return urlsplit(self._secret.url).hostname or "The receiver"

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        import httpx

        assert self._context is not None
        limits = httpx.Timeout(self._whole_s, connect=min(CONNECT_S, self._whole_s))
        try:
            async with httpx.AsyncClient(verify=self._context, timeout=limits, follow_redirects=False) as client:
                for _ in range(_MOST_REDIRECTS + 1):
                    async with client.stream("POST", url, content=body, headers=headers) as response:
                        if not response.has_redirect_location:
                            await self._judge(response)
                            return
                        url = self._redirected(url, response)
        except httpx.HTTPError as exc:
            raise self._translated(exc) from None
        except (httpx.InvalidURL, httpx.CookieConflict, UnicodeError, ValueError):
            raise ChannelError(
                "The address of the webhook cannot be used.", "Type it again.", is_refusal=True
            ) from None
        raise ChannelError(f"{self._host} redirects more than {_MOST_REDIRECTS} times.", is_refusal=True)

    def _redirected(self, url: str, response: httpx.Response) -> str:
        """Return where a redirect leads if that is the same host; keys are taken nowhere else."""
        target = urljoin(url, response.headers["location"])
        here, there = urlsplit(url), urlsplit(target)
        is_safer = (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.hostname
        if (here.scheme, here.netloc) != (there.scheme, there.netloc) and not is_safer:
            where = (there.hostname or "")[:100]
            raise ChannelError(
                f"{self._host} redirects to another host ({where}), and alerts are not sent on there.",
                "If that is right, enter the new address.",
                is_refusal=True,
            )
        if response.status_code not in (307, 308):
            raise ChannelError(
                f"{self._host} redirects to another address ({response.status_code}).",
                "Enter the address it redirects to: a browser shows it.",
                is_refusal=True,
            )
        return target

    async def _judge(self, response: httpx.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        said = await _first_line(response)
        what = f"{status} {_reason(status)}".strip() + (f": {said}" if said else "")
        if status >= 500:
            raise ChannelError(
                f"{self._host} has an error of its own ({what}).", wait_s=retry_after_s(response.headers, _MOST_WAIT_S)
            )
        if status in _AGAIN:
            raise ChannelError(
                f"{self._host} asks for patience ({what}).", wait_s=retry_after_s(response.headers, _MOST_WAIT_S)
            )
        if status in (401, 403):
            hint = "Check the address with its token, and the headers."
        elif status in (404, 410):
            hint = "Check the address: there may have been another one."
        else:
            hint = "Check what this receiver expects; a template gives alerts another shape."
        raise ChannelError(f"{self._host} refuses the alert ({what}).", hint, is_refusal=True)

    def _translated(self, error: httpx.HTTPError) -> ChannelError:
        import httpx

        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ChannelError(
                    f"The certificate of {self._host} is not valid: {cause.verify_message}.",
                    "Alerts are sent only where the certificate is good.",
                )
            if isinstance(cause, ssl.SSLError):
                return ChannelError(
                    f"No secure connection to {self._host} is possible: {cause.reason or 'TLS failed'}."
                )
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx.ConnectTimeout):
            return ChannelError(f"{self._host} accepts no connection.")
        if isinstance(error, httpx.TimeoutException):
            return ChannelError(f"{self._host} does not answer in time.")
        if isinstance(error, httpx.ConnectError):
            return ChannelError(f"{self._host} is not reached: {_words(error)}.")
        if isinstance(error, httpx.UnsupportedProtocol):
            return ChannelError("The address of a webhook begins with https:// or http://.", is_refusal=True)
        return ChannelError(f"{self._host} ended the connection without an answer.")


def _prepared() -> ssl.SSLContext:
    """Return all authorities, with the network's library imported. Takes 0.1 s: not on the loop."""
    import httpx  # noqa: F401

    return ssl.create_default_context()


def signature(key: str, at_s: int, body: bytes) -> str:
    """Return the signature header: HMAC-SHA256 over the time, a dot and the body, so that nothing can be replayed."""
    digest = hmac.new(key.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def check_webhook(secret: ChannelSecret) -> str:
    """Return what may be shown of where a webhook leads. Raises InvalidInput with a sentence."""
    try:
        parts = urlsplit(secret.url.strip())
        port = parts.port
    except ValueError as exc:
        raise InvalidInput("This is no address of a webhook.") from exc
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in secret.url.strip()):
        raise InvalidInput("The address of a webhook begins with https:// or http://, then comes a host.")
    for name, value in secret.headers.items():
        token = name.replace("-", "").replace("_", "")
        if not token.isascii() or not token.isalnum() or not value.isascii() or not value.isprintable():
            raise InvalidInput(f"The header “{name[:40]}” cannot be sent.", "Names are letters, digits and dashes.")
        if name.lower() in _HEADERS_OF_OURS or name.lower().startswith("pingmon-"):
            raise InvalidInput(f"The header “{name[:40]}” is set by Pingmon itself.")
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")


async def _first_line(response: httpx.Response) -> str:
    """Return the beginning of an answer as one harmless line."""
    taken = b""
    async for some in response.aiter_bytes(_ANSWER_BYTES):
        taken += some
        if len(taken) >= _ANSWER_BYTES:
            break
    text = taken[:_ANSWER_BYTES].decode("utf-8", "replace").strip()
    if not text or text[0] in "<{[":
        return ""
    line = "".join(letter for letter in text.splitlines()[0] if letter.isprintable())
    return line[:150]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _words(error: httpx.HTTPError) -> str:
    """Return what the system says, without addresses."""
    cause: BaseException | None = error
    text = "the connection failed"
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            is_lookup = isinstance(cause, socket.gaierror)
            text = str(cause.strerror) if is_lookup else os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return text[:1].lower() + text[1:]
