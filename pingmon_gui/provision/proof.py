"""Proves on the spot that the app's key opens the probe's port and nothing else. Blocks on its thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import ChannelException, SSHException

from pingmon_gui.domain.error import HealthCheckFailed, ProvisionError
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.ssh import open_link
from pingmon_gui.provision.ssh_config import SshTarget

OPEN_S = 15.0
#: RFC 4254, 5.1.
PROHIBITED = 1
#: What a shell would answer to the question below.
_SUM = b"pingmon-42"
_QUESTION = "echo pingmon-$((40+2))"


@dataclass(frozen=True)
class Proof:
    """What the key was able to do besides the probe's port: sentences in the form "run commands"; empty is right."""

    allowed: tuple[str, ...] = ()


async def prove(
    target: SshTarget, known_hosts: KnownHosts, private_key: str, port: int, *, listener: Listener
) -> Proof:
    """Log in with the key alone and try everything. `target` names the tunnel's user.

    Raises HealthCheckFailed where the probe's port does not open, SshUnreachable, AuthFailed.
    """
    link = await open_link(target, known_hosts, private_key, listener=listener)
    try:
        transport = link.transport
        if not await link.call(lambda: _opens(transport, port)):
            raise HealthCheckFailed(
                f"The key of this app does not reach the probe's port {port} on {target.name}.",
                "Does sshd_config allow TCP forwarding (AllowTcpForwarding, PermitOpen) for its user?",
            )
        tries: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("reach other ports of the host", lambda: _opens(transport, target.port)),
            ("run commands", lambda: _runs(transport)),
            ("open a terminal", lambda: _gets_terminal(transport)),
            ("forward the SSH agent", lambda: _forwards_agent(transport)),
            ("open ports on the host (remote forwarding)", lambda: _listens(transport)),
        )
        allowed = [what for what, attempt in tries if await link.call(attempt)]
        return Proof(tuple(allowed))
    finally:
        await link.close()


def _opens(transport: paramiko.Transport, port: int) -> bool:
    """Return whether a channel to a loopback port is allowed; one that nobody answers at was allowed all the same."""
    try:
        transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=OPEN_S).close()
    except ChannelException as exc:
        return exc.code != PROHIBITED
    return True


def _runs(transport: paramiko.Transport) -> bool:
    """Return whether a command or a shell runs: judged by what only a shell could answer, not by its exit code."""
    for is_shell in (False, True):
        try:
            channel = transport.open_session(timeout=OPEN_S)
        except SSHException:
            continue
        try:
            channel.settimeout(OPEN_S)
            if is_shell:
                channel.invoke_shell()
                channel.sendall(f"{_QUESTION}\nexit\n".encode())
                channel.shutdown_write()
            else:
                channel.exec_command(_QUESTION)
            if _SUM in _read(channel):
                return True
        except (SSHException, OSError, EOFError):
            continue
        finally:
            channel.close()
    return False


def _read(channel: paramiko.Channel) -> bytes:
    out = b""
    until = time.monotonic() + OPEN_S
    while len(out) < 4096 and time.monotonic() < until:
        data = channel.recv(4096)
        if not data:
            break
        out += data
    return out


def _gets_terminal(transport: paramiko.Transport) -> bool:
    try:
        channel = transport.open_session(timeout=OPEN_S)
    except SSHException:
        return False
    try:
        channel.settimeout(OPEN_S)
        channel.get_pty()
    except (SSHException, OSError, EOFError):
        return False
    finally:
        channel.close()
    return True


def _forwards_agent(transport: paramiko.Transport) -> bool:
    """Ask for it with the wish for an answer, which paramiko's own request does without (draft-ietf-secsh-agent)."""
    try:
        channel = transport.open_session(timeout=OPEN_S)
    except SSHException:
        return False
    try:
        message = paramiko.Message()
        message.add_byte(bytes([paramiko.common.MSG_CHANNEL_REQUEST]))
        message.add_int(channel.remote_chanid)
        message.add_string("auth-agent-req@openssh.com")
        message.add_boolean(True)
        channel._event_pending()  # type: ignore[attr-defined]
        transport._send_user_message(message)  # type: ignore[attr-defined]
        if not channel.event.wait(OPEN_S):
            return False
        # A refusal closes the channel.
        return channel.event_ready and not channel.closed
    except (SSHException, OSError, EOFError):
        return False
    finally:
        channel.close()


def _listens(transport: paramiko.Transport) -> bool:
    for address in ("", "localhost"):
        try:
            port = transport.request_port_forward(address, 0)
        except SSHException:
            continue
        transport.cancel_port_forward(address, port)
        return True
    return False


def not_refused(host: str, proof: Proof) -> ProvisionError:
    """Return the error for a key that can do more than it should."""
    return HealthCheckFailed(
        f"The SSH server of {host} lets the app's key do more than reach the probe: {', '.join(proof.allowed)}.",
        "Use the direct transport, or another SSH server (OpenSSH 7.8 or newer refuses all of it).",
    )
