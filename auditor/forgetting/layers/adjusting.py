"""Correcting the probes of layers for their number."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.inference.multiplicity import holm
from auditor.results.forgetting.layers import LayerFinding


def with_holm(findings: Sequence[LayerFinding]) -> tuple[LayerFinding, ...]:
    """The layers of one checkpoint with their probes' p-values adjusted over them."""
    adjusted = holm([finding.probe_p_value for finding in findings])
    return tuple(
        finding.model_copy(update={"probe_p_adjusted": p}) for finding, p in zip(findings, adjusted, strict=True)
    )
