"""UptimeRobot: the CSV of its dashboard, one with more columns, and the answer of its interface."""

from __future__ import annotations

import pytest

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.exchange.kind import Kind
from tests.exchange.helper import drafts, left_out, notes, only, read, read_true

ROBOT = """\
"Type","Friendly Name","URL/IP","Keyword Type","Keyword Value","Interval","Status","HTTP Username","HTTP Password"
HTTP,Shop,https://shop.example,,,300,Up,,
Keyword,"Page, two",https://two.example,Not Exists,"in stock",5 min,Paused,anna,geheim
Keyword,Errors,https://three.example,Exists,Fatal,5,Up,,
Ping,Router,192.0.2.1,,,300,Up,,
HTTP,Bad,no..host,,,300,Up,,
Keyword,None,https://four.example,Exists,,300,Up,,
"""


def test_uptime_robot_true_csv() -> None:
    reading = read_true("uptimerobot.csv")
    found = drafts(reading)
    assert reading.kind is Kind.UPTIME_ROBOT
    assert found["Shop"].settings == MonitorSettings()
    assert (found["Status, says fine"].settings.keyword, found["Status, says fine"].settings.keyword_absent) == (
        "all fine", False,
    )  # fmt: skip
    # There “exists” raises the alarm.
    assert (found["No fatal error"].settings.keyword_absent, found["No fatal error"].is_paused) == (True, True)
    assert [found[name].url for name in ("Router", "Mail")] == ["icmp://192.0.2.1", "tcp://mail.example:993"]
    assert left_out(reading) == {
        "https://heartbeat.example/m777749814": "Pingmon cannot measure the type “heartbeat” yet."
    }
    assert "does not tell how often" in reading.notes[0]


def test_uptime_robot_true_answer_of_its_interface() -> None:
    reading = read_true("uptimerobot-getMonitors.json")
    found = drafts(reading)
    assert (reading.kind, reading.notes) == (Kind.UPTIME_ROBOT, ())
    assert found["Shop"].settings == MonitorSettings(interval_ms=300_000, timeout_ms=30_000)
    assert found["Status says fine"].settings == MonitorSettings(
        interval_ms=60_000, timeout_ms=30_000, keyword="all fine", basic_auth="ops:geheim"
    )
    assert (found["No fatal error"].settings.keyword_absent, found["No fatal error"].is_paused) == (True, True)
    assert notes(reading) == {"Status says fine": ("Upper and lower case of its keyword matter here.",)}
    assert [(item.line, item.text) for item in reading.items[3:]] == [(60, "Router"), (73, "Mail")]


def test_uptime_robot_csv_with_more_columns() -> None:
    shop, two, errors, router, bad, none = read(ROBOT).items
    assert shop.draft is not None
    assert two.draft is not None
    assert errors.draft is not None
    assert (shop.draft.name, shop.draft.settings) == ("Shop", MonitorSettings(interval_ms=300_000))
    assert (two.draft.name, two.draft.is_paused) == ("Page, two", True)
    assert two.draft.settings == MonitorSettings(
        interval_ms=300_000, keyword="in stock", keyword_absent=False, basic_auth="anna:geheim"
    )
    assert errors.notes == ("The interval “5” is read as minutes.",)
    assert router.draft is not None
    assert (router.draft.url, router.draft.settings.max_loss_percent) == ("icmp://192.0.2.1", 99)
    assert [(item.line, item.is_wrong) for item in (bad, none)] == [(6, True), (7, True)]


@pytest.mark.parametrize(("written", "method"), [("3", "POST"), ("POST", "POST"), ("1", "HEAD"), ("2", "GET")])
def test_uptime_robot_method(written: str, method: str) -> None:
    draft = only(read(f"Friendly Name,URL,HTTP Method\nA,https://a.example,{written}\n")).draft
    assert draft is not None
    assert draft.settings.method == method


def test_uptime_robot_port_body_and_headers_of_its_interface() -> None:
    text = """{"stat": "ok", "monitors": [
        {"friendly_name": "ftp", "url": "a.example", "type": 4, "sub_type": 3, "port": ""},
        {"friendly_name": "own", "url": "a.example", "type": 4, "sub_type": 99, "port": 8443},
        {"friendly_name": "none", "url": "a.example", "type": 4, "sub_type": "", "port": ""},
        {"friendly_name": "post", "url": "https://a.example", "type": 1, "http_method": 3, "post_value": "{}",
         "custom_http_headers": {"X-Key": "1", "Authorization": "Bearer t"}},
        {"friendly_name": "digest", "url": "https://a.example", "type": 1, "http_username": "u", "http_auth_type": 2}
    ]}"""
    ftp, own, none, post, digest = read(text).items
    assert [item.draft and item.draft.url for item in (ftp, own)] == ["tcp://a.example:21", "tcp://a.example:8443"]
    assert (none.is_wrong, digest.is_wrong, digest.reason) == (True, False, "Pingmon cannot log in by “digest”.")
    assert post.draft is not None
    s = post.draft.settings
    assert (s.method, s.body, s.headers, s.bearer) == ("POST", "{}", (("X-Key", "1"),), "t")


@pytest.mark.parametrize("text", ['{"stat": "ok", "monitors": [5]}', '{"stat": "ok", "monitors": [{"url": 5}]}'])
def test_uptime_robot_answer_that_makes_no_sense_is_wrong(text: str) -> None:
    assert only(read(text)).is_wrong


def test_uptime_robot_is_not_any_json() -> None:
    with pytest.raises(InvalidInput, match="no list of UptimeRobot"):
        read('{"monitors": []}', Kind.UPTIME_ROBOT)
