"""Sets a probe up on a host, from the first connection to the first result; proves it, and leaves nothing if it fails.

The plan is the same for the command line and the window: connect, look, ask, change step by step, prove.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pingmon_probe import __version__ as PROBE_VERSION
from pingmon_probe.protocol import CheckSpec

from pingmon_gui.domain.error import (
    HealthCheckFailed,
    PreflightFailed,
    ProbeError,
    ProbeUnauthorised,
    ProvisionError,
    UserCancelled,
)
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.engine.link import ProbeLink
from pingmon_gui.fleet.key_pair import new_key_pair
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.certificate import new_certificate
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment
from pingmon_gui.provision.fact import ExistingProbe, HostFacts, gather
from pingmon_gui.provision.host import Host, RootedHost
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.layout import DEFAULT_PORT, Layout, new_layout
from pingmon_gui.provision.package import PACKAGE_MANAGERS
from pingmon_gui.provision.plan import Goods, host_steps
from pingmon_gui.provision.preflight import Problem, problems
from pingmon_gui.provision.progress import Listener, StepProgress, StepState, TranscriptLine
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.proof import Proof, not_refused, prove
from pingmon_gui.provision.service import START_S
from pingmon_gui.provision.setup_lock import SetupLock
from pingmon_gui.provision.ssh import connect
from pingmon_gui.provision.ssh_config import SshTarget, resolve
from pingmon_gui.provision.step import Step, Transcript, run_steps

__all__ = ["BootstrapRequest", "Enrolment", "Known", "MeasureFirst", "Ways", "bootstrap", "measure_url"]

#: Measures something over the new probe and returns a sentence about it. Raises ProbeError where it cannot.
MeasureFirst = Callable[[ProbeLink], Awaitable[str]]


class Known(NamedTuple):
    """A remote probe of this app with what opens it: set up again, it keeps its id, its token and its key."""

    probe: Probe
    secrets: ProbeSecrets


class OpenHost(NamedTuple):
    """A host with how it was reached: its key as in known_hosts, and what its SSH server calls itself."""

    host: RootedHost
    target: SshTarget
    host_key: str
    server: str


@dataclass(frozen=True)
class Ways:
    """How hosts and probes are reached; tests replace them."""

    resolve: Callable[[BootstrapRequest], SshTarget]
    open_host: Callable[[SshTarget, Listener], Awaitable[OpenHost]]
    open_probe: Callable[[Probe, ProbeSecrets], ProbeLink]
    prove: Callable[[SshTarget, str, int, Listener], Awaitable[Proof]]
    first_port: int = DEFAULT_PORT
    start_s: float = START_S


def real_ways(request: BootstrapRequest, known_hosts: KnownHosts, prompter: Prompter) -> Ways:
    """Return the ways by SSH."""

    async def open_host(target: SshTarget, listener: Listener) -> OpenHost:
        host = await connect(target, prompter, known_hosts, listener=listener, expected_host_key=request.host_key)
        return OpenHost(host, target, host.host_key, host.transport.remote_version)

    async def prove_key(target: SshTarget, private_key: str, port: int, listener: Listener) -> Proof:
        return await prove(target, known_hosts, private_key, port, listener=listener)

    return Ways(resolve=_resolve, open_host=open_host, open_probe=RemoteProbe, prove=prove_key)


async def bootstrap(
    request: BootstrapRequest,
    *,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    check: MeasureFirst,
    owner: str,
    bundle: bytes,
    known: Sequence[Known] = (),
    ways: Ways | None = None,
) -> Enrolment | None:
    """Set up a probe; None for a dry run. Not enrolled yet: the caller saves it.

    `owner` is this app's id: a probe that works for another one is taken over only on yes. `known` are this app's
    own remote probes. Raises ProvisionError (host, step and transcript filled in) and UserCancelled; then, and after
    a cancel, the host is as it was found.
    """
    transcript = Transcript(listener)
    ways = ways or real_ways(request, known_hosts, prompter)
    run = _Bootstrap(request, ways, prompter, transcript, check, owner, bundle, known)
    try:
        return await run.go()
    except ProvisionError as exc:
        exc.host = exc.host or request.host
        exc.transcript = exc.transcript or transcript.lines
        raise


def measure_url(url: str) -> MeasureFirst:
    """Return a first measurement of one address. Down is an answer as well: it is said, and nothing fails."""

    async def measure(link: ProbeLink) -> str:
        # Left before its end, the stream has to be closed here: elsewhere its request would be ended by another task.
        async with contextlib.aclosing(link.run_checks([CheckSpec(url)])) as results:
            async for result in results:
                if result.failure == "internal":
                    raise ProbeError(f"The probe cannot measure: {result.message}", "Look at its log.")
                if result.failure is None and result.total_ms is not None:
                    return f"First result: {url} answers in {result.total_ms:.0f} ms."
                return f"First result: {url} does not answer well from there: {result.message}"
        raise ProbeError("The probe sent no result.")

    return measure


class _Bootstrap:
    """One run. The steps before the plan report under their own names: connect, facts, preflight."""

    def __init__(
        self,
        request: BootstrapRequest,
        ways: Ways,
        prompter: Prompter,
        transcript: Transcript,
        check: MeasureFirst,
        owner: str,
        bundle: bytes,
        known: Sequence[Known],
    ) -> None:
        self._request = request
        self._ways = ways
        self._prompter = prompter
        self._transcript = transcript
        self._check = check
        self._owner = owner
        self._bundle = bundle
        self._known = known
        self._host_name = request.host

    async def go(self) -> Enrolment | None:
        title = "Connect to the host"
        try:
            target = await asyncio.to_thread(self._ways.resolve, self._request)
        except ProvisionError as exc:
            exc.step = "connect"
            self._tell("connect", title, StepState.FAILED, exc.message)
            raise
        self._host_name = target.name
        with self._telling("connect", title):
            opened = await self._ways.open_host(target, self._transcript)
        try:
            return await self._with_host(opened)
        finally:
            await opened.host.close()

    async def _with_host(self, opened: OpenHost) -> Enrolment | None:
        with self._telling("facts", "Look at the host"):
            facts = await gather(opened.host)
            facts = replace(facts, is_dropbear="dropbear" in opened.server.lower())
        with self._telling("preflight", "See whether all it needs is there"):
            weak = await self._preflight(facts, opened.host)
            existing = facts.existing
            known = self._known_one(opened, existing)
            is_taken_over = await self._may_take(existing, known)
        now_ms = time.time_ns() // 1_000_000
        layout = new_layout(
            facts,
            self._request.transport,
            is_private_allowed=self._request.is_private_allowed,
            installed_at_ms=now_ms,
            first_port=self._ways.first_port,
        )
        goods, secrets = self._goods(existing, known)
        probe = self._probe(opened, layout, goods, known)
        lock = SetupLock(layout, is_fresh=existing is None)
        steps, proving = self._steps(facts, layout, goods, probe, secrets, opened.target)
        if self._request.is_dry_run:
            await run_steps(steps, opened.host, self._transcript, dry_run=True)
            return None

        async def reopen() -> Host:
            return (await self._ways.open_host(opened.target, self._transcript)).host

        await run_steps([lock, *steps], opened.host, self._transcript, reopen=reopen)
        # What is left of the lock after this goes by itself; the probe is there and proved.
        with contextlib.suppress(ProvisionError):
            await lock.undo(opened.host)
        return Enrolment(probe, secrets, self._summary(layout, goods, weak, proving, existing), is_taken_over)

    async def _preflight(self, facts: HostFacts, host: RootedHost) -> list[Problem]:
        """Return what is weaker than it could be. Raises PreflightFailed with all that is in the way."""
        found = problems(facts, self._request)
        if host.sudo_problem:
            found.append(Problem(host.sudo_problem, "With sudo the probe gets a user of its own.", is_fatal=False))
        for problem in found:
            self._transcript(TranscriptLine(self._host_name, f"{problem.message} {problem.hint}"))
        fatal = [problem for problem in found if problem.is_fatal]
        if fatal:
            message = " ".join(problem.message for problem in fatal)
            hint = " ".join(problem.hint for problem in fatal)
            raise PreflightFailed(message, hint)
        if facts.python is None and not self._request.may_install_python and not self._request.is_dry_run:
            command = PACKAGE_MANAGERS[facts.package_manager or ""].command
            question = f"{self._host_name} has no Python that a probe can run on. Install it?"
            if not await self._prompter.confirm(self._host_name, question, f"As root: {command}"):
                raise PreflightFailed("Without Python there is no probe.", f"Install it there yourself: {command}.")
        return found

    def _known_one(self, opened: OpenHost, existing: ExistingProbe | None) -> Known | None:
        """Return this app's own probe that is the one on the host: by its key or certificate, not by its address."""
        if existing is None:
            return None
        for known in self._known:
            access = known.probe.access
            if access is None or known.probe.transport is not existing.transport:
                continue
            if access.host_key.split()[:2] != opened.host_key.split()[:2] or access.service_port != existing.port:
                continue
            if existing.transport is Transport.DIRECT:
                is_same = (access.certificate or "").strip() == (existing.certificate or "-").strip()
            else:
                is_same = public_key_of(known.secrets) == (existing.public_key or "-")
            if is_same:
                return known
        return None

    async def _may_take(self, existing: ExistingProbe | None, known: Known | None) -> bool:
        """Return whether the probe on the host works for another Pingmon and is taken over. Raises UserCancelled."""
        if existing is None or known is not None:
            return False
        health = existing.health
        if health is not None and health.code == 200 and health.owner in (None, self._owner):
            return False
        is_other = health is not None and health.owner is not None
        if self._request.may_take_over or self._request.is_dry_run:
            return True
        question = (
            f"{self._host_name} has a probe that works for another Pingmon. Take it over?"
            if is_other
            else f"{self._host_name} has a probe that does not say for whom it works. Take it over?"
        )
        detail = "It then works for this Pingmon, with all that it has measured; the other one is shut out."
        if not await self._prompter.confirm(self._host_name, question, detail):
            raise UserCancelled
        return True

    def _goods(self, existing: ExistingProbe | None, known: Known | None) -> tuple[Goods, ProbeSecrets]:
        """Return what goes to the host and what stays here. What this app has already is used again."""
        is_direct = self._request.transport is Transport.DIRECT
        is_again = known is not None and known.probe.transport is self._request.transport
        if known is not None and is_again:
            secrets = known.secrets
        else:
            private_key = None if is_direct else new_key_pair()[0]
            secrets = ProbeSecrets(Token.fresh(), private_key)
        tls_key: str | None = None
        certificate: str | None = None
        if is_direct:
            if known is not None and is_again and known.probe.access is not None:
                certificate = known.probe.access.certificate
            else:
                tls_key, certificate = new_certificate()
        version, bundle = PROBE_VERSION, self._bundle
        there = existing.health.version if existing is not None and existing.health is not None else None
        is_newer = there is not None and version_key(there) > version_key(PROBE_VERSION)
        goods = Goods(
            bundle=None if is_newer else bundle,
            version=there if is_newer and there is not None else version,
            token=secrets.token.reveal(),
            region=self._request.region,
            public_key=None if is_direct else f"{public_key_of(secrets)} pingmon",
            tls_key=tls_key,
            certificate=certificate,
        )
        return goods, secrets

    def _probe(self, opened: OpenHost, layout: Layout, goods: Goods, known: Known | None) -> Probe:
        request, target = self._request, opened.target
        access = ProbeAccess(
            host=request.host,
            login_user=target.user,
            address=target.address,
            ssh_port=target.port,
            tunnel_user=layout.tunnel_user,
            service_port=layout.port,
            host_key=opened.host_key,
            supervisor=layout.supervisor,
            identity=str(request.identity) if request.identity is not None else None,
            ssh_config=str(request.ssh_config) if request.ssh_config is not None else None,
            proxy_jump=target.proxy_jump,
            certificate=goods.certificate,
            is_private_allowed=layout.is_private_allowed,
            installed_at_ms=layout.installed_at_ms,
        )
        name = request.name or (known.probe.name if known is not None else target.host)
        id_ = known.probe.id if known is not None else new_probe_id()
        return Probe(id_, name, request.region, request.transport, access)

    def _steps(
        self,
        facts: HostFacts,
        layout: Layout,
        goods: Goods,
        probe: Probe,
        secrets: ProbeSecrets,
        target: SshTarget,
    ) -> tuple[list[Step], _Proving]:
        reach = ReachStep(probe, secrets, goods.version, self._ways, self._check)
        proving = _Proving(target, layout, secrets, self._ways, self._prompter, self._transcript)
        steps: list[Step] = [*host_steps(facts, layout, goods, start_s=self._ways.start_s), reach]
        if layout.transport is Transport.TUNNEL:
            steps.append(proving)
        self._first = reach
        return steps, proving

    def _summary(
        self,
        layout: Layout,
        goods: Goods,
        weak: Sequence[Problem],
        proving: _Proving,
        existing: ExistingProbe | None,
    ) -> tuple[str, ...]:
        where = f"port {layout.port} of {self._host_name}"
        if layout.transport is Transport.TUNNEL:
            way = f"It listens on loopback only; the app's own key opens {where} and nothing else."
        else:
            way = f"It answers by TLS on {where}, with a certificate that this app has pinned, and a token."
        sentences = [
            f"A probe {goods.version} runs as {layout.tunnel_user}, kept by {_KEEPERS[layout.supervisor]}.",
            way,
        ]
        sentences.append(self._first.sentence)
        if existing is not None and goods.bundle is None:
            sentences.append(f"The probe there is newer ({goods.version}) than this Pingmon's and was left as it is.")
        sentences += [problem.message for problem in weak]
        if proving.accepted:
            sentences.append(f"Accepted: the app's key may also {', '.join(proving.accepted)}.")
        return tuple(sentences)

    @contextlib.contextmanager
    def _telling(self, step: str, title: str) -> Iterator[None]:
        """Report a step that only looks; name it in the error it may end with."""
        self._tell(step, title, StepState.RUNNING)
        try:
            yield
        except ProvisionError as exc:
            exc.step = exc.step or step
            self._tell(step, title, StepState.FAILED, exc.message)
            raise
        except BaseException:
            self._tell(step, title, StepState.FAILED)
            raise
        self._tell(step, title, StepState.DONE)

    def _tell(self, step: str, title: str, state: StepState, detail: str = "") -> None:
        self._transcript(StepProgress(self._host_name, step, title, state, detail))


