"""`make package`: the app as one folder, and on Debian the .deb of it. Run in the environment of `env.sh package`."""

from __future__ import annotations

import shutil
import sys

import app_folder
from place import APP


def main() -> int:
    app_folder.make()
    carried = sum(path.stat().st_size for path in APP.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"{APP}: {carried / 1e6:.0f} MB")
    if shutil.which("dpkg-deb"):
        import debian

        package = debian.make()
        print(f"{package}: {package.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
