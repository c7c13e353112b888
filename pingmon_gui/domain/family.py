"""Address families: what a monitor may ask for, and how its two checks are told apart where it asks for each.

Both checks of such a monitor are plain ones to a probe, for IPv4 and for IPv6 only. A plan has one check by an id, so
the second one goes by the twin of the monitor's id; the collector gives its results their monitor back. The first
check, the first series, the first row of the board is IPv4's, the second IPv6's.
"""

from __future__ import annotations

from collections.abc import Collection

from pingmon_gui.domain.error import InvalidInput

AUTOMATIC, IPV4, IPV6 = 0, 4, 6
#: The setting of a monitor that is measured over IPv4 and over IPv6, each with a check and a series of its own.
EACH = 46
SETTINGS = (AUTOMATIC, IPV4, IPV6, EACH)
#: The settings by the words that people write.
WORDS = {"auto": AUTOMATIC, "4": IPV4, "6": IPV6, "both": EACH}

_TWIN_BIT = 1 << 52


def twin_id(id_: int) -> int:
    """Return the id that a monitor's second check goes by; of that one, the monitor's own.

    Ids are random in 53 bits, so another monitor has it no sooner than two monitors have one id.
    """
    return id_ ^ _TWIN_BIT


def word(setting: int) -> str:
    """Return the word of a setting."""
    return next(word for word, one in WORDS.items() if one == setting)


def setting_of(text: str) -> int:
    """Return the setting that a word means: `4`, `IPv4`, `both`. Raises InvalidInput."""
    setting = WORDS.get(text.strip().lower().removeprefix("ipv"))
    if setting is None:
        raise InvalidInput("The address family must be 4, 6, both or auto.")
    return setting


def of_check(setting: int, checked: int | None) -> int:
    """Return the family of the series that a result belongs to: the setting, or the check's own where it is EACH."""
    if setting != EACH:
        return setting
    return IPV6 if checked == IPV6 else IPV4


def label(setting: int) -> str:
    """Return what a setting is called."""
    return {AUTOMATIC: "automatic", EACH: "IPv4 and IPv6, each measured"}.get(setting, f"IPv{setting}")


def names(families: Collection[int]) -> str:
    """Return `IPv6`, or `IPv4 and IPv6`."""
    return " and ".join(f"IPv{family}" for family in sorted(families))
