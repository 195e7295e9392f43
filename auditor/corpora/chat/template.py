"""ChatTemplate: Jinja of unknown origin, rendered in a process of its own that can be ended.

A template comes with a model and is as hostile as any file. What it may reach is bounded by the sandbox
(`auditor.corpora.chat.sandbox`). What it may use is bounded by the operating system, since no list of harmless
operations is ever whole: processor time, from the compilation on, and memory.
"""

from __future__ import annotations

import datetime
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from auditor.core.errors import UsageError
from auditor.core.text import shorten, visible
from auditor.corpora.chat.process import EndedError, ask

DATE = datetime.datetime(2024, 7, 26, tzinfo=datetime.UTC)
"""What `strftime_now` gives: the date that templates fall back to themselves, as today's would change the text."""

GENERATION_START, GENERATION_END = "\ufdd3", "\ufdd4"
"""Around what a template's own `generation` blocks hold; these code points are never characters."""

MOST_SOURCE = 2**18
MOST_SECONDS = 10.0
MOST_MEMORY = 2**31
# Each rendering adds these to what is left of the seconds, so that many slow ones do not add up to a run without end.
_SECONDS_EACH, _SECONDS_A_CHARACTER = 0.02, 1e-6
_ANOTHER = "Name another one with --chat-template."


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: The Jinja source.
        origin: Where it is from, for messages.

    Raises:
        UsageError: It is too long or no Jinja that is allowed here.

    Attributes:
        dated: Whether a rendering so far read the date.
    """

    def __init__(self, source: str, origin: str) -> None:
        if len(source) > MOST_SOURCE:
            raise UsageError(f"the chat template of {origin} is longer than {MOST_SOURCE // 2**10} KiB", hint=_ANOTHER)
        self.source, self.origin = source, origin
        self.dated = False
        self._seconds = MOST_SECONDS
        answer = self._ask({}, 0, "")
        if "text" not in answer:
            line = f" (line {answer['line']})" if "line" in answer else ""
            reason = visible(shorten(str(answer.get("reason", _TOO_MUCH.get(answer["kind"], answer["kind"]))), 160))
            raise UsageError(f"the chat template of {origin} cannot be used: {reason}{line}", hint=_ANOTHER)

    def render(self, messages: Sequence[Mapping[str, str]], tokens: Mapping[str, str], where: str) -> str:
        """Render a conversation; no generation prompt, no tools.

        Args:
            messages: Role and content of each turn.
            tokens: Special tokens of the tokenizer by name, such as `bos_token`.
            where: Position of the conversation, for messages.

        Raises:
            UsageError: The template refuses it or fails. A message quotes the template and never the conversation.
        """
        size = sum(len(text) for message in messages for text in message.values())
        names = {"messages": [dict(message) for message in messages], "tokens": dict(tokens)}
        answer = self._ask({**names, "most": MOST_SOURCE + 16 * size}, size, f"{where}: ")
        if "text" in answer:
            self.dated = self.dated or bool(answer["dated"])
            return str(answer["text"])
        if answer["kind"] == "refused":
            # The reason may be made of the conversation: it is quoted where it stands in the template as it is.
            reason = str(answer["reason"])
            shown = f": {visible(shorten(reason, 160))}" if reason and reason in self.source else ""
            raise UsageError(
                f"{where}: the chat template of {self.origin} refuses the conversation{shown}",
                hint="Leave such conversations out, or name another template with --chat-template.",
            )
        if answer["kind"] in _TOO_MUCH:
            raise self._refused(f"{where}: ", _TOO_MUCH[answer["kind"]])
        raise UsageError(
            f"{where}: the chat template of {self.origin} fails on the conversation ({answer['kind']})",
            hint="Check the template, or name another one with --chat-template.",
        )

    def _ask(self, request: dict[str, Any], size: int, where: str) -> dict[str, Any]:
        seconds = self._seconds + size * _SECONDS_A_CHARACTER
        try:
            answer = ask({"source": self.source, "seconds": seconds, "memory": MOST_MEMORY, **request})
        except EndedError as ended:
            raise self._refused(where, _reason(ended.code)) from None
        self._seconds = min(MOST_SECONDS, max(0.0, seconds - answer["seconds"]) + _SECONDS_EACH)
        return answer

    def _refused(self, where: str, reason: str) -> UsageError:
        return UsageError(f"{where}the chat template of {self.origin} is refused: {reason}", hint=_ANOTHER)


_TOO_MUCH = {
    "SecurityError": "it reaches for what the sandbox refuses",
    "memory": f"it needs more than {MOST_MEMORY // 2**30} GiB of memory",
    "long": f"it writes more than {MOST_SOURCE // 2**10} Ki characters and 16 times what the conversation holds",
}


def _reason(code: int) -> str:
    if code == -getattr(signal, "SIGPROF", 0):
        return f"it takes more than {MOST_SECONDS:g} seconds of processor time"
    return f"the process that renders it ended with exit code {code}"
