"""The held-out set must be alike with itself."""

from __future__ import annotations

import numpy as np

from auditor.errors import UsageError
from auditor.guards.case import Case
from auditor.guards.guard import Figure, Finding, guard
from auditor.inference.null_splits import null_split_pvalues
from auditor.inference.rows import Rows


@guard(
    name="null-splits",
    order=65,
    question="Held against itself, does the held-out set show no difference, also between neighbours in its order?",
    misses="Documents that depend on each other but do not stand near each other.",
    level=lambda policy: 2 * policy.null_alpha,
)
def null_splits(case: Case) -> Finding:
    """Split the held-out set at random (the p-values must look uniform) and by runs of neighbours."""
    policy, rows = case.policy, case.rows
    heldout = np.flatnonzero(~rows.suspect)
    side = Rows(rows.values[heldout], rows.suspect[heldout], tuple(rows.groups[row] for row in heldout), rows.columns)
    try:
        found = null_split_pvalues(side, rng=case.stream("null splits"))
    except UsageError as problem:
        return Finding("not run", f"{problem.message}.", problem.hint)
    figures = (
        Figure(
            name="p-value that random halves give uniform p-values", value=found.uniformity_p, limit=policy.null_alpha
        ),
        Figure(name="share of random halves with p at most 0.05", value=found.share_below),
        Figure(
            name="p-value that the order of documents does not matter", value=found.block_p, limit=policy.null_alpha
        ),
        Figure(
            name=f"variance of halves made of runs of {found.block_size} over that of random halves",
            value=found.block_ratio,
            limit=policy.block_inflation,
        ),
    )
    if found.uniformity_p <= policy.null_alpha:
        return Finding(
            "failed",
            f"Random halves of the held-out set give uneven p-values ({found.share_below:.0%} at or below 0.05).",
            "Please report this: the test itself did not behave.",
            figures,
        )
    if found.block_p <= policy.null_alpha and found.block_ratio >= policy.block_inflation:
        return Finding(
            "failed",
            f"Held-out documents that follow each other are alike: as runs of {found.block_size} they vary "
            f"{found.block_ratio:.1f} times as much as independent documents would.",
            "Say what the documents came from with --group-column or --group-by parent; if they are independent and "
            "only sorted (by date, by length), shuffle their order.",
            figures,
        )
    return Finding(
        "passed", "The held-out set is alike with itself, in random halves and in runs of neighbours.", "", figures
    )
