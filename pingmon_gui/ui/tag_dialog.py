"""Adding tags to several domains, and taking tags off them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, parse_tags
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field, FormDialog, scrolling
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.tag_field import TagField


class TagDialog(FormDialog):
    """Emits `submitted` with a tuple of the changed `Monitor`s, their version untouched."""

    def __init__(
        self, monitors: Sequence[Monitor], known_tags: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__("", "", parent)
        self.setWindowTitle(self.tr("Tags of %1").replace("%1", wording.monitors_counted(len(monitors))))
        self.accept_button.setText(self.tr("&Save"))
        self._monitors = tuple(monitors)
        self.tags = TagField(known_tags, self)
        self.tags.setPlaceholderText(self.tr("Separated by commas"))
        self.tags.setAccessibleName(self.tr("Tags to add to all of them"))
        self.field = Field(self.tags)
        self.body.addWidget(caption(self.tr("&Add to all of them"), self.tags, self))
        self.body.addWidget(self.field)
        self.boxes: dict[str, QCheckBox] = {}
        self._add_boxes()
        self.tags.textChanged.connect(self._on_edited)
        self.tags.setFocus()

    @Slot()
    def submit(self) -> None:
        if self.is_busy:
            return
        try:
            added = parse_tags(self.tags.text())
            changed = [self._changed(monitor, added) for monitor in self._monitors]
        except InvalidInput as exc:
            self.field.set_error(exc)
            self.tags.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        different = tuple(new for new, old in zip(changed, self._monitors, strict=True) if new.tags != old.tags)
        if different:
            self.submitted.emit(different)
        else:
            self.accept()

    def _changed(self, monitor: Monitor, added: tuple[str, ...]) -> Monitor:
        kept = [tag for tag in monitor.tags if not (tag in self.boxes and self.boxes[tag].isChecked())]
        return replace(monitor, tags=parse_tags(", ".join([*kept, *added])))

    def _add_boxes(self) -> None:
        counted = Counter(tag for monitor in self._monitors for tag in monitor.tags)
        if not counted:
            return
        self.body.addWidget(caption(self.tr("Take off"), None, self))
        content = QWidget(self)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        for tag in sorted(counted, key=str.casefold):
            # A "&" of the tag's own is no mnemonic.
            shown = wording.plain(tag, 80).replace("&", "&&")
            box = QCheckBox(f"{shown} ({wording.monitors_counted(counted[tag])})", content)
            self.boxes[tag] = box
            column.addWidget(box)
        column.addStretch(1)
        self.body.addWidget(scrolling(content, self), 1)

    @Slot()
    def _on_edited(self) -> None:
        try:
            parse_tags(self.tags.text())
        except InvalidInput as exc:
            self.field.set_error(exc)
        else:
            self.field.set_error(None)
