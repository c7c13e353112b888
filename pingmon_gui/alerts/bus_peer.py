"""A program on the user's session bus (D-Bus): called with a deadline, heard, and watched as it comes and goes.

jeepney speaks the protocol; QtDBus cannot, because Python's numbers lose their D-Bus type on the way through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, DBusErrorResponse, HeaderFields, MatchRule, Message, message_bus, new_method_call
from jeepney.io.asyncio import DBusConnection, open_dbus_connection
from jeepney.wrappers import unwrap_msg

#: What D-Bus libraries wait for an answer: the program may only now be started by the bus.
DEADLINE_S = 25.0
_BUS = "org.freedesktop.DBus"
_ABSENT = tuple(f"{_BUS}.Error.{what}" for what in ("ServiceUnknown", "NameHasNoOwner", "Spawn"))


class PeerAbsentError(Exception):
    """There is no session bus, or nobody on it has the name, nor can be started for it."""


class PeerFailedError(Exception):
    """The program is there and did not do what it was asked; the text is its reason."""


class BusPeer:
    """Whoever has `address.bus_name` just now. Made anywhere, used on one loop.

    `on_signal` is called with the member and the values of each of its signals, `on_owner` with whether somebody has
    the name when that changes: what the one before knew is gone then.
    """

    def __init__(
        self,
        address: DBusAddress,
        on_signal: Callable[[str, tuple[Any, ...]], None],
        on_owner: Callable[[bool], None],
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._address = address
        self._on_signal = on_signal
        self._on_owner = on_owner
        self._deadline_s = deadline_s
        self._owner = ""
        self._connecting = asyncio.Lock()
        self._line: _Line | None = None
        self._is_cut_off = False

    async def start(self) -> None:
        """Begin to watch the name. Raises PeerAbsentError where there is no bus."""
        await self._in_time(self._connected())

    async def stop(self) -> None:
        """Hear no more. A call would connect anew."""
        line, self._line = self._line, None
        self._owner = ""
        self._is_cut_off = False
        if line is not None:
            await line.close()

    async def call(self, member: str, signature: str = "", *values: Any) -> tuple[Any, ...]:
        """Return what a method answers. Raises PeerAbsentError, PeerFailedError."""
        message = new_method_call(self._address, member, signature, values)
        try:
            answer: tuple[Any, ...] = unwrap_msg(await self._in_time(self._ask(message)))
            return answer
        except DBusErrorResponse as exc:
            if exc.name.startswith(_ABSENT):
                raise PeerAbsentError(exc.name) from exc
            raise PeerFailedError(str(exc.data[0]) if exc.data else exc.name) from exc

    # How it is done

    async def _in_time(self, work: Any) -> Any:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await work
        except TimeoutError as exc:
            raise PeerFailedError(f"no answer within {self._deadline_s:g} s") from exc
        except (OSError, EOFError) as exc:
            raise PeerAbsentError(str(exc)) from exc

    async def _ask(self, message: Message) -> Message:
        return await (await self._connected()).ask(message)

    async def _connected(self) -> _Line:
        async with self._connecting:
            if self._line is None or self._line.is_over:
                line = _Line(await open_dbus_connection(_bus_address()), self._take, self._cut_off)
                try:
                    await self._listen(line)
                except BaseException:
                    await line.close()
                    raise
                old, self._line = self._line, line
                if old is not None:
                    await old.close()
                if self._is_cut_off:
                    self._is_cut_off = False
                    if self._owner:
                        self._on_owner(True)
            return self._line

    def _cut_off(self) -> None:
        """The bus is gone, and with it whoever had the name."""
        self._owner = ""
        self._is_cut_off = True
        self._on_owner(False)

    async def _listen(self, line: _Line) -> None:
        name = self._address.bus_name
        owner = MatchRule(type="signal", sender=_BUS, interface=_BUS, member="NameOwnerChanged")
        owner.add_arg_condition(0, name)
        for rule in (owner, MatchRule(type="signal", sender=name, interface=self._address.interface)):
            unwrap_msg(await line.ask(message_bus.AddMatch(rule)))
        with contextlib.suppress(DBusErrorResponse):
            self._owner = unwrap_msg(await line.ask(message_bus.GetNameOwner(name)))[0]

    def _take(self, message: Message) -> None:
        fields = message.header.fields
        sender, member = fields.get(HeaderFields.sender), str(fields.get(HeaderFields.member))
        if sender == _BUS and member == "NameOwnerChanged" and message.body[0] == self._address.bus_name:
            self._owner = message.body[2]
            self._on_owner(bool(self._owner))
        elif sender == self._owner and fields.get(HeaderFields.interface) == self._address.interface:
            self._on_signal(member, message.body)


class _Line:
    """A connection to the bus: answers go to who asked, all else to `on_message`; `on_end` when the bus hangs up."""

    def __init__(
        self, connection: DBusConnection, on_message: Callable[[Message], None], on_end: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._on_message = on_message
        self._on_end = on_end
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._hearing = asyncio.get_running_loop().create_task(self._hear(), name="session bus")

    @property
    def is_over(self) -> bool:
        return self._hearing.done()

    async def ask(self, message: Message) -> Message:
        """Return the answer to a method call. Raises EOFError when the bus hangs up."""
        if self.is_over:
            raise EOFError("the session bus hung up")
        serial = next(self._connection.outgoing_serial)
        answer = self._answers[serial] = asyncio.get_running_loop().create_future()
        try:
            await self._connection.send(message, serial=serial)
            return await answer
        finally:
            self._answers.pop(serial, None)

    async def close(self) -> None:
        self._hearing.cancel()
        await asyncio.gather(self._hearing, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._connection.close()

    async def _hear(self) -> None:
        try:
            while True:
                message = await self._connection.receive()
                answer = self._answers.get(message.header.fields.get(HeaderFields.reply_serial, -1))
                if answer is None:
                    self._on_message(message)
                elif not answer.done():
                    answer.set_result(message)
        except (OSError, EOFError):
            self._on_end()
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(EOFError("the session bus hung up"))


def _bus_address() -> str:
    """Return where the session bus is. Raises FileNotFoundError where there is none that can be spoken to."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if address.startswith("unix:"):
        return address
    # Where systemd keeps it, for who was not told.
    usual = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere")) / "bus"
    if usual.exists():
        return f"unix:path={usual}"
    raise FileNotFoundError("there is no session bus")
