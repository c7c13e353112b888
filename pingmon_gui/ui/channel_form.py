"""A channel: a webhook or an address of Apprise, with its test. What opens it is asked for and never shown again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from pingmon_gui.domain.alert_channel import MAX_GATHER_S, Channel, ChannelKind, ChannelSecret, new_channel_id
from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.ui import wording
from pingmon_gui.ui.form_dialog import Field, FormDialog, scrolling
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.run_card import Spawn

Test = Callable[[Channel, ChannelSecret | None], Awaitable[None]]
_CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain")


class ChannelForm(FormDialog):
    """Emits `submitted` with (channel, secret); the secret is None where the one it has stays."""

    def __init__(
        self, kind: ChannelKind, channel: Channel | None, test: Test, spawn: Spawn, parent: QWidget | None = None
    ) -> None:
        super().__init__("", "", parent)
        self._kind = kind
        self._channel = channel
        self._test = test
        self._spawn = spawn
        self._is_webhook = kind is ChannelKind.WEBHOOK
        what = self.tr("Webhook") if self._is_webhook else self.tr("Apprise")
        self.setWindowTitle(what if channel is None else wording.plain(channel.name, 60))
        self.accept_button.setText(self.tr("&Save"))
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeading)
        self._build()
        content = QWidget(self)
        content.setLayout(self._form)
        self._area = scrolling(content, self)
        self.body.addWidget(self._area, 1)
        self.test_button = QPushButton(self.tr("Send a &test"), self)
        self.test_button.setAutoDefault(False)
        self.test_button.clicked.connect(self.on_test)
        self.buttons.addButton(self.test_button, self.buttons.ButtonRole.ActionRole)
        self.resize(
            self.fontMetrics().averageCharWidth() * 80,
            self.fontMetrics().lineSpacing() * (38 if self._is_webhook else 20),
        )
        self.name.setFocus()

    def _build(self) -> None:
        channel = self._channel
        self.name = QLineEdit("" if channel is None else channel.name, self)
        self.name_field = self._row(self.tr("&Name"), self.name, self.tr("What rules and the log call it."))
        self.url = QLineEdit(self)
        self.url.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        if channel is not None:
            self.url.setPlaceholderText(self.tr("Unchanged (%1)").replace("%1", wording.plain(channel.shown, 60)))
        if self._is_webhook:
            help_text = self.tr("Alerts are sent there as JSON by POST. It is kept as a secret.")
        else:
            help_text = self.tr(
                "Such as mailto://user:password@example.org, slack://…, tgram://…, ntfy://topic. "
                "It is kept as a secret."
            )
        self.url_field = self._row(self.tr("&Address"), self.url, help_text)
        self.gather = QSpinBox(self)
        self.gather.setRange(0, MAX_GATHER_S)
        self.gather.setSuffix(self.tr(" s"))
        self.gather.setValue(10 if channel is None else channel.gather_s)
        self._row(
            self.tr("&Wait for others"),
            self.gather,
            self.tr("Alerts of one cause that come within this time are one message. 0 sends at once."),
        )
        if not self._is_webhook:
            return
        self.key = QLineEdit(self)
        self.key.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        self.key_field = self._row(
            self.tr("&Signing key"),
            self.key,
            self.tr("Optional. Signs each message, so that the receiver can trust it."),
        )
        self.headers = QPlainTextEdit(self)
        self.headers.setTabChangesFocus(True)
        self.headers.setFixedHeight(self.fontMetrics().lineSpacing() * 3 + 12)
        self.headers_field = self._row(
            self.tr("&Headers"), self.headers, self.tr("Optional, one a line, like Authorization: Bearer abc.")
        )
        self.content_type = QComboBox(self)
        self.content_type.addItems(_CONTENT_TYPES)
        self._row(self.tr("Content t&ype"), self.content_type, "")
        self.template = QPlainTextEdit("" if channel is None else channel.template, self)
        self.template.setTabChangesFocus(True)
        self.template.setMinimumHeight(self.fontMetrics().lineSpacing() * 5 + 12)
        self.template.setPlaceholderText('{"text": "{{title}}\\n{{text}}"}')
        self.template_field = self._row(
            self.tr("&Template"),
            self.template,
            self.tr("Optional. Gives the message another shape; {{title}} and {{text}} are put in. See the guide."),
        )
        if channel is not None:
            self.content_type.setCurrentText(channel.content_type)

    def _row(self, text: str, editor: QWidget, help_text: str) -> Field:
        field = Field(editor)
        field.set_help(help_text)
        label = caption(text, editor, self)
        editor.setAccessibleName(text.replace("&", ""))
        self._form.addRow(label, field)
        return field

    def read(self) -> tuple[Channel, ChannelSecret | None]:
        """Return what was typed. Raises InvalidInput, with the sentence at its field."""
        fields = [self.name_field, self.url_field]
        if self._is_webhook:
            fields += [self.headers_field, self.template_field]
        for field in fields:
            field.set_error(None)
        try:
            channel = Channel(
                id=new_channel_id() if self._channel is None else self._channel.id,
                kind=self._kind,
                name=" ".join(self.name.text().split()),
                shown="" if self._channel is None else self._channel.shown,
                is_enabled=True if self._channel is None else self._channel.is_enabled,
                gather_s=self.gather.value(),
                template=self.template.toPlainText().strip() if self._is_webhook else "",
                content_type=self.content_type.currentText() if self._is_webhook else _CONTENT_TYPES[0],
            )
        except InvalidInput as exc:
            self._point_to(self.name_field, exc)
            raise
        if channel.template:
            from pingmon_gui.alerting import check_template

            try:
                check_template(channel)
            except InvalidInput as exc:
                self._point_to(self.template_field, exc)
                raise
        return channel, self._read_secret()

    def _read_secret(self) -> ChannelSecret | None:
        url = self.url.text().strip()
        key = self.key.text() if self._is_webhook else ""
        headers = self._read_headers() if self._is_webhook else {}
        if url:
            return ChannelSecret(url, key, headers)
        if self._channel is None or key or headers:
            error = InvalidInput(
                self.tr("Enter the address.")
                if self._channel is None
                else self.tr("A new key or new headers need the address, too: it is not shown again.")
            )
            self._point_to(self.url_field, error)
            raise error
        return None

    def _read_headers(self) -> dict[str, str]:
        headers = {}
        for line in self.headers.toPlainText().splitlines():
            name, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon:
                error = InvalidInput(self.tr("A header is a name, a colon and a value."))
                self._point_to(self.headers_field, error)
                raise error
            headers[name.strip()] = value.strip()
        return headers

    def _point_to(self, field: Field, error: PingmonError) -> None:
        field.set_error(error)
        field.take_focus()
        self._area.ensureWidgetVisible(field)

    @Slot()
    def on_test(self) -> None:
        self.message.say("")
        try:
            channel, secret = self.read()
        except InvalidInput:
            return
        self._spawn(self._try(replace(channel, is_enabled=True), secret))

    async def _try(self, channel: Channel, secret: ChannelSecret | None) -> None:
        self.message.say(self.tr("Sending…"))
        with self.greyed(self.test_button):
            try:
                await self._test(channel, secret)
            except PingmonError as exc:
                if not self._is_closed:
                    self.show_problem(exc)
            else:
                if not self._is_closed:
                    self.message.say(self.tr("The test was delivered: look whether it arrived."))
