"""The way out: a configuration as text of a format, and a file that others cannot read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.exchange import declaration, pingmon_file, table_file
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.kind import Format


def format_of(name: str) -> Format:
    """Return the format that a file's name asks for, JSON if it does not say."""
    return next((word for word in Format if name.lower().endswith(f".{word}")), Format.JSON)


def text_of(configuration: Configuration, format_: Format, *, with_secrets: bool) -> str:
    """Return the text of an export; user names and passwords only if asked for."""
    match format_:
        case Format.CSV:
            return table_file.text_of(configuration.monitors, with_secrets=with_secrets)
        case Format.TOML:
            return declaration.text_of(configuration, with_secrets=with_secrets)
        case Format.JSON:
            return pingmon_file.text_of(configuration, with_secrets=with_secrets)


def write_folder(name: str, files: Mapping[str, str]) -> None:
    """Write files into a folder, which is made if it is not there. Blocks. Raises InvalidInput with a sentence."""
    try:
        Path(name).mkdir(exist_ok=True)
    except OSError as exc:
        raise InvalidInput(f"The folder {name} cannot be made: {exc.strerror or exc}.") from exc
    for file, text in files.items():
        write_file(str(Path(name) / file), text)


def write_file(name: str, text: str) -> None:
    """Replace a file by one that others cannot read; a full disk leaves the former one whole. Blocks.

    Raises InvalidInput with a sentence.
    """
    try:
        if Path(name).exists() and not Path(name).is_file():  # a pipe or a device
            Path(name).write_bytes(text.encode("utf-8"))
            return
        path = Path(os.path.realpath(name))
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            beside.touch(mode=0o600, exist_ok=False)
            beside.write_bytes(text.encode("utf-8"))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, ValueError) as exc:
        raise InvalidInput(f"{name} cannot be written: {getattr(exc, 'strerror', None) or exc}.") from exc
