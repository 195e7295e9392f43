"""Relearn-half: train on half of the groups of a set, score the other half, with a copy trained on held-out groups.

Source: Deeb and Roger 2024 (arXiv 2410.08827) train on a part of the facts and test the others; the copy trained on
held-out documents, and the test, are new here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auditor.forgetting.relearn.intervention import SIDES, Intervention, InterventionContext, copy_of
from auditor.results.forgetting.measurements import InterventionMeasurements, Role


def trained_half(groups: Mapping[Role, Sequence[str]], rng: np.random.Generator) -> frozenset[str]:
    """Draw half of the groups at random, as many of the suspect as of the held-out set.

    A group is trained on whole or not at all, in all sets that contain it: half of an author's texts would reveal the
    other half. The draw depends on names alone, so given the drawn half, the remaining groups are exchangeable between
    the sets wherever all groups are.

    Args:
        groups: Distinct groups of each set: `suspect`, `heldout` and possibly others.
        rng: Draws the half.

    Returns:
        Names of the groups to train on. Of the groups of a single set at most half as many are drawn as the smaller of
        `suspect` and `heldout` has.
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


def run(context: InterventionContext) -> InterventionMeasurements | str:
    """Train one copy on half of the suspect groups and one on half of the held-out groups, and score the other halves.

    The gap is held-out documents after training on held-out ones less suspect documents after training on suspect ones.
    The test uses the mean of the losses of each document under both copies: a copy that trained badly then affects both
    sides alike, and given the drawn halves, the other groups are exchangeable wherever all groups are.
    """
    if reason := context.too_few("relearn-half", _LEAST):
        return reason
    roles = context.compared(_LEAST) if context.method == "full" else SIDES
    groups = {role: context.groups(role) for role in roles}
    drawn = trained_half(groups, context.rng("halves"))
    steps = tuple(sorted(set(context.budget.half_steps)))
    documents = context.documents(*roles)
    of_role = np.array([role for role in roles for _ in context.documents(role)])
    left = np.array([document.group not in drawn for document in documents], dtype=np.bool_)
    copies = []
    for role in roles:
        texts = tuple(document.lesson for document in context.documents(role) if document.group in drawn)
        if not texts:
            return f"relearn-half did not run: no group of the {role} set is left for training"
        # Each set is compared with held-out alone, so only the held-out copy scores every document.
        compared = left & ((of_role == role) | (of_role == "heldout") | (role == "heldout"))
        scored = [documents[int(index)] for index in np.flatnonzero(compared)]
        after = np.full((2, len(documents), len(steps)), np.nan)
        after[:, compared] = context.runner.losses_along(context.training(texts), steps, scored)
        copies.append(copy_of((role,), after))
    trained = {role: sum(group in drawn for group in names) for role, names in groups.items()}
    counts = " and ".join(f"{trained[role]} of {len(groups[role])} groups of the {role} set" for role in roles)
    method = (
        f"{context.budget.describe(context.method)}; trained on {counts}, one copy each, and scored on the other groups"
    )
    if "placebo" not in roles and context.corpus("placebo") is not None:
        method += "; no placebo: it has too few groups, or would need a third training of a large model"
    return InterventionMeasurements(name="relearn-half", method=method, roles=roles, steps=steps, copies=tuple(copies))


HALF = Intervention("relearn-half", run)
