"""The talk before TLS in protocols where it begins in the middle: what is said, and what has to be answered.

Each dialogue is fed what the server says and tells what to say next; it does no I/O. Source: RFC 3207 (SMTP),
RFC 2595 and RFC 9051 (IMAP), RFC 2595 (POP3), RFC 4217 (FTP), RFC 4511 section 4.14 (LDAP), PostgreSQL's
"Message Flow", section SSL Session Encryption.
"""

from __future__ import annotations

from typing import Callable, Dict, Optional, Tuple

#: Longest line and whole talk that is listened to; greetings and capabilities are far below.
MAX_LINE_BYTES = 8 * 1024
MAX_TALK_BYTES = 64 * 1024
#: How the probe names itself to mail servers: a name that nobody has (RFC 6761).
OWN_NAME = "pingmon.invalid"


class TalkError(ValueError):
    """TLS does not begin. `failure` is the class; the message continues "HOST ..."."""

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class Talk:
    """One dialogue. `is_ready` turns true when TLS may begin; nothing may stand behind that moment."""

    #: What is said inside TLS before the connection is closed, so that the server does not call it lost.
    goodbye = b""

    def __init__(self) -> None:
        self.is_ready = False
        self._heard = b""
        self._bytes = 0

    def first(self) -> bytes:
        """Return what the client says first; nothing where the server begins."""
        return b""

    def feed(self, data: bytes) -> bytes:
        """Take what the server said and return what to say. Raises TalkError."""
        self._bytes += len(data)
        self._heard += data
        if self._bytes > MAX_TALK_BYTES:
            raise TalkError("protocol", "says too much before TLS begins")
        said = self._take()
        if self.is_ready and self._heard:
            # Whoever sits in between could have put it there (CVE-2011-0411).
            raise TalkError("protocol", "says more before TLS begins than it may")
        return said

    def _take(self) -> bytes:
        raise NotImplementedError


class LineTalk(Talk):
    """A dialogue of lines; subclasses take them one by one."""

    def _take(self) -> bytes:
        said = b""
        while not self.is_ready:
            line, end, rest = self._heard.partition(b"\n")
            if len(line) > MAX_LINE_BYTES:
                raise TalkError("protocol", "sends a line that does not end")
            if not end:
                break
            self._heard = rest
            said += self._take_line(line.rstrip(b"\r"))
        return said

    def _take_line(self, line: bytes) -> bytes:
        raise NotImplementedError


class ReplyTalk(LineTalk):
    """SMTP and FTP: replies of a three-digit code, over one line or several (RFC 5321 4.2, RFC 959 4.2)."""

    #: The codes to wait for, each with what is said then. The last one makes it ready.
    steps: Tuple[Tuple[str, bytes], ...] = ()
    goodbye = b"QUIT\r\n"
    is_every_line_coded = True

    def __init__(self) -> None:
        super().__init__()
        self._step = 0
        self._open: Optional[str] = None
        self._offers_tls = False

    def _take_line(self, line: bytes) -> bytes:
        text = line.decode("latin-1")
        code, sign = text[:3], text[3:4]
        if self._open is not None and not self.is_every_line_coded and not (code == self._open and sign == " "):
            return b""
        if not (code.isascii() and code.isdigit() and sign in ("", " ", "-")) or self._open not in (None, code):
            raise TalkError("protocol", f"says {quoted(text)}, which is no reply of this protocol")
        if text[4:].strip().upper() == "STARTTLS":
            self._offers_tls = True
        if sign == "-":
            self._open = code
            return b""
        self._open = None
        wanted, say = self.steps[self._step]
        if code != wanted:
            raise self._refused(text)
        self._step += 1
        self.is_ready = self._step == len(self.steps)
        return say

    def _refused(self, text: str) -> TalkError:
        if self._step == 0:
            return TalkError("protocol", f"greets with {quoted(text)}")
        return TalkError("tls_handshake", f"refuses to begin TLS: {quoted(text)}")


class SmtpTalk(ReplyTalk):
    """EHLO, then STARTTLS if it is offered."""

    steps = (("220", f"EHLO {OWN_NAME}\r\n".encode("ascii")), ("250", b"STARTTLS\r\n"), ("220", b""))

    def _take_line(self, line: bytes) -> bytes:
        said = super()._take_line(line)
        if self._step == 2 and said and not self._offers_tls:
            raise TalkError("tls_handshake", "does not offer STARTTLS")
        return said


class FtpTalk(ReplyTalk):
    """AUTH TLS right after the greeting."""

    steps = (("220", b"AUTH TLS\r\n"), ("234", b""))
    is_every_line_coded = False


