"""GuardContext: everything a guard may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from auditor.core.seeds import stream
from auditor.inference.arrangement import Arrangement
from auditor.inference.separability import separability
from auditor.membership.sides import Overlap
from auditor.results.encoding import EncodingCounts
from auditor.results.policy import Policy
from auditor.results.rows import Numerics, Rows
from auditor.results.separability import Excess, Separability


@dataclass(frozen=True, slots=True)
class TextBaseline:
    """The text of the two sides, the same whatever model reads it.

    Attributes:
        documents: Numbers of suspect and held-out documents that are compared.
        overlap: What the two sides share.
        arrangement: The canonical order of all rows.
        text_rows: Columns made of the text alone, one row a group, in that order.
        text: The test of an audit on `text_rows`.
        permutations: Label permutations of every test of the audit.
        policy: The thresholds.
        seed: The audit's seed.
        encoding: What of the encoding of the texts is not in one form; None where it was not counted.
    """

    documents: tuple[int, int]
    overlap: Overlap
    arrangement: Arrangement
    text_rows: Rows
    text: Separability
    permutations: int
    policy: Policy
    seed: int
    encoding: EncodingCounts | None = field(default=None, kw_only=True)

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for baselines of the same texts under the same settings."""
        return (
            self.documents,
            self.overlap,
            self.text_rows.key,
            self.permutations,
            self.policy,
            self.seed,
            self.encoding,
        )

    def test(self, rows: Rows, purpose: str, alpha: float) -> Separability:
        """Test rows, with a random generator of its own for each purpose."""
        return separability(
            rows, rng=self.stream(purpose), alpha=alpha, permutations=self.permutations, power=self.policy.power
        )

    def stream(self, purpose: str) -> np.random.Generator:
        """A random generator for one purpose."""
        return stream(self.seed, purpose)


@dataclass(frozen=True, slots=True)
class GuardContext(TextBaseline):
    """An audit before its verdict.

    Attributes:
        all_rows: Rows of all requested features.
        rows: Rows of the features that enough groups have, the input of the membership test.
        membership: The membership test on `rows`; `text_rows` has the same groups in the same order.
        excess: Membership AUC minus the AUC of text alone.
        controls: The same test under each model that cannot have seen the data, by label.
        numerics: Results of the numerical probes, by model label.
        truncated_suspect: Number of suspect documents cut by the token limit.
        truncated_heldout: Number of held-out documents cut by the token limit.
    """

    all_rows: Rows
    rows: Rows
    membership: Separability
    excess: Excess
    controls: Mapping[str, Separability]
    numerics: Mapping[str, Numerics]
    truncated_suspect: int
    truncated_heldout: int

    @property
    def rejected(self) -> bool:
        """Whether the membership test rejects at the level of the audit."""
        return self.membership.p_value <= self.policy.alpha
