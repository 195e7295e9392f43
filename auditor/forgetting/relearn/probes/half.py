"""Relearn-half with a held-out twin: train on half of a set, look at the other half.

Sources: Deeb and Roger 2024 (arXiv 2410.08827) train on some facts and test others; the twin trained on held-out
documents, and the test, are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auditor.forgetting.relearn.intervention import SIDES, Intervention, InterventionContext, copy_of
from auditor.results.forgetting.measurements import InterventionMeasurements, Role


def trained_half(groups: Mapping[Role, Sequence[str]], rng: np.random.Generator) -> frozenset[str]:
    """Half of the groups at random, as many of the suspect as of the held-out set.

    A group is trained on as a whole or not at all, and one that stands in several sets falls on the same side of the
    cut in all of them: half an author's texts would tell of the other half. The draw sees names alone, so that given
    the half that is drawn, the groups left over are exchangeable between the sets wherever all groups are.

    Args:
        groups: Distinct groups of each set: `suspect`, `heldout` and perhaps others.
        rng: Draws the half.

    Returns:
        Names of the groups to be trained on. Of groups that stand in one set alone no more are drawn than half of those
        of the smaller of `suspect` and `heldout`.
    """
    sets: dict[str, list[Role]] = {}
    for role in sorted(groups):
        for group in groups[role]:
            sets.setdefault(group, []).append(role)
    kinds: dict[tuple[Role, ...], list[str]] = {}
    for group, roles in sorted(sets.items()):
        kinds.setdefault(tuple(roles), []).append(group)
    alone: tuple[tuple[Role, ...], ...] = (("suspect",), ("heldout",))
    sides = [len(kinds[kind]) for kind in alone if kind in kinds]
    most = min(sides, default=0) // 2
    drawn: list[str] = []
    # The placebo last, so that giving one does not change which suspect groups are drawn.
    for kind, names in sorted(kinds.items(), key=lambda item: ("placebo" in item[0], item[0])):
        count = len(names) // 2 if len(kind) > 1 else min(len(names) // 2, most)
        drawn.extend(names[index] for index in rng.permutation(len(names))[:count])
    return frozenset(drawn)


_LEAST = 4


def run(case: InterventionContext) -> InterventionMeasurements | str:
    """Train one copy of the checkpoint on half of S and another on half of H, then score the halves left over.

    The gap shown is that between the twins: held-out documents after training on held-out ones, less suspect documents
    after training on suspect ones. The test looks at the mean of each document's losses under both copies: a copy that
    happened to train badly then touches both sides alike, and given the halves trained on, the groups left over are
    exchangeable wherever all groups are.
    """
    if why := case.too_few("relearn-half", _LEAST):
        return why
    roles = case.compared(_LEAST) if case.method == "full" else SIDES
    groups = {role: case.groups(role) for role in roles}
    drawn = trained_half(groups, case.rng("halves"))
    steps = tuple(sorted(set(case.budget.half_steps)))
    documents = case.documents(*roles)
    of_role = np.array([role for role in roles for _ in case.documents(role)])
    left = np.array([document.group not in drawn for document in documents], dtype=np.bool_)
    copies = []
    for role in roles:
        texts = tuple(document.text for document in case.documents(role) if document.group in drawn)
        if not texts:
            return f"relearn-half was left out: no group of the {role} set could be set apart for training"
        # The copy trained on held-out documents is beside every other; those others never meet.
        met = left & ((of_role == role) | (of_role == "heldout") | (role == "heldout"))
        scored = [documents[int(index)] for index in np.flatnonzero(met)]
        after = np.full((2, len(documents), len(steps)), np.nan)
        after[:, met] = case.bench.losses_along(case.training(texts), steps, scored)
        copies.append(copy_of((role,), after))
    trained = {role: sum(group in drawn for group in names) for role, names in groups.items()}
    counts = " and ".join(f"{trained[role]} of {len(groups[role])} groups of the {role} set" for role in roles)
    method = f"{case.budget.words(case.method)}; trained on {counts}, one copy each, and scored on the others"
    if "placebo" not in roles and case.corpus("placebo") is not None:
        method += "; no placebo: it has few groups, or would need a third training of a large model"
    return InterventionMeasurements(name="relearn-half", method=method, roles=roles, steps=steps, copies=tuple(copies))


HALF = Intervention("relearn-half", run)