_KEEPERS = {
    Supervisor.SYSTEMD: "systemd",
    Supervisor.SYSTEMD_USER: "the user's own systemd",
    Supervisor.CRON: "a loop in the shell that cron starts after a reboot",
}


class ReachStep:
    """Opens the very path that will be used, with the new key, and measures something. Changes nothing."""

    name = "reach"

    def __init__(self, probe: Probe, secrets: ProbeSecrets, version: str, ways: Ways, check: MeasureFirst) -> None:
        self.title = (
            "Reach it through the tunnel and measure" if probe.transport is Transport.TUNNEL else "Reach it and measure"
        )
        self.sentence = ""
        self._probe = probe
        self._secrets = secrets
        self._version = version
        self._ways = ways
        self._check = check

    async def is_done(self, host: Host) -> bool:
        return bool(self.sentence)

    async def apply(self, host: Host) -> None:
        link = self._ways.open_probe(self._probe, self._secrets)
        try:
            await link.start()
            status = await link.status()
            if status.version != self._version:
                raise HealthCheckFailed(
                    f"Version {status.version} of the probe answers on {host.name}, not {self._version}.",
                    "Does another probe listen on its port?",
                )
            self.sentence = await self._check(link)
        except ProbeError as exc:
            hint = exc.hint or ""
            if self._probe.transport is Transport.DIRECT and self._probe.access is not None:
                port = self._probe.access.service_port
                hint = f"Open TCP port {port} in the host's firewall and at its provider. {hint}".strip()
            elif isinstance(exc, ProbeUnauthorised):
                hint = f"{hint} The log of the SSH server there says why.".strip()
            raise HealthCheckFailed(exc.message, hint or None) from exc
        finally:
            await link.close()

    async def undo(self, host: Host) -> None:
        """Nothing was changed."""

    async def after_undo(self, host: Host) -> None:
        """Nothing ran before."""


