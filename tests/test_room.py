"""The core lives without Qt: every room but the window's is imported where PySide6 cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]

_SCRIPT = """
import importlib, pkgutil, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "qasync", "pyqtgraph"):
            raise ImportError("the core must not need " + name)

sys.meta_path.insert(0, Wall())
count = 0
for package in ("pingmon_gui", "pingmon_probe"):
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, package + "."):
        if not module.name.startswith(("pingmon_gui.ui", "pingmon_gui.app")) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            count += 1
print(count)
"""


def test_core_modules_import_without_qt() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{_ROOT}:{_ROOT / 'probes'}", "PATH": "/usr/bin:/bin", "QT_QPA_PLATFORM": "none"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
