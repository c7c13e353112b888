"""Schema 5: rests of monitors by kind, incidents that a rest cut short, when a maintenance window holds. Frozen."""

STATEMENTS = (
    "ALTER TABLE standing ADD COLUMN is_in_maintenance INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE standing ADD COLUMN starts_anew INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE incident ADD COLUMN is_cut INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE maintenance ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE maintenance ADD COLUMN until_ms INTEGER",
)
