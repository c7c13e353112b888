"""RDAP against a real registry that answers well, redirects, refuses, hangs, and sends what it should not."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.error import RegistryError
from pingmon_gui.domain.registration import RegistryAnswer
from pingmon_gui.fleet.rdap import Rdap
from pingmon_gui.fleet.rdap_document import UnreadableDocument, answer_of, bases
from tests.alerts.receiver import Answer
from tests.fleet.registry import Registry, found, registry

MARCH_MS = round(datetime(2027, 3, 1, 4, tzinfo=UTC).timestamp() * 1000)


def run(check: Callable[[Registry, Rdap], Awaitable[None]], **values: Any) -> None:
    async def main() -> None:
        async with registry() as server:
            await check(server, Rdap(server.list_url, **values))

    asyncio.run(main())


def failure(answer: Answer, **values: Any) -> RegistryError:
    """Return what becomes of a question that is answered so."""
    caught: list[RegistryError] = []

    async def check(server: Registry, rdap: Rdap) -> None:
        server.names["example.com"] = answer
        with pytest.raises(RegistryError) as raised:
            await rdap.ask("example.com")
        caught.append(raised.value)

    run(check, **values)
    assert caught[0].server == "localhost"
    return caught[0]


def test_registry_is_found_by_the_list_and_says_until_when_a_name_is_registered() -> None:
    async def check(server: Registry, rdap: Rdap) -> None:
        server.names["example.com"] = found("example.com")
        server.names["example.org"] = found("example.org")
        answer = await rdap.ask("example.com")
        assert answer == RegistryAnswer(MARCH_MS, "R", f"{server.url}/v1/domain/example.com", "localhost")
        assert server.requests[-1].headers["accept"].startswith("application/rdap+json")
        await rdap.ask("example.org")
        assert server.list_count == 1 and server.asked == ["example.com", "example.org"]

    run(check)


def test_list_is_fetched_again_after_a_day_and_the_old_one_does_while_it_is_away() -> None:
    steady_s = [0.0]

    async def check(server: Registry, rdap: Rdap) -> None:
        server.names["example.com"] = found("example.com")
        await rdap.ask("example.com")
        steady_s[0] = 86_401.0
        server.list_answer = Answer(500)
        assert (await rdap.ask("example.com")).expires_at_ms == MARCH_MS
        assert server.list_count == 2
        steady_s[0] += 3_601.0
        server.list_answer = None
        await rdap.ask("example.com")
        assert server.list_count == 3

    run(check, steady_s=lambda: steady_s[0])


def test_names_whose_end_cannot_be_known_have_a_sentence_and_no_error() -> None:
    async def check(server: Registry, rdap: Rdap) -> None:
        server.names["quiet.com"] = found("quiet.com", events=[])
        assert (await rdap.ask("gone.com")).problem == "The registry knows no such name: it is not registered."
        assert "does not tell until when" in (await rdap.ask("quiet.com")).problem
        answer = await rdap.ask("example.zz")
        assert (answer.problem, answer.server) == ("The registry of .zz cannot be asked: it offers no RDAP.", "")
        assert server.asked == ["gone.com", "quiet.com"]

    run(check)


def test_redirects_are_followed_three_times_and_never_away_from_safety() -> None:
    async def check(server: Registry, rdap: Rdap) -> None:
        server.names["example.com"] = Answer(302, {"Location": "/other/example.org"})
        server.names["example.org"] = found("example.com")
        assert (await rdap.ask("example.com")).source == f"{server.url}/other/example.org"

    run(check)
    assert "redirects more than 3 times" in failure(Answer(302, {"Location": "/v1/domain/example.com"})).message
    for url in ("http://rdap.invalid/x", "ftp://localhost/x", "https://me:pw@rdap.invalid/"):
        assert "without https" in failure(Answer(301, {"Location": url})).message
    assert failure(Answer(301, {"Location": "https://[::1/"})).is_asked


def test_list_without_a_safe_address_leads_nowhere() -> None:
    async def check(server: Registry, rdap: Rdap) -> None:
        services = [[["com"], ["http://rdap.invalid/", "https://me@rdap.invalid/", 7, "x" * 500]]]
        server.list_answer = Answer(body=json.dumps({"services": services}).encode())
        assert "offers no RDAP" in (await rdap.ask("example.com")).problem

    run(check)


@pytest.mark.parametrize(
    ("status", "headers", "wait_ms", "words"),
    [
        (429, {"Retry-After": "7200"}, 7_200_000, "asked too often"),
        (429, {}, 0, "asked too often"),
        (503, {"Retry-After": "9" * 40}, 7 * 86_400_000, "an error of its own (503)"),
        (
            503,
            {"Retry-After": "Wed, 01 Jan 2025 01:00:00 GMT", "Date": "Wed, 01 Jan 2025 00:00:00 GMT"},
            3_600_000,
            "an error",
        ),
        (500, {"Retry-After": "soon"}, 0, "an error of its own (500)"),
        (403, {}, 0, "refuses to answer (403)"),
        (204, {}, 0, "refuses to answer (204)"),
    ],
)
def test_registry_that_does_not_answer_is_to_be_left_alone(
    status: int, headers: dict[str, str], wait_ms: int, words: str
) -> None:
    error = failure(Answer(status, headers))
    assert words in error.message and error.wait_ms == wait_ms and error.is_asked


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(hangs=True), "did not answer within 0.2 seconds"),
        (Answer(drips=True), "did not answer within 0.2 seconds"),
        (Answer(body=b"x" * 300_000), "is longer than 256 KB"),
        (Answer(body=b"<html>"), "it is no JSON"),
        (Answer(body=b"\xff\xfe"), "it is no JSON"),
        (Answer(body=b"[" * 200_000), "it is no JSON"),
        (Answer(body=b"[]"), "it describes no domain"),
        (Answer(body=b'{"objectClassName": "entity"}'), "it describes no domain"),
        (found("example.org"), "it describes another domain"),
        (found("example.com", ldhName=7), "it describes another domain"),
        (Answer(headers={"Content-Encoding": "br"}, body=b"{}"), "cannot be unpacked"),
        (Answer(headers={"Content-Encoding": "gzip"}, body=b"{}"), "cannot be unpacked"),
        (Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"[" * 10_000_000)), "is longer than 256 KB"),
    ],
)
def test_answers_that_cannot_be_read_have_a_sentence(answer: Answer, words: str) -> None:
    error = failure(answer, whole_s=0.2 if answer.hangs or answer.drips else 20.0)
    assert words in error.message and error.is_asked


def test_packed_answer_is_read() -> None:
    async def check(server: Registry, rdap: Rdap) -> None:
        body = gzip.compress(found("example.com").body)
        server.names["example.com"] = Answer(headers={"Content-Encoding": "gzip"}, body=body)
        assert (await rdap.ask("example.com")).expires_at_ms == MARCH_MS

    run(check)


@pytest.mark.parametrize("answer", [Answer(404), Answer(500), Answer(body=b"[]"), Answer(body=b"x")])
def test_without_the_list_nobody_is_asked(answer: Answer) -> None:
    async def check(server: Registry, rdap: Rdap) -> None:
        server.list_answer = answer
        with pytest.raises(RegistryError) as raised:
            await rdap.ask("example.com")
        assert (raised.value.server, raised.value.is_asked, server.asked) == ("", False, [])
        server.list_answer, server.names["example.com"] = None, found("example.com")
        assert (await rdap.ask("example.com")).expires_at_ms == MARCH_MS

    run(check)


def test_registry_that_is_not_there_was_not_asked() -> None:
    async def main() -> None:
        async with registry() as server:
            services = [[["com"], ["http://127.0.0.1:1/"]]]
            server.list_answer = Answer(body=json.dumps({"services": services}).encode())
            with pytest.raises(RegistryError, match=r"127\.0\.0\.1 is not reached") as raised:
                await Rdap(server.list_url).ask("example.com")
        assert not raised.value.is_asked

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-03-01T04:00:00Z", datetime(2027, 3, 1, 4, tzinfo=UTC)),
        ("2027-03-01t04:00:00z", datetime(2027, 3, 1, 4, tzinfo=UTC)),
        ("2027-03-01T04:00:00+02:00", datetime(2027, 3, 1, 2, tzinfo=UTC)),
        ("2027-03-01T04:00:00.123456789Z", datetime(2027, 3, 1, 4, 0, 0, 123456, tzinfo=UTC)),
        ("2027-03-01T04:00:00", datetime(2027, 3, 1, 4, tzinfo=UTC)),
        ("2027-03-01", datetime(2027, 3, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-23:00", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("1970-01-01T00:00:00Z", None),
        ("in spring", None),
        ("2027-03-01T04:00:00Z" + " " * 100, None),
        (20270301, None),
        (None, None),
        ({"year": 2027}, None),
    ],
)
def test_dates_are_read_with_any_offset_and_without(text: object, moment: datetime | None) -> None:
    document = json.loads(found("example.com", text).body)
    answer = answer_of(document, "example.com", "https://x/", "x")
    assert answer.expires_at_ms == (None if moment is None else round(moment.timestamp() * 1000))
    assert bool(answer.problem) is (moment is None)


def test_of_two_ends_the_earlier_one_counts_and_a_name_is_one_plain_line() -> None:
    events = [{"eventAction": "expiration", "eventDate": f"20{year}-01-01T00:00:00Z"} for year in (31, 29, 30)]
    card = ["vcard", [["fn", {}, "text", "<b>R</b>\n\u202eevil" + "x" * 400]]]
    document = {"events": events, "entities": [7, {"roles": "registrar"}, {"roles": ["registrar"], "vcardArray": card}]}
    answer = answer_of(document, "example.com", "https://x/", "x")
    assert answer.expires_at_ms == round(datetime(2029, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert answer.registrar.startswith("<b>R</b> evilx") and len(answer.registrar) == 80


def test_longest_suffix_counts_and_https_comes_first() -> None:
    listed = {
        "services": [
            [["uk"], ["https://uk/"]],
            [["CO.UK"], ["http://slow/", "https://co"]],
            [["example.co.uk.x"], ["https://x/"]],
            ["odd"],
            [["uk"], "https://text/"],
        ]
    }
    assert bases(listed, "example.co.uk") == ["https://co/", "http://slow/"]
    assert bases(listed, "example.org.uk") == ["https://uk/"]
    assert bases(listed, "example.com") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("events", "entities", "roles", "eventAction", "eventDate", "vcardArray", "services", "ldhName")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_is_an_answer_or_unreadable(document: Any) -> None:
    for read in (lambda: answer_of(document, "example.com", "https://x/", "x"), lambda: bases(document, "example.com")):
        try:
            read()
        except UnreadableDocument as exc:
            assert str(exc).startswith("it ")
