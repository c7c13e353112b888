"""One module per schema version. A released step is frozen: it is never edited, a new one is added."""

from pingmon_gui.store.migrations import schema_1, schema_2, schema_3, schema_4, schema_5, schema_6

#: STEPS[n - 1] brings a file from schema n - 1 to schema n.
STEPS: tuple[tuple[str, ...], ...] = (
    schema_1.STATEMENTS,
    schema_2.STATEMENTS,
    schema_3.STATEMENTS,
    schema_4.STATEMENTS,
    schema_5.STATEMENTS,
    schema_6.STATEMENTS,
)
