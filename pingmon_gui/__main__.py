"""`python -m pingmon_gui` is the same as `pingmon`."""

from __future__ import annotations

import sys

from pingmon_gui.cli import main

if __name__ == "__main__":
    sys.exit(main())
