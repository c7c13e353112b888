"""Alerts: rules and channels, what decisions remember, alerts, deliveries; each function inside one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import peewee

from pingmon_gui.domain.alert import Alert, AlertId, AlertItem, Matter, MatterKey, Post
from pingmon_gui.domain.alert_change import AlertChange, AlertMemory
from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_rule import AlertBook, AlertRule, RuleId
from pingmon_gui.domain.alert_state import AlertState, Habit, HabitKey
from pingmon_gui.domain.delivery import Delivery, DeliveryState
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.store.chunk import damaged
from pingmon_gui.store.table import AlertChannelRow, AlertItemRow, AlertMemoryRow, AlertRow, AlertRuleRow, DeliveryRow

_PAUSED_UNTIL = "alerts_paused_until_ms"
_IDS_PER_QUERY = 500
_WRONG = (ValueError, TypeError, KeyError, AttributeError, InvalidInput)


def read_memory(database: peewee.SqliteDatabase) -> AlertMemory:
    """Return everything that decisions and the outbox go on from. Raises StorageCorrupt."""
    try:
        matters: dict[MatterKey, Matter] = {}
        habits: dict[HabitKey, Habit] = {}
        for row in AlertMemoryRow.select().execute(database):
            kind, _, key = row.key.partition(":")
            document = json.loads(row.document)
            if kind == "matter":
                matters[MatterKey(key)] = Matter.from_json(document)
            else:
                rule, monitor = key.split("/")
                fired = tuple(document["fired_at_ms"])
                habits[RuleId(int(rule)), MonitorId(int(monitor))] = Habit(fired, document["moved_at_ms"])
        live = {alert.id: alert for alert in _alerts(database, AlertRow.is_live == 1)}
        return AlertMemory(read_book(database), AlertState(matters, live, habits), waiting(database))
    except _WRONG as exc:
        raise damaged(exc) from exc


def read_book(database: peewee.SqliteDatabase) -> AlertBook | None:
    """Return rules and channels in the user's order, None where there never were any. Raises StorageCorrupt."""
    paused = database.execute_sql("SELECT value FROM meta WHERE key = ?", (_PAUSED_UNTIL,)).fetchone()
    if paused is None:
        return None
    try:
        rules = [
            json.loads(row.document) for row in AlertRuleRow.select().order_by(AlertRuleRow.place).execute(database)
        ]
        rows = AlertChannelRow.select().order_by(AlertChannelRow.place).execute(database)
        channels = [Channel.from_json(json.loads(row.document)) for row in rows]
        return AlertBook(
            tuple(AlertRule.from_json(rule) for rule in rules), {one.id: one for one in channels}, int(paused[0])
        )
    except _WRONG as exc:
        raise damaged(exc) from exc


