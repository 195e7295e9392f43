"""Levels of loss over the series: held-out and general text, divergence from the origin, utility loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.core.errors import RunError
from auditor.forgetting.measures.bootstrap import NO_SPREAD, Resampler, estimate
from auditor.forgetting.measures.columns import Columns, read_columns
from auditor.inference.design import Floats
from auditor.inference.rows import unit_means
from auditor.inference.threads import one_blas_thread
from auditor.results.forgetting.drift import GeneralText, UtilityLoss
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import CheckpointMeasurements, Role, SeriesMeasurements
from auditor.results.forgetting.policy import ForgettingPolicy


@dataclass(frozen=True, slots=True)
class Level:
    """Loss of a set at one checkpoint, bits per byte, mean over groups.

    Attributes:
        loss: The loss.
        change: Change since the origin, paired by document; None at the origin.
    """

    loss: Estimate
    change: Estimate | None


def by_group(groups: tuple[str, ...], values: Floats) -> Floats:
    """Means [groups, columns] of documents [documents, columns] within groups; groups sorted by name."""
    names = {name: number for number, name in enumerate(sorted(set(groups)))}
    return unit_means(values, np.array([names[group] for group in groups], dtype=np.intp), len(names))


def levels(losses: Floats, resampler: Resampler) -> list[Level]:
    """The level at each checkpoint of losses [groups, checkpoints] of one set, the origin first."""
    means, samples = losses.mean(axis=0), resampler.means(losses)
    return [
        Level(
            estimate(means[index], samples[:, index]),
            estimate(means[index] - means[0], samples[:, index] - samples[:, 0]) if index else None,
        )
        for index in range(losses.shape[1])
    ]


def measure_heldout(
    measurements: SeriesMeasurements, *, rng: np.random.Generator, bootstraps: int = 1000
) -> dict[str, Level]:
    """Loss of the held-out documents and its change since the origin, at every checkpoint.

    Unit: the group. Assumption: groups are independent.

    Args:
        measurements: The series.
        rng: Draws the bootstrap samples.
        bootstraps: Bootstrap samples of groups behind each interval.
    """
    with one_blas_thread():
        losses, resampler = _losses(measurements, "heldout", rng, bootstraps)
        return dict(zip(measurements.names, levels(losses, resampler), strict=True))


def measure_utility_loss(
    measurements: SeriesMeasurements, *, policy: ForgettingPolicy, rng: np.random.Generator, bootstraps: int = 1000
) -> Mapping[str, UtilityLoss]:
    """Utility loss of each checkpoint but the origin: loss on general text relative to the origin's.

    Ratio of mean losses, numerator and denominator from the same bootstrap samples. Without general text the held-out
    set is used; it resembles the suspect set, so unlearning the suspect set may raise its loss too. Unit: the group.
    Assumption: groups are independent.

    Args:
        measurements: The series.
        policy: Limit of the ratio.
        rng: Draws the bootstrap samples.
        bootstraps: Bootstrap samples of groups behind each interval.

    Returns:
        By name, without the origin.
    """
    measured_on: Literal["general", "heldout"] = "general" if "general" in measurements.sets else "heldout"
    with one_blas_thread():
        losses, resampler = _losses(measurements, measured_on, rng, bootstraps)
        samples = resampler.means(losses)
    means = losses.mean(axis=0)
    by_name = {}
    for index, name in enumerate(measurements.names[1:], start=1):
        ratio = estimate(
            means[index] / max(means[0], NO_SPREAD), samples[:, index] / np.maximum(samples[:, 0], NO_SPREAD)
        )
        by_name[name] = UtilityLoss(
            measured_on=measured_on,
            ratio=ratio,
            limit=policy.collapse_ratio,
            collapsed=ratio.low > policy.collapse_ratio,
        )
    return by_name


def _losses(
    measurements: SeriesMeasurements, role: Role, rng: np.random.Generator, bootstraps: int
) -> tuple[Floats, Resampler]:
    columns = read_columns(measurements, role)
    losses = by_group(columns.groups, columns.values["loss"])
    return losses, Resampler.of_one_set(len(losses), bootstraps=bootstraps, rng=rng)


def measure_general(
    measurements: SeriesMeasurements, *, rng: np.random.Generator, bootstraps: int = 1000
) -> dict[str, GeneralText]:
    """Loss of general text at every checkpoint, with divergence from the origin and agreement with it.

    Divergence, covered share and agreement are means over the tokens of a document, then over the documents of a group,
    then over groups. Unit: the group. Assumption: groups are independent.

    Args:
        measurements: The series, with general text.
        rng: Draws the bootstrap samples.
        bootstraps: Bootstrap samples of groups behind each interval.

    Returns:
        By name, in the order of the series; divergence, covered share and agreement are None where the lists of most
        probable tokens are not stored.

    Raises:
        RunError: There is no general text.
    """
    if "general" not in measurements.sets:
        raise RunError("the series has no general text", hint="Give general text, or leave its measures out.")
    columns = read_columns(measurements, "general")
    with one_blas_thread():
        losses = by_group(columns.groups, columns.values["loss"])
        resampler = Resampler.of_one_set(len(losses), bootstraps=bootstraps, rng=rng)
        texts = {}
        for index, (checkpoint, level) in enumerate(
            zip(measurements.checkpoints, levels(losses, resampler), strict=True)
        ):
            divergence, covered, agreement = _vs_origin(checkpoint, columns, resampler)
            texts[checkpoint.name] = GeneralText(
                documents=len(columns.ids),
                loss=level.loss,
                change=level.change,
                divergence=divergence if index else None,
                covered=covered,
                agreement=agreement if index else None,
            )
    return texts


def _vs_origin(
    checkpoint: CheckpointMeasurements, columns: Columns, resampler: Resampler
) -> tuple[Estimate | None, float | None, Estimate | None]:
    """Divergence, covered share and agreement of a checkpoint and the origin."""
    if not len(checkpoint.vs_origin):
        return None, None, None
    means: Floats = by_group(columns.groups, checkpoint.vs_origin[columns.has_value])
    samples = resampler.means(means)
    divergence, covered, agreement = means.mean(axis=0).tolist()
    return estimate(divergence, samples[:, 0]), covered, estimate(agreement, samples[:, 2])
