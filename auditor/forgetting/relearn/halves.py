"""Which groups are trained on and which are left to be scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auditor.results.forgetting.measurements import Role


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
