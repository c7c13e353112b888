"""The probes on other hosts as commands reach them: from the store, through the folder's owner, or by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access
from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.fleet.secret_store import SecretStore
from pingmon_gui.request import probe_json

if TYPE_CHECKING:
    from pingmon_gui.provision.enrolment import Enrolment
    from pingmon_gui.provisioning import Provisioning
    from pingmon_gui.store.store import Store

Json = dict[str, Any]


def provisioning(data_dir: Path) -> Provisioning:
    """Return provisioning that keeps what it sets up with the owner of the folder, or by itself if there is none."""
    # Imported when needed: it brings SSH along.
    from pingmon_gui.provisioning import Provisioning

    secrets = SecretStore(data_dir)
    return Provisioning(data_dir, secrets, _CommandKeeper(data_dir, secrets))


class _CommandKeeper:
    """Keeps probes as a command does: asks the owner of the folder, or takes it for the moment."""

    def __init__(self, data_dir: Path, secrets: SecretStore) -> None:
        self._data_dir = data_dir
        self._secrets = secrets

    async def owner(self) -> str:
        async def alone(store: Store) -> Json:
            return {"owner": store.owner}

        return str((await self._carry_out({"command": "probe.list"}, alone))["owner"])

    async def probes(self) -> Sequence[Probe]:
        return await asyncio.to_thread(probes, self._data_dir)

    async def some_url(self) -> str | None:
        monitors = await asyncio.to_thread(access.monitors, self._data_dir)
        return next((monitor.url for monitor in monitors if not monitor.is_paused), None)

    def try_again(self, id_: ProbeId) -> None:
        """A command collects nothing; a window that runs finds out by itself within a minute."""

    async def enrol(self, enrolment: Enrolment) -> None:
        async def alone(store: Store) -> Json:
            probe = enrolment.probe
            await self._secrets.save_with(probe.id, enrolment.secrets, lambda: store.save_probe(probe))
            return {}

        request = {
            "command": "probe.enrol",
            "probe": probe_json(enrolment.probe),
            "secrets": enrolment.secrets.encode(),
        }
        await self._carry_out(request, alone)

    async def forget(self, id_: ProbeId) -> None:
        await asyncio.to_thread(forget, self._data_dir, id_)

    async def _carry_out(self, request: Json, alone: Callable[[Store], Awaitable[Json]]) -> Json:
        return await asyncio.to_thread(access.carry_out, self._data_dir, request, alone)


def forget(data_dir: Path, id_: ProbeId) -> None:
    """Drop a probe and what opens it; what it measured stays, its host is not asked."""

    async def alone(store: Store) -> Json:
        await store.forget_probe(id_)
        await asyncio.to_thread(SecretStore(data_dir).forget, id_)
        return {}

    access.carry_out(data_dir, {"command": "probe.forget", "id": id_}, alone)


def probes(data_dir: Path) -> list[Probe]:
    """Return the probes on other hosts, in the order in which regions are shown."""

    async def query(store: Store) -> list[Probe]:
        return [probe for probe in store.configuration().probes if probe.access is not None]

    regions = list(Region)
    nothing: list[Probe] = []
    return sorted(access.read(data_dir, query, nothing), key=lambda probe: (regions.index(probe.region), probe.name))


def host_of(probe: Probe) -> str:
    """Return the host as the person typed it when the probe was set up."""
    return probe.access.host if probe.access is not None else ""


def find(known: Sequence[Probe], text: str) -> Probe:
    """Return the probe that a person means by its name, host or id. Raises InvalidInput."""
    wanted = text.strip().casefold()
    for matches in (
        [probe for probe in known if probe.name.casefold() == wanted],
        [probe for probe in known if probe.access is not None and probe.access.host.casefold() == wanted],
        [probe for probe in known if str(probe.id) == wanted],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(str(probe.id) for probe in matches)
            raise InvalidInput(f"“{text[:80]}” names {len(matches)} probes.", f"Say which by its id: {ids}.")
    raise InvalidInput(f"There is no probe “{text[:80]}”.", "“pingmon probe list” shows what there is.")


def ask_all(data_dir: Path, asked: Sequence[Probe]) -> list[Json]:
    """Return each probe's own answer, or its "error": through the owner of the folder, else by our own connections."""

    def through_owner(probe: Probe) -> Json | None:
        answer = access.ask_owner(data_dir, {"command": "probe.ask", "id": probe.id})
        return None if answer is None else dict(answer["status"])

    async def by_ourselves(probe: Probe) -> Json:
        from pingmon_gui.fleet.remote import RemoteProbe

        link = RemoteProbe(probe, SecretStore(data_dir))
        try:
            await link.start()
            return asdict(await link.status())
        finally:
            await link.close()

    async def ask(probe: Probe) -> Json:
        try:
            return await asyncio.to_thread(through_owner, probe) or await by_ourselves(probe)
        except PingmonError as exc:
            return {"error": exc.message if exc.hint is None else f"{exc.message} {exc.hint}", "votes": False}

    async def main() -> list[Json]:
        return await asyncio.gather(*(ask(probe) for probe in asked))

    return asyncio.run(main())
