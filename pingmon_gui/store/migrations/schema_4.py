"""Schema 4: alert rules and channels (without secrets), alerts with their items, deliveries, what policy remembers.

A delivery's `key` is the same for every try. Frozen.
"""

STATEMENTS = (
    """CREATE TABLE alert_rule (
        place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id INTEGER NOT NULL UNIQUE,
        document TEXT NOT NULL
    )""",
    """CREATE TABLE alert_channel (
        place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id INTEGER NOT NULL UNIQUE,
        document TEXT NOT NULL
    )""",
    "CREATE TABLE alert_memory (key TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE alert (
        id INTEGER NOT NULL PRIMARY KEY,
        opened_at_ms INTEGER NOT NULL,
        closed_at_ms INTEGER,
        is_live INTEGER NOT NULL,
        document TEXT NOT NULL
    )""",
    "CREATE INDEX alert_opened ON alert (opened_at_ms)",
    "CREATE INDEX alert_live ON alert (id) WHERE is_live",
    """CREATE TABLE alert_item (
        alert INTEGER NOT NULL,
        key TEXT NOT NULL,
        place INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (alert, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE delivery (
        place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        alert INTEGER NOT NULL,
        channel INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        state INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        error TEXT NOT NULL,
        done_at_ms INTEGER,
        document TEXT NOT NULL
    )""",
    "CREATE INDEX delivery_waiting ON delivery (place) WHERE state = 0",
    "CREATE INDEX delivery_alert ON delivery (alert)",
)
