"""Asks a server whether it would take a key (RFC 4252, section 7). paramiko never does: it signs at once.

So nobody types the passphrase of a key, or touches a token, that the host would refuse anyway. It stands on paramiko's
inner workings (5.x), and `tests/provision/test_ssh_login.py` says when those change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import MSG_USERAUTH_INFO_REQUEST, cMSG_USERAUTH_REQUEST
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType


class KeyQuestion(AuthHandler):
    """One question; `transport.auth_handler` has to be this object while it is asked."""

    def __init__(self, transport: paramiko.Transport) -> None:
        super().__init__(transport)
        self._algorithm = ""
        self._blob = b""
        self._is_taken = False

    def is_taken(self, username: str, key_type: str, blob: bytes) -> bool:
        """Return whether a key with this public half may log in. Raises as paramiko's own attempts do."""
        self._algorithm, self._blob = self._finalize_pubkey_algorithm(key_type), blob  # type: ignore[attr-defined]
        answered = threading.Event()
        with self.transport.lock:
            self.auth_event = answered
            self.auth_method = "publickey"
            self.username = username
            self._request_auth()  # type: ignore[attr-defined]
        try:
            self.wait_for_response(answered)
        except BadAuthenticationType:
            raise
        except AuthenticationException:
            if not self.transport.is_active():
                raise
        return self._is_taken

    def _parse_service_accept(self, message: paramiko.Message) -> None:
        message.get_text()
        request = paramiko.Message()
        request.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (self.username, "ssh-connection", "publickey"):
            request.add_string(text or "")
        request.add_boolean(False)
        request.add_string(self._algorithm)
        request.add_string(self._blob)
        self.transport._send_message(request)  # type: ignore[attr-defined]

    @property
    def _client_handler_table(self) -> dict[int, Callable[[paramiko.Message], None]]:
        # SSH_MSG_USERAUTH_PK_OK has the number of the host's questions.
        table = super()._client_handler_table  # type: ignore[misc]
        return {**table, MSG_USERAUTH_INFO_REQUEST: self._parse_taken}

    def _parse_taken(self, _message: paramiko.Message) -> None:
        self._is_taken = True
        if self.auth_event is not None:
            self.auth_event.set()
