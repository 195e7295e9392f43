"""General text over the series: loss, divergence from the origin and agreement with it."""

from __future__ import annotations

import numpy as np

from auditor.errors import RunError
from auditor.forgetting.findings.drift import GeneralText
from auditor.forgetting.findings.estimate import Estimate
from auditor.forgetting.measures.bootstrap import Resampler, estimate
from auditor.forgetting.measures.columns import read_columns
from auditor.forgetting.measures.divergence import compare
from auditor.forgetting.measures.levels import by_group, levels
from auditor.forgetting.series import Series
from auditor.inference.design import Floats
from auditor.inference.threads import one_blas_thread


def measure_general(series: Series, *, rng: np.random.Generator, bootstraps: int = 1000) -> dict[str, GeneralText]:
    """What every checkpoint makes of text that is on neither side.

    Divergence, covered share and agreement are means over the tokens of a document, then over the documents of a group,
    then over groups. Unit: the group. Assumption: groups are independent.

    Args:
        series: The scored series, with general text.
        rng: Draws the bootstrap samples.
        bootstraps: How many.

    Returns:
        By name, in the order of the series; divergence, covered share and agreement are None where the most probable
        tokens were not kept.

    Raises:
        RunError: There is no general text, or records are missing or of other documents.
    """
    if "general" not in series.corpora:
        raise RunError("the series has no general text", hint="Give some, or leave its measures out.")
    columns = read_columns(series, "general")
    with one_blas_thread():
        losses = by_group(columns.groups, columns.values["loss"])
        resampler = Resampler.of_one_set(len(losses), bootstraps=bootstraps, rng=rng)
        found = {}
        for at, level in enumerate(levels(losses, resampler)):
            name = series.checkpoints[at].name
            divergence, covered, agreement = _beside_origin(series, name, columns.kept, columns.groups, resampler)
            found[name] = GeneralText(
                documents=len(columns.documents),
                loss=level.loss,
                change=level.change,
                divergence=divergence if at else None,
                covered=covered,
                agreement=agreement if at else None,
            )
    return found


def _beside_origin(
    series: Series, name: str, kept: tuple[int, ...], groups: tuple[str, ...], resampler: Resampler
) -> tuple[Estimate | None, float | None, Estimate | None]:
    """Divergence, covered share and agreement of a checkpoint and the origin."""
    first, traces = (series.readings[checkpoint, "general"].traces for checkpoint in (series.origin.name, name))
    if not first or not traces:
        return None, None, None
    rows = np.empty((len(kept), 3))
    for row, index in enumerate(kept):
        pair = compare(first[index], traces[index])
        if pair is None:
            return None, None, None
        rows[row] = pair.divergence.mean(), pair.covered.mean(), pair.agree.mean()
    means: Floats = by_group(groups, rows)
    samples = resampler.means(means)
    divergence, covered, agreement = means.mean(axis=0).tolist()
    return estimate(divergence, samples[:, 0]), covered, estimate(agreement, samples[:, 2])
