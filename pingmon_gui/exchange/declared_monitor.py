"""A domain in a `pingmon.toml`, a `[[monitor]]`: its keys, how they are read, how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pingmon_probe.protocol import KINDS, KINDS_OF_FIELD, kind_of

from pingmon_gui.domain import family
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import (
    Monitor,
    MonitorDraft,
    MonitorSettings,
    format_status_set,
    parse_name,
    parse_status_set,
)
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange.declared_field import (
    Field,
    KeyWrong,
    read_flag,
    read_length,
    read_tags,
    read_text,
    read_texts,
)
from pingmon_gui.exchange.duration import duration_text
from pingmon_gui.exchange.kind_setting import KIND_SETTINGS
from pingmon_gui.exchange.wish import checked


@dataclass(frozen=True)
class DeclaredMonitor:
    """A monitor as the file wants it. What it does not say of pause and log-in stays as it is: None and False."""

    draft: MonitorDraft
    is_paused: bool | None
    says_login: bool


def declared_monitor(said: dict[str, Any], shared: dict[str, Any], base: MonitorSettings) -> DeclaredMonitor:
    """Return what a table says, by our names; where it says nothing, first `shared` holds, then `base`.

    Raises InvalidInput.
    """
    target = said["url"]
    _require_own_settings(target.url, said)
    values = {**shared, **said}
    bearer = values.get("bearer_env", values.get("bearer"))
    # A log-in of its own goes before one in the address.
    login = values.get("basic_auth_env", values.get("basic_auth", target.basic_auth if bearer is None else None))
    settings = MonitorSettings(
        **{
            "interval_ms": base.interval_ms,
            "timeout_ms": base.timeout_ms,
            "slow_ms": min(base.slow_ms, values.get("timeout_ms", base.timeout_ms)),
            **{key: value for key, value in values.items() if key in _SETTINGS},
            "basic_auth": login or None,
            "bearer": bearer or None,
        }
    )
    draft = MonitorDraft(
        target.url,
        values.get("name", ""),
        settings,
        values.get("tags", ()),
        values.get("regions"),
        values.get("paused", False),
    )
    return DeclaredMonitor(checked(draft), values.get("paused"), login is not None or bearer is not None)


def monitor_pairs(monitor: Monitor, *, with_secrets: bool) -> dict[str, Any]:
    """Return what a file says of a monitor; how it is measured is written out, the rest only if it differs."""
    s = monitor.settings if with_secrets else monitor.settings.without_secrets()
    pairs: dict[str, Any] = {"url": monitor.url}
    if monitor.name:
        pairs["name"] = monitor.name
    pairs |= {"interval": duration_text(s.interval_ms), "timeout": duration_text(s.timeout_ms)}
    pairs["slow"] = duration_text(s.slow_ms)
    if _knows(monitor.kind, "status_set"):
        pairs["status"] = format_status_set(s.status_set)
    if s.keyword is not None:
        pairs["keyword"] = s.keyword
    if s.keyword_absent:
        pairs["keyword_absent"] = True
    if s.ignore_certificate:
        pairs["ignore_certificate"] = True
    if s.family:
        pairs["family"] = s.family if s.family in (family.IPV4, family.IPV6) else family.word(s.family)
    pairs |= {setting.key: setting.value(s) for setting in KIND_SETTINGS if not setting.is_default(s)}
    if monitor.regions is not None:
        pairs["regions"] = [region.value for region in monitor.regions]
    if monitor.tags:
        pairs["tags"] = list(monitor.tags)
    if monitor.is_paused:
        pairs["paused"] = True
    pairs |= {name: value for name in ("basic_auth", "bearer") if (value := getattr(s, name)) is not None}
    return pairs


def monitor_fields(environment: Mapping[str, str]) -> dict[str, Field]:
    """Return the keys of a `[[monitor]]`."""

    def read_environment(value: Any) -> str:
        variable = read_text(value)
        if variable not in environment:
            raise InvalidInput(f"The environment has no variable {variable[:60]}.", "It holds user:password.")
        return _read_login(environment[variable])

    def read_token(value: Any) -> str:
        variable = read_text(value)
        if not environment.get(variable):
            raise InvalidInput(f"The environment has no variable {variable[:60]}.", "It holds the token.")
        return environment[variable]

    return {
        "url": ("url", lambda value: parse_target(read_text(value))),
        "name": ("name", lambda value: parse_name(read_text(value))),
        **SHARED_FIELDS,
        **_OWN_FIELDS,
        "basic_auth_env": ("basic_auth_env", read_environment),
        "bearer_env": ("bearer_env", read_token),
    }


def _require_own_settings(url: str, values: Mapping[str, Any]) -> None:
    """Raise KeyWrong for a setting that an address of this kind does not have."""
    kind = kind_of(url)
    for key, (ours, _) in {**SHARED_FIELDS, **_OWN_FIELDS}.items():
        if ours in values and not _knows(kind, ours):
            raise KeyWrong(key, f"An address of the kind {kind} has no such setting.")


def _knows(kind: str, field: str) -> bool:
    return kind in KINDS_OF_FIELD.get(field, KINDS)


def _read_statuses(value: Any) -> tuple[tuple[int, int], ...]:
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, int | str) and not isinstance(part, bool) for part in parts):
        raise InvalidInput("It must be a text like “200-299, 404”, or a list of such texts and numbers.")
    return parse_status_set(",".join(str(part) for part in parts))


def _read_family(value: Any) -> int:
    if value == 0 and not isinstance(value, bool):
        return family.AUTOMATIC
    if isinstance(value, bool) or str(value) not in family.WORDS:
        raise InvalidInput("It must be 4, 6, “both” or “auto”.")
    return family.setting_of(str(value))


def _read_regions(value: Any) -> tuple[Region, ...]:
    try:
        return tuple(dict.fromkeys(Region(word.lower()) for word in read_texts(value)))
    except ValueError as exc:
        raise InvalidInput("There is no such region.", f"Regions are {', '.join(Region)}.") from exc


def _read_login(value: Any) -> str:
    text = read_text(value)
    if text and ":" not in text:
        raise InvalidInput("A log-in is user:password.")
    return text


#: Keys that may stand in [defaults].
SHARED_FIELDS: dict[str, Field] = {
    "interval": ("interval_ms", lambda value: MonitorSettings(interval_ms=read_length(value)).interval_ms),
    "timeout": ("timeout_ms", lambda value: MonitorSettings(timeout_ms=read_length(value), slow_ms=1).timeout_ms),
    "slow": ("slow_ms", lambda value: MonitorSettings(slow_ms=read_length(value), timeout_ms=30_000).slow_ms),
    "status": ("status_set", _read_statuses),
    "family": ("family", _read_family),
    "ignore_certificate": ("ignore_certificate", read_flag),
    "regions": ("regions", _read_regions),
    "tags": ("tags", read_tags),
}
#: Keys of a `[[monitor]]` only.
_OWN_FIELDS: dict[str, Field] = {
    "keyword": ("keyword", lambda value: MonitorSettings(keyword=read_text(value)).keyword),
    "keyword_absent": ("keyword_absent", read_flag),
    "paused": ("paused", read_flag),
    "basic_auth": ("basic_auth", _read_login),
    "bearer": ("bearer", read_text),
    **{setting.key: (setting.field, setting.read) for setting in KIND_SETTINGS},
}
_SETTINGS = frozenset(MonitorSettings.__dataclass_fields__)
