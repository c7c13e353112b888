"""The desk of one probe: the one place that decides how the app stands with it and says so."""

from __future__ import annotations

import logging
from dataclasses import replace

from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.event import EventHub, ProbeChanged
from pingmon_gui.engine.link import Heartbeat, ProbeLink, ProbeStatus, StreamHeader

_log = logging.getLogger(__name__)

#: A clock further off than this takes the probe's vote (architecture 8).
MAX_OFFSET_MS = 60_000


class ProbeDesk:
    """Writes `health`: to the board at once, to the hub only where a person would notice.

    The self-check's word (`_self_check`) and the clock are kept apart from the connection, because a
    probe votes only while all three are right.
    """

    def __init__(self, link: ProbeLink, board: Board, hub: EventHub, clock: Clock) -> None:
        self._link = link
        self._board = board
        self._hub = hub
        self._clock = clock
        self._self_check: tuple[bool, str | None] = (True, None)
        self._plan_refusal: str | None = None
        #: How far the probe's clock is ahead of this computer's own, uncorrected one; None before it was measured.
        self.ahead_ms: float | None = None
        self.health = ProbeHealth(link.probe)

    @property
    def is_reached(self) -> bool:
        return self.health.state in (ProbeState.CONNECTED, ProbeState.CATCHING_UP)

    def answered(self, status: ProbeStatus) -> None:
        """The probe told how it is; the results stream is about to be opened."""
        self._self_check = (status.votes, status.reason)
        self.ahead_ms = status.clock_offset_ms - self._clock.error_ms
        self._say(
            version=status.version,
            clock_offset_ms=status.clock_offset_ms,
            late_p99_ms=status.late_p99_ms,
            skipped=status.skipped,
            keeps_evidence="failure_evidence" in status.features,
        )

    def connected(self, header: StreamHeader, is_catching_up: bool) -> None:
        state = ProbeState.CATCHING_UP if is_catching_up else ProbeState.CONNECTED
        self.ahead_ms = header.clock_offset_ms - self._clock.error_ms
        self._say(state=state, clock_offset_ms=header.clock_offset_ms)

    def clock_corrected(self) -> None:
        """This computer's time was corrected; the probe's clock is held against the new one."""
        if self.ahead_ms is not None:
            self._say(clock_offset_ms=self.ahead_ms + self._clock.error_ms)

    def catching_up(self, share: float) -> None:
        """So much of the backlog is here; said for every hundredth."""
        if int(share * 100) != int((self.health.caught_up or 0.0) * 100):
            self._say(caught_up=share)

    def caught_up(self) -> None:
        if self.health.state is ProbeState.CATCHING_UP:
            self._say(state=ProbeState.CONNECTED)

    def alive(self, heartbeat: Heartbeat) -> None:
        self._self_check = (heartbeat.votes, heartbeat.reason)
        self._say(late_p99_ms=heartbeat.late_p99_ms, skipped=heartbeat.skipped)

    def heard(self, count: int) -> None:
        """Results came: a sign of life, and nothing that anybody has to be told."""
        collected = self.health.collected + count
        self.health = replace(self.health, last_contact_at_ms=self._clock.now_ms(), collected=collected)
        self._board.probes[self.health.probe.id] = self.health

    def unreached(self, reason: str) -> None:
        self._say(state=ProbeState.UNREACHED, reason=reason)

    def refused(self, reason: str) -> None:
        """The probe answers, but will not talk to us: its token or its version does not fit."""
        self._say(state=ProbeState.REFUSED, reason=reason)

    def plan_accepted(self) -> None:
        if self._plan_refusal is not None:
            self._plan_refusal = None
            self._say(state=ProbeState.CONNECTED)

    def plan_refused(self, reason: str) -> None:
        """The probe talks to us, but does not measure for us: it serves another owner, or cannot do what is asked."""
        self._plan_refusal = reason
        self._say()

    def stopped(self) -> None:
        self._say(state=ProbeState.STOPPED, reason="Pingmon is closing.")

    def _say(self, *, reason: str = "", **values: object) -> None:
        before = self.health
        health = replace(before, restarts=self._link.restarts, **values)  # type: ignore[arg-type]
        if self._plan_refusal is not None and health.state is not ProbeState.UNREACHED:
            health, reason = replace(health, state=ProbeState.REFUSED), self._plan_refusal
        if health.state is not ProbeState.CATCHING_UP:
            health = replace(health, caught_up=None)
        votes, why = health.state is ProbeState.CONNECTED, reason
        if health.state in (ProbeState.CONNECTED, ProbeState.CATCHING_UP):
            health = replace(health, last_contact_at_ms=self._clock.now_ms())
            name = f"The probe “{health.probe.name}”"
            if abs(health.clock_offset_ms or 0.0) > MAX_OFFSET_MS:
                seconds = abs(health.clock_offset_ms or 0.0) / 1000
                votes, why = False, f"{name} has a clock that is off by {seconds:,.0f} seconds."
            elif not self._self_check[0]:
                votes, why = False, self._self_check[1] or f"{name} cannot measure just now."
        elif not reason:
            why = before.reason
        self.health = replace(health, votes=votes, reason=why)
        self._board.set_health(self.health)
        if (before.state, before.reason) != (health.state, why):
            _log.info("probe %s: %s%s", health.probe.name, health.state.value, f" ({why})" if why else "")
        if _noticeable(before) != _noticeable(self.health):
            self._hub.publish(ProbeChanged(self.health))


def _noticeable(health: ProbeHealth) -> tuple[object, ...]:
    return health.state, health.reason, health.votes, health.version, health.restarts, health.caught_up
