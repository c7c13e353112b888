"""Keeps the preference "start with the session" and the system's entry for it the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from PySide6.QtCore import QSettings

from pingmon_gui.autostart import Autostart, Command, set_autostart
from pingmon_gui.domain.preference import Preferences

KEY = "start_with_session"


class SessionStart:
    """Whoever changed it last is followed: the preference, or the user in the settings of the system.

    Which of the two it was shows in what was last agreed on, which `settings` keeps.
    """

    def __init__(
        self,
        autostart: Autostart,
        command: Command,
        settings: QSettings,
        change_preferences: Callable[[Mapping[str, object]], Awaitable[object]],
    ) -> None:
        self._autostart = autostart
        self._command = command
        self._settings = settings
        self._change_preferences = change_preferences
        self._turn = asyncio.Lock()

    async def agree(self, preferences: Preferences) -> None:
        """Take over a change on either side. Raises SettingsError, StorageError."""
        async with self._turn:
            is_wanted = preferences.flag(KEY)
            agreed = str(self._settings.value(KEY, "false")).lower() == "true"
            is_on = await asyncio.to_thread(self._is_on)
            if is_wanted == agreed and is_on != agreed:
                self._settings.setValue(KEY, is_on)
                await self._change_preferences({KEY: is_on})
            elif is_wanted != is_on or is_on:
                # One that is on is written anew: the program may be somewhere else by now.
                await asyncio.to_thread(set_autostart, self._autostart, self._command, is_wanted)
                self._settings.setValue(KEY, is_wanted)

    def _is_on(self) -> bool:
        try:
            return self._autostart.is_on()
        except OSError:
            return False
