"""Probes on other hosts in a session: enrolled, renamed, taken over, forgotten, and there again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pingmon_gui.answer import Answers
from pingmon_gui.domain.error import InvalidInput, ProbeError, ProbeUnauthorised, ProbeUnreachable, StorageFull
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.probe import Probe, ProbeAccess, ProbeState, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets, SecretStore
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.request import error_from_json, probe_from_json, probe_json
from pingmon_gui.session import Session
from tests.engine.fakes import FakeClock, FakeLink, probe, until

ACCESS = ProbeAccess(
    host="vps",
    login_user="ops",
    address="vps.example",
    ssh_port=22,
    tunnel_user="pingmon-probe",
    service_port=46464,
    host_key="ssh-ed25519 AAAA",
    supervisor=Supervisor.SYSTEMD,
)
SECRETS = ProbeSecrets(Token("a-token-that-nobody-knows"), "private")


def remote() -> Probe:
    return Probe(new_probe_id(), "Frankfurt", Region.EU, Transport.TUNNEL, ACCESS)


class ProbeSession(Session):
    """A session on a real store; every probe is a fake."""

    def __init__(self, data_dir: Path) -> None:
        self.clock = FakeClock()
        self.links: list[FakeLink] = []
        self.is_away = False
        super().__init__(data_dir, probes=lambda *_: [self.fake(probe())], remote=self.remote, clock=self.clock)

    def fake(self, one: Probe) -> FakeLink:
        self.links.append(FakeLink(one, self.clock))
        return self.links[-1]

    def remote(self, one: Probe, secrets: SecretStore, _now_ms: object) -> FakeLink:
        assert secrets.load(one.id).token.reveal() == SECRETS.token.reveal()
        link = self.fake(one)
        link.failure = ProbeUnreachable("Its host is off.") if self.is_away else None
        return link


def run(data_dir: Path, test: Callable[[ProbeSession], Coroutine[object, object, None]]) -> None:
    async def whole() -> None:
        session = ProbeSession(data_dir)
        await session.start()
        try:
            await test(session)
        finally:
            await session.stop()

    asyncio.run(whole())


def test_probe_that_was_restarted_is_tried_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = remote()

    async def restarted(restarted: Probe, **_surroundings: object) -> tuple[str, ...]:
        assert restarted == one
        return ("It was restarted.",)

    async def check(session: ProbeSession) -> None:
        await session.enrol(one, SECRETS)
        nobody, nowhere = cast(Prompter, None), lambda _event: None
        await session.provisioning().restart(one, nobody, nowhere)
        assert session.links[-1].hurries == 1
        await session.forget(one.id)
        await session.provisioning().restart(one, nobody, nowhere)

    monkeypatch.setattr("pingmon_gui.provisioning.restart", restarted)
    run(tmp_path, check)


def test_enrolled_probe_measures_at_once_and_after_a_restart(tmp_path: Path) -> None:
    one = remote()

    async def enrol(session: ProbeSession) -> None:
        await session.commands.add([MonitorDraft("https://shop.example/")])
        await session.enrol(one, SECRETS)
        await until(
            lambda: session.board.probes[one.id].state is ProbeState.CONNECTED and bool(session.links[-1].plans)
        )
        assert session.board.has_probe[2]

    async def again(session: ProbeSession) -> None:
        assert session.board.probes[one.id].probe == one
        await until(lambda: session.board.probes[one.id].state is ProbeState.CONNECTED)

    run(tmp_path, enrol)
    run(tmp_path, again)


def test_probe_that_cannot_be_stored_leaves_no_secret_behind(tmp_path: Path) -> None:
    one = remote()

    async def check(session: ProbeSession) -> None:
        async def full(_: Probe) -> None:
            raise StorageFull("The disk is full.")

        session.store.save_probe = full  # type: ignore[method-assign]
        with pytest.raises(StorageFull):
            await session.enrol(one, SECRETS)
        with pytest.raises(ProbeUnauthorised):
            session.secrets.load(one.id)
        assert list(session.board.probes) == [1]

    run(tmp_path, check)


def test_probe_set_up_again_that_cannot_be_stored_keeps_what_opened_it(tmp_path: Path) -> None:
    one = remote()
    fresh = ProbeSecrets(Token("another-token"), "another key")

    async def check(session: ProbeSession) -> None:
        async def full(_: Probe) -> None:
            raise StorageFull("The disk is full.")

        await session.enrol(one, SECRETS)
        session.store.save_probe = full  # type: ignore[method-assign]
        with pytest.raises(StorageFull):
            await session.enrol(one, fresh)
        assert session.secrets.load(one.id).token.reveal() == SECRETS.token.reveal()

    run(tmp_path, check)


def test_probe_taken_from_another_pingmon_stays_so_until_it_has_our_plan(tmp_path: Path) -> None:
    """The app may end between the set-up and the first contact: the command line's always does."""
    one = replace(remote(), access=replace(ACCESS, is_taken_over=True))

    async def enrol(session: ProbeSession) -> None:
        session.is_away = True
        await session.enrol(one, SECRETS)
        assert session.links[-1].plans == []

    async def again(session: ProbeSession) -> None:
        await session.commands.add([MonitorDraft("https://shop.example/")])
        await until(lambda: bool(session.links[-1].plans))
        assert session.links[-1].plans[0].take_over

    run(tmp_path, enrol)
    run(tmp_path, again)


