"""`pingmon probe ...`: what is listed, asked, renamed; and how a setup that cannot succeed ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.key_pair import new_key_pair, restricted_line
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets, SecretStore
from pingmon_gui.store.store import Store
from tests.cli.conftest import Command, Processes
from tests.ports import free_port
from tests.probe.probe_process import TOKEN, ProbeProcess
from tests.sshd import SshServer, make_key, ssh_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as running:
        yield running


def keep(data_dir: Path, server: SshServer, port: int, name: str, region: Region = Region.EU) -> Probe:
    """Put a probe behind an SSH server into a data folder, as an enrolment does."""
    private, public = new_key_pair()
    server.allow(restricted_line(public, port))
    access = ProbeAccess(
        host=f"{server.user}@127.0.0.1",
        login_user=server.user,
        address="127.0.0.1",
        ssh_port=server.port,
        tunnel_user=server.user,
        service_port=port,
        host_key=server.host_key(),
        supervisor=Supervisor.SYSTEMD,
    )
    probe = Probe(new_probe_id(), name, region, Transport.TUNNEL, access)
    data_dir.mkdir(exist_ok=True)

    async def save() -> None:
        store = Store.open(database_path(data_dir), now_ms=lambda: 1_790_000_000_000)
        await store.save_probe(probe)
        await store.close()

    asyncio.run(save())
    SecretStore(data_dir).save(probe.id, ProbeSecrets(Token(TOKEN), private))
    return probe


def test_without_probes_the_list_says_how_to_begin(pingmon: Command) -> None:
    done = pingmon("probe", "list")
    assert (done.code, done.out) == (0, "")
    assert "pingmon probe bootstrap" in done.err
    assert pingmon("probe", "list", "--json").json == {"probes": []}
    assert pingmon("probe", "status").code == 0


def test_status_asks_each_probe_and_names_what_is_wrong(
    pingmon: Command, data_dir: Path, server: SshServer, tmp_path: Path
) -> None:
    with ProbeProcess(tmp_path / "spool") as running:
        keep(data_dir, server, running.port, "Frankfurt")
        keep(data_dir, server, free_port(), "Dallas", Region.NA)
        done = pingmon("probe", "status", "--json")
        dallas, frankfurt = done.json["probes"]
        assert done.code == 1
        assert (frankfurt["name"], frankfurt["votes"], frankfurt["host"]) == (
            "Frankfurt",
            True,
            f"{server.user}@127.0.0.1",
        )
        assert frankfurt["round_trip_ms"] > 0 and frankfurt["version"]
        assert "nothing answers at the probe's port" in dallas["error"]
        table = pingmon("probe", "status")
        assert "not reached" in table.out and "Dallas: " in table.err
        assert pingmon("probe", "status", "frankfurt").code == 0
        names = [probe["name"] for probe in pingmon("probe", "list", "--json").json["probes"]]
        assert names == ["Dallas", "Frankfurt"]  # as the columns of the window
        assert TOKEN not in done.out + table.out + table.err


def test_probe_is_renamed_and_no_two_have_one_name(pingmon: Command, data_dir: Path, server: SshServer) -> None:
    one = keep(data_dir, server, free_port(), "Frankfurt")
    keep(data_dir, server, free_port(), "Dallas", Region.NA)
    assert pingmon("probe", "rename", "frankfurt", "Main hall").code == 0
    assert "Main hall" in pingmon("probe", "list").out
    for words, sentence in (
        (("Main hall", "Dallas"), "named “Dallas” already"),
        ((str(one.id), "  "), "needs a name"),
        (("Paris", "x"), "There is no probe “Paris”"),
        ((f"{server.user}@127.0.0.1", "x"), "names 2 probes"),
    ):
        done = pingmon("probe", "rename", *words)
        assert done.code == 1 and sentence in done.err


def test_take_over_without_a_pingmon_that_runs_is_kept_for_the_next_one(
    pingmon: Command, data_dir: Path, server: SshServer
) -> None:
    one = keep(data_dir, server, free_port(), "Frankfurt")
    done = pingmon("probe", "take-over", "Frankfurt")
    assert (done.code, done.out) == (0, "Frankfurt works for this Pingmon from the next time Pingmon runs.\n")

    store = Store.open(database_path(data_dir), now_ms=lambda: 1_790_000_000_000)
    (kept,) = (probe for probe in store.configuration().probes if probe.id == one.id)
    asyncio.run(store.close())
    assert kept.access is not None and kept.access.is_taken_over


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["eu.example"], "--region"),
        (["--region", "local", "eu.example"], "--region"),
        (["--region", "eu"], "HOST"),
        (["--region", "eu", "a", "b", "--name", "x"], "--name goes with a single HOST"),
        (["--region", "eu", "a", "b", "--host-key", "SHA256:x"], "--host-key goes with a single HOST"),
        (["--region", "eu", "a", "a"], "named twice"),
        (["--region", "eu", "a", "--port", "65536"], "1 to 65535"),
        (["--region", "eu", "a", "--transport", "embedded"], "--transport"),
        (["--region", "eu", "a", "--name", " "], "needs a name"),
    ],
)
def test_setup_that_is_asked_for_wrongly_is_wrong_usage(pingmon: Command, words: list[str], sentence: str) -> None:
    done = pingmon("probe", "bootstrap", *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_setup_that_cannot_begin_ends_with_a_sentence_and_leaves_nothing(
    processes: Processes, data_dir: Path, server: SshServer, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "id")
    server.allow(key.with_suffix(".pub").read_text())
    stranger = make_key(tmp_path / "stranger")
    here = f"{server.user}@127.0.0.1:{server.port}"
    home = {"HOME": str(tmp_path), "SSH_AUTH_SOCK": ""}
    options = ("--region", "eu", "--json")
    fingerprint = fingerprint_of(server)
    for words, sentence in (
        ((f"{server.user}@no-such-host.invalid", "--identity", str(key)), "no-such-host.invalid"),
        ((f"{server.user}@127.0.0.1:{free_port()}", "--identity", str(key)), "refuse"),
        ((here, "--identity", str(key)), f"--host-key {fingerprint}"),
        ((here, "--identity", str(key), "--host-key", "SHA256:" + "A" * 43), "key"),
        ((here, "--identity", str(stranger), "--host-key", fingerprint), "stranger"),
        ((here, "--identity", str(tmp_path / "none"), "--host-key", fingerprint), "none"),
        (("ops@bad host", "--identity", str(key)), "host"),
    ):
        done = processes.run("probe", "bootstrap", *words, *options, env=home)
        assert (done.code, done.json["probes"]) == (1, []), done.err
        (failure,) = done.json["failed"]
        assert sentence in f"{failure['message']} {failure['hint']}", failure
        assert failure["message"].endswith((".", "?")) and failure["hint"] and "Traceback" not in done.err
    assert not (data_dir / "secrets").exists()
    assert processes.run("probe", "list", "--json").json == {"probes": []}


def fingerprint_of(server: SshServer) -> str:
    import base64
    import hashlib

    digest = hashlib.sha256(base64.b64decode(server.host_key().split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
