"""Views: which text of a document is scored by which model, and the transforms that make the text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given: `prefix` is read and not scored, `text` is scored.

    Attributes:
        text: What is scored.
        prefix: What is read before it.
        answer: The text answers the prefix: all its tokens are scored, the first one too where no BOS stands in front,
            and of a prefix that does not fit with it the end is kept. Otherwise the beginning of the prefix is kept, in
            half a window, and the tokens scored are those that are scored without it.
    """

    text: str
    prefix: str = ""
    answer: bool = False


@dataclass(frozen=True, slots=True)
class Transform:
    """A named, seeded way to make a prompt from a document's text.

    `apply` gets the text and a generator seeded from the audit's seed and the text, so that the same text is always
    transformed alike, whatever stands beside it.
    """

    name: str
    summary: str
    apply: Callable[[str, np.random.Generator], Prompt]


@dataclass(frozen=True, slots=True)
class View:
    """One text of a document under one model; what a feature asks for.

    Attributes:
        model: The audited model, or each reference model in turn.
        transform: Name of the transform that makes the text.
    """

    model: Literal["target", "reference"] = "target"
    transform: str = "as-is"


TARGET = View()
REFERENCE = View(model="reference")
