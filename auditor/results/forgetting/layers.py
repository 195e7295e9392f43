"""Layers: where in the network the trace sits, and how far the representation moved."""

from __future__ import annotations

from auditor.core.record import Count, Number, Record, Share
from auditor.results.separability import Interval


class LayerFinding(Record):
    """One layer of one checkpoint, on hidden states averaged over the text tokens of each document.

    Attributes:
        layer: 0 is the embeddings.
        probe_auc: Out-of-fold linear probe of suspect against held-out groups, the engine's folds.
        probe_interval: Its interval.
        probe_p_value: The engine's permutation p-value.
        probe_p_adjusted: Over the layers of this checkpoint (Holm).
        procrustes: Procrustes distance to the origin's layer on general text, 0 identical up to rotation and scale, 2
            at most; None at the origin, without general text, or where its states do not vary.
        procrustes_chance: The same for a random matching of texts: what no relation looks like. With fewer texts than
            dimensions it is far below 2, since a rotation can then fit much of what has nothing in common.
        neighbours: Mean share of a general text's nearest neighbours kept since the origin (cosine).
        neighbours_chance: The same for a random matching of texts: what no relation looks like.
        cka: Linear centred kernel alignment with the origin, unbiased (Song et al. 2012; Kornblith et al. 2019): stays
            near 1 even for wrecked models, so no alarm rests on it.
    """

    layer: Count
    probe_auc: Share
    probe_interval: Interval
    probe_p_value: Share
    probe_p_adjusted: Share
    procrustes: Number | None
    procrustes_chance: Number | None = None
    neighbours: Share | None
    neighbours_chance: Share | None
    cka: Number | None
