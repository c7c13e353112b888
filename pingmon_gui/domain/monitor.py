"""A monitor: the user's standing order to watch a target, with its settings and their limits."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NewType
from urllib.parse import urlsplit

from pingmon_probe.protocol import (
    DEFAULT_ECHO_COUNT,
    DEFAULT_INTERVAL_MS,
    DEFAULT_MAX_LOSS_PERCENT,
    DEFAULT_SLOW_MS,
    DEFAULT_STATUS_SET,
    DEFAULT_TIMEOUT_MS,
    DNS_MATCHES,
    KINDS_OF_FIELD,
    MAX_DNS_ANSWERS,
    MAX_ECHO_COUNT,
    MAX_EXCHANGE_BYTES,
    MAX_EXCHANGE_CHARACTERS,
    MAX_ID,
    MAX_INTERVAL_MS,
    MAX_KEYWORD_CHARACTERS,
    MAX_TIMEOUT_MS,
    MIN_INTERVAL_MS,
    MIN_TIMEOUT_MS,
    AnswerError,
    CheckSpec,
    EscapeError,
    is_harmless,
    kind_of,
    normal_answer,
    read_address,
    unescaped,
)

from pingmon_gui.domain import family
from pingmon_gui.domain.availability import holding_interval_ms
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.request_setting import (
    require_conditions,
    require_pattern,
    require_request,
    require_sign_in,
    require_size,
)
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

    Which of them mean something depends on the monitor's kind (`KINDS_OF_FIELD`); the others stay at their default.
    `status_set` holds inclusive ranges of accepted HTTP statuses. `family` is one of `family.SETTINGS`.
    `basic_auth` is `user:password`, kept out of every text made for people. `send` and `expect` are typed with
    escapes; `dns_answers` are as `normal_answer` writes them. `bearer` and headers may be secrets as well
    (`without_secrets`). The rest of a request and what is asked of its answer is as `CheckSpec` has it.
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
    send: str | None = None
    expect: str | None = None
    dns_match: str = "any"
    dns_answers: tuple[str, ...] = ()
    echo_count: int = DEFAULT_ECHO_COUNT
    max_loss_percent: int = DEFAULT_MAX_LOSS_PERCENT
    method: str = "GET"
    body: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    bearer: str | None = field(default=None, repr=False)
    no_redirects: bool = False
    keyword_is_pattern: bool = False
    json_conditions: tuple[str, ...] = ()
    header_conditions: tuple[str, ...] = ()
    min_bytes: int = 0
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if not MIN_INTERVAL_MS <= self.interval_ms <= MAX_INTERVAL_MS:
            raise InvalidInput("The interval must be from 5 seconds to 1 hour.")
        if not MIN_TIMEOUT_MS <= self.timeout_ms <= MAX_TIMEOUT_MS:
            raise InvalidInput("The timeout must be from 0.1 to 30 seconds.")
        if not 1 <= self.slow_ms <= MAX_TIMEOUT_MS:
            raise InvalidInput("The limit for slow must be from 1 ms to 30 seconds.")
        if self.slow_ms > self.timeout_ms:
            raise InvalidInput("The limit for slow must not be above the timeout.")
        if self.family not in family.SETTINGS:
            raise InvalidInput("The address family must be 4, 6, both or auto.")
        if self.keyword is not None and not 0 < len(self.keyword) <= MAX_KEYWORD_CHARACTERS:
            raise InvalidInput(f"The keyword must have 1 to {MAX_KEYWORD_CHARACTERS} characters.")
        for text in (self.send, self.expect):
            if text is not None:
                _require_exchange(text)
        if self.dns_match not in DNS_MATCHES or len(self.dns_answers) > MAX_DNS_ANSWERS:
            raise InvalidInput(
                f"DNS answers are matched by {', '.join(DNS_MATCHES)}, at most {MAX_DNS_ANSWERS} of them."
            )
        if (self.dns_match in ("exact", "contains")) != bool(self.dns_answers):
            raise InvalidInput("Expected DNS answers and how they are matched go together.", "Set both, or neither.")
        if not 1 <= self.echo_count <= MAX_ECHO_COUNT:
            raise InvalidInput(f"The number of echoes must be from 1 to {MAX_ECHO_COUNT}.")
        if not 0 <= self.max_loss_percent <= 99:
            raise InvalidInput("The share of echoes that may be lost must be from 0 to 99 %.")
        require_request(self.method, self.body, self.headers)
        require_sign_in(self.basic_auth, self.bearer)
        require_conditions(self.json_conditions, self.header_conditions)
        require_size(self.min_bytes, self.max_bytes)
        if self.keyword_is_pattern:
            require_pattern(self.keyword)

    def of_kind(self, kind: str) -> MonitorSettings:
        """Return them with what the kind does not know at its default."""
        default = MonitorSettings()
        others = (name for name in KINDS_OF_FIELD if kind not in KINDS_OF_FIELD[name])
        return replace(self, **{name: getattr(default, name) for name in others})

    @property
    def holding_interval_ms(self) -> int:
        """Return the interval that results hold by: longer than their own where the timeout is long beside it."""
        return holding_interval_ms(self.interval_ms, self.timeout_ms)

    @property
    def has_secrets(self) -> bool:
        return self != self.without_secrets()

    def without_secrets(self) -> MonitorSettings:
        """Return them without what signs in, and without the headers that may do so."""
        headers = tuple(pair for pair in self.headers if is_harmless(pair[0]))
        return replace(self, basic_auth=None, bearer=None, headers=headers)

    def with_secrets_of(self, other: MonitorSettings, *, says_sign_in: bool) -> MonitorSettings:
        """Return them with the secret headers of others that they do not name, and their sign-in unless it is said."""
        said = {name.lower() for name, _ in self.headers}
        hidden = tuple(pair for pair in other.headers if not is_harmless(pair[0]) and pair[0].lower() not in said)
        sign_in = self if says_sign_in else other
        return replace(self, basic_auth=sign_in.basic_auth, bearer=sign_in.bearer, headers=(*self.headers, *hidden))

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
        for name in ("dns_answers", "json_conditions", "header_conditions"):
            if name in values:
                values[name] = tuple(str(text) for text in values[name])
        if "headers" in values:
            values["headers"] = tuple((str(name), str(value)) for name, value in values["headers"])
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

    @property
    def kind(self) -> str:
        """One of `KINDS`, as the address says."""
        return kind_of(self.url)

    def watched_from(self, region: Region) -> bool:
        return self.regions is None or region in self.regions

    @property
    def has_each_family(self) -> bool:
        """Whether it is measured over IPv4 and over IPv6, each by itself."""
        return self.settings.family == family.EACH

    @property
    def check_count(self) -> int:
        """How many checks a probe runs for it at a time."""
        return 2 if self.has_each_family else 1

    def check_specs(self) -> tuple[CheckSpec, ...]:
        """Return the checks that a probe runs for this monitor: one, or one over IPv4 and one over IPv6."""
        settings = self.settings.of_kind(self.kind)
        values = {name: getattr(settings, name) for name in _OF_CHECK}
        if not self.has_each_family:
            return (CheckSpec(url=self.url, monitor=self.id, version=self.version, **values),)
        of_4 = CheckSpec(url=self.url, monitor=self.id, version=self.version, **{**values, "family": family.IPV4})
        return of_4, replace(of_4, monitor=family.twin_id(self.id), family=family.IPV6)


#: The settings that are fields of a check by the same name.
_OF_CHECK = tuple(MonitorSettings.__dataclass_fields__)


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


def parse_exchange(text: str) -> str | None:
    """Return what is to be sent or expected as it was typed, None for an empty text. Raises InvalidInput."""
    if not text:
        return None
    _require_exchange(text)
    return text


def _require_exchange(text: str) -> None:
    if not 0 < len(text) <= MAX_EXCHANGE_CHARACTERS:
        raise InvalidInput(f"What is sent or expected must have 1 to {MAX_EXCHANGE_CHARACTERS} characters.")
    try:
        size = len(unescaped(text))
    except EscapeError as exc:
        raise InvalidInput(f"The text {exc}.", r"Write \\ for a backslash itself.") from exc
    if size > MAX_EXCHANGE_BYTES:
        raise InvalidInput(f"What is sent or expected must be at most {MAX_EXCHANGE_BYTES} bytes.")


def parse_dns_answers(text: str, record_type: str) -> tuple[str, ...]:
    """Return the answers of a text with one a line, each once, as a name server's are written. Raises InvalidInput."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_DNS_ANSWERS:
        raise InvalidInput(f"At most {MAX_DNS_ANSWERS} answers can be expected.")
    try:
        return tuple(dict.fromkeys(normal_answer(record_type, line) for line in lines))
    except AnswerError as exc:
        raise InvalidInput(str(exc)) from exc


def fitted(settings: MonitorSettings, url: str) -> MonitorSettings:
    """Return the settings as they can hold for an address of its kind. Raises InvalidInput where they cannot."""
    kind = kind_of(url)
    found = settings.of_kind(kind)
    if found.family == family.EACH and _is_numeric(url):
        raise InvalidInput("An address in numbers has one family only.", "Choose automatic, or watch a name.")
    if kind != "dns" or not found.dns_answers:
        return found
    record_type = read_address(url).record_type
    return replace(found, dns_answers=parse_dns_answers("\n".join(found.dns_answers), record_type))


def _is_numeric(url: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True
