"""A line of comma-separated tags that completes the one being typed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from pingmon_gui.domain.monitor import MAX_TAG_CHARACTERS, MAX_TAGS


class LastTagCompleter(QCompleter):
    """Completes what stands after the last comma and leaves the tags before it alone."""

    def __init__(self, known_tags: Sequence[str], field: QLineEdit) -> None:
        super().__init__(list(known_tags), field)
        self._field = field
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setFilterMode(Qt.MatchFlag.MatchStartsWith)

    def splitPath(self, path: str) -> list[str]:
        return [path.rpartition(",")[2].strip()]

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        before, comma, _ = self._field.text().rpartition(",")
        tag = str(index.data(Qt.ItemDataRole.EditRole))
        return f"{before}, {tag}" if comma else tag


class TagField(QLineEdit):
    """`known_tags` are offered while typing, in the order given."""

    def __init__(self, known_tags: Sequence[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMaxLength((MAX_TAG_CHARACTERS + 2) * (MAX_TAGS + 5))
        if known_tags:
            self.setCompleter(LastTagCompleter(known_tags, self))
