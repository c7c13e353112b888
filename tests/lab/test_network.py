"""The lab's network does what it says: delays, cuts, names, and addresses that a probe must not ask."""

from __future__ import annotations

import socket
import time
import urllib.request

import pytest

from tests.lab.lab import ANCHORS, METADATA, PRIVATE, Lab
from tests.lab.network import v4, v6
from tests.lab.target import ZONE, Page

pytestmark = pytest.mark.lab
_PATIENCE_S = 20.0


def connect_ms(address: str, port: int, timeout_s: float = _PATIENCE_S) -> float:
    begun_s = time.perf_counter()
    socket.create_connection((address, port), timeout_s).close()
    return (time.perf_counter() - begun_s) * 1000


@pytest.mark.parametrize("address", [v4(100), v6(100)])
def test_round_trip_takes_what_both_ends_say(lab: Lab, address: str) -> None:
    near_ms = connect_ms(address, 80)
    lab.network.set("target", rtt_ms=150)
    far_ms = connect_ms(address, 80)
    lab.network.set("target", rtt_ms=0)

    assert far_ms >= 150
    assert near_ms < far_ms


def test_cut_node_is_silent_until_healed(lab: Lab) -> None:
    lab.network.cut("desk", "target")
    with pytest.raises(TimeoutError):
        connect_ms(v4(100), 80, timeout_s=0.2)
    assert connect_ms(ANCHORS[0], 53) > 0

    lab.network.heal("desk", "target")
    assert connect_ms(v4(100), 80) > 0


def test_network_without_a_way_out_loses_what_is_for_others(lab: Lab) -> None:
    with pytest.raises(TimeoutError):
        connect_ms("29.77.0.250", 80, timeout_s=0.2)


def test_unknown_node_cannot_be_cut(lab: Lab) -> None:
    with pytest.raises(ValueError, match="no such node: nowhere"):
        lab.network.cut("nowhere")


def test_names_answer_with_both_families(lab: Lab) -> None:
    found = {each[4][0] for each in socket.getaddrinfo(f"shop.{ZONE}", 80)}

    assert found == {v4(100), v6(100)}
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(f"nothing.{ZONE}", 80)


def test_rebinding_name_turns_private_at_the_second_look(lab: Lab) -> None:
    lab.target.set_name("turning", [v4(100)], [PRIVATE])
    looks = [socket.gethostbyname(f"turning.{ZONE}") for _ in range(4)]

    assert looks == [v4(100), PRIVATE, v4(100), PRIVATE]


@pytest.mark.parametrize("address", [v4(100), PRIVATE, METADATA])
def test_website_answers_at_every_address_and_remembers_who_asked(lab: Lab, address: str) -> None:
    with urllib.request.urlopen(f"http://{address}/", timeout=_PATIENCE_S) as answer:
        assert answer.status == 200

    hit = lab.target.hits()[-1]
    assert (hit.client.removeprefix("::ffff:"), hit.server.removeprefix("::ffff:"), hit.path) == (v4(10), address, "/")


def test_page_answers_as_it_was_told(lab: Lab) -> None:
    lab.target.set_page("/sorry", Page(status=503))
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://shop.{ZONE}/sorry", timeout=_PATIENCE_S)

    with caught.value as answer:
        assert answer.code == 503
