"""The runner of steps: look, change, look again, and everything back on failure or cancel."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from pingmon_gui.domain.error import AuthFailed, SshUnreachable, StepFailed, UserCancelled
from pingmon_gui.provision.host import CommandResult, Host
from pingmon_gui.provision.progress import StepState
from pingmon_gui.provision.step import Transcript, run_steps
from tests.provision.hosts import OK, Events, FakeHost


@dataclass
class Switch:
    """A step that turns one thing of a world on."""

    name: str
    world: set[str]
    error: BaseException | None = None
    holds: bool = True
    was_there: bool = False
    trail: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"Turn {self.name} on"

    async def is_done(self, host: Host) -> bool:
        return self.name in self.world

    async def apply(self, host: Host) -> None:
        self.world.add(self.name)
        await host.run(["touch", self.name])
        if self.error is not None:
            raise self.error
        if not self.holds:
            self.world.discard(self.name)

    async def undo(self, host: Host) -> None:
        await host.run(["rm", self.name])
        self.world.discard(self.name)
        self.trail.append(f"undo {self.name}")

    async def after_undo(self, host: Host) -> None:
        self.trail.append(f"after {self.name}")


def plan(world: set[str], **changes: object) -> list[Switch]:
    trail: list[str] = []
    steps = [Switch(name, world, trail=trail) for name in ("one", "two", "three")]
    for name, value in changes.items():
        setattr(steps[1], name, value)
    return steps


def test_steps_are_done_once_and_then_unchanged() -> None:
    world: set[str] = set()
    first, second = Events(), Events()
    asyncio.run(run_steps(plan(world), FakeHost(), first))
    assert world == {"one", "two", "three"}
    assert first.states("two") == [StepState.PENDING, StepState.RUNNING, StepState.DONE]
    host = FakeHost()
    asyncio.run(run_steps(plan(world), host, second))
    assert second.states("two") == [StepState.PENDING, StepState.RUNNING, StepState.UNCHANGED]
    assert host.ran == []


def test_dry_run_plans_and_changes_nothing() -> None:
    world, host, events = {"one"}, FakeHost(), Events()
    asyncio.run(run_steps(plan(world), host, events, dry_run=True))
    assert events.last_states() == {
        "one": StepState.UNCHANGED,
        "two": StepState.PLANNED,
        "three": StepState.PLANNED,
    }
    assert world == {"one"}
    assert host.ran == []


def test_a_failure_undoes_in_reverse_and_tells_where() -> None:
    world: set[str] = set()
    steps, events, host = plan(world, error=StepFailed("Two went wrong.", "Try two again.")), Events(), FakeHost()
    host.listener = Transcript(events)
    with pytest.raises(StepFailed) as caught:
        asyncio.run(run_steps(steps, host, host.listener))
    assert world == set()
    assert steps[0].trail == ["undo two", "undo one", "after one", "after two"]
    assert (caught.value.host, caught.value.step) == ("ops@vps.example", "two")
    assert caught.value.hint == "Try two again."
    assert list(caught.value.transcript) == events.lines
    assert events.lines == ["touch one", "touch two", "rm two", "rm one"]
    assert events.last_states() == {"one": StepState.UNDONE, "two": StepState.UNDONE, "three": StepState.PENDING}


def test_what_was_there_before_is_not_undone() -> None:
    world = {"one"}
    with pytest.raises(AuthFailed):
        asyncio.run(run_steps(plan(world, error=AuthFailed("sudo says no.")), FakeHost(), Events()))
    assert world == {"one"}


def test_a_step_that_does_not_hold_fails() -> None:
    world: set[str] = set()
    with pytest.raises(StepFailed, match="did not hold"):
        asyncio.run(run_steps(plan(world, holds=False), FakeHost(), Events()))
    assert world == set()


def test_a_bug_undoes_too_and_stays_what_it_is() -> None:
    world: set[str] = set()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_steps(plan(world, error=ZeroDivisionError()), FakeHost(), Events()))
    assert world == set()


def test_what_cannot_be_undone_stands_in_the_hint() -> None:
    world: set[str] = set()

    def refuse(stdin: bytes) -> CommandResult:
        raise StepFailed("The disk is gone.")

    steps = plan(world, error=StepFailed("Two went wrong."))
    with pytest.raises(StepFailed) as caught:
        asyncio.run(run_steps(steps, FakeHost(("rm one", refuse)), Events()))
    assert "“Turn one on” could not be undone: The disk is gone." in (caught.value.hint or "")
    assert world == {"one"}


def test_a_lost_connection_is_opened_again_to_undo() -> None:
    world: set[str] = set()
    second = FakeHost()

    def lost(stdin: bytes) -> CommandResult:
        raise SshUnreachable("The connection broke off.")

    async def reopen() -> Host:
        return second

    with pytest.raises(SshUnreachable):
        asyncio.run(run_steps(plan(world), FakeHost(("two|rm", lost)), Events(), reopen=reopen))
    assert world == set()
    assert [words for words, _ in second.ran] == ["rm two", "rm one"]
    assert second.is_closed


def test_cancel_lets_the_command_end_and_undoes() -> None:
    world: set[str] = set()
    events = Events()
    steps = plan(world)

    async def main() -> None:
        in_command, go_on = asyncio.Event(), asyncio.Event()

        class SlowHost(FakeHost):
            async def run(self, *words: object, **options: object) -> CommandResult:
                if words == (["touch", "two"],):
                    in_command.set()
                    await go_on.wait()
                return OK

        task = asyncio.create_task(run_steps(steps, SlowHost(), events))
        await in_command.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert world == set()
    assert steps[0].trail[:2] == ["undo two", "undo one"]
    assert events.states("three") == [StepState.PENDING]


def test_no_to_a_question_unwinds_quietly() -> None:
    world: set[str] = set()
    with pytest.raises(UserCancelled):
        asyncio.run(run_steps(plan(world, error=UserCancelled()), FakeHost(), Events()))
    assert world == set()
