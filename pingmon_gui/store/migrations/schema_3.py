"""Schema 3: what was asked of monitors over time, their verdicts, incidents with notes, maintenance windows.

A probe that is forgotten keeps its row, so that what it measured keeps its region. Frozen.
"""

STATEMENTS = (
    "ALTER TABLE probe ADD COLUMN forgotten_at_ms INTEGER",
    """CREATE TABLE standing (
        monitor INTEGER NOT NULL,
        from_ms INTEGER NOT NULL,
        regions TEXT NOT NULL,
        is_paused INTEGER NOT NULL,
        PRIMARY KEY (monitor, from_ms)
    ) WITHOUT ROWID""",
    """CREATE TABLE verdict (
        monitor INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        verdict INTEGER NOT NULL,
        PRIMARY KEY (monitor, start_ms)
    ) WITHOUT ROWID""",
    """CREATE TABLE incident (
        id INTEGER NOT NULL PRIMARY KEY,
        monitor INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER,
        confirmed_at_ms INTEGER NOT NULL,
        regions TEXT NOT NULL,
        evidence TEXT NOT NULL,
        acknowledged_at_ms INTEGER,
        is_withdrawn INTEGER NOT NULL
    )""",
    "CREATE INDEX incident_start ON incident (start_ms)",
    "CREATE INDEX incident_monitor ON incident (monitor, start_ms)",
    """CREATE TABLE incident_note (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        incident INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        text TEXT NOT NULL
    )""",
    "CREATE INDEX incident_note_incident ON incident_note (incident)",
    """CREATE TABLE maintenance (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        schedule TEXT NOT NULL,
        monitors TEXT,
        tags TEXT NOT NULL
    )""",
)
