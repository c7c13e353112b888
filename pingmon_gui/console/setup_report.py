"""What a setup tells on stderr while it goes on: a line for each step that ends, the transcript where one fails."""

from __future__ import annotations

from pingmon_gui.console import output
from pingmon_gui.domain.error import PingmonError, ProvisionError
from pingmon_gui.provision.progress import StepProgress, StepState, TranscriptLine

_WORDS = {
    StepState.DONE: "done",
    StepState.UNCHANGED: "nothing to do",
    StepState.PLANNED: "would be done",
    StepState.FAILED: "FAILED",
    StepState.UNDONE: "undone",
}


class SetupReport:
    """A listener. With several hosts at once every line begins with its host; `is_debug` shows all that is run.

    Attributes:
        planned: what a dry run found, by host: each step with its title and state, in order.
    """

    def __init__(self, *, is_many: bool, is_debug: bool) -> None:
        self.planned: dict[str, list[dict[str, str]]] = {}
        self._is_many = is_many
        self._is_debug = is_debug

    def __call__(self, event: StepProgress | TranscriptLine) -> None:
        if isinstance(event, TranscriptLine):
            if self._is_debug:
                self._say(event.host, f"    {event.text}")
            return
        if event.state in (StepState.PLANNED, StepState.UNCHANGED):
            step = {"step": event.step, "title": event.title, "state": event.state.value}
            self.planned.setdefault(event.host, []).append(step)
        word = _WORDS.get(event.state)
        if word is not None:
            detail = f" ({event.detail})" if event.detail else ""
            self._say(event.host, f"  {event.title} … {word}{detail}")

    def complain(self, cause: PingmonError) -> None:
        """Say why one host failed, what to do, and what was run there."""
        self.show_transcript(cause)
        host = cause.host if isinstance(cause, ProvisionError) else ""
        hint = f" {cause.hint}" if cause.hint else ""
        self._say(host, f"{cause.message}{hint}")

    def show_transcript(self, cause: PingmonError) -> None:
        if isinstance(cause, ProvisionError) and cause.transcript and not self._is_debug:
            self._say(cause.host, "What was run there:")
            for line in cause.transcript:
                self._say(cause.host, f"    {line}")

    def _say(self, host: str, text: str) -> None:
        output.say(f"{host}: {text.strip()}" if self._is_many and host else text)
