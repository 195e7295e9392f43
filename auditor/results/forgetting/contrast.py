"""Contrast: one set of documents against the held-out set, at one checkpoint."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record, Share
from auditor.results.forgetting.estimate import Estimate


class Memorisation(Record):
    """One measure of verbatim memory, teacher-forced.

    Attributes:
        name: `exact-memorisation`, `extraction-strength` or `k-extractable`.
        value: Mean over the groups of the set; None where no document is long enough.
        heldout: The same of the held-out set.
        difference: The one less the other; the figure to read, since natural text is partly guessed.
        documents: Documents of the set that are long enough to be measured.
    """

    name: Literal["exact-memorisation", "extraction-strength", "k-extractable"]
    value: Estimate | None
    heldout: Estimate | None
    difference: Estimate | None
    documents: Count


class Equivalence(Record):
    """Whether the gap is shown to be small, and what gap would have been seen.

    Attributes:
        p_value: Two one-sided tests (TOST, Schuirmann 1987; Welch) of |gap| < margin. Null: the gap is at least the
            margin. Unit: the group. Assumption: means are nearly normal.
        p_adjusted: Over all checkpoints (Holm).
        margin: In bits per byte.
        margin_d: The same as Cohen's d, which the policy fixes.
        equivalent: p_adjusted at or below the level.
        detectable_gap: Smallest gap (bits per byte) found with the policy's power, two-sided, at the policy's level.
        detectable_d: The same as Cohen's d.
    """

    p_value: Share
    p_adjusted: Share
    margin: Number
    margin_d: Number
    equivalent: bool
    detectable_gap: Number
    detectable_d: Number


class Events(Record):
    """Crossings of the memorised line from the origin up to this checkpoint.

    A document counts as memorised at a checkpoint where its exact memorisation exceeds that of 95 % of the held-out
    documents there, so that a general change of the model moves the line too. Over sparse checkpoints the counts are
    lower bounds (Toneva et al. 2019 count at every presentation).

    Attributes:
        memorised: Documents of the set above the line at this checkpoint.
        forgotten: Documents with at least one crossing from memorised to not.
        learned: Documents with at least one crossing the other way.
        events: Crossings from memorised to not, summed over documents.
        expected: How many documents would be above the line if the set were like the held-out one.
    """

    memorised: Count
    forgotten: Count
    learned: Count
    events: Count
    expected: Number


class Contrast(Record):
    """One set against the held-out set.

    Attributes:
        documents: Documents of the set.
        groups: Its groups, the unit of all that follows.
        loss: Bits per byte, mean over groups.
        change: Its change since the origin; None at the origin.
        gap: Held-out loss less that of the set, bits per byte; positive means the set is more familiar.
        gap_p_value: Two-sided permutation p-value of the gap. Null: groups are exchangeable between the sets.
        gap_p_adjusted: Over all checkpoints (Holm).
        effect_size: Cohen's d of the gap (pooled standard deviation over groups).
        auc: Chance that a group of the set has a lower loss than a held-out one.
        trace: |2 AUC - 1|: also over-unlearning is a trace. Its interval is that of the AUC, folded.
        retained: Gap as a share of the gap at the reference checkpoint; None where that gap's interval covers zero, and
            at the reference itself and before it.
        difference_in_differences: Change of the set's loss less that of the held-out loss, since the origin, bits per
            byte; positive means the set lost more. None at the origin.
        did_p_value: Two-sided permutation p-value of it, on changes by group.
        did_p_adjusted: Over all checkpoints but the origin (Holm).
        memorisation: Measures of verbatim memory.
        equivalence: Whether the gap is shown to be small.
        events: Crossings of the memorised line.
    """

    documents: Count
    groups: Count
    loss: Estimate
    change: Estimate | None
    gap: Estimate
    gap_p_value: Share
    gap_p_adjusted: Share
    effect_size: Estimate
    auc: Estimate
    trace: Estimate
    retained: Estimate | None
    difference_in_differences: Estimate | None
    did_p_value: Share | None
    did_p_adjusted: Share | None
    memorisation: tuple[Memorisation, ...]
    equivalence: Equivalence
    events: Events
