"""What a change of weights looks like, in a word and a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from auditor.forgetting.weights.compare import Change
from auditor.forgetting.weights.names import layer_of
from auditor.results.forgetting.drift import LayerWeights

Kind = Literal["identical", "adapter", "partial", "full"]

_LOW = 0.25
"""Changes of an effective rank up to this part of the full one look like those of a merged adapter."""


def kind_of(changes: Mapping[str, Change], layers: Sequence[LayerWeights], *, adapted: bool) -> tuple[Kind, str]:
    """Name the change.

    Args:
        changes: By tensor.
        layers: The same by layer.
        adapted: Whether one of the two checkpoints is an adapter over a base.

    Returns:
        The kind and the reason for it.
    """
    changed = {name: change for name, change in changes.items() if change.changed}
    if not changed:
        return "identical", "No weight differs from the origin's."
    if adapted and all(change.by_adapter is not None for change in changed.values()):
        return "adapter", _adapter_sentence(changed)
    ranks = _low_ranks(changed)
    if not adapted and ranks:
        return "adapter", (
            f"Only {_count(len(ranks), 'matrix', 'matrices')} of numbered layers differ, each by a change of low rank"
            f" (effectively {max(ranks):.1f} at most): what an adapter leaves that was merged."
        )
    frozen = [layer.layer for layer in layers if layer.frozen]
    if frozen:
        return "partial", f"Frozen: {', '.join(frozen)}; all else differs ({len(layers) - len(frozen)} layers)."
    return "full", f"All {len(layers)} layers differ."


def _adapter_sentence(changed: Mapping[str, Change]) -> str:
    ranks = [change.effective_rank for change in changed.values() if change.by_adapter == "added"]
    whole = len(changed) - len(ranks)
    told = []
    if ranks:
        highest = max(rank for rank in ranks if rank is not None)
        told.append(
            f"adds to {_count(len(ranks), 'matrix', 'matrices')} changes of effective rank {highest:.1f} at most"
        )
    if whole:
        told.append(f"replaces {_count(whole, 'tensor', 'tensors')} whole")
    return f"The weights under the adapter are the same; it {' and '.join(told)}."


def _low_ranks(changed: Mapping[str, Change]) -> list[float]:
    """Effective ranks of the changes where all are low and none is outside the numbered layers' matrices."""
    ranks = []
    for name, change in changed.items():
        if change.effective_rank is None or change.full_rank is None or not layer_of(name).startswith("layer "):
            return []
        if change.effective_rank > _LOW * change.full_rank:
            return []
        ranks.append(change.effective_rank)
    return ranks


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
