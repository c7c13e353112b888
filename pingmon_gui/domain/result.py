"""Results as the app holds them: batches of columns, one element per result.

A batch is made by the fleet from one line of a probe's stream, judged by the engine's collector,
kept by the store and shown by the board. Single results (`CheckResult`) are the protocol's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NewType

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.status import Codes, failure_name

ProbeId = NewType("ProbeId", int)


@dataclass(frozen=True)
class Shared:
    """A column that repeats few values: `values[index[i]]` is the value of result i."""

    values: Sequence[Any]
    index: npt.NDArray[np.int64]

    def __getitem__(self, place: int) -> Any:
        return self.values[int(self.index[place])]


@dataclass(frozen=True)
class FailureEvidence:
    """What a probe kept of a failure, for whoever looks into it: judged by nobody.

    `at_ms` is the start of the failing result that it is about. `document` has parts of `protocol.EVIDENCE_PARTS`, as
    `fleet.decode_evidence` lets them through. `is_route`: it is the way to the address that failed, which takes longer
    and comes with a later result.
    """

    monitor: MonitorId
    probe: ProbeId
    at_ms: int
    document: Mapping[str, Any] = field(repr=False)
    is_route: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"probe": self.probe, "at_ms": self.at_ms, **self.document}


@dataclass(frozen=True)
class ResultBatch:
    """Results of one probe, in the order of its spool. Every array has `count` elements.

    `started_at_ms` is already corrected by the clock offset used (`clock_offset_ms`, as in
    `measured - offset`, 0 where it was left alone). `phases_ms` has shape (count, 5) in the order of
    `protocol.PHASES`; NaN where a phase did not happen. `status` is UNKNOWN in all places until the
    collector has judged the batch. `interval_ms` is the interval that each holds by
    (`availability.holding_interval_ms`), of the settings that held when it was measured.
    `http_status` is 0 where there was none, `family` 4, 6 or 0: of a monitor that is measured over each family it is
    that of the check, always; of any other that of the address used, if there was one. `evidence` is what came along of
    failures.
    """

    probe: ProbeId
    spool: str
    first_seq: int
    count: int
    clock_offset_ms: float
    monitor: npt.NDArray[np.int64]
    version: npt.NDArray[np.int32]
    started_at_ms: npt.NDArray[np.int64]
    status: Codes
    failure: Codes
    http_status: npt.NDArray[np.int16]
    total_ms: npt.NDArray[np.float64]
    phases_ms: npt.NDArray[np.float64]
    late_ms: npt.NDArray[np.float64]
    queue_ms: npt.NDArray[np.float64]
    is_kernel_clock: npt.NDArray[np.bool_]
    low_confidence: npt.NDArray[np.bool_]
    family: npt.NDArray[np.int8]
    body_bytes: npt.NDArray[np.int64]
    recheck: npt.NDArray[np.bool_]
    on_demand: npt.NDArray[np.bool_]
    own_network: npt.NDArray[np.bool_]
    interval_ms: npt.NDArray[np.int64]
    message: Shared = field(repr=False)
    address: Shared = field(repr=False)
    url: Shared = field(repr=False)
    hops: Shared = field(repr=False)
    certificate: Shared = field(repr=False)
    facts: Shared = field(repr=False)
    evidence: tuple[FailureEvidence, ...] = field(default=(), repr=False)

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.count - 1

    def result(self, place: int) -> CheckResult:
        """Return one result as an object, for a detail pane or the command line: never for many."""
        dns, connect, tls, request, transfer = (None if np.isnan(ms) else float(ms) for ms in self.phases_ms[place])
        total = float(self.total_ms[place])
        return CheckResult(
            url=self.url[place],
            monitor=int(self.monitor[place]),
            version=int(self.version[place]),
            started_at_ms=int(self.started_at_ms[place]),
            failure=failure_name(int(self.failure[place])),
            message=self.message[place],
            http_status=int(self.http_status[place]) or None,
            total_ms=None if np.isnan(total) else total,
            late_ms=float(self.late_ms[place]),
            queue_ms=float(self.queue_ms[place]),
            clock="kernel" if self.is_kernel_clock[place] else "user",
            low_confidence=bool(self.low_confidence[place]),
            address=self.address[place],
            family=int(self.family[place]) or None,
            hops=tuple(self.hops[place] or ()),
            body_bytes=int(self.body_bytes[place]),
            certificate=self.certificate[place],
            facts=self.facts[place],
            recheck=bool(self.recheck[place]),
            on_demand=bool(self.on_demand[place]),
            own_network=bool(self.own_network[place]),
            seq=self.first_seq + place,
            dns_ms=dns,
            connect_ms=connect,
            tls_ms=tls,
            request_ms=request,
            transfer_ms=transfer,
        )
