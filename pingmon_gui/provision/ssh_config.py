"""What a person typed as a host, and their SSH configuration, made into where and how to connect.

Where there is an `ssh` program it is asked (`ssh -G`), so that Include, Match, tokens and defaults are exactly those of
`ssh HOST`; elsewhere paramiko's reader does. Nothing here opens a connection.
"""

from __future__ import annotations

import getpass
import glob
import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko
from paramiko.ssh_exception import ConfigParseError, CouldNotCanonicalize

from pingmon_gui.domain.error import ProvisionError

SSH_PORT = 22
#: For one address to answer, where the configuration says nothing; ssh itself would wait for the kernel's two minutes.
CONNECT_S = 15.0
#: `Match exec` may run programs of the user's.
_SSH_G_S = 20.0
_MOST_JUMPS = 8
_MOST_INCLUDES = 16

#: What a host or a user may be made of: nothing that ssh, a shell or a terminal could take for something else.
_HOST = re.compile(r"[A-Za-z0-9_.:%\[\]-]+|[^\x00-\x7f\s]+[^\x00-\x20\x7f@/\\\"'`$;&|<>()*?!]*")
_USER = re.compile(r"[^\x00-\x20\x7f:/\"'`$;&|<>()*?!]+")
#: The old way to write a ProxyJump.
_STDIO_PROXY = re.compile(r"(?:exec\s+)?(?:\S*/)?ssh\s+(?P<options>.*)", re.DOTALL)

_DEFAULT_IDENTITIES = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
_DEFAULT_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


