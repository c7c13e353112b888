"""Pictures of a fresh Pingmon on this computer alone: its own probe, and real web servers with every kind of trouble.

The order counts: the first picture is taken before there is anything, the last ones after minutes of measuring.
"""

from __future__ import annotations

import functools
import os
import tempfile
import time
from pathlib import Path

from PySide6.QtWidgets import QScrollArea, QWidget

from pingmon_gui.domain.alert_channel import Channel, ChannelKind, ChannelSecret, new_channel_id
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.maintenance import Cron, MaintenanceChange, MaintenanceDraft, Once, Weekly
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.scope import Scope
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui.add_dialog import AddDialog
from pingmon_gui.ui.alert_page import AlertPage
from pingmon_gui.ui.edit_dialog import EditDialog
from pingmon_gui.ui.fold import Fold
from pingmon_gui.ui.import_dialog import ImportDialog
from pingmon_gui.ui.incident_page import IncidentPage
from pingmon_gui.ui.maintenance_form import MaintenanceForm
from pingmon_gui.ui.maintenance_page import MaintenancePage
from tests.alerts.receiver import receiving
from tests.pictures.desk import Desk, take, until, wanted_names
from tests.real.servers import WebServers

_KUMA = Path(__file__).parents[1] / "exchange" / "files" / "uptime-kuma-1.23.json"
#: What somebody may paste: with a comment, twice the same, and a slip.
_PASTED = """shop.example
https://shop.example/checkout
# mail and names
tcp://mail.shop.example:587
dns://shop.example?type=MX
ftp://files.shop.example
shop.example
status.shop.example
"""
_MINUTE_MS = 60_000


async def window_empty(desk: Desk) -> QWidget:
    await until(lambda: any(health.votes for health in desk.session.board.probes.values()))
    return desk.frame


async def add_list(desk: Desk) -> QWidget:
    dialog = await desk.opened_by(desk.window.actions_.add, AddDialog)
    dialog.set_text(_PASTED)
    dialog.resize(620, 620)
    return dialog


async def import_(desk: Desk) -> QWidget:
    dialog = await desk.opened_by(desk.window.actions_.import_, ImportDialog)
    dialog.read_file(_KUMA)
    await until(lambda: dialog.seen)
    dialog.resize(1060, 640)
    return dialog


import_.__name__ = "import"


async def edit(desk: Desk) -> QWidget:
    await _watch(desk)
    desk.window.table.clearSelection()
    monitors = desk.session.board.monitors.values()
    desk.window.table.select(next(one.id for one in monitors if one.name == "nginx https keyword there"))
    dialog = await desk.opened_by(desk.window.actions_.edit, EditDialog)
    dialog.resize(620, 760)
    return dialog


async def window_problems(desk: Desk) -> QWidget:
    await _watch(desk)
    desk.select(2)
    # A check that takes its whole timeout leaves a domain unknown for a moment where this machine is busy.
    await until(lambda: bool((desk.session.board.verdict != Verdict.UNKNOWN).all()))
    return desk.frame


async def maintenance_form(desk: Desk) -> QWidget:
    await _watch(desk)
    await _plan(desk)
    desk.theme.set_mode("dark")
    weekly = next(one for one in desk.session.commands.windows if isinstance(one.schedule, Weekly))
    form = await desk.opened_by(lambda: desk.window.maintenance.ask(weekly), MaintenanceForm)
    form.name.deselect()
    return form


async def maintenance(desk: Desk) -> QWidget:
    await _watch(desk)
    await _plan(desk)
    page = await desk.opened_by(desk.window.actions_.maintenance, MaintenancePage)
    page.resize(860, 340)
    return page


async def alerts(desk: Desk) -> QWidget:
    page = await _alerts(desk)
    page.resize(860, 504)
    return page


async def channels(desk: Desk) -> QWidget:
    page = await _alerts(desk)
    async with receiving() as service:
        alerting = desk.session.alerts
        ops = Channel(new_channel_id(), ChannelKind.WEBHOOK, "Ops room")
        await alerting.save_channel(ops, ChannelSecret(service.url))
        page.tabs.setCurrentWidget(page.channels)
        page.channels.table.selectRow(page.channels.table.rowCount() - 1)
        page.channels.test.click()
        await until(lambda: service.requests)
        await until(page.message.text)
    page.resize(860, 380)
    return page


async def evidence(desk: Desk) -> QWidget:
    await _watch(desk)
    page = await desk.opened_by(desk.window.actions_.incidents, IncidentPage)
    page.resize(1100, 1000)
    monitors = desk.session.board.monitors.values()
    broken = next(one.id for one in monitors if one.name == "nginx https 500")
    row = await until(lambda: next((one for one in page.incidents if one.monitor == broken), None))
    page.select(row.id)
    panel = page.detail.kept
    await until(lambda: panel.kept)
    for fold in panel.findChildren(Fold):
        fold.head.setChecked(True)
    page.splitter.setSizes([110, 890])
    area = page.splitter.widget(1)
    assert isinstance(area, QScrollArea)
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    return page


PICTURES = (
    *(window_empty, add_list, import_, edit, window_problems, maintenance_form, maintenance, alerts, channels),
    evidence,
)


async def _watch(desk: Desk) -> None:
    """Watch every server, and wait until each has been judged."""
    board = desk.session.board
    if not board.monitors:
        drafts = [
            MonitorDraft(case.url, case.name, MonitorSettings(interval_ms=5_000, keyword=case.keyword))
            for case in _servers().cases()
        ]
        await desk.session.commands.add(drafts)
    await until(lambda: all(any(latest.is_whole for latest in board.newest(id_)) for id_ in board.monitors))


async def _plan(desk: Desk) -> None:
    """Have maintenance windows of every kind."""
    if desk.session.commands.windows:
        return
    now_ms = time.time_ns() // 1_000_000 // _MINUTE_MS * _MINUTE_MS
    ids = frozenset(list(desk.session.board.monitors)[:1])
    drafts = (
        MaintenanceDraft("Deploy of the shop", Once(now_ms, now_ms + HOUR_MS), Scope(False, monitors=ids)),
        MaintenanceDraft("Weekly backup", Weekly((2, 6), 180, 90 * _MINUTE_MS, "Europe/Zurich")),
        MaintenanceDraft("First of the month", Cron("0 3 1 * *", 2 * HOUR_MS, "UTC")),
    )
    await desk.session.commands.change_windows(MaintenanceChange(added=drafts))


async def _alerts(desk: Desk) -> AlertPage:
    """Wait until alerts were told of what is down, and show them."""
    await _watch(desk)

    page = await desk.opened_by(desk.window.actions_.alerts, AlertPage)
    await until(lambda: page.alerts.table.model().rowCount())
    page.alerts.table.selectRow(0)
    return page


@functools.cache
def _servers() -> WebServers:
    """Return the servers, started when they are first asked for."""
    folder = Path(tempfile.mkdtemp(prefix="servers-", dir=os.environ["TMPDIR"]))
    folder.chmod(0o755)
    return WebServers.start(folder)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pingmon-pictures-") as place:
        Path(place).chmod(0o755)
        os.environ["TMPDIR"] = place
        os.environ["SSL_CERT_FILE"] = str(_servers().authority)
        try:
            take(PICTURES, wanted_names(), Path(place) / "data")
        finally:
            _servers().close()


if __name__ == "__main__":
    main()
