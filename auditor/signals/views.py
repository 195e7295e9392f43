"""Views: which text of a document is scored by which model, and the transforms that make the text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Prompt:
    """Input of a model: `prefix` is read and not scored, `text` is scored.

    Attributes:
        text: The scored text.
        prefix: Text read before it.
        answer: Whether the text answers the prefix. If so, all its tokens are scored, also the first where there is no
            BOS, and a prefix that is too long loses its beginning. Otherwise a prefix longer than half a window loses
            its end, and the same tokens are scored as without it.
    """

    text: str
    prefix: str = ""
    answer: bool = False


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
