"""The held-out set must be alike with itself."""

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
    question="Held against itself in random halves, does the held-out set show no difference?",
    blind_spots="Anything but a test that does not behave; whether neighbours in the file are alike is shown, not judged.",
    level=lambda policy: policy.null_alpha,
)
def null_splits(case: GuardContext) -> GuardOutcome:
    """Split the held-out set at random many times: the p-values must look uniform."""
    policy, rows = case.policy, case.rows
    heldout = np.flatnonzero(~rows.suspect)
    side = Rows(rows.values[heldout], rows.suspect[heldout], tuple(rows.groups[row] for row in heldout), rows.columns)
    try:
        found = null_split_pvalues(side, rng=case.stream("null splits"))
    except UsageError as problem:
        return GuardOutcome("not run", f"{problem.message}.", problem.hint)
    figures = (
        GuardFigure(
            name="p-value that random halves give uniform p-values", value=found.uniformity_p, limit=policy.null_alpha
        ),
        GuardFigure(name="share of random halves with p at most 0.05", value=found.share_below),
        GuardFigure(name="p-value that the order of documents does not matter", value=found.block_p),
        GuardFigure(
            name=f"variance of halves made of runs of {found.block_size} over that of random halves",
            value=found.block_ratio,
        ),
    )
    if found.uniformity_p > policy.null_alpha:
        seen = f"Random halves of the held-out set are alike ({found.share_below:.0%} with p at most 0.05)."
        return GuardOutcome("passed", seen, "", figures)
    return GuardOutcome(
        "failed",
        f"Random halves of the held-out set give uneven p-values ({found.share_below:.0%} at or below 0.05).",
        "The test itself did not behave: please report this with the result file.",
        figures,
    )
