"""Sentences that a model writes, for canaries that read like text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from auditor.core.progress import Progress
from auditor.models.backend import LoadOptions
from auditor.models.loading import open_model

_TOKENS = 48
# From a letter to a stop: one of those that white space follows, or one of scripts without spaces.
_SENTENCE = re.compile(r"[^\W\d_][^.!?。！？\n]*(?:[.!?](?=\s|\Z)|[。！？])")


def first_sentence(text: str) -> str:
    """The first whole sentence of a text in any script, with single spaces; empty where there is none.

    A stop after a capital is that of an initial, and one after a digit may be that of a number.
    """
    for match in _SENTENCE.finditer(text):
        last = match.group()[-2]
        if unicodedata.category(last)[0] in "LM" and last == last.lower():
            return " ".join(match.group().split())
    return ""


def sentence_writer(model: str, options: LoadOptions, progress: Progress) -> Callable[[int, int], list[str]]:
    """A function from a number of texts and a seed to the first sentence of each.

    The model is loaded at the first call.

    Args:
        model: Source of the model.
        options: How it is loaded.
        progress: Told how many tokens are sampled.

    Raises:
        UsageError: The model cannot be opened.
    """
    from auditor.models.runtime.sampling import Sampler

    spec = open_model(model, options)
    loaded: list[Sampler] = []

    def write(count: int, seed: int) -> list[str]:
        sampler = loaded[0] if loaded else Sampler(spec)
        loaded[:] = [sampler]
        progress.start(count * _TOKENS, f"sampling from {model}")
        texts = sampler.sample(count, seed, _TOKENS)
        progress.advance(count * _TOKENS)
        progress.stop()
        return [first_sentence(text) for text in texts]

    return write
