"""Views: which text of a document is scored by which model, and the transforms that make the text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Span = tuple[int, int]
"""First character of a part of a text and one past its last."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, and the parts of it that are scored.

    Attributes:
        text: The whole text, which is read.
        spans: The scored parts in order, without overlap; None where all of it is scored.
    """

    text: str
    spans: tuple[Span, ...] | None = None

    @property
    def scored(self) -> str:
        """The scored characters, joined."""
        return self.text if self.spans is None else "".join(self.text[start:end] for start, end in self.spans)

    @property
    def sha256(self) -> str:
        """Hex digest of the text and of which parts of it are scored."""
        stored = self.text if self.spans is None else json.dumps([self.text, self.spans])
        return hashlib.sha256(stored.encode("utf-8")).hexdigest()


def as_passage(text: str | Passage) -> Passage:
    """A text as a passage, all of it scored."""
    return Passage(text) if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class Prompt:
    """Input of a model: `prefix` is read and not scored, `text` is scored.

    Attributes:
        text: The scored text.
        prefix: Text read before it.
        answer: Whether the text answers the prefix. If so, all its tokens are scored, also the first where there is no
            BOS, and a prefix that is too long loses its beginning. Otherwise a prefix longer than half a window loses
            its end, and the same tokens are scored as without it.
        spans: The parts of the text whose tokens are scored, the rest being read; None for all of it.
    """

    text: str
    prefix: str = ""
    answer: bool = False
    spans: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class Transform:
    """A named, seeded function from a document's text to a prompt.

    `apply` gets the text and a generator seeded from the audit's seed and the text, so that the same text is always
    transformed in the same way, whatever the other documents are.
    """

    name: str
    summary: str
    apply: Callable[[str, np.random.Generator], Prompt]


@dataclass(frozen=True, slots=True)
class View:
    """One text of a document under one model: the input of a feature.

    Attributes:
        model: The audited model, or each reference model in turn.
        transform: Name of the transform that makes the text.
    """

    model: Literal["target", "reference"] = "target"
    transform: str = "as-is"


TARGET = View()
REFERENCE = View(model="reference")
