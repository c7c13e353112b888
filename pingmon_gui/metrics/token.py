"""The token that opens /metrics to others: in a file that Prometheus can read as its `credentials_file`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pingmon_gui.domain.error import SettingsError

FILE_NAME = "metrics-token"
MIN_CHARACTERS = 20


def token_path(data_dir: Path) -> Path:
    return data_dir / FILE_NAME


def read_or_make_token(data_dir: Path) -> str:
    """Return the token, made the first time, readable by the user alone. Blocks. Raises SettingsError."""
    path = token_path(data_dir)
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            token = path.read_bytes()[:1_000].strip().decode("ascii")
        else:
            token = secrets.token_urlsafe(32)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(token + "\n")
    except UnicodeDecodeError:
        token = ""
    except OSError as exc:
        raise SettingsError(f"The token in {path} can be neither read nor made: {exc.strerror}.") from exc
    if len(token) < MIN_CHARACTERS or not token.isprintable() or " " in token:
        raise SettingsError(
            f"What stands in {path} is no token: it needs {MIN_CHARACTERS} characters or more without blanks.",
            "Delete the file, and a new one is made.",
        )
    return token
