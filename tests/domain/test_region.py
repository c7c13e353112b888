"""Regions: their words and their order are stored and shown, so neither may change."""

from __future__ import annotations

import pytest

from pingmon_gui.domain.region import REGION_NAMES, REGIONS, Region


def test_regions_have_a_fixed_order_and_a_name_each() -> None:
    assert [region.value for region in REGIONS] == ["local", "na", "eu", "as", "sa", "oc"]
    assert list(REGION_NAMES) == list(REGIONS)
    assert len(set(REGION_NAMES.values())) == len(REGIONS)


def test_region_is_read_from_its_word_only() -> None:
    assert [Region(region.value) for region in REGIONS] == list(REGIONS)
    for word in ("", "EU", "europe", "mars"):
        with pytest.raises(ValueError):
            Region(word)