class _Proving:
    """Proves that the app's key opens the probe's port and nothing else; asks where a server cannot refuse the rest."""

    name = "proof"
    title = "Prove that the key opens nothing else"

    def __init__(
        self,
        target: SshTarget,
        layout: Layout,
        secrets: ProbeSecrets,
        ways: Ways,
        prompter: Prompter,
        listener: Listener,
    ) -> None:
        self.accepted: tuple[str, ...] = ()
        self._target = replace(target, user=layout.tunnel_user, identity_files=(), named_identity=None)
        self._port = layout.port
        self._private_key = secrets.private_key or ""
        self._ways = ways
        self._prompter = prompter
        self._listener = listener
        self._is_done = False

    async def is_done(self, host: Host) -> bool:
        return self._is_done

    async def apply(self, host: Host) -> None:
        proof = await self._ways.prove(self._target, self._private_key, self._port, self._listener)
        if proof.allowed:
            error = not_refused(host.name, proof)
            detail = "Whoever steals the key from this computer could do that as the probe's user. Keep the probe?"
            try:
                is_accepted = await self._prompter.confirm(host.name, error.message, detail)
            except ProvisionError:
                is_accepted = False
            if not is_accepted:
                raise error
            self.accepted = proof.allowed
        self._is_done = True

    async def undo(self, host: Host) -> None:
        """Nothing was changed."""

    async def after_undo(self, host: Host) -> None:
        """Nothing ran before."""


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by; parts that are no numbers count as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def public_key_of(secrets: ProbeSecrets) -> str | None:
    """Return the public half of the app's key (type, blank, base64), None where it cannot be read."""
    from pingmon_gui.fleet.tunnel import read_private_key

    if secrets.private_key is None:
        return None
    try:
        key = read_private_key(secrets.private_key)
    except ValueError:
        return None
    return f"{key.get_name()} {key.get_base64()}"


def _resolve(request: BootstrapRequest) -> SshTarget:
    return resolve(
        request.host,
        user=request.user,
        port=request.port,
        identity=request.identity,
        ssh_config=request.ssh_config,
    )