def test_forgotten_probe_is_gone_with_its_secrets(tmp_path: Path) -> None:
    one = remote()

    async def forget(session: ProbeSession) -> None:
        await session.enrol(one, SECRETS)
        await session.forget(one.id)
        assert session.links[-1].is_closed and one.id not in session.board.probes
        with pytest.raises(ProbeUnauthorised):
            session.secrets.load(one.id)

    async def again(session: ProbeSession) -> None:
        assert list(session.board.probes) == [1]

    run(tmp_path, forget)
    run(tmp_path, again)


def test_renamed_probe_keeps_its_id_and_its_way(tmp_path: Path) -> None:
    one = remote()

    async def check(session: ProbeSession) -> None:
        await session.enrol(one, SECRETS)
        renamed = await session.rename(one.id, "  Main \t hall ")
        assert (renamed.name, renamed.id, renamed.access) == ("Main hall", one.id, ACCESS)
        assert session.board.probes[one.id].probe == renamed
        for name in ("", "x" * 61, "a\x00b"):
            with pytest.raises(InvalidInput):
                await session.rename(one.id, name)
        await session.enrol(replace(remote(), name="Dallas"), SECRETS)
        with pytest.raises(InvalidInput, match="named “dallas” already"):
            await session.rename(one.id, "dallas")
        with pytest.raises(InvalidInput, match="no such probe"):
            await session.rename(probe().id, "This computer")

    run(tmp_path, check)


def test_other_processes_list_enrol_ask_rename_and_forget_probes(tmp_path: Path) -> None:
    one = remote()

    async def check(session: ProbeSession) -> None:
        answers = Answers(session)

        async def ask(command: str, **values: Any) -> dict[str, Any]:
            return await answers.answer({"command": command, **values})

        assert (await ask("probe.enrol", probe=probe_json(one), secrets=SECRETS.encode()))["ok"]
        listed = await ask("probe.list")
        assert listed["owner"] == session.store.owner
        assert [probe_from_json(document) for document in listed["probes"]][1] == one
        assert "nobody" not in str(listed)
        assert (await ask("probe.ask", id=one.id))["status"]["version"] == "1.0"
        assert (await ask("probe.rename", id=one.id, name="Hall"))["probe"]["name"] == "Hall"
        await ask("probe.take_over", id=one.id)
        await until(lambda: bool(session.links[-1].plans) and session.links[-1].plans[-1].take_over)
        assert (await ask("probe.forget", id=one.id))["ok"]
        assert list(session.board.probes) == [1]

    run(tmp_path, check)


@pytest.mark.parametrize(
    ("before", "now", "is_done"),
    [
        (ProbeUnreachable("Its host is off."), ProbeUnreachable("Its host is off."), True),
        (ProbeUnauthorised("It refused the token."), ProbeUnauthorised("It refused the token."), False),
        # No connection is there to ask by: the host took no key of ours.
        (ProbeUnauthorised("It refused the key."), ProbeUnreachable("It refused the key."), False),
    ],
)
def test_take_over_of_a_probe_that_shut_this_pingmon_out_says_so(
    tmp_path: Path, before: ProbeError, now: ProbeError, is_done: bool
) -> None:
    """One that is merely away may still be ours to take; one that lets us in no longer has to be set up again."""
    one = remote()

    async def check(session: ProbeSession) -> None:
        await session.enrol(one, SECRETS)
        link = session.links[-1]
        await until(lambda: session.board.probes[one.id].state is ProbeState.CONNECTED)
        link.failure = before
        link.feed(before)
        expected = ProbeState.UNREACHED if is_done else ProbeState.REFUSED
        await until(lambda: session.board.probes[one.id].state is expected)
        link.failure = now
        answer = await Answers(session).answer({"command": "probe.take_over", "id": one.id})
        assert answer["ok"] is is_done
        assert is_done or error_from_json(answer).message == now.message

    run(tmp_path, check)


@pytest.mark.parametrize(
    "request_",
    [
        {"command": "probe.enrol"},
        {"command": "probe.enrol", "secrets": "{}", "probe": {}},
        {"command": "probe.enrol", "secrets": SECRETS.encode(), "probe": {"id": 2, "name": "a", "region": "mars"}},
        {"command": "probe.forget"},
        {"command": "probe.rename", "id": 99, "name": "a"},
        {"command": "probe.take_over", "id": 1},
        {"command": "probe.ask", "id": 99},
    ],
)
def test_request_about_a_probe_that_makes_no_sense_is_answered_with_a_sentence(
    tmp_path: Path, request_: dict[str, Any]
) -> None:
    async def check(session: ProbeSession) -> None:
        cause = error_from_json(await Answers(session).answer(request_))
        assert isinstance(cause, InvalidInput) and cause.message.endswith(".")

    run(tmp_path, check)
