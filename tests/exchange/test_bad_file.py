"""Files that are broken, huge, hostile or somebody else's: one clear sentence each, soon, and no memory eaten."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tracemalloc
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.intake import MAX_FILE_BYTES, read_bytes, read_file
from pingmon_gui.exchange.kind import Kind
from tests.exchange.helper import FILES, kuma_database

DEFAULTS = MonitorSettings()
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
EXPORT = '{"format": "pingmon", "version": 1, "domains": ['


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0", "binary"),
        (bytes(range(256)) * 10, "binary|not UTF-8"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x1f\x8b\x08rest", "gzip"),
        ("bücher.example\nmüller.example".encode("latin-1"), "Line 1 of the file is not UTF-8"),
        (b"\xff\xfea\0\n", "not UTF-16"),
        (b"SQLite format 3\0 sent", "file of its own"),
        (EXPORT.encode(), "ends in the middle"),
        (b'{"monitorList": [{"id": 1', "ends in the middle"),
        (b'{"monitorList": [{"id": 1, "name": "Sho', "ends in the middle"),
        (b'{"monitorList": [{"id": 1, "active": tru', "ends in the middle"),
        (b'{"a": 1,\n "b": }', "Line 2 is no valid JSON"),
        (b"[" * 100_000, "JSON|parts|middle"),
        (b"[" * 600_000, "more parts"),
        (b'{"n": ' + b"9" * 5_000 + b"}", "JSON"),
        (b'{"hello": "world"}', "of no product"),
        (b"hello: world\n", "of no product"),
        (b'{"format": "pingmon", "version": 2, "domains": []}', "newer Pingmon"),
        (b'{"format": "pingmon", "version": 0, "domains": []}', "no version 0"),
        (b'{"format": "pingmon domains 7", "domains": []}', "another version"),
        (b'{"format": "pingmon", "version": true, "domains": []}', "another version"),
        (b'{"format": "pingmon", "version": 1}', "no list of domains"),
        (b"version = 1\n[[monitor]]\nurl = 'a.example'\n", "pingmon.toml"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"endpoints:\n  - name: a\n   url: b\n", "Line 3 is no valid YAML"),
        (b"endpoints:\n" + b"- " * 5_000, "nested deeper"),
        (b"endpoints: " + b"[" * 5_000, "nested deeper|no valid YAML"),
        (b"endpoints: *nowhere\n", "not there|valid YAML"),
        (b"endpoints: &a [*a]\n", "not there|beyond"),
        (b"endpoints: []\n---\nendpoints: []\n", "second document"),
        (b"endpoints:\n  - ? [a, b]\n    : c\n", "for a key"),
        (BOMB.encode() + b"endpoints: *i\n", "beyond every measure"),
        (b"a.example\n" * 1_000_000, "1,000,000 lines"),
        (b"url,name\n" + b"a.example,x\n" * 1_000_000, "lines"),
        (b"url,name\n" + b"a.example,x\n" * 10_001, "more than 10,000"),
        (EXPORT.encode() + b'{"url": "a.example"},' * 10_000 + b'{"url": "a.example"}]}', "10,001 monitors"),
        (b"- targets: [" + b"a.example," * 10_001 + b"]", "10,001 monitors"),
        (b"endpoints: []\n" + b"# " + b"x" * 4_200_000, "larger than 4 MB"),
        (b"#" * (MAX_FILE_BYTES + 1), "larger than 32 MB"),
        (b'url,name\na.example,"' + b"x" * 200_000 + b'"\n', "no line of a table"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_bad_file_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        read_bytes(data, DEFAULTS)
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("kind", Kind)
def test_file_of_another_product_than_said_is_refused(kind: Kind) -> None:
    other = b'{"hello": [1]}' if kind is not Kind.LIST else b"{"
    try:
        reading = read_bytes(other, DEFAULTS, kind)
    except InvalidInput as exc:
        assert exc.message.endswith(".")
    else:
        assert all(item.is_wrong for item in reading.items)


@pytest.mark.parametrize("length", range(1, 118))
def test_export_cut_anywhere_says_so(length: int) -> None:
    whole = (
        '{"format": "pingmon", "version": 1, "domains": [{"url": "a.example", "is_paused": true, "regions": ["eu"]}]}'
    )
    assert read_bytes(whole.encode(), DEFAULTS).items[0].draft is not None
    with pytest.raises(InvalidInput, match="ends in the middle"):
        read_bytes(whole[: min(length, len(whole) - 1)].encode(), DEFAULTS)


def test_one_line_of_megabytes_is_cut_where_it_is_shown() -> None:
    [item] = read_bytes(b"[1," * 1_000_000, DEFAULTS).items
    assert item.is_wrong
    assert len(item.text) <= 300


def test_a_million_lines_eat_no_memory() -> None:
    data = b"a.example\n" * 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput):
            read_bytes(data, DEFAULTS)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(data)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_is_understood(encoding: str) -> None:
    [item] = read_bytes("shop.example  Bücher\n".encode(encoding), DEFAULTS).items
    assert item.draft is not None
    assert item.draft.name == "Bücher"


def test_aliases_of_ordinary_size_are_resolved() -> None:
    text = "x: &x {interval: 30s}\nendpoints:\n" + "".join(
        f"  - {{name: n{number}, url: 'https://a{number}.example', <<: *x}}\n" for number in range(500)
    )
    items = read_bytes(text.encode(), DEFAULTS).items
    assert [item.draft is not None and item.draft.settings.interval_ms for item in items] == [30_000] * 500


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['false']", "!!binary aGk=", "!Ref x", "!!int nope"])
def test_yaml_tags_make_no_objects(tag: str) -> None:
    [item] = read_bytes(f"endpoints:\n  - name: {tag}\n    url: https://a.example\n".encode(), DEFAULTS).items
    assert item.draft is not None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("folder", "it is a folder, not a file"),
        ("pipe", "it is a pipe, not a file"),
        ("socket", "it is a socket, not a file"),
        ("device", "it is a device, not a file"),
        ("nowhere", "No such file"),
        ("dangling", "No such file"),
        ("circle", "symbolic links"),
        ("file/below", "Not a directory"),
        ("zero\0byte", "null"),
        ("n" * 300, "too long"),
    ],
)
def test_what_is_no_file_is_a_sentence(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a.example", encoding="utf-8")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "device").symlink_to(os.devnull)
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(tmp_path):  # its path must be short
        listener.bind("socket")
        with pytest.raises(InvalidInput, match="cannot be read") as caught:
            read_file(tmp_path / name, DEFAULTS)
    assert says in caught.value.message


def test_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a.example", encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    assert len(read_file(tmp_path / "link", DEFAULTS).items) == 1


def test_pipe_is_read_by_whoever_may_wait_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = Thread(target=(tmp_path / "pipe").write_text, args=("a.example\n",))
    writer.start()
    try:
        assert len(read_file(tmp_path / "pipe", DEFAULTS, may_wait=True).items) == 1
    finally:
        writer.join()


def test_database_of_any_size_is_looked_at_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "huge.db"
    with path.open("wb") as stream:
        stream.write(b"SQLite format 3\0")
        stream.truncate(10 * 1024**3)
    with pytest.raises(InvalidInput):
        read_file(path, DEFAULTS)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from([
    "url", "name", "type", "interval", "timeout", "tags", "parent", "id", "accepted_statuscodes", "keyword", "active",
    "conditions", "client", "group", "targets", "labels", "settings", "regions", "method", "basic_auth_user", "dns",
    "params", "static_configs", "job_name", "metrics_path", "authMethod", "relabel_configs", "headers", "enabled",
])  # fmt: skip
_ENTRY = st.dictionaries(_NAMES, _JSON | st.just("https://a.example") | st.just("http"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["monitorList", "endpoints", "scrape_configs", "domains", "global"]), st.lists(_ENTRY | _JSON))
@example("scrape_configs", [{"job_name": 1, "metrics_path": "/probe", "static_configs": [{"targets": [None, "x"]}]}])
def test_any_document_is_read_or_refused(key: str, entries: list[object]) -> None:
    document = {"format": "pingmon", "version": 1, key: entries} if key == "domains" else {key: entries}
    for data in (json.dumps(document), json.dumps(entries)):
        for kind in (None, Kind.UPTIME_KUMA, Kind.GATUS, Kind.PROMETHEUS, Kind.PINGMON):
            try:
                reading = read_bytes(data.encode(), DEFAULTS, kind)
            except InvalidInput:
                continue
            assert all((item.draft is None) == bool(item.reason) for item in reading.items)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode), st.sampled_from([None, *Kind]))
def test_any_bytes_are_read_or_refused(data: bytes, kind: Kind | None) -> None:
    try:
        read_bytes(data, DEFAULTS, kind)
    except InvalidInput as exc:
        assert exc.message


#: One file of each product, and what it is called.
TRUE_FILES = {
    path.name: path.read_bytes()
    for path in (*FILES.iterdir(), *(FILES / "targets").iterdir())
    if path.suffix in (".json", ".csv", ".yaml", ".yml")
}


@st.composite
def harmed(draw: st.DrawFn) -> bytes:
    """Draw a true file that was cut, or has some bytes overwritten, doubled or put in."""
    data = bytearray(TRUE_FILES[draw(st.sampled_from(sorted(TRUE_FILES)))])
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["cut", "overwrite", "insert", "double"])):
            case "cut":
                del data[place:]
            case "overwrite":
                data[place : place + 4] = draw(st.binary(min_size=1, max_size=4))
            case "insert":
                data[place:place] = draw(
                    st.sampled_from([b"\0", b"\xff", b'"', b"{", b"]", b"\n- ", b"=1+1", b"&a *a"])
                )
            case "double":
                data[place:place] = data[place : place + 200]
    return bytes(data)


@settings(max_examples=200, deadline=None)
@given(harmed())
def test_true_file_that_was_harmed_is_read_or_refused(data: bytes) -> None:
    try:
        reading = read_bytes(data, DEFAULTS)
    except InvalidInput as exc:
        assert exc.message.endswith(".")
    else:
        assert all((item.draft is None) == bool(item.reason) for item in reading.items)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=40)), min_size=1, max_size=6))
def test_database_that_was_harmed_is_read_or_refused(tmp_path: Path, harm: list[tuple[int, bytes]]) -> None:
    folder = tmp_path / "whole"
    if not folder.exists():
        folder.mkdir()
        kuma_database(folder)
    data = bytearray((folder / "kuma.db").read_bytes())
    for place, piece in harm:
        at = 16 + place % (len(data) - 16)  # else it is no database any more
        data[at : at + len(piece)] = piece
    path = tmp_path / "harmed.db"
    path.write_bytes(data)
    try:
        read_file(path, DEFAULTS)
    except InvalidInput as exc:
        assert exc.message.endswith(".")
