"""What each cell of the table says in words: for screen readers, tool tips, copying. Reads the board."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status, failure_name
from pingmon_gui.domain.target import display_url
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.ui import wording

translate = QCoreApplication.translate


def title(board: BoardView, monitor: MonitorId) -> str:
    return wording.plain(board.monitors[monitor].title, 200)


def address(board: BoardView, monitor: MonitorId) -> str:
    return wording.plain(display_url(board.monitors[monitor].url), 400)


def no_probe_sentence(region: Region) -> str:
    return translate("CellText", "No probe in %1 yet: click the column's title to add one").replace(
        "%1", wording.region_name(region)
    )


def silent_probe(board: BoardView, column: int) -> ProbeHealth | None:
    """Return the probe that says why a region has no vote just now, None where it has one or no probe."""
    found = [health for health in board.probes.values() if health.probe.region is REGIONS[column]]
    if any(health.votes for health in found):
        return None
    # One that is being filled in is nearest to a vote.
    return max(found, key=lambda health: health.state is ProbeState.CATCHING_UP, default=None)


def silent_sentence(health: ProbeHealth) -> str:
    """Return why nothing new is heard of a region, in the words of its probe."""
    said = wording.plain(translate("Sentence", health.reason), 300) if health.reason else wording.probe_state(health)
    text = translate("CellText", "The probe %1 has no vote just now: %2")
    return text.replace("%1", wording.isolated(health.probe.name)).replace("%2", said)


def region_short(board: BoardView, row: int, column: int) -> str:
    """Return the cell's text as far as it is one: a latency, else the state; nothing where no probe watches."""
    if not board.assigned[row, column]:
        return ""
    status = int(board.state[row, column])
    if status in (Status.ONLINE, Status.SLOW):
        return wording.latency(float(board.total_ms[row, column]))
    return wording.status_word(status)


def region_sentence(board: BoardView, row: int, column: int) -> str:
    """Return all that the cell shows as one sentence that begins with the monitor's name."""
    ratio = float(board.availability[row, column])
    coverage = float(board.coverage[row, column])
    said = wording.cell_sentence(
        REGIONS[column],
        has_probe=bool(board.has_probe[column]),
        is_assigned=bool(board.assigned[row, column]),
        status=int(board.state[row, column]),
        is_checking=bool(board.is_checking[row, column]),
        total_ms=float(board.total_ms[row, column]),
        failure=failure_name(int(board.failure[row, column])),
        availability_ratio=None if math.isnan(ratio) else ratio,
        coverage=None if math.isnan(coverage) else coverage,
    )
    parts = [f"{title(board, board.ids[row])} – {said}", *family_lines(board, row, column)]
    return "; ".join(parts)


def family_lines(board: BoardView, row: int, column: int) -> list[str]:
    """Return what a cell says of each family, a line each; nothing where not each is measured."""
    lines = []
    for cell in board.by_family(board.ids[row], REGIONS[column]) if board.assigned[row, column] else []:
        text = translate("CellText", "%1: %2").replace("%1", wording.family_name(cell.family))
        said = [wording.status_word(cell.state)]
        if cell.state in (Status.ONLINE, Status.SLOW) and cell.total_ms is not None:
            said.append(wording.latency(cell.total_ms))
        elif cell.failure is not None:
            said.append(wording.failure_word(cell.failure))
        lines.append(text.replace("%2", ", ".join(said)))
    return lines


def region_explained(board: BoardView, row: int, column: int) -> str:
    """Return the tool tip of a cell: what it says, when it was measured, and how its share was computed."""
    region = REGIONS[column]
    if not board.has_probe[column]:
        lines = [
            no_probe_sentence(region),
            translate("CellText", "Pingmon shows only what it measured itself: nothing is guessed for a region."),
        ]
        return "\n".join(lines)
    lines = [region_sentence(board, row, column)]
    if not board.assigned[row, column]:
        return lines[0]
    if (silent := silent_probe(board, column)) is not None:
        lines.append(silent_sentence(silent))
    at_ms = int(board.at_ms[row, column])
    if at_ms:
        lines.append(
            translate("CellText", "Last measured at %1: %2 from the first packet to the last byte.")
            .replace("%1", wording.clock_time(at_ms))
            .replace("%2", wording.exact_latency(float(board.total_ms[row, column])))
        )
    monitor = board.ids[row]
    lines.append(
        translate("CellText", "Last hour: %1 Slow counts as available; pauses and gaps do not count.").replace(
            "%1", wording.availability_sentence(board.availability_of(monitor, region))
        )
    )
    lines.append(translate("CellText", "The strip shows the last hour, two minutes a bar, the worst of each."))
    return "\n".join(lines)


def is_in_maintenance(board: BoardView, row: int) -> bool:
    """Return whether a monitor rests because of a maintenance window alone."""
    return bool(board.verdict[row] == Verdict.PAUSED and not board.paused[row] and board.in_maintenance[row])


def verdict_word(board: BoardView, row: int) -> str:
    if is_in_maintenance(board, row):
        return wording.maintenance_word()
    return wording.verdict_word(int(board.verdict[row]))


def verdict_sentence(board: BoardView, row: int) -> str:
    monitor = board.ids[row]
    if is_in_maintenance(board, row):
        return wording.maintenance_sentence(board.monitors[monitor].title, board.maintenance_until_ms(monitor))
    states = {
        region: int(board.state[row, column]) for column, region in enumerate(REGIONS) if board.assigned[row, column]
    }
    verdict = int(board.verdict[row])
    said = wording.verdict_sentence(board.monitors[monitor].title, verdict, states)
    failing, fine = _families_apart(board, row)
    if not failing:
        return said
    is_everywhere = verdict == Verdict.OFFLINE and set(states.values()) == {int(Status.OFFLINE)}
    text = (
        translate("CellText", "%1 is offline over %2 only; %3 is fine.")
        if is_everywhere
        else translate("CellText", "That is over %2 only; %3 is fine.")
    )
    text = text.replace("%3", wording.family_name(fine)).replace("%2", wording.family_name(failing))
    return text.replace("%1", wording.isolated(board.monitors[monitor].title)) if is_everywhere else f"{said} {text}"


def _families_apart(board: BoardView, row: int) -> tuple[int, int]:
    """Return the one family that an outage is of and the one that is fine; zeros where that is not so."""
    if board.verdict[row] not in (Verdict.OFFLINE, Verdict.REGIONAL):
        return 0, 0
    watching = [region for column, region in enumerate(REGIONS) if board.assigned[row, column]]
    cells = [cell for region in watching for cell in board.by_family(board.ids[row], region)]
    failing = {cell.family for cell in cells if cell.state is Status.OFFLINE}
    fine = {cell.family for cell in cells if cell.state in (Status.ONLINE, Status.SLOW)} - failing
    return (min(failing), min(fine)) if len(failing) == 1 and fine else (0, 0)


def name_sentence(board: BoardView, row: int) -> str:
    """Return name, address and tags as one sentence."""
    monitor = board.monitors[board.ids[row]]
    parts = [title(board, monitor.id)]
    if monitor.name:
        parts.append(address(board, monitor.id))
    if monitor.tags:
        tags = wording.joined(wording.plain(tag, 60) for tag in monitor.tags)
        parts.append(translate("CellText", "tagged %1").replace("%1", tags))
    return ", ".join(parts)
