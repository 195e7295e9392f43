"""LLM Dataset Inference as published, on the single-pass part of its features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.inference.design import Floats
from auditor.inference.llm_di import llm_dataset_inference
from auditor.membership.procedures.published import PublishedProcedure
from auditor.results.result import Procedure

SOURCE = "Maini et al. 2024, LLM Dataset Inference (arXiv 2406.06443), section 5.1; its features of one pass"


def _run(values: Floats, suspect: Sequence[bool], rng: np.random.Generator) -> Procedure:
    """Run the procedure with documents as its chunks."""
    usable = ~np.isnan(values).all(axis=0)
    inference = llm_dataset_inference(values[:, usable], np.array(suspect), rng=rng)
    return Procedure(
        name="llm-di",
        p_value=inference.p_value,
        threshold=inference.threshold,
        detects=inference.detects,
        source=SOURCE,
        caveat="The unit is the document whatever the groups; no guard is part of it; its combination of seeds is not "
        "calibrated, so its p-value is no error rate.",
        details={
            "features": float(usable.sum()),
            "smallest p of a seed": min(inference.seed_p_values),
            "largest p of a seed": max(inference.seed_p_values),
            "seeds": float(len(inference.seed_p_values)),
        },
    )


LLM_DI = PublishedProcedure("llm-di", SOURCE, "llm-di", _run)
