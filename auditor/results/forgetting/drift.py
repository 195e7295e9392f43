"""Drift: how far a checkpoint went from the origin on text that is on neither side, and in its weights."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record, Share
from auditor.results.forgetting.estimate import Estimate


class GeneralText(Record):
    """General text under a checkpoint.

    Attributes:
        documents: How many.
        loss: Bits per byte, mean over groups.
        change: Since the origin; None at it.
        divergence: Forward Kullback-Leibler divergence from the origin's next-token distribution to this one's, nats a
            token, from below: tokens outside the kept lists are taken together, which can only lower it. None at the
            origin.
        covered: Share of the origin's probability that the kept lists hold; the closer to 1, the tighter the bound.
        agreement: Share of tokens at which both have the same first choice; None at the origin.
    """

    documents: Count
    loss: Estimate
    change: Estimate | None
    divergence: Estimate | None
    covered: Share | None
    agreement: Estimate | None


class Wreckage(Record):
    """Whether the checkpoint got far worse at everything, so that silence about the suspect set says little.

    Attributes:
        measured_on: General text where it was given, else the held-out set.
        ratio: Loss on it over that of the origin.
        limit: The policy's limit.
        wrecked: The lower end of the ratio's interval exceeds the limit.
    """

    measured_on: Literal["general", "heldout"]
    ratio: Estimate
    limit: Number
    wrecked: bool


class LayerWeights(Record):
    """The weights of one layer beside the origin's.

    Attributes:
        layer: `embeddings`, `layer 0` onwards, `final norm`, `head`.
        parameters: How many.
        relative_change: Frobenius norm of the change over that of the origin's weights.
        frozen: No weight differs.
        effective_rank: Exponential of the entropy of the normalised singular values of the change (Roy and Vetterli
            2007), the largest over the layer's matrices; None where nothing changed or a matrix is too large.
        full_rank: The rank that matrix could have.
    """

    layer: str
    parameters: Count
    relative_change: Number
    frozen: bool
    effective_rank: Number | None
    full_rank: Count | None


class WeightChange(Record):
    """The weights of a checkpoint beside the origin's.

    Attributes:
        kind: What the change looks like: `identical`, `adapter` (a low-rank change by an adapter), `partial` (whole
            layers frozen), `full`, or `not compared`.
        reason: In a sentence; why not, where it was not compared.
        relative_change: Over all weights.
        layers: Layer by layer; empty where not compared.
    """

    kind: Literal["identical", "adapter", "partial", "full", "not compared"]
    reason: str
    relative_change: Number | None
    layers: tuple[LayerWeights, ...]
