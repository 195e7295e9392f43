"""Enough groups, few missing values, no truncation that touches one side more."""

from __future__ import annotations

import numpy as np
from scipy.stats import fisher_exact

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="minimums",
    order=60,
    question="Are there enough groups, and are missing values and cut texts few and even on both sides?",
    blind_spots="Whether the documents are the right ones.",
    level=lambda policy: 2 * policy.uneven_alpha,
)
def minimums(case: GuardContext) -> GuardOutcome:
    """Hold counts against their limits; uneven shares are tested by Fisher's exact test."""
    policy, membership = case.policy, case.membership
    complaints: list[str] = []
    mends: list[str] = []
    fewest = min(membership.groups_suspect, membership.groups_heldout)
    figures = [GuardFigure(name="groups on the smaller side", value=fewest, limit=policy.minimum_groups)]
    if fewest < policy.minimum_groups:
        complaints.append(f"one side has {fewest} groups where {policy.minimum_groups} are the least")
        mends.append("Give more independent documents; windows or chapters of one book are not more groups.")

    rows, left_out = case.all_rows, []
    kept = {column.name for column in case.rows.columns}
    for column, missing in zip(rows.columns, np.isnan(rows.values).T, strict=True):
        hits = (int(missing[rows.suspect].sum()), int(missing[~rows.suspect].sum()))
        if column.name not in kept:
            left_out.append(column.name)
        if (
            _uneven(hits, (membership.groups_suspect, membership.groups_heldout)) * len(rows.columns)
            <= policy.uneven_alpha
        ):
            complaints.append(f"{column.name} is missing more often on one side ({hits[0]} and {hits[1]} groups)")
            mends.append("Apply the same filters to both sides.")
    most = float(np.isnan(case.rows.values).mean(axis=0).max())
    figures.append(GuardFigure(name="largest share of groups without a value", value=most, limit=policy.most_missing))
    figures.append(GuardFigure(name="features left out because too many groups lack them", value=len(left_out)))

    cut = (case.truncated_suspect, case.truncated_heldout)
    uneven = _uneven(cut, case.documents)
    figures.append(GuardFigure(name="p-value of uneven truncation", value=uneven, limit=policy.uneven_alpha))
    if uneven <= policy.uneven_alpha:
        complaints.append(f"the token limit cut {cut[0]} suspect and {cut[1]} held-out documents")
        mends.append("Raise --max-tokens, or cut both sides alike beforehand.")

    if complaints:
        sentence = "; ".join(complaints)
        return GuardOutcome(
            "failed", f"{sentence[0].upper()}{sentence[1:]}.", " ".join(dict.fromkeys(mends)), tuple(figures)
        )
    reason = (
        f"{membership.groups_suspect} and {membership.groups_heldout} groups; values missing for at most {most:.0%}."
    )
    if left_out:
        reason += f" Left out, as more than {policy.most_missing:.0%} of the groups lack them: {', '.join(left_out)}."
    return GuardOutcome("passed", reason, "", tuple(figures))


def _uneven(hits: tuple[int, int], totals: tuple[int, int]) -> float:
    """Two-sided p-value of Fisher's exact test that both sides are hit at the same rate."""
    table = [[hits[0], totals[0] - hits[0]], [hits[1], totals[1] - hits[1]]]
    return float(fisher_exact(table).pvalue)
