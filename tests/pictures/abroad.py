"""Pictures of probes on five continents: five real hosts in the lab, as far away as their regions are, and a website.

Root, Debian: this starts a lab of its own (tests/lab), and itself once more at its desk. Nothing in it is made up but
the distances. Whatever a picture needs is set up as a person would: the probes by the wizard, one after the other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui.fleet_page import FleetPage
from pingmon_gui.ui.map_window import MapWindow
from pingmon_gui.ui.probe_wizard import ProbeWizard
from pingmon_gui.ui.run_card import RunState
from tests.lab import roots
from tests.lab.lab import REGION_RTT_MS, Lab
from tests.lab.target import ZONE, Page
from tests.pictures.desk import SIZE, Desk, take, until

LAB_NAME = "pictures"
#: By region: what is typed for the host, and the probe's name.
_HOSTS = {
    "eu": ("frankfurt", "Frankfurt"),
    "na": ("virginia", "Virginia"),
    "as": ("singapore", "Singapore"),
    "sa": ("saopaulo", "São Paulo"),
    "oc": ("sydney", "Sydney"),
}
_WIDE = (1680, 880)
#: What the website is made of: path, name, tags, and how long the server thinks.
_SITES = (
    ("/", "Shop", ("shop",), 0.03),
    ("/checkout", "Checkout", ("shop",), 0.11),
    ("/search", "Search", ("shop",), 0.35),
    ("/api/health", "API", ("api",), 0.005),
    ("/blog", "Blog", ("web",), 0.06),
    ("/docs", "Documentation", ("web",), 0.02),
    ("/status", "Status page", ("web",), 0.01),
    ("/reports", "Reports", ("api",), 0.62),
)
#: Long enough to see how a latency goes up and down.
_WATCHED_MS = 180_000
_NICENESS = -15


async def wizard_form(desk: Desk) -> QWidget:
    wizard = await _wizard(desk)
    wizard.form.host.setText("frankfurt")
    wizard.form.choose_region(Region.EU)
    return wizard


async def wizard_done(desk: Desk) -> QWidget:
    await _watch(desk)
    wizard = await _wizard(desk)
    await _set_up(desk, wizard, "eu")
    wizard.cards[0].steps_button.setChecked(True)
    wizard.resize(wizard.width(), 560)
    return wizard


async def window_light(desk: Desk) -> QWidget:
    return await _window(desk)


async def window_dark(desk: Desk) -> QWidget:
    desk.theme.set_mode("dark")
    return await _window(desk)


async def _window(desk: Desk) -> QWidget:
    await _measure(desk)
    desk.frame.resize(*_WIDE)
    desk.select(1)
    await until(lambda: desk.window.details.pane)
    await _all_vote(desk)
    return desk.frame


async def detail(desk: Desk) -> QWidget:
    await _measure(desk)
    desk.frame.resize(*_WIDE)
    desk.select(1)
    return await until(lambda: desk.window.details.pane)


async def probes(desk: Desk) -> QWidget:
    await _measure(desk)
    page = await desk.opened_by(desk.window.actions_.probes, FleetPage)
    page.table.selectRow(1)
    page.doctor.trigger()
    await until(lambda: page.cards and all(card.is_over for card in page.cards.values()))
    page.resize(1240, 640)
    return page


async def map_light(desk: Desk) -> QWidget:
    """Cut one region off from the website, and wait until that is known for sure."""
    await _measure(desk)
    network = Lab(LAB_NAME).network
    network.cut("as", "target")
    try:
        board = desk.session.board
        shop = next(one.id for one in board.monitors.values() if one.name == "Shop")
        await until(lambda: board.verdict[board.ids.index(shop)] == Verdict.REGIONAL)
        window = await desk.opened_by(desk.window.actions_.map, MapWindow)
        desk.window.maps.set_animated(False)
        window.choose(shop)
        window.resize(*SIZE)
        return window
    finally:
        network.heal()


PICTURES = (wizard_form, wizard_done, window_light, window_dark, detail, probes, map_light)


async def _wizard(desk: Desk) -> ProbeWizard:
    return await desk.opened_by(desk.window.actions_.add_probe, ProbeWizard)


async def _set_up(desk: Desk, wizard: ProbeWizard, region: str) -> None:
    """Set up the probe of a region, if it is not there yet, as a person does."""
    if any(health.probe.region == region for health in desk.session.board.probes.values()):
        return
    wizard.show_form()
    host, name = _HOSTS[region]
    wizard.form.host.setText(host)
    wizard.form.choose_region(Region(region))
    wizard.form.name.setText(name)
    before = len(wizard.cards)
    wizard.submit()
    await until(lambda: len(wizard.cards) > before and wizard.cards[-1].is_over)
    if wizard.cards[-1].state is not RunState.DONE:
        raise RuntimeError(wizard.cards[-1].summary.text())


async def _watch(desk: Desk) -> None:
    if not desk.session.board.monitors:
        drafts = [
            MonitorDraft(f"https://shop.{ZONE}{path}", name, MonitorSettings(interval_ms=5_000), tags=tags)
            for path, name, tags, _delay_s in _SITES
        ]
        await desk.session.commands.add(drafts)


async def _measure(desk: Desk) -> None:
    """Have a probe in each region, and some minutes of results of each domain."""
    await _watch(desk)
    wizard = await _wizard(desk)
    for region in _HOSTS:
        await _set_up(desk, wizard, region)
    wizard.close()
    board = desk.session.board
    everywhere = len(_HOSTS) + 1
    await until(lambda: all(sum(one.is_whole for one in board.newest(id_)) == everywhere for id_ in board.monitors))
    regions = board.assigned_regions(next(iter(board.monitors)))
    await until(lambda: all(_known_ms(desk, region) >= _WATCHED_MS for region in regions))
    await _all_vote(desk)


async def _all_vote(desk: Desk) -> None:
    """Wait for a moment in which no probe is kept from its work, as they are while this machine has more to do."""
    board = desk.session.board
    await until(lambda: all(health.votes for health in board.probes.values()))


def _known_ms(desk: Desk, region: Region) -> int:
    """Return for how long the least known domain is known from a region."""
    board = desk.session.board
    return min(board.availability_of(id_, region).known_ms for id_ in board.monitors)


def _write_ssh_configuration(lab: Lab, home: Path) -> None:
    """Let the hosts have names of their own, as people give theirs."""
    folder = home / ".ssh"
    folder.mkdir(mode=0o700)
    entries = [
        f"Host {name}\n  HostName {lab.hosts[region].address}\n  User ops\n  IdentityFile {roots.client_key()}\n"
        for region, (name, _shown) in _HOSTS.items()
    ]
    (folder / "config").write_text("".join(entries))
    shutil.copyfile(lab.known_hosts, folder / "known_hosts")


def _at_desk(wanted: Sequence[str], home: Path) -> None:
    os.environ["HOME"] = str(home)
    take(PICTURES, wanted, home / "data")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--at-desk", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.at_desk is not None:
        _at_desk(options.names, options.at_desk)
        return
    # Probes that are late because this machine has other things to do have no vote.
    os.nice(_NICENESS)
    lab = Lab(LAB_NAME)
    lab.up()
    try:
        for path, _name, _tags, delay_s in _SITES:
            lab.target.set_page(path, Page(delay_s=delay_s))
        for host in [lab.region_host(region) for region in REGION_RTT_MS]:
            host.wait_until_up()
        with tempfile.TemporaryDirectory(prefix="pingmon-pictures-") as place:
            _write_ssh_configuration(lab, Path(place))
            again = [sys.executable, "-m", "tests.pictures.abroad", "--at-desk", place, *options.names]
            subprocess.run(lab.desk_command(*again), check=True)
    finally:
        lab.down()


if __name__ == "__main__":
    main()
