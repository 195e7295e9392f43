"""ChatSummary: how the conversations of an audit became text, and what of it was scored."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Record

_OF_DATA = Unverifiable(
    "which columns hold the conversations, and how much of them is scored (--data for both sides shows it)",
    frozenset({"data suspect", "data heldout"}),
)
_DATE = Unverifiable(
    "whether the chat template reads the date (--data for both sides shows it)",
    frozenset({"data suspect", "data heldout"}),
)
_TEMPLATE = Unverifiable(
    "the chat template with its digest, and the special tokens, as far as another one gives the same texts (--model "
    "shows it where the template is the tokenizer's)",
    frozenset({"tokenizer"}),
)
_READ = Unverifiable("how many tokens of conversations are read (--again shows it)", frozenset({"again"}))


class ChatPart(Record):
    """A part of a rendered example: its text, and whether its tokens are scored."""

    text: str
    scored: bool


class ChatSummary(Record):
    """How conversations or pairs became text; the same for both sides and for every model."""

    shape: Annotated[str, _OF_DATA]
    """The columns that hold them."""

    score: Literal["assistant", "all"]
    """`assistant` if the answers are scored, each after everything before it was read; `all` if everything is."""

    origin: str
    """Where the chat template is from, or why there is none and pairs are joined."""

    template: Annotated[str | None, _TEMPLATE]
    """Source of the template; None where pairs are joined."""

    template_sha256: Annotated[str | None, _TEMPLATE]
    """Digest of that source."""

    special_tokens: Annotated[dict[str, str], replace(_TEMPLATE, parts=("", ".*"))]
    """Special tokens of the tokenizer that the template can write."""

    date: Annotated[str | None, _DATE]
    """The date that the template reads in place of today's, where it reads one."""

    characters: Count
    """Characters of the rendered text of both sides."""

    characters_scored: Annotated[Count, _OF_DATA]
    """Of these, those that are scored."""

    tokens_read: Annotated[Count, _READ]
    """Tokens of the audited model that are read up to the last scored one; at least so many where conversations are
    longer than its window."""

    tokens_scored: Count
    """Of these, those that are scored."""

    example: tuple[ChatPart, ...]
    """A made-up conversation as it is rendered; empty where the template refuses it."""
