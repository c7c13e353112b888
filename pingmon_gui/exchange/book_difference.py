"""What a file would change of alert rules and channels, told apart by name, as domains are by address."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind, new_channel_id
from pingmon_gui.domain.alert_rule import AlertBook, AlertRule, first_book, new_rule_id
from pingmon_gui.domain.book_change import BookChange, RuleWish
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.exchange.declared_channel import DeclaredChannel
from pingmon_gui.exchange.declared_field import toml_text
from pingmon_gui.exchange.declared_rule import DeclaredRule, rule_pairs
from pingmon_gui.exchange.named_scope import watched_of
from pingmon_gui.exchange.reading import NamedBook
from pingmon_gui.exchange.step import Action, Step, What, field_changes


@dataclass(frozen=True)
class BookDifference:
    """The steps, sentences about what is left out or needs a person, and the change that carries them out."""

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    change: BookChange = field(default_factory=BookChange)
    unlisted: tuple[str, ...] = ()


def imported_difference(
    named: NamedBook, book: AlertBook, urls: Mapping[MonitorId, str], arriving: Collection[str]
) -> BookDifference:
    """Compare an export with what is there: what has a name of the file becomes as the file has it, the rest stays.

    `arriving` are the addresses of domains that come with it. Rules of a first start that nobody touched give way.
    """
    if not named.rules and not named.channels:
        return BookDifference()
    # Whether a channel has its address, and so can be on, only this computer knows.
    wanted = [(one, one.is_enabled if one.kind is ChannelKind.DESKTOP else None) for one in named.channels]
    channels = _compared_channels(wanted, book)
    notes = list(channels.notes)
    watched = {*urls.values(), *arriving}
    wishes: list[RuleWish] = []
    for wish in named.rules:
        kept, note = watched_of(f"The alert rule “{wish.rule.name}”", wish.rule.scope, wish.urls, watched)
        if note is not None:
            notes.append(note)
        if kept is not None:
            wishes.append(RuleWish(_with_channels(wish.rule, channels.ids), kept))
    is_untouched = replace(book, paused_until_ms=0) == first_book()
    rules = _compared_rules(wishes, channels.in_book(book), urls, prune=is_untouched)
    return _joined(channels, rules, notes)


@dataclass(frozen=True)
class _Channels:
    """What becomes of the channels of a file; `ids` are ours by those of the file."""

    ids: Mapping[ChannelId, ChannelId]
    changed: tuple[Channel, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    def in_book(self, book: AlertBook) -> AlertBook:
        return replace(book, channels={**book.channels, **{channel.id: channel for channel in self.changed}})


def _joined(channels: _Channels, rules: BookDifference, notes: Sequence[str]) -> BookDifference:
    return BookDifference(
        (*channels.steps, *rules.steps),
        (*notes, *rules.notes),
        replace(rules.change, channels=channels.changed),
        rules.unlisted,
    )


def _compared_channels(channels: Sequence[tuple[Channel, bool | None]], book: AlertBook) -> _Channels:
    """Compare channels, each with whether it is to be on (None: as it is). A new one needs its address first."""
    steps: list[Step] = []
    notes: list[str] = []
    ids: dict[ChannelId, ChannelId] = {}
    changed: list[Channel] = []
    by_name: dict[str, Channel] = {}
    for there in book.channels.values():
        by_name.setdefault(there.name.casefold(), there)
    for channel, is_enabled in channels:
        is_desktop = channel.kind is ChannelKind.DESKTOP
        known = book.channels.get(DESKTOP) if is_desktop else by_name.get(channel.name.casefold())
        if known is not None and known.kind is not channel.kind:
            notes.append(f"The channel “{channel.name}” is left out: one of another kind has its name.")
            continue
        if known is None:
            ids[channel.id] = DESKTOP if is_desktop else new_channel_id()
            wanted = replace(channel, id=ids[channel.id], is_enabled=is_desktop and is_enabled is not False)
            if not is_desktop:
                added = f"The channel “{channel.name}” is added, turned off: its address is in no file."
                notes.append(f"{added} Enter it under Alerts.")
        else:
            ids[channel.id] = known.id
            is_on = known.is_enabled if is_enabled is None else is_enabled
            wanted = replace(channel, id=known.id, shown=known.shown, is_enabled=is_on)
        if fields := field_changes({} if known is None else _written(known), _written(wanted)):
            changed.append(wanted)
            action = Action.ADD if known is None else Action.CHANGE
            steps.append(Step(action, channel.name, fields=() if known is None else fields, what=What.CHANNEL))
        by_name.setdefault(wanted.name.casefold(), wanted)
    return _Channels(ids, tuple(changed), tuple(steps), tuple(notes))


def declared_difference(
    declared_channels: Sequence[DeclaredChannel],
    rules: Sequence[DeclaredRule],
    book: AlertBook,
    urls: Mapping[MonitorId, str],
    *,
    prune: bool,
) -> BookDifference:
    """Compare declared rules and channels with what is there. A file that declares no rules has no say in them."""
    channels = _compared_channels([(one.channel, one.is_enabled) for one in declared_channels], book)
    if not rules:
        return _joined(channels, BookDifference(), channels.notes)
    ids = {**{id_: id_ for id_ in book.channels}, **channels.ids}
    known = {rule.name.casefold(): rule for rule in reversed(book.rules)}
    wishes = []
    for declared in rules:
        wish = declared.wish
        before = known.get(wish.rule.name.casefold())
        if declared.is_enabled is None and before is not None:
            wish = replace(wish, rule=replace(wish.rule, is_enabled=before.is_enabled))
        wishes.append(replace(wish, rule=_with_channels(wish.rule, ids)))
    return _joined(channels, _compared_rules(wishes, channels.in_book(book), urls, prune=prune), channels.notes)


def _compared_rules(
    wishes: Sequence[RuleWish], book: AlertBook, urls: Mapping[MonitorId, str], *, prune: bool
) -> BookDifference:
    known: dict[str, AlertRule] = {}
    doubles = [rule for rule in book.rules if known.setdefault(rule.name.casefold(), rule) is not rule]
    steps: list[Step] = []
    notes: list[str] = []
    changed: list[RuleWish] = []
    seen: set[str] = set()
    for wish in wishes:
        name = wish.rule.name.casefold()
        if name in seen:
            notes.append(f"The alert rule “{wish.rule.name}” stands in the file twice; the first is taken.")
            continue
        seen.add(name)
        before = known.pop(name, None)
        wanted = replace(wish, rule=replace(wish.rule, id=new_rule_id() if before is None else before.id))
        old = {} if before is None else _texts(RuleWish(before), book, urls)
        if fields := field_changes(old, _texts(wanted, book, urls)):
            changed.append(wanted)
            action = Action.ADD if before is None else Action.CHANGE
            steps.append(Step(action, wish.rule.name, fields=() if before is None else fields, what=What.RULE))
    unlisted = [*known.values(), *doubles]
    if prune:
        steps += [Step(Action.REMOVE, rule.name, what=What.RULE) for rule in unlisted]
    return BookDifference(
        tuple(steps),
        tuple(notes),
        BookChange(tuple(changed), rules_removed=tuple(rule.id for rule in unlisted) if prune else ()),
        () if prune else tuple(rule.name for rule in unlisted),
    )


def _texts(wish: RuleWish, book: AlertBook, urls: Mapping[MonitorId, str]) -> dict[str, str]:
    pairs = rule_pairs(wish, book.channels, urls).items()
    return {key: value if isinstance(value, str) else toml_text(value) for key, value in pairs}


def _written(channel: Channel) -> dict[str, str]:
    return {
        "name": channel.name,
        "kind": channel.kind.value,
        "enabled": "true" if channel.is_enabled else "false",
        "wait": f"{channel.gather_s}s",
        "template": channel.template,
        "content_type": channel.content_type,
    }


def _with_channels(rule: AlertRule, ids: Mapping[ChannelId, ChannelId]) -> AlertRule:
    """Return a rule of the file with our channels; those that are not taken over are left out."""
    for channel in {*rule.channels, *(rule.escalation.channels if rule.escalation is not None else ())} - ids.keys():
        rule = rule.without_channel(channel)
    escalation = rule.escalation
    if escalation is not None:
        escalation = replace(escalation, channels=tuple(ids[id_] for id_ in escalation.channels))
    return replace(rule, channels=tuple(ids[id_] for id_ in rule.channels), escalation=escalation)
