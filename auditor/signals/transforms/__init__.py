"""Transforms: the texts a document is scored as. One file a family; discovery finds every module-level `Transform`."""

from __future__ import annotations

import sys

import numpy as np

from auditor.core.errors import RunError
from auditor.core.registry import discover
from auditor.core.seeds import stream
from auditor.signals.views import Passage, Prompt, Span, Transform, as_passage


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


def transform_text(transform: Transform, text: str | Passage, seed: int) -> Prompt:
    """Apply a transform with a generator that depends on the text and the seed alone.

    The same text is transformed in the same way in any order, on either side of an audit. Of a passage with scored
    parts these alone are transformed, and what stands around them stays.

    Args:
        transform: The transform.
        text: The document's text or passage.
        seed: The audit's seed, not negative.
    """
    passage = as_passage(text)
    rng = stream(seed, passage.text)
    if passage.spans is None:
        return transform.apply(passage.text, rng)
    return _transform_parts(transform, passage.text, passage.spans, rng)


def _transform_parts(transform: Transform, text: str, spans: tuple[Span, ...], rng: np.random.Generator) -> Prompt:
    """Transform the scored parts; what is read before a text is, where there is any, read with the rest around it."""
    whole, before, moved, at, length = [], [], [], 0, 0
    prefixed = False
    for start, end in spans:
        part = transform.apply(text[start:end], rng)
        whole += [text[at:start], part.text]
        before += [text[at:start], part.prefix]
        prefixed = prefixed or bool(part.prefix)
        length += start - at
        moved.append((length, length + len(part.text)))
        at, length = end, length + len(part.text)
    whole.append(text[at:])
    before.append(text[at:])
    return Prompt("".join(whole), prefix="".join(before) if prefixed else "", spans=tuple(moved))
