"""Makes the .deb from the app's folder. It has no scripts of its own: all it does is to put files in place."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import icon
import licence
import release
from app_folder import elf_files, needed_c_library
from place import APP, BUILD, LINUX, ROOT, app_version, run

SOURCE = BUILD / "deb"
#: Where the tools of Debian look for what a package holds.
TREE = SOURCE / "debian" / "pingmon"
HOME = "usr/lib/pingmon"
#: Needed, but not as a library.
ALSO = ("ca-certificates", "tzdata")
#: Used where they are there: SSH with its own configuration, opening a file, a place for secrets.
RECOMMENDED = ("openssh-client", "xdg-utils")
SUGGESTED = ("gnome-keyring",)
#: Plug-ins that Qt does without where the desktop they serve is not there.
_OPTIONAL = re.compile(r"libqgtk3|wayland-decoration-client/libadwaita")

_CONTROL = """Package: pingmon
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kilobytes}
Depends: {depends}
Recommends: {recommends}
Suggests: {suggests}
Section: net
Priority: optional
Description: desktop monitor that watches websites from your own probes
 Pingmon measures websites every ten seconds from this computer and from small
 services on hosts of yours on other continents, and tells what is offline, for
 whom, and why. With alerts, history, reports and a command line.
 .
 It carries its own Python and Qt; all other libraries are the system's.
"""
_CARRIED = """Qt and PySide6 are used under the LGPL 3. Their libraries lie apart in
/usr/lib/pingmon/_internal/PySide6 and may be replaced by others of the same
interface. Their sources: https://download.qt.io/official_releases/

This package carries, each with its licence in the folder licences beside this
file:
"""


def make() -> Path:
    """Return the package's file, built anew from `build/app`."""
    release.check()
    shutil.rmtree(SOURCE, ignore_errors=True)
    for older in BUILD.glob("pingmon_*.deb"):
        older.unlink()
    version, needed = app_version(), needed_c_library()
    shutil.copytree(APP, TREE / HOME, symlinks=True)
    _write("usr/bin/pingmon", (LINUX / "pingmon.sh").read_text().replace("@LIBC@", needed), 0o755)
    _write("usr/share/applications/pingmon.desktop", (LINUX / "pingmon.desktop").read_text())
    _write(f"usr/share/metainfo/{release.METAINFO.name}", release.metainfo())
    icon.draw(TREE / "usr/share/icons/hicolor")
    _write("usr/share/man/man1/pingmon.1.gz", _zipped(manual(version)))
    documents = "usr/share/doc/pingmon"
    _write(f"{documents}/changelog.gz", _zipped((ROOT / "CHANGELOG.md").read_text()))
    _write(f"{documents}/changelog.Debian.gz", _zipped(release.debian_changelog()))
    parts = licence.collect(TREE / documents / "licences")
    _write(f"{documents}/copyright", _copyright(parts))
    _check()
    return _pack(version)


def manual(version: str) -> str:
    """Return the man page, made from the parser of the command line."""
    return run(
        Path(sys.executable).parent / "argparse-manpage",
        *("--module", "pingmon_gui.cli", "--function", "make_parser", "--project-name", "pingmon"),
        *("--version", version, "--description", "watch websites from the places that matter to you"),
        *("--manual-title", "Pingmon", "--include", LINUX / "man-sections"),
    )


def _built_at_s() -> int:
    """Return the moment of the last change, so that the same sources make the same package."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or run("git", "log", "-1", "--format=%ct"))


def _copyright(parts: list[str]) -> str:
    notices = [(ROOT / name).read_text() for name in ("LICENSE", "NOTICE")]
    return "\n".join([*notices, _CARRIED, *(f"  {line}" for line in parts), ""])


def _check() -> None:
    run("desktop-file-validate", TREE / "usr/share/applications/pingmon.desktop")
    run("appstreamcli", "validate", "--no-net", "--explain", *TREE.glob("usr/share/metainfo/*.xml"))


def _pack(version: str) -> Path:
    architecture = run("dpkg", "--print-architecture").strip()
    files = sorted(path for path in TREE.rglob("*") if path.is_file() and not path.is_symlink())
    for path in files:
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    control = _CONTROL.format(
        version=version,
        maintainer=release.MAINTAINER,
        architecture=architecture,
        kilobytes=sum(path.stat().st_size for path in files) // 1024,
        depends=", ".join((*_dependencies(), *ALSO)),
        recommends=", ".join(RECOMMENDED),
        suggests=", ".join(SUGGESTED),
    )
    sums = "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(TREE)}\n" for path in files)
    _write("DEBIAN/control", control)
    _write("DEBIAN/md5sums", sums)
    target = BUILD / f"pingmon_{version}_{architecture}.deb"
    os.environ["SOURCE_DATE_EPOCH"] = str(_built_at_s())
    run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", TREE, target)
    return target


def _dependencies() -> list[str]:
    """Return the packages whose libraries the app is linked against, with the versions it needs of them."""
    (SOURCE / "debian" / "control").write_text("Source: pingmon\n\nPackage: pingmon\nArchitecture: any\n")
    (TREE / "DEBIAN").mkdir()
    own = sorted({path.parent for path in (TREE / HOME).rglob("*.so*") if path.is_file()})
    files = [path for path in elf_files(TREE / HOME) if not _OPTIONAL.search(str(path))]
    told = run(
        *("dpkg-shlibdeps", "-O", "--ignore-missing-info"),
        *(f"-l{folder}" for folder in own),
        *files,
        cwd=SOURCE,
    )
    return told.partition("shlibs:Depends=")[2].strip().split(", ")


def _write(name: str, content: str | bytes, mode: int = 0o644) -> None:
    target = TREE / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    target.chmod(mode)


def _zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)
