"""Preferences: every setting of the app with its default and limits, in one table.

The window's dialog is built from this table and the store keeps only what differs from the default.
Labels are English here; the window translates them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pingmon_probe.protocol import ProtocolError, split_anchor

from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.monitor import MonitorSettings

Value = bool | int | str


@dataclass(frozen=True)
class Preference:
    """One setting. Its kind follows from the default; `low` and `high` bound whole numbers, `choices` texts.

    `unit` is shown beside the field: "s", "ms", "days", "MB".
    """

    key: str
    section: str
    label: str
    help: str
    default: Value
    low: int = 0
    high: int = 0
    unit: str = ""
    choices: tuple[str, ...] = ()

    def check(self, value: object) -> Value:
        """Return the value if it fits. Raises SettingsError with a sentence."""
        if isinstance(self.default, bool):
            if isinstance(value, bool):
                return value
            raise SettingsError(f"“{self.label}” must be on or off.")
        if isinstance(self.default, int):
            if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
                return value
            unit = f" {self.unit}" if self.unit else ""
            raise SettingsError(f"“{self.label}” must be a whole number from {self.low} to {self.high}{unit}.")
        if not isinstance(value, str) or (self.choices and value not in self.choices):
            raise SettingsError(f"“{self.label}” must be one of: {', '.join(self.choices)}.")
        if self.key == "anchors":
            try:
                for anchor in anchors(value):
                    split_anchor(anchor)
            except ProtocolError as exc:
                raise SettingsError(f"“{self.label}”: {exc}.") from exc
        return value


#: Who may read /metrics.
METRICS_OFF, METRICS_OPEN = "nobody", "programs on this computer"
METRICS_WITH_TOKEN = "programs on this computer that have the token"
METRICS_EVERYWHERE = "whoever has the token, from any network"

PREFERENCES: tuple[Preference, ...] = (
    Preference(
        "default_interval_s", "New domains", "Check every", "How often a new domain is measured.", 10, 5, 3600, "s"
    ),
    Preference(
        "default_timeout_ms",
        "New domains",
        "Timeout",
        "A check that takes longer counts as offline. It covers redirects and the body.",
        5000,
        100,
        30000,
        "ms",
    ),
    Preference(
        "default_slow_ms",
        "New domains",
        "Slow from",
        "A good answer that takes this long is slow.",
        1000,
        1,
        30000,
        "ms",
    ),
    Preference(
        "anchors",
        "Measuring",
        "Anchors",
        "Numeric addresses with ports, separated by commas. When a check fails to get through, a probe opens and "
        "closes a bare connection to them, nothing more: if none answers, its own network is down and the target is "
        "unknown, not offline. Empty turns this off. By default they are three root name servers.",
        "198.41.0.4:53, 199.7.83.42:53, 193.0.14.129:53",
    ),
    Preference(
        "theme",
        "Appearance",
        "Colours",
        "Light, dark, or as the system has it.",
        "system",
        choices=("system", "light", "dark"),
    ),
    Preference(
        "animate",
        "Appearance",
        "Let things move",
        "On the world map a dot runs to the domain and back when a result arrives. Off, everything keeps still.",
        True,
    ),
    Preference(
        "close_to_tray",
        "Window",
        "Keep watching when the window is closed",
        "Pingmon stays in the system tray where there is one.",
        True,
    ),
    Preference(
        "start_with_session",
        "Window",
        "Start when you log in",
        "Pingmon starts in the system tray, or minimized where there is none.",
        False,
    ),
    Preference(
        "keep_raw_days", "History", "Keep every result for", "Older ones live on in the roll-ups.", 7, 1, 400, "days"
    ),
    Preference(
        "keep_5min_days", "History", "Keep 5-minute roll-ups for", "For charts of the last weeks.", 30, 1, 4000, "days"
    ),
    Preference(
        "keep_hour_days", "History", "Keep hourly roll-ups for", "Daily ones are kept for ever.", 400, 1, 40000, "days"
    ),
    Preference(
        "size_cap_mb",
        "History",
        "Largest size",
        "When the database grows beyond it, the oldest results go first.",
        5000,
        50,
        1000000,
        "MB",
    ),
    Preference(
        "metrics_access",
        "Prometheus",
        "Who may read the metrics",
        "What the table shows, at /metrics, for Prometheus. The token is in the file metrics-token of the data folder; "
        "it crosses networks unencrypted.",
        METRICS_OFF,
        choices=(METRICS_OFF, METRICS_OPEN, METRICS_WITH_TOKEN, METRICS_EVERYWHERE),
    ),
    Preference(
        "metrics_port",
        "Prometheus",
        "Port of the metrics",
        "At http://127.0.0.1 and this port they are read on this computer.",
        18649,
        1,
        65535,
    ),
    Preference(
        "log_level",
        "Logging",
        "Log",
        "How much is written to the log file.",
        "info",
        choices=("error", "warning", "info", "debug"),
    ),
)

BYTES_PER_MB = 1_000_000

#: What decides how large the database grows, in the order in which it is shown.
SIZE_KEYS = ("keep_raw_days", "keep_5min_days", "keep_hour_days", "size_cap_mb")

_BY_KEY = {preference.key: preference for preference in PREFERENCES}


@dataclass(frozen=True)
class Preferences:
    """A frozen set of settings: what was changed by the user; everything else is at its default."""

    changed: Mapping[str, Value]

    def integer(self, key: str) -> int:
        value = self[key]
        if not isinstance(value, int):
            raise TypeError(key)
        return value

    def text(self, key: str) -> str:
        value = self[key]
        if not isinstance(value, str):
            raise TypeError(key)
        return value

    def flag(self, key: str) -> bool:
        return self[key] is True

    def __getitem__(self, key: str) -> Value:
        return self.changed.get(key, preference(key).default)

    def with_values(self, values: Mapping[str, object]) -> Preferences:
        """Return the settings with other values. Raises SettingsError; then nothing was changed."""
        changed = dict(self.changed)
        for key, value in values.items():
            known = preference(key)
            checked = known.check(value)
            if checked == known.default:
                changed.pop(key, None)
            else:
                changed[key] = checked
        return Preferences(changed)


def preference(key: str) -> Preference:
    """Return one row of the table. Raises SettingsError for an unknown key."""
    try:
        return _BY_KEY[key]
    except KeyError as exc:
        raise SettingsError(f"There is no setting named “{key}”.") from exc


def new_monitor_settings(preferences: Preferences) -> MonitorSettings:
    """Return the settings of a new monitor, as far as nobody says otherwise."""
    timeout_ms = preferences.integer("default_timeout_ms")
    return MonitorSettings(
        interval_ms=preferences.integer("default_interval_s") * 1_000,
        timeout_ms=timeout_ms,
        slow_ms=min(preferences.integer("default_slow_ms"), timeout_ms),
    )


def anchors(text: str) -> tuple[str, ...]:
    """Return the anchors of the preference's text, in order."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
