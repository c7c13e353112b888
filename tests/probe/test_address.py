"""Which addresses a probe refuses."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pingmon_probe.address import refusal

REFUSED = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("10.1.2.3", "private"),
    ("100.64.0.1", "carrier"),
    ("100.100.100.200", "carrier"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "metadata"),
    ("169.254.169.254", "metadata"),
    ("169.254.1.1", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "reserved"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarking"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("255.255.255.255", "reserved"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:0:10.0.0.1", "private"),
    ("::10.0.0.1", "private"),
    ("::8.8.8.8", "reserved"),
    ("64:ff9b::192.168.1.1", "private"),
    ("64:ff9b:1::1", "private"),
    ("2002:7f00:1::1", "loopback"),
    ("2002:a9fe:a9fe::", "metadata"),
    ("2001:0:1:2:3:4:5:6", "tunnel"),
    ("2001:db8::1", "documentation"),
    ("2a00:1450::5efe:10.0.0.1", "private"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("fec0::1", "private"),
    ("ff02::1", "multicast"),
    ("4000::1", "reserved"),
    ("not an address", "not an address"),
]
ALLOWED = [
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "193.0.0.1",
    "2001:4860:4860::8888",
    "2a00:1450:4001:80f::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_refusal_names_the_reason(address: str, why: str) -> None:
    said = refusal(address)
    assert said is not None and why in said


@pytest.mark.parametrize("address", ALLOWED)
def test_refusal_lets_public_addresses_pass(address: str) -> None:
    assert refusal(address) is None


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_refusal_of_a_mapped_address_is_that_of_the_plain_one(number: int) -> None:
    plain = ipaddress.IPv4Address(number)
    assert (
        (refusal(str(plain)) is None) == (refusal(f"::ffff:{plain}") is None) == (refusal(f"64:ff9b::{plain}") is None)
    )


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_refusal_covers_whatever_python_calls_private(number: int) -> None:
    plain = ipaddress.IPv4Address(number)
    if plain.is_private or plain.is_loopback or plain.is_link_local or plain.is_multicast or plain.is_reserved:
        # 192.0.0.9 and .10 are called public by newer Pythons only; we refuse all of their block.
        assert refusal(str(plain)) is not None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_refusal_takes_any_text(text: str) -> None:
    refusal(text)
