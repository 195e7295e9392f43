"""Enough groups, few missing values, no truncation that touches one side more."""

from __future__ import annotations

from scipy.stats import fisher_exact

from auditor.guards.case import Case
from auditor.guards.guard import Figure, Finding, guard


@guard(
    name="minimums",
    order=60,
    question="Are there enough groups, and are missing values and cut texts few and even on both sides?",
    misses="Whether the documents are the right ones.",
    level=lambda policy: 2 * policy.uneven_alpha,
)
def minimums(case: Case) -> Finding:
    """Hold counts against their limits; uneven shares are tested by Fisher's exact test."""
    policy, membership = case.policy, case.membership
    complaints: list[str] = []
    mends: list[str] = []
    fewest = min(membership.groups_suspect, membership.groups_heldout)
    figures = [Figure(name="groups on the smaller side", value=fewest, limit=policy.minimum_groups)]
    if fewest < policy.minimum_groups:
        complaints.append(f"one side has {fewest} groups where {policy.minimum_groups} are the least")
        mends.append("Give more independent documents; windows or chapters of one book are not more groups.")

    most = 0.0
    for column in membership.columns:
        n_suspect, n_heldout = membership.groups_suspect, membership.groups_heldout
        missing = (round(column.missing_suspect * n_suspect), round(column.missing_heldout * n_heldout))
        share = sum(missing) / (n_suspect + n_heldout)
        most = max(most, share)
        uneven = _uneven(missing, (n_suspect, n_heldout)) * len(membership.columns)
        if share > policy.most_missing:
            complaints.append(f"{column.name} is missing for {share:.0%} of the groups")
            mends.append("Leave out texts too short for the feature, or choose other features.")
        elif uneven <= policy.uneven_alpha:
            complaints.append(f"{column.name} is missing more often on one side ({missing[0]} and {missing[1]} groups)")
            mends.append("Apply the same filters to both sides.")
    figures.append(Figure(name="largest share of groups without a value", value=most, limit=policy.most_missing))

    totals = (len(case.suspect.documents), len(case.heldout.documents))
    cut = (case.truncated_suspect, case.truncated_heldout)
    uneven = _uneven(cut, totals)
    figures.append(Figure(name="p-value of uneven truncation", value=uneven, limit=policy.uneven_alpha))
    if uneven <= policy.uneven_alpha:
        complaints.append(f"the token limit cut {cut[0]} suspect and {cut[1]} held-out documents")
        mends.append("Raise --max-tokens, or cut both sides alike beforehand.")

    if complaints:
        sentence = "; ".join(complaints)
        return Finding(
            "failed", f"{sentence[0].upper()}{sentence[1:]}.", " ".join(dict.fromkeys(mends)), tuple(figures)
        )
    reason = (
        f"{membership.groups_suspect} and {membership.groups_heldout} groups; values missing for at most {most:.0%}."
    )
    return Finding("passed", reason, "", tuple(figures))


def _uneven(hits: tuple[int, int], totals: tuple[int, int]) -> float:
    """Two-sided p-value of Fisher's exact test that both sides are hit at the same rate."""
    table = [[hits[0], totals[0] - hits[0]], [hits[1], totals[1] - hits[1]]]
    return float(fisher_exact(table).pvalue)
