"""Sets a probe up on a host, from the first connection to the first result; proves it, and leaves nothing if it fails.

The plan is the same for the command line and the window: connect, look, ask, change step by step, prove.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pingmon_probe import __version__ as PROBE_VERSION

from pingmon_gui.domain.error import PreflightFailed, ProvisionError, UserCancelled
from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.fleet.key_pair import new_key_pair, public_half
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.acceptance import EnrolStep, MeasureFirst, ProveStep, ReachStep
from pingmon_gui.provision.bundle import version_key
from pingmon_gui.provision.certificate import new_certificate
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment, Roll
from pingmon_gui.provision.fact import ExistingProbe, HostFacts, gather
from pingmon_gui.provision.host import Host
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.known_probe import KnownProbe, Match, known_at, name_for
from pingmon_gui.provision.layout import Layout, new_layout
from pingmon_gui.provision.package import PACKAGE_MANAGERS
from pingmon_gui.provision.plan import Goods, host_steps
from pingmon_gui.provision.preflight import Problem, problems
from pingmon_gui.provision.progress import Listener, StepProgress, StepState, TranscriptLine
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.setup_lock import SetupLock
from pingmon_gui.provision.step import Step, Transcript, run_steps
from pingmon_gui.provision.way import OpenHost, Ways, real_ways


async def bootstrap(
    request: BootstrapRequest,
    *,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    check: MeasureFirst,
    owner: str,
    roll: Roll,
    bundle: bytes,
    known: Sequence[KnownProbe] = (),
    ways: Ways | None = None,
) -> Enrolment | None:
    """Set up a probe and put it on the roll; None for a dry run.

    `owner` is this app's id: a probe that works for another one is taken over only on yes. `known` are this app's
    own remote probes. Raises ProvisionError (host, step and transcript filled in) and UserCancelled; then, and after
    a cancel, host and roll are as they were.
    """
    transcript = Transcript(listener)
    ways = ways or real_ways(request, known_hosts, prompter)
    run = _Bootstrap(request, ways, prompter, transcript, check, owner, roll, bundle, known)
    try:
        return await run.go()
    except ProvisionError as exc:
        exc.host = exc.host or request.host
        exc.transcript = exc.transcript or transcript.lines
        raise


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
        roll: Roll,
        bundle: bytes,
        known: Sequence[KnownProbe],
    ) -> None:
        self._request = request
        self._ways = ways
        self._prompter = prompter
        self._transcript = transcript
        self._check = check
        self._owner = owner
        self._roll = roll
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
        now_ms = time.time_ns() // 1_000_000
        with self._telling("preflight", "See whether all it needs is there") as remarks:
            weak = await self._preflight(facts)
            remarks += [problem.message for problem in weak]
            layout = new_layout(
                facts,
                self._request.transport,
                is_private_allowed=self._request.is_private_allowed,
                installed_at_ms=now_ms,
                first_port=self._ways.first_port,
            )
            existing = facts.existing
            match = known_at(self._known, opened.target, opened.host_key, layout.tunnel_user, existing)
            name = name_for(self._request.name, self._known, match, opened.target.host)
            is_taken_over = await self._may_take(existing, match)
        goods, secrets = self._goods(existing, match)
        probe = self._probe(opened, layout, goods, match, name, is_taken_over=is_taken_over)
        lock = SetupLock(layout, is_fresh=existing is None)
        reach = ReachStep(probe, secrets, goods.version, self._ways, self._check)
        steps: list[Step] = [*host_steps(facts, layout, goods, start_s=self._ways.start_s), reach]
        proving: ProveStep | None = None
        if layout.transport is Transport.TUNNEL:
            proving = ProveStep(opened.target, layout, secrets, self._ways, self._prompter, self._transcript)
            steps.append(proving)

        def enrolment() -> Enrolment:
            sentences = [*self._what_runs(layout, goods), reach.sentence]
            if existing is not None and goods.bundle is None:
                sentences.append(f"The probe there is newer ({goods.version}) than this Pingmon's and stays as it is.")
            sentences += [problem.message for problem in weak]
            if proving is not None and proving.accepted:
                sentences.append(f"Accepted: the app's key may also {', '.join(proving.accepted)}.")
            return Enrolment(probe, secrets, tuple(sentences))

        enrol = EnrolStep(self._roll, enrolment, match.known if match is not None else None)
        steps.append(enrol)
        if self._request.is_dry_run:
            await run_steps(steps, opened.host, self._transcript, dry_run=True)
            return None

        async def reopen() -> Host:
            return (await self._ways.open_host(opened.target, self._transcript)).host

        await run_steps([lock, *steps], opened.host, self._transcript, reopen=reopen)
        # What is left of the lock after this goes by itself; the probe is there and proved.
        with contextlib.suppress(ProvisionError):
            await lock.undo(opened.host)
        return enrol.enrolment

    async def _preflight(self, facts: HostFacts) -> list[Problem]:
        """Return what is weaker than it could be. Raises PreflightFailed with all that is in the way."""
        found = problems(facts, self._request)
        fatal = [problem for problem in found if problem.is_fatal]
        for problem in found:
            self._transcript(TranscriptLine(self._host_name, f"{problem.message} {problem.hint}"))
        if fatal:
            message = " ".join(problem.message for problem in fatal)
            raise PreflightFailed(message, " ".join(problem.hint for problem in fatal))
        if facts.python is None and not self._request.may_install_python and not self._request.is_dry_run:
            command = PACKAGE_MANAGERS[facts.package_manager or ""].command
            question = f"{self._host_name} has no Python that a probe can run on. Install it?"
            if not await self._prompter.confirm(self._host_name, question, f"As root: {command}"):
                raise PreflightFailed("Without Python there is no probe.", f"Install it there yourself: {command}.")
        return found

    async def _may_take(self, existing: ExistingProbe | None, match: Match | None) -> bool:
        """Return whether the probe on the host works for another Pingmon and is taken over. Raises UserCancelled."""
        if existing is None or (match is not None and match.is_proved):
            return False
        owner = existing.health.owner if existing.health is not None else None
        if owner == self._owner or (owner is None and match is not None):
            return False
        if self._request.may_take_over or self._request.is_dry_run:
            return True
        question = (
            f"{self._host_name} has a probe that works for another Pingmon. Take it over?"
            if owner is not None
            else f"{self._host_name} has a probe that does not say for whom it works. Take it over?"
        )
        detail = "It then works for this Pingmon, with all that it has measured; the other one is shut out."
        if not await self._prompter.confirm(self._host_name, question, detail):
            raise UserCancelled
        return True

    def _goods(self, existing: ExistingProbe | None, match: Match | None) -> tuple[Goods, ProbeSecrets]:
        """Return what goes to the host and what stays here. What opens the probe already is used again."""
        is_direct = self._request.transport is Transport.DIRECT
        known = match.known if match is not None and match.is_proved else None
        tls_key: str | None = None
        certificate: str | None = None
        if known is not None and known.secrets is not None and known.probe.transport is self._request.transport:
            secrets = known.secrets
            certificate = known.probe.access.certificate if known.probe.access is not None else None
        else:
            secrets = ProbeSecrets(Token.fresh(), None if is_direct else new_key_pair()[0])
            if is_direct:
                tls_key, certificate = new_certificate()
        version, bundle = PROBE_VERSION, self._bundle
        there = existing.health.version if existing is not None and existing.health is not None else None
        is_newer = there is not None and version_key(there) > version_key(PROBE_VERSION)
        goods = Goods(
            bundle=None if is_newer else bundle,
            version=there if is_newer and there is not None else version,
            token=secrets.token.reveal(),
            region=self._request.region,
            public_key=None if is_direct else f"{public_half(secrets.private_key)} pingmon",
            tls_key=tls_key,
            certificate=certificate,
        )
        return goods, secrets

    def _probe(
        self, opened: OpenHost, layout: Layout, goods: Goods, match: Match | None, name: str, *, is_taken_over: bool
    ) -> Probe:
        request, target = self._request, opened.target
        before = match.known.probe if match is not None else None
        # It is kept for as long as the other's plan may still be there.
        is_taken_over |= before is not None and before.access is not None and before.access.is_taken_over
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
            is_taken_over=is_taken_over,
        )
        id_ = before.id if before is not None else new_probe_id()
        return Probe(id_, name, request.region, request.transport, access)

    def _what_runs(self, layout: Layout, goods: Goods) -> tuple[str, str]:
        where = f"port {layout.port} of {self._host_name}"
        if layout.transport is Transport.TUNNEL:
            way = f"It listens on loopback only; the app's own key opens {where} and nothing else."
        else:
            way = f"It answers by TLS on {where}, with a certificate that this app has pinned, and a token."
        return f"A probe {goods.version} runs as {layout.tunnel_user}, kept by {_KEEPERS[layout.supervisor]}.", way

    @contextlib.contextmanager
    def _telling(self, step: str, title: str) -> Iterator[list[str]]:
        """Report a step that only looks, with the remarks that are made; name it in the error it may end with."""
        remarks: list[str] = []
        self._tell(step, title, StepState.RUNNING)
        try:
            yield remarks
        except ProvisionError as exc:
            exc.step = exc.step or step
            self._tell(step, title, StepState.FAILED, exc.message)
            raise
        except BaseException:
            self._tell(step, title, StepState.FAILED, "Cancelled.")
            raise
        self._tell(step, title, StepState.DONE, " ".join(remarks))

    def _tell(self, step: str, title: str, state: StepState, detail: str = "") -> None:
        self._transcript(StepProgress(self._host_name, step, title, state, detail))


_KEEPERS = {
    Supervisor.SYSTEMD: "systemd",
    Supervisor.SYSTEMD_USER: "the user's own systemd",
    Supervisor.CRON: "a loop in the shell that cron starts after a reboot",
}
