"""Schema 2: probes on other hosts. `probe.access` is JSON, null for the embedded probe. Frozen."""

STATEMENTS = ("ALTER TABLE probe ADD COLUMN access TEXT",)
