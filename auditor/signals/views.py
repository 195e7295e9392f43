"""Views: which text of a document is scored by which model, and the transforms that make the text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given: `prefix` is read and not scored, `text` is scored."""

    text: str
    prefix: str = ""


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
