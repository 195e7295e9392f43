"""Probes of a backend: a few documents scored a second time, to see whether its figures can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.models.backend import ModelSpec
from auditor.results.rows import Numerics
from auditor.scoring.plan import Request
from auditor.signals.tokens import TokenSignals
from auditor.signals.transforms import transform_text
from auditor.signals.transforms.whole import AS_IS
from auditor.signals.transforms.words import SHUFFLED
from auditor.signals.views import Passage

PROBES_ALONE = 8
PROBES_SHUFFLED = 16

_Pair = tuple[TokenSignals, TokenSignals]


@dataclass(frozen=True, slots=True)
class Probes:
    """The same probes for every model of an audit.

    Attributes:
        texts: The documents, suspect side first.
        alone: Indices of those scored again alone and in float32.
        shuffled: Indices of those scored with their words in random order.
        seed: Seed of the transforms.
    """

    texts: Sequence[str | Passage]
    alone: tuple[int, ...]
    shuffled: tuple[int, ...]
    seed: int

    def requests(self, spec: ModelSpec) -> list[Request]:
        """The requests to one model."""
        alone = [transform_text(AS_IS, self.texts[index], self.seed) for index in self.alone]
        shuffled = [transform_text(SHUFFLED, self.texts[index], self.seed) for index in self.shuffled]
        return [*(Request(spec, prompt, "alone") for prompt in alone), *(Request(spec, prompt) for prompt in shuffled)]

    def numerics(self, plain: Sequence[TokenSignals], answers: Iterator[TokenSignals]) -> Numerics:
        """The figures of the numerics guard for one model.

        Args:
            plain: Record of each unchanged document.
            answers: Records of `requests`, consumed in their order.
        """
        again = [(plain[index], next(answers)) for index in self.alone]
        return compare(again, [(plain[index], next(answers)) for index in self.shuffled])


def choose_probes(
    suspect: Sequence[str | Passage], heldout: Sequence[str | Passage], *, seed: int, rng: np.random.Generator
) -> Probes:
    """Choose probe documents from both sides in turn.

    Args:
        suspect: Texts of the suspect side.
        heldout: Texts of the held-out side.
        seed: Seed of the transforms.
        rng: Draws the documents.
    """
    ours = rng.permutation(len(suspect)).tolist()
    theirs = (len(suspect) + rng.permutation(len(heldout))).tolist()
    chosen = tuple(index for pair in zip(ours, theirs, strict=False) for index in pair)
    return Probes((*suspect, *heldout), chosen[:PROBES_ALONE], chosen[:PROBES_SHUFFLED], seed)


def compare(again: Sequence[_Pair], shuffled: Sequence[_Pair]) -> Numerics:
    """Summarise the probes of one model.

    Args:
        again: Record of a document from its batch, and alone in float32.
        shuffled: Record of a document, and of its words in random order.
    """
    document_gap = token_gap = 0.0
    for batched, alone in again:
        if not np.array_equal(batched.token_ids, alone.token_ids):
            document_gap = token_gap = math.nan
            break
        if len(batched):
            gaps = batched.logprob.astype(np.float64) - alone.logprob.astype(np.float64)
            document_gap = max(document_gap, abs(float(gaps.mean())))
            token_gap = max(token_gap, float(np.abs(gaps).max()))
    changed = [(text, other) for text, other in shuffled if not np.array_equal(text.token_ids, other.token_ids)]
    disordered = sum(_per_byte(text) <= _per_byte(other) for text, other in changed)
    return Numerics(len(again), document_gap, token_gap, len(changed), disordered)


def _per_byte(record: TokenSignals) -> float:
    return float(record.logprob.sum(dtype=np.float64)) / max(1, record.n_bytes)
