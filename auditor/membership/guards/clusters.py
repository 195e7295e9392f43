"""Documents must not have been put on a side by what they came from."""

from __future__ import annotations

import numpy as np

from auditor.inference.neighbours import neighbour_test
from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="clusters",
    order=15,
    question="Do documents resemble those of the other side as much as those of their own?",
    blind_spots="Documents of one source that share no more words with each other than with the rest.",
    level=lambda policy: policy.clusters_alpha,
    reads_text_only=True,
)
def clusters(case: GuardContext) -> GuardOutcome:
    """Look at the nearest neighbours by words: pieces of one book lie together, and so betray a split by book."""
    rows, limit = case.text_rows, case.policy.clusters_alpha
    words = np.array([column.family == "words" for column in rows.columns])
    if not words.any():
        return GuardOutcome("not run", "The texts share no words, so none is near another.")
    found = neighbour_test(
        rows.values[:, words], rows.suspect, rng=case.stream("clusters"), permutations=case.text.permutations
    )
    figures = (
        GuardFigure(name="p-value of neighbours on their own side", value=found.p_value, limit=limit),
        GuardFigure(name="share of nearest neighbours on their own side", value=found.same),
        GuardFigure(name="the same by chance", value=found.expected),
    )
    seen = f"{found.same:.0%} of the nearest documents are on the same side, {found.expected:.0%} by chance"
    if found.p_value > limit:
        return GuardOutcome("passed", f"{seen} (p = {found.p_value:.2g}).", "", figures, p_value=found.p_value)
    return GuardOutcome(
        "failed",
        f"{seen} (p = {found.p_value:.2g}): documents of one source or kind seem to have been put on one side.",
        "Say what the documents came from with --group-column or --group-by parent, or deal documents to the sides at "
        "random, one by one.",
        figures,
        p_value=found.p_value,
    )
