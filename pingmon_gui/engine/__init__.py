"""The engine: schedules probes, collects what they measured and holds the live state. Knows no Qt, no SQL, no HTTP."""
