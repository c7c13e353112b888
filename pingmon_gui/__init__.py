"""Pingmon: a desktop monitor that measures websites from the user's own probes."""

__version__ = "0.9.0"
