"""What the outbox needs of others, as protocols: the session joins them with store, secrets and window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pingmon_gui.domain.alert import AlertId, Post
from pingmon_gui.domain.alert_channel import ChannelId, ChannelSecret
from pingmon_gui.domain.alert_rule import AlertKind
from pingmon_gui.domain.delivery import Delivery


class OutboxStore(Protocol):
    """Where deliveries are kept. Raises StorageError."""

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None: ...


class ChannelSecrets(Protocol):
    """What opens channels: in the system's keyring, or in files only the user can read. Blocking."""

    def load(self, channel: ChannelId) -> ChannelSecret:
        """Raises ChannelError where it is gone or locked away."""
        ...

    def save(self, channel: ChannelId, secret: ChannelSecret) -> None:
        """Raises OSError where it cannot be kept."""
        ...

    def forget(self, channel: ChannelId) -> None: ...


class Sender(Protocol):
    """Delivers messages by one channel, one at a time."""

    async def send(self, post: Post, now_ms: int) -> None:
        """Return when the receiver has it. Raises ChannelError with a sentence."""
        ...


class DesktopAction(StrEnum):
    """What a person can do on a notification."""

    OPEN = "open"
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"  # for an hour


@dataclass(frozen=True)
class DesktopNotice:
    """A notification. Title and text are plain text: whoever shows them escapes what the daemon takes for markup.

    One with the `alert` of an earlier one takes its place. `is_over` ones need no attention any more, and can only
    be opened. `is_update` ones tell nothing that a person has to be interrupted for.
    """

    alert: AlertId
    title: str
    text: str
    kind: AlertKind
    is_over: bool
    is_update: bool
    actions: tuple[DesktopAction, ...]


@dataclass(frozen=True)
class Picture:
    """A square picture, row by row, four bytes a pixel: red, green, blue, alpha."""

    side: int
    rgba: bytes


class DesktopNotifier(Protocol):
    """Notifications of the desktop, on the window's thread.

    `on_action` is called with what a person chose, `on_there` when what shows notifications came (again).
    """

    on_action: Callable[[AlertId, DesktopAction], None] | None
    on_there: Callable[[], None] | None

    async def show(self, notice: DesktopNotice) -> None:
        """Hand the notification over. Raises ChannelError, which `is_absent` where nothing is there to show it."""
        ...

    async def withdraw(self, alert: AlertId) -> None:
        """Take a notification from the screen, if it is there."""
        ...
