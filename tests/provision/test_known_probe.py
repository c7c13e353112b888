"""Which entry of the list a set-up goes on with, and what the probe is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pingmon_gui.domain.error import PreflightFailed
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.key_pair import new_key_pair, public_half
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.fact import ExistingProbe
from pingmon_gui.provision.known_probe import KnownProbe, Match, known_at, name_for
from pingmon_gui.provision.ssh_config import SshTarget

HOST_KEY = "ssh-ed25519 AAAAhost"
SECRETS = ProbeSecrets(Token("a-token"), new_key_pair()[0])
ACCESS = ProbeAccess(
    host="eu", login_user="ops", address="192.0.2.1", ssh_port=22, tunnel_user="pingmon-probe", service_port=46464,
    host_key=HOST_KEY, supervisor=Supervisor.SYSTEMD,
)  # fmt: skip
TARGET = SshTarget(host="eu", address="192.0.2.1", port=22, user="ops")
THERE = ExistingProbe(
    is_system=True, supervisor=Supervisor.SYSTEMD, transport=Transport.TUNNEL, port=46464, is_private_allowed=False,
    public_key=public_half(SECRETS.private_key),
)  # fmt: skip


def known(name: str = "eu", secrets: ProbeSecrets | None = SECRETS, **changes: object) -> KnownProbe:
    access = replace(ACCESS, **changes)  # type: ignore[arg-type]
    return KnownProbe(Probe(new_probe_id(), name, Region.EU, Transport.TUNNEL, access), secrets)


def at(
    candidates: list[KnownProbe], existing: ExistingProbe | None = THERE, user: str = "pingmon-probe"
) -> Match | None:
    return known_at(candidates, TARGET, HOST_KEY, user, existing)


def test_probe_is_known_by_its_key_wherever_its_host_has_moved() -> None:
    moved = known(address="198.51.100.7", host="old-name")
    assert at([known("other", None), moved]) == Match(moved, is_proved=True)


@pytest.mark.parametrize(
    "existing", [None, replace(THERE, public_key="ssh-ed25519 AAAAother"), replace(THERE, transport=Transport.DIRECT)]
)
def test_probe_is_known_by_its_place_where_the_key_proves_nothing(existing: ExistingProbe | None) -> None:
    here = known()
    assert at([known(address="198.51.100.7"), here], existing) == Match(here, is_proved=False)


def test_probe_without_secrets_is_known_by_its_place() -> None:
    here = known(secrets=None)
    assert at([here]) == Match(here, is_proved=False)


@pytest.mark.parametrize(
    "changes", [{"address": "198.51.100.7"}, {"ssh_port": 2222}, {"tunnel_user": "pat"}, {"proxy_jump": "gate"}]
)
def test_probe_at_another_place_is_another_one(changes: dict[str, object]) -> None:
    assert at([known(secrets=None, **changes)]) is None


def test_same_key_on_a_host_with_another_host_key_proves_nothing() -> None:
    assert at([known(address="198.51.100.7", host_key="ssh-ed25519 AAAAimpostor")]) is None


def test_name_is_what_was_asked_for_or_was_or_the_hosts_and_never_twice() -> None:
    here, other = known("Frankfurt"), known("eu", address="198.51.100.7")
    match = Match(here, is_proved=True)
    assert name_for(None, [here, other], match, "eu") == "Frankfurt"
    assert name_for("Paris", [here, other], match, "eu") == "Paris"
    assert name_for("Frankfurt", [here, other], match, "eu") == "Frankfurt"
    assert name_for(None, [other], None, "eu") == "eu 2"
    assert name_for(None, [other], None, "na") == "na"
    with pytest.raises(PreflightFailed, match="Another probe is named “EU” already"):
        name_for("EU", [here, other], match, "eu")
