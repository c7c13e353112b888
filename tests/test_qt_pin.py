"""The pinned PySide6 keeps its books: a release that drops references to True and None ends in a crash.

PySide6 6.12.0 on CPython 3.11 lost one reference to `True` per signal and one to `None` per call that
returns nothing. From 3.12 on these objects are immortal, and their counts say nothing: there the test
only shows that the calls survive.
"""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, Signal, Slot

pytestmark = pytest.mark.ui
_CALLS = 100_000
#: Other code may take or drop a few references meanwhile.
_NOISE = 500


class _Sender(QObject):
    told = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0
        self.told.connect(self.on_told)

    @Slot(bool)
    def on_told(self, _value: bool) -> None:
        self.heard += 1


def _lost(what: object, before: int) -> int:
    return before - sys.getrefcount(what) if sys.version_info < (3, 12) else 0


def test_signals_leave_the_count_of_true() -> None:
    sender = _Sender()
    before = sys.getrefcount(True)
    for _ in range(_CALLS):
        sender.told.emit(True)
    assert sender.heard == _CALLS
    assert abs(_lost(True, before)) < _NOISE


def test_void_calls_leave_the_count_of_none() -> None:
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(_CALLS):
        thing.setObjectName("x")
    assert thing.objectName() == "x"
    assert abs(_lost(None, before)) < _NOISE
