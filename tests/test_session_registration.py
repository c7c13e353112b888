"""Registrations from end to end: a real registry and store, the session between them, and the alert at the end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pingmon_gui.domain.alert_rule import AlertKind, AlertRule, new_rule_id
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.engine.clock import SystemClock
from pingmon_gui.fleet.rdap import Rdap
from pingmon_gui.session import Session
from tests.alerts.receiver import Answer
from tests.engine.fakes import FakeClock, FakeLink, probe, until
from tests.fleet.registry import Registry, found, registry


def session_of(data_dir: Path, server: Registry) -> Session:
    return Session(data_dir, probes=lambda *_: [FakeLink(probe(), FakeClock())], registry=Rdap(server.list_url))


def test_end_of_a_registration_is_asked_for_told_and_not_asked_for_again(tmp_path: Path) -> None:
    end = datetime.now(UTC) + timedelta(days=10, hours=1)

    async def main() -> None:
        async with registry() as server:
            server.names["example.com"] = found("example.com", end.isoformat())
            server.names["example.org"] = Answer(hangs=True)
            session = session_of(tmp_path, server)
            await session.start()
            drafts = [MonitorDraft("https://www.example.com/"), MonitorDraft("tcp://mail.example.com:25")]
            first, second = await session.commands.add(drafts)
            assert session.alerts.registration_of(first.id) is None
            await session.alerts.save_rule(
                AlertRule(new_rule_id(), "Names", frozenset((AlertKind.REGISTRATION,)), expiry_days=(14, 7))
            )
            await until(lambda: any(alert.kind is AlertKind.REGISTRATION for alert in session.alerts.live))
            (alert,) = session.alerts.live
            (item,) = alert.items.values()
            assert (item.subject, item.level, set(item.monitors)) == ("example.com", 14, {first.id, second.id})
            known = session.alerts.registration_of(second.id)
            assert known is not None and (known.registrar, known.registry) == ("R", "localhost")
            (preview,) = (await session.alerts.preview(session.alerts.book.rules[-1])).alerts
            assert preview.items[0].level == 14
            await session.stop()
            # A question that is under way holds up no end, and is not asked again.
            session = session_of(tmp_path, server)
            await session.start()
            await session.commands.add([MonitorDraft("https://example.org/")])
            await until(lambda: "example.org" in server.asked)
            await asyncio.wait_for(session.stop(), 5.0)
            assert server.asked == ["example.com", "example.org"]
            kept = session_of(tmp_path, server)
            await kept.start()
            memory = (await kept.store.registrations()).registrations
            await kept.stop()
            assert memory["example.com"] == known
            assert abs(memory["example.org"].asked_at_ms - SystemClock().now_ms()) < 60_000

    asyncio.run(main())
