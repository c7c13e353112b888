"""Commands: everything a user can ask for. Each is kept by the store first, then shown, then told to the probes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pingmon_gui.domain.change import AppliedChange, ConfigurationChange
from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceWindow
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import AlertBookChanged, EventHub, MonitorsChanged, PreferencesChanged
from pingmon_gui.engine.port import StorePort
from pingmon_gui.engine.scheduler import Scheduler
from pingmon_gui.engine.standing_book import StandingBook
from pingmon_gui.engine.version_table import VersionTable


class Commands:
    """All raise StorageError if the store cannot keep the change; then nothing was changed."""

    def __init__(
        self,
        store: StorePort,
        board: Board,
        versions: VersionTable,
        hub: EventHub,
        schedulers: Callable[[], Collection[Scheduler]],
        preferences: Preferences,
        standings: StandingBook,
    ) -> None:
        self._store = store
        self._board = board
        self._versions = versions
        self._hub = hub
        self._schedulers = schedulers
        self._restored: list[MonitorId] = []
        self.preferences = preferences
        self._standings = standings

    @property
    def windows(self) -> Sequence[MaintenanceWindow]:
        """The maintenance windows that hold."""
        return self._standings.windows

    async def add(self, drafts: Sequence[MonitorDraft]) -> list[Monitor]:
        """Add monitors and measure them at once; they are returned in the order of the drafts."""
        monitors = await self._store.add_monitors(drafts)
        self._show(monitors, [monitor.id for monitor in monitors])
        return monitors

    async def change(self, monitors: Sequence[Monitor]) -> list[Monitor]:
        """Replace monitors by their changed selves; where address or settings differ they are measured at once."""
        known = [monitor for monitor in monitors if monitor.id in self._board.monitors]
        if not known:
            return []
        before = dict(self._board.monitors)
        changed = await self._store.change_monitors(known)
        anew = [m.id for m in changed if m.version != before[m.id].version or before[m.id].is_paused]
        moved = [monitor.id for monitor in changed if monitor.url != before[monitor.id].url]
        self._show(changed, anew)
        self._board.restart_series(moved)
        return changed

    async def set_paused(self, ids: Collection[MonitorId], is_paused: bool) -> None:
        """Pause or resume; ids that are not known are passed over."""
        monitors = self._known(ids)
        await self.change([replace(m, is_paused=is_paused) for m in monitors if m.is_paused != is_paused])

    async def delete(self, ids: Collection[MonitorId]) -> None:
        """Stop watching; for a day `restore` brings a monitor back with its history."""
        known = [monitor.id for monitor in self._known(ids)]
        if known:
            await self._store.delete_monitors(known)
            self._board.remove_monitors(known)
            self._hub.publish(MonitorsChanged(removed=tuple(known)))
            self._tell([])

    async def restore(self, ids: Collection[MonitorId]) -> list[Monitor]:
        """Undo a deletion; returns what could be brought back."""
        monitors = await self._store.restore_monitors(list(ids))
        self._restored += [monitor.id for monitor in monitors]
        self._show(monitors, [monitor.id for monitor in monitors])
        return monitors

    async def apply(self, change: ConfigurationChange) -> AppliedChange:
        """Carry several changes out as one; raises SettingsError, InvalidInput, and changes nothing then.

        What was removed meanwhile is not changed, what was added is measured at once.
        """
        known = set(self._board.monitors)
        before = dict(self._board.monitors)
        fitting = replace(
            change,
            changed=tuple(monitor for monitor in change.changed if monitor.id in known),
            removed=tuple(monitor for monitor in change.removed if monitor in known),
        )
        applied = await self._store.apply(fitting)
        if fitting.removed:
            self._board.remove_monitors(fitting.removed)
            self._hub.publish(MonitorsChanged(removed=fitting.removed))
        newer = [m.id for m in applied.changed if m.version != before[m.id].version or before[m.id].is_paused]
        moved = [monitor.id for monitor in applied.changed if monitor.url != before[monitor.id].url]
        self._show([*applied.changed, *applied.added], [*newer, *(monitor.id for monitor in applied.added)])
        self._board.restart_series(moved)
        if fitting.windows_ended or fitting.windows_added:
            self._standings.take_over(applied.windows)
        if fitting.preferences:
            self.preferences = applied.preferences
            self._hub.publish(PreferencesChanged(self.preferences))
        if applied.book is not None:
            self._hub.publish(AlertBookChanged(applied.book))
        return applied

    async def change_windows(self, change: MaintenanceChange) -> tuple[MaintenanceWindow, ...]:
        """End maintenance windows and add others; return all that hold. Raises InvalidInput; then nothing changed."""
        return await self._standings.change_windows(change)

    async def check_now(self, ids: Collection[MonitorId]) -> None:
        """Measure at once from every region that watches; results come as always. Paused ones are passed over."""
        self._tell([monitor.id for monitor in self._known(ids)], is_changed=False)

    async def change_preferences(self, values: Mapping[str, object]) -> Preferences:
        """Change settings; raises SettingsError with a sentence if one does not fit, and changes none."""
        before, self.preferences = self.preferences, await self._store.change_preferences(values)
        self._hub.publish(PreferencesChanged(self.preferences))
        if before["anchors"] != self.preferences["anchors"]:
            self._tell([])
        return self.preferences

    def take_restored(self) -> list[MonitorId]:
        """Return monitors whose hour has to be read from the store again, and forget them."""
        restored, self._restored = self._restored, []
        return restored

    def _show(self, monitors: Sequence[Monitor], measure: Iterable[MonitorId]) -> None:
        known = set(self._board.monitors)
        self._versions.add(monitors)
        self._board.put_monitors(monitors)
        self._hub.publish(
            MonitorsChanged(
                added=tuple(monitor.id for monitor in monitors if monitor.id not in known),
                changed=tuple(monitor.id for monitor in monitors if monitor.id in known),
            )
        )
        self._tell(measure)

    def _tell(self, measure: Iterable[MonitorId], *, is_changed: bool = True) -> None:
        wanted = list(measure)
        for scheduler in self._schedulers():
            if is_changed:
                scheduler.changed()
            if wanted:
                scheduler.check_now(wanted)

    def _known(self, ids: Iterable[MonitorId]) -> list[Monitor]:
        return [self._board.monitors[monitor] for monitor in dict.fromkeys(ids) if monitor in self._board.monitors]
