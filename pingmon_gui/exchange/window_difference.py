"""What a file would change of maintenance windows, told apart by name. One that changes ends, another is added."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pingmon_gui.domain.change import WindowWish
from pingmon_gui.domain.maintenance import MaintenanceWindow, Once, WindowId
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.exchange.declared_field import toml_text
from pingmon_gui.exchange.declared_window import window_pairs
from pingmon_gui.exchange.named_scope import watched_of
from pingmon_gui.exchange.step import Action, Step, What, field_changes


@dataclass(frozen=True)
class WindowDifference:
    """The steps, sentences about what is left out, and the change: what ends and what is added."""

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    ended: tuple[WindowId, ...] = ()
    added: tuple[WindowWish, ...] = ()
    unlisted: tuple[str, ...] = ()


def imported_windows(wishes: Sequence[WindowWish], there: Configuration, arriving: Collection[str]) -> WindowDifference:
    """Compare an export with what is there: what has a name of the file becomes as the file has it, the rest stays.

    `arriving` are the addresses of domains that come with it.
    """
    watched = {*there.urls.values(), *arriving}
    notes: list[str] = []
    kept: list[WindowWish] = []
    for wish in wishes:
        what = f"The maintenance window “{wish.draft.name}”"
        urls, note = watched_of(what, wish.draft.scope, wish.urls, watched)
        notes += [] if note is None else [note]
        kept += [] if urls is None else [WindowWish(wish.draft, urls)]
    return _compared(kept, there, notes, prune=False)


def declared_windows(wishes: Sequence[WindowWish], there: Configuration, *, prune: bool) -> WindowDifference:
    """Compare declared windows with what is there. A file that declares none has no say in them."""
    return _compared(wishes, there, [], prune=prune) if wishes else WindowDifference()


def _compared(wishes: Sequence[WindowWish], there: Configuration, notes: list[str], *, prune: bool) -> WindowDifference:
    known: dict[str, MaintenanceWindow] = {}
    doubles = [window for window in there.holding if known.setdefault(window.name.casefold(), window) is not window]
    steps: list[Step] = []
    ended: list[WindowId] = []
    added: list[WindowWish] = []
    seen: set[str] = set()
    for wish in wishes:
        name, schedule = wish.draft.name, wish.draft.schedule
        if isinstance(schedule, Once) and schedule.end_ms <= there.at_ms:
            notes.append(f"The maintenance window “{name}” is left out: it is over.")
            continue
        if name.casefold() in seen:
            notes.append(f"The maintenance window “{name}” stands in the file twice; the first is taken.")
            continue
        seen.add(name.casefold())
        before = known.pop(name.casefold(), None)
        old = {} if before is None else _texts(WindowWish(before.draft), there)
        if fields := field_changes(old, _texts(wish, there)):
            ended += [] if before is None else [before.id]
            added.append(wish)
            action = Action.ADD if before is None else Action.CHANGE
            steps.append(Step(action, name, fields=() if before is None else fields, what=What.WINDOW))
    # One that is not repeated belongs to the day, not to a file.
    unlisted = [window for window in (*known.values(), *doubles) if not isinstance(window.schedule, Once)]
    if prune:
        ended += [window.id for window in unlisted]
        steps += [Step(Action.REMOVE, window.name, what=What.WINDOW) for window in unlisted]
    names = () if prune else tuple(window.name for window in unlisted)
    return WindowDifference(tuple(steps), tuple(notes), tuple(ended), tuple(added), names)


def _texts(wish: WindowWish, there: Configuration) -> dict[str, str]:
    pairs = window_pairs(wish, there.urls).items()
    return {key: value if isinstance(value, str) else toml_text(value) for key, value in pairs}
