"""What the Help menu tells of this Pingmon."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QMessageBox

import pingmon_gui
from pingmon_gui.domain.region import Region
from pingmon_gui.provision.bundle import probe_bundle
from pingmon_gui.ui.main_window import MainWindow
from tests.engine.fakes import monitor
from tests.ui.window.conftest import Bench, MakeBench


def test_about_names_versions_and_the_file_that_is_sent_to_hosts(
    make_bench: MakeBench, show_window: Callable[[Bench], MainWindow]
) -> None:
    window = show_window(make_bench([monitor(10)], [Region.LOCAL]))
    window.actions_.about.trigger()
    box = window.findChild(QMessageBox, "about")
    assert box is not None
    told = box.informativeText()
    assert pingmon_gui.__version__ in box.text()
    assert f"Protocol 1 · Qt {qVersion()} · Python 3." in told
    assert "".join(re.findall(r"^[0-9a-f]{32}$", told, re.MULTILINE)) == hashlib.sha256(probe_bundle()).hexdigest()
    box.close()
