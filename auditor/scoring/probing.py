"""The probes of a backend: which documents are scored a second time, and what that shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.models.backend import ModelSpec
from auditor.results.rows import Numerics
from auditor.scoring.plan import Request
from auditor.signals.probes import compare
from auditor.signals.tokens import TokenSignals
from auditor.signals.transforms import transform_text
from auditor.signals.transforms.whole import AS_IS
from auditor.signals.transforms.words import SHUFFLED

PROBES_ALONE = 8
PROBES_SHUFFLED = 16


@dataclass(frozen=True, slots=True)
class Probes:
    """The same probes for every model of an audit.

    Attributes:
        texts: The documents, suspect side first.
        alone: Positions of those scored again alone and in float32.
        shuffled: Positions of those scored with their words in random order.
        seed: Seed of the transforms.
    """

    texts: Sequence[str]
    alone: tuple[int, ...]
    shuffled: tuple[int, ...]
    seed: int

    def requests(self, spec: ModelSpec) -> list[Request]:
        """What has to be scored of one model."""
        alone = [transform_text(AS_IS, self.texts[index], self.seed) for index in self.alone]
        shuffled = [transform_text(SHUFFLED, self.texts[index], self.seed) for index in self.shuffled]
        return [*(Request(spec, prompt, "alone") for prompt in alone), *(Request(spec, prompt) for prompt in shuffled)]

    def numerics(self, plain: Sequence[TokenSignals], answers: Iterator[TokenSignals]) -> Numerics:
        """What they showed.

        Args:
            plain: Record of each document as it is.
            answers: Records of `requests`, of which it takes its own.
        """
        again = [(plain[index], next(answers)) for index in self.alone]
        return compare(again, [(plain[index], next(answers)) for index in self.shuffled])


def choose_probes(suspect: Sequence[str], heldout: Sequence[str], *, seed: int, rng: np.random.Generator) -> Probes:
    """Choose probe documents from both sides in turn.

    Args:
        suspect: Texts of the suspect side.
        heldout: Texts of the other.
        seed: Seed of the transforms.
        rng: Chooses.
    """
    ours = rng.permutation(len(suspect)).tolist()
    theirs = (len(suspect) + rng.permutation(len(heldout))).tolist()
    chosen = tuple(index for pair in zip(ours, theirs, strict=False) for index in pair)
    return Probes((*suspect, *heldout), chosen[:PROBES_ALONE], chosen[:PROBES_SHUFFLED], seed)
