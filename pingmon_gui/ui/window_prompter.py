"""Questions of a run, asked in the window where the run is shown: host key, passphrase, password, sudo, yes or no.

A question is a future: the run waits for it and everything else goes on. Nothing that was typed is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QFontDatabase, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QCheckBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from pingmon_gui.domain.error import UserCancelled
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.ui import wording
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.theme import current, scaled_font


class WindowPrompter(QWidget):
    """Implements `provision.prompt.Prompter`. Hidden while nothing is asked; one question at a time.

    Esc in it is "no". It takes the focus only from where nobody is typing, so that no letter ends up in it that was
    meant for elsewhere.
    """

    def __init__(self, parent: QWidget | None = None, on_asked: Callable[[], None] | None = None) -> None:
        super().__init__(parent)
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[bool] | None = None
        self._on_asked = on_asked
        #: Where the focus goes when a question that had it was answered.
        self.focus_after: QWidget | None = None
        self.title = PlainLabel(self)
        self.title.setFont(scaled_font(1.0, weight=self.title.font().Weight.DemiBold))
        self.detail = PlainLabel(self)
        self.code = PlainLabel(self)
        self.code.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.line = QLineEdit(self)
        self.line.setEchoMode(QLineEdit.EchoMode.Password)
        self.line.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoAutoUppercase
            | Qt.InputMethodHint.ImhNoPredictiveText
        )
        self.show_box = QCheckBox(self.tr("Sho&w what I type"), self)
        self.note = PlainLabel(self)
        self.note.setText(self.tr("It is kept in memory until this is done, and stored nowhere."))
        self.yes = QPushButton(self)
        self.no = QPushButton(self)
        for button in (self.yes, self.no):
            button.setAutoDefault(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.no)
        buttons.addWidget(self.yes)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        for part in (self.title, self.detail, self.code, self.line, self.show_box, self.note):
            column.addWidget(part)
        column.addLayout(buttons)
        self.yes.clicked.connect(self.on_yes)
        self.no.clicked.connect(self.on_no)
        self.show_box.toggled.connect(self.on_show_toggled)
        self.hide()

    @property
    def is_asking(self) -> bool:
        return self._answer is not None

    # What a run asks

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Show the fingerprint and return whether the person trusts it; the careful answer has the focus."""
        title = self.tr("%1 was never seen before. Is this its key?").replace("%1", wording.isolated(host))
        detail = self.tr(
            "Compare the fingerprint with the one that the provider of the host shows, or with what "
            "“ssh-keygen -lf /etc/ssh/ssh_host_%1_key.pub” says on its console. "
            "If they differ, somebody may be listening."
        )
        async with self._turn:
            self._set(title, detail.replace("%1", _file_word(key_type)), self.tr("&Trust this key"), self.tr("&Stop"))
            self.code.setText(f"{wording.plain(key_type, 40)}  {wording.plain(fingerprint, 100)}")
            self.code.setAccessibleName(self.tr("Fingerprint: %1").replace("%1", wording.plain(fingerprint, 100)))
            self.code.show()
            return await self._ask(self.no)

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        """Return what the person types, unseen unless they wish. Raises UserCancelled."""
        async with self._turn:
            detail = self._of_secret(kind).replace("%1", wording.isolated(host))
            self._set(_sentence(question), detail, self.tr("&OK"), self.tr("&Stop"))
            self.line.setAccessibleName(_sentence(question))
            self.line.setAccessibleDescription(detail)
            for part in (self.line, self.show_box, self.note):
                part.show()
            try:
                if not await self._ask(self.line):
                    raise UserCancelled
                return self.line.text()
            finally:
                self.line.clear()
                self.line.setModified(False)
                self.show_box.setChecked(False)

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        """Return whether the person says yes."""
        async with self._turn:
            self._set(_sentence(question), _sentence(detail), self.tr("&Yes"), self.tr("&No"))
            return await self._ask(self.no)

    # How it is done

    def _of_secret(self, kind: SecretKind) -> str:
        match kind:
            case SecretKind.PASSPHRASE:
                return self.tr("The private key for %1 is encrypted.")
            case SecretKind.PASSWORD:
                return self.tr("%1 asks for the password of this login.")
            case SecretKind.ANSWER:
                return self.tr("%1 asks this when somebody logs in.")
            case SecretKind.SUDO:
                return self.tr("sudo on %1 asks for the password of this login.")

    def _set(self, title: str, detail: str, yes: str, no: str) -> None:
        self.title.setText(title)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))
        self.yes.setText(yes)
        self.no.setText(no)
        for part in (self.code, self.line, self.show_box, self.note):
            part.hide()

    async def _ask(self, first: QWidget) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self.setAccessibleName(self.title.text())
        self.yes.setDefault(first is self.line)
        self.show()
        if self._on_asked is not None:
            self._on_asked()
        if not isinstance(QApplication.focusWidget(), QLineEdit):
            first.setFocus(Qt.FocusReason.OtherFocusReason)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        try:
            return await answer
        finally:
            self._answer = None
            focus = QApplication.focusWidget()
            had_focus = focus is not None and self.isAncestorOf(focus)
            self.hide()
            if had_focus and self.focus_after is not None:
                self.focus_after.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def on_yes(self) -> None:
        self._reply(True)

    @Slot()
    def on_no(self) -> None:
        self._reply(False)

    def _reply(self, is_yes: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(is_yes)

    @Slot(bool)
    def on_show_toggled(self, is_shown: bool) -> None:
        self.line.setEchoMode(QLineEdit.EchoMode.Normal if is_shown else QLineEdit.EchoMode.Password)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.is_asking:
            self._reply(False)
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.line.hasFocus():
            self._reply(True)
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.accent), 1.4))
        painter.setBrush(QColor(theme.base))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 7, 7)


def _sentence(text: str) -> str:
    return wording.plain(wording.translate("Sentence", text))


def _file_word(key_type: str) -> str:
    """Return the word for a key type in the name of sshd's key files."""
    if key_type.startswith("ecdsa"):
        return "ecdsa"
    return "rsa" if "rsa" in key_type else "ed25519"
