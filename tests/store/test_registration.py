"""What registries said, as the store keeps it: over a restart, one by one, and apart from everything else in `meta`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.domain.registration import Registration, RegistrationMemory, RegistryPause
from pingmon_gui.store.database import write_connection
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, run

ONE = Registration(
    "example.com", START_MS, START_MS, START_MS + 7, "Bücher & Söhne", "https://x.example/y", "x.example"
)
TWO = Registration("example.org", START_MS, problem="It offers no RDAP.")


def test_registrations_and_pauses_are_there_after_a_restart_until_they_are_let_go_of(tmp_path: Path) -> None:
    async def main() -> None:
        store = Store.open(tmp_path / "pingmon.db", now_ms=Clock())
        assert await store.registrations() == RegistrationMemory()
        await store.save_registration(ONE)
        await store.save_registration(TWO, "", RegistryPause(START_MS, 1))
        await store.save_registration(TWO, "x.example", RegistryPause(START_MS + 9, 2))
        await store.close()
        store = Store.open(tmp_path / "pingmon.db", now_ms=Clock())
        pauses = {"": RegistryPause(START_MS, 1), "x.example": RegistryPause(START_MS + 9, 2)}
        assert await store.registrations() == RegistrationMemory({"example.com": ONE, "example.org": TWO}, pauses)
        # Whoever answers is paused no longer, and was found by the list.
        await store.save_registration(ONE, "x.example")
        await store.forget_registrations(["example.org", "example.net"])
        assert await store.registrations() == RegistrationMemory({"example.com": ONE})
        await store.change_preferences({"theme": "dark"})
        assert (await store.registrations()).registrations == {"example.com": ONE}
        await store.close()

    run(main())


@pytest.mark.parametrize("value", ["{", "[]", '{"name": 7}'])
def test_damaged_registration_is_called_so(tmp_path: Path, value: str) -> None:
    async def main() -> None:
        path = tmp_path / "pingmon.db"
        await Store.open(path, now_ms=Clock()).close()
        database = write_connection(path)
        with database.connection_context():
            database.execute_sql("INSERT INTO meta VALUES ('registration:example.com', ?)", (value,))
        store = Store.open(path, now_ms=Clock())
        with pytest.raises(StorageCorrupt):
            await store.registrations()
        await store.close()

    run(main())
