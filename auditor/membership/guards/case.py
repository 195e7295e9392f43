"""GuardContext: everything the guards may look at, gathered once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from auditor.core.seeds import stream
from auditor.corpora.overlap import Overlap
from auditor.results.policy import Policy
from auditor.results.rows import Numerics, Rows
from auditor.results.separability import Excess, Separability


@dataclass(frozen=True, slots=True)
class GuardContext:
    """An audit before its verdict.

    Attributes:
        documents: How many there are, suspect and held-out.
        overlap: What the two sides share.
        all_rows: The rows of every feature asked for.
        rows: Those of the features that enough groups have; what the membership test saw.
        membership: The engine on those rows.
        text_rows: Text alone: the same groups in the same order, with their latent word and character columns.
        text: The engine on text alone, same groups in the same order.
        excess: How far the membership AUC exceeds that of text alone.
        controls: The engine under each model that cannot have seen the data, by its label.
        numerics: What the probes of the backend showed, by model label.
        truncated_suspect: Suspect documents cut by a token limit.
        truncated_heldout: Held-out documents cut by a token limit.
        policy: The thresholds.
        seed: The audit's seed.
    """

    documents: tuple[int, int]
    overlap: Overlap
    all_rows: Rows
    rows: Rows
    membership: Separability
    text_rows: Rows
    text: Separability
    excess: Excess
    controls: Mapping[str, Separability]
    numerics: Mapping[str, Numerics]
    truncated_suspect: int
    truncated_heldout: int
    policy: Policy
    seed: int

    def stream(self, purpose: str) -> np.random.Generator:
        """A generator of the guard's own."""
        return stream(self.seed, purpose)