@dataclass(frozen=True)
class SshTarget:
    """Where and how to reach one SSH server.

    Attributes:
        host: what the person typed, without user and port.
        address: name or address to connect to, after the configuration.
        user: whose login.
        identity_files: private keys to try, in order; some may not exist.
        is_identities_only: whether no other keys of the agent are offered.
        proxy_jump: the jump hosts as `user@address:port,...`, nearest first; None for none.
        connect_timeout_s: for one address to answer.
        host_key_alias: the name to look for in known_hosts, None for the address.
        known_hosts_files: the person's own and the system's; only read.
        jumps: the jump hosts themselves, nearest first.
        identity_agent: socket of the SSH agent, "none" for no agent, None for the usual one.
        named_identity: the private key the person named themselves; what is wrong with it is not passed over.
    """

    host: str
    address: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    is_identities_only: bool = False
    proxy_jump: str | None = None
    connect_timeout_s: float = CONNECT_S
    host_key_alias: str | None = None
    known_hosts_files: tuple[Path, ...] = ()
    jumps: tuple[SshTarget, ...] = ()
    identity_agent: str | None = None
    named_identity: Path | None = None

    @property
    def name(self) -> str:
        """The host as a person knows it: `ops@vps.example`, with the port where it is not 22."""
        host = f"[{self.host}]" if ":" in self.host and self.port != SSH_PORT else self.host
        return f"{self.user}@{host}" + (f":{self.port}" if self.port != SSH_PORT else "")

    @property
    def known_host_name(self) -> str:
        """The name this server goes by in known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        if self.host_key_alias:
            return self.host_key_alias.lower()
        address = self.address.lower()
        return address if self.port == SSH_PORT else f"[{address}]:{self.port}"


def resolve(
    host: str,
    *,
    user: str | None = None,
    port: int | None = None,
    identity: Path | None = None,
    ssh_config: Path | None = None,
) -> SshTarget:
    """Return where `host` is: an alias of the configuration, a name or an address, also `user@host:port`.

    What is given as an argument wins over what stands in `host`, and that over the configuration. Blocks while `ssh`
    reads the configuration, usually 20 ms. Raises ProvisionError for what can be no host, a key file that cannot be
    read and a configuration with mistakes in it.
    """
    typed_user, name, typed_port = _split(host)
    user, port = user or typed_user, port or typed_port
    if user is not None and (not _USER.fullmatch(user) or user.startswith("-")):
        raise ProvisionError(f'"{user}" cannot be a user name.', "Type the host as user@host.", host=host)
    if port is not None and not 0 < port < 65536:
        raise ProvisionError(f"There is no port {port}.", "A port is a number from 1 to 65535.", host=host)
    if identity is not None:
        identity = identity.expanduser()
        _check_readable(identity, "private key", host)
    if ssh_config is not None:
        ssh_config = ssh_config.expanduser()
        _check_readable(ssh_config, "SSH configuration", host)
    return replace(_resolve(name, user, port, identity, ssh_config, known=()), named_identity=identity)


def _resolve(
    host: str, user: str | None, port: int | None, identity: Path | None, ssh_config: Path | None, known: Sequence[str]
) -> SshTarget:
    """Look one host up, and then its jump hosts; `known` are the hosts that lead here."""
    program = shutil.which("ssh")
    look_up = _ask_ssh if program else _read_configuration
    options = look_up(program or "", host, user, port, identity, ssh_config)

    def first(key: str) -> str:
        return (options.get(key) or [""])[0]

    address, found_port = first("hostname") or host, int(first("port") or SSH_PORT)
    login = first("user") or getpass.getuser()
    tokens = _tokens(host, address, found_port, login, first("hostkeyalias"))
    timeout = first("connecttimeout")
    target = SshTarget(
        host=host,
        address=address,
        port=found_port,
        user=login,
        identity_files=tuple(
            dict.fromkeys(
                _path(_expanded(text, tokens)) for text in options.get("identityfile", ()) if text.lower() != "none"
            )
        ),
        is_identities_only=first("identitiesonly").lower() in ("yes", "true"),
        connect_timeout_s=float(timeout) if timeout.isdigit() and int(timeout) else CONNECT_S,
        host_key_alias=first("hostkeyalias") or None,
        known_hosts_files=tuple(
            _path(_expanded(text, tokens))
            for key in ("userknownhostsfile", "globalknownhostsfile")
            for text in options.get(key, ())
            if text.lower() != "none"
        ),
        identity_agent=_expanded(first("identityagent"), tokens) or None,
    )
    jumps: tuple[SshTarget, ...] = ()
    for jump in _jump_names(target, _expanded(first("proxyjump"), tokens), first("proxycommand")):
        jump_user, jump_host, jump_port = _split(jump)
        if host in known or len(known) >= _MOST_JUMPS:
            raise ProvisionError(
                f"The jump hosts of {(*known, host)[0]} lead in a circle: {', '.join((*known, host))}.",
                "Look at ProxyJump in the SSH configuration.",
                host=host,
            )
        # As with `ssh -J a,b`: a is reached by its own configuration, b through a, whatever b's configuration says.
        found = _resolve(jump_host, jump_user, jump_port, None, ssh_config, (*known, host))
        jumps = (*jumps, _without_jumps(found)) if jumps else (*found.jumps, _without_jumps(found))
    if not jumps:
        return target
    return replace(target, jumps=jumps, proxy_jump=",".join(_written(jump) for jump in jumps))


def _without_jumps(target: SshTarget) -> SshTarget:
    return replace(target, jumps=(), proxy_jump=None)


def _written(jump: SshTarget) -> str:
    address = f"[{jump.address}]" if ":" in jump.address else jump.address
    return f"{jump.user}@{address}:{jump.port}"


def _split(typed: str) -> tuple[str | None, str, int | None]:
    """Return user, host and port of what was typed: `host`, `user@host:port`, `[v6]:port`, `ssh://...`."""
    text = typed.strip().removeprefix("ssh://").removesuffix("/")
    user, at, rest = text.rpartition("@")
    port: int | None = None
    if rest.startswith("["):
        rest, bracket, tail = rest[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise _no_host(typed)
        written_port = tail[1:]
    elif rest.count(":") == 1:
        rest, _colon, written_port = rest.partition(":")
        if not written_port:
            raise _no_host(typed)
    else:
        written_port = ""
    if written_port:
        if not (written_port.isascii() and written_port.isdigit() and 0 < int(written_port[:6]) < 65536):
            raise ProvisionError(
                f'There is no port "{written_port}".', "A port is a number from 1 to 65535.", host=typed
            )
        port = int(written_port)
    if (at and not user) or rest.startswith("-") or not _HOST.fullmatch(rest):
        raise _no_host(typed)
    return user or None, rest, port


def _no_host(typed: str) -> ProvisionError:
    return ProvisionError(
        f'"{typed.strip()}" is no name or address of a host.',
        "Type what you would type after ssh, such as ops@vps.example, or a name from your SSH configuration.",
        host=typed,
    )


def _check_readable(path: Path, what: str, host: str) -> None:
    try:
        with path.open("rb"):
            return
    except FileNotFoundError:
        raise ProvisionError(f"There is no {what} {path}.", "Check the path.", host=host) from None
    except OSError as exc:
        raise ProvisionError(
            f"The {what} {path} cannot be read: {exc.strerror}.", "Check who may read the file.", host=host
        ) from exc


def _tokens(host: str, address: str, port: int, user: str, alias: str) -> dict[str, str]:
    """Return what the tokens of ssh_config(5) stand for; `ssh -G` leaves those in paths as they are."""
    local = socket.gethostname()
    return {
        "%%": "%",
        "%d": str(Path.home()),
        "%h": address,
        "%i": str(os.getuid()) if hasattr(os, "getuid") else "",
        "%k": alias or host,
        "%L": local.partition(".")[0],
        "%l": local,
        "%n": host,
        "%p": str(port),
        "%r": user,
        "%u": getpass.getuser(),
    }


def _expanded(text: str, tokens: Mapping[str, str]) -> str:
    """Return the text with its %-tokens and ${VARIABLES} replaced; what is unknown stays as it is."""
    text = re.sub(r"%[A-Za-z%]", lambda found: tokens.get(found[0], found[0]), text)
    return re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], found[0]), text)


def _path(text: str) -> Path:
    home = Path.home()
    if text == "~" or text.startswith(("~/", "~\\")):
        return home / text[2:]
    # ssh takes the home folder from the system's list of users, every other program from HOME.
    system_home = _system_home()
    if system_home is not None and system_home != home:
        with_slash = f"{system_home}{os.sep}.ssh{os.sep}"
        if text.startswith(with_slash):
            return home / ".ssh" / text.removeprefix(with_slash)
    return Path(text)


def _system_home() -> Path | None:
    try:
        import pwd
    except ImportError:  # Windows
        return None
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def _ask_ssh(
    program: str, host: str, user: str | None, port: int | None, identity: Path | None, ssh_config: Path | None
) -> dict[str, list[str]]:
    """Return the options `ssh` would use, each with its values. Raises ProvisionError with ssh's own complaint."""
    argv = [program, "-G"]
    if ssh_config is None and _system_home() not in (None, Path.home()):
        own = Path.home() / ".ssh" / "config"
        argv += ["-F", str(own) if own.exists() else "none"]
    if ssh_config is not None:
        argv += ["-F", str(ssh_config)]
    if user is not None:
        argv += ["-l", user]
    if port is not None:
        argv += ["-p", str(port)]
    if identity is not None:
        argv += ["-i", str(identity)]
    try:
        done = subprocess.run(
            [*argv, "--", host],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SSH_G_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ProvisionError(
            f"ssh did not read its configuration within {_SSH_G_S:.0f} s.",
            "Look for a Match exec in it that does not end.",
            host=host,
        ) from exc
    except OSError as exc:
        raise ProvisionError(
            f"{program} cannot be started: {exc.strerror}.", "Install the OpenSSH client anew.", host=host
        ) from exc
    if done.returncode != 0:
        raise _bad_configuration(host, done.stderr)
    options: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _blank, value = line.partition(" ")
        if key in ("userknownhostsfile", "globalknownhostsfile"):
            options.setdefault(key, []).extend(value.split(" "))
        elif value:
            options.setdefault(key, []).append(value)
    return options


def _bad_configuration(host: str, complaint: str) -> ProvisionError:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    cause = next((line for line in lines if "terminating" not in line), "no reason was given").rstrip(".")
    return ProvisionError(
        f"The SSH configuration cannot be used: {cause}.",
        'Mend it until "ssh -G HOST" works.',
        host=host,
    )


def _read_configuration(
    _program: str, host: str, user: str | None, port: int | None, identity: Path | None, ssh_config: Path | None
) -> dict[str, list[str]]:
    """Return the options by paramiko's reader, for computers without an `ssh` program."""
    configuration = paramiko.SSHConfig()
    own = [ssh_config] if ssh_config is not None else [Path.home() / ".ssh" / "config", Path("/etc/ssh/ssh_config")]
    try:
        for path in own:
            if path.exists():
                configuration.parse(_with_includes(path, 0))
        found: Mapping[str, str | list[str] | None] = configuration.lookup(host)
    except (ConfigParseError, CouldNotCanonicalize, ValueError, OSError) as exc:
        raise _bad_configuration(host, str(exc)) from exc
    except ImportError as exc:
        raise _bad_configuration(host, "Match exec needs an ssh program") from exc
    options = {
        key: value if isinstance(value, list) else value.split() if key.endswith("knownhostsfile") else [value]
        for key, value in found.items()
        if value
    }
    options.setdefault("userknownhostsfile", list(_DEFAULT_KNOWN_HOSTS))
    options.setdefault("globalknownhostsfile", list(_GLOBAL_KNOWN_HOSTS))
    if identity is not None:
        options["identityfile"] = [str(identity), *options.get("identityfile", [])]
    options.setdefault("identityfile", list(_DEFAULT_IDENTITIES))
    if user is not None:
        options["user"] = [user]
    if port is not None:
        options["port"] = [str(port)]
    if not options.get("port", ["22"])[0].isdigit():
        raise _bad_configuration(host, f"Bad port '{options['port'][0]}'")
    return options


def _with_includes(path: Path, depth: int) -> list[str]:
    """Return the lines of a configuration, those of included files in place. Relative paths are below ~/.ssh.

    Unlike in ssh, a Host block does not confine what is included inside it.
    """
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        word, _blank, patterns = line.strip().partition(" ")
        if word.lower() != "include" or depth >= _MOST_INCLUDES:
            lines.append(line)
            continue
        for pattern in shlex.split(patterns):
            absolute = Path.home() / ".ssh" / Path(pattern).expanduser()
            for included in sorted(glob.glob(str(absolute))):  # noqa: PTH207 - the pattern is absolute
                lines += _with_includes(Path(included), depth + 1)
    return lines


def _jump_names(target: SshTarget, proxy_jump: str, proxy_command: str) -> list[str]:
    """Return the jump hosts as they are written in the configuration, nearest first."""
    if proxy_jump and proxy_jump.lower() != "none":
        return [jump.strip() for jump in proxy_jump.split(",") if jump.strip()]
    if not proxy_command or proxy_command.lower() == "none":
        return []
    if jump := _jump_of_command(target, proxy_command):
        return [jump]
    raise ProvisionError(
        f"{target.host} is reached through a program (ProxyCommand {proxy_command}), and Pingmon cannot use that.",
        "Give the host a ProxyJump in your SSH configuration.",
        host=target.host,
    )


def _jump_of_command(target: SshTarget, command: str) -> str | None:
    """Return the jump host of `ssh [-q] -W %h:%p JUMP`, None where the command is something else."""
    matched = _STDIO_PROXY.fullmatch(command.strip())
    if matched is None:
        return None
    try:
        words = shlex.split(matched["options"])
    except ValueError:
        return None
    user, port, jump, forwards = "", "", "", False
    while words:
        word = words.pop(0)
        if word in ("-q", "-T", "-a", "-x"):
            continue
        if word in ("-W", "-l", "-p") and words:
            value = words.pop(0)
            if word == "-W":
                forwards = value in ("%h:%p", "[%h]:%p", f"{target.address}:{target.port}")
            elif word == "-l":
                user = f"{value}@"
            else:
                port = f":{value}"
        elif word.startswith("-W") and len(word) > 2:
            forwards = word[2:] in ("%h:%p", "[%h]:%p")
        elif not word.startswith("-") and not jump:
            jump = word
        else:
            return None
    return f"{user}{jump}{port}" if forwards and jump else None
