"""Random halves of the held-out set must not differ."""

from __future__ import annotations

import numpy as np

from auditor.core.errors import UsageError
from auditor.inference.null_splits import null_split_pvalues
from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure
from auditor.results.rows import Rows


@guard(
    name="null-splits",
    order=65,
    question="Do random halves of the held-out set show no difference?",
    blind_spots="Anything but a defect of the test; similarity of neighbouring documents is reported, not judged.",
    level=lambda policy: policy.null_alpha,
    exact_p=False,
)
def null_splits(case: GuardContext) -> GuardOutcome:
    """Split the held-out set at random many times: the p-values must be uniform."""
    policy, rows = case.policy, case.rows
    heldout = np.flatnonzero(~rows.suspect)
    side = Rows(rows.values[heldout], rows.suspect[heldout], tuple(rows.groups[row] for row in heldout), rows.columns)
    try:
        splits = null_split_pvalues(side, rng=case.stream("null splits"))
    except UsageError as problem:
        return GuardOutcome("not run", f"{problem.message}.", problem.hint)
    figures = (
        GuardFigure(
            name="p-value that random halves give uniform p-values", value=splits.uniformity_p, limit=policy.null_alpha
        ),
        GuardFigure(name="share of random halves with p at most 0.05", value=splits.share_below),
        GuardFigure(name="p-value that the order of documents does not matter", value=splits.block_p),
        GuardFigure(
            name=f"variance of halves made of runs of {splits.block_size} over that of random halves",
            value=splits.block_ratio,
        ),
    )
    if splits.uniformity_p > policy.null_alpha:
        reason = f"Random halves of the held-out set are alike ({splits.share_below:.0%} with p at most 0.05)."
        return GuardOutcome("passed", reason, "", figures)
    return GuardOutcome(
        "failed",
        f"Random halves of the held-out set give uneven p-values ({splits.share_below:.0%} at or below 0.05).",
        "The test itself is defective: report this with the result file.",
        figures,
    )
