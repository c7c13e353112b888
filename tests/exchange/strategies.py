"""Monitors of every kind, for properties that have to hold for all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.target import parse_target

#: What people write in names and keywords, and what makes trouble in CSV, TOML and JSON.
_LETTERS = st.sampled_from("aZ09 =+-@'\"\\,;#[]{}<>|&%$!\t日é😀‘＝") | st.characters(
    exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp")
)
_NAMES = st.text(_LETTERS, max_size=30).map(lambda text: " ".join(text.split()))
_NAMES_PRINTABLE = _NAMES.filter(str.isprintable)
_TAGS = st.text(st.sampled_from("abcé=+@-' _") | st.sampled_from("日&'\""), max_size=12).map(
    lambda text: " ".join(text.split())
)
_STATUSES = st.tuples(st.integers(100, 599), st.integers(100, 599)).map(lambda pair: (min(pair), max(pair)))
_KEYWORDS = st.text(_LETTERS | st.sampled_from("\n\r\t\x7f\x1b"), min_size=1, max_size=40)
URLS = st.builds(
    "{}://{}.example{}{}".format,
    st.sampled_from(["http", "https"]),
    st.text(st.sampled_from("abcdefghij"), min_size=1, max_size=8),
    st.sampled_from(["", ":8080"]),
    st.sampled_from(["/", "/x/y?z=1", "/a%20b", "/=cmd", "/'x"]),
).map(lambda text: parse_target(text).url)


@st.composite
def _settings(draw: st.DrawFn) -> MonitorSettings:
    timeout_ms = draw(st.integers(100, 30_000))
    keyword = draw(st.none() | _KEYWORDS)
    return MonitorSettings(
        interval_ms=draw(st.integers(5_000, 3_600_000)),
        timeout_ms=timeout_ms,
        slow_ms=draw(st.integers(1, timeout_ms)),
        family=draw(st.sampled_from([0, 4, 6])),
        status_set=tuple(draw(st.lists(_STATUSES, min_size=1, max_size=4))),
        keyword=keyword,
        keyword_absent=draw(st.booleans()) if keyword is not None else False,
        ignore_certificate=draw(st.booleans()),
        basic_auth=draw(st.none() | _NAMES_PRINTABLE.map(lambda text: f"u:{text}")),
    )


@st.composite
def _tag_tuples(draw: st.DrawFn) -> tuple[str, ...]:
    tags = draw(st.lists(_TAGS.filter(bool), max_size=4, unique_by=str.casefold))
    return tuple(tags)


MONITORS = st.lists(
    st.builds(
        Monitor,
        id=st.integers(2, 2**53 - 1).map(MonitorId),
        version=st.integers(1, 5),
        url=URLS,
        name=_NAMES_PRINTABLE,
        settings=_settings(),
        created_at_ms=st.integers(0, 2**42),
        tags=_tag_tuples(),
        is_paused=st.booleans(),
        regions=st.none() | st.lists(st.sampled_from(Region), unique=True).map(tuple),
    ),
    max_size=5,
    unique_by=(lambda monitor: monitor.url, lambda monitor: monitor.id),
)
