"""The tables as peewee models, for everything of configuration's size.

Queries name their database (`query.execute(database)`): the models are bound to none, because writer and readers
each have their own connection. The frozen SQL in `migrations/` makes the tables; a test holds the two together.
"""

from __future__ import annotations

import peewee


class Table(peewee.Model):
    """Base of all tables."""

    class Meta:
        legacy_table_names = False


class Meta(Table):
    """Facts about this file.

    `owner` is its random id, `chunk_results` the number of results in chunks, `judged_until_ms` the time up to which
    verdicts and incidents are those that the results come to, `stood_until_ms` the time up to which standings have
    what maintenance windows said. `registration:NAME` and `registry:HOST` are what registries said and their pauses, as
    JSON (`store.registration`).
    """

    key = peewee.TextField(primary_key=True)
    value = peewee.TextField()


class Setting(Table):
    """Preferences that differ from their default, as JSON."""

    key = peewee.TextField(primary_key=True)
    value = peewee.TextField()


class MonitorRow(Table):
    """A monitor at its present version. `settings` is JSON and the only place of a secret; `regions` is JSON."""

    place = peewee.AutoField()
    id = peewee.IntegerField(unique=True)
    version = peewee.IntegerField()
    url = peewee.TextField()
    name = peewee.TextField()
    settings = peewee.TextField()
    created_at_ms = peewee.IntegerField()
    is_paused = peewee.BooleanField()
    regions = peewee.TextField(null=True)
    deleted_at_ms = peewee.IntegerField(null=True)

    class Meta:
        table_name = "monitor"


class MonitorVersion(Table):
    """What judging and charts need of every version of a monitor there ever was."""

    monitor = peewee.IntegerField()
    version = peewee.IntegerField()
    url = peewee.TextField()
    family = peewee.IntegerField()
    interval_ms = peewee.IntegerField()
    timeout_ms = peewee.IntegerField()
    slow_ms = peewee.IntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("monitor", "version")


class Tag(Table):
    """Tags of monitors, in the user's order."""

    monitor = peewee.IntegerField()
    place = peewee.IntegerField()
    name = peewee.TextField()

    class Meta:
        primary_key = peewee.CompositeKey("monitor", "place")


class ProbeRow(Table):
    """A probe's configuration, without secrets. `access` is JSON (`domain.probe.ProbeAccess`).

    A forgotten probe keeps its row without access: history needs its name and region.
    """

    id = peewee.IntegerField(primary_key=True)
    name = peewee.TextField()
    region = peewee.TextField()
    transport = peewee.TextField()
    access = peewee.TextField(null=True)
    forgotten_at_ms = peewee.IntegerField(null=True)

    class Meta:
        table_name = "probe"


class CursorRow(Table):
    """How far a probe's results are kept; moves in the transaction that keeps them."""

    probe = peewee.IntegerField(primary_key=True)
    spool = peewee.TextField()
    seq = peewee.IntegerField()

    class Meta:
        table_name = "cursor"


class SeriesRow(Table):
    """One monitor measured by one probe over one family setting at one address."""

    id = peewee.AutoField()
    monitor = peewee.IntegerField()
    probe = peewee.IntegerField()
    family = peewee.IntegerField()
    url = peewee.TextField()

    class Meta:
        table_name = "series"


class Detail(Table):
    """What results share: JSON of message, address, hops, certificate, facts; `used_day` is the last day of use."""

    id = peewee.AutoField()
    digest = peewee.BlobField(unique=True)
    used_day = peewee.IntegerField()
    value = peewee.TextField()


class JournalBlock(Table):
    """Results of one hour that arrived together, of many series; see `chunk.py`."""

    id = peewee.AutoField()
    hour = peewee.IntegerField()
    count = peewee.IntegerField()
    series = peewee.BlobField()
    data = peewee.BlobField()

    class Meta:
        table_name = "journal"


class Chunk(Table):
    """Results of one series in one hour; id = hour << 32 | series."""

    id = peewee.IntegerField(primary_key=True)
    count = peewee.IntegerField()
    data = peewee.BlobField()


class Rollup5Min(Table):
    """Twelve buckets of one series and hour; id = hour << 32 | series."""

    id = peewee.IntegerField(primary_key=True)
    data = peewee.BlobField()

    class Meta:
        table_name = "rollup_5min"


class RollupHour(Table):
    """One bucket; id = (day << 32 | series) << 5 | hour of the day."""

    id = peewee.IntegerField(primary_key=True)
    data = peewee.BlobField()


class RollupDay(Table):
    """One bucket; id = day << 32 | series."""

    id = peewee.IntegerField(primary_key=True)
    data = peewee.BlobField()


class CompactionMark(Table):
    """Of blocks up to `last_block` of hours below `before_hour`, series up to `done_series` lie in chunks already."""

    id = peewee.IntegerField(primary_key=True)
    last_block = peewee.IntegerField()
    before_hour = peewee.IntegerField()
    done_series = peewee.IntegerField()

    class Meta:
        table_name = "compaction"


class StandingRow(Table):
    """What was asked of a monitor from a moment on (`domain.timeline.Standing`); `regions` is JSON."""

    monitor = peewee.IntegerField()
    from_ms = peewee.IntegerField()
    regions = peewee.TextField()
    is_paused = peewee.BooleanField()
    is_in_maintenance = peewee.BooleanField()
    starts_anew = peewee.BooleanField()

    class Meta:
        table_name = "standing"
        primary_key = peewee.CompositeKey("monitor", "from_ms")
        without_rowid = True


