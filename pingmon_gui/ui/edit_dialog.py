"""Editing one domain, or what many domains have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.kind_target import like_of, place_of
from pingmon_gui.domain.monitor import Monitor, MonitorId, fitted
from pingmon_gui.domain.preference import Preferences, new_monitor_settings
from pingmon_gui.domain.target import Target, display_url, kind_of_text, parse_target
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field, FormDialog, scrolling
from pingmon_gui.ui.kind_fields import KindFields
from pingmon_gui.ui.monitor_form import MonitorForm, common_values, settings_values
from pingmon_gui.ui.plain_label import caption


class EditDialog(FormDialog):
    """Emits `submitted` with a tuple of the changed `Monitor`s, their version untouched; `before` is for undoing.

    With several monitors every field starts as "left as it is", and there is no address, name or tags:
    those are each domain's own (tags have a dialog for many).
    """

    def __init__(
        self,
        monitors: Sequence[Monitor],
        existing_urls: Collection[str],
        preferences: Preferences,
        known_tags: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", "", parent)
        self.before: dict[MonitorId, Monitor] = {monitor.id: monitor for monitor in monitors}
        self._monitors = tuple(monitors)
        self._only = monitors[0] if len(monitors) == 1 else None
        self._others = frozenset(existing_urls) - {monitor.url for monitor in monitors}
        self.accept_button.setText(self.tr("&Save"))
        defaults = new_monitor_settings(preferences)
        self.form = MonitorForm(
            defaults, known_tags, with_name_and_tags=self._only is not None, in_bulk=self._only is None
        )
        self.kinds = KindFields(self)
        self.address = QLineEdit(self)
        self.address_field = Field(self.address)
        if self._only is not None:
            self.setWindowTitle(self.tr("Edit %1").replace("%1", wording.plain(self._only.title, 80)))
            self._add_address(self._only)
            own = {"name": self._only.name, "tags": self._only.tags}
            self.form.set_values(settings_values(self._only.settings) | own)
            self._show_kind()
        else:
            self.setWindowTitle(self.tr("Edit %1").replace("%1", wording.monitors_counted(len(monitors))))
            self.kinds.hide()
            self.address_field.hide()
            note = QLabel(self.tr("Tick what is to be changed in all of them; the rest is left as it is."), self)
            note.setTextFormat(Qt.TextFormat.PlainText)
            note.setWordWrap(True)
            self.body.addWidget(note)
            self.form.set_values(common_values(monitors, defaults))
            likes = [like_of(monitor.url) for monitor in monitors]
            types = {like.record_type for like in likes}
            self.form.set_kinds(
                {like.kind for like in likes},
                has_tls=all(like.kind != "tcp" or like.is_tls for like in likes),
                record_type=types.pop() if len(types) == 1 else None,
            )
        self.body.addWidget(scrolling(self.form, self), 1)
        self.form.edited.connect(self._on_edited)
        wanted = QSize(self.fontMetrics().averageCharWidth() * 92, self.sizeHint().height() + 40)
        height = self.form.sizeHint().height() + self.address_field.sizeHint().height() + 110
        self.resize(wanted.expandedTo(QSize(0, height)).boundedTo(self.screen().availableSize() * 0.9))

    @Slot()
    def submit(self) -> None:
        if self.is_busy:
            return
        self.message.say("")
        target = self._read_address()
        values = self.form.check()
        wrong = self.address_field if self.address_field.has_error else None
        wrong = wrong or self.kinds.first_wrong() or self.form.first_wrong()
        if values is None or wrong is not None:
            if wrong is not None:
                wrong.take_focus()
            return
        try:
            changed = [self._changed(monitor, dict(values), target) for monitor in self._monitors]
        except InvalidInput as exc:
            self.show_problem(exc)
            return
        different = tuple(monitor for monitor in changed if monitor != self.before[monitor.id])
        if different:
            self.submitted.emit(different)
        else:
            self.accept()

    def _changed(self, monitor: Monitor, values: dict[str, Any], target: Target | None) -> Monitor:
        """Return the monitor with the form's values. Raises InvalidInput where they do not fit together."""
        own = {key: values.pop(key) for key in ("name", "tags") if key in values}
        if target is not None and target.basic_auth is not None:
            values["basic_auth"] = target.basic_auth
        url = monitor.url if target is None else target.url
        settings = fitted(replace(monitor.settings, **values), url)
        return replace(monitor, url=url, settings=settings, **own)

    def _add_address(self, monitor: Monitor) -> None:
        label = caption(self.tr("&Address"), self.address, self)
        self.address.setAccessibleName(self.tr("Address"))
        like = like_of(monitor.url)
        self.kinds.set_like(like)
        self.address.setText(monitor.url if like.kind == "http" else place_of(monitor.url))
        self.address.textChanged.connect(self._on_address_changed)
        self.kinds.edited.connect(self._on_kind_edited)
        self.body.addWidget(label)
        self.body.addWidget(self.address_field)
        self.body.addWidget(self.kinds)

    def _read_address(self) -> Target | None:
        """Return the address as it stands, None where there is none to edit or it is wrong (and marked)."""
        if self._only is None:
            return None
        try:
            target = parse_target(self.address.text(), self.kinds.like())
            if target.url in self._others:
                shown = wording.isolated(display_url(target.url))
                raise InvalidInput(self.tr("%1 is watched already.").replace("%1", shown))
        except InvalidInput as exc:
            # What is wrong with another field is said there.
            self.address_field.set_error(exc if self.kinds.first_wrong() is None else None)
            return None
        self.address_field.set_error(None)
        is_other = target.url != self._only.url
        warning = self.tr("Another address begins a new series; what was measured so far is kept and marked.")
        self.address_field.set_help(warning if is_other else "")
        return target

    @Slot()
    def _on_address_changed(self) -> None:
        kind = kind_of_text(self.address.text())
        self.kinds.set_spoken_for(kind is not None)
        target = self._read_address()
        if kind is not None and target is not None and like_of(target.url) != self.kinds.like():
            self.kinds.set_like(like_of(target.url))
            self._show_kind()

    @Slot()
    def _on_kind_edited(self) -> None:
        self._show_kind()
        text = self.address.text().strip()
        if kind_of_text(text) not in (None, self.kinds.chosen):
            # What it says is of the kind before; host and port are worth to be kept.
            self.address.setText(place_of(text))
        self._read_address()

    def _show_kind(self) -> None:
        like = self.kinds.like()
        self.form.set_kinds({like.kind}, has_tls=like.kind != "tcp" or like.is_tls, record_type=like.record_type)
        self.kinds.align_labels(self.form.label_width())

    @Slot()
    def _on_edited(self) -> None:
        self.message.say("")
