"""Conversations as text, with the place of every turn in it.

Where a turn is cannot be searched for: the same words may stand in two turns. The conversation is therefore rendered a
second time with marks around the content of each turn, which are code points that no text may hold. Without its marks
the second rendering must be the first to the last character; then the marks say where each content went, whatever the
template puts around it and whichever parts it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.core.errors import UsageError
from auditor.corpora.chat.formats import ChatFormat
from auditor.corpora.chat.shapes import Conversation
from auditor.corpora.chat.template import GENERATION_END, GENERATION_START
from auditor.corpora.chat.turns import ASSISTANT, Turn
from auditor.signals.views import Span

_OPEN, _NUMBERED, _CLOSE = "\ufdd0", "\ufdd1", "\ufdd2"
_DIGITS = "\ufde0\ufde1\ufde2\ufde3\ufde4\ufde5\ufde6\ufde7\ufde8\ufde9"
_MARK = re.compile(f"{_OPEN}([{_DIGITS}]+){_NUMBERED}|{_CLOSE}|{GENERATION_START}|{GENERATION_END}")
_RESERVED = re.compile("[\ufdd0-\ufdef]")
# Templates take contents apart at these, and drop the reasoning of earlier turns.
_TAGS = re.compile(r"(</?(?:think|thinking|reasoning|tool_call|tool_response)>)")
_SYSTEM_ROLES = ("system", "developer")
ANOTHER = "Name another template with --chat-template, or score everything with --score all."


@dataclass(frozen=True, slots=True)
class RenderedChat:
    """A conversation as text.

    Attributes:
        text: What a model reads.
        spans: The answers; None where everything is scored.
        turns: The contents of the turns, without system prompts.
    """

    text: str
    spans: tuple[Span, ...] | None
    turns: tuple[Span, ...]


def render_conversation(conversation: Conversation, chat: ChatFormat) -> RenderedChat | None:
    """Render a conversation.

    Args:
        conversation: Its turns.
        chat: The template, and what is scored.

    Returns:
        None where nothing is to be scored: no turn, or no answer with any text in it.

    Raises:
        UsageError: It cannot be rendered, or the answers cannot be found in the rendering.
    """
    turns, where = conversation.turns, conversation.where
    if not any(turn.content.strip() for turn in turns if turn.answer or chat.score == "all"):
        return None
    for turn in turns:
        if _RESERVED.search(turn.content):
            raise UsageError(
                f"{where}: a turn holds one of the code points U+FDD0 to U+FDEF, which are not characters",
                hint="Remove them; text never needs them.",
            )
    if chat.template is None:
        return _joined(conversation, chat)
    plain = chat.compiled.render(_messages(turns, [turn.content for turn in turns]), chat.tokens, where)
    pieces: list[tuple[int, str]] = []
    marked = [_marked(turn.content, number, pieces) for number, turn in enumerate(turns)]
    found = _read_marks(chat.compiled.render(_messages(turns, marked), chat.tokens, where), pieces)
    text = "".join(character for character in plain if character not in (GENERATION_START, GENERATION_END))
    if chat.score == "all" and found.text != text:
        return RenderedChat(text, None, ((0, len(text)),))
    if found.text != text:
        raise UsageError(
            f"{where}: the chat template of {chat.origin} rewrites what the turns say, so the answers cannot be told "
            "from the rest",
            hint=ANOTHER,
        )
    _require_all(turns, found, where, chat)
    own = tuple(span for number, span in found.turns if turns[number].role not in _SYSTEM_ROLES)
    if chat.score == "all":
        return RenderedChat(text, None, own)
    trained = all(turn.answer for turn in turns if turn.role == ASSISTANT)
    spans = found.generated if found.generated and trained else _answers(turns, found)
    return RenderedChat(text, spans, own) if spans else None


def _joined(conversation: Conversation, chat: ChatFormat) -> RenderedChat:
    """A pair without a template: the prompt, then the answer; a system prompt before both."""
    if conversation.gap is None:
        raise UsageError(
            f"{conversation.where}: a conversation needs a chat template, and {chat.origin}",
            hint="Name a Jinja file with --chat-template, such as the chat_template.jinja of the model it was tuned "
            "with.",
        )
    text, places = "", []
    for turn in conversation.turns:
        gap = "\n\n" if turn.role in _SYSTEM_ROLES else conversation.gap
        places.append((len(text), len(text) + len(turn.content)))
        text += turn.content + ("" if turn is conversation.turns[-1] else gap)
    own = tuple(
        place
        for turn, place in zip(conversation.turns, places, strict=True)
        if turn.role not in _SYSTEM_ROLES and place[0] < place[1]
    )
    return RenderedChat(text, None if chat.score == "all" else (places[-1],), own)


def _messages(turns: Sequence[Turn], contents: Sequence[str]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": content} for turn, content in zip(turns, contents, strict=True)]


def _marked(content: str, number: int, pieces: list[tuple[int, str]]) -> str:
    """A content with marks around each of its pieces, inside of the white space that templates trim."""
    parts = []
    for part in _TAGS.split(content):
        core = part.strip()
        if not core or _TAGS.fullmatch(part):
            parts.append(part)
            continue
        start = part.index(core)
        digits = "".join(_DIGITS[int(digit)] for digit in str(len(pieces)))
        pieces.append((number, core))
        parts.append(f"{part[:start]}{_OPEN}{digits}{_NUMBERED}{core}{_CLOSE}{part[start + len(core) :]}")
    return "".join(parts)


@dataclass(slots=True)
class _Found:
    """What the marks of a rendering say.

    Attributes:
        text: The rendering without them.
        turns: Number of the turn and place of each piece of content, in order of the text.
        generated: What the template's own blocks hold.
    """

    text: str
    turns: list[tuple[int, Span]]
    generated: tuple[Span, ...]


def _read_marks(rendered: str, pieces: Sequence[tuple[int, str]]) -> _Found:
    """Take the marks out; a text that is not the content of its marks is given back as one that does not fit."""
    parts, turns, generated, at, length = [], [], [], 0, 0
    opened: list[tuple[int, int]] = []
    began: list[int] = []
    sound = True
    for mark in _MARK.finditer(rendered):
        parts.append(rendered[at : mark.start()])
        length += mark.start() - at
        at = mark.end()
        if mark[1]:
            opened.append((int("".join(str(_DIGITS.index(digit)) for digit in mark[1])), length))
        elif mark[0] == _CLOSE:
            sound = sound and len(opened) == 1
            if opened:
                piece, start = opened.pop()
                turns.append((piece, (start, length)))
        elif mark[0] == GENERATION_START:
            began.append(length)
        elif began:
            generated.append((began.pop(), length))
    text = "".join([*parts, rendered[at:]])
    seen = [piece for piece, _ in turns]
    sound = sound and not opened and len(set(seen)) == len(seen)
    sound = sound and all(text[start:end] == pieces[piece][1] for piece, (start, end) in turns)
    placed = [(pieces[piece][0], place) for piece, place in turns]
    return _Found(text if sound else "\ufdd0", placed, _outermost(generated))


def _outermost(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans with text in them, without those inside of others."""
    outer: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start < end and (not outer or start >= outer[-1][1]):
            outer.append((start, end))
    return tuple(outer)


def _require_all(turns: Sequence[Turn], found: _Found, where: str, chat: ChatFormat) -> None:
    """Refuse a template that leaves a whole turn out: the model would be said to have read what it did not."""
    present = {number for number, _ in found.turns}
    for number, turn in enumerate(turns):
        if _TAGS.sub("", turn.content).strip() and number not in present:
            raise UsageError(
                f"{where}: the chat template of {chat.origin} leaves message {number + 1} ({turn.role}) out",
                hint="Leave such turns out of the data, or name another template with --chat-template.",
            )


def _answers(turns: Sequence[Turn], found: _Found) -> tuple[Span, ...]:
    """The answers, the pieces of one answer as one where the template left what is between them as it was."""
    spans: list[Span] = []
    last = -1
    for number, (start, end) in sorted(found.turns, key=lambda turn: turn[1]):
        if not turns[number].answer:
            last = -1
            continue
        if number == last and found.text[spans[-1][0] : end] in turns[number].content:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((start, end))
        last = number
    return tuple(spans)
