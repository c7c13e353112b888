"""known_hosts files as OpenSSH writes them, and what they say of a key."""

from __future__ import annotations

import stat
import subprocess
import threading
from pathlib import Path

import paramiko
import pytest

from pingmon_gui.domain.error import ProvisionError
from pingmon_gui.provision.known_host import KnownHosts, Trust, fingerprint, written
from pingmon_gui.provision.ssh_config import SshTarget


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, paramiko.PKey]:
    """Return public keys that ssh-keygen made, by name."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name, kind in (("ed", "ed25519"), ("other", "ed25519"), ("ec", "ecdsa"), ("rsa", "rsa")):
        _keygen("-q", "-t", kind, "-N", "", "-f", str(folder / name))
        made[name] = paramiko.PKey.from_path(folder / name)
    return made


def _keygen(*arguments: str) -> str:
    return subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=True).stdout


def _target(file: Path, host: str = "shop.example", port: int = 22, alias: str | None = None) -> SshTarget:
    return SshTarget(host, host, port, "ops", host_key_alias=alias, known_hosts_files=(file,))


def test_fingerprint_is_that_of_ssh_keygen(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    for name in ("ed", "ec", "rsa"):
        public = tmp_path / "key.pub"
        public.write_text(written(keys[name]))
        assert fingerprint(keys[name]) == _keygen("-l", "-f", str(public)).split()[1]
        assert fingerprint(keys[name].asbytes()) == fingerprint(keys[name])


@pytest.mark.parametrize(
    ("names", "host", "port", "expected"),
    [
        ("shop.example", "shop.example", 22, Trust.KNOWN),
        ("SHOP.example", "shop.Example", 22, Trust.KNOWN),
        ("a.example,shop.example,192.0.2.1", "192.0.2.1", 22, Trust.KNOWN),
        ("*.example", "shop.example", 22, Trust.KNOWN),
        ("*.example,!shop.example", "shop.example", 22, Trust.UNKNOWN),
        ("sho?.example", "shop.example", 22, Trust.KNOWN),
        ("sho[a-z].example", "shop.example", 22, Trust.UNKNOWN),
        ("[shop.example]:2200", "shop.example", 2200, Trust.KNOWN),
        ("[2001:db8::1]:2200", "2001:db8::1", 2200, Trust.KNOWN),
        ("2001:db8::1", "2001:db8::1", 22, Trust.KNOWN),
        # ssh takes a key known without the port as proof.
        ("shop.example", "shop.example", 2200, Trust.KNOWN),
        ("[shop.example]:2200", "shop.example", 22, Trust.UNKNOWN),
        ("elsewhere.example", "shop.example", 22, Trust.UNKNOWN),
        ("@cert-authority *", "shop.example", 22, Trust.UNKNOWN),
        ("@revoked *", "shop.example", 22, Trust.REVOKED),
        ("# shop.example", "shop.example", 22, Trust.UNKNOWN),
    ],
)
def test_judge_reads_every_kind_of_line(
    names: str, host: str, port: int, expected: Trust, keys: dict[str, paramiko.PKey], tmp_path: Path
) -> None:
    file = tmp_path / "theirs"
    file.write_text(f"\n# a comment\nnonsense\nshop.example ssh-ed25519 ###\n{names} {written(keys['ed'])} a comment\n")
    assert KnownHosts(tmp_path).judge(_target(file, host, port), keys["ed"]) is expected


def test_judge_hashed_lines_of_ssh_keygen(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    file = tmp_path / "theirs"
    file.write_text(f"shop.example {written(keys['ed'])}\n[shop.example]:2200 {written(keys['ec'])}\n")
    _keygen("-H", "-f", str(file))
    assert "shop" not in file.read_text()
    known = KnownHosts(tmp_path)
    assert known.judge(_target(file), keys["ed"]) is Trust.KNOWN
    assert known.judge(_target(file), keys["other"]) is Trust.CHANGED
    assert known.judge(_target(file, port=2200), keys["ec"]) is Trust.KNOWN
    assert known.judge(_target(file, "elsewhere.example"), keys["ed"]) is Trust.UNKNOWN


def test_judge_other_key_and_other_type_are_a_change(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    file = tmp_path / "theirs"
    file.write_text(f"shop.example {written(keys['ed'])}\n")
    known = KnownHosts(tmp_path)
    assert known.judge(_target(file), keys["other"]) is Trust.CHANGED
    assert known.judge(_target(file), keys["rsa"]) is Trust.CHANGED
    # What is known of the name without the port says nothing about another server on another port.
    assert known.judge(_target(file, port=2200), keys["other"]) is Trust.UNKNOWN


def test_judge_revoked_key_is_never_trusted(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    file = tmp_path / "theirs"
    file.write_text(f"shop.example {written(keys['ed'])}\n@revoked * {written(keys['ed'])}\n")
    known = KnownHosts(tmp_path)
    known.pin(_target(file), keys["ed"])
    assert known.judge(_target(file), keys["ed"]) is Trust.REVOKED


def test_judge_alias_stands_for_name_and_port(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    file = tmp_path / "theirs"
    file.write_text(f"shop-alias {written(keys['ed'])}\n")
    target = _target(file, port=2200, alias="shop-alias")
    assert KnownHosts(tmp_path).judge(target, keys["ed"]) is Trust.KNOWN


def test_pin_is_hashed_private_and_read_by_ssh_keygen(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("")
    known = KnownHosts(tmp_path / "data")
    target = _target(theirs, port=2200)
    assert known.judge(target, keys["ed"]) is Trust.UNKNOWN
    known.pin(target, keys["ed"])
    assert known.judge(target, keys["ed"]) is Trust.KNOWN
    assert known.judge(target, keys["other"]) is Trust.CHANGED
    assert "shop" not in known.path.read_text()
    assert stat.S_IMODE(known.path.stat().st_mode) == 0o600
    assert written(keys["ed"]) in _keygen("-F", "[shop.example]:2200", "-f", str(known.path))
    assert theirs.read_text() == ""


def test_pin_replaces_the_own_line_of_that_host_alone(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    known = KnownHosts(tmp_path)
    first, second = _target(tmp_path / "none"), _target(tmp_path / "none", "second.example")
    known.pin(first, keys["ed"])
    known.pin(second, keys["ed"])
    known.pin(first, keys["rsa"])
    assert known.judge(first, keys["ed"]) is Trust.CHANGED
    assert known.judge(first, keys["rsa"]) is Trust.KNOWN
    assert known.judge(second, keys["ed"]) is Trust.KNOWN
    known.forget(first)
    assert known.judge(first, keys["rsa"]) is Trust.UNKNOWN
    assert known.judge(second, keys["ed"]) is Trust.KNOWN


def test_pin_of_many_hosts_at_once_loses_none(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    known = KnownHosts(tmp_path)
    targets = [_target(tmp_path / "none", f"host{number}.example") for number in range(8)]
    threads = [threading.Thread(target=known.pin, args=(target, keys["ed"])) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(known.judge(target, keys["ed"]) is Trust.KNOWN for target in targets)


def test_pin_into_a_place_that_cannot_be_written_is_told(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProvisionError, match="The host key cannot be kept in"):
        KnownHosts(tmp_path / "file").pin(_target(tmp_path / "none"), keys["ed"])


def test_look_up_tells_file_and_line(keys: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    file = tmp_path / "theirs"
    file.write_text(f"# first\nshop.example {written(keys['ed'])}\n")
    (found,) = KnownHosts(tmp_path).look_up(_target(file))
    assert (found.path, found.line, found.type, found.blob) == (file, 2, "ssh-ed25519", keys["ed"].asbytes())
