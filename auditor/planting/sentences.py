"""Sentences that a model writes, for canaries that read like text."""

from __future__ import annotations

import re
from collections.abc import Callable

from auditor.core.progress import Progress
from auditor.models.backend import LoadOptions
from auditor.models.loading import open_model

_TOKENS = 48
_SENTENCE = re.compile(r"[^\W\d_][^.!?\n]*[a-z][.!?](?=\s|$)")
_LEAST_WORDS = 8


def sentence_writer(model: str, options: LoadOptions, progress: Progress) -> Callable[[int, int], list[str]]:
    """A function from a number of texts and a seed to the sentences in them.

    The model is loaded at the first call. Sentences of fewer than eight words are left out, for being likely anywhere.

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
        found = (_SENTENCE.search(text) for text in texts)
        sentences = (" ".join(match.group().split()) for match in found if match is not None)
        return [sentence for sentence in sentences if len(sentence.split()) >= _LEAST_WORDS]

    return write
