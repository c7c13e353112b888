"""Known causes of failure, safe to show to a person. Anything else that is raised is a bug of ours.

PingmonError
+- InvalidInput            what the user typed; raised where it was typed
+- SettingsError           a setting that cannot be read or does not fit
+- StorageError            the data folder or its database
|  +- StorageTooNew  +- StorageCorrupt  +- StorageFull  +- StorageReadOnly
+- DataFolderBusy          another process owns the data folder
+- ProbeError              a probe; says nothing about any target
   +- ProbeUnreachable  +- ProbeUnauthorised  +- ProbeVersionMismatch  +- ProbeOverloaded  +- ProbeOwned
   +- RevisionTooLow
+- ProvisionError          setting a probe up on a host; names the host, the step and the transcript
   +- SshUnreachable  +- AuthFailed  +- HostKeyUnknown  +- HostKeyChanged
   +- PreflightFailed  +- StepFailed  +- HealthCheckFailed
+- ChannelError            an alert could not be delivered by a channel
+- RegistryError           a registry of domains' names did not answer
UserCancelled              not an error: unwinds quietly
"""

from __future__ import annotations


class PingmonError(Exception):
    """A known cause. `str()` is a sentence that says what is wrong; `hint` says what to do next."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(PingmonError):
    """Something the user typed cannot be used as it is."""


class SettingsError(PingmonError):
    """A setting is missing, unknown or out of its range."""


class StorageError(PingmonError):
    """The data folder or the database in it cannot be used."""


class StorageTooNew(StorageError):
    """The database was written by a newer version of Pingmon."""


class StorageCorrupt(StorageError):
    """The database is damaged; it was kept aside."""


class StorageFull(StorageError):
    """The disk has no room left."""


class StorageReadOnly(StorageError):
    """The data folder or the database cannot be written."""


class DataFolderBusy(PingmonError):
    """Another process owns the data folder. `pid` is its process id, None if it cannot be told."""

    def __init__(self, message: str, hint: str | None = None, pid: int | None = None) -> None:
        super().__init__(message, hint)
        self.pid = pid


class ProbeError(PingmonError):
    """A probe did not do what was asked. It is never a statement about a target."""


class ProbeUnreachable(ProbeError):
    """No answer from the probe: what it watches is unknown, not offline."""


class ProbeUnauthorised(ProbeError):
    """The probe refused the token."""


class ProbeVersionMismatch(ProbeError):
    """App and probe have no protocol version in common, or the probe lacks a feature."""


class ProbeOverloaded(ProbeError):
    """The probe is at its limits."""


class ProbeOwned(ProbeError):
    """The probe serves another owner; it has to be taken over first."""


class RevisionTooLow(ProbeError):
    """The probe has a newer plan of the same owner, at revision `current`."""

    def __init__(self, message: str, current: int) -> None:
        super().__init__(message)
        self.current = current


class ProvisionError(PingmonError):
    """Setting up, changing or removing a probe on a host failed.

    `host` is the host as the user knows it, `step` the name of the step that failed ("" before the first),
    `transcript` the lines of what was done and answered, without secrets.
    """

    def __init__(
        self, message: str, hint: str | None = None, *, host: str = "", step: str = "", transcript: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint)
        self.host = host
        self.step = step
        self.transcript = transcript


class SshUnreachable(ProvisionError):
    """No SSH server answered, or the connection broke off."""


class AuthFailed(ProvisionError):
    """The SSH server, or sudo, did not accept who we are."""


class HostKeyUnknown(ProvisionError):
    """The host's key was never seen, and nobody confirmed it."""


class HostKeyChanged(ProvisionError):
    """The host showed another key than before: a hard stop."""


class PreflightFailed(ProvisionError):
    """The host lacks something a probe needs; nothing was changed there."""


class StepFailed(ProvisionError):
    """A step could not be carried out; what was done was undone."""


class HealthCheckFailed(ProvisionError):
    """The probe was set up, but does not answer on the way that would be used."""


class ChannelError(PingmonError):
    """A channel did not deliver an alert.

    `is_refusal`: the receiver does not want it as it is, so that trying often makes no sense; `is_absent`: what would
    take it is not here, which is nobody's fault; `wait_s` is how long the receiver asks to be left alone.
    """

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        is_refusal: bool = False,
        is_absent: bool = False,
        wait_s: float = 0.0,
    ) -> None:
        super().__init__(message, hint)
        self.is_refusal = is_refusal
        self.is_absent = is_absent
        self.wait_s = wait_s


class RegistryError(PingmonError):
    """A registry did not answer; it says nothing about the name.

    `server` is the host to leave alone, "" where it was the list of registries; `wait_ms` is for how long it asks that.
    `is_asked`: the question may have reached it.
    """

    def __init__(self, message: str, *, server: str = "", is_asked: bool = True, wait_ms: int = 0) -> None:
        super().__init__(message)
        self.server = server
        self.is_asked = is_asked
        self.wait_ms = wait_ms


class UserCancelled(Exception):
    """The user changed their mind. Unwinds without a message."""
