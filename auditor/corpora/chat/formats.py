"""ChatFormat: everything that decides how a conversation becomes text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

from auditor.corpora.chat.template import ChatTemplate

ScoreMode = Literal["assistant", "all"]


@dataclass(frozen=True)
class ChatFormat:
    """How conversations become text, and which parts of it are scored.

    Attributes:
        template: Source of the chat template; None where pairs are joined and conversations refused.
        origin: Where it is from, for people.
        score: `assistant` scores the answers, `all` everything that is rendered.
        tokens: Special tokens of the tokenizer by name, which templates write into the text.
    """

    template: str | None
    origin: str
    score: ScoreMode
    tokens: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def sha256(self) -> str | None:
        """Hex digest of the template; None without one."""
        return None if self.template is None else hashlib.sha256(self.template.encode("utf-8")).hexdigest()

    @property
    def key(self) -> tuple[object, ...]:
        """Everything that decides a rendering, to be compared."""
        return self.template, self.score, tuple(sorted(self.tokens.items()))

    def of(self, origin: str) -> Self:
        """The same format from elsewhere, with the template as it was compiled and rendered so far."""
        same = replace(self, origin=origin)
        vars(same).update({name: value for name, value in vars(self).items() if name == "compiled"})
        return same

    @cached_property
    def compiled(self) -> ChatTemplate:
        """The template, compiled once.

        Raises:
            UsageError: There is none, or it cannot be used.
        """
        if self.template is None:
            raise TypeError("pairs are joined without a template")
        return ChatTemplate(self.template, self.origin)
