"""Entry point of `python3 pingmon-probe.pyz` and `python3 -m pingmon_probe`."""

import sys

from pingmon_probe.command_line import main

if __name__ == "__main__":
    sys.exit(main())
