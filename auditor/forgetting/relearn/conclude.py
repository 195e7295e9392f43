"""Findings of the interventions from the losses along their steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from auditor.core.seeds import stream
from auditor.forgetting.relearn.curve import Losses, describe_curve, summarise_curve, units_of
from auditor.inference.design import Floats
from auditor.inference.multiplicity import holm
from auditor.results.forgetting.measurements import (
    CopyMeasurements,
    InterventionMeasurements,
    RelearningMeasurements,
    Role,
    SeriesMeasurements,
)
from auditor.results.forgetting.relearning import Probe, ProbePoint, Relearning


def conclude_relearning(
    measurements: SeriesMeasurements, *, seed: int, permutations: int, alpha: float, bootstraps: int = 1000
) -> dict[str, Relearning]:
    """Test and describe every intervention, corrected for the number of interventions.

    Args:
        measurements: The series with its interventions.
        seed: Seed of the audit.
        permutations: Random permuted labels of each test.
        alpha: Level of a recovery, corrected over all interventions; also of the placebo's, uncorrected.
        bootstraps: Bootstrap samples of groups behind each interval.

    Returns:
        Findings by checkpoint, for checkpoints with interventions.

    Raises:
        UsageError: A set has fewer than two groups with a scored token.
    """
    uncorrected = {
        checkpoint.name: Relearning(
            probes=tuple(
                _tested(measurements, index, checkpoint.relearning, probe, seed, permutations, bootstraps)
                for probe in checkpoint.relearning.probes
            ),
            not_run=checkpoint.relearning.not_run,
            budget=checkpoint.relearning.budget,
        )
        for index, checkpoint in enumerate(measurements.checkpoints)
        if checkpoint.relearning is not None
    }
    return adjust(uncorrected, alpha)


def adjust(uncorrected: Mapping[str, Relearning], alpha: float) -> dict[str, Relearning]:
    """Correct for the number of interventions and checkpoints, and decide which interventions recovered the set.

    Null of each p-value: suspect groups score no better than held-out ones after the intervention, or have not gained
    more by it. Source: Holm 1979.

    Args:
        uncorrected: Findings by checkpoint.
        alpha: Level of a recovery, corrected over all interventions; also of the placebo's, uncorrected.

    Returns:
        The findings with `p_adjusted` and `recovered`, which is false where the placebo set recovered too.
    """
    adjusted = iter(holm([probe.p_value for relearning in uncorrected.values() for probe in relearning.probes]))

    def corrected(probe: Probe) -> Probe:
        p = next(adjusted)
        control = probe.placebo_p_value
        recovered = p <= alpha and (control is None or control > alpha)
        return probe.model_copy(update={"p_adjusted": p, "recovered": recovered})

    return {
        name: relearning.model_copy(update={"probes": tuple(corrected(probe) for probe in relearning.probes)})
        for name, relearning in uncorrected.items()
    }


def _tested(
    measurements: SeriesMeasurements,
    index: int,
    relearning: RelearningMeasurements,
    probe: InterventionMeasurements,
    seed: int,
    permutations: int,
    bootstraps: int,
) -> Probe:
    """The finding of one intervention, not corrected for the others."""

    def rng(purpose: str) -> np.random.Generator:
        return stream(seed, f"relearn {probe.name} {purpose}")

    units = units_of(_losses(measurements, index, relearning, probe, "suspect"), rng("order"))
    outcome = summarise_curve(units, permutations=permutations, rng=rng("labels"))
    curve = describe_curve(units, bootstraps=bootstraps, rng=rng("bootstrap"))
    placebo, placebo_p = None, None
    if "placebo" in probe.roles:
        control = units_of(_losses(measurements, index, relearning, probe, "placebo"), rng("placebo order"))
        placebo_p = summarise_curve(control, permutations=permutations, rng=rng("placebo labels")).both
        placebo = describe_curve(control, bootstraps=bootstraps, rng=rng("placebo bootstrap"))
    points = tuple(
        ProbePoint(
            steps=step,
            **asdict(figures),
            placebo_gap=None if placebo is None else placebo[number].gap,
        )
        for number, (step, figures) in enumerate(zip((0, *probe.steps), curve, strict=True))
    )
    return Probe(
        name=probe.name,
        method=probe.method,
        points=points,
        after_p_value=outcome.after,
        rise_p_value=outcome.rise,
        p_value=outcome.both,
        p_adjusted=outcome.both,
        placebo_p_value=placebo_p,
        recovered=False,
    )


def _losses(
    measurements: SeriesMeasurements,
    index: int,
    relearning: RelearningMeasurements,
    probe: InterventionMeasurements,
    suspect: Role,
) -> Losses:
    """The losses of one set and the held-out set along an intervention.

    Figures use the losses of a document under the copy of its own set. Tests use the mean of its losses under the
    copies of both sets, in three readings. Loss per byte varies with the difficulty of a text and its tokenization,
    loss per token with the difficulty alone. Loss per byte less that at the origin varies with neither: it is by far
    the most powerful where the origin had not seen the suspect set, and useless where it had. No reading depends on the
    side of a document, and the permutation test of the largest statistic accounts for the choice.
    """
    per_byte = np.vstack([measurements.sets[role].measures["loss"] for role in probe.roles])
    per_token = np.array(relearning.per_token[: len(per_byte)], dtype=np.float64)
    before = np.stack([per_byte[:, index], per_token])[:, :, None]
    mine, other = (np.concatenate([before, _after(probe, role)], axis=2) for role in (suspect, "heldout"))
    tested = (mine + other) / 2
    if index:
        tested = np.concatenate([tested, tested[:1] - per_byte[None, :, :1]])
    roles = np.array([role for role in probe.roles for _ in measurements.sets[role].ids])
    groups = [group for role in probe.roles for group in measurements.sets[role].groups]
    is_suspect = roles == suspect
    rows = np.flatnonzero(is_suspect | (roles == "heldout"))
    return Losses(
        shown=np.where(is_suspect[:, None], mine[0], other[0])[rows],
        tested=tested[:, rows],
        groups=[groups[row] for row in rows.tolist()],
        suspect=is_suspect[rows],
    )


def _after(probe: InterventionMeasurements, role: Role) -> Floats:
    """Losses [units of loss, documents, steps] under the copy that belongs to a set."""
    copy: CopyMeasurements = next(copy for copy in probe.copies if role in copy.sets)
    return np.stack([copy.per_byte, copy.per_token])
