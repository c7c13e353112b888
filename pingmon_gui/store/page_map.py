"""To which tree each page belongs: from SQLite's pointer map, and where that is damaged from the inner pages.

Databases of ours are auto-vacuum ones, so every page but the first has an entry that names its parent.
"""

from __future__ import annotations

import struct
from functools import cached_property

from pingmon_gui.store.b_tree import Kind, children, kind_of
from pingmon_gui.store.page_file import PageFile

_ENTRY = struct.Struct(">BI")
_ROOT, _FREE, _FIRST_OVERFLOW, _OVERFLOW, _TREE = 1, 2, 3, 4, 5
#: A row of ours on overflow pages has some ten of them; a circle is no tree.
_MOST_LEVELS = 1_000
SCHEMA_ROOT = 1


class PageMap:
    """Attributes:

    roots: first pages of trees, where they are known from elsewhere.
    """

    def __init__(self, file: PageFile) -> None:
        self.roots: set[int] = set()
        self._file = file
        self._per_map = file.usable_bytes // _ENTRY.size
        self._maps: dict[int, bytes | None] = {}

    def is_map(self, number: int) -> bool:
        """Return whether a page is one of the pointer map's."""
        return number > 1 and (number - 2) % (self._per_map + 1) == 0

    def is_free(self, number: int) -> bool:
        """Return whether a page holds nothing that counts."""
        return self.is_map(number) or self._entry(number)[0] == _FREE

    def is_tree(self, number: int) -> bool:
        """Return whether a page should hold rows, or pages below it, whatever it holds now."""
        if number == SCHEMA_ROOT or number in self.roots:
            return True
        kind, _parent = self._entry(number)
        return kind in (_ROOT, _TREE) or (kind == 0 and number in self._parents)

    def is_inner(self, number: int) -> bool:
        """Return whether pages below name a page as their parent; where their entries are gone, whether it says so."""
        if number in self._named:
            return True
        page = self._file.page(number)
        if page is None or kind_of(page, number) is not Kind.TABLE_INNER:
            return False
        return any(self._entry(child) == (0, 0) for child in children(page, number))

    def root_of(self, number: int) -> int | None:
        """Return the first page of the tree that a page is in, overflow pages included; None where nothing tells."""
        for _ in range(_MOST_LEVELS):
            if number == SCHEMA_ROOT or number in self.roots:
                return number
            kind, parent = self._entry(number)
            if kind == _ROOT:
                return number
            if kind == _FREE:
                return None
            if kind == 0:
                parent = self._parents.get(number, 0)
            if not 1 <= parent <= self._file.page_count:
                return None
            number = parent
        return None

    def _entry(self, number: int) -> tuple[int, int]:
        """Return (kind, parent); kind 0 where there is no entry that makes sense."""
        if number < 2:
            return 0, 0
        map_page = (number - 2) // (self._per_map + 1) * (self._per_map + 1) + 2
        if map_page not in self._maps:
            self._maps[map_page] = self._file.page(map_page)
        page = self._maps[map_page]
        if page is None or number == map_page:
            return 0, 0
        kind, parent = _ENTRY.unpack_from(page, (number - map_page - 1) * _ENTRY.size)
        has_parent = kind in (_FIRST_OVERFLOW, _OVERFLOW, _TREE) and 1 <= parent <= self._file.page_count
        is_alone = kind in (_ROOT, _FREE) and parent == 0
        return (kind, parent) if has_parent or is_alone else (0, 0)

    @cached_property
    def _named(self) -> set[int]:
        entries = (self._entry(number) for number in self._file.numbers())
        return {parent for kind, parent in entries if kind == _TREE}

    @cached_property
    def _parents(self) -> dict[int, int]:
        """The parent of each page as inner pages have it; those that are free are left out."""
        found: dict[int, int] = {}
        # A page that got somewhere else names the same pages: those that are known to be right come first.
        for number in sorted(self._file.numbers(), key=lambda number: number not in self.roots):
            page = self._file.page(number)
            if kind_of(page, number) in (Kind.TABLE_INNER, Kind.INDEX_INNER) and not self.is_free(number):
                assert page is not None
                for child in children(page, number):
                    found.setdefault(child, number)
        return found
