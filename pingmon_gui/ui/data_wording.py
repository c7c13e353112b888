"""What the window says of the database: sizes, what is in a backup, what was saved of a damaged file."""

from __future__ import annotations

from PySide6.QtCore import QLocale

from pingmon_gui.domain.backup import BackupFacts, Restored
from pingmon_gui.domain.rescue import Count, Kept, Remark
from pingmon_gui.ui import wording
from pingmon_gui.ui.wording import counted, translate


def file_size(size_bytes: int) -> str:
    """Return a size as people compare it: 812 kB, 43 MB, 1.10 GB."""
    return QLocale().formattedDataSize(size_bytes, 2 if size_bytes >= 1_000_000_000 else 0, _SI)


_SI = QLocale.DataSizeFormat.DataSizeSIFormat


def results_counted(count: int) -> str:
    return counted(translate("Data", "%n result(s)", None, count), count).replace(str(count), wording.number(count), 1)


def contents(facts: BackupFacts) -> str:
    """Return what is in a backup, as a line."""
    text = translate("Data", "%1 and %2")
    return text.replace("%2", results_counted(facts.results)).replace("%1", wording.monitors_counted(facts.domains))


def restored_sentence(restored: Restored) -> str:
    text = translate("Data", "Restored %1. What was there before is kept as %2.")
    return text.replace("%2", wording.isolated(restored.aside.name)).replace("%1", contents(restored.facts))


def kind_name(kind: Kept) -> str:
    match kind:
        case Kept.DOMAINS:
            return translate("Data", "Domains")
        case Kept.SETTINGS:
            return translate("Data", "Settings of the app")
        case Kept.PROBES:
            return translate("Data", "Probes")
        case Kept.RESULTS:
            return translate("Data", "Results")
        case Kept.ROLLUPS:
            return translate("Data", "Roll-ups")
        case Kept.INCIDENTS:
            return translate("Data", "Incidents")
        case Kept.OTHER:
            return translate("Data", "Other entries")


def lost_text(count: Count) -> str:
    """Return how many of a kind were lost, and how well that is known."""
    if count.is_whole:
        return translate("Data", "none")
    if count.lost == 0:
        return translate("Data", "maybe some")
    text = translate("Data", "at least %1") if count.is_least else translate("Data", "about %1")
    return (text if count.is_least or count.is_about else "%1").replace("%1", wording.number(count.lost))


def remark_sentence(remark: Remark, count: int) -> str:
    """Return what a person has to know of a rescue, and to do."""
    match remark:
        case Remark.REBUILT_DOMAINS:
            text = translate(
                "Data",
                "%n domain(s) came back from the history, without name, keyword and password. [It is|They are] paused "
                "until you have looked at [it|them]: one that you had deleted may be among [it|them].",
                None,
                count,
            )
        case Remark.REBUILT_PROBES:
            text = translate(
                "Data", "%n probe(s) came back as the history knows [it|them]. Set [it|them] up again.", None, count
            )
        case Remark.UNKNOWN_PROBES:
            text = translate(
                "Data", "Of %n probe(s) nothing is known any more; what [it|they] measured is not shown.", None, count
            )
        case Remark.NEW_OWNER:
            text = translate("Data", "Probes on other hosts do not know this Pingmon any more: take them over.")
        case Remark.LOST_CHANGES:
            text = translate("Data", "%n changed page(s) of the last moments could not be read.", None, count)
        case Remark.CURSORS:
            text = translate(
                "Data", "Probes give again what they still keep of the last days; nothing is counted twice."
            )
    return counted(text, count).replace("%n", wording.number(count))
