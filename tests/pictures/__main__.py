"""Takes the pictures of docs/screenshots from the real app: `make screenshots`, or `ONLY=map-dark,incidents`.

Each stage is a process of its own: `year` runs on a generated history, `own` on this computer's probe and real web
servers, `abroad` on five real hosts in the lab (root, Debian), `tray` on a desktop with a panel.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.pictures import abroad, own, tray, year
from tests.pictures.desk import names

STAGES = {
    "own": names(own.PICTURES),
    "abroad": names(abroad.PICTURES),
    "year": names(year.PICTURES),
    "tray": tray.NAMES,
}


def main(wanted: set[str]) -> int:
    known = {name for stage in STAGES.values() for name in stage}
    if unknown := wanted - known:
        print(f"There is no picture {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    # Words are English; numbers and days stand as they do where it is spoken.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("LC_")}
    environment["LANG"] = "en_GB.UTF-8"
    for stage, all_names in STAGES.items():
        if taken := [name for name in all_names if not wanted or name in wanted]:
            subprocess.run([sys.executable, "-m", f"tests.pictures.{stage}", *taken], check=True, env=environment)
    return 0


if __name__ == "__main__":
    sys.exit(main({name for word in sys.argv[1:] for name in word.split(",") if name}))
