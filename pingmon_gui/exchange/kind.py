"""Whose file it is, and what a file is written as: the words of the command line. Imports nothing."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Whose file it is. The value is the word for `--from`."""

    PINGMON = "pingmon"
    CSV = "csv"
    UPTIME_KUMA = "uptime-kuma"
    UPTIME_ROBOT = "uptimerobot"
    GATUS = "gatus"
    PROMETHEUS = "prometheus"
    LIST = "list"


class Format(StrEnum):
    """What a file is written as. The value is the word for `--format`, and the end of the file's name."""

    JSON = "json"
    CSV = "csv"
    TOML = "toml"
