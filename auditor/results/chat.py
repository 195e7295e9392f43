"""ChatSummary: how the conversations of an audit became text, and what of it was scored."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Record


class ChatPart(Record):
    """A part of a rendered example: its text, and whether its tokens are scored."""

    text: str
    scored: bool


class ChatSummary(Record):
    """How conversations or pairs became text; the same for both sides and for every model."""

    shape: str
    """The columns that hold them."""

    score: Literal["assistant", "all"]
    """`assistant` if the answers are scored, each after everything before it was read; `all` if everything is."""

    origin: str
    """Where the chat template is from, or why there is none and pairs are joined."""

    template: str | None
    """Source of the template; None where pairs are joined."""

    template_sha256: str | None
    """Digest of that source."""

    special_tokens: dict[str, str]
    """Special tokens of the tokenizer that the template can write."""

    date: str | None
    """The date that the template reads in place of today's, where it reads one."""

    characters: Count
    """Characters of the rendered text of both sides."""

    characters_scored: Count
    """Of these, those that are scored."""

    tokens_read: Count
    """Tokens of the audited model that are read up to the last scored one; at least so many where conversations are
    longer than its window."""

    tokens_scored: Count
    """Of these, those that are scored."""

    example: tuple[ChatPart, ...]
    """A made-up conversation as it is rendered; empty where the template refuses it."""
