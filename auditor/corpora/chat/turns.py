"""Turns of a conversation, from the shapes in which fine-tuning data is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.core.errors import UsageError
from auditor.core.text import quoted
from auditor.corpora.reader import UnreadableCell

ASSISTANT, USER, SYSTEM, TOOL = "assistant", "user", "system", "tool"

# The names of ShareGPT exports and of instruction data, besides those of chat templates.
_ROLES = {
    "human": USER,
    "prompter": USER,
    "gpt": ASSISTANT,
    "chatgpt": ASSISTANT,
    "bot": ASSISTANT,
    "model": ASSISTANT,
    "observation": TOOL,
    "function_response": TOOL,
    "function": TOOL,
    "ipython": TOOL,
}
_KNOWN = (SYSTEM, "developer", USER, ASSISTANT, TOOL)
_CALLS = ("tool_calls", "function_call")
_REASONING = ("reasoning_content", "reasoning", "thinking")
_IN_TEXT = "Write it into the content as the model was trained on it, or leave such conversations out."


@dataclass(frozen=True, slots=True)
class Turn:
    """One message.

    Attributes:
        role: system, developer, user, assistant or tool.
        content: What it says.
        answer: Whether it is an answer that is scored.
    """

    role: str
    content: str
    answer: bool


def read_turns(value: object, where: str, what: str) -> tuple[Turn, ...]:
    """The turns in a list of messages.

    Args:
        value: A list of mappings with role and content (or from and value), a mapping of two such lists, or JSON of
            either.
        where: Position of the row, for messages.
        what: The column, for messages.

    Raises:
        UsageError: It is none of these; or a message cannot be rendered as text. No message holds text of the data.
    """
    messages = _listed(value, where, what)
    return tuple(_turn(message, f"{where}: message {number} of {what}") for number, message in enumerate(messages, 1))


def _listed(value: object, where: str, what: str) -> Sequence[object]:
    if isinstance(value, UnreadableCell):
        value = value.load()
    if value is None:
        return ()
    if isinstance(value, str):
        if not value.strip():
            return ()
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    # Sequences of structs are stored column by column by some versions of the datasets library.
    if isinstance(value, Mapping) and value and all(isinstance(column, list) for column in value.values()):
        columns = [column for column in value.values() if isinstance(column, list)]
        if len({len(column) for column in columns}) == 1:
            value = [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    if not isinstance(value, list):
        raise UsageError(
            f"{where}: {what} holds no list of messages",
            hint='A conversation is written as [{"role": "user", "content": "..."}, ...]; text goes into a column of '
            "its own, named by --text-column.",
        )
    return value


def _turn(message: object, where: str) -> Turn:
    if not isinstance(message, Mapping):
        raise UsageError(f"{where}: not an object with role and content", hint="Write each message as an object.")
    # A table that has both pairs of names holds nulls under one of them.
    role = _role(message.get("role") or message.get("from"), where)
    for name in (*_CALLS, *_REASONING):
        if message.get(name):
            raise UsageError(f"{where}: it has {name!r}, which is not rendered", hint=_IN_TEXT)
    written = message.get("content")
    content = _content(message.get("value") if written is None else written, where)
    trained = message.get("weight") != 0
    return Turn(role, content, role == ASSISTANT and trained)


def _role(role: object, where: str) -> str:
    if not isinstance(role, str):
        raise UsageError(
            f"{where}: it has no role", hint="Give every message `role` and `content`, or `from` and `value`."
        )
    known = _ROLES.get(role.strip().lower(), role.strip().lower())
    if known == "function_call":
        raise UsageError(f"{where}: a function call, which is not rendered", hint=_IN_TEXT)
    if known not in _KNOWN:
        raise UsageError(
            f"{where}: the role {quoted(role)} is not known",
            hint=f"Use one of {', '.join(_KNOWN)}, or of {', '.join(_ROLES)}.",
        )
    return known


def _content(content: object, where: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_part(part, where) for part in content)
    raise UsageError(
        f"{where}: its content is a value of type {type(content).__name__}, not text",
        hint="Content is text, or a list of parts with `type` and `text`.",
    )


def _part(part: object, where: str) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, Mapping) else type(part).__name__
    text = part.get("text") if isinstance(part, Mapping) else None
    if kind in ("text", "input_text", "output_text") and isinstance(text, str):
        return text
    raise UsageError(
        f"{where}: its content has a part of type {quoted(str(kind))}, and only text can be scored",
        hint="Leave conversations with images, sound or other attachments out.",
    )
