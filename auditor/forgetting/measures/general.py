"""General text over the series: loss, divergence from the origin and agreement with it."""

from __future__ import annotations

import numpy as np

from auditor.core.errors import RunError
from auditor.forgetting.measures.bootstrap import Resampler, estimate
from auditor.forgetting.measures.columns import Columns, read_columns
from auditor.forgetting.measures.levels import by_group, levels
from auditor.inference.design import Floats
from auditor.inference.threads import one_blas_thread
from auditor.results.forgetting.drift import GeneralText
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import CheckpointMeasurements, SeriesMeasurements
from auditor.results.tables import from_cells


def measure_general(
    measurements: SeriesMeasurements, *, rng: np.random.Generator, bootstraps: int = 1000
) -> dict[str, GeneralText]:
    """What every checkpoint makes of text that is on neither side.

    Divergence, covered share and agreement are means over the tokens of a document, then over the documents of a group,
    then over groups. Unit: the group. Assumption: groups are independent.

    Args:
        measurements: The series, with general text.
        rng: Draws the bootstrap samples.
        bootstraps: How many.

    Returns:
        By name, in the order of the series; divergence, covered share and agreement are None where the most probable
        tokens were not kept.

    Raises:
        RunError: There is no general text.
    """
    if "general" not in measurements.sets:
        raise RunError("the series has no general text", hint="Give some, or leave its measures out.")
    columns = read_columns(measurements, "general")
    with one_blas_thread():
        losses = by_group(columns.groups, columns.values["loss"])
        resampler = Resampler.of_one_set(len(losses), bootstraps=bootstraps, rng=rng)
        found = {}
        for at, (checkpoint, level) in enumerate(zip(measurements.checkpoints, levels(losses, resampler), strict=True)):
            divergence, covered, agreement = _beside_origin(checkpoint, columns, resampler)
            found[checkpoint.name] = GeneralText(
                documents=len(columns.ids),
                loss=level.loss,
                change=level.change,
                divergence=divergence if at else None,
                covered=covered,
                agreement=agreement if at else None,
            )
    return found


def _beside_origin(
    checkpoint: CheckpointMeasurements, columns: Columns, resampler: Resampler
) -> tuple[Estimate | None, float | None, Estimate | None]:
    """Divergence, covered share and agreement of a checkpoint and the origin."""
    if not checkpoint.vs_origin:
        return None, None, None
    means: Floats = by_group(columns.groups, from_cells(checkpoint.vs_origin)[columns.kept])
    samples = resampler.means(means)
    divergence, covered, agreement = means.mean(axis=0).tolist()
    return estimate(divergence, samples[:, 0]), covered, estimate(agreement, samples[:, 2])
