"""Layers: where in the network the trace sits, and how far the representation moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Number, Record, Share
from auditor.results.separability import Interval

HIDDEN_STATES = Unverifiable(
    "measures of weights and hidden states of a series, on which no state rests and which only the models show"
)


class LayerFinding(Record):
    """One layer of one checkpoint, on hidden states averaged over the text tokens of each document."""

    layer: Annotated[Count, HIDDEN_STATES]
    """0 is the embeddings."""

    probe_auc: Annotated[Share, HIDDEN_STATES]
    """Out-of-fold linear probe of suspect against held-out groups, the engine's folds."""

    probe_interval: Annotated[Interval, replace(HIDDEN_STATES, parts=(".*",))]
    """Its interval."""

    probe_p_value: Annotated[Share, HIDDEN_STATES]
    """The engine's permutation p-value."""

    probe_p_adjusted: Share
    """Over the layers of this checkpoint (Holm)."""

    procrustes: Annotated[Number | None, HIDDEN_STATES]
    """Procrustes distance to the origin's layer on general text, 0 identical up to rotation and scale, 2 at most;
    None at the origin, without general text, or where its states do not vary."""

    procrustes_chance: Annotated[Number | None, HIDDEN_STATES] = None
    """The same for a random matching of texts: what no relation looks like. With fewer texts than dimensions it is
    far below 2, since a rotation can then fit much of what has nothing in common."""

    neighbours: Annotated[Share | None, HIDDEN_STATES]
    """Mean share of a general text's nearest neighbours kept since the origin (cosine)."""

    neighbours_chance: Annotated[Share | None, HIDDEN_STATES]
    """The same for a random matching of texts: what no relation looks like."""

    cka: Annotated[Number | None, HIDDEN_STATES]
    """Linear centred kernel alignment with the origin, unbiased (Song et al. 2012; Kornblith et al. 2019): stays
    near 1 even for collapsed models, so no alarm rests on it."""
