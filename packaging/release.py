"""The releases as CHANGELOG.md has them, in the forms that a package wants. Run: prints the AppStream metadata.

The version is that of `pingmon_gui/__init__.py`, and nothing else says one of its own.
"""

from __future__ import annotations

import datetime
import email.utils
import re
from dataclasses import dataclass

from place import LINUX, ROOT, app_version

MAINTAINER = "The Pingmon developers <developers@pingmon.invalid>"
METAINFO = LINUX / "io.github.pingmon.pingmon.metainfo.xml"
_HEAD = re.compile(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    version: str
    day: datetime.date

    @property
    def is_final(self) -> bool:
        """Whether its data, wire and command line are kept compatible from then on."""
        return not self.version.startswith("0.")


def releases() -> list[Release]:
    """Return all releases, the newest first."""
    found = _HEAD.findall((ROOT / "CHANGELOG.md").read_text())
    return [Release(version, datetime.date.fromisoformat(day)) for version, day in found]


def metainfo() -> str:
    """Return what software centres show of the app."""
    lines = [
        f'<release version="{one.version}" date="{one.day}" type="{"stable" if one.is_final else "development"}"/>'
        for one in releases()
    ]
    return METAINFO.read_text().replace("@RELEASES@", "\n    ".join(lines))


def debian_changelog() -> str:
    """Return the releases as Debian's tools read them; what changed in each is in changelog.gz beside it."""
    return "\n".join(
        f"pingmon ({one.version}) unstable; urgency=medium\n\n"
        f"  * Release {one.version}: what changed is told in upstream's changelog.\n\n"
        f" -- {MAINTAINER}  {email.utils.format_datetime(_noon(one.day))}\n"
        for one in releases()
    )


def _noon(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(12), datetime.UTC)


def check() -> None:
    """Refuse to package a version that is not the newest release."""
    newest = releases()[0].version
    if newest != app_version():
        raise SystemExit(f"This is {app_version()}, but the newest release in CHANGELOG.md is {newest}.")


if __name__ == "__main__":
    print(metainfo(), end="")
