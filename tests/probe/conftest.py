"""The probe's tests: one set of servers for all of them, and each measuring test on both ways of measuring."""

from __future__ import annotations

from typing import Any, Callable, Iterator, List, Optional

import pytest
import trustme
from pingmon_probe.loop import Loop
from pingmon_probe.measure import Measurer
from pingmon_probe.protocol import CheckResult, CheckSpec
from pingmon_probe.resolver import Resolver

from .targets import Targets

PATIENCE_S = 30.0


class Rig:
    """A loop with a measurer on it, driven from the test."""

    def __init__(self, poller: str, stamps: str, ca_file: str) -> None:
        self.loop = Loop(poller)
        self._stamps = stamps
        self._ca_file = ca_file
        #: What checks ask when they have failed.
        self.keeps_evidence: Optional[Callable[[], bool]] = None
        self.measurer = self._make()

    def reconfigure(self, getaddrinfo: Optional[Callable[..., Any]] = None, **options: Any) -> None:
        """Replace the measurer by one with other options, or with a resolver of the test's own."""
        self.measurer.close()
        if getaddrinfo is not None:
            threads = options.get("resolver_threads", 64)
            options["resolver"] = Resolver(self.loop, threads, getaddrinfo)
        self.measurer = self._make(**options)

    def check(self, url: str, **settings: Any) -> CheckResult:
        """Run one check and return its result."""
        return self.check_all([CheckSpec(url, **settings)])[0]

    def check_all(self, specs: List[CheckSpec]) -> List[CheckResult]:
        """Run checks at once; return the results in the order of the specs."""
        results: List[Optional[CheckResult]] = [None] * len(specs)
        left = [len(specs)]

        def take(place: int, result: CheckResult) -> None:
            assert results[place] is None, "a second result for one start"
            results[place] = result
            left[0] -= 1
            if not left[0]:
                self.loop.stop()

        for place, spec in enumerate(specs):
            self.measurer.start(
                spec, None, lambda result, place=place: take(place, result), keeps_evidence=self.keeps_evidence
            )
        self.run()
        return [result for result in results if result is not None]

    def run(self) -> None:
        """Run the loop until something stops it; fail if nothing does."""
        given_up: List[bool] = []

        def give_up() -> None:
            given_up.append(True)
            self.loop.stop()

        timer = self.loop.call_at(self.loop.now() + PATIENCE_S, give_up)
        self.loop.run()
        timer.cancel()
        assert not given_up, "the loop was not stopped in time"

    def close(self) -> None:
        self.measurer.close()
        self.loop.close()

    def _make(self, **options: Any) -> Measurer:
        options = {"stamps": self._stamps, "ca_file": self._ca_file, "allow_private": True, **options}
        return Measurer(self.loop, **options)


@pytest.fixture(scope="session", autouse=True)
def host_trust_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A host's trust store with one authority of no use: the real one takes 50 ms to read, in every test."""
    folder = tmp_path_factory.mktemp("trust")
    trustme.CA().cert_pem.write_to_path(str(folder / "host.pem"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "host.pem"))
        patch.setenv("SSL_CERT_DIR", str(folder))
        yield


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    servers = Targets(tmp_path_factory.mktemp("targets"))
    yield servers
    servers.close()


@pytest.fixture(params=[("auto", "auto"), ("select", "user")], ids=["native", "portable"])
def rig(request: pytest.FixtureRequest, targets: Targets) -> Iterator[Rig]:
    """A measuring rig: the best this system has, and again the way macOS and Windows take."""
    poller, stamps = request.param
    made = Rig(poller, stamps, targets.ca_file)
    yield made
    made.close()
