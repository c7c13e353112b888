from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from pingmon_gui.domain.error import ProvisionError, SshUnreachable
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.ui.provision_desk import ProvisionDesk
from pingmon_gui.ui.provision_port import Outcome
from tests.ui.fleet.fakes import remote


@dataclass(frozen=True)
class Finding:
    cause: str
    cure: str


class Nobody:
    """A prompter that is never asked."""

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        raise NotImplementedError

    async def secret(self, host: str, kind: object, question: str) -> str:
        raise NotImplementedError

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        raise NotImplementedError


class Session:
    """The session's provisioning, with answers that say who was asked."""

    async def bootstrap(self, request: BootstrapRequest, prompter: Prompter, listener: Listener) -> Enrolment | None:
        return Enrolment(remote(), ProbeSecrets(Token.fresh(), None), (f"A probe runs on {request.host}.",))

    async def upgrade(self, probe: Probe, prompter: Prompter, listener: Listener) -> tuple[str, ...]:
        return (f"{probe.name} upgraded.",)

    async def restart(self, probe: Probe, prompter: Prompter, listener: Listener) -> tuple[str, ...]:
        return (f"{probe.name} restarted.",)

    async def logs(self, probe: Probe, lines: int, prompter: Prompter, listener: Listener) -> list[str]:
        return [f"{lines} lines", "are enough"]

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> list[Finding]:
        return [Finding("The disk is full.", "Make room."), Finding("All else is well.", "")]

    async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> tuple[str, ...]:
        return (f"{probe.name} removed.",)


class QuietSession(Session):
    """A probe that is well and says little."""

    async def logs(self, probe: Probe, lines: int, prompter: Prompter, listener: Listener) -> list[str]:
        return []

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> list[Finding]:
        return []


def test_desk_passes_everything_on_and_gives_sentences_back() -> None:
    desk, way = ProvisionDesk(Session), (Nobody(), print)

    async def scenario() -> None:
        request = BootstrapRequest("vps.example", Region.EU)
        assert await desk.bootstrap(request, *way) == Outcome(("A probe runs on vps.example.",))
        assert await desk.upgrade(remote(), *way) == Outcome(("Frankfurt upgraded.",))
        assert await desk.restart(remote(), *way) == Outcome(("Frankfurt restarted.",))
        assert await desk.remove(remote(), *way) == Outcome(("Frankfurt removed.",))
        assert await desk.logs(remote(), *way) == Outcome(text="200 lines\nare enough")
        found = await desk.diagnose(remote(), *way)
        assert found == Outcome(("The disk is full. Make room.", "All else is well."), is_all_well=False)

    asyncio.run(scenario())


def test_host_that_is_gone_can_be_forgotten_and_the_desk_says_so() -> None:
    class Gone(Session):
        async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> tuple[str, ...]:
            raise SshUnreachable("vps.example does not answer.", "Is it up?")

    with pytest.raises(SshUnreachable) as caught:
        asyncio.run(ProvisionDesk(Gone).remove(remote(), Nobody(), lambda _event: None))
    assert caught.value.hint == "Is it up? If the host is gone for good, forget it."


def test_desk_says_in_words_that_there_is_nothing_to_say() -> None:
    desk, way = ProvisionDesk(QuietSession), (Nobody(), print)

    async def scenario() -> None:
        assert (await desk.logs(remote(), *way)).sentences == ("It wrote nothing to its log yet.",)
        assert "Nothing is wrong" in (await desk.diagnose(remote(), *way)).sentences[0]

    asyncio.run(scenario())


def test_desk_looks_a_host_up_as_ssh_would(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host fra\n  HostName 203.0.113.7\n  User ops\n  Port 2222\n", encoding="ascii")

    async def scenario() -> None:
        desk = ProvisionDesk(Session)
        assert await desk.look_up(BootstrapRequest("fra", Region.EU, ssh_config=config)) == "ops@fra:2222"
        with pytest.raises(ProvisionError, match="no name or address"):
            await desk.look_up(BootstrapRequest("ops@a b", Region.EU, ssh_config=config))

    asyncio.run(scenario())
