"""The outbox: every message is kept before it is sent, tried until it is delivered, in order on each channel.

What is promised: a message whose decision was kept is delivered at least once, however often the process is killed;
twice only if the kill fell between the receiver's answer and our note of it, and then with the same key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pingmon_gui.alerts.port import OutboxStore, Sender
from pingmon_gui.domain.alert import Post
from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.delivery import Delivery, DeliveryState, next_to_send
from pingmon_gui.domain.error import ChannelError, StorageError
from pingmon_gui.nap import BackOff, Nap

_log = logging.getLogger(__name__)

#: What could not be delivered for so long is given up; the list in the window has it.
GIVE_UP_MS = 24 * 3_600_000
#: What would take it may come a little later, as notifications at the start of a session do. After that it is dropped.
ABSENT_MS = 2 * 60_000
#: A refused message is tried so often: receivers that are just being set up refuse, too.
REFUSALS = 5

MakeSender = Callable[[Channel], Awaitable[Sender | None]]


@dataclass
class _Box:
    """What waits on one channel. `failing_since_ms` is set while nothing gets through, `absent_since_ms` while there is
    nothing that would take it.
    """

    channel: Channel
    waiting: list[Delivery] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    nap: Nap = field(default_factory=Nap)
    back_off: BackOff = field(default_factory=BackOff)
    sender: Sender | None = None
    failing_since_ms: int | None = None
    absent_since_ms: int | None = None
    task: asyncio.Task[None] | None = None


class Outbox:
    """`make_sender` returns None where there is nothing for a channel yet, or ever (a desktop without a window).

    `on_health` is told when a channel fails (since when, and the sentence) and when it works again (None, "");
    `on_delivery` whenever a delivery is further than before. Everything is on the loop that called `start`.
    """

    def __init__(
        self,
        store: OutboxStore,
        make_sender: MakeSender,
        now_ms: Callable[[], int],
        *,
        on_health: Callable[[Channel, int | None, str], None],
        on_delivery: Callable[[Delivery], None],
    ) -> None:
        self._store = store
        self._make_sender = make_sender
        self._now_ms = now_ms
        self._on_health = on_health
        self._on_delivery = on_delivery
        self._boxes: dict[ChannelId, _Box] = {}
        self._unsaved: dict[str, Delivery] = {}
        self._saving = asyncio.Lock()

    async def start(
        self, channels: Iterable[Channel], waiting: Iterable[Delivery], failing: Mapping[ChannelId, int] | None = None
    ) -> None:
        """Begin to send; `waiting` is what an earlier life left, `failing` since when it could not deliver."""
        self.set_channels(channels)
        for id_, since_ms in (failing or {}).items():
            if id_ in self._boxes:
                self._boxes[id_].failing_since_ms = since_ms
        self._put(waiting)

    async def stop(self) -> None:
        """End all sending; what is not delivered waits for the next start."""
        tasks = [box.task for box in self._boxes.values() if box.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._boxes.clear()
        await self.settle()

    def set_channels(self, channels: Iterable[Channel]) -> None:
        """Take over which channels there are. One that changed is tried at once; what waited for one that is gone is
        dropped.
        """
        known = {channel.id: channel for channel in channels if channel.is_enabled}
        for id_ in [id_ for id_ in self._boxes if id_ not in known]:
            box = self._boxes.pop(id_)
            if box.task is not None:
                box.task.cancel()
            self._drop(box.waiting, "The channel was removed or turned off.")
        for channel in known.values():
            known_box = self._boxes.get(channel.id)
            if known_box is None:
                self._boxes[channel.id] = new = _Box(channel)
                name = f"outbox:{channel.id}"
                new.task = asyncio.get_running_loop().create_task(self._serve(new), name=name)
            elif known_box.channel != channel:
                known_box.channel = channel
                self.renew(channel.id)

    def renew(self, channel: ChannelId) -> None:
        """What opens the channel changed: try at once with that."""
        if (box := self._boxes.get(channel)) is not None:
            box.sender = None
            box.back_off.reset()
            box.nap.wake()

    def hurry(self) -> None:
        """Something happened that may have cured connections: try everything at once."""
        for box in self._boxes.values():
            box.back_off.reset()
            box.nap.wake()

    def put(self, posts: Sequence[Post]) -> None:
        """Send messages that were decided on just now."""
        self._put(Delivery(post) for post in posts)

    @property
    def has_unsaved(self) -> bool:
        """Whether something about deliveries still has to be kept."""
        return bool(self._unsaved)

    @property
    def waiting(self) -> Mapping[ChannelId, int]:
        """How much waits on each channel."""
        return {id_: len(box.waiting) for id_, box in self._boxes.items()}

    def _put(self, deliveries: Iterable[Delivery]) -> None:
        homeless = []
        for delivery in deliveries:
            box = self._boxes.get(delivery.post.channel)
            if box is None:
                homeless.append(delivery)
            else:
                box.waiting.append(delivery)
                box.news.set()
        self._drop(homeless, "The channel was removed or turned off.")

    def _drop(self, deliveries: Iterable[Delivery], why: str) -> None:
        for delivery in deliveries:
            self._note(replace(delivery, state=DeliveryState.DROPPED, error=why, done_at_ms=self._now_ms()))

    async def _serve(self, box: _Box) -> None:
        while True:
            await self.settle()
            if not box.waiting:
                box.news.clear()
                await box.news.wait()
            try:
                await self._send_next(box)
            except Exception:
                # A bug in one channel must hold up neither the others nor, for long, this one.
                _log.exception("the channel %s failed by a fault of Pingmon's own", box.channel.kind)
                await box.nap.sleep(box.back_off.next_s())

    async def _send_next(self, box: _Box) -> None:
        by_key = {delivery.key: delivery for delivery in box.waiting}
        post, needless = next_to_send([one.post for one in box.waiting], can_replace=box.channel.kind.can_replace)
        delivery = by_key[post.key]
        now_ms = self._now_ms()
        if now_ms - post.at_ms > GIVE_UP_MS:
            return self._done(box, delivery, DeliveryState.EXPIRED, delivery.error or "It could not be sent for a day.")
        try:
            if box.sender is None:
                box.sender = await self._make_sender(box.channel)
            if box.sender is None:
                raise ChannelError("There was no desktop to show it on.", is_absent=True)
            await box.sender.send(post, now_ms)
        except ChannelError as exc:
            await self._failed(box, delivery, exc)
            return
        for one in needless:
            self._done(box, by_key[one.key], DeliveryState.FOLDED)
        self._done(box, replace(delivery, tries=delivery.tries + 1), DeliveryState.SENT)
        box.back_off.reset()
        box.absent_since_ms = None
        if box.failing_since_ms is not None:
            box.failing_since_ms = None
            self._on_health(box.channel, None, "")

    async def _failed(self, box: _Box, delivery: Delivery, error: ChannelError) -> None:
        sentence = error.message if error.hint is None else f"{error.message} {error.hint}"
        failed = replace(delivery, tries=delivery.tries + 1, error=sentence)
        now_ms = self._now_ms()
        if error.is_absent:
            if box.absent_since_ms is None:
                box.absent_since_ms = now_ms
            if now_ms - max(failed.post.at_ms, box.absent_since_ms) > ABSENT_MS:
                return self._done(box, failed, DeliveryState.DROPPED)
            return await self._wait(box, failed, error)
        box.absent_since_ms = None
        if box.failing_since_ms is None:
            box.failing_since_ms = now_ms
            _log.warning("the channel %s does not deliver: %s", box.channel.name, sentence)
        self._on_health(box.channel, box.failing_since_ms, error.message)
        if error.is_refusal and failed.tries >= REFUSALS:
            return self._done(box, failed, DeliveryState.REFUSED)
        await self._wait(box, failed, error)

    async def _wait(self, box: _Box, failed: Delivery, error: ChannelError) -> None:
        """Keep how it failed; return when it may be tried again."""
        box.waiting = [failed if one.key == failed.key else one for one in box.waiting]
        self._note(failed)
        await self.settle()
        await box.nap.sleep(max(box.back_off.next_s(), error.wait_s))

    def _done(self, box: _Box, delivery: Delivery, state: DeliveryState, error: str | None = None) -> None:
        done = replace(
            delivery,
            state=state,
            error=delivery.error if error is None else error,
            done_at_ms=self._now_ms(),
        )
        box.waiting = [one for one in box.waiting if one.key != done.key]
        self._note(done)

    def _note(self, delivery: Delivery) -> None:
        self._unsaved[delivery.key] = delivery
        self._on_delivery(delivery)

    async def settle(self) -> None:
        """Keep what is new about deliveries; what cannot be kept just now is with the next."""
        async with self._saving:
            unsaved, self._unsaved = self._unsaved, {}
            if not unsaved:
                return
            try:
                await self._store.save_deliveries(list(unsaved.values()))
            except BaseException as exc:
                # Also when the end of the app comes in between: what was sent must be known in the next life.
                self._unsaved = unsaved | self._unsaved
                if not isinstance(exc, StorageError):
                    raise
                _log.warning("deliveries could not be kept: %s", exc)
