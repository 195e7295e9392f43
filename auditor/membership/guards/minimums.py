"""Each side needs enough groups, few missing values, and as much truncation as the other side."""

from __future__ import annotations

import numpy as np

from auditor.inference.uneven import uneven_p
from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="minimums",
    order=60,
    question="Are there enough groups, and are missing values and cut texts few and even on both sides?",
    blind_spots="Whether the documents are the right ones.",
    level=lambda policy: 2 * policy.uneven_alpha,
    exact_p=False,
)
def minimums(case: GuardContext) -> GuardOutcome:
    """Compare counts with their limits; Fisher's exact test compares the shares of the two sides."""
    policy, membership = case.policy, case.membership
    problems: list[str] = []
    remedies: list[str] = []
    fewest = min(membership.groups_suspect, membership.groups_heldout)
    figures = [GuardFigure(name="groups on the smaller side", value=fewest, limit=policy.minimum_groups)]
    if fewest < policy.minimum_groups:
        problems.append(f"one side has {fewest} groups of the required {policy.minimum_groups}")
        remedies.append("Give more independent documents; windows or chapters of one book are not more groups.")

    rows, excluded = case.all_rows, []
    tested = {column.name for column in case.rows.columns}
    for column, missing in zip(rows.columns, np.isnan(rows.values).T, strict=True):
        lacking = (int(missing[rows.suspect].sum()), int(missing[~rows.suspect].sum()))
        if column.name not in tested:
            excluded.append(column.name)
        if (
            uneven_p(lacking, (membership.groups_suspect, membership.groups_heldout)) * len(rows.columns)
            <= policy.uneven_alpha
        ):
            problems.append(f"{column.name} is missing more often on one side ({lacking[0]} and {lacking[1]} groups)")
            remedies.append("Apply the same filters to both sides.")
    most = float(np.isnan(case.rows.values).mean(axis=0).max())
    figures.append(GuardFigure(name="largest share of groups without a value", value=most, limit=policy.most_missing))
    figures.append(GuardFigure(name="features left out because too many groups lack them", value=len(excluded)))

    cut = (case.truncated_suspect, case.truncated_heldout)
    uneven = uneven_p(cut, case.documents)
    figures.append(GuardFigure(name="p-value of uneven truncation", value=uneven, limit=policy.uneven_alpha))
    if uneven <= policy.uneven_alpha:
        problems.append(f"the token limit cut {cut[0]} suspect and {cut[1]} held-out documents")
        remedies.append("Raise --max-tokens, or cut both sides alike before the audit.")

    if problems:
        sentence = "; ".join(problems)
        return GuardOutcome(
            "failed", f"{sentence[0].upper()}{sentence[1:]}.", " ".join(dict.fromkeys(remedies)), tuple(figures)
        )
    reason = (
        f"{membership.groups_suspect} and {membership.groups_heldout} groups; values missing for at most {most:.0%}."
    )
    if excluded:
        reason += f" Left out, as more than {policy.most_missing:.0%} of the groups lack them: {', '.join(excluded)}."
    return GuardOutcome("passed", reason, "", tuple(figures))