def write_book(database: peewee.SqliteDatabase, book: AlertBook) -> None:
    """Keep rules, channels and the pause in place of those before."""
    database.execute_sql("DELETE FROM alert_rule")
    database.execute_sql("DELETE FROM alert_channel")
    connection = database.connection()
    for table, documents in (
        ("alert_rule", [rule.to_json() for rule in book.rules]),
        ("alert_channel", [channel.to_json() for channel in book.channels.values()]),
    ):
        connection.executemany(
            f"INSERT INTO {table} (id, document) VALUES (?, ?)",
            [(document["id"], _text(document)) for document in documents],
        )
    database.execute_sql("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_PAUSED_UNTIL, str(book.paused_until_ms)))


def write_change(database: peewee.SqliteDatabase, change: AlertChange) -> None:
    """Keep what a decision changed; doing it twice is harmless."""
    connection = database.connection()
    rows: list[tuple[str, Any]] = [(f"matter:{key}", matter) for key, matter in change.matters.items()]
    rows += [(f"habit:{rule}/{monitor}", habit) for (rule, monitor), habit in change.habits.items()]
    connection.executemany("DELETE FROM alert_memory WHERE key = ?", [(key,) for key, value in rows if value is None])
    connection.executemany(
        "INSERT OR REPLACE INTO alert_memory VALUES (?, ?)",
        [(key, _text(value.to_json())) for key, value in rows if value is not None],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO alert (id, opened_at_ms, closed_at_ms, is_live, document) VALUES (?, ?, ?, ?, ?)",
        [
            (one.id, one.opened_at_ms, one.closed_at_ms, change.is_live(one), _text(one.head_json()))
            for one in change.alerts
        ],
    )
    for alert in change.alerts:
        place_of = {key: place for place, key in enumerate(alert.items)}
        connection.executemany(
            "DELETE FROM alert_item WHERE alert = ? AND key = ?",
            [(alert.id, key) for key in change.gone_items.get(alert.id, ())],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO alert_item (alert, key, place, document) VALUES (?, ?, ?, ?)",
            [
                (alert.id, item.key, place_of[item.key], _text(item.to_json()))
                for item in change.items.get(alert.id, ())
            ],
        )
    connection.executemany(
        "INSERT OR IGNORE INTO delivery (key, alert, channel, at_ms, state, tries, error, document)"
        " VALUES (?, ?, ?, ?, 0, 0, '', ?)",
        [(post.key, post.alert, post.channel, post.at_ms, _text(post.to_json())) for post in change.posts],
    )


def write_deliveries(database: peewee.SqliteDatabase, deliveries: Iterable[Delivery]) -> None:
    """Keep how far deliveries are; one that was never kept is added."""
    database.connection().executemany(
        "INSERT INTO delivery (key, alert, channel, at_ms, state, tries, error, done_at_ms, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
        " state = excluded.state, tries = excluded.tries, error = excluded.error, done_at_ms = excluded.done_at_ms",
        [
            (
                one.key,
                one.post.alert,
                one.post.channel,
                one.post.at_ms,
                int(one.state),
                one.tries,
                one.error,
                one.done_at_ms,
                _text(one.post.to_json()),
            )
            for one in deliveries
        ],
    )


def waiting(database: peewee.SqliteDatabase) -> list[Delivery]:
    """Return what still has to be sent, oldest first. Raises StorageCorrupt."""
    condition = DeliveryRow.state == int(DeliveryState.WAITING)
    return _deliveries(DeliveryRow.select().where(condition).order_by(DeliveryRow.place).execute(database))


def deliveries(
    database: peewee.SqliteDatabase, limit: int, channel: ChannelId | None = None, alert: AlertId | None = None
) -> list[Delivery]:
    """Return the newest deliveries, newest first, of one channel or alert where one is given. Raises StorageCorrupt."""
    query = DeliveryRow.select().order_by(DeliveryRow.place.desc()).limit(limit)
    if channel is not None:
        query = query.where(DeliveryRow.channel == channel)
    if alert is not None:
        query = query.where(DeliveryRow.alert == alert)
    return _deliveries(query.execute(database))


def alerts(database: peewee.SqliteDatabase, from_ms: int, to_ms: int, limit: int) -> list[Alert]:
    """Return the newest alerts of [from_ms, to_ms) and those that last still, newest first. Raises StorageCorrupt."""
    condition = (AlertRow.opened_at_ms < to_ms) & ((AlertRow.opened_at_ms >= from_ms) | AlertRow.closed_at_ms.is_null())
    return _alerts(database, condition, limit)


def alert(database: peewee.SqliteDatabase, id_: AlertId) -> Alert | None:
    """Return one alert, None where there is none with this id. Raises StorageCorrupt."""
    found = _alerts(database, AlertRow.id == id_)
    return found[0] if found else None


def _alerts(database: peewee.SqliteDatabase, condition: peewee.Expression, limit: int | None = None) -> list[Alert]:
    query = AlertRow.select().where(condition).order_by(AlertRow.opened_at_ms.desc(), AlertRow.id)
    rows = list((query if limit is None else query.limit(limit)).execute(database))
    try:
        items = _items(database, [row.id for row in rows])
        return [
            Alert.from_rows(
                AlertId(row.id), row.opened_at_ms, row.closed_at_ms, json.loads(row.document), items.get(row.id, ())
            )
            for row in rows
        ]
    except _WRONG as exc:
        raise damaged(exc) from exc


def _items(database: peewee.SqliteDatabase, ids: Sequence[int]) -> dict[int, list[AlertItem]]:
    found: dict[int, list[AlertItem]] = {}
    for start in range(0, len(ids), _IDS_PER_QUERY):
        condition = AlertItemRow.alert.in_(list(ids[start : start + _IDS_PER_QUERY]))
        query = AlertItemRow.select().where(condition).order_by(AlertItemRow.alert, AlertItemRow.place)
        for row in query.execute(database):
            found.setdefault(row.alert, []).append(AlertItem.from_json(json.loads(row.document)))
    return found


def _deliveries(rows: Iterable[Any]) -> list[Delivery]:
    try:
        return [
            Delivery(
                Post.from_json(json.loads(row.document)),
                DeliveryState(row.state),
                row.tries,
                row.error,
                row.done_at_ms,
            )
            for row in rows
        ]
    except _WRONG as exc:
        raise damaged(exc) from exc


def forget_old(database: peewee.SqliteDatabase, before_ms: int, limit: int) -> int:
    """Delete some alerts and deliveries that were over before a time; return how many."""
    old = database.execute_sql(
        "SELECT id FROM alert WHERE opened_at_ms < ? AND closed_at_ms < ? AND NOT is_live LIMIT ?",
        (before_ms, before_ms, limit),
    ).fetchall()
    connection = database.connection()
    connection.executemany("DELETE FROM alert_item WHERE alert = ?", old)
    connection.executemany("DELETE FROM delivery WHERE alert = ? AND state <> 0", old)
    connection.executemany("DELETE FROM alert WHERE id = ?", old)
    tests = database.execute_sql(
        "DELETE FROM delivery WHERE place IN (SELECT place FROM delivery WHERE state <> 0 AND at_ms < ?"
        " AND alert NOT IN (SELECT id FROM alert) LIMIT ?)",
        (before_ms, limit),
    )
    return len(old) + int(tests.rowcount)


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
