"""Monitors, alert rules and whole configurations, for properties that have to hold for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from pingmon_gui.domain.alert_channel import Channel, ChannelId, ChannelKind, desktop_channel
from pingmon_gui.domain.alert_rule import (
    MAX_WAIT_MS,
    RULE_KINDS,
    AlertBook,
    AlertRule,
    Escalation,
    Flapping,
    QuietEnd,
    RuleId,
    SlowCondition,
    SlowUnit,
)
from pingmon_gui.domain.change import WindowWish
from pingmon_gui.domain.maintenance import Cron, MaintenanceWindow, Once, Weekly, WindowId
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings, fitted
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.quiet_hours import QuietSpan
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.scope import Scope
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange.configuration import Configuration

#: What people write in names and keywords, and what makes trouble in CSV, TOML and JSON.
_LETTERS = st.sampled_from("aZ09 =+-@'\"\\,;#[]{}<>|&%$!\t日é😀‘＝") | st.characters(
    exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp")
)
_NAMES = st.text(_LETTERS, max_size=30).map(lambda text: " ".join(text.split()))
_NAMES_PRINTABLE = _NAMES.filter(str.isprintable)
_TAGS = st.text(st.sampled_from("abcé=+@-' _") | st.sampled_from("日&'\""), max_size=12).map(
    lambda text: " ".join(text.split())
)
_STATUSES = st.tuples(st.integers(100, 599), st.integers(100, 599)).map(lambda pair: (min(pair), max(pair)))
_KEYWORDS = st.text(_LETTERS | st.sampled_from("\n\r\t\x7f\x1b"), min_size=1, max_size=40)
_WEBSITES = st.builds(
    "{}://{}.example{}{}".format,
    st.sampled_from(["http", "https"]),
    st.text(st.sampled_from("abcdefghij"), min_size=1, max_size=8),
    st.sampled_from(["", ":8080"]),
    st.sampled_from(["/", "/x/y?z=1", "/a%20b", "/=cmd", "/'x"]),
).map(lambda text: parse_target(text).url)
_OTHERS = st.builds(
    str.format,
    st.sampled_from(
        [
            "tcp://{}.example:22",
            "tcp://{}.example:993?tls=yes",
            "tls://{}.example?starttls=imap",
            "dns://{}.example?type=TXT&server=9.9.9.9",
            "icmp://{}.example",
        ]
    ),
    st.text(st.sampled_from("abcdefghij"), min_size=1, max_size=8),
)
URLS = _WEBSITES | _OTHERS
#: What is sent and expected: an escape is a backslash and a letter, so a backslash alone is left out.
_TALK = st.none() | st.lists(_LETTERS.filter(lambda letter: letter != "\\") | st.just(r"\r\n"), min_size=1).map("".join)
_RECORDS = st.lists(st.sampled_from(["v=spf1 -all", "a, b", "=cmd", 'say "x"']), min_size=1, max_size=3, unique=True)


@st.composite
def _settings(draw: st.DrawFn) -> MonitorSettings:
    timeout_ms = draw(st.integers(100, 30_000))
    keyword = draw(st.none() | _KEYWORDS)
    return MonitorSettings(
        interval_ms=draw(st.integers(5_000, 3_600_000)),
        timeout_ms=timeout_ms,
        slow_ms=draw(st.integers(1, timeout_ms)),
        family=draw(st.sampled_from([0, 4, 6])),
        status_set=tuple(draw(st.lists(_STATUSES, min_size=1, max_size=4))),
        keyword=keyword,
        keyword_absent=draw(st.booleans()) if keyword is not None else False,
        ignore_certificate=draw(st.booleans()),
        basic_auth=draw(st.none() | _NAMES_PRINTABLE.map(lambda text: f"u:{text}")),
        send=draw(_TALK),
        expect=draw(_TALK),
        echo_count=draw(st.integers(1, 10)),
        max_loss_percent=draw(st.integers(0, 99)),
        **draw(_DNS),
        **draw(_REQUESTS),
    )


_REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "headers": st.lists(
            st.tuples(
                st.sampled_from(["Accept", "X-Key", "User-Agent"]), st.sampled_from(["a", "b: c", '"x", y', "=1"])
            ),
            max_size=2,
            unique_by=lambda pair: pair[0],
        ).map(tuple),
        "no_redirects": st.booleans(),
        "json_conditions": st.sampled_from([("a.b == 1",), ('$["x y"]', 'a contains "é"')]),
        "header_conditions": st.sampled_from([("X-A",), ("X-A == =1", "X-B contains a, b")]),
        "min_bytes": st.integers(0, 5),
        "max_bytes": st.none() | st.integers(5, 2**20 - 1),
    },
) | st.fixed_dictionaries(
    {"method": st.sampled_from(["POST", "PUT"]), "body": _TALK.filter(lambda text: text is None or len(text) < 9_000)}
)

_DNS = st.sampled_from([{}, {"dns_match": "none"}]) | st.builds(
    lambda match, records: {"dns_match": match, "dns_answers": tuple(records)},
    st.sampled_from(["exact", "contains"]),
    _RECORDS,
)


@st.composite
def _tag_tuples(draw: st.DrawFn) -> tuple[str, ...]:
    tags = draw(st.lists(_TAGS.filter(bool), max_size=4, unique_by=str.casefold))
    return tuple(tags)


def _monitor(url: str, settings: MonitorSettings, **others: Any) -> Monitor:
    """Return a monitor with the settings that its kind has: no other gets in anywhere."""
    return Monitor(url=url, settings=fitted(settings, url), **others)


MONITORS = st.lists(
    st.builds(
        _monitor,
        id=st.integers(2, 2**53 - 1).map(MonitorId),
        version=st.integers(1, 5),
        url=URLS,
        name=_NAMES_PRINTABLE,
        settings=_settings(),
        created_at_ms=st.integers(0, 2**42),
        tags=_tag_tuples(),
        is_paused=st.booleans(),
        regions=st.none() | st.lists(st.sampled_from(Region), unique=True).map(tuple),
    ),
    max_size=5,
    unique_by=(lambda monitor: monitor.url, lambda monitor: monitor.id),
)

_WAITS = st.integers(60_000, MAX_WAIT_MS)
_CHANNEL_NAMES = _NAMES_PRINTABLE.filter(bool)
_CHANNELS = st.builds(
    Channel,
    id=st.integers(2, 2**53 - 1).map(ChannelId),
    kind=st.sampled_from([ChannelKind.WEBHOOK, ChannelKind.APPRISE]),
    name=_CHANNEL_NAMES,
    is_enabled=st.booleans(),
    gather_s=st.integers(0, 120),
    template=st.text(_LETTERS, max_size=20),
)


@st.composite
def _scopes(draw: st.DrawFn, monitors: list[Monitor]) -> Scope:
    tags = frozenset(draw(_tag_tuples()))
    ids = frozenset(draw(st.lists(st.sampled_from([m.id for m in monitors]), max_size=3))) if monitors else frozenset()
    return Scope(False, tags, ids) if (tags or ids) and draw(st.booleans()) else Scope()


@st.composite
def _slow(draw: st.DrawFn) -> SlowCondition:
    of = draw(st.integers(1, 12))
    return SlowCondition(draw(st.sampled_from(SlowUnit)), draw(st.integers(1, of)), of)


@st.composite
def _rules(draw: st.DrawFn, monitors: list[Monitor], channels: list[ChannelId]) -> AlertRule:
    def some(least: int) -> st.SearchStrategy[tuple[ChannelId, ...]]:
        return st.lists(st.sampled_from(channels), unique=True, min_size=least, max_size=len(channels)).map(tuple)

    return AlertRule(
        id=RuleId(draw(st.integers(1, 2**53 - 1))),
        name=draw(_CHANNEL_NAMES),
        kinds=frozenset(draw(st.lists(st.sampled_from(RULE_KINDS), min_size=1))),
        channels=draw(some(0)),
        scope=draw(_scopes(monitors)),
        after_ms=draw(st.integers(0, MAX_WAIT_MS)),
        slow=draw(_slow()),
        expiry_days=tuple(draw(st.lists(st.integers(1, 365), min_size=1, max_size=5))),
        remind_ms=draw(st.just(0) | _WAITS),
        quiet=tuple(
            QuietSpan(frozenset(draw(st.lists(st.integers(0, 6), min_size=1))), *draw(_MINUTES))
            for _ in range(draw(st.integers(0, 2)))
        ),
        quiet_end=draw(st.sampled_from(QuietEnd)),
        escalation=draw(st.none() | st.builds(Escalation, _WAITS, some(1))),
        flapping=draw(st.builds(Flapping, st.sampled_from([0, 2, 100]), _WAITS, _WAITS)),
        cool_down_ms=draw(st.integers(0, MAX_WAIT_MS)),
        is_enabled=draw(st.booleans()),
    )


_MINUTES = st.tuples(st.integers(0, 1439), st.integers(0, 1439))


@st.composite
def _books(draw: st.DrawFn, monitors: list[Monitor]) -> AlertBook:
    by_name = (lambda one: one.id, lambda one: one.name.casefold())
    desktop = desktop_channel()
    others = draw(st.lists(_CHANNELS, max_size=2, unique_by=by_name))
    channels = [desktop, *(one for one in others if one.name.casefold() != desktop.name.casefold())]
    rules = draw(st.lists(_rules(monitors, [one.id for one in channels]), max_size=3, unique_by=by_name))
    return AlertBook(tuple(rules), {one.id: one for one in channels}, draw(st.integers(0, 1)))


_LENGTHS = st.integers(60_000, 3_600_000)
_ZONES = st.sampled_from(["UTC", "Europe/Zurich", "America/St_Johns"])
_SCHEDULES = (
    st.builds(
        lambda start_ms, length_ms: Once(start_ms, start_ms + length_ms),
        st.integers(1_000, 240_000_000_000_000),
        st.integers(1, 366 * 86_400_000),
    )
    | st.builds(
        Weekly,
        st.lists(st.integers(0, 6), min_size=1, unique=True).map(lambda days: tuple(sorted(days))),
        st.integers(0, 1439),
        _LENGTHS,
        _ZONES,
    )
    | st.builds(Cron, st.sampled_from(["0 3 * * 1", "*/90 4 1,15 * *", "0 */2 * 2-4 mon#1"]), _LENGTHS, _ZONES)
)


@st.composite
def _windows(draw: st.DrawFn, monitors: list[Monitor]) -> MaintenanceWindow:
    return MaintenanceWindow(
        WindowId(draw(st.integers(1, 2**31))),
        draw(_CHANNEL_NAMES),
        draw(_SCHEDULES),
        draw(_scopes(monitors)),
        draw(st.integers(0, 2**42)),
    )


@st.composite
def _configurations(draw: st.DrawFn) -> Configuration:
    monitors = draw(MONITORS)
    by_name = (lambda one: one.id, lambda one: one.name.casefold())
    windows = draw(st.lists(_windows(monitors), max_size=3, unique_by=by_name))
    preferences = draw(st.sampled_from([{}, {"theme": "dark", "close_to_tray": False, "anchors": "192.0.2.1:53"}]))
    return Configuration(monitors, Preferences(preferences), book=draw(_books(monitors)), windows=windows, at_ms=1)


CONFIGURATIONS = _configurations()


def told(book: AlertBook, there: Configuration) -> list[dict[str, Any]]:
    """Return all rules of a book with names and addresses in place of ids."""
    documents = []
    for rule in book.rules:
        document = rule.to_json()
        del document["id"]
        named = [document, *([document["escalation"]] if document["escalation"] else [])]
        for part in named:
            part["channels"] = [book.channels[id_].name for id_ in part["channels"]]
        document["scope"]["monitors"] = sorted(there.urls[id_] for id_ in rule.scope.monitors)
        documents.append(document)
    return documents


def wished(wishes: Iterable[WindowWish]) -> list[tuple[Any, ...]]:
    """Return what windows a file wants, as `stands` tells of those that are there."""
    return [
        (w.draft.name, w.draft.schedule, w.draft.scope.is_all and not w.urls, w.draft.scope.tags, sorted(w.urls))
        for w in wishes
    ]


def stands(there: Configuration) -> list[tuple[Any, ...]]:
    """Return all windows with addresses in place of ids."""
    return [
        (w.name, w.schedule, w.scope.is_all, w.scope.tags, sorted(there.urls[id_] for id_ in w.scope.monitors))
        for w in there.windows
    ]
