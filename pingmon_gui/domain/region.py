"""The six regions a target can be seen from: this computer and five continents."""

from __future__ import annotations

from enum import StrEnum


class Region(StrEnum):
    """Where a probe measures. The value is the word on the command line, in JSON and in the database."""

    LOCAL = "local"
    NA = "na"
    EU = "eu"
    AS = "as"
    SA = "sa"
    OC = "oc"


#: Order of columns everywhere; `REGIONS.index(region)` is the column of the board's arrays.
REGIONS: tuple[Region, ...] = tuple(Region)

#: English names; the window translates them.
REGION_NAMES: dict[Region, str] = {
    Region.LOCAL: "This computer",
    Region.NA: "North America",
    Region.EU: "Europe",
    Region.AS: "Asia",
    Region.SA: "South America",
    Region.OC: "Oceania",
}


def probe_place(region_name: str, probe_name: str) -> str:
    """Return where and by which probe something was seen: `Europe (fra-1)`, but not `This computer (This computer)`."""
    return region_name if probe_name in (region_name, REGION_NAMES[Region.LOCAL]) else f"{region_name} ({probe_name})"
