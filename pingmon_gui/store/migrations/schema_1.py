"""Schema 1. Frozen.

Ids of `chunk`, `rollup_5min` and `rollup_day` are `period << 32 | series`, so that rows of one time lie side by
side: a compaction appends, retention cuts off whole pages at the front. `rollup_hour` is keyed by day, series and
hour of the day, because charts of months read it by the day.
"""

STATEMENTS = (
    "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE setting (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE monitor (
        place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id INTEGER NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        url TEXT NOT NULL,
        name TEXT NOT NULL,
        settings TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        is_paused INTEGER NOT NULL,
        regions TEXT,
        deleted_at_ms INTEGER
    )""",
    """CREATE TABLE monitor_version (
        monitor INTEGER NOT NULL,
        version INTEGER NOT NULL,
        url TEXT NOT NULL,
        family INTEGER NOT NULL,
        interval_ms INTEGER NOT NULL,
        timeout_ms INTEGER NOT NULL,
        slow_ms INTEGER NOT NULL,
        PRIMARY KEY (monitor, version)
    ) WITHOUT ROWID""",
    """CREATE TABLE tag (
        monitor INTEGER NOT NULL,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (monitor, place)
    ) WITHOUT ROWID""",
    """CREATE TABLE probe (
        id INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        region TEXT NOT NULL,
        transport TEXT NOT NULL
    )""",
    "CREATE TABLE cursor (probe INTEGER NOT NULL PRIMARY KEY, spool TEXT NOT NULL, seq INTEGER NOT NULL)",
    """CREATE TABLE series (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        monitor INTEGER NOT NULL,
        probe INTEGER NOT NULL,
        family INTEGER NOT NULL,
        url TEXT NOT NULL,
        UNIQUE (monitor, probe, family, url)
    )""",
    """CREATE TABLE detail (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        digest BLOB NOT NULL UNIQUE,
        used_day INTEGER NOT NULL,
        value TEXT NOT NULL
    )""",
    """CREATE TABLE journal (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        hour INTEGER NOT NULL,
        count INTEGER NOT NULL,
        series BLOB NOT NULL,
        data BLOB NOT NULL
    )""",
    "CREATE TABLE chunk (id INTEGER NOT NULL PRIMARY KEY, count INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE rollup_5min (id INTEGER NOT NULL PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE rollup_hour (id INTEGER NOT NULL PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE rollup_day (id INTEGER NOT NULL PRIMARY KEY, data BLOB NOT NULL)",
    """CREATE TABLE compaction (
        id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        last_block INTEGER NOT NULL,
        before_hour INTEGER NOT NULL,
        done_series INTEGER NOT NULL
    )""",
    "INSERT INTO compaction VALUES (1, 0, 0, 0)",
    "INSERT INTO meta VALUES ('chunk_results', '0')",
    "INSERT INTO meta VALUES ('owner', lower(hex(randomblob(16))))",
)
