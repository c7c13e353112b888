from __future__ import annotations

from pingmon_gui.domain.availability import Availability
from pingmon_gui.ui.wording import availability_sentence


def test_availability_of_a_moment_ago_is_no_gap() -> None:
    assert availability_sentence(Availability(0, 0, 0)) == availability_sentence(Availability(0, 0, 1))
    assert availability_sentence(Availability(0, 0, 999)) == "Not watched long enough to say."
    assert availability_sentence(Availability(0, 0, 5_000)).startswith("Nothing is known of the last 5")
