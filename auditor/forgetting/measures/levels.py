"""Levels of loss over the series, utility loss, divergence from the origin, and the changes of single documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.core.errors import RunError
from auditor.features.table import unit_means
from auditor.forgetting.measures.bootstrap import NO_SPREAD, Resampler, change_since_origin, estimate
from auditor.forgetting.measures.columns import Columns, read_columns
from auditor.forgetting.measures.memorisation import memorised_threshold
from auditor.inference.design import Floats
from auditor.inference.threads import one_blas_thread
from auditor.results.forgetting.drift import GeneralText, UtilityLoss
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import CheckpointMeasurements, Role, SeriesMeasurements
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.series import ChangeDeciles, DocumentChange


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
        Level(estimate(means[index], samples[:, index]), change_since_origin(means, samples, index))
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
        losses, resampler = _losses(measurements, "general", rng, bootstraps)
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


DECILES = tuple(number / 10 for number in range(1, 10))


def largest_changes(measurements: SeriesMeasurements, *, limit: int = 20) -> tuple[DocumentChange, ...]:
    """The suspect documents with the largest change at any checkpoint, the largest first.

    The change is that of bits per byte since the origin less the mean change of the held-out documents. The largest of
    many is large by selection, so the list is descriptive and no evidence.

    Args:
        measurements: The series.
        limit: Most documents listed.
    """
    suspect, heldout = read_columns(measurements, "suspect"), read_columns(measurements, "heldout")
    changes = _changes(suspect, heldout)
    memorised = suspect.values["exact-memorisation"] > memorised_threshold(heldout)
    largest = np.abs(changes).max(axis=1)
    order = sorted(range(len(largest)), key=lambda row: (-largest[row], suspect.ids[row]))
    return tuple(
        DocumentChange(
            id=suspect.ids[row],
            group=suspect.groups[row],
            moves=tuple(changes[row].tolist()),
            memorised=tuple(memorised[row].tolist()),
        )
        for row in order[:limit]
    )


def change_deciles(measurements: SeriesMeasurements) -> ChangeDeciles:
    """Deciles of the changes of all suspect and of all held-out documents at each checkpoint."""
    suspect, heldout = read_columns(measurements, "suspect"), read_columns(measurements, "heldout")
    return ChangeDeciles(suspect=_deciles(_changes(suspect, heldout)), heldout=_deciles(_changes(heldout, heldout)))


def _changes(columns: Columns, heldout: Columns) -> Floats:
    """Changes [documents, checkpoints] since the origin less the mean change of the held-out documents."""
    since_origin, drift = (part.values["loss"] - part.values["loss"][:, :1] for part in (columns, heldout))
    changes: Floats = since_origin - drift.mean(axis=0)
    return changes


def _deciles(changes: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.quantile(changes, DECILES, axis=0).T.tolist())
