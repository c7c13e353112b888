"""Apprise against real receivers: a mail server, an ntfy-like service; and sentences for wrong addresses."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from pingmon_gui.alerts.apprise_channel import AppriseSender, check_apprise
from pingmon_gui.domain.alert import Post
from pingmon_gui.domain.alert_channel import ChannelSecret
from pingmon_gui.domain.error import ChannelError, InvalidInput
from tests.alerts.receiver import Answer, mail_server, receiving
from tests.alerts.test_webhook import post_of
from tests.domain.alert_play import NOON_MS

ROOT = Path(__file__).resolve().parents[2]


async def send(url: str, post: Post | None = None) -> None:
    await AppriseSender(ChannelSecret(url)).send(post or post_of(), NOON_MS)


def test_mail_arrives_with_title_and_text() -> None:
    async def main() -> None:
        async with mail_server() as (port, mails):
            await send(f"mailto://localhost:{port}?from=pingmon@example.org&to=ops@example.org&mode=insecure")
            (mail,) = mails
            assert "Subject: site3 is offline" in mail
            assert "the name is not resolved in time" in mail
            assert "To: ops@example.org" in mail

    asyncio.run(main())


def test_ntfy_gets_a_message_whose_name_is_no_markup_and_no_template() -> None:
    async def main() -> None:
        async with receiving() as receiver:
            await send(f"ntfy://localhost:{receiver.port}/alerts", post_of("<b>{{ x }}\\n*a*"))
            (request,) = receiver.requests
            assert request.json["topic"] == "alerts"
            assert "<b>{{ x }}\\n*a* is offline" in request.json["title"]

    asyncio.run(main())


def test_service_that_refuses_is_named_with_its_reason_and_without_the_address() -> None:
    async def main() -> None:
        async with receiving() as receiver:
            receiver.answers = [Answer(401)]
            with pytest.raises(ChannelError, match=r"JSON did not take the alert: .*error=401") as caught:
                await send(f"json://user:geheim99@localhost:{receiver.port}/path-token")
            assert "geheim99" not in str(caught.value) and "path-token" not in str(caught.value)
        with pytest.raises(ChannelError, match=r"[Cc]onnection error"):
            await send("json://127.0.0.1:1/path-token")

    asyncio.run(main())


def test_no_log_holds_an_address_however_much_is_written(tmp_path: Path) -> None:
    """In a process of its own: pytest listens to loggers that nothing else does."""
    script = """
import asyncio, sys
from pathlib import Path
from pingmon_gui import log
from pingmon_gui.domain.error import ChannelError
from tests.alerts.test_apprise import send
from tests.alerts.test_webhook import post_of
from tests.alerts.receiver import receiving
from pingmon_gui.alerts.webhook import WebhookSender
from pingmon_gui.domain.alert_channel import ChannelSecret
from tests.domain.alert_play import hook
log.set_up(Path(sys.argv[1]), debug=True, on_stderr=True)
async def main():
    async with receiving() as receiver:
        await send(f"json://user:geheim99@localhost:{receiver.port}/path-token")
        await WebhookSender(hook(), ChannelSecret(receiver.url)).send(post_of(), 0)
        assert len(receiver.requests) == 2
    for url in ("json://user:geheim99@127.0.0.1:1/path-token", "slack://path-token"):
        try:
            await send(url)
        except ChannelError:
            pass
asyncio.run(main())
log.take_down()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    written = done.stdout + done.stderr + (tmp_path / "log" / "pingmon.log").read_text()
    assert not any(secret in written for secret in ("geheim99", "path-token", "secret-token")), written


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "begins with the name of a service"),
        ("ops@example.org", "begins with the name of a service"),
        ("slak://TOKENTOKEN", "knows no service “slak”"),
        ("slack://TOKENTOKEN/x y", "does not fit Slack"),
        ("exec://rm", "knows no service"),
    ],
)
def test_wrong_address_is_said_where_it_is_typed(url: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as caught:
        asyncio.run(check_apprise(ChannelSecret(url)))
    assert "TOKENTOKEN" not in f"{caught.value.message} {caught.value.hint}"


def test_name_of_the_service_is_what_is_shown() -> None:
    assert (
        asyncio.run(check_apprise(ChannelSecret("tgram://123456789:abcdefghijklmnopqrstuvwxyz123456789/5/")))
        == "Telegram"
    )
