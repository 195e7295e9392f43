"""Relearn-half with a held-out twin: train on half of a set, look at the other half.

Sources: Deeb and Roger 2024 (arXiv 2410.08827) train on some facts and test others; the twin trained on held-out
documents, and the test, are ours.
"""

from __future__ import annotations

import numpy as np

from auditor.forgetting.findings.relearning import Probe
from auditor.forgetting.relearn.curve import Losses
from auditor.forgetting.relearn.finding import finding
from auditor.forgetting.relearn.halves import trained_half
from auditor.forgetting.relearn.intervention import SIDES, Case, Intervention, sided
from auditor.forgetting.series import Role
from auditor.inference.design import Floats

_LEAST = 4


def run(case: Case) -> Probe | str:
    """Train one copy of the checkpoint on half of S and another on half of H, then score the halves left over.

    The gap shown is that between the twins: held-out documents after training on held-out ones, less suspect documents
    after training on suspect ones. The test looks at the mean of each document's losses under both copies: a copy that
    happened to train badly then touches both sides alike, and given the halves trained on, the groups left over are
    exchangeable wherever all groups are.
    """
    if why := case.too_few("relearn-half", _LEAST):
        return why
    placebo = case.method == "full" and len(case.groups("placebo")) >= _LEAST
    roles: tuple[Role, ...] = (*SIDES, "placebo") if placebo else SIDES
    groups = {role: case.groups(role) for role in roles}
    drawn = trained_half(groups, case.rng("halves"))
    steps = tuple(sorted(set(case.budget.half_steps)))
    documents, of_role, before = case.documents(*roles), case.roles(*roles), case.before(*roles)
    left = np.array([document.group not in drawn for document in documents], dtype=np.bool_)
    after: dict[Role, Floats] = {}
    for role in roles:
        texts = tuple(document.text for document in case.documents(role) if document.group in drawn)
        if not texts:
            return f"relearn-half was left out: no group of the {role} set could be set apart for training"
        # The copy trained on held-out documents is beside every other; those others never meet.
        met = left & ((of_role == role) | (of_role == "heldout") | (role == "heldout"))
        scored = [documents[int(index)] for index in np.flatnonzero(met)]
        after[role] = np.full((*before.shape, 1 + len(steps)), np.nan)
        after[role][:, met, 0] = before[:, met]
        after[role][:, met, 1:] = case.bench.losses_along(case.training(texts), steps, scored)

    def losses(suspect: Role) -> Losses:
        part, ours = sided(of_role, left, suspect)
        mine, other = after[suspect], after["heldout"]
        return Losses(
            shown=np.where(ours[:, None], mine[0, part], other[0, part]),
            judged=case.judged((mine + other) / 2, *roles)[:, part],
            groups=[documents[int(index)].group for index in np.flatnonzero(part)],
            suspect=ours,
        )

    trained = {role: sum(group in drawn for group in names) for role, names in groups.items()}
    counts = " and ".join(f"{trained[role]} of {len(groups[role])} groups of the {role} set" for role in roles)
    method = f"{case.budget.words(case.method)}; trained on {counts}, one copy each, and scored on the others"
    if not placebo and case.corpus("placebo") is not None:
        method += "; no placebo: it has few groups, or would need a third training of a large model"
    return finding(case, "relearn-half", method, steps, losses("suspect"), losses("placebo") if placebo else None)


HALF = Intervention("relearn-half", 1, run)