class VerdictRow(Table):
    """A monitor's verdict from a moment on, until its next row or `meta.judged_until_ms`."""

    monitor = peewee.IntegerField()
    start_ms = peewee.IntegerField()
    verdict = peewee.IntegerField()

    class Meta:
        table_name = "verdict"
        primary_key = peewee.CompositeKey("monitor", "start_ms")
        without_rowid = True


class IncidentRow(Table):
    """An incident (`domain.incident`); `regions` and `evidence` are JSON."""

    id = peewee.IntegerField(primary_key=True)
    monitor = peewee.IntegerField()
    kind = peewee.IntegerField()
    start_ms = peewee.IntegerField()
    end_ms = peewee.IntegerField(null=True)
    confirmed_at_ms = peewee.IntegerField()
    regions = peewee.TextField()
    evidence = peewee.TextField()
    acknowledged_at_ms = peewee.IntegerField(null=True)
    is_withdrawn = peewee.BooleanField()
    is_cut = peewee.BooleanField()

    class Meta:
        table_name = "incident"


class IncidentNoteRow(Table):
    """A line about an incident, by a person or by a correction."""

    id = peewee.AutoField()
    incident = peewee.IntegerField()
    at_ms = peewee.IntegerField()
    text = peewee.TextField()

    class Meta:
        table_name = "incident_note"


class FailureEvidenceRow(Table):
    """What a probe kept of a failure (`domain.failure_evidence`), as compressed JSON of `bytes` bytes."""

    id = peewee.AutoField()
    monitor = peewee.IntegerField()
    probe = peewee.IntegerField()
    at_ms = peewee.IntegerField()
    is_route = peewee.BooleanField()
    kept_at_ms = peewee.IntegerField()
    bytes = peewee.IntegerField()
    data = peewee.BlobField()

    class Meta:
        table_name = "failure_evidence"


class MaintenanceRow(Table):
    """A maintenance window; `schedule` is JSON, `monitors` a JSON list of ids or null, `tags` a JSON list.

    One that was removed or replaced has `until_ms`, and goes when the standings know what it said.
    """

    id = peewee.AutoField()
    name = peewee.TextField()
    schedule = peewee.TextField()
    monitors = peewee.TextField(null=True)
    tags = peewee.TextField()
    since_ms = peewee.IntegerField()
    until_ms = peewee.IntegerField(null=True)

    class Meta:
        table_name = "maintenance"


class AlertRuleRow(Table):
    """An alert rule (`domain.alert_rule`) as JSON."""

    place = peewee.AutoField()
    id = peewee.IntegerField(unique=True)
    document = peewee.TextField()

    class Meta:
        table_name = "alert_rule"


class AlertChannelRow(Table):
    """A channel (`domain.alert_channel`) as JSON, without what opens it."""

    place = peewee.AutoField()
    id = peewee.IntegerField(unique=True)
    document = peewee.TextField()

    class Meta:
        table_name = "alert_channel"


class AlertMemoryRow(Table):
    """What decisions about alerts need to know of earlier ones: matters and habits as JSON."""

    key = peewee.TextField(primary_key=True)
    document = peewee.TextField()

    class Meta:
        table_name = "alert_memory"
        without_rowid = True


class AlertRow(Table):
    """An alert without its items. `is_live` while it is not over, or not told to the end."""

    id = peewee.IntegerField(primary_key=True)
    opened_at_ms = peewee.IntegerField()
    closed_at_ms = peewee.IntegerField(null=True)
    is_live = peewee.BooleanField()
    document = peewee.TextField()

    class Meta:
        table_name = "alert"


class AlertItemRow(Table):
    """One matter of an alert; `place` is its place there."""

    alert = peewee.IntegerField()
    key = peewee.TextField()
    place = peewee.IntegerField()
    document = peewee.TextField()

    class Meta:
        table_name = "alert_item"
        primary_key = peewee.CompositeKey("alert", "key")
        without_rowid = True


class DeliveryRow(Table):
    """A message to a channel (`domain.alert.Post` as JSON), and how far it is (`domain.delivery`)."""

    place = peewee.AutoField()
    key = peewee.TextField(unique=True)
    alert = peewee.IntegerField()
    channel = peewee.IntegerField()
    at_ms = peewee.IntegerField()
    state = peewee.IntegerField()
    tries = peewee.IntegerField()
    error = peewee.TextField()
    done_at_ms = peewee.IntegerField(null=True)
    document = peewee.TextField()

    class Meta:
        table_name = "delivery"


TABLES: tuple[type[Table], ...] = (
    Meta,
    Setting,
    MonitorRow,
    MonitorVersion,
    Tag,
    ProbeRow,
    CursorRow,
    SeriesRow,
    Detail,
    JournalBlock,
    Chunk,
    Rollup5Min,
    RollupHour,
    RollupDay,
    CompactionMark,
    StandingRow,
    VerdictRow,
    IncidentRow,
    IncidentNoteRow,
    FailureEvidenceRow,
    MaintenanceRow,
    AlertRuleRow,
    AlertChannelRow,
    AlertMemoryRow,
    AlertRow,
    AlertItemRow,
    DeliveryRow,
)
