"""What one probe has to do."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import dataclass, fields
from typing import Any, Dict, Tuple

from .check_spec import CheckSpec
from .wire import DEFAULT_LEASE_S, MAX_CHECKS_PER_PLAN, MAX_ID, ProtocolError, boolean, integer


@dataclass(frozen=True)
class Plan:
    """What one probe has to do: the checks of one owner at one revision.

    `anchors` are `host:port` texts (a numeric IP in brackets if it is IPv6); an empty tuple turns
    that part of the self-check off.
    """

    owner: str
    revision: int
    checks: Tuple[CheckSpec, ...] = ()
    lease_s: int = DEFAULT_LEASE_S
    anchors: Tuple[str, ...] = ()
    take_over: bool = False

    @property
    def content_hash(self) -> str:
        """Hex SHA-256 of everything but revision and take_over: equal plans have equal hashes."""
        content = {"owner": self.owner, "lease_s": self.lease_s, "anchors": self.anchors}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8"))
        # Check by check: one call for a large plan would keep every other thread waiting for 0.2 s.
        for check in self.checks:
            digest.update(b"\n" + check.encoded)
        return digest.hexdigest()

    def encode(self) -> bytes:
        """Return `to_json` as bytes, put together from the checks' own."""
        head = self.to_json(with_checks=False)
        return b'{"checks":[%s],%s' % (
            b",".join(check.encoded for check in self.checks),
            json.dumps(head, separators=(",", ":")).encode("utf-8")[1:],
        )

    def to_json(self, with_checks: bool = True) -> Dict[str, Any]:
        document = {
            "owner": self.owner,
            "revision": self.revision,
            "lease_s": self.lease_s,
            "anchors": list(self.anchors),
            "take_over": self.take_over,
        }
        if with_checks:
            document["checks"] = [check.to_json() for check in self.checks]
        return document

    @classmethod
    def from_json(cls, document: Any) -> Plan:
        """Read a plan. Raises ProtocolError naming the first thing that is wrong; nothing is half read."""
        if not isinstance(document, dict):
            raise ProtocolError("a plan must be an object")
        unknown = sorted(set(document) - {field.name for field in fields(cls)})
        if unknown:
            raise ProtocolError(f"unknown field of a plan: {', '.join(unknown)}")
        owner = document.get("owner")
        if not isinstance(owner, str) or not 1 <= len(owner) <= 100:
            raise ProtocolError("owner must be a text of 1 to 100 characters")
        checks = document.get("checks", [])
        if not isinstance(checks, list) or len(checks) > MAX_CHECKS_PER_PLAN:
            raise ProtocolError(f"checks must be a list of at most {MAX_CHECKS_PER_PLAN}")
        read = tuple(CheckSpec.from_json(check) for check in checks)
        if len({check.monitor for check in read}) != len(read) or any(check.monitor == 0 for check in read):
            raise ProtocolError("every check of a plan needs a monitor id of its own")
        anchors = document.get("anchors", [])
        if not isinstance(anchors, list) or len(anchors) > 10 or not all(isinstance(a, str) for a in anchors):
            raise ProtocolError("anchors must be a list of at most 10 texts")
        for anchor in anchors:
            split_anchor(anchor)
        return cls(
            owner=owner,
            revision=integer(document, "revision", 1, MAX_ID, 0),
            checks=read,
            lease_s=integer(document, "lease_s", 60, 366 * 24 * 3600, DEFAULT_LEASE_S),
            anchors=tuple(anchors),
            take_over=boolean(document, "take_over"),
        )


def split_anchor(anchor: str) -> Tuple[str, int]:
    """Return (numeric address, port) of `192.0.2.1:53` or `[2001:db8::1]:53`. Raises ProtocolError."""
    host, _, port = anchor.rpartition(":")
    try:
        address = str(ipaddress.ip_address(host.strip("[]")))
        number = int(port)
    except ValueError as exc:
        raise ProtocolError(f"an anchor must be a numeric address and a port: {anchor!r:.60}") from exc
    if not 1 <= number <= 65535:
        raise ProtocolError(f"an anchor's port must be 1 to 65535: {anchor!r:.60}")
    return address, number
