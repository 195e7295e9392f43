"""Documents must not be assigned to a side by their source."""

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
    blind_spots="Documents of one source that share no more words with each other than with the other documents.",
    level=lambda policy: policy.clusters_alpha,
    reads_text_only=True,
)
def clusters(case: GuardContext) -> GuardOutcome:
    """Compare nearest neighbours by words: pieces of one book are neighbours, which reveals a split by book."""
    rows, limit = case.text_rows, case.policy.clusters_alpha
    words = np.array([column.family == "words" for column in rows.columns])
    if not words.any():
        return GuardOutcome("not run", "The texts share no words, so no document has a nearest neighbour.")
    neighbours = neighbour_test(
        rows.values[:, words], rows.suspect, rng=case.stream("clusters"), permutations=case.text.permutations
    )
    figures = (
        GuardFigure(name="p-value of neighbours on their own side", value=neighbours.p_value, limit=limit),
        GuardFigure(name="share of nearest neighbours on their own side", value=neighbours.same),
        GuardFigure(name="the same by chance", value=neighbours.expected),
    )
    observed = (
        f"{neighbours.same:.0%} of the nearest documents are on the same side, {neighbours.expected:.0%} by chance"
    )
    if neighbours.p_value > limit:
        return GuardOutcome(
            "passed", f"{observed} (p = {neighbours.p_value:.2g}).", "", figures, p_value=neighbours.p_value
        )
    return GuardOutcome(
        "failed",
        f"{observed} (p = {neighbours.p_value:.2g}): documents of one source or kind seem to be on one side.",
        "Name the source of each document with --group-column or --group-by parent, or assign single documents to the "
        "sides at random.",
        figures,
        p_value=neighbours.p_value,
    )
