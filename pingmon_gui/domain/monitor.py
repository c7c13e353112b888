"""A monitor: the user's standing order to watch a target, with its settings and their limits."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, NewType

from pingmon_probe.protocol import (
    DEFAULT_INTERVAL_MS,
    DEFAULT_SLOW_MS,
    DEFAULT_STATUS_SET,
    DEFAULT_TIMEOUT_MS,
    MAX_ID,
    MAX_INTERVAL_MS,
    MAX_KEYWORD_CHARACTERS,
    MAX_TIMEOUT_MS,
    MIN_INTERVAL_MS,
    MIN_TIMEOUT_MS,
    CheckSpec,
)

from pingmon_gui.domain.availability import holding_interval_ms
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.target import display_url

MonitorId = NewType("MonitorId", int)

MAX_NAME_CHARACTERS = 200
MAX_TAG_CHARACTERS = 50
MAX_TAGS = 20


def new_monitor_id() -> MonitorId:
    """Return a random id in [2, 2**53): unique over all stores for every practical purpose."""
    return MonitorId(2 + secrets.randbelow(MAX_ID - 2))


@dataclass(frozen=True)
class MonitorSettings:
    """How a target is measured and judged. A change makes a new version and leaves the past as it was.

    `status_set` holds inclusive ranges of accepted HTTP statuses. `family` is 4, 6 or 0 (what the
    resolver gives first). `basic_auth` is `user:password`, kept out of every text made for people.
    """

    interval_ms: int = DEFAULT_INTERVAL_MS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    slow_ms: int = DEFAULT_SLOW_MS
    family: int = 0
    status_set: tuple[tuple[int, int], ...] = DEFAULT_STATUS_SET
    keyword: str | None = None
    keyword_absent: bool = False
    ignore_certificate: bool = False
    basic_auth: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not MIN_INTERVAL_MS <= self.interval_ms <= MAX_INTERVAL_MS:
            raise InvalidInput("The interval must be from 5 seconds to 1 hour.")
        if not MIN_TIMEOUT_MS <= self.timeout_ms <= MAX_TIMEOUT_MS:
            raise InvalidInput("The timeout must be from 0.1 to 30 seconds.")
        if not 1 <= self.slow_ms <= MAX_TIMEOUT_MS:
            raise InvalidInput("The limit for slow must be from 1 ms to 30 seconds.")
        if self.slow_ms > self.timeout_ms:
            raise InvalidInput("The limit for slow must not be above the timeout.")
        if self.family not in (0, 4, 6):
            raise InvalidInput("The address family must be 4, 6 or automatic.")
        if self.keyword is not None and not 0 < len(self.keyword) <= MAX_KEYWORD_CHARACTERS:
            raise InvalidInput(f"The keyword must have 1 to {MAX_KEYWORD_CHARACTERS} characters.")

    @property
    def holding_interval_ms(self) -> int:
        """Return the interval that results hold by: longer than their own where the timeout is long beside it."""
        return holding_interval_ms(self.interval_ms, self.timeout_ms)

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the defaults, secrets included: for the store, never for a person."""
        default = asdict(MonitorSettings())
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> MonitorSettings:
        """Read what `to_json` wrote. Raises InvalidInput for values out of range, TypeError for unknown names."""
        values = dict(document)
        if "status_set" in values:
            values["status_set"] = tuple((int(low), int(high)) for low, high in values["status_set"])
        return cls(**values)


@dataclass(frozen=True)
class Monitor:
    """One monitor at one version of its settings.

    `url` is normalised (see `target.parse_target`). `regions` is None for every region that has a
    probe. `created_at_ms` is where asked time begins. A deleted monitor is kept until its deletion
    can no longer be undone.
    """

    id: MonitorId
    version: int
    url: str
    name: str
    settings: MonitorSettings
    created_at_ms: int
    tags: tuple[str, ...] = ()
    is_paused: bool = False
    regions: tuple[Region, ...] | None = None

    @property
    def title(self) -> str:
        """What people call it: its name, else the address as it is shown."""
        return self.name or display_url(self.url)

    def watched_from(self, region: Region) -> bool:
        return self.regions is None or region in self.regions

    def check_spec(self, phase_ms: int = 0) -> CheckSpec:
        """Return the check that a probe runs for this monitor."""
        s = self.settings
        return CheckSpec(
            url=self.url,
            monitor=self.id,
            version=self.version,
            interval_ms=s.interval_ms,
            phase_ms=phase_ms,
            timeout_ms=s.timeout_ms,
            slow_ms=s.slow_ms,
            family=s.family,
            status_set=s.status_set,
            keyword=s.keyword,
            keyword_absent=s.keyword_absent,
            ignore_certificate=s.ignore_certificate,
            basic_auth=s.basic_auth,
        )


@dataclass(frozen=True)
class MonitorDraft:
    """A monitor that is about to be added: everything but its id, version and birthday."""

    url: str
    name: str = ""
    settings: MonitorSettings = MonitorSettings()
    tags: tuple[str, ...] = ()
    regions: tuple[Region, ...] | None = None
    is_paused: bool = False


def parse_name(text: str) -> str:
    """Return the name with outer and repeated white space removed. Raises InvalidInput with a sentence."""
    name = " ".join(text.split())
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidInput(f"The name is longer than {MAX_NAME_CHARACTERS} characters.")
    if any(not letter.isprintable() for letter in name):
        raise InvalidInput("The name holds control characters or invisible marks.", "Type it instead of pasting it.")
    return name


def parse_tags(text: str) -> tuple[str, ...]:
    """Return the tags of a comma-separated text, in order, each once (case is ignored). Raises InvalidInput."""
    tags: dict[str, str] = {}
    for part in text.split(","):
        tag = parse_name(part)
        if len(tag) > MAX_TAG_CHARACTERS:
            raise InvalidInput(f"The tag “{tag[:20]}…” is longer than {MAX_TAG_CHARACTERS} characters.")
        if tag:
            tags.setdefault(tag.casefold(), tag)
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"A monitor can have at most {MAX_TAGS} tags.")
    return tuple(tags.values())


def parse_status_set(text: str) -> tuple[tuple[int, int], ...]:
    """Return the ranges of a text like `200-299, 404`. Raises InvalidInput with a sentence."""
    ranges: list[tuple[int, int]] = []
    for part in text.replace(" ", "").split(","):
        low, dash, high = part.partition("-")
        if not (low.isascii() and low.isdigit() and (not dash or (high.isascii() and high.isdigit()))):
            raise InvalidInput("Accepted statuses are numbers and ranges, like 200-299, 404.")
        first, last = int(low[:6]), int((high if dash else low)[:6])
        if not 100 <= first <= last <= 599:
            raise InvalidInput("Accepted statuses must lie from 100 to 599, the smaller one first.")
        ranges.append((first, last))
    if len(ranges) > 50:
        raise InvalidInput("At most 50 ranges of accepted statuses are possible.")
    return tuple(ranges)


def format_status_set(ranges: tuple[tuple[int, int], ...]) -> str:
    """Return the text that `parse_status_set` reads back."""
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
