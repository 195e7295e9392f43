"""Transforms: the texts a document is scored as. One file a family; discovery finds every module-level `Transform`."""

from __future__ import annotations

import sys

from auditor.core.errors import RunError
from auditor.core.registry import discover
from auditor.core.seeds import stream
from auditor.signals.views import Prompt, Transform


def all_transforms() -> dict[str, Transform]:
    """Every transform by name, in order of name.

    Raises:
        RunError: Two transforms share a name.
    """
    transforms = discover(sys.modules[__name__], Transform)
    named = {transform.name: transform for transform in sorted(transforms, key=lambda item: item.name)}
    if len(named) < len(transforms):
        names = sorted(transform.name for transform in transforms)
        raise RunError(f"two transforms share a name: {', '.join(names)}", hint="Rename one of them.")
    return named


def transform_text(transform: Transform, text: str, seed: int) -> Prompt:
    """Apply a transform with a generator that depends on the text and the seed alone.

    The same text is transformed in the same way in any order, on either side of an audit.

    Args:
        transform: The transform.
        text: The document's text.
        seed: The audit's seed, not negative.
    """
    return transform.apply(text, stream(seed, text))
