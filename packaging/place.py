"""Where what is built lies, and the one way the builders run programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
#: The app as one folder: the executable and `_internal`.
APP = BUILD / "app" / "pingmon"
LINUX = ROOT / "packaging" / "linux"


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    """Run a program and return what it printed. Ends this one with its last words if it fails."""
    try:
        ended = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit(f"{words[0]} is not installed: “make package” installs what it needs.")
    if ended.returncode != 0:
        last_words = "\n".join((ended.stdout + ended.stderr).splitlines()[-20:])
        sys.exit(f"{Path(str(words[0])).name} ended with {ended.returncode}:\n{last_words}")
    return ended.stdout


def app_version() -> str:
    sys.path.insert(0, str(ROOT))
    import pingmon_gui

    return pingmon_gui.__version__
