"""A channel in a `pingmon.toml`, a `[[channel]]`: its keys, how they are read, how they are written.

What opens a channel is in no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pingmon_gui.domain.alert_channel import DESKTOP, MAX_GATHER_S, Channel, ChannelId, ChannelKind
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.exchange.declared_field import Field, read_flag, read_length, read_text, read_word
from pingmon_gui.exchange.duration import duration_text


@dataclass(frozen=True)
class DeclaredChannel:
    """A channel as the file wants it; where it does not say whether it is on, it stays as it is (None)."""

    channel: Channel
    is_enabled: bool | None


def declared_channel(values: Mapping[str, Any], number: int) -> DeclaredChannel:
    """Return what the `number`th table says; `values` are by our names. Raises InvalidInput."""
    is_desktop = values["kind"] is ChannelKind.DESKTOP
    # Ids below the random ones of real channels: they join rules of the file to its channels, no more.
    id_ = DESKTOP if is_desktop else ChannelId(-number)
    is_enabled = values.get("is_enabled")
    others = {key: value for key, value in values.items() if key != "is_enabled"}
    return DeclaredChannel(Channel(id=id_, is_enabled=is_enabled is not False, **others), is_enabled)


def channel_pairs(channel: Channel) -> dict[str, Any]:
    """Return what a file says of a channel."""
    pairs: dict[str, Any] = {"name": channel.name, "kind": channel.kind.value}
    if not channel.kind.can_replace:
        pairs["wait"] = duration_text(channel.gather_s * 1000)
    if channel.template:
        pairs["template"] = channel.template
    if channel.content_type != "application/json":
        pairs["content_type"] = channel.content_type
    if not channel.is_enabled:
        pairs["enabled"] = False
    return pairs


def _some(**values: Any) -> Channel:
    """Return some channel with one value in it: its own check has the sentence for what does not fit."""
    return Channel(**{"id": DESKTOP, "kind": ChannelKind.WEBHOOK, "name": "-", **values})


def _read_wait(value: Any) -> int:
    wait_ms = read_length(value)
    if wait_ms % 1000:
        raise InvalidInput(f"It must be whole seconds, from 0 to {MAX_GATHER_S}.")
    return _some(gather_s=wait_ms // 1000).gather_s


CHANNEL_FIELDS: dict[str, Field] = {
    "name": ("name", lambda value: _some(name=" ".join(read_text(value).split())).name),
    "kind": ("kind", lambda value: read_word(value, ChannelKind)),
    "wait": ("gather_s", _read_wait),
    "template": ("template", lambda value: _some(template=read_text(value)).template),
    "content_type": ("content_type", lambda value: _some(content_type=read_text(value)).content_type),
    "enabled": ("is_enabled", read_flag),
}
