"""Contrast: one set of documents against the held-out set, at one checkpoint."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record, Share
from auditor.results.forgetting.estimate import Estimate


class Memorisation(Record):
    """One measure of verbatim memory, teacher-forced."""

    name: Literal["exact-memorisation", "extraction-strength", "k-extractable"]
    """`exact-memorisation`, `extraction-strength` or `k-extractable`."""

    value: Estimate | None
    """Mean over the groups of the set; None where no document is long enough."""

    heldout: Estimate | None
    """The same of the held-out set."""

    difference: Estimate | None
    """Value less heldout; the figure to read, since natural text is partly guessable."""

    documents: Count
    """Documents of the set that are long enough to be measured."""


class Equivalence(Record):
    """Whether the gap is shown to be small, and the smallest detectable gap."""

    p_value: Share
    """Two one-sided tests (TOST, Schuirmann 1987; Welch) of |gap| < margin. Null: the gap is at least the margin.
    Unit: the group. Assumption: means are nearly normal."""

    p_adjusted: Share
    """Over all checkpoints (Holm)."""

    margin: Number
    """In bits per byte."""

    margin_d: Number
    """The same as Cohen's d, which the policy fixes."""

    equivalent: bool
    """p_adjusted at or below the level."""

    detectable_gap: Number
    """Smallest gap (bits per byte) detected with the policy's power, two-sided, at the policy's level."""

    detectable_d: Number
    """The same as Cohen's d."""


class Events(Record):
    """Crossings of the memorised line from the origin up to this checkpoint.

    A document counts as memorised at a checkpoint where its exact memorisation exceeds that of 95 % of the held-out
    documents there, so that a general change of the model moves the line too. Over sparse checkpoints the counts are
    lower bounds (Toneva et al. 2019 count at every presentation).
    """

    memorised: Count
    """Documents of the set above the line at this checkpoint."""

    forgotten: Count
    """Documents with at least one crossing from memorised to not."""

    learned: Count
    """Documents with at least one crossing the other way."""

    events: Count
    """Crossings from memorised to not, summed over documents."""

    expected: Number
    """How many documents would be above the line if the set were like the held-out one."""


class Contrast(Record):
    """One set against the held-out set."""

    documents: Count
    """Documents of the set."""

    groups: Count
    """Its groups, the unit of all that follows."""

    loss: Estimate
    """Bits per byte, mean over groups."""

    change: Estimate | None
    """Its change since the origin; None at the origin."""

    gap: Estimate
    """Held-out loss less that of the set, bits per byte; positive means the set is more familiar."""

    gap_p_value: Share
    """Two-sided permutation p-value of the gap. Null: groups are exchangeable between the sets."""

    gap_p_adjusted: Share
    """Over all checkpoints (Holm)."""

    effect_size: Estimate
    """Cohen's d of the gap (pooled standard deviation over groups)."""

    auc: Estimate
    """Chance that a group of the set has a lower loss than a held-out one."""

    trace: Estimate
    """|2 AUC - 1|: also over-unlearning is a trace. Its interval is that of the AUC, folded."""

    retained: Estimate | None
    """Gap as a share of the gap at the reference checkpoint; None where that gap's interval covers zero, and at the
    reference itself and before it."""

    difference_in_differences: Estimate | None
    """Change of the set's loss less that of the held-out loss, since the origin, bits per byte; positive means the
    set lost more. None at the origin."""

    did_p_value: Share | None
    """Two-sided permutation p-value of it, on changes by group."""

    did_p_adjusted: Share | None
    """Over all checkpoints but the origin (Holm)."""

    memorisation: tuple[Memorisation, ...]
    """Measures of verbatim memory."""

    equivalence: Equivalence
    """Whether the gap is shown to be small."""

    events: Events
    """Crossings of the memorised line."""
