"""A channel: a way by which alerts leave Pingmon. What opens it (addresses with tokens, keys) is not in here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from pingmon_gui.domain.error import InvalidInput

ChannelId = NewType("ChannelId", int)

#: The notifications of this desktop; every other channel gets a random id.
DESKTOP = ChannelId(1)
MAX_NAME_CHARACTERS = 60
MAX_GATHER_S = 120
MAX_TEMPLATE_CHARACTERS = 20_000


class ChannelKind(StrEnum):
    DESKTOP = "desktop"
    WEBHOOK = "webhook"
    APPRISE = "apprise"

    @property
    def can_replace(self) -> bool:
        """Whether a later message takes the place of an earlier one, so that nothing has to wait for others."""
        return self is ChannelKind.DESKTOP


def new_channel_id() -> ChannelId:
    """Return a random id: 2 to 2**53 - 1, as the ids of monitors."""
    return ChannelId(2 + secrets.randbelow(2**53 - 2))


@dataclass(frozen=True)
class Channel:
    """One channel. `shown` is what may be shown of where it leads: scheme and host, never a path or a token.

    `gather_s` is how long the first alert of a cause waits for others on a channel that cannot replace messages.
    `template` is a webhook's body, empty for the documented one.
    """

    id: ChannelId
    kind: ChannelKind
    name: str
    shown: str = ""
    is_enabled: bool = True
    gather_s: int = 10
    template: str = ""
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME_CHARACTERS:
            raise InvalidInput(f"A channel needs a name of at most {MAX_NAME_CHARACTERS} characters.")
        if not self.name.isprintable():
            raise InvalidInput("The name has characters that cannot be shown.")
        if not 0 <= self.gather_s <= MAX_GATHER_S:
            raise InvalidInput(f"Alerts can wait from 0 to {MAX_GATHER_S} seconds for others of the same cause.")
        if len(self.template) > MAX_TEMPLATE_CHARACTERS:
            raise InvalidInput(f"The template is longer than {MAX_TEMPLATE_CHARACTERS} characters.")
        if not self.content_type.isascii() or not self.content_type.isprintable() or len(self.content_type) > 100:
            raise InvalidInput("The content type is no media type, like application/json.")

    @property
    def gather_ms(self) -> int:
        return 0 if self.kind.can_replace else self.gather_s * 1000

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind.value,
            "name": self.name,
            "shown": self.shown,
            "is_enabled": self.is_enabled,
            "gather_s": self.gather_s,
            "template": self.template,
            "content_type": self.content_type,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Channel:
        """Read what `to_json` wrote. Raises InvalidInput."""
        try:
            return cls(**{**document, "id": ChannelId(int(document["id"])), "kind": ChannelKind(document["kind"])})
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise InvalidInput("A channel is described in a way that cannot be read.") from exc


@dataclass(frozen=True, repr=False)
class ChannelSecret:
    """What opens a channel: a webhook's or Apprise's address, a webhook's key and headers. Never shown or logged."""

    url: str
    hmac_key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "ChannelSecret(hidden)"

    def to_json(self) -> dict[str, Any]:
        """Return it for the keyring or the owner of the data folder, never for a person."""
        return {"url": self.url, "hmac_key": self.hmac_key, "headers": dict(self.headers)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ChannelSecret:
        """Read what `to_json` wrote. Raises InvalidInput."""
        try:
            headers = {str(name): str(value) for name, value in document.get("headers", {}).items()}
            return cls(str(document["url"]), str(document.get("hmac_key", "")), headers)
        except (KeyError, TypeError, AttributeError) as exc:
            raise InvalidInput("What opens the channel cannot be read.") from exc


def desktop_channel() -> Channel:
    return Channel(DESKTOP, ChannelKind.DESKTOP, "This desktop")
