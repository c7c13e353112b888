"""Secrets of probes: kept where only their owner can read them, and nowhere else."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import pytest

from pingmon_gui.domain.error import ProbeUnauthorised
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.fleet import secret_store
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets, SecretStore

PROBE = ProbeId(77)
SECRETS = ProbeSecrets(Token("a-token-that-nobody-knows"), "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring of the library's own kind; `delay` keeps every answer until it is set."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.open = threading.Event()
        self.open.set()

    def get_password(self, service: str, username: str) -> str | None:
        self.open.wait()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.open.wait()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    ring = MemoryKeyring()
    keyring.set_keyring(ring)
    yield ring
    ring.open.set()
    keyring.set_keyring(before)


def same(one: ProbeSecrets, other: ProbeSecrets) -> bool:
    return one.encode() == other.encode()


def test_without_a_keyring_secrets_are_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    store = SecretStore(tmp_path, is_keyring_wanted=False)
    store.save(PROBE, SECRETS)
    assert same(SecretStore(tmp_path, is_keyring_wanted=False).load(PROBE), SECRETS)
    (file,) = (tmp_path / "secrets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_with_a_keyring_nothing_lies_in_the_folder(tmp_path: Path, ring: MemoryKeyring) -> None:
    SecretStore(tmp_path, is_keyring_wanted=False).save(PROBE, SECRETS)  # from before there was one
    store = SecretStore(tmp_path, is_keyring_wanted=True)
    store.save(PROBE, SECRETS)
    assert same(store.load(PROBE), SECRETS)
    assert len(ring.kept) == 1
    assert not list((tmp_path / "secrets").iterdir())
    store.forget(PROBE)
    assert not ring.kept


def test_keyring_that_waits_for_a_person_is_passed_over_for_a_file(
    tmp_path: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_store, "KEYRING_S", 0.05)
    ring.open.clear()
    store = SecretStore(tmp_path, is_keyring_wanted=True)
    store.save(PROBE, SECRETS)
    assert same(store.load(PROBE), SECRETS)
    assert (tmp_path / "secrets").exists()


def test_forgotten_and_unreadable_secrets_say_what_to_do(tmp_path: Path) -> None:
    store = SecretStore(tmp_path, is_keyring_wanted=False)
    store.save(PROBE, SECRETS)
    (tmp_path / "secrets" / "probe-77.json").write_text("{")
    with pytest.raises(ProbeUnauthorised, match="cannot be read"):
        store.load(PROBE)
    store.forget(PROBE)
    store.forget(PROBE)
    with pytest.raises(ProbeUnauthorised, match="not on this computer") as caught:
        store.load(PROBE)
    assert caught.value.hint is not None


def test_secrets_hide_themselves() -> None:
    assert "nobody" not in repr(SECRETS) + str(SECRETS) + f"{SECRETS!r}" and "BEGIN" not in repr(SECRETS)
