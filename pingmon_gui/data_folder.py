"""Where the app keeps what it keeps, and what the parts of its folder are called."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PINGMON_DATA_DIR"


def default_data_dir() -> Path:
    """Return the folder named by PINGMON_DATA_DIR, else the system's place for this user's data."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return usual_data_dir()


def usual_data_dir() -> Path:
    """Return the system's place for this user's data."""
    import platformdirs

    return Path(platformdirs.user_data_dir("pingmon", appauthor=False))


def database_path(data_dir: Path) -> Path:
    return data_dir / "pingmon.db"
