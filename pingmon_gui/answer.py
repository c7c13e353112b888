"""What a running Pingmon answers to other processes of its data folder: commands of a terminal, a second start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

from pingmon_gui.domain.alert_channel import Channel, ChannelSecret
from pingmon_gui.domain.backup import BackupFacts
from pingmon_gui.domain.error import DataFolderBusy, InvalidInput, PingmonError, ProbeUnreachable
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import Monitor, MonitorId, parse_name
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.target import parse_target
from pingmon_gui.engine.event import RaiseWindow
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.request import (
    Json,
    applied_json,
    change_from_json,
    draft_from_json,
    error_json,
    facts_json,
    monitor_json,
    probe_from_json,
    probe_json,
    regions_from_json,
    rescued_json,
    restored_json,
    settings_from_json,
    tags_from_json,
    window_change_from_json,
    window_json,
)
from pingmon_gui.session import Session


class Answers:
    """Carries requests out on a session that runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._prepared: BackupFacts | None = None

    async def answer(self, request: Json) -> Json:
        """Answer another process. Never raises for what a request may hold: a known failure is an answer too."""
        command = request.get("command")
        answer = self._answers.get(command) if isinstance(command, str) else None
        try:
            if answer is None:
                raise InvalidInput(f"The command {command!r:.60} is not known.", "Is the other program a newer one?")
            if not self._session.is_running:
                raise DataFolderBusy("Pingmon is starting anew.", "Try again in a moment.")
            return {"ok": True, **await answer(self, request)}
        except PingmonError as exc:
            return error_json(exc)

    async def _add(self, request: Json) -> Json:
        drafts = [draft_from_json(draft) for draft in _list(request, "drafts")]
        return {"monitors": [monitor_json(monitor) for monitor in await self._session.commands.add(drafts)]}

    async def _list_monitors(self, _: Json) -> Json:
        return {"monitors": [monitor_json(monitor) for monitor in self._session.board.monitors.values()]}

    async def _change(self, request: Json) -> Json:
        monitors = [self._changed(change) for change in _list(request, "changes")]
        return {"monitors": [monitor_json(monitor) for monitor in await self._session.commands.change(monitors)]}

    def _changed(self, change: Any) -> Monitor:
        monitor = self._session.board.monitors.get(change.get("id", 0)) if isinstance(change, dict) else None
        if monitor is None:
            raise InvalidInput("There is no such domain.")
        try:
            return replace(
                monitor,
                url=parse_target(change["url"]).url if "url" in change else monitor.url,
                name=parse_name(change["name"]) if "name" in change else monitor.name,
                settings=settings_from_json(change.get("settings", {}), monitor.settings),
                tags=tags_from_json(change["tags"]) if "tags" in change else monitor.tags,
                regions=regions_from_json(change["regions"]) if "regions" in change else monitor.regions,
            )
        except (AttributeError, TypeError, ValueError) as exc:
            raise InvalidInput("The request describes a change in a way that cannot be read.") from exc

    async def _apply(self, request: Json) -> Json:
        change = change_from_json(request.get("change"), self._session.board.monitors)
        return applied_json(await self._session.commands.apply(change), change)

    async def _pause(self, request: Json) -> Json:
        return await self._with_ids(request, lambda ids: self._session.commands.set_paused(ids, True))

    async def _resume(self, request: Json) -> Json:
        return await self._with_ids(request, lambda ids: self._session.commands.set_paused(ids, False))

    async def _remove(self, request: Json) -> Json:
        return await self._with_ids(request, self._session.commands.delete)

    async def _check_now(self, request: Json) -> Json:
        return await self._with_ids(request, self._session.commands.check_now)

    async def _with_ids(self, request: Json, command: Callable[[list[MonitorId]], Awaitable[None]]) -> Json:
        wanted = {monitor for monitor in _list(request, "ids") if isinstance(monitor, int)}
        ids = [monitor for monitor in self._session.board.ids if monitor in wanted]
        await command(ids)
        return {"ids": ids}

    async def _enrol(self, request: Json) -> Json:
        try:
            secrets = ProbeSecrets.decode(request["secrets"])
        except (KeyError, TypeError, ValueError) as exc:
            raise InvalidInput("The request lacks the secrets of the probe.") from exc
        probe = probe_from_json(request.get("probe"))
        await self._session.enrol(probe, secrets)
        return {"probe": probe_json(probe)}

    async def _list_probes(self, _: Json) -> Json:
        probes = [probe_json(health.probe) for health in self._session.board.probes.values()]
        return {"owner": self._session.store.owner, "probes": probes}

    async def _forget_probe(self, request: Json) -> Json:
        await self._session.forget(_probe_id(request))
        return {}

    async def _rename_probe(self, request: Json) -> Json:
        return {"probe": probe_json(await self._session.rename(_probe_id(request), str(request.get("name", ""))))}

    async def _take_over(self, request: Json) -> Json:
        id_ = _probe_id(request)
        self._session.take_over(id_)
        # A probe that was set up from elsewhere meanwhile takes neither our key nor our token, nor this word.
        try:
            await self._session.ask_probe(id_)
        except ProbeUnreachable:
            if self._session.board.probes[id_].state is ProbeState.REFUSED:
                raise
        return {}

    async def _ask_probe(self, request: Json) -> Json:
        return {"status": asdict(await self._session.ask_probe(_probe_id(request)))}

    async def _acknowledge(self, request: Json) -> Json:
        await self._session.incidents.acknowledge(_incident_id(request), request.get("is_acknowledged") is not False)
        return {}

    async def _note(self, request: Json) -> Json:
        await self._session.incidents.add_note(_incident_id(request), str(request.get("text", "")))
        return {}

    async def _test_channel(self, request: Json) -> Json:
        await self._session.alerts.test_channel(self._channel(request))
        return {}

    async def _add_channel(self, request: Json) -> Json:
        channel = Channel.from_json(_document(request, "channel"))
        secret = ChannelSecret.from_json(_document(request, "secret"))
        return {"channel": (await self._session.alerts.save_channel(channel, secret)).to_json()}

    async def _remove_channel(self, request: Json) -> Json:
        await self._session.alerts.delete_channel(self._channel(request).id)
        return {}

    async def _pause_alerts(self, request: Json) -> Json:
        until_ms = request.get("until_ms")
        if not isinstance(until_ms, int) or isinstance(until_ms, bool):
            raise InvalidInput("The request lacks the time until which alerts are paused.")
        await self._session.alerts.pause_until(until_ms)
        return {}

    def _channel(self, request: Json) -> Channel:
        channel = self._session.alerts.book.channels.get(request.get("channel", 0))
        if channel is None:
            raise InvalidInput("There is no such channel.")
        return channel

    async def _prepare_restore(self, request: Json) -> Json:
        source = Path(str(request.get("file", "")))
        self._prepared = await self._session.renewal.prepare_restore(source, lambda _share: None)
        return {"backup": facts_json(self._prepared)}

    async def _drop_restore(self, _: Json) -> Json:
        self._prepared = None
        self._session.renewal.drop_restore()
        return {}

    async def _restore(self, _: Json) -> Json:
        facts, self._prepared = self._prepared, None
        if facts is None:
            raise InvalidInput("No backup was checked that could be restored.")
        renewal = self._session.renewal
        return restored_json(await renewal.ask(renewal.work_of_restore(facts)))

    async def _repair(self, _: Json) -> Json:
        renewal = self._session.renewal
        return rescued_json(await renewal.ask(renewal.work_of_rescue()))

    async def _change_windows(self, request: Json) -> Json:
        change = window_change_from_json(request.get("change"))
        return {"windows": [window_json(window) for window in await self._session.commands.change_windows(change)]}

    async def _status(self, _: Json) -> Json:
        return {"status": await self._session.status_json()}

    async def _raise(self, request: Json) -> Json:
        self._session.hub.publish(RaiseWindow(is_kiosk=request.get("is_kiosk") is True))
        return {}

    _answers: ClassVar[dict[str, Callable[[Answers, Json], Awaitable[Json]]]] = {
        "domain.add": _add,
        "domain.list": _list_monitors,
        "domain.change": _change,
        "configuration.apply": _apply,
        "domain.pause": _pause,
        "domain.resume": _resume,
        "domain.remove": _remove,
        "domain.check_now": _check_now,
        "check_now": _check_now,
        "probe.enrol": _enrol,
        "probe.list": _list_probes,
        "probe.forget": _forget_probe,
        "probe.rename": _rename_probe,
        "probe.take_over": _take_over,
        "probe.ask": _ask_probe,
        "incident.acknowledge": _acknowledge,
        "incident.note": _note,
        "alert.test": _test_channel,
        "alert.channel.add": _add_channel,
        "alert.channel.remove": _remove_channel,
        "alert.pause": _pause_alerts,
        "maintenance.change": _change_windows,
        "restore.prepare": _prepare_restore,
        "restore.drop": _drop_restore,
        "restore": _restore,
        "repair": _repair,
        "status": _status,
        "raise": _raise,
    }


def _list(request: Json, name: str) -> list[Any]:
    value = request.get(name)
    if not isinstance(value, list):
        raise InvalidInput(f"The request lacks its list of {name}.")
    return value


def _document(request: Json, name: str) -> Json:
    value = request.get(name)
    if not isinstance(value, dict):
        raise InvalidInput(f"The request lacks its {name}.")
    return value


def _incident_id(request: Json) -> IncidentId:
    value = request.get("id")
    if not isinstance(value, int):
        raise InvalidInput("The request lacks the incident's id.")
    return IncidentId(value)


def _probe_id(request: Json) -> ProbeId:
    value = request.get("id")
    if not isinstance(value, int):
        raise InvalidInput("The request lacks the probe's id.")
    return ProbeId(value)
