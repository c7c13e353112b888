"""What the lab's hosts measure and ask: a website by http and https, a name server, and the anchors' port.

A process of its own in the target's namespace (`python -m tests.lab.target website FOLDER ADDRESS...`), steered through
FOLDER/target.sock by `TargetClient`: what a page answers and which addresses a name has can change at any moment. It
remembers who asked for which page at which of its addresses, so that a test can prove who measured, and that nobody
looked where they must not.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import ssl
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

#: Every name in the lab ends so.
ZONE = "lab.test"
_A, _AAAA = 1, 28
_NO_SUCH_NAME = 3
_POINTER_TO_QUESTION = b"\xc0\x0c"


@dataclass
class Page:
    """What a path answers. `location` is where a redirect leads."""

    status: int = 200
    location: str = ""
    delay_s: float = 0.0
    body: str = "All is well.\n"


@dataclass(frozen=True)
class Hit:
    """A request that arrived: from which address, at which address of the target, for which host and path."""

    client: str
    server: str
    host: str
    path: str


class Names:
    """The zone: addresses of each name. A name with several lists takes turns, one list a question, then over again."""

    def __init__(self) -> None:
        self._lists: dict[str, list[list[str]]] = {}
        self._asked: dict[tuple[str, int], int] = {}

    def set(self, name: str, lists: Sequence[Sequence[str]]) -> None:
        self._lists[name] = [list(each) for each in lists]

    def answer(self, question: bytes) -> bytes:
        """Return the answer to a DNS message with one question (RFC 1035). Raises on a message that is none."""
        at, labels = 12, []
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode("ascii").lower())
            at += 1 + length
        kind = struct.unpack_from(">H", question, at + 1)[0]
        name = ".".join(labels)
        code = 0 if name in self._lists else _NO_SUCH_NAME
        records = []
        for address in self._addresses(name, kind):
            packed = socket.inet_pton(socket.AF_INET6 if kind == _AAAA else socket.AF_INET, address)
            # No time to live, so that every look-up comes here.
            records.append(_POINTER_TO_QUESTION + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed)
        header = question[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(records), 0, 0)
        return header + question[12 : at + 5] + b"".join(records)

    def _addresses(self, name: str, kind: int) -> list[str]:
        lists = self._lists.get(name)
        if not lists or kind not in (_A, _AAAA):
            return []
        turn = self._asked.get((name, kind), 0)
        self._asked[name, kind] = turn + 1
        return [each for each in lists[turn % len(lists)] if (":" in each) == (kind == _AAAA)]


class NameServer(asyncio.DatagramProtocol):
    """Answers questions over UDP."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before Python 3.13 asyncio's own class is no DatagramTransport, so this cannot be checked.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        assert self._transport is not None
        with contextlib.suppress(IndexError, struct.error, UnicodeDecodeError):
            self._transport.sendto(self._names.answer(data), addr)


class Website:
    """Serves pages; a path it does not know is a 404."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {"/": Page()}
        self.hits: list[Hit] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split()[1]
            host = next((line[5:].strip() for line in head if line.lower().startswith("host:")), "")
            client, server = (writer.get_extra_info(name)[0] for name in ("peername", "sockname"))
            self.hits.append(Hit(client, server, host, path))
            page = self.pages.get(path, Page(status=404))
            await asyncio.sleep(page.delay_s)
            lines = [f"HTTP/1.1 {page.status} Answer", f"Content-Length: {len(page.body)}", "Connection: close"]
            lines += [f"Location: {page.location}"] if page.location else []
            writer.write("\r\n".join([*lines, "", page.body]).encode())
            await writer.drain()
        writer.close()


class Control:
    """Obeys one JSON object a connection."""

    def __init__(self, names: Names, website: Website) -> None:
        self._names = names
        self._website = website

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        order = json.loads(await reader.readline())
        match order.pop("do"):
            case "page":
                path = order.pop("path")
                self._website.pages[path] = Page(**order)
            case "name":
                self._names.set(order["name"], order["lists"])
        hits = [dataclasses.asdict(hit) for hit in self._website.hits]
        writer.write(json.dumps({"hits": hits}).encode() + b"\n")
        await writer.drain()
        writer.close()


class TargetClient:
    """Steers a running target."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set_page(self, path: str, page: Page) -> None:
        """Let a path answer so from now on."""
        self._ask("page", path=path, **dataclasses.asdict(page))

    def set_name(self, name: str, *lists: Sequence[str]) -> None:
        """Give `name` (without the zone) these addresses; with several lists each question gets the next one."""
        self._ask("name", name=f"{name}.{ZONE}", lists=lists)

    def hits(self) -> list[Hit]:
        """Return every request so far, oldest first."""
        return [Hit(**fields) for fields in self._ask("hits")["hits"]]

    def _ask(self, do: str, **order: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5.0)
            connection.connect(str(self._path))
            connection.sendall(json.dumps({"do": do, **order}).encode() + b"\n")
            with connection.makefile("r") as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
        return answer


async def serve_website(folder: Path, addresses: Sequence[str]) -> None:
    """Serve pages at every address here, and names at those given, until the end of days."""
    names, website = Names(), Website()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "website.pem")
    loop = asyncio.get_running_loop()
    await asyncio.start_server(website.serve, None, 80)
    await asyncio.start_server(website.serve, None, 443, ssl=tls)
    # An answer has to come from the address that was asked, which only a socket per address sees to.
    for address in addresses:
        await loop.create_datagram_endpoint(lambda: NameServer(names), (address, 53))
    await asyncio.start_unix_server(Control(names, website).serve, folder / "target.sock")
    await asyncio.Event().wait()


async def serve_anchors() -> None:
    """Take connections at port 53 and close them, which is all that an anchor is asked for."""
    await asyncio.start_server(_hang_up, None, 53)
    await asyncio.Event().wait()


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def main() -> None:
    """Run as `website FOLDER ADDRESS...` or as `anchors`."""
    asyncio.run(serve_website(Path(sys.argv[2]), sys.argv[3:]) if sys.argv[1] == "website" else serve_anchors())


if __name__ == "__main__":
    main()
