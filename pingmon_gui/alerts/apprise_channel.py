"""Everything that Apprise reaches: e-mail, chats, phones, by one address each. The only module that knows the library.

It is imported when it is first needed, and sends in a thread of its own, which the end of the app does not wait for.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pingmon_gui.domain.alert import AlertEvent, Post
from pingmon_gui.domain.alert_channel import ChannelSecret
from pingmon_gui.domain.alert_words import AlertText, alert_text
from pingmon_gui.domain.error import ChannelError, InvalidInput

T = TypeVar("T")

SERVICE_S = 45.0
_PARTS = re.compile(r"[^/:@?&=#,]+")
_LONG_ENOUGH = 5


class AppriseSender:
    def __init__(self, secret: ChannelSecret) -> None:
        self._secret = secret

    async def send(self, post: Post, now_ms: int) -> None:
        words = alert_text(post, now_ms)
        try:
            async with asyncio.timeout(SERVICE_S):
                await _in_thread(lambda: _notify(self._secret, words, _kind(post)))
        except TimeoutError as exc:
            raise ChannelError(f"The service did not answer within {SERVICE_S:.0f} seconds.") from exc


async def check_apprise(secret: ChannelSecret) -> str:
    """Return the name of the service that an address leads to. Raises InvalidInput with a sentence."""
    return await _in_thread(lambda: str(_service(secret).service_name))


def _notify(secret: ChannelSecret, words: AlertText, kind: str) -> None:
    apprise = _library()
    try:
        service = _service(secret)
    except InvalidInput as exc:
        raise ChannelError(exc.message, exc.hint, is_refusal=True) from None
    said: list[str] = []
    carrier = apprise.Apprise(asset=_asset())
    carrier.add(service)
    # The body is not taken for a template or escapes: names of domains come from elsewhere.
    done = carrier.notify(
        title=words.title,
        body=words.text,
        notify_type=apprise.NotifyType(kind),
        body_format=apprise.NotifyFormat.TEXT,
        interpret_escapes=False,
        log_callback=lambda entry, _service: said.append(str(entry.message)),
        log_level=logging.WARNING,
    )
    if not done:
        name = str(service.service_name)
        reason = _harmless(said[-1], secret) if said else "it did not say why"
        raise ChannelError(f"{name} did not take the alert: {reason.rstrip('.')}.")


def _service(secret: ChannelSecret) -> Any:
    """Return the plug-in for an address. Raises InvalidInput, which never names the address."""
    apprise = _library()
    url = secret.url.strip()
    service = apprise.Apprise.instantiate(url, asset=_asset())
    if service is not None:
        return service
    scheme, colon, _ = url.partition("://")
    if not colon or not scheme.isascii():
        raise InvalidInput(
            "An address of Apprise begins with the name of a service, then “://”.",
            "For example mailto://, slack://, tgram://, ntfy://.",
        )
    from apprise.manager_plugins import NotificationManager

    plugins: Any = NotificationManager  # without types
    plugins = plugins()
    if scheme.lower() not in plugins.schemas():
        raise InvalidInput(f"Apprise knows no service “{scheme[:30]}”.", "Its documentation lists all services.")
    known = plugins[scheme.lower()]
    shape = str(known.templates[0]).replace("{schema}", scheme.lower()) if known.templates else f"{scheme}://…"
    raise InvalidInput(f"The address does not fit {known.service_name}.", f"It looks like {shape}")


@functools.cache
def _library() -> Any:
    import apprise

    # Its log has addresses with all that is secret in them; what goes wrong is told by the sentence.
    quiet = logging.getLogger("apprise")
    quiet.propagate = False
    quiet.addHandler(logging.NullHandler())
    return apprise


@functools.cache
def _asset() -> Any:
    apprise = _library()
    # No plug-ins from the disk (they are code), no state on the disk, no templates in texts.
    return apprise.AppriseAsset(
        app_id="Pingmon",
        app_desc="Pingmon",
        app_url="",
        plugin_paths=[],
        storage_mode="memory",
        async_mode=False,
        allow_templates=False,
        secure_logging=True,
        # Its own limit would leave a pool's thread behind; ours is `SERVICE_S`.
        service_timeout=0,
    )


def _kind(post: Post) -> str:
    if post.event is AlertEvent.TEST:
        return "info"
    if post.event is AlertEvent.RESOLVED:
        return "success"
    return "failure" if post.kind.is_outage else "warning"


def _harmless(text: str, secret: ChannelSecret) -> str:
    """Return what a service said as one line without anything that stands in the address."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    _, _, rest = secret.url.partition("://")
    host = rest.split("/", 1)[0].rsplit("@", 1)[-1].split(":")[0]
    for part in sorted(set(_PARTS.findall(rest)), key=len, reverse=True):
        if len(part) >= _LONG_ENOUGH and part != host:
            line = line.replace(part, "***")
    return line[:300]


async def _in_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns, done in a thread that nobody waits for when the loop ends."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(value: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value: T | None = None
        problem: BaseException | None = None
        try:
            value = work()
        except (ChannelError, InvalidInput) as exc:
            problem = exc
        except Exception as exc:
            # An edge: 260 plug-ins raise what they like, and their words may hold the address.
            problem = ChannelError(f"Apprise failed with a fault of its own ({type(exc).__name__}).")
        try:
            loop.call_soon_threadsafe(tell, value, problem)
        except RuntimeError:
            return  # the loop has ended meanwhile: nobody is left to be told

    threading.Thread(target=run, name="apprise", daemon=True).start()
    return await answer
