"""What a person is told who asks which Pingmon this is. Knows nothing of Qt but its number."""

from __future__ import annotations

import importlib.metadata

from pingmon_probe import protocol

import pingmon_gui


def qt_version() -> str:
    """Return the version of Qt, which is that of its binding; "" where it is not installed."""
    try:
        return importlib.metadata.version("PySide6-Essentials")
    except importlib.metadata.PackageNotFoundError:
        return ""


def protocol_versions() -> str:
    """Return the versions of the wire that are spoken with probes ("1", "1 to 3")."""
    low, high = protocol.PROTOCOL_MIN, protocol.PROTOCOL_MAX
    return str(low) if low == high else f"{low} to {high}"


def version_line() -> str:
    """Return everything in one line, for a terminal."""
    qt = qt_version()
    return f"pingmon {pingmon_gui.__version__} (protocol {protocol_versions()}, {f'Qt {qt}' if qt else 'no Qt'})"
