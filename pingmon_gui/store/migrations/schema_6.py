"""Schema 6: what probes kept of failures, as compressed JSON; `kept_at_ms` is when it came. Frozen."""

STATEMENTS = (
    """CREATE TABLE failure_evidence (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        monitor INTEGER NOT NULL,
        probe INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        is_route INTEGER NOT NULL,
        kept_at_ms INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        data BLOB NOT NULL
    )""",
    "CREATE UNIQUE INDEX failure_evidence_of ON failure_evidence (monitor, at_ms, probe, is_route)",
    "CREATE INDEX failure_evidence_age ON failure_evidence (kept_at_ms, bytes)",
)
