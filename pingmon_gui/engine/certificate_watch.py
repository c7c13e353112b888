"""The certificate watch: goes round all monitors a few at a time and notes which certificates they show."""

from __future__ import annotations

from dataclasses import replace

from pingmon_gui.domain.alert import MatterKey
from pingmon_gui.domain.alert_news import CertificateFact, certificate_fact, of_certificate
from pingmon_gui.domain.alert_rule import DAY_MS, HOUR_MS
from pingmon_gui.domain.alert_state import MatterNews
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.board import Board

#: So many monitors are looked at in a second: 1,000 take three minutes, and it costs the loop a millisecond.
A_LOOK = 5
#: While a certificate is exchanged on many servers old and new ones show in turns: it is gone when it stays away.
GONE_MS = HOUR_MS
#: Further ahead than the earliest threshold that a rule can have, nobody has to know.
AHEAD_MS = 366 * DAY_MS


class CertificateWatch:
    """`look` is called about once a second."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._next = 0
        self._facts: dict[MatterKey, CertificateFact] = {}
        self._seen_ms: dict[tuple[MatterKey, MonitorId], int] = {}

    def start(self, known: dict[MatterKey, CertificateFact], now_ms: int) -> None:
        """Take over what was known before: it is there until it stays away."""
        self._facts = dict(known)
        self._seen_ms = {(key, monitor): now_ms for key, fact in known.items() for monitor in fact.monitors}

    @property
    def facts(self) -> tuple[CertificateFact, ...]:
        return tuple(self._facts.values())

    def look(self, now_ms: int) -> list[MatterNews]:
        """Look at the next few monitors; return which certificates are new, on other domains, or gone."""
        ids = self._board.ids
        changed: set[MatterKey] = set()
        for id_ in ids[self._next : self._next + A_LOOK]:
            changed |= self._note(id_, now_ms)
        self._next = self._next + A_LOOK if self._next + A_LOOK < len(ids) else 0
        if self._next == 0:
            changed |= self._forget(now_ms)
        return [self._news(key, now_ms) for key in changed]

    def _note(self, id_: MonitorId, now_ms: int) -> set[MatterKey]:
        changed: set[MatterKey] = set()
        for latest in self._board.newest(id_):
            fact = certificate_fact(latest.result.certificate, id_)
            if fact is None or not now_ms < fact.until_ms < now_ms + AHEAD_MS:
                continue
            self._seen_ms[fact.key, id_] = now_ms
            known = self._facts.get(fact.key)
            if known is None:
                self._facts[fact.key] = fact
            elif id_ not in known.monitors:
                self._facts[fact.key] = replace(known, monitors=(*known.monitors, id_))
            else:
                continue
            changed.add(fact.key)
        return changed

    def _forget(self, now_ms: int) -> set[MatterKey]:
        changed: set[MatterKey] = set()
        # What nobody measures just now still has its certificate.
        for (key, id_), seen_ms in list(self._seen_ms.items()):
            if id_ not in self._board.row_of or (seen_ms < now_ms - GONE_MS and self._speaks(id_)):
                del self._seen_ms[key, id_]
                fact = self._facts[key]
                self._facts[key] = replace(fact, monitors=tuple(one for one in fact.monitors if one != id_))
                changed.add(key)
        return changed

    def _speaks(self, id_: MonitorId) -> bool:
        """Whether some probe has shown a certificate of the monitor lately."""
        return any(latest.result.certificate for latest in self._board.newest(id_))

    def _news(self, key: MatterKey, now_ms: int) -> MatterNews:
        fact = self._facts[key]
        titles = [self._board.monitors[id_].title for id_ in fact.monitors if id_ in self._board.monitors]
        if not fact.monitors:
            del self._facts[key]
        return of_certificate(fact, titles, None if fact.monitors else now_ms)
