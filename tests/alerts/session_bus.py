"""A session bus of a test's own, and a notification daemon on it that does as the test says."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.io.asyncio import DBusConnection, Proxy, open_dbus_connection
from jeepney.io.asyncio import DBusRouter as Router

from pingmon_gui.alerts.freedesktop import ADDRESS, NAME

ALL = ("actions", "body", "body-markup", "persistence")
#: Nothing is started by this bus: whoever is to be there is started by the test.
_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""


class SessionBus:
    """A `dbus-daemon` of our own; `address` stays when it is started anew."""

    def __init__(self, folder: Path) -> None:
        self._configuration = folder / "bus.conf"
        self._configuration.write_text(_CONFIGURATION.format(folder=folder))
        self.start()

    def start(self) -> None:
        words = ["dbus-daemon", f"--config-file={self._configuration}", "--nofork", "--print-address=1"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextlib.contextmanager
def session_bus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionBus]:
    """Run a bus that this process takes for its session's."""
    bus = SessionBus(folder)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    try:
        yield bus
    finally:
        bus.stop()


@dataclass(frozen=True)
class Shown:
    """A notification as the daemon was asked for it. `actions` are pairs of key and label."""

    number: int
    replaced: int
    title: str
    text: str
    actions: tuple[tuple[str, str], ...]
    hints: dict[str, Any]


class Daemon:
    """`asked` is everything it was asked to show, `screen` what it shows, by number."""

    def __init__(self, connection: DBusConnection, capabilities: tuple[str, ...], first_number: int) -> None:
        self._connection = connection
        self._capabilities = capabilities
        self._next = first_number
        self.asked: list[Shown] = []
        self.closed: list[int] = []
        self.screen: dict[int, Shown] = {}
        self.hangs = False
        self.problem = ""

    async def serve(self) -> None:
        while True:
            message = await self._connection.receive()
            fields = message.header.fields
            if message.header.message_type is not MessageType.method_call or self.hangs:
                continue
            if self.problem:
                await self._connection.send(new_error(message, "org.example.Trouble", "s", (self.problem,)))
                continue
            match fields[HeaderFields.member]:
                case "GetCapabilities":
                    await self._connection.send(new_method_return(message, "as", (list(self._capabilities),)))
                case "Notify":
                    await self._notify(message)
                case "CloseNotification":
                    await self._connection.send(new_method_return(message))
                    await self.close(message.body[0], reason=3)

    async def _notify(self, message: Message) -> None:
        assert message.header.fields[HeaderFields.signature] == "susssasa{sv}i"
        _app, replaced, _icon, title, text, actions, hints, _timeout = message.body
        number = replaced or self._next
        self._next += not replaced
        pairs = tuple(zip(actions[::2], actions[1::2], strict=True))
        shown = Shown(number, replaced, title, text, pairs, {name: value for name, (_type, value) in hints.items()})
        self.asked.append(shown)
        self.screen[number] = shown
        await self._connection.send(new_method_return(message, "u", (number,)))

    async def close(self, number: int, reason: int = 2) -> None:
        """Take a notification off the screen, as a person does who dismisses it."""
        if self.screen.pop(number, None) is not None:
            self.closed.append(number)
            await self._emit("NotificationClosed", "uu", number, reason)

    async def invoke(self, number: int, key: str, token: str = "") -> None:
        """Press a button of a notification, or the notification itself ("default")."""
        if token:
            await self._emit("ActivationToken", "us", number, token)
        await self._emit("ActionInvoked", "us", number, key)

    async def _emit(self, member: str, signature: str, *values: Any) -> None:
        emitter = DBusAddress(ADDRESS.object_path, interface=NAME)
        await self._connection.send(new_signal(emitter, member, signature, values))


@contextlib.asynccontextmanager
async def daemon(*, capabilities: tuple[str, ...] = ALL, first_number: int = 1) -> AsyncIterator[Daemon]:
    """Run a notification daemon; at the end it is gone from the bus, as one that died."""
    connection = await open_dbus_connection()
    async with Router(connection) as router:
        await Proxy(message_bus, router).RequestName(NAME)
    made = Daemon(connection, capabilities, first_number)
    serving = asyncio.create_task(made.serve())
    try:
        yield made
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await connection.close()


async def main() -> None:
    """Be a notification daemon on the session's bus until somebody ends this process."""
    async with daemon():
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