class ImapTalk(LineTalk):
    """STARTTLS right after the greeting; untagged lines in between say nothing to us."""

    goodbye = b"b LOGOUT\r\n"

    def __init__(self) -> None:
        super().__init__()
        self._is_greeted = False

    def _take_line(self, line: bytes) -> bytes:
        text = line.decode("latin-1")
        words = text.upper().split(None, 2)
        if not self._is_greeted:
            if words[:2] != ["*", "OK"]:
                raise TalkError("protocol", f"greets with {quoted(text)}")
            self._is_greeted = True
            return b"a STARTTLS\r\n"
        if words[:1] == ["A"]:
            if words[1:2] != ["OK"]:
                raise TalkError("tls_handshake", f"refuses to begin TLS: {quoted(text)}")
            self.is_ready = True
        elif words[:2] == ["*", "BYE"] or words[:1] not in (["*"], ["+"]):
            raise TalkError("protocol", f"says {quoted(text)}, which is no reply of this protocol")
        return b""


class Pop3Talk(LineTalk):
    """STLS right after the greeting."""

    goodbye = b"QUIT\r\n"

    def __init__(self) -> None:
        super().__init__()
        self._is_greeted = False

    def _take_line(self, line: bytes) -> bytes:
        text = line.decode("latin-1")
        is_good = text.upper().startswith("+OK")
        if not is_good and self._is_greeted and text.upper().startswith("-ERR"):
            raise TalkError("tls_handshake", f"refuses to begin TLS: {quoted(text)}")
        if not is_good:
            raise TalkError("protocol", f"greets with {quoted(text)}")
        self.is_ready = self._is_greeted
        said = b"" if self._is_greeted else b"STLS\r\n"
        self._is_greeted = True
        return said


class PostgresTalk(Talk):
    """The request for encryption, which is answered by one letter."""

    def first(self) -> bytes:
        return bytes.fromhex("0000000804d2162f")

    def _take(self) -> bytes:
        letter, self._heard = self._heard[:1], self._heard[1:]
        if letter == b"S":
            self.is_ready = True
        elif letter == b"N":
            raise TalkError("tls_handshake", "does not offer TLS")
        elif letter:
            raise TalkError("protocol", "answers the request for TLS with something else than S or N")
        return b""


class LdapTalk(Talk):
    """The extended operation StartTLS, and its answer in BER."""

    goodbye = bytes.fromhex("30050201024200")  # message 2: unbind

    def first(self) -> bytes:
        oid = b"1.3.6.1.4.1.1466.20037"
        operation = bytes((0x77, len(oid) + 2, 0x80, len(oid))) + oid
        return bytes((0x30, len(operation) + 3, 2, 1, 1)) + operation

    def _take(self) -> bytes:
        message = self._element(self._heard, 0x30)
        if message is None:
            return b""
        content, self._heard = message
        try:
            number = self._required(content, 0x02)
            answer = self._required(number[1], 0x78)
            result = self._required(answer[0], 0x0A)
        except IndexError as exc:
            raise self._unreadable() from exc
        if number[0] != b"\x01":
            raise self._unreadable()
        if result[0] != b"\0":
            raise TalkError("tls_handshake", f"refuses to begin TLS (result {int.from_bytes(result[0][:4], 'big')})")
        self.is_ready = True
        return b""

    def _required(self, data: bytes, tag: int) -> Tuple[bytes, bytes]:
        found = self._element(data, tag)
        if found is None:
            raise self._unreadable()
        return found

    def _element(self, data: bytes, tag: int) -> Optional[Tuple[bytes, bytes]]:
        """Return (content, what follows) of an element of BER, None while it is not whole."""
        if data and data[0] != tag:
            raise self._unreadable()
        if len(data) < 2:
            return None
        length, start = data[1], 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise self._unreadable()
            if len(data) < 2 + count:
                return None
            length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
        if length > MAX_LINE_BYTES:
            raise self._unreadable()
        if len(data) < start + length:
            return None
        return data[start : start + length], data[start + length :]

    @staticmethod
    def _unreadable() -> TalkError:
        return TalkError("protocol", "answers the request for TLS with something that is not LDAP")


def quoted(text: str) -> str:
    """Return what a server said, as it may stand in a sentence."""
    clean = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:100])
    return f"“{clean}”" if clean else "an empty line"


TALKS: Dict[str, Callable[[], Talk]] = {
    "smtp": SmtpTalk,
    "imap": ImapTalk,
    "pop3": Pop3Talk,
    "ftp": FtpTalk,
    "ldap": LdapTalk,
    "postgres": PostgresTalk,
}
