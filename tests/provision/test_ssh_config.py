"""What people type and configure, read by `ssh -G` and, without an ssh program, by paramiko's reader."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from pingmon_gui.domain.error import ProvisionError
from pingmon_gui.provision.ssh_config import CONNECT_S, resolve

_CONFIG = """
Host shop
    HostName shop.example
    User ops
    Port 2200
    IdentityFile ~/.ssh/shop_key
    IdentitiesOnly yes
    ConnectTimeout 7
    HostKeyAlias shop-alias
    UserKnownHostsFile ~/.ssh/shop_hosts

Host inner
    ProxyJump me@gate:2222,second

Host gate
    HostName gate.example

Host second
    HostName second.example
    User two
    ProxyJump elsewhere

Host old-style
    ProxyCommand ssh -q -W %h:%p gate

Host program
    ProxyCommand corkscrew proxy 8080 %h %p

Host ring-a
    ProxyJump ring-b
Host ring-b
    ProxyJump ring-a

Host ?ild-*
    User wild
"""


@pytest.fixture(params=["ssh", "reader"])
def reader(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with the ssh program, and again on a computer that has none."""
    (home / ".ssh" / "extra").mkdir()
    (home / ".ssh" / "extra" / "one.conf").write_text("Host included\n    User ink\n")
    (home / ".ssh" / "config").write_text(f"Include {home}/.ssh/extra/*.conf\n{_CONFIG}")
    if request.param == "reader":
        monkeypatch.setenv("PATH", str(home))
    return str(request.param)


@pytest.mark.usefixtures("reader")
def test_resolve_alias_gives_all_that_is_configured(home: Path) -> None:
    target = resolve("shop")
    assert (target.host, target.address, target.port, target.user) == ("shop", "shop.example", 2200, "ops")
    assert target.identity_files == (home / ".ssh" / "shop_key",)
    assert target.is_identities_only
    assert target.connect_timeout_s == 7
    assert target.known_host_name == "shop-alias"
    assert target.known_hosts_files[0] == home / ".ssh" / "shop_hosts"
    assert target.name == "ops@shop:2200"
    assert target.proxy_jump is None


@pytest.mark.usefixtures("reader")
def test_resolve_unknown_name_is_taken_as_it_is(home: Path) -> None:
    target = resolve("plain.example")
    assert (target.address, target.port, target.user) == ("plain.example", 22, getpass.getuser())
    assert home / ".ssh" / "id_ed25519" in target.identity_files
    assert target.known_hosts_files[0] == home / ".ssh" / "known_hosts"
    assert target.connect_timeout_s == CONNECT_S
    assert not target.is_identities_only


@pytest.mark.usefixtures("reader")
def test_resolve_arguments_win_over_what_is_typed_and_that_over_the_file(home: Path) -> None:
    key = home / "own_key"
    key.write_text("a key")
    typed = resolve("typed@shop:2300")
    assert (typed.user, typed.port) == ("typed", 2300)
    given = resolve("typed@shop:2300", user="given", port=2400, identity=key)
    assert (given.user, given.port) == ("given", 2400)
    assert given.identity_files[0] == given.named_identity == key


@pytest.mark.usefixtures("reader")
def test_resolve_jump_hosts_by_their_own_configuration() -> None:
    target = resolve("inner")
    me = getpass.getuser()
    assert target.proxy_jump == "me@gate.example:2222,two@second.example:22"
    assert [jump.host for jump in target.jumps] == ["gate", "second"]
    assert [jump.jumps for jump in target.jumps] == [(), ()]
    assert resolve("old-style").proxy_jump == f"{me}@gate.example:22"


@pytest.mark.usefixtures("reader")
def test_resolve_follows_patterns_and_includes() -> None:
    assert resolve("wild-one").user == "wild"
    assert resolve("included").user == "ink"


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("typed", "host", "user", "port", "name"),
    [
        ("u@[2001:db8::1]:2200", "2001:db8::1", "u", 2200, "u@[2001:db8::1]:2200"),
        ("u@2001:db8::1", "2001:db8::1", "u", 22, "u@2001:db8::1"),
        ("ssh://u@h.example:23/", "h.example", "u", 23, "u@h.example:23"),
        ("first.last@corp@h.example", "h.example", "first.last@corp", 22, "first.last@corp@h.example"),
    ],
)
def test_resolve_reads_every_way_to_write_a_host(typed: str, host: str, user: str, port: int, name: str) -> None:
    target = resolve(typed)
    assert (target.host, target.user, target.port, target.name) == (host, user, port, name)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "no name or address"),
        ("two words", "no name or address"),
        ("-oProxyCommand=touch /tmp/x", "no name or address"),
        ("u@-F/etc/passwd", "no name or address"),
        ("@host", "no name or address"),
        ("host;reboot", "no name or address"),
        ("host\nHost *", "no name or address"),
        ("[::1", "no name or address"),
        ("host:", "no name or address"),
        ("host:ssh", 'no port "ssh"'),
        ("host:0", 'no port "0"'),
        ("host:99999999", "no port"),
        ("-l@host", "cannot be a user name"),
        ("a b@host", "cannot be a user name"),
    ],
)
def test_resolve_refuses_what_can_be_no_host(typed: str, says: str) -> None:
    with pytest.raises(ProvisionError, match=says) as caught:
        resolve(typed)
    assert caught.value.hint
    assert caught.value.host == typed


@pytest.mark.usefixtures("reader")
def test_resolve_names_what_is_wrong_with_files_and_configuration(home: Path) -> None:
    with pytest.raises(ProvisionError, match=r"There is no private key .*nowhere"):
        resolve("shop", identity=home / "nowhere")
    with pytest.raises(ProvisionError, match=r"There is no SSH configuration .*nowhere"):
        resolve("shop", ssh_config=home / "nowhere")
    with pytest.raises(ProvisionError, match=r"circle: ring-a, ring-b, ring-a") as ring:
        resolve("ring-a")
    assert "ProxyJump" in (ring.value.hint or "")
    with pytest.raises(ProvisionError, match=r"through a program \(ProxyCommand corkscrew") as program:
        resolve("program")
    assert "ProxyJump" in (program.value.hint or "")


@pytest.mark.usefixtures("reader")
def test_resolve_broken_configuration_is_told_with_its_place(home: Path) -> None:
    broken = home / "broken"
    broken.write_text('Host shop\n    Port "twenty-two\n')
    with pytest.raises(ProvisionError, match="The SSH configuration cannot be used: ") as caught:
        resolve("shop", ssh_config=broken)
    assert "ssh -G HOST" in (caught.value.hint or "")


def test_resolve_tokens_and_variables_in_paths(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_FOLDER", "/keys")
    config = home / "other"
    config.write_text(
        "Host *\n    HostName real.example\n    IdentityFile %d/.ssh/%h-%r-%p\n    IdentityFile ${KEY_FOLDER}/%n\n"
    )
    target = resolve("me@box:24", ssh_config=config)
    assert target.identity_files == (home / ".ssh" / "real.example-me-24", Path("/keys/box"))


def test_resolve_another_configuration_replaces_the_own_one(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Host box\n    User wrong\n")
    other = home / "other"
    other.write_text("Host box\n    User right\n")
    assert resolve("box", ssh_config=other).user == "right"
