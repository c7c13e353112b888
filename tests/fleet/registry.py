"""A real registry of names on loopback, with the list that leads to it; every name is answered as a test says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.alerts.receiver import Answer, Receiver, Request, receiving


def found(name: str, end: object = "2027-03-01T04:00:00Z", **values: Any) -> Answer:
    """Return the answer for a name that is registered up to a time."""
    document = {
        "objectClassName": "domain",
        "ldhName": name.upper(),
        "events": [
            {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
            {"eventAction": "expiration", "eventDate": end},
        ],
        "entities": [
            {"roles": ["technical"], "vcardArray": ["vcard", [["fn", {}, "text", "Somebody Else"]]]},
            {
                "roles": ["registrar"],
                "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "R"]]],
            },
        ],
    }
    return Answer(200, {"Content-Type": "application/rdap+json"}, json.dumps(document | values).encode())


class Registry:
    """`names` are the answers by name, others are 404; `listed` are the suffixes; `asked` has who was asked for."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.names: dict[str, Answer] = {}
        self.listed: list[object] = ["com", "org", "uk"]
        self.list_answer: Answer | None = None
        self.list_count = 0
        self.asked: list[str] = []
        self.requests: Sequence[Request] = receiver.requests
        receiver.respond = self._respond

    @property
    def url(self) -> str:
        return f"{self._receiver.scheme}://localhost:{self._receiver.port}"

    @property
    def list_url(self) -> str:
        return f"{self.url}/rdap/dns.json"

    def _respond(self, request: Request) -> Answer:
        if request.target == "/rdap/dns.json":
            self.list_count += 1
            services = [[["net"], [f"{self.url}/wrong/"]], [self.listed, [f"{self.url}/v1"]]]
            return self.list_answer or Answer(body=json.dumps({"version": "1.0", "services": services}).encode())
        name = request.target.rpartition("/")[2]
        self.asked.append(name)
        return self.names.get(name, Answer(404, body=b'{"errorCode": 404}'))


@contextlib.asynccontextmanager
async def registry() -> AsyncIterator[Registry]:
    async with receiving() as receiver:
        yield Registry(receiver)
