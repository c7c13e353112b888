"""`pingmon alert`: what was told, the rules and channels, a test of a channel, and pausing all alerts."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access, output
from pingmon_gui.console.option import WrongUsage, duration_ms
from pingmon_gui.console.span import add_span_options, span_ms
from pingmon_gui.domain.alert import Alert
from pingmon_gui.domain.alert_channel import Channel, ChannelId, ChannelKind, ChannelSecret, new_channel_id
from pingmon_gui.domain.alert_rule import AlertBook, first_book
from pingmon_gui.domain.alert_words import alert_text, summary
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.quiet_hours import next_morning_ms

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_TOMORROW = "tomorrow"


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "alert",
        parents=[common],
        help="what was told, rules, channels, and pausing all alerts",
        description="Show what was told by alerts and where, test a channel, pause all alerts. Rules are edited in the "
        "window, or declared in a pingmon.toml.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=type(parser))
    listing = actions.add_parser("list", parents=[common], help="alerts of a span of time, newest first")
    add_span_options(listing, "7d")
    listing.add_argument("--open", action="store_true", help="only what lasts still")
    listing.set_defaults(run=run_list)
    rules = actions.add_parser("rules", parents=[common], help="who is told what, after how long")
    rules.set_defaults(run=run_rules)
    channels = actions.add_parser("channels", parents=[common], help="ways by which alerts leave, and what waits there")
    channels.set_defaults(run=run_channels)
    test = actions.add_parser("test", parents=[common], help="send a test by a channel")
    add = actions.add_parser(
        "add-channel",
        parents=[common],
        help="add a channel",
        description="Add a channel. Its address is asked for, or read from stdin, because it is a secret; it is kept "
        "in the system's keyring, or in a file that only you can read.",
    )
    remove = actions.add_parser("remove-channel", parents=[common], help="remove a channel from all rules")
    for action, run in ((test, run_test), (add, run_add), (remove, run_remove)):
        action.add_argument("channel", metavar="CHANNEL", help="its name")
        action.set_defaults(run=run)
    add.add_argument("--kind", choices=("webhook", "apprise"), required=True)
    pause = actions.add_parser("pause", parents=[common], help="tell nothing for a while")
    pause.add_argument("duration", metavar="TIME", help=f"1h, 4h, or “{_TOMORROW}”")
    pause.set_defaults(run=run_pause)
    resume = actions.add_parser("resume", parents=[common], help="end a pause")
    resume.set_defaults(run=run_resume)


def run_list(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    from_ms, to_ms = span_ms(args, now_ms)
    nothing: list[Alert] = []
    found = access.read(args.data_dir, lambda store: store.alerts(from_ms, to_ms), nothing)
    documents = [_alert_json(alert, now_ms) for alert in found if alert.is_open or not args.open]
    if args.json:
        output.write_json({"from_ms": from_ms, "to_ms": to_ms, "alerts": documents})
    elif not documents:
        output.say("No alerts in that time.")
    else:
        output.write_table(
            ("ALERTED", "STATE", "WHAT"),
            ((output.local_time(one["opened_at_ms"]), one["state"], one["title"]) for one in documents),
        )
    return 0


def run_rules(args: argparse.Namespace) -> int:
    book = _book(args)
    names = {channel.id: channel.name for channel in book.channels.values()}
    if args.json:
        output.write_json({"rules": [rule.to_json() for rule in book.rules]})
        return 0
    output.write_table(
        ("RULE", "ON", "TELLS OF", "AFTER", "WHERE", "CHANNELS"),
        (
            (
                rule.name,
                "yes" if rule.is_enabled else "no",
                ", ".join(word for word in rule.to_json()["kinds"]),
                output.duration(rule.after_ms) if rule.after_ms else "at once",
                "all" if rule.scope.is_all else f"{len(rule.scope.monitors)} domains, {len(rule.scope.tags)} tags",
                ", ".join(names[channel] for channel in rule.channels if channel in names) or "the list alone",
            )
            for rule in book.rules
        ),
    )
    _say_pause(book)
    return 0


def run_channels(args: argparse.Namespace) -> int:
    book = _book(args)

    async def query(store: Store) -> dict[ChannelId, int]:
        waiting = (await store.alert_memory()).waiting
        return {id_: sum(one.post.channel == id_ for one in waiting) for id_ in book.channels}

    nothing: dict[ChannelId, int] = {}
    waiting = access.read(args.data_dir, query, nothing)
    documents = [{**channel.to_json(), "waiting": waiting.get(channel.id, 0)} for channel in book.channels.values()]
    if args.json:
        output.write_json({"channels": documents, "paused_until_ms": _paused_until_ms(book)})
        return 0
    output.write_table(
        ("CHANNEL", "KIND", "ON", "WAITING", "LEADS TO"),
        (
            (one["name"], one["kind"], "yes" if one["is_enabled"] else "no", str(one["waiting"]), one["shown"])
            for one in documents
        ),
    )
    _say_pause(book)
    return 0


def run_test(args: argparse.Namespace) -> int:
    channel = _find(_book(args), args.channel)

    async def alone(_store: Store) -> Json:
        await _send_test(args, channel)
        return {}

    access.carry_out(args.data_dir, {"command": "alert.test", "channel": channel.id}, alone)
    if args.json:
        output.write_json({"channel": channel.name, "sent": True})
    else:
        output.say(f"The test was delivered by “{channel.name}”.")
    return 0


def run_add(args: argparse.Namespace) -> int:
    from pingmon_gui.alerting import checked_address

    book = _book(args)
    if any(one.name.casefold() == args.channel.casefold() for one in book.channels.values()):
        raise InvalidInput(f"There is a channel “{args.channel[:60]}” already.")
    channel = Channel(new_channel_id(), ChannelKind(args.kind), " ".join(args.channel.split()))
    url = getpass.getpass("Address: ") if sys.stdin.isatty() else sys.stdin.readline()
    secret = ChannelSecret(url.strip())
    channel = replace(channel, shown=asyncio.run(checked_address(channel, secret)))

    async def alone(store: Store) -> Json:
        from pingmon_gui.fleet.secret_store import ChannelSecretStore

        await asyncio.to_thread(ChannelSecretStore(args.data_dir).save, channel.id, secret)
        known = await store.alert_book() or first_book()
        await store.save_alert_book(replace(known, channels={**known.channels, channel.id: channel}))
        return {}

    request = {"command": "alert.channel.add", "channel": channel.to_json(), "secret": secret.to_json()}
    access.carry_out(args.data_dir, request, alone)
    if args.json:
        output.write_json({"channel": channel.to_json()})
    else:
        test = shlex.join(("pingmon", "alert", "test", channel.name))
        output.say(f"Added “{channel.name}” ({channel.shown}). Send a test: {test}")
    return 0


def run_remove(args: argparse.Namespace) -> int:
    channel = _find(_book(args), args.channel)

    async def alone(store: Store) -> Json:
        from pingmon_gui.fleet.secret_store import ChannelSecretStore

        known = await store.alert_book() or first_book()
        rules = tuple(rule.without_channel(channel.id) for rule in known.rules)
        channels = {id_: one for id_, one in known.channels.items() if id_ != channel.id}
        await store.save_alert_book(replace(known, rules=rules, channels=channels))
        await asyncio.to_thread(ChannelSecretStore(args.data_dir).forget, channel.id)
        return {}

    access.carry_out(args.data_dir, {"command": "alert.channel.remove", "channel": channel.id}, alone)
    if args.json:
        output.write_json({"channel": channel.name})
    return 0


def run_pause(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    if args.duration == _TOMORROW:
        return _pause(args, next_morning_ms(now_ms))
    try:
        return _pause(args, now_ms + duration_ms(args.duration))
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc


def run_resume(args: argparse.Namespace) -> int:
    return _pause(args, 0)


def _pause(args: argparse.Namespace, until_ms: int) -> int:
    async def alone(store: Store) -> Json:
        known = await store.alert_book() or first_book()
        await store.save_alert_book(replace(known, paused_until_ms=until_ms))
        return {}

    access.carry_out(args.data_dir, {"command": "alert.pause", "until_ms": until_ms}, alone)
    if args.json:
        output.write_json({"paused_until_ms": until_ms or None})
    elif until_ms:
        output.say(f"All alerts are paused until {output.local_time(until_ms)}.")
    else:
        output.say("Alerts are told again.")
    return 0


def _book(args: argparse.Namespace) -> AlertBook:
    """Return rules and channels; those of a first start where there were none yet."""
    nothing: AlertBook | None = None
    return access.read(args.data_dir, lambda store: store.alert_book(), nothing) or first_book()


def _find(book: AlertBook, name: str) -> Channel:
    wanted = " ".join(name.split()).casefold()
    for channel in book.channels.values():
        if wanted in (channel.name.casefold(), str(channel.id)):
            return channel
    raise InvalidInput(f"There is no channel “{name[:60]}”.", "“pingmon alert channels” shows what there is.")


async def _send_test(args: argparse.Namespace, channel: Channel) -> None:
    """Send a test without an owner of the data folder. Raises ChannelError."""
    from pingmon_gui.alerting import sender_of, test_post
    from pingmon_gui.fleet.secret_store import ChannelSecretStore

    if channel.kind is ChannelKind.DESKTOP:
        raise InvalidInput("Notifications of the desktop come from the window.", "Start Pingmon, then try again.")
    secret = await asyncio.to_thread(ChannelSecretStore(args.data_dir).load, channel.id)
    await sender_of(channel, secret).send(test_post(channel.id, access.now_ms()), access.now_ms())


def _alert_json(alert: Alert, now_ms: int) -> Json:
    words = alert_text(summary(alert, now_ms), now_ms)
    return {
        "id": f"{alert.id:x}",
        "kind": alert.kind.value,
        "title": words.title,
        "text": words.text,
        "state": "acknowledged" if alert.is_open and alert.is_acknowledged else "open" if alert.is_open else "over",
        "opened_at_ms": alert.opened_at_ms,
        "closed_at_ms": alert.closed_at_ms,
        "items": [item.to_json() for item in alert.items.values()],
    }


def _paused_until_ms(book: AlertBook) -> int | None:
    return book.paused_until_ms if book.paused_until_ms > access.now_ms() else None


def _say_pause(book: AlertBook) -> None:
    until_ms = _paused_until_ms(book)
    if until_ms is not None:
        output.say(f"All alerts are paused until {output.local_time(until_ms)}.")
