from __future__ import annotations

import pytest

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.domain.request_setting import header_lines, parse_conditions, parse_headers
from pingmon_gui.log import without_secrets

SETTINGS = MonitorSettings(
    bearer="geheim1", headers=(("X-Key", "geheim2"), ("Accept", "*/*")), body="geheim3", method="PUT"
)


def test_headers_are_typed_one_a_line() -> None:
    headers = parse_headers("Accept-Language: de\n\n X-Key :a: b \n")
    assert headers == (("Accept-Language", "de"), ("X-Key", "a: b"))
    assert parse_headers("\n".join(header_lines(headers))) == headers


@pytest.mark.parametrize(
    "text", ["no colon", "Host: x", "Content-Length: 3", ": x", "X: \x01", "\n".join(["A: b"] * 21)]
)
def test_wrong_header_gets_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_headers(text)
    assert caught.value.message.endswith(".")


def test_conditions_are_typed_one_a_line() -> None:
    assert parse_conditions(" a == 1 \n\nb\n", is_json=True) == ("a == 1", "b")
    with pytest.raises(InvalidInput, match="At most 10"):
        parse_conditions("\n".join(["a"] * 11), is_json=False)


@pytest.mark.parametrize(
    "values",
    [
        {"method": "BREW"},
        {"body": "x"},
        {"method": "POST", "body": "x" * 16_001},
        {"bearer": "a b"},
        {"bearer": "a", "basic_auth": "u:p"},
        {"keyword_is_pattern": True},
        {"keyword": "(", "keyword_is_pattern": True},
        {"json_conditions": ("a = 1",)},
        {"header_conditions": ("",)},
        {"min_bytes": -1},
        {"min_bytes": 5, "max_bytes": 4},
        {"max_bytes": 2**20},
    ],
)
def test_request_that_cannot_be_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        MonitorSettings(**values)  # type: ignore[arg-type]
    assert caught.value.message.endswith(".")


def test_secrets_are_in_no_text_and_can_be_taken_out() -> None:
    assert "geheim" not in repr(SETTINGS)
    open_ones = SETTINGS.without_secrets()
    assert (open_ones.bearer, open_ones.headers) == (None, (("Accept", "*/*"),))
    assert SETTINGS.has_secrets and not open_ones.has_secrets
    assert open_ones.with_secrets_of(SETTINGS, says_sign_in=False).bearer == "geheim1"
    assert open_ones.with_secrets_of(SETTINGS, says_sign_in=True).bearer is None
    assert ("X-Key", "geheim2") in open_ones.with_secrets_of(SETTINGS, says_sign_in=True).headers
    assert "geheim1" not in without_secrets(f"sent {SETTINGS.to_json()}")


def test_settings_come_back_from_the_store() -> None:
    assert MonitorSettings.from_json(SETTINGS.to_json()) == SETTINGS
