"""Reading addresses: what people type and paste, and what they should better not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pingmon_probe.protocol import CheckSpec

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.target import MAX_PASTED_LINES, display_url, full_url, parse_pasted, parse_target


@pytest.mark.parametrize(
    ("text", "url", "shown"),
    [
        ("example.com", "https://example.com/", "example.com"),
        ("  example.com  ", "https://example.com/", "example.com"),
        ("EXAMPLE.Com.", "https://example.com/", "example.com"),
        ("//example.com/a", "https://example.com/a", "example.com/a"),
        ("http://example.com", "http://example.com/", "http://example.com"),
        ("HTTPS://example.com:443/", "https://example.com/", "example.com"),
        ("http://example.com:80/x", "http://example.com/x", "http://example.com/x"),
        ("example.com:8443/x", "https://example.com:8443/x", "example.com:8443/x"),
        ("localhost:8080", "https://localhost:8080/", "localhost:8080"),
        ("example.com:65535", "https://example.com:65535/", "example.com:65535"),
        ("https://example.com/a?b=c&d=%20#frag", "https://example.com/a?b=c&d=%20", "example.com/a?b=c&d=%20"),
        ("https://example.com/ä", "https://example.com/%C3%A4", "example.com/%C3%A4"),
        ("example.com?x", "https://example.com/?x", "example.com/?x"),
        ("192.0.2.1", "https://192.0.2.1/", "192.0.2.1"),
        ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080"),
        ("https://[::ffff:c000:201]/", "https://[::ffff:192.0.2.1]/", "[::ffff:192.0.2.1]"),
        ("bücher.example", "https://xn--bcher-kva.example/", "bücher.example"),
        ("xn--bcher-kva.example", "https://xn--bcher-kva.example/", "bücher.example"),
        ("under_score.example", "https://under_score.example/", "under_score.example"),
    ],
)
def test_parse_target_gives_one_form_that_reads_well(text: str, url: str, shown: str) -> None:
    assert parse_target(text).url == url
    assert display_url(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "https://",
        "https:///path",
        "javascript:alert(1)",
        "JavaScript://example.com/%0aalert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://example.com",
        "mailto:a@example.com",
        "example.com:0",
        "example.com:65536",
        "example.com:-1",
        "example.com:x",
        "https://example.com:99999999999999999999/",
        "a b.example",
        "https://example.com/a b",
        "exa\x00mple.com",
        "exa\nmple.com",
        "example.com/\u202egnp.exe",
        "exam\u200bple.com",
        "exam\ufeffple.com",
        "https://exa\\mple.com",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://[nonsense]/",
        "1.2.3",
        "1.2.3.256",
        "999999",
        "-a.example",
        "a-.example",
        "a..example",
        ".example",
        "☃" * 70 + ".example",
        "a" * 64 + ".example",
        "a." * 130 + "example",
        "example.com/" + "a" * 2_000,
        "example.com/" + "ä" * 1_000,
        "💩",
        "https://us%0Aer:pw@example.com/",
    ],
)
def test_parse_target_of_unusable_text_is_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_target(text)
    assert caught.value.message.endswith(".")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "url", "auth"),
    [
        ("https://me:p%40ss@example.com/x", "https://example.com/x", "me:p@ss"),
        ("me:secret@example.com", "https://example.com/", "me:secret"),
        ("http://me@example.com", "http://example.com/", "me:"),
    ],
)
def test_parse_target_takes_credentials_out_and_hides_them(text: str, url: str, auth: str) -> None:
    target = parse_target(text)
    assert (target.url, target.basic_auth) == (url, auth)
    assert auth not in repr(target)


def test_full_url_always_has_its_scheme() -> None:
    assert full_url("https://xn--bcher-kva.example/") == "https://bücher.example"
    assert full_url("http://shop.example/a") == "http://shop.example/a"


def test_display_url_keeps_names_of_mixed_scripts_in_ascii() -> None:
    lookalike = parse_target("https://ex\u0430mple.com/").url
    assert display_url(lookalike).startswith("xn--")


_ODD = st.sampled_from(
    [
        *list("/:?#@[]%\\.-_ \t\r\n\x00\x7f"),
        "http://",
        "https://",
        "javascript:",
        "\u202e",
        "\u200d",
        "💩",
        "ß",
        "。",
        "xn--",
    ]
)
_TEXT = st.text(max_size=60) | st.lists(_ODD | st.text(max_size=6), max_size=12).map("".join)


@given(_TEXT)
@example("https://[::1]:65536")
@example("http://example.com:443")
@example("https://a%2f@b/")
@example("https://ｅｘａｍｐｌｅ。com")
@example("https://example.com/%")
@example("xn--a")
def test_any_text_is_a_target_that_reads_back_as_itself_or_a_sentence(text: str) -> None:
    try:
        target = parse_target(text)
    except InvalidInput as exc:
        assert exc.message.endswith(".") and len(exc.message) < 200
        return
    assert parse_target(target.url).url == target.url
    assert target.url.isascii() and target.url.isprintable()
    assert parse_target(display_url(target.url)).url == target.url
    CheckSpec.from_json({"url": target.url})


@given(st.lists(_TEXT, max_size=8).map("\n".join))
def test_any_pasted_text_gives_targets_and_sentences(text: str) -> None:
    for line in parse_pasted(text, ()):
        assert (line.target is None) == (line.error is not None)
        assert line.name.isprintable()


def test_parse_pasted_reads_names_comments_duplicates_and_errors() -> None:
    text = "# mine\n\nexample.com, My shop\nhttps://EXAMPLE.com/\nfile:///x\tno\nold.example\nb.example  B  site\n"
    lines = parse_pasted(text, ["https://old.example/"])
    assert [(line.number, line.name, line.is_duplicate, line.error is None) for line in lines] == [
        (3, "My shop", False, True),
        (4, "", True, True),
        (5, "", False, False),
        (6, "", True, True),
        (7, "B site", False, True),
    ]


def test_parse_pasted_of_too_many_lines_is_a_sentence() -> None:
    assert len(parse_pasted("a.example\n" * MAX_PASTED_LINES, ())) == MAX_PASTED_LINES
    with pytest.raises(InvalidInput, match="10,001 lines"):
        parse_pasted("a.example\n" * (MAX_PASTED_LINES + 1), ())
