"""One monitor as a file of another product wants it: fitted to what Pingmon can do, with a note for each difference."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pingmon_probe.protocol import (
    MAX_BEARER_CHARACTERS,
    MAX_CONDITIONS,
    MAX_HEADERS,
    MAX_INTERVAL_MS,
    MAX_KEYWORD_CHARACTERS,
    MAX_REQUEST_BODY_CHARACTERS,
    MAX_TIMEOUT_MS,
    METHODS,
    METHODS_WITHOUT_BODY,
    MIN_INTERVAL_MS,
    MIN_TIMEOUT_MS,
    CheckSpec,
    HeaderError,
    ProtocolError,
    header,
    in_brackets,
    kind_of,
)

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import (
    MAX_NAME_CHARACTERS,
    MAX_TAG_CHARACTERS,
    MAX_TAGS,
    Monitor,
    MonitorDraft,
    MonitorId,
    MonitorSettings,
    fitted,
    parse_tags,
)
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.request_setting import require_pattern
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange.duration import duration_words
from pingmon_gui.exchange.reading import Item, LeftOut, cleaned_text

Ranges = tuple[tuple[int, int], ...]
#: So many names of headers are told.
_MOST_HEADERS = 5


class Wish:
    """Collects what a file says of one monitor; limits of ours are kept by rounding, and noted."""

    def __init__(self, address: str, defaults: MonitorSettings) -> None:
        target = parse_target(address)
        self.url = target.url
        self.name = ""
        self.tags: list[str] = []
        self.regions: tuple[Region, ...] | None = None
        self.is_paused = False
        self.notes: list[str] = []
        self._base = defaults
        self._values: dict[str, Any] = {}
        if target.basic_auth is not None:
            self._values["basic_auth"] = target.basic_auth

    def set(self, **values: Any) -> None:
        """Take settings as they are: statuses, keyword, certificate, family, log-in."""
        self._values |= values

    def accept(self, statuses: Ranges, *, follows_redirects: bool) -> None:
        """Take the statuses of a good answer.

        Elsewhere a redirect is followed or not, whatever is accepted; here it is followed unless it is accepted.
        """
        others = _without_redirects(statuses)
        if follows_redirects and others and others != statuses:
            self.notes.append("Redirects are followed, so 3xx is not among its accepted statuses.")
            statuses = others
        self._values |= {"status_set": statuses, "no_redirects": not follows_redirects}

    @property
    def kind(self) -> str:
        """The kind of check that its address is for."""
        return kind_of(self.url)

    def ask(self, method: object, body: object = None) -> None:
        """Take method and body of the request. Raises LeftOut for what is never sent."""
        word = str(method or "GET").upper()
        text = str(body or "")
        if word not in METHODS:
            raise LeftOut(f"It sends {cleaned_text(word)[:20]} requests, which Pingmon does not.")
        self._values["method"] = word
        if text and word in METHODS_WITHOUT_BODY:
            self.notes.append(f"Its body is not sent: a {word} request has none here.")
        elif len(text) > MAX_REQUEST_BODY_CHARACTERS:
            raise LeftOut(f"Its request body is longer than {MAX_REQUEST_BODY_CHARACTERS} characters.")
        elif text:
            self._values["body"] = text

    def send(self, headers: Mapping[Any, Any]) -> None:
        """Take over request headers, a log-in among them as such; those that cannot be sent are named."""
        kept, others = [], []
        for name, value in headers.items():
            is_log_in = str(name).strip().lower() == "authorization"
            if is_log_in and (login := _basic_login(value)) is not None:
                self._values["basic_auth"] = login
            elif is_log_in and (token := _bearer_token(value)) is not None:
                self._values["bearer"] = token
            else:
                try:
                    kept.append(header(str(name), str(value)))
                except HeaderError:
                    others.append(cleaned_text(name)[:40])
        others += [cleaned_text(name)[:40] for name, _ in kept[MAX_HEADERS:]]
        self._values["headers"] = tuple(kept[:MAX_HEADERS])
        if others:
            more = ", …" if len(others) > _MOST_HEADERS else ""
            self.notes.append(f"Headers that are not sent: {', '.join(others[:_MOST_HEADERS])}{more}.")

    def sign_in(self, *, basic: str | None = None, bearer: str | None = None) -> None:
        """Take one way to sign in, in place of what headers say."""
        self._values.pop("bearer", None)
        self._values.pop("basic_auth", None)
        if basic is not None:
            self._values["basic_auth"] = basic
        elif bearer is not None:
            self._values["bearer"] = bearer

    def expect_answer(self, *, json: str | None = None, header: str | None = None) -> bool:
        """Add a condition on the JSON or on a header of the answer; return whether there was room for it."""
        name = "json_conditions" if json is not None else "header_conditions"
        before: tuple[str, ...] = self._values.get(name, ())
        if len(before) >= MAX_CONDITIONS:
            return False
        self._values[name] = (*before, json if json is not None else str(header))
        return True

    def call(self, name: object) -> None:
        """Name it; what other products allow and we do not is taken out of the name."""
        cleaned = cleaned_text(name)
        if len(cleaned) > MAX_NAME_CHARACTERS:
            self.notes.append(f"Its name is cut off after {MAX_NAME_CHARACTERS} characters.")
        self.name = cleaned[:MAX_NAME_CHARACTERS].strip()

    def tag(self, *tags: object) -> None:
        """Add tags; commas separate tags here, so they become blanks."""
        self.tags += [cleaned_text(str(tag).replace(",", " "))[:MAX_TAG_CHARACTERS].strip() for tag in tags if tag]

    def every(self, interval_ms: int) -> None:
        fitting = min(max(interval_ms, MIN_INTERVAL_MS), MAX_INTERVAL_MS)
        if fitting != interval_ms:
            limit = "shortest" if fitting > interval_ms else "longest"
            before, after = duration_words(interval_ms), duration_words(fitting)
            self.notes.append(f"The interval of {before} becomes {after}, the {limit} possible.")
        self._values["interval_ms"] = fitting

    def within(self, timeout_ms: int) -> None:
        fitting = min(max(timeout_ms, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS)
        if fitting != timeout_ms:
            limit = "shortest" if fitting > timeout_ms else "longest"
            self.notes.append(
                f"The timeout of {duration_words(timeout_ms)} becomes {duration_words(fitting)}, the {limit} possible."
            )
        self._values["timeout_ms"] = fitting

    def slow_from(self, slow_ms: int) -> None:
        self._values["slow_ms"] = min(max(slow_ms, 1), MAX_TIMEOUT_MS)

    def look_for(self, keyword: str, *, is_absent: bool) -> None:
        """Set the keyword. Raises LeftOut for one that is too long to be looked for."""
        if len(keyword) > MAX_KEYWORD_CHARACTERS:
            raise LeftOut(f"Its keyword is longer than {MAX_KEYWORD_CHARACTERS} characters.")
        self._values |= {"keyword": keyword, "keyword_absent": is_absent}

    def look_for_pattern(self, pattern: str, *, is_absent: bool) -> bool:
        """Set a regular expression as the keyword; return whether it is one here as well."""
        try:
            require_pattern(pattern)
        except InvalidInput:
            return False
        if len(pattern) > MAX_KEYWORD_CHARACTERS:
            return False
        self._values |= {"keyword": pattern, "keyword_absent": is_absent, "keyword_is_pattern": True}
        return True

    def draft(self) -> MonitorDraft:
        """Return the draft. Raises InvalidInput if the settings cannot be used."""
        values = dict(self._values)
        timeout_ms = values.get("timeout_ms", self._base.timeout_ms)
        slow_ms = values.get("slow_ms", self._base.slow_ms)
        if slow_ms > timeout_ms:
            if "slow_ms" in values:
                self.notes.append(
                    f"Slow from {duration_words(slow_ms)} becomes {duration_words(timeout_ms)}, its timeout."
                )
            values["slow_ms"] = timeout_ms
        tags = list(dict.fromkeys(tag for tag in self.tags if tag))
        if len(tags) > MAX_TAGS:
            self.notes.append(f"Only its first {MAX_TAGS} tags are kept.")
        settings = replace(self._base, **values)
        return checked(
            MonitorDraft(
                self.url, self.name, settings, parse_tags(",".join(tags[:MAX_TAGS])), self.regions, self.is_paused
            )
        )


def server_place(text: str) -> str:
    """Return a name server with or without port, as it stands in an address: an IPv6 one without port in brackets."""
    text = text.strip()
    return in_brackets(text) if text.count(":") > 1 and not text.startswith("[") else text


def escaped(text: str) -> str:
    """Return bytes to be sent or waited for as they are typed: with escapes."""
    shown = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(shown.get(letter, letter) for letter in text)


def checked(draft: MonitorDraft) -> MonitorDraft:
    """Return the draft, with what its kind does not know at its default, if a probe would take it.

    Raises InvalidInput; the wire is the strictest reader of settings.
    """
    s = draft.settings
    texts = (s.keyword, s.basic_auth, s.send, s.expect, s.body, *s.json_conditions, *s.header_conditions)
    for text in texts:
        # JSON can spell halves of letters, which no file and no wire can carry.
        if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise InvalidInput("A text of its settings holds half a letter.", "Type it anew.")
    draft = replace(draft, settings=fitted(draft.settings, draft.url))
    sample = Monitor(MonitorId(2), 1, draft.url, "", draft.settings, 0)
    try:
        CheckSpec.from_json(sample.check_specs()[0].to_json())
    except (ProtocolError, TypeError) as exc:
        raise InvalidInput(f"The settings of {draft.url} cannot be used: {exc}.") from exc
    return draft


def item(
    number: int,
    line: int | None,
    text: str,
    wish: Wish | InvalidInput,
) -> Item:
    """Return the item for what was read, or for what was wrong with it. Never raises."""
    try:
        if isinstance(wish, InvalidInput):
            raise wish
        draft = wish.draft()
    except LeftOut as exc:
        return Item(number, line, text, reason=_sentence(exc))
    except InvalidInput as exc:
        return Item(number, line, text, reason=_sentence(exc), is_wrong=True)
    return Item(number, line, text, draft, tuple(wish.notes))


def ranges_of(statuses: Iterable[int]) -> Ranges:
    """Return statuses as ranges, neighbours joined."""
    ranges: list[tuple[int, int]] = []
    for status in sorted(set(statuses)):
        if ranges and ranges[-1][1] == status - 1:
            ranges[-1] = (ranges[-1][0], status)
        else:
            ranges.append((status, status))
    return tuple(ranges)


def _without_redirects(statuses: Ranges) -> Ranges:
    parts = [(low, min(high, 299)) for low, high in statuses] + [(max(low, 400), high) for low, high in statuses]
    return tuple(sorted(part for part in parts if part[0] <= part[1]))


def _basic_login(value: object) -> str | None:
    """Return the `user:password` of a header's value, None if it is another kind of log-in."""
    kind, _, code = str(value).strip().partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        login = base64.b64decode(code, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return login if ":" in login and login.isprintable() else None


def _bearer_token(value: object) -> str | None:
    """Return the token of a header's value, None if it is another kind of log-in."""
    kind, _, token = str(value).strip().partition(" ")
    token = token.strip()
    is_token = kind.lower() == "bearer" and token.isascii() and token.isprintable() and " " not in token
    return token if is_token and token and len(token) <= MAX_BEARER_CHARACTERS else None


def _sentence(cause: InvalidInput) -> str:
    return cause.message if cause.hint is None else f"{cause.message} {cause.hint}"
