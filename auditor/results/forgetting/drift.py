"""Drift: how far a checkpoint moved from the origin on text of neither side, and in its weights."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record, Share
from auditor.results.forgetting.estimate import Estimate


class GeneralText(Record):
    """General text under a checkpoint."""

    documents: Count
    """How many."""

    loss: Estimate
    """Bits per byte, mean over groups."""

    change: Estimate | None
    """Since the origin; None at it."""

    divergence: Estimate | None
    """Forward Kullback-Leibler divergence from the origin's next-token distribution to this one's, nats a token,
    a lower bound: tokens outside the stored lists are taken together, which can only lower it. None at the origin."""

    covered: Share | None
    """Share of the origin's probability that the stored lists hold; the closer to 1, the tighter the bound."""

    agreement: Estimate | None
    """Share of tokens at which both have the same first choice; None at the origin."""


class UtilityLoss(Record):
    """Whether the checkpoint got far worse at everything, so that silence about the suspect set says little."""

    measured_on: Literal["general", "heldout"]
    """General text where it was given, else the held-out set."""

    ratio: Estimate
    """Loss on it over that of the origin."""

    limit: Number
    """The policy's limit."""

    collapsed: bool
    """The lower end of the ratio's interval exceeds the limit."""


class LayerWeights(Record):
    """The weights of one layer compared with those of the origin."""

    layer: str
    """`embeddings`, `layer 0` onwards, `final norm`, `head`."""

    parameters: Count
    """How many."""

    relative_change: Number
    """Frobenius norm of the change over that of the origin's weights."""

    frozen: bool
    """No weight differs."""

    effective_rank: Number | None
    """Exponential of the entropy of the normalised singular values of the change (Roy and Vetterli 2007), the
    largest over the layer's matrices; None where nothing changed or a matrix is too large."""

    full_rank: Count | None
    """The rank that matrix could have."""


class WeightChange(Record):
    """The weights of a checkpoint compared with those of the origin."""

    kind: Literal["identical", "adapter", "partial", "full", "not compared"]
    """Kind of the change: `identical`, `adapter` (a low-rank change by an adapter), `partial` (whole layers
    frozen), `full`, or `not compared`."""

    reason: str
    """In a sentence; why not, where it was not compared."""

    relative_change: Number | None
    """Over all weights."""

    layers: tuple[LayerWeights, ...]
    """Layer by layer; empty where not compared."""
