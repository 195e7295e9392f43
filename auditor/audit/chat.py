"""What a result says of its conversations: the template, the share of them that is scored, and an example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.core.errors import UsageError
from auditor.corpora.chat.formats import ChatFormat
from auditor.corpora.chat.rendering import RenderedChat, render_conversation
from auditor.corpora.chat.shapes import Conversation
from auditor.corpora.chat.template import DATE
from auditor.corpora.chat.turns import ASSISTANT, USER, Turn
from auditor.membership.sides import Sides
from auditor.results.chat import ChatPart, ChatSummary
from auditor.settings import AuditSettings
from auditor.signals.tokens import TokenSignals

_EXAMPLE = (
    Turn(USER, "Which planet is nearest to the sun?", answer=False),
    Turn(ASSISTANT, "Mercury is.", answer=True),
    Turn(USER, "And the next one?", answer=False),
    Turn(ASSISTANT, "Venus.", answer=True),
)


def describe_chat(sides: Sides, signals: Sequence[TokenSignals]) -> ChatSummary | None:
    """How the conversations of two sides became text; None where they hold plain text.

    Args:
        sides: The documents.
        signals: The audited model's record of each, suspect side first.
    """
    chat, documents = sides.suspect.chat, (*sides.suspect.documents, *sides.heldout.documents)
    if chat is None:
        return None
    example = example_of(chat)
    return ChatSummary(
        shape=sides.suspect.shape,
        score=chat.score,
        origin=chat.origin,
        template=chat.template,
        template_sha256=chat.sha256,
        special_tokens=dict(chat.tokens),
        date=date_of(chat),
        characters=sum(len(document.text) for document in documents),
        characters_scored=sum(len(document.scored) for document in documents),
        tokens_read=sum(map(_read, signals)),
        tokens_scored=sum(map(len, signals)),
        example=example,
    )


def recorded_format(summary: ChatSummary | None, settings: AuditSettings) -> ChatFormat:
    """The template that a result was made with, from what it says of it.

    Raises:
        UsageError: It says nothing of conversations.
    """
    if summary is None:
        raise UsageError("conversations, where the audit read plain text", hint="Give the documents of the audit.")
    return ChatFormat(summary.template, summary.origin, settings.score, summary.special_tokens)


def _read(record: TokenSignals) -> int:
    """Tokens read up to the last scored one of each window, leading tokens included."""
    if not len(record):
        return 0
    last = np.append(np.flatnonzero(np.diff(record.positions) <= 0), len(record) - 1)
    return int((record.positions[last] + 1).sum())


def date_of(chat: ChatFormat) -> str | None:
    """The date that the renderings so far read; None where they read none."""
    return DATE.date().isoformat() if chat.template is not None and chat.compiled.dated else None


def example_of(chat: ChatFormat) -> tuple[ChatPart, ...]:
    """A made-up conversation as it is rendered; empty where the template refuses it."""
    pair = chat.template is None
    turns = _EXAMPLE[:2] if pair else _EXAMPLE
    try:
        rendered = render_conversation(Conversation("example", turns, " " if pair else None, "the example"), chat)
    except UsageError:
        return ()
    return () if rendered is None else tuple(_parts(rendered))


def _parts(rendered: RenderedChat) -> list[ChatPart]:
    if rendered.spans is None:
        return [ChatPart(text=rendered.text, scored=True)]
    parts, at = [], 0
    for start, end in rendered.spans:
        parts += [
            ChatPart(text=rendered.text[at:start], scored=False),
            ChatPart(text=rendered.text[start:end], scored=True),
        ]
        at = end
    return [part for part in (*parts, ChatPart(text=rendered.text[at:], scored=False)) if part.text]
