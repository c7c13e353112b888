"""Webhooks against real receivers: what is sent, and a sentence for whatever a receiver does wrong."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import trustme

from pingmon_gui.alerts.webhook import WebhookSender, check_webhook
from pingmon_gui.domain.alert import Post
from pingmon_gui.domain.alert_channel import Channel, ChannelSecret
from pingmon_gui.domain.error import ChannelError, InvalidInput
from tests.alerts.receiver import Answer, Receiver, receiving
from tests.domain.alert_play import HOOK, MINUTE, NOON_MS, Play, hook, incident, rule


def post_of(name: str = "site3") -> Post:
    play = Play(rule(HOOK), channels=[hook(gather_s=0)])
    play.monitors[incident(3).monitor] = replace(play.monitors[incident(3).monitor], name=name)
    (post,) = play.down(incident(3))
    return post


def with_receiver(check: Callable[[Receiver], Awaitable[None]], tls: ssl.SSLContext | None = None) -> None:
    async def main() -> None:
        async with receiving(tls) as receiver:
            await check(receiver)

    asyncio.run(main())


def sender(
    receiver: Receiver, *, channel: Channel | None = None, whole_s: float = 10.0, **secret: object
) -> WebhookSender:
    return WebhookSender(channel or hook(), ChannelSecret(receiver.url, **secret), whole_s=whole_s)  # type: ignore[arg-type]


async def problem_of(sending: WebhookSender) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await sending.send(post_of(), NOON_MS)
    assert "secret-token" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is None or "secret-token" not in str(caught.value.__cause__)
    return caught.value


def test_documented_json_arrives_with_its_headers() -> None:
    async def check(receiver: Receiver) -> None:
        post = post_of()
        await sender(receiver, headers={"Authorization": "Bearer abc"}).send(post, NOON_MS + 90_000)
        (request,) = receiver.requests
        assert (request.method, request.target) == ("POST", "/hook/secret-token")
        assert request.headers["content-type"] == "application/json"
        assert request.headers["authorization"] == "Bearer abc"
        assert request.headers["pingmon-delivery"] == request.headers["idempotency-key"] == post.key
        assert request.headers["pingmon-event"] == "triggered"
        assert "pingmon-signature" not in request.headers
        assert request.json == {
            "version": 1,
            "delivery": post.key,
            "alert": f"{post.alert:x}",
            "event": "triggered",
            "kind": "offline",
            "title": "site3 is offline",
            "text": request.json["text"],
            "at_ms": NOON_MS,
            "sent_at_ms": NOON_MS + 90_000,
            "is_late": True,
            "since_ms": NOON_MS,
            "end_ms": None,
            "duration_ms": 90_000,
            "count": 1,
            "lasting": 1,
            "over": 0,
            "items": [
                {
                    "kind": "offline",
                    "name": "site3",
                    "url": "site3.example3",
                    "text": "site3 is offline: the name is not resolved in time",
                    "since_ms": NOON_MS,
                    "end_ms": None,
                    "closing": None,
                    "regions": ["eu"],
                    "failure": "timeout",
                    "incident": 3,
                    "expires_at_ms": None,
                    "acknowledged_at_ms": None,
                }
            ],
        }

    with_receiver(check)


def test_signature_covers_time_and_body() -> None:
    async def check(receiver: Receiver) -> None:
        await sender(receiver, hmac_key="key ✓").send(post_of(), NOON_MS)
        (request,) = receiver.requests
        time, _, digest = request.headers["pingmon-signature"].partition(",v1=")
        assert time == f"t={NOON_MS // 1000}"
        signed = f"{NOON_MS // 1000}.".encode() + request.body
        assert digest == hmac.new("key ✓".encode(), signed, hashlib.sha256).hexdigest()

    with_receiver(check)


def test_template_gives_another_shape_and_names_cannot_break_it() -> None:
    async def check(receiver: Receiver) -> None:
        channel = hook(
            template='{"text": "{{title}}", "n": {{count}}, "all": [{{#items}}"{{name}}"{{^last}},{{/last}}{{/items}}]}'
        )
        await sender(receiver, channel=channel).send(post_of('a"b\\c <b>&amp;'), NOON_MS)
        assert receiver.requests[0].json == {
            "text": 'a"b\\c <b>&amp; is offline',
            "n": 1,
            "all": ['a"b\\c <b>&amp;'],
        }

    with_receiver(check)


@pytest.mark.parametrize(
    ("answer", "sentence", "is_refusal"),
    [
        (
            Answer(500, body=b"Oops\nmore"),
            "localhost has an error of its own (500 Internal Server Error: Oops).",
            False,
        ),
        (Answer(502, body=b"<html>x</html>"), "localhost has an error of its own (502 Bad Gateway).", False),
        (Answer(429, {"Retry-After": "7"}), "localhost asks for patience (429 Too Many Requests).", False),
        (Answer(404), "localhost refuses the alert (404 Not Found).", True),
        (Answer(403, body=b"invalid_token"), "localhost refuses the alert (403 Forbidden: invalid_token).", True),
        (Answer(400, body=b"no_text\x1b[31m"), "localhost refuses the alert (400 Bad Request: no_text[31m).", True),
        (Answer(799), "localhost has an error of its own (799).", False),
        (
            Answer(302, {"Location": "https://elsewhere.example/x"}),
            "localhost redirects to another host (elsewhere.example), and alerts are not sent on there.",
            True,
        ),
        (
            Answer(307, {"Location": "//evil.example/x"}),
            "localhost redirects to another host (evil.example), and",
            True,
        ),
        (Answer(301, {"Location": "/new"}), "localhost redirects to another address (301).", True),
        (Answer(307, {"Location": "/again"}), "localhost redirects more than 3 times.", True),
        (Answer(307, {"Location": "http://[bad"}), "The address of the webhook cannot be used.", True),
    ],
)
def test_what_a_receiver_does_wrong_is_a_sentence(answer: Answer, sentence: str, is_refusal: bool) -> None:
    async def check(receiver: Receiver) -> None:
        receiver.answers = [answer]
        problem = await problem_of(sender(receiver))
        assert problem.message.startswith(sentence)
        assert problem.is_refusal is is_refusal
        assert problem.wait_s == (7.0 if answer.status == 429 else 0.0)

    with_receiver(check)


def test_redirect_on_the_same_host_is_followed_with_method_and_body() -> None:
    async def check(receiver: Receiver) -> None:
        receiver.answers = [Answer(308, {"Location": "/moved"}), Answer(204)]
        await sender(receiver).send(post_of(), NOON_MS)
        first, second = receiver.requests
        assert (second.method, second.target, second.body) == ("POST", "/moved", first.body)

    with_receiver(check)


@pytest.mark.parametrize("answer", [Answer(hangs=True), Answer(500, drips=True)], ids=["hangs", "drips"])
def test_receiver_that_does_not_come_to_an_end_is_left(answer: Answer) -> None:
    async def check(receiver: Receiver) -> None:
        receiver.answers = [answer]
        problem = await problem_of(sender(receiver, whole_s=0.3))
        assert problem.message.startswith("localhost ") and not problem.is_refusal

    with_receiver(check)


def test_receiver_that_hangs_up_is_a_sentence() -> None:
    async def main() -> None:
        async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(hang_up, "localhost", 0)
        url = f"http://localhost:{server.sockets[0].getsockname()[1]}/secret-token"
        problem = await problem_of(WebhookSender(hook(), ChannelSecret(url)))
        assert problem.message == "localhost ended the connection without an answer."
        server.close()

    asyncio.run(main())


def test_nobody_there_is_a_sentence() -> None:
    async def check(receiver: Receiver) -> None:
        gone = WebhookSender(hook(), ChannelSecret("http://127.0.0.1:1/secret-token"))
        assert (await problem_of(gone)).message == "127.0.0.1 is not reached: connection refused."
        nowhere = WebhookSender(hook(), ChannelSecret("http://nowhere.invalid/secret-token"))
        assert (await problem_of(nowhere)).message.startswith("nowhere.invalid is not reached: ")

    with_receiver(check)


def test_certificate_that_is_not_valid_is_a_sentence_and_nothing_is_sent() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)

    async def check(receiver: Receiver) -> None:
        problem = await problem_of(sender(receiver))
        assert problem.message.startswith("The certificate of localhost is not valid: ")
        assert receiver.requests == []

    with_receiver(check, tls)


def test_wrong_template_is_refused_before_anything_is_sent() -> None:
    async def check(receiver: Receiver) -> None:
        problem = await problem_of(sender(receiver, channel=hook(template="{{nothing}}")))
        assert problem.is_refusal and "“nothing”" in problem.message
        assert receiver.requests == []

    with_receiver(check)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (ChannelSecret("https://hooks.example/T/B/x"), "https://hooks.example"),
        (ChannelSecret("http://user:pass@192.0.2.1:8080/x?token=1"), "http://192.0.2.1:8080"),
    ],
)
def test_of_an_address_only_the_host_is_shown(secret: ChannelSecret, shown: str) -> None:
    assert check_webhook(secret) == shown


@pytest.mark.parametrize(
    "secret",
    [
        ChannelSecret(""),
        ChannelSecret("ftp://x.example"),
        ChannelSecret("https://"),
        ChannelSecret("https://x.example:99999/"),
        ChannelSecret("https://x y.example/"),
        ChannelSecret("https://x.example", headers={"Content-Type": "x"}),
        ChannelSecret("https://x.example", headers={"Pingmon-Event": "x"}),
        ChannelSecret("https://x.example", headers={"a b": "x"}),
        ChannelSecret("https://x.example", headers={"A": "x\r\nB: y"}),
    ],
)
def test_wrong_address_or_header_is_said_where_it_is_typed(secret: ChannelSecret) -> None:
    with pytest.raises(InvalidInput):
        check_webhook(secret)


def test_late_end_that_was_never_told_is_worded_so() -> None:
    play = Play(rule(HOOK), channels=[hook(gather_s=0)])
    play.down(incident(3))
    play.at(6 * MINUTE)
    play.up(incident(3))
    late = replace(play.posts[1], is_first_word=True)

    async def check(receiver: Receiver) -> None:
        await sender(receiver).send(late, NOON_MS + 60 * MINUTE)
        body = receiver.requests[0].json
        assert body["title"].startswith("site3 was offline ")
        assert (body["is_late"], body["end_ms"], body["duration_ms"]) == (True, NOON_MS + 6 * MINUTE, 6 * MINUTE)
        assert json.dumps(body).count("site3 was offline") >= 2

    with_receiver(check)
